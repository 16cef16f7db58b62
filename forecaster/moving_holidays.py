"""Holidays that move through the year, so that what they bring is not smeared over their dates."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import numpy as np
from dateutil.easter import easter
from holidays import country_holidays

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Days = npt.NDArray[np.datetime64]

COUNTRY: Final = "US"
_DAYS_PER_WEEK = 7
_FAR = 10_000
_DAY = np.timedelta64(1, "D")


@dataclass(frozen=True)
class MovingHoliday:
    """A holiday and the stretch of days round it in which customers buy otherwise.

    Attributes:
        name: what people call it.
        listed: its name in the country's list of holidays; '' for Easter, which follows from the moon.
        before, after: whole weeks before the day, and after it (its own day counted), with an effect of
            their own each.
    """

    name: str
    listed: str
    before: int
    after: int


MOVING_HOLIDAYS: Final = (
    MovingHoliday("Easter", "", before=3, after=1),
    MovingHoliday("Thanksgiving", "Thanksgiving", before=1, after=1),
    # School starts around Labor Day, a little earlier in the South: the fixed part is the season's own.
    MovingHoliday("back to school", "Labor Day", before=4, after=1),
)


def n_columns() -> int:
    """Columns of `holiday_days`."""
    return sum(holiday.before + holiday.after for holiday in MOVING_HOLIDAYS)


def holiday_days(weeks: Days) -> Floats:
    """Share of each week's days that lie in each week-long stretch round each moving holiday.

    Args:
        weeks: (n,) first days of weeks.

    Returns:
        (n, n_columns): 0 far from every holiday.
    """
    days = np.add.outer(weeks.astype("datetime64[D]"), np.arange(_DAYS_PER_WEEK) * _DAY)
    years = days.astype("datetime64[Y]").astype(int) + 1970
    first, last = (int(years.min()), int(years.max())) if len(weeks) else (2000, 2000)
    columns = []
    for holiday in MOVING_HOLIDAYS:
        dates: Days = np.array(_dates(holiday, first - 1, last + 1), dtype="datetime64[D]")
        away = _days_from_nearest(days, dates)
        for week in range(-holiday.before, holiday.after):
            within = (away >= _DAYS_PER_WEEK * week) & (away < _DAYS_PER_WEEK * (week + 1))
            columns.append(within.mean(axis=1))
    return np.column_stack(columns)


def _days_from_nearest(days: Days, dates: Days) -> npt.NDArray[np.int64]:
    """Days since the nearest date, negative before it."""
    if not len(dates):
        return np.full(days.shape, _FAR)
    away = (days[..., None] - dates).astype(np.int64)
    nearest = np.abs(away).argmin(axis=-1)
    return np.take_along_axis(away, nearest[..., None], axis=-1)[..., 0]


@lru_cache(maxsize=64)
def _dates(holiday: MovingHoliday, first: int, last: int) -> tuple[str, ...]:
    """The holiday's dates in a span of years, as ISO dates."""
    if not holiday.listed:
        return tuple(easter(year).isoformat() for year in range(first, last + 1))
    listed = country_holidays(COUNTRY, years=range(first, last + 1))
    return tuple(sorted(day.isoformat() for day, name in listed.items() if holiday.listed in name))
