from __future__ import annotations

import numpy as np

from forecaster.moving_holidays import MOVING_HOLIDAYS, holiday_days, n_columns


def names() -> list[tuple[str, int]]:
    return [
        (holiday.name, week) for holiday in MOVING_HOLIDAYS for week in range(-holiday.before, holiday.after)
    ]


def shares(first_day: str) -> dict[tuple[str, int], float]:
    row = holiday_days(np.array([first_day], dtype="datetime64[D]"))[0]
    return {name: share for name, share in zip(names(), row, strict=True) if share}


def test_easter_moves_and_its_week_with_it():
    # Easter Sundays 2024-03-31 and 2025-04-20 (United States Naval Observatory).
    assert shares("2024-03-25") == {("Easter", -1): 6 / 7, ("Easter", 0): 1 / 7}
    assert shares("2025-04-14") == {("Easter", -1): 6 / 7, ("Easter", 0): 1 / 7}
    assert ("Easter", 0) not in shares("2025-03-24")


def test_thanksgiving_is_the_fourth_thursday_of_november():
    assert shares("2023-11-20") == {("Thanksgiving", -1): 3 / 7, ("Thanksgiving", 0): 4 / 7}
    assert shares("2024-11-25") == {("Thanksgiving", -1): 3 / 7, ("Thanksgiving", 0): 4 / 7}


def test_school_begins_around_labor_day():
    assert shares("2024-08-26") == {("back to school", -1): 1.0}


def test_most_of_the_year_is_far_from_every_moving_holiday():
    assert not shares("2024-06-10")
    assert holiday_days(np.array([], dtype="datetime64[D]")).shape == (0, n_columns())
