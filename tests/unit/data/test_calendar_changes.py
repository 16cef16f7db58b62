"""What holds after a date of the calendar is moved, by the very rules by which the night reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.calendar_changes import CalendarChange, ChangeKind, changed, difference
from data.calendar_rows import Calendar, Scope, Step, Window
from data.errors import InSeasonError
from data.records import WindowStatus
from data.selling_windows import planned_price_ratio, resolve

TODAY = date(2026, 6, 14)
ZONES = {"P1": "hot", "P2": "hot", "S1": "cool"}
CHAIN = Scope()
STYLES = ("TIDE", "MARLIN")
RANGED = pd.DataFrame(
    [(store, style, "swim", zone) for store, zone in ZONES.items() for style in STYLES],
    columns=["store_id", "style_id", "category", "climate_zone"],
)
WEEKS_LAST = pd.Timedelta(days=6)
TODAYS = pd.Timestamp(TODAY) - WEEKS_LAST
FLOOR_SET, EXIT, LATER = date(2026, 2, 9), date(2026, 7, 5), date(2026, 9, 6)


def window(scope: Scope = CHAIN, **changes) -> Window:
    plain = Window("swim", "SS26", scope, WindowStatus.CURRENT, FLOOR_SET, EXIT)
    return replace(plain, **changes)


def step(day: date, percent: float, scope: Scope = CHAIN) -> Step:
    return Step("swim", "SS26", scope, day, percent)


def calendar(*rows: Window | Step) -> Calendar:
    windows = tuple(row for row in rows if isinstance(row, Window))
    return Calendar(1, windows, tuple(row for row in rows if isinstance(row, Step)), ZONES)


def extend(to: date = LATER, **changes) -> CalendarChange:
    return CalendarChange(ChangeKind.EXTEND_EXIT, "swim", "SS26", to, **changes)


def hold(to: date, **changes) -> CalendarChange:
    return CalendarChange(ChangeKind.HOLD_MARKDOWN, "swim", "SS26", to, **changes)


def resolved(calendar: Calendar) -> dict[tuple[str, str], tuple[date, date]]:
    """Floor-set and exit of every store and style, as the night sees them."""
    frame = pd.DataFrame(
        [(w.category, w.season_code, w.floor_set, w.exit, *w.scope) for w in calendar.windows],
        columns=["category", "season_code", "floor_set", "exit", "climate_zone", "store_id", "style_id"],
    )
    frame = frame.assign(floor_set=pd.to_datetime(frame["floor_set"]), exit=pd.to_datetime(frame["exit"]))
    found = resolve(frame, RANGED)
    return {
        (row.store_id, row.style_id): (row.floor_set.date(), row.exit.date()) for row in found.itertuples()
    }


def price_ratios(calendar: Calendar) -> pd.Series:
    """The planned price of every store, style and week, as the night sees it."""
    frame = pd.DataFrame(
        [(s.category, s.season_code, s.effective_from, s.percent_off, *s.scope) for s in calendar.steps],
        columns=[
            "category",
            "season_code",
            "effective_from",
            "percent_off",
            "climate_zone",
            "store_id",
            "style_id",
        ],
    )
    frame = frame.assign(effective_from=pd.to_datetime(frame["effective_from"]))
    weeks = pd.date_range("2026-05-01", periods=150, freq="D")
    found = planned_price_ratio(frame, RANGED, list(weeks))
    keyed = found.set_index(["store_id", "style_id", "week"])["planned_ratio"]
    whole = pd.MultiIndex.from_product([list(ZONES), STYLES, weeks])
    return keyed.reindex(whole, fill_value=1.0).sort_index()


def test_extending_the_exit_of_one_store_adds_a_row_for_that_store() -> None:
    after = changed(calendar(window()), extend(store_ids=("P1",)), TODAY)

    assert after.windows == (window(), window(Scope(store_id="P1"), exit=LATER))


def test_a_store_whose_zone_has_dates_of_its_own_gets_one_row_with_them() -> None:
    zone = window(Scope(climate_zone="hot"), floor_set=date(2026, 1, 12))
    after = changed(calendar(window(), zone), extend(store_ids=("P1",)), TODAY)

    assert after.windows == (window(), zone, replace(zone, scope=Scope(store_id="P1"), exit=LATER))


def test_extending_the_exit_of_the_chain_moves_its_row() -> None:
    after = changed(calendar(window()), extend(), TODAY)

    assert after.windows == (window(exit=LATER),)


def test_a_styles_own_dates_in_that_store_are_extended_too() -> None:
    own = window(Scope(style_id="TIDE"), floor_set=date(2026, 3, 1))
    after = changed(calendar(window(), own), extend(store_ids=("P1",)), TODAY)

    assert resolved(after)["P1", "TIDE"] == (date(2026, 3, 1), LATER)
    assert resolved(after)["P1", "MARLIN"] == (FLOOR_SET, LATER)
    assert resolved(after)["P2", "TIDE"] == (date(2026, 3, 1), EXIT)


def test_a_style_that_stays_longer_already_is_not_cut_short() -> None:
    longer = window(Scope(style_id="TIDE"), exit=date(2026, 12, 31))
    after = changed(calendar(window(), longer), extend(climate_zones=("hot",)), TODAY)

    assert resolved(after)["P1", "TIDE"] == (FLOOR_SET, date(2026, 12, 31))
    assert resolved(after)["P1", "MARLIN"] == (FLOOR_SET, LATER)
    assert resolved(after)["S1", "MARLIN"] == (FLOOR_SET, EXIT)


def test_only_the_year_that_is_meant_moves() -> None:
    last = window(floor_set=FLOOR_SET - timedelta(weeks=52), exit=EXIT - timedelta(weeks=52))
    after = changed(calendar(last, window()), extend(near=EXIT), TODAY)

    assert set(after.windows) == {last, window(exit=LATER)}


def test_a_draft_is_not_touched_by_a_change_of_what_is_in_force() -> None:
    draft = window(status=WindowStatus.DRAFT)
    after = changed(calendar(draft, window()), extend(), TODAY)

    assert set(after.windows) == {draft, window(exit=LATER)}


def test_the_floor_set_comes_forward() -> None:
    coming = window(floor_set=date(2026, 8, 1), exit=date(2026, 12, 1))
    change = CalendarChange(
        ChangeKind.BRING_FLOOR_SET_FORWARD, "swim", "SS26", date(2026, 7, 1), climate_zones=("cool",)
    )
    after = changed(calendar(coming), change, TODAY)

    assert resolved(after)["S1", "TIDE"] == (date(2026, 7, 1), date(2026, 12, 1))
    assert resolved(after)["P1", "TIDE"] == (date(2026, 8, 1), date(2026, 12, 1))


SCOPES = st.builds(
    Scope,
    climate_zone=st.sampled_from(["", "", "hot", "cool"]),
    store_id=st.sampled_from(["", "", *ZONES]),
    style_id=st.sampled_from(["", "", *STYLES]),
)
TARGETS = st.fixed_dictionaries(
    {},
    optional={
        "climate_zones": st.sampled_from([("hot",), ("cool",)]),
        "store_ids": st.lists(st.sampled_from(list(ZONES)), max_size=2, unique=True).map(tuple),
        "style_ids": st.lists(st.sampled_from(STYLES), max_size=1).map(tuple),
    },
)


def is_meant(change: CalendarChange, store: str, style: str) -> bool:
    places = change.store_ids or change.climate_zones
    placed = not places or (store in places if change.store_ids else ZONES[store] in places)
    return placed and (not change.style_ids or style in change.style_ids)


@settings(max_examples=60, deadline=None)
@given(
    scopes=st.lists(SCOPES, max_size=7, unique=True),
    shifts=st.lists(st.integers(-40, 60), min_size=14, max_size=14),
    to=st.integers(-30, 120),
    target=TARGETS,
    kind=st.sampled_from([ChangeKind.EXTEND_EXIT, ChangeKind.BRING_FLOOR_SET_FORWARD]),
)
def test_exactly_what_was_meant_moves_whatever_rows_there_are(scopes, shifts, to, target, kind) -> None:
    rows = [
        window(scope, floor_set=FLOOR_SET + timedelta(days=a), exit=EXIT + timedelta(days=b))
        for scope, a, b in zip(scopes, shifts[::2], shifts[1::2], strict=False)
    ]
    moves_exit = kind is ChangeKind.EXTEND_EXIT
    day = (EXIT if moves_exit else FLOOR_SET) + timedelta(days=to)
    change = CalendarChange(kind, "swim", "SS26", day, near=date(2026, 5, 1), **target)
    before = resolved(calendar(*rows))
    try:
        after = resolved(changed(calendar(*rows), change, TODAY))
    except InSeasonError:
        after = before
    expected = {
        pair: (
            (floor_set if moves_exit else min(floor_set, day)),
            (max(leaves, day) if moves_exit else leaves),
        )
        if is_meant(change, *pair)
        else (floor_set, leaves)
        for pair, (floor_set, leaves) in before.items()
    }
    assert after == expected


def test_holding_the_markdown_moves_the_whole_ladder_by_as_many_days() -> None:
    plan = calendar(window(), step(date(2026, 6, 21), 25), step(date(2026, 7, 5), 50))
    after = changed(plan, hold(date(2026, 7, 12)), TODAY)

    assert after.steps == (step(date(2026, 7, 12), 25), step(date(2026, 7, 26), 50))


def test_holding_it_in_one_store_leaves_the_others_to_their_plan() -> None:
    plan = calendar(window(), step(date(2026, 6, 21), 25), step(date(2026, 7, 5), 50))
    after = price_ratios(changed(plan, hold(date(2026, 7, 12), store_ids=("P1",)), TODAY))

    assert after["P2"].equals(price_ratios(plan)["P2"])
    assert after.loc[("P1", "TIDE", pd.Timestamp("2026-07-01"))] == 1.0
    assert after.loc[("P1", "TIDE", pd.Timestamp("2026-07-19"))] == 0.75
    assert after.loc[("P1", "TIDE", pd.Timestamp("2026-07-20"))] == 0.5


def test_a_price_that_is_cut_already_stays_cut_while_the_next_step_is_held() -> None:
    plan = calendar(window(), step(date(2026, 6, 1), 25), step(date(2026, 6, 28), 50))
    after = price_ratios(changed(plan, hold(date(2026, 7, 12), store_ids=("P1",)), TODAY))

    held = after.loc[("P1", "TIDE", pd.Timestamp("2026-07-01"))]
    assert held == 0.75


@settings(max_examples=60, deadline=None)
@given(
    rows=st.lists(
        st.tuples(SCOPES, st.integers(-10, 60), st.sampled_from([20.0, 30.0, 50.0])),
        max_size=6,
        unique_by=lambda row: (row[0], row[1]),
    ),
    to=st.integers(1, 90),
    target=TARGETS,
)
def test_a_held_plan_is_the_old_plan_later_where_it_was_meant_and_the_old_one_elsewhere(
    rows, to, target
) -> None:
    steps = [step(TODAY + timedelta(days=after), off, scope) for scope, after, off in rows]
    change = hold(TODAY + timedelta(days=to), **target)
    plan = calendar(window(), *steps)
    try:
        held = changed(plan, change, TODAY)
    except InSeasonError:
        return
    before, after = price_ratios(plan), price_ratios(held)
    for store in ZONES:
        for style in STYLES:
            old, new = before.loc[(store, style)], after.loc[(store, style)]
            by = put_off(steps, change, store) if is_meant(change, store, style) else timedelta(0)
            # A ratio is that of the week's last day; what has begun today stays as it is.
            then = [max(day - by, TODAYS) if day > TODAYS else day for day in old.index]
            assert new.tolist() == old.loc[then].tolist()


def put_off(steps: list[Step], change: CalendarChange, store: str) -> timedelta:
    """By how much a store's markdowns are put off: from the first still to come to the day named."""
    placed = [one for one in ZONES if not change.store_ids or one == store]
    pairs = [(one, style) for one in placed for style in STYLES if is_meant(change, one, style)]
    waiting = [
        row.effective_from
        for row in steps
        if row.effective_from > TODAY and any(applies(row.scope, *pair) for pair in pairs)
    ]
    return max(timedelta(0), change.to - min(waiting)) if waiting else timedelta(0)


