"""The trade's year: the NRF 4-5-4 fiscal calendar, and the chain's week."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from data.settings import Weekday

_SATURDAY: Final = 5
_WEEK: Final = timedelta(days=7)
_HALF_WEEK: Final = 3
# Weeks in the twelve fiscal months, February first; a 53rd week is added to the last.
_MONTHS: Final = (4, 5, 4) * 4


@dataclass(frozen=True, order=True)
class FiscalWeek:
    """A week of the 4-5-4 calendar: fiscal year, week 1 to 53, month 1 (February) to 12, quarter 1 to 4."""

    year: int
    week: int
    month: int
    quarter: int
    starts_on: date


def fiscal_year_start(year: int) -> date:
    """First day (a Sunday) of a fiscal year.

    The year ends on the Saturday nearest to 31 January (National Retail Federation, "4-5-4 Calendar"), so the
    next begins on the Sunday after it.
    """
    january_end = date(year, 1, 31)
    days_back = (january_end.weekday() - _SATURDAY) % 7
    nearest = january_end - timedelta(days=days_back)
    if days_back > _HALF_WEEK:
        nearest += _WEEK
    return nearest + timedelta(days=1)


def weeks_in_fiscal_year(year: int) -> int:
    """52, or 53 about every sixth year."""
    return (fiscal_year_start(year + 1) - fiscal_year_start(year)) // _WEEK


def fiscal_week(day: date) -> FiscalWeek:
    """The fiscal week that holds a day."""
    year = day.year if day >= fiscal_year_start(day.year) else day.year - 1
    start = fiscal_year_start(year)
    week = (day - start) // _WEEK + 1
    month, last = 0, 0
    while month < len(_MONTHS) and last < week:
        last += _MONTHS[month]
        month += 1
    return FiscalWeek(year, week, month, (month + 2) // 3, start + (week - 1) * _WEEK)


def week_start(day: date, first: Weekday) -> date:
    """First day of the chain's week that holds a day."""
    return day - timedelta(days=(day.weekday() - first.number) % 7)
