from __future__ import annotations

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.selling_windows import floor_days, planned_price_ratio, resolve

DAY = pd.Timedelta(days=1)
FAR = pd.Timestamp("2030-01-01")
TRUNKS = {"store_id": "PHX", "style_id": "SWT", "category": "swim trunks", "climate_zone": "hot"}


CHAIN_WIDE = {
    "category": "swim trunks", "season_code": "SS26", "climate_zone": "", "store_id": "", "style_id": "",
}  # fmt: skip


def pairs(*changes):
    return pd.DataFrame([TRUNKS | change for change in changes or ({},)])


def calendar(*rows):
    """Windows from (floor_set, exit, scope), all of swim trunks unless the scope says otherwise."""
    frame = pd.DataFrame(
        [CHAIN_WIDE | {"floor_set": start, "exit": end} | scope for start, end, scope in rows],
        columns=[*CHAIN_WIDE, "floor_set", "exit"],
    )
    return frame.astype({"floor_set": "datetime64[us]", "exit": "datetime64[us]"})


def windows(*spans):
    """Resolved windows of the Phoenix trunks."""
    return resolve(calendar(*((start, end, {"season_code": start}) for start, end in spans)), pairs())


def floor_sets(resolved, store="PHX", style="SWT"):
    chosen = resolved[(resolved["store_id"] == store) & (resolved["style_id"] == style)]
    return [day.date().isoformat() for day in chosen["floor_set"]]


def days_on_floor(resolved, *weeks, until=FAR):
    counted = floor_days(
        resolved, pairs(), [pd.Timestamp(week) for week in weeks], observed_to=pd.Timestamp(until)
    )
    return counted["days_on_floor"].tolist()


# Which row holds.

SCOPES = {
    "chain": {},
    "zone": {"climate_zone": "hot"},
    "store": {"store_id": "PHX"},
    "style": {"style_id": "SWT"},
    "zone and store": {"climate_zone": "hot", "store_id": "PHX"},
    "zone and style": {"climate_zone": "hot", "style_id": "SWT"},
    "store and style": {"store_id": "PHX", "style_id": "SWT"},
    "all three": {"climate_zone": "hot", "store_id": "PHX", "style_id": "SWT"},
}


@pytest.mark.parametrize("wins", range(1, len(SCOPES)))
@pytest.mark.parametrize("downwards", [True, False])
def test_the_row_that_names_most_wins_then_a_style_over_a_store_over_a_zone(wins, downwards):
    # The scopes stand in their order: each wins over all before it, wherever the file has it.
    applying = list(SCOPES.values())[: wins + 1]
    rows = [(f"2026-02-{10 + rank}", "2026-07-05", scope) for rank, scope in enumerate(applying)]
    resolved = resolve(calendar(*(reversed(rows) if downwards else rows)), pairs())
    assert floor_sets(resolved) == [f"2026-02-{10 + wins}"]


def test_a_row_holds_only_for_whom_it_names():
    rows = calendar(
        ("2026-02-09", "2026-07-05", {}),
        ("2026-03-01", "2026-07-05", {"climate_zone": "cool"}),
        ("2026-04-01", "2026-07-05", {"store_id": "PHX", "style_id": "OTHER"}),
    )
    seattle = {"store_id": "SEA", "climate_zone": "cool"}
    resolved = resolve(rows, pairs({}, seattle, {"style_id": "OTHER"}, seattle | {"style_id": "OTHER"}))
    assert floor_sets(resolved) == ["2026-02-09"]
    assert floor_sets(resolved, store="SEA") == ["2026-03-01"]
    assert floor_sets(resolved, style="OTHER") == ["2026-04-01"]
    assert floor_sets(resolved, store="SEA", style="OTHER") == ["2026-03-01"]


def test_a_zone_without_a_name_is_not_every_zone():
    rows = calendar(("2026-02-09", "2026-07-05", {"climate_zone": "hot"}))
    assert resolve(rows, pairs({"climate_zone": ""})).empty


def test_each_year_and_each_season_code_has_its_own_window():
    rows = calendar(
        ("2025-02-10", "2025-07-06", {"season_code": "SS"}),
        ("2026-02-09", "2026-07-05", {"season_code": "SS"}),
        ("2026-09-01", "2026-11-01", {"season_code": "CRUISE"}),
        ("2026-02-20", "2026-07-05", {"season_code": "SS", "store_id": "PHX"}),
    )
    assert floor_sets(resolve(rows, pairs())) == ["2025-02-10", "2026-02-20", "2026-09-01"]


