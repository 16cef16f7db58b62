"""Sums over the series of each store: most of what the season is fitted on needs no finer grain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from forecaster.year import WEEKS_PER_YEAR

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_YEAR_SHAPE: Final = 50.0
"""Weight of "this year sold like the others" in units of the clusters' dispersion: a seventh either way."""


@dataclass(frozen=True)
class Places:
    """The stores of a category, each within one climate zone.

    Attributes:
        of_series: (n,) place of each series.
        zone: (p,) zone of each place.
        n_zones: zones of the category.
    """

    of_series: Indices
    zone: Indices
    n_zones: int

    @classmethod
    def of(cls, store: Indices, zone: Indices, n_zones: int) -> Places:
        """Places of series; a store whose series lie in two zones is two places."""
        pair, of_series = np.unique(store * max(n_zones, 1) + zone, return_inverse=True)
        return cls(of_series, pair % max(n_zones, 1), n_zones)

    def sums(self, values: Floats) -> Floats:
        """Sums over the series of each place: (n, t) -> (p, t)."""
        # Series come sorted by store, so that a place is a run of rows.
        starts = np.flatnonzero(np.diff(self.of_series, prepend=-1))
        if len(starts) == len(self.zone):
            return np.asarray(np.add.reduceat(values, starts, axis=0), dtype=np.float64)
        found = np.zeros((len(self.zone), values.shape[1]))
        np.add.at(found, self.of_series, values)
        return found

    def by_zone(self, values: Floats) -> Floats:
        """Sums over the places of each zone: (p, t) -> (zones, t)."""
        member = self.zone[None, :] == np.arange(self.n_zones)[:, None]
        return np.asarray(member.astype(np.float64) @ values, dtype=np.float64)


def year_factors(units: Floats, expected: Floats, age: Floats, scale: float) -> Floats:
    """What each store's year made of its level, so that growth is not taken for season: (p, t).

    Years are counted back from as_of, so that each holds every season once. The chain's years come first,
    each store's are shrunk to them (gamma-Poisson, counts thinned by their dispersion):

        f_py = (U_py / scale + a) / (E_py / scale + a / F_y) with F_y = U_y / E_y

    Args:
        units: (p, t) sold.
        expected: (p, t) expected of a level that never moves.
        age: (t,) weeks between each week and as_of.
        scale: dispersion of sums over a store's weeks.
    """
    year = np.floor(age / WEEKS_PER_YEAR).astype(int)
    member = (year[:, None] == np.unique(year)[None, :]).astype(np.float64)
    sold, foretold = units @ member, expected @ member
    told = foretold.sum(axis=0) > 0
    if told.sum() < 2:  # noqa: PLR2004 - one year cannot be told from its level
        return np.ones_like(units)
    total, total_expected = sold.sum(axis=0) / scale, foretold.sum(axis=0) / scale
    chain = (total + _YEAR_SHAPE) / (total_expected + _YEAR_SHAPE)
    factor = (sold / scale + _YEAR_SHAPE) / (foretold / scale + _YEAR_SHAPE / chain)
    return np.asarray(factor @ member.T, dtype=np.float64)
