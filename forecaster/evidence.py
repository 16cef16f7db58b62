"""Who has seen this time of the year with stock on the shelf: how much a forecast may be trusted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.codes import STRONGEST_FIRST, Evidence
from forecaster.year import WEEKS_PER_YEAR, circular_distance

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

__all__ = ["MIN_EXPOSURE", "STRONGEST_FIRST", "Evidence", "labels", "seen_near"]

NEAR_WEEKS = 1.6
"""Exposed weeks within this distance of the same time of year count: its own week and one either side."""

MIN_EXPOSURE = 0.5
"""Series-weeks of exposure that make a time of the year seen."""

MIN_REQUESTS = 3.0
"""Customers who asked, near a time of the year, that make it requested."""


def seen_near(fraction: Floats, week_fraction: Floats, amounts: Floats) -> Floats:
    """Sums of weekly amounts near each time of year, over all years.

    Args:
        fraction: (f,) fractions of the year asked about.
        week_fraction: (t,) fractions of the weeks in history.
        amounts: (rows, t), such as series-weeks of exposure by zone.

    Returns:
        (rows, f).
    """
    near = circular_distance(week_fraction[:, None], fraction[None, :]) * WEEKS_PER_YEAR <= NEAR_WEEKS
    return np.asarray(amounts @ near.astype(np.float64), dtype=np.float64)


def labels(seen: Floats, asked: Floats, warm_enough: Flags) -> npt.NDArray[np.int8]:
    """Label each zone and time of year.

    Args:
        seen: (zones, f) exposure near it.
        asked: (zones, f) requests near it, 0 where requests cannot be read.
        warm_enough: (zones, f) whether its temperature was met with stock somewhere (False without climate).

    Returns:
        (zones, f) positions in ``STRONGEST_FIRST``: observed by the zone itself; requested by its customers;
        borrowed from another zone (its shelves or its customers) or from temperature; unknown otherwise.
    """
    own, wanted = seen >= MIN_EXPOSURE, asked >= MIN_REQUESTS
    somebody = (own | wanted).any(axis=0, keepdims=True) | warm_enough
    words = np.where(own, Evidence.OBSERVED, np.where(wanted, Evidence.REQUESTED, Evidence.BORROWED))
    words = np.where(own | wanted | somebody, words, Evidence.UNKNOWN)
    codes = np.zeros(words.shape, dtype=np.int8)
    for code, label in enumerate(STRONGEST_FIRST):
        codes[words == label] = code
    return codes
