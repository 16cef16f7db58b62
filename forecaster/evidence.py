"""Who has seen this time of the year with stock on the shelf: how much a forecast may be trusted."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from forecaster.year import circular_distance

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

NEAR_WEEKS = 1.6
"""Exposed weeks within this distance of the same time of year count: its own week and one either side."""

_MIN_EXPOSURE = 0.5
"""Series-weeks of exposure that make a time of the year seen."""


class Evidence(StrEnum):
    """What a forecast for a category x zone x week rests on."""

    OBSERVED = "observed"
    REQUESTED = "requested"
    BORROWED = "borrowed"
    UNKNOWN = "unknown"


STRONGEST_FIRST = (Evidence.OBSERVED, Evidence.REQUESTED, Evidence.BORROWED, Evidence.UNKNOWN)


def seen_exposure(fraction: Floats, week_fraction: Floats, exposure: Floats) -> Floats:
    """Series-weeks of exposure near each time of year.

    Args:
        fraction: (f,) fractions of the year asked about.
        week_fraction: (t,) fractions of the weeks in history.
        exposure: (zones, t) series-weeks of exposure.

    Returns:
        (zones, f).
    """
    near = circular_distance(week_fraction[:, None], fraction[None, :]) * 52.18 <= NEAR_WEEKS
    return np.asarray(exposure @ near.astype(np.float64), dtype=np.float64)


def labels(seen: Floats, warm_enough: npt.NDArray[np.bool_]) -> npt.NDArray[np.object_]:
    """Label each zone and time of year.

    Args:
        seen: (zones, f) exposure near it.
        warm_enough: (zones, f) whether its temperature was met with stock somewhere (False without climate).

    Returns:
        (zones, f) of Evidence: observed by the zone itself; borrowed from another zone or from temperature;
        unknown otherwise.
    """
    own = seen >= _MIN_EXPOSURE
    somebody = own.any(axis=0, keepdims=True) | warm_enough
    return np.where(own, Evidence.OBSERVED, np.where(somebody, Evidence.BORROWED, Evidence.UNKNOWN))
