"""What holds after a plan has become the dates of a season, by the very rules by which the night reads it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data.calendar_plans import PlanChange, planned
from data.calendar_rows import Calendar, Scope, difference
from data.errors import InSeasonError
from data.records import OwnDates
from data.selling_windows import markdown_steps
from forecaster.plans import Markdown, Plan
from tests.unit.data.test_calendar_changes import (
    CHAIN,
    EXIT,
    FLOOR_SET,
    LATER,
    RANGED,
    TODAY,
    ZONES,
    calendar,
    price_ratios,
    resolved,
    step,
    window,
)

HOT = Scope(climate_zone="hot")
FIRST_CUT, SECOND_CUT = date(2026, 6, 22), date(2026, 6, 29)
IN_FORCE = Plan(FLOOR_SET, (Markdown(FIRST_CUT, 30.0), Markdown(SECOND_CUT, 50.0)), EXIT)
LATE = Plan(FLOOR_SET, (Markdown(date(2026, 8, 3), 30.0),), LATER)
STEPS = (step(FIRST_CUT, 30.0), step(SECOND_CUT, 50.0))


def change(plan: Plan = LATE, *zones: str, today: Plan = IN_FORCE, **changes) -> PlanChange:
    return PlanChange("swim", "SS26", zones, plan, dict.fromkeys(zones or ("",), today), **changes)


def cuts_of(calendar: Calendar) -> dict[tuple[str, str], list[tuple[date, float]]]:
    """The markdowns of every store and style, as plans and alerts read them."""
    columns = [
        "category", "season_code", "effective_from", "percent_off", "climate_zone", "store_id", "style_id",
    ]  # fmt: skip
    rows = [(s.category, s.season_code, s.effective_from, s.percent_off, *s.scope) for s in calendar.steps]
    frame = pd.DataFrame(rows, columns=columns)
    frame = frame.assign(effective_from=pd.to_datetime(frame["effective_from"]))
    told: dict[tuple[str, str], list[tuple[date, float]]] = {}
    for row in markdown_steps(frame, RANGED).itertuples():
        told.setdefault((row.store_id, row.style_id), []).append((row.effective_from.date(), row.percent_off))
    return told


def test_a_plan_for_the_chain_moves_its_row_and_its_steps() -> None:
    after = planned(calendar(window(), *STEPS), change(), TODAY)

    assert after.windows == (window(exit=LATER),)
    assert after.steps == (step(date(2026, 8, 3), 30.0),)


def test_a_plan_for_a_zone_leaves_the_other_zones_alone() -> None:
    before = calendar(window(), *STEPS)
    after = planned(before, change(LATE, "hot"), TODAY)

    assert resolved(after)["P1", "TIDE"] == (FLOOR_SET, LATER)
    assert resolved(after)["S1", "TIDE"] == (FLOOR_SET, EXIT)
    assert cuts_of(after)["P1", "TIDE"] == [(date(2026, 8, 3), 30.0)]
    assert cuts_of(after)["S1", "TIDE"] == cuts_of(before)["S1", "TIDE"]


def test_the_price_of_the_zone_is_that_of_its_plan_on_every_day() -> None:
    after = planned(calendar(window(), *STEPS), change(LATE, "hot"), TODAY)
    prices = price_ratios(after)["P1", "TIDE"]

    assert (prices[:"2026-07-27"] == 1.0).all()
    assert (prices["2026-08-03":] == 0.7).all()


def test_a_markdown_that_has_begun_stays() -> None:
    begun = step(TODAY - timedelta(days=7), 20.0)
    in_force = replace(IN_FORCE, markdowns=(Markdown(begun.effective_from, 20.0), *IN_FORCE.markdowns))
    plan = replace(LATE, markdowns=(Markdown(begun.effective_from, 20.0), *LATE.markdowns))
    after = planned(calendar(window(), begun, *STEPS), change(plan, "hot", today=in_force), TODAY)

    assert cuts_of(after)["P1", "TIDE"] == [(begun.effective_from, 20.0), (date(2026, 8, 3), 30.0)]
    assert (price_ratios(after)["P1", "TIDE"]["2026-06-15":"2026-07-27"] == 0.8).all()


def test_a_store_with_dates_of_its_own_keeps_them() -> None:
    own = window(Scope(store_id="P2"), exit=date(2026, 12, 31))
    after = planned(calendar(window(), own, *STEPS), change(LATE, "hot"), TODAY)

    assert resolved(after)["P2", "TIDE"] == (FLOOR_SET, date(2026, 12, 31))
    assert cuts_of(after)["P2", "TIDE"] == [(FIRST_CUT, 30.0), (SECOND_CUT, 50.0)]
    assert resolved(after)["P1", "TIDE"] == (FLOOR_SET, LATER)


def test_a_store_with_markdowns_of_its_own_keeps_its_window_and_them() -> None:
    own = [
        step(day, percent, Scope(store_id="P2")) for day, percent in ((FIRST_CUT, 20.0), (SECOND_CUT, 40.0))
    ]
    before = calendar(window(), *STEPS, *own)
    after = planned(before, change(LATE, "hot"), TODAY)

    assert resolved(after)["P2", "TIDE"] == (FLOOR_SET, EXIT)
    assert cuts_of(after)["P2", "TIDE"] == cuts_of(before)["P2", "TIDE"]
    assert price_ratios(after)["P2", "TIDE"].equals(price_ratios(before)["P2", "TIDE"])


def test_own_dates_are_set_too_where_that_is_asked() -> None:
    own = window(Scope(store_id="P2"), exit=date(2026, 6, 20))
    style = window(Scope(style_id="MARLIN"), floor_set=date(2026, 3, 1))
    before = calendar(window(), own, style, *STEPS)
    after = planned(before, change(LATE, "hot", own_dates=OwnDates.SET), TODAY)

    assert {resolved(after)[store, style] for store in ("P1", "P2") for style in ("TIDE", "MARLIN")} == {
        (FLOOR_SET, LATER)
    }
    assert resolved(after)["S1", "MARLIN"] == (date(2026, 3, 1), EXIT)


def test_no_price_goes_up_again_where_a_store_is_further_down() -> None:
    own = step(TODAY - timedelta(days=1), 40.0, Scope(store_id="P2"))
    before = calendar(window(), *STEPS, own)
    after = planned(before, change(LATE, "hot", own_dates=OwnDates.SET), TODAY)

    assert cuts_of(after)["P2", "TIDE"] == [(own.effective_from, 40.0)]
    assert price_ratios(after)["P2", "TIDE"].is_monotonic_decreasing


def test_what_is_cleared_after_the_exit_is_cleared_as_long_after_the_new_one() -> None:
    cleared = step(EXIT + timedelta(days=1), 70.0)
    after = planned(calendar(window(), *STEPS, cleared), change(LATE, "hot"), TODAY)

    assert cuts_of(after)["P1", "TIDE"] == [(date(2026, 8, 3), 30.0), (LATER + timedelta(days=1), 70.0)]
    assert cuts_of(after)["S1", "TIDE"][-1] == (cleared.effective_from, 70.0)


def test_the_year_before_is_not_touched() -> None:
    last = window(floor_set=FLOOR_SET - timedelta(weeks=52), exit=EXIT - timedelta(weeks=52))
    old = step(FIRST_CUT - timedelta(weeks=52), 30.0)
    after = planned(calendar(last, window(), old, *STEPS), change(), TODAY)

    assert last in after.windows
    assert old in after.steps


def test_a_plan_that_is_in_force_already_is_refused() -> None:
    with pytest.raises(InSeasonError, match="these dates already"):
        planned(calendar(window(), *STEPS), change(IN_FORCE), TODAY)


def test_the_same_plan_twice_for_two_zones_is_one_version() -> None:
    after = planned(calendar(window(), *STEPS), change(LATE, "hot", "cool"), TODAY)

    assert set(resolved(after).values()) == {(FLOOR_SET, LATER)}
    assert {row.scope for row in difference(calendar(window(), *STEPS), after)} == {
        HOT,
        Scope(climate_zone="cool"),
    }


SCOPES = st.sampled_from(
    [
        Scope(*named)
        for named in [("hot", "", ""), ("", "P1", ""), ("", "", "TIDE"), ("hot", "", "TIDE"), ("", "S1", "")]
    ]
)
DAYS = st.dates(date(2026, 5, 18), date(2026, 8, 30))
OWN_WINDOWS = st.lists(st.builds(lambda scope, exit_: window(scope, exit=exit_), SCOPES, DAYS), max_size=3)
OWN_STEPS = st.dictionaries(
    SCOPES, st.lists(st.tuples(DAYS, st.sampled_from([20.0, 30.0, 50.0])), min_size=1, max_size=2), max_size=2
)


def followed(had: list[tuple[date, float]]) -> list[tuple[date, float]]:
    """The markdowns of whoever follows the plan: begun, then the plan's, then cleared after its exit."""
    told = [cut for cut in had if cut[0] <= TODAY]
    later = [(day + (LATER - EXIT), percent) for day, percent in had if day > EXIT]
    for day, percent in [(date(2026, 8, 3), 30.0), *later]:
        if day > TODAY and percent > (told[-1][1] if told else 0.0):
            told.append((day, percent))
    return told


