"""The trade calendar's own rules."""

from __future__ import annotations

from datetime import date

import pytest

from jobs.demo.trade import LONGEST_LOOK, life, markdown_table, window


@pytest.mark.parametrize("year", range(2020, 2032))
def test_swim_trunks_leave_the_floor_around_the_fifth_of_july_on_a_sunday(year: int) -> None:
    floor_set, last = window("swim trunks", year, "PHX-01", "hot_dry", "SWT-B1")

    assert abs((last - date(year, 7, 5)).days) <= 3
    assert (floor_set.isoweekday(), last.isoweekday()) == (1, 7)


def test_the_most_specific_window_wins() -> None:
    everywhere = window("swim trunks", 2026, "JAX-01", "hot_humid", "SWT-B1")[1]
    zone = window("swim trunks", 2026, "LAX-01", "warm_coast", "SWT-B1")[1]
    store = window("swim trunks", 2026, "JAX-02", "hot_humid", "SWT-B1")[1]
    style = window("sandals", 2026, "JAX-02", "hot_humid", "SAN-B1")[1]

    assert everywhere < store < zone
    assert style > window("sandals", 2026, "JAX-02", "hot_humid", "SAN-26-01")[1]


def test_a_winter_window_ends_in_the_next_year() -> None:
    floor_set, last = window("winter coats", 2025, "CHI-01", "cold", "WCT-B1")

    assert floor_set.year == 2025
    assert (last.year, last.month) == (2026, 2)


@pytest.mark.parametrize("season", ["SS", "FW", "BTS"])
def test_one_years_style_follows_on_the_day_the_other_ends(season: str) -> None:
    assert (life(season, 2026)[0] - life(season, 2025)[1]).days == 1


def test_a_markdown_never_goes_up_before_the_rail_is_cleared() -> None:
    steps = markdown_table()

    assert (steps[:, 1:] >= steps[:, :-1]).all()
    assert (steps[:, : LONGEST_LOOK - 60] == 0).all()