def applies(scope: Scope, store: str, style: str) -> bool:
    known = Scope(ZONES[store], store, style)
    return all(not named or named == own for named, own in zip(scope, known, strict=True))


def test_a_price_is_never_raised_again() -> None:
    plan = calendar(window(), step(date(2026, 6, 21), 50), step(date(2026, 7, 5), 25))

    with pytest.raises(
        InSeasonError, match="would raise the price again on 26 July 2026, from 50% off to 25%"
    ):
        changed(plan, hold(date(2026, 7, 12)), TODAY)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (extend(EXIT), "It stays on the floor until 5 July 2026 already"),
        (hold(date(2026, 7, 5)), "No markdown is still to come there"),
        (
            CalendarChange(ChangeKind.BRING_FLOOR_SET_FORWARD, "swim", "SS26", TODAY),
            "It is on the floor from 9 February 2026 already",
        ),
    ],
)
def test_a_change_that_changes_nothing_says_so(change, told) -> None:
    with pytest.raises(InSeasonError, match=told):
        changed(calendar(window()), change, TODAY)


def test_a_markdown_cannot_be_held_to_an_earlier_day() -> None:
    plan = calendar(window(), step(date(2026, 7, 5), 25))

    with pytest.raises(InSeasonError, match="next markdown begins on 5 July 2026 already"):
        changed(plan, hold(date(2026, 7, 1)), TODAY)


def test_the_difference_names_scope_what_and_both_dates() -> None:
    old = calendar(window(), step(date(2026, 6, 21), 25))
    new = changed(old, extend(store_ids=("P1",)), TODAY)
    new = changed(new, hold(date(2026, 7, 12)), TODAY)

    assert [(row.scope, row.what, row.before, row.after) for row in difference(old, new)] == [
        (Scope(), "markdown", ((date(2026, 6, 21), 25),), ((date(2026, 7, 12), 25),)),
        (Scope(store_id="P1"), "exit", EXIT, LATER),
    ]


def test_what_was_taken_back_is_the_same_difference_the_other_way() -> None:
    old = calendar(window(), step(date(2026, 6, 21), 25))
    new = changed(changed(old, extend(store_ids=("P1",)), TODAY), hold(date(2026, 7, 12)), TODAY)

    there, back = difference(old, new), difference(new, old)
    assert [(r.scope, r.what, r.before, r.after) for r in there] == [
        (r.scope, r.what, r.after, r.before) for r in back
    ]
    assert difference(old, old) == []
