"""Where in the year a week lies, without week numbers: no 53rd-week case, no leap-year case."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

TROPICAL_YEAR_DAYS = 365.24219
"""Mean solar year (J2000): the period after which the seasons, and the customers, return."""

WEEKS_PER_YEAR = TROPICAL_YEAR_DAYS / 7

_EPOCH = np.datetime64("2000-01-01", "D")
_HALF_WEEK = 3.5


def year_fraction(weeks: npt.ArrayLike) -> npt.NDArray[np.float64]:
    """Position of each week's midpoint in the solar year.

    Args:
        weeks: first days of weeks (dates or datetime64), any shape.

    Returns:
        Fractions in [0, 1), same shape; 0 is the night to 1 January 2000 and drifts by less than a day from
        the calendar's 1 January in two hundred years.

    Example:
        >>> year_fraction(np.array(["2024-01-01", "2024-07-01"], dtype="datetime64[D]")).round(2)
        array([0.01, 0.51])
    """
    first_days = np.asarray(weeks).astype("datetime64[D]")
    elapsed = (first_days - _EPOCH).astype(np.float64) + _HALF_WEEK
    # The modulo of a tiny negative number rounds to 1.0: keep the promise of a half-open interval.
    fraction = np.mod(elapsed / TROPICAL_YEAR_DAYS, 1.0)
    return np.where(fraction >= 1.0, 0.0, fraction)


def circular_distance(
    left: npt.NDArray[np.float64], right: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Shortest way round the year between two fractions, in [0, 0.5], by broadcasting."""
    apart = np.abs(left - right) % 1.0
    return np.minimum(apart, 1.0 - apart)