@settings(max_examples=60, deadline=None, derandomize=True)
@given(OWN_WINDOWS, OWN_STEPS, st.sampled_from([(), ("hot",), ("cool",)]), st.booleans())
def test_whoever_has_todays_dates_gets_the_plans_and_nobody_else_is_touched(
    own, own_steps, zones, sets
) -> None:
    windows = list({row.scope: row for row in own}.values())
    steps = [
        step(day, percent, scope)
        for scope, told in own_steps.items()
        for day, percent in dict(sorted(told)).items()
    ]
    before = calendar(window(), *windows, *STEPS, *steps)
    own_dates = OwnDates.SET if sets else OwnDates.KEEP
    try:
        after = planned(before, change(LATE, *zones, own_dates=own_dates), TODAY)
    except InSeasonError:
        return
    was, now = resolved(before), resolved(after)
    had, have = cuts_of(before), cuts_of(after)
    for (store, style), dates in was.items():
        inside = not zones or ZONES[store] in zones
        on_floor = [cut for cut in had.get((store, style), []) if dates[0] <= cut[0] <= dates[1]]
        todays = (dates, on_floor) == ((FLOOR_SET, EXIT), [(FIRST_CUT, 30.0), (SECOND_CUT, 50.0)])
        if inside and (sets or todays):
            assert now[store, style] == (FLOOR_SET, LATER)
            assert have.get((store, style), []) == followed(had.get((store, style), []))
        else:
            assert now[store, style] == dates
            assert have.get((store, style), []) == had.get((store, style), [])


def test_the_chain_is_named_by_no_zone() -> None:
    assert [scope for scope, _ in change().targets] == [CHAIN]