def test_a_shorter_winter_window_takes_the_place_of_one_that_lies_mostly_in_the_next_year():
    rows = calendar(
        ("2025-10-01", "2026-05-15", {"season_code": "FW25"}),
        ("2025-10-01", "2026-02-15", {"season_code": "FW25", "climate_zone": "hot"}),
    )
    resolved = resolve(rows, pairs())
    assert [day.date().isoformat() for day in resolved["exit"]] == ["2026-02-15"]


def test_winters_of_one_code_stay_two_although_the_middles_of_both_lie_in_one_year():
    rows = calendar(
        ("2024-10-06", "2025-04-05", {"season_code": "FW"}),
        ("2025-10-05", "2026-03-28", {"season_code": "FW"}),
    )
    assert floor_sets(resolve(rows, pairs())) == ["2024-10-06", "2025-10-05"]


def test_the_years_of_one_store_are_not_told_apart_by_those_of_another():
    # The middle of Seattle's second year lies between those of Phoenix's two rows of one year.
    rows = calendar(
        ("2025-03-01", "2025-05-01", {"store_id": "SEA"}),
        ("2026-02-01", "2026-07-05", {"climate_zone": "hot"}),
        ("2026-03-15", "2026-06-15", {"store_id": "SEA"}),
        ("2026-03-20", "2026-07-05", {"store_id": "PHX"}),
    )
    resolved = resolve(rows, pairs({}, {"store_id": "SEA", "climate_zone": "cool"}))
    assert floor_sets(resolved) == ["2026-03-20"]
    assert floor_sets(resolved, store="SEA") == ["2025-03-01", "2026-03-15"]


def test_a_category_without_rows_has_no_window():
    rows = calendar(("2026-02-09", "2026-07-05", {"category": "gloves"}))
    assert resolve(rows, pairs()).empty
    assert resolve(calendar(), pairs()).empty


def test_many_skus_of_a_style_have_one_window():
    resolved = resolve(calendar(("2026-02-09", "2026-07-05", {})), pairs({}, {}, {}))
    assert len(resolved) == 1


# On which days a style hangs on the floor. Weeks are named by their Sunday.

TWO_YEARS = (("2025-02-10", "2025-07-06"), ("2026-02-09", "2026-07-05"))


def test_before_the_floor_set_nothing_hangs_and_from_it_every_day():
    weeks = ("2026-02-01", "2026-02-08", "2026-02-15", "2026-06-28")
    assert days_on_floor(windows(*TWO_YEARS), *weeks) == [0, 6, 7, 7]


def test_what_is_left_hangs_on_the_clearance_rail_until_halfway_to_the_next_floor_set():
    # From 6 July 2025 to 9 February 2026 are 218 days: the rail is gone after 109, on 23 October.
    weeks = ("2025-07-06", "2025-10-12", "2025-10-19", "2025-10-26", "2026-02-01")
    assert days_on_floor(windows(*TWO_YEARS), *weeks) == [7, 7, 5, 0, 0]


def test_after_the_last_window_known_the_next_floor_set_is_taken_to_be_52_weeks_later():
    # From 5 July 2026 to 8 February 2027 are 218 days too: 22 October is the last one.
    weeks = ("2026-10-11", "2026-10-18", "2026-10-25")
    assert days_on_floor(windows(*TWO_YEARS), *weeks) == [7, 5, 0]


def test_years_before_the_first_window_are_like_it():
    # Each is 52 weeks before the next, so its floor-set is a Monday again: 14 February in 2022.
    weeks = ("2022-02-06", "2022-02-13", "2022-02-20", "2022-10-23", "2022-10-30", "2023-02-12", "2024-02-11")
    assert days_on_floor(windows(*TWO_YEARS), *weeks) == [0, 6, 7, 5, 0, 6, 6]


def test_a_week_that_has_not_ended_has_the_days_observed():
    weeks = ("2026-05-31", "2026-06-07", "2026-06-14")
    assert days_on_floor(windows(*TWO_YEARS), *weeks, until="2026-06-09") == [7, 3, 0]


def test_a_window_that_ends_the_day_before_the_next_begins_leaves_no_hole():
    joined = windows(("2026-02-09", "2026-07-04"), ("2026-07-05", "2026-12-26"))
    assert days_on_floor(joined, "2026-06-28", "2026-07-05") == [7, 7]


def test_a_window_of_one_day_is_one_day_and_its_rail():
    short = windows(("2026-06-10", "2026-06-10"), ("2026-06-14", "2026-06-20"))
    assert days_on_floor(short, "2026-06-07") == [3]


def test_the_rail_begins_at_the_exit_of_the_longest_of_windows_inside_each_other():
    # From 5 July 2026 to 28 February 2027 are 238 days: the rail is gone after 119, on 1 November.
    nested = windows(("2026-02-08", "2026-07-05"), ("2026-03-01", "2026-04-01"))
    assert days_on_floor(nested, "2026-07-05", "2026-10-25", "2026-11-01", "2026-11-08") == [7, 7, 1, 0]


