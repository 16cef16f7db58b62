"""The gap map: which weeks are shown, how dark they are, and what they say."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from data.planning.sheets import GapRow
from web.rendering.season_map import MOST_WEEKS, GapTable, View, gap_table, map_opening

TODAY = date(2026, 6, 14)


def week(number: int = 0, **changes: Any) -> GapRow:
    """A week so many after this one; 60 are wanted and found."""
    given: dict[str, Any] = {
        "business_date": date(2026, 6, 13), "category": "Swim trunks", "climate_zone": "hot",
        "week": TODAY + timedelta(weeks=number), "demand_units": 60.0, "demand_money": 1800.0,
        "lost_units": 0.0, "lost_money": 0.0, "before_units": 0.0, "in_season_units": 0.0,
        "after_units": 0.0, "on_floor": 1.0, "evidence": "observed",
    }  # fmt: skip
    return GapRow(**given | changes)


def gone(number: int, units: float = 40.0, **changes: Any) -> GapRow:
    """A week off the floor in which so many are missed."""
    return week(
        number,
        **{"lost_units": units, "lost_money": units * 30, "after_units": units, "on_floor": 0.0} | changes,
    )


def table(*weeks: GapRow, by_zone: bool = False, **options: Any) -> GapTable:
    view = options.pop("view", View())
    return gap_table(weeks, view=view, by_zone=by_zone, today=TODAY, **options)


def test_a_week_tells_what_is_missed_of_what_is_wanted_and_where_it_hangs() -> None:
    cells = table(week(0), gone(1), gone(2, on_floor=0.4), gone(3, evidence="unknown")).rows[0].cells
    assert [cell.told for cell in cells] == [
        "14 June: 60 wanted, on the floor",
        "21 June: 40 of 60 missed, off the floor",
        "28 June: 40 of 60 missed, partly on the floor",
        "5 July: 40 of 60 missed, off the floor, a guess",
    ]
    assert [cell.figure for cell in cells] == ["", "40", "40", "40?"]
    assert [cell.on_floor for cell in cells] == [True, False, False, False]


def test_the_shade_grows_with_what_is_missed_on_the_whole_map() -> None:
    rows = table(
        *(gone(number, units) for number, units in enumerate((1, 10, 30, 60, 100))),
        *(gone(number, 4, category="Sun hats") for number in range(5)),
    ).rows
    assert [cell.shade for cell in rows[0].cells] == [1, 2, 3, 4, 5]
    assert {cell.shade for cell in rows[1].cells} == {1}


def test_what_rounds_to_nothing_is_not_marked() -> None:
    cell = table(gone(0, 0.3)).rows[0].cells[0]
    assert (cell.shade, cell.figure) == (0, "")


def test_a_sell_out_on_the_floor_counts_only_when_all_that_is_missed_is_asked_for() -> None:
    sold_out = week(0, lost_units=12.0, lost_money=360.0, in_season_units=12.0)
    assert table(sold_out).rows[0].told == "0"
    assert table(sold_out, view=View(all_missed=True)).rows[0].told == "12"
    assert table(sold_out, view=View(in_money=True, all_missed=True)).rows[0].told == "$360"


def test_money_outside_the_window_is_its_part_of_what_is_lost() -> None:
    both = gone(0, 40.0, lost_units=50.0, lost_money=1500.0, in_season_units=10.0)
    assert table(both, view=View(in_money=True)).rows[0].told == "$1,200"


def test_only_what_is_still_ahead_is_added_up() -> None:
    assert table(gone(-1), gone(0), gone(1)).rows[0].told == "80"
    cells = table(gone(-1), gone(0)).rows[0].cells
    assert [cell.when for cell in cells] == ["p", "n"]


def test_rows_stand_worst_first_and_then_by_name() -> None:
    weeks = [gone(0, 5, category="B"), gone(0, 5, category="A"), gone(0, 9, category="C")]
    assert [row.name for row in table(*weeks).rows] == ["C", "A", "B"]


def test_zone_by_zone_the_chain_is_not_counted_again() -> None:
    found = table(gone(0, 9, climate_zone=""), gone(0, 4), gone(0, 5, climate_zone="warm"), by_zone=True)
    assert [row.name for row in found.rows] == ["warm", "hot"]
    assert found.told == "9"
    alone = table(gone(0, 9, climate_zone=""), by_zone=True)
    assert [row.name for row in alone.rows] == [""]


@pytest.mark.parametrize(("first", "start", "shown"), [(-20, None, -12), (-20, -20, -20), (-3, None, -3)])
def test_the_weeks_shown_begin_before_this_one(first: int, start: int | None, shown: int) -> None:
    asked = None if start is None else TODAY + timedelta(weeks=start)
    found = table(*(week(number) for number in range(first, 52)), start=asked)
    assert found.weeks[0].week == TODAY + timedelta(weeks=shown)
    assert len(found.weeks) == MOST_WEEKS
    assert (found.earlier is not None) == (shown > first)
    assert found.later is not None


def test_a_start_beyond_the_last_week_shows_the_last_weeks() -> None:
    found = table(*(week(number) for number in range(-20, 52)), start=date(2031, 1, 1))
    assert found.weeks[-1].week == TODAY + timedelta(weeks=51)
    assert len(found.weeks) == MOST_WEEKS
    assert found.later is None


def test_a_week_that_a_row_says_nothing_of_is_blank() -> None:
    rows = table(gone(0), gone(1), gone(1, category="Sun hats", units=2)).rows
    assert rows[1].cells[0].told == rows[1].cells[0].figure == ""


def test_months_hold_their_weeks() -> None:
    found = table(*(week(number) for number in range(30)))
    assert sum(span for _, span in found.months) == 30
    assert found.months[0] == ("Jun", 3)
    assert ("Jan 2027", 1) not in found.months


def test_large_figures_are_told_in_three_signs() -> None:
    weeks = [gone(number, units) for number, units in enumerate((999.4, 999.5, 1234.0, 45_678.0))]
    assert [cell.figure for cell in table(*weeks).rows[0].cells] == ["999", "1.0k", "1.2k", "46k"]


def test_the_opening_names_the_worst_stretch_of_the_worst_row() -> None:
    weeks = [gone(number) for number in (1, 2, 3, 9)] + [gone(1, 5, category="Sun hats")]
    found = table(*weeks)
    assert map_opening(found, View(), TODAY) == (
        "In the weeks ahead customers want 165 pieces that are off the floor. "
        "Most of it: swim trunks, 120 from 21 June to 11 July."
    )
    assert "leave without goods for" in map_opening(found, View(in_money=True, all_missed=True), TODAY)


def test_a_faint_tail_does_not_lengthen_the_worst_stretch() -> None:
    found = table(gone(1, 100), gone(2, 90), *(gone(number, 2) for number in range(3, 20)))
    assert "190 from 21 June to 4 July." in map_opening(found, View(), TODAY)


def test_an_empty_map_has_no_rows() -> None:
    found = table()
    assert found.rows == ()
    assert found.weeks == ()
