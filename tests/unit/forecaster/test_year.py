from __future__ import annotations

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st

from forecaster.year import circular_distance, year_fraction


@given(st.dates())
def test_every_week_lies_in_the_half_open_year(day):
    assert 0 <= year_fraction(np.array([np.datetime64(day, "D")]))[0] < 1


def test_the_same_date_keeps_its_place_through_leap_years():
    weeks = pd.to_datetime([f"{year}-07-01" for year in range(2000, 2060)]).to_numpy()
    fractions = year_fraction(weeks)
    assert np.ptp(fractions) < 1.3 / 365


def test_new_year_is_the_neighbour_of_december():
    december, january = year_fraction(np.array(["2025-12-22", "2026-01-05"], dtype="datetime64[D]"))
    assert circular_distance(december, january) < 0.05


def test_the_53rd_week_of_a_trade_year_needs_no_case_of_its_own():
    weeks = np.arange("2022-12-26", "2024-02-12", 7, dtype="datetime64[D]")
    steps = np.diff(year_fraction(weeks)) % 1.0
    np.testing.assert_allclose(steps, 7 / 365.24219, atol=1e-9)
