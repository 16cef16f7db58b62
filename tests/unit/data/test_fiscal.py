from __future__ import annotations

from collections import Counter
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.fiscal import fiscal_week, fiscal_year_start, week_start, weeks_in_fiscal_year
from data.settings import Weekday

days = st.dates(date(1950, 1, 1), date(2150, 12, 31))
years = st.integers(1950, 2150)


@given(days)
def test_every_day_lies_in_its_fiscal_week_of_seven_days(day):
    week = fiscal_week(day)
    assert timedelta(0) <= day - week.starts_on < timedelta(days=7)
    assert fiscal_week(week.starts_on) == week == fiscal_week(week.starts_on + timedelta(days=6))


@given(days)
def test_the_next_week_is_another_one_and_comes_after(day):
    week, following = fiscal_week(day), fiscal_week(day + timedelta(days=7))
    assert following.starts_on == week.starts_on + timedelta(days=7)
    assert following > week
    assert (following.year, following.week) in {(week.year, week.week + 1), (week.year + 1, 1)}


@given(years)
def test_a_fiscal_year_begins_on_the_sunday_nearest_to_the_start_of_february(year):
    start = fiscal_year_start(year)
    assert start.weekday() == Weekday.SUNDAY.number
    assert abs(start - date(year, 2, 1)) <= timedelta(days=3)


@given(years)
def test_the_months_of_a_year_have_four_five_and_four_weeks(year):
    weeks = weeks_in_fiscal_year(year)
    assert weeks in (52, 53)
    found = [fiscal_week(fiscal_year_start(year) + timedelta(weeks=number)) for number in range(weeks)]
    assert [week.week for week in found] == list(range(1, weeks + 1))
    assert {week.year for week in found} == {year}
    lengths = Counter(week.month for week in found)
    expected = [4, 5, 4] * 4
    expected[-1] += weeks - 52
    assert [lengths[month] for month in range(1, 13)] == expected
    assert all(week.quarter == -(-week.month // 3) for week in found)


@given(days, st.sampled_from(Weekday))
def test_the_chain_s_week_starts_on_its_weekday_and_holds_the_day(day, first):
    start = week_start(day, first)
    assert start.weekday() == first.number
    assert timedelta(0) <= day - start < timedelta(days=7)


@pytest.mark.parametrize(
    ("first", "start"),
    [
        (Weekday.SUNDAY, date(2026, 6, 7)),
        (Weekday.MONDAY, date(2026, 6, 8)),
        (Weekday.TUESDAY, date(2026, 6, 9)),
        (Weekday.WEDNESDAY, date(2026, 6, 10)),
        (Weekday.THURSDAY, date(2026, 6, 4)),
        (Weekday.FRIDAY, date(2026, 6, 5)),
        (Weekday.SATURDAY, date(2026, 6, 6)),
    ],
)
def test_the_week_of_a_wednesday_for_every_first_weekday(first, start):
    assert week_start(date(2026, 6, 10), first) == start