def test_days_in_two_windows_count_once():
    both = windows(("2026-02-11", "2026-07-05"), ("2026-02-12", "2026-08-02"))
    assert days_on_floor(both, "2026-02-08") == [4]


def test_a_style_without_a_window_hangs_on_all_days_observed():
    nothing = resolve(calendar(), pairs())
    assert days_on_floor(nothing, "2026-05-31", "2026-06-07", until="2026-06-08") == [7, 2]


def test_styles_with_and_without_a_window_stand_side_by_side():
    asked = pairs({}, {"style_id": "TEE"}, {"store_id": "SEA"})
    counted = floor_days(windows(*TWO_YEARS), asked, [pd.Timestamp("2026-02-01")], observed_to=FAR)
    found = counted.set_index(["store_id", "style_id"])["days_on_floor"].to_dict()
    assert found == {("PHX", "SWT"): 0, ("PHX", "TEE"): 7, ("SEA", "SWT"): 7}


first_day = pd.Timestamp("2025-01-05")
spans = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 200)),
    min_size=1,
    max_size=4,
    unique_by=lambda span: span[0],
)


def hangs(day, known):
    """Whether a day is in a window, or on the rail after one: said day by day, without any sums."""
    if any(start <= day <= end for start, end in known):
        return True
    left = [end for _, end in known if end < day]
    following = [start for start, _ in known if start > day]
    ahead = min(following, default=max(start for start, _ in known) + 52 * 7 * DAY)
    return bool(left) and (day - max(left)).days <= (ahead - max(left)).days // 2


@given(spans, st.integers(0, 6))
def test_days_counted_by_week_are_the_days_counted_one_by_one(drawn, offset):
    known = [(first_day + start * DAY, first_day + (start + length) * DAY) for start, length in drawn]
    resolved = pd.DataFrame(known, columns=["floor_set", "exit"]).assign(store_id="PHX", style_id="SWT")
    # From the first floor-set on, and only as far as the next year's would be taken to be.
    begin = min(start for start, _ in known) + offset * DAY
    weeks = pd.date_range(begin, max(start for start, _ in known) + 300 * DAY, freq="7D")
    expected = [sum(hangs(week + number * DAY, known) for number in range(7)) for week in weeks]
    assert days_on_floor(resolved, *weeks) == expected


# What the markdown plan makes of the price.


def steps(*rows):
    """Markdown steps from (effective_from, percent_off, scope)."""
    frame = pd.DataFrame(
        [
            CHAIN_WIDE | {"effective_from": start, "percent_off": percent} | scope
            for start, percent, scope in rows
        ],
        columns=[*CHAIN_WIDE, "effective_from", "percent_off"],
    )
    return frame.astype({"effective_from": "datetime64[us]", "percent_off": "float64"})


def planned(plan, *weeks):
    frame = planned_price_ratio(plan, pairs(), [pd.Timestamp(week) for week in weeks])
    return {str(row.week.date()): pytest.approx(row.planned_ratio) for row in frame.itertuples()}


def test_the_newest_step_holds_from_the_week_in_which_it_begins():
    plan = steps(("2026-06-20", 50.0, {}), ("2026-05-31", 25.0, {}))
    weeks = ("2026-05-24", "2026-05-31", "2026-06-07", "2026-06-14", "2026-06-21")
    assert planned(plan, *weeks) == {
        "2026-05-31": 0.75,
        "2026-06-07": 0.75,
        "2026-06-14": 0.5,
        "2026-06-21": 0.5,
    }


@pytest.mark.parametrize("wins", range(1, len(SCOPES)))
def test_of_the_steps_of_one_day_the_most_specific_holds(wins):
    applying = list(SCOPES.values())[: wins + 1]
    plan = steps(*(("2026-06-01", 10.0 * (rank + 1), scope) for rank, scope in enumerate(applying)))
    for ordered in (plan, plan[::-1]):
        assert planned(ordered, "2026-06-07") == {"2026-06-07": 1 - 0.1 * (wins + 1)}


def test_a_step_for_somebody_else_does_not_hold():
    plan = steps(("2026-06-01", 30.0, {"climate_zone": "cool"}), ("2026-06-01", 30.0, {"category": "gloves"}))
    assert planned(plan, "2026-06-07") == {}


def test_a_step_is_gone_after_half_a_year():
    # Weeks are priced at their end: 182 days after Saturday 6 June is Saturday 5 December.
    plan = steps(("2026-06-06", 40.0, {}))
    assert planned(plan, "2026-11-29", "2026-12-06") == {"2026-11-29": 0.6}


def test_an_empty_plan_gives_no_rows():
    assert planned(steps(), "2026-06-07") == {}
