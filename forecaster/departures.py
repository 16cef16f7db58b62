"""How far stores stray from their category's season: what a few stores can prove for many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BLOCK_WEEKS: Final = 8
"""Weeks in which a store that sells more than the season says tends to go on doing so."""

SWING_SPREAD: Final = 0.18
"""How differently stores live one season: standard deviation of the power to which a store's season is
that of its zone. Measured on departments 1, 3, 7 and 72 of 45 Walmart stores, 2010 to 2012, where it is 0.23,
0.20, 0.15 and 0.13. A store's own power, estimated from the part of the year it has shown, foretold the rest
no better than 1 did: so it is doubt, not a correction."""

_FEWEST_UNITS = 5.0
_FEWEST_BLOCKS = 3
_TELLING = 10.0


@dataclass(frozen=True)
class Departures:
    """What the stores' residuals say.

    Attributes:
        scale: dispersion of sums over a store's blocks of weeks, at least 1. Taken for independent, the weeks
            of one store would let two open stores outvote a chain.
        variance: of the log of a store's demand against its level and season, one block against the next.
    """

    scale: float = 1.0
    variance: float = 0.0


def measure_departures(units: Floats, expected: Floats) -> Departures:
    """Departures of stores, from their weekly sums.

    With r the residuals and m the expected units of a store's week, over blocks b of its weeks

        scale = mean over b of (sum r)^2 / sum m
        variance = mean over b of [(sum r)^2 - sum r^2] / [(sum m)^2 - sum m^2]

    the second being the residuals' covariance within blocks, free of each week's own noise (moments).

    Args:
        units: (stores, t) sold.
        expected: (stores, t) expected given exposure, 0 where nothing was exposed.
    """
    away = np.where(expected > 0, units - expected, 0.0)
    edges = np.arange(0, units.shape[1], BLOCK_WEEKS)
    total, mean = np.add.reduceat(away, edges, axis=1), np.add.reduceat(expected, edges, axis=1)
    alone, mean_alone = np.add.reduceat(away**2, edges, axis=1), np.add.reduceat(expected**2, edges, axis=1)
    told = mean >= _FEWEST_UNITS
    if told.sum() < _FEWEST_BLOCKS:
        return Departures()
    scale = float(np.mean(total[told] ** 2 / mean[told]))
    pairs = told & (mean**2 - mean_alone > 0)
    if not pairs.any():
        return Departures(max(1.0, scale))
    shared = (total**2 - alone)[pairs] / (mean**2 - mean_alone)[pairs]
    # Blocks count alike once they are large enough to tell a departure of a tenth from chance.
    noise = _TELLING * float(alone[told].sum() / mean[told].sum())
    weight = mean[pairs] ** 2 / (mean[pairs] ** 2 + noise**2)
    return Departures(
        max(1.0, scale), max(0.0, float(np.average(np.clip(shared, -1.0, 2.0), weights=weight)))
    )
