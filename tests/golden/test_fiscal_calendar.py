"""The 4-5-4 calendar held against published starts, ends and 53-week years of the National Retail Federation.

Dates: the tests of the calendar libraries elixir-cldr/cldr_calendars (`test/nrf_test.exs`) and
rocksoftcode/nrf-calendar, both taken from the NRF's published calendars.
"""

from __future__ import annotations

from datetime import date, timedelta

import pandas as pd
import pytest

from data.fiscal import fiscal_week, fiscal_year_start, weeks_in_fiscal_year

PUBLISHED_YEARS = {
    2016: (date(2016, 1, 31), date(2017, 1, 28), 52),
    2017: (date(2017, 1, 29), date(2018, 2, 3), 53),
    2018: (date(2018, 2, 4), date(2019, 2, 2), 52),
    2019: (date(2019, 2, 3), date(2020, 2, 1), 52),
    2020: (date(2020, 2, 2), date(2021, 1, 30), 52),
    2021: (date(2021, 1, 31), date(2022, 1, 29), 52),
    2022: (date(2022, 1, 30), date(2023, 1, 28), 52),
    2023: (date(2023, 1, 29), date(2024, 2, 3), 53),
}
PUBLISHED_START = {2014: date(2014, 2, 2)}
LONG_YEARS = (2000, 2006, 2012, 2017, 2023, 2028, 2034, 2040, 2045, 2051, 2056)


def year_as_computed(year):
    end = fiscal_year_start(year + 1) - timedelta(days=1)
    return fiscal_year_start(year), end, weeks_in_fiscal_year(year)


@pytest.mark.parametrize(("year", "published"), PUBLISHED_YEARS.items())
def test_a_fiscal_year_starts_and_ends_on_its_published_days(year, published):
    assert year_as_computed(year) == published


@pytest.mark.parametrize(("year", "published"), PUBLISHED_START.items())
def test_a_fiscal_year_starts_on_its_published_day(year, published):
    assert fiscal_year_start(year) == published


def test_the_years_of_53_weeks_are_the_published_ones():
    assert tuple(year for year in range(2000, 2060) if weeks_in_fiscal_year(year) == 53) == LONG_YEARS


def test_a_53rd_week_belongs_to_january():
    last = fiscal_week(date(2024, 2, 3))
    assert (last.year, last.week, last.month, last.quarter) == (2023, 53, 12, 4)
    assert fiscal_week(date(2024, 2, 4)).week == 1


def test_the_reference_file_agrees(shared_data):
    reference = pd.read_csv(shared_data / "calendar" / "nrf_454_reference.csv")
    assert len(reference) > len(PUBLISHED_YEARS)
    for row in reference.itertuples():
        start, end, weeks = year_as_computed(int(row.fy))
        assert row.start == start.isoformat()
        assert pd.isna(row.end) or (row.end, row.weeks) == (end.isoformat(), weeks)
