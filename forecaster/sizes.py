"""How a size run's demand divides into sizes: the chain's curve, each style's and each store's departure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from forecaster.credibility import NO_SPREAD, SHAPE_BEFORE, climb, spread_shape, sums_by, thinning

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.kinship import Kinship

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_TURNS = 2


@dataclass(frozen=True)
class SizeCurves:
    """Size curves of one category.

    Attributes:
        kinship: whose skus and stores these are.
        weight: (skus,) weight of each sku in its run, the chain over.
        departure: (stores, sizes) factor of each store on each size, 1 = as the chain.
        weight_doubt, departure_doubt: relative variances, shaped alike.
    """

    kinship: Kinship
    weight: Floats
    departure: Floats
    weight_doubt: Floats
    departure_doubt: Floats

    @classmethod
    def level(cls, kinship: Kinship) -> SizeCurves:
        """All sizes alike: where no run was ever seen to divide."""
        table = (len(kinship.format_zone), kinship.n_sizes)
        n_skus = len(kinship.run)
        return cls(kinship, np.ones(n_skus), np.ones(table), np.zeros(n_skus), np.zeros(table))

    def share(self, sku: Indices, store: Indices) -> Floats:
        """Share of skus in their run's demand at stores, (n,): over the skus of a run they sum to one.

        q_sk = w_k h_s,size(k) / sum over the run's skus j of w_j h_s,size(j)
        """
        kin, n_sizes = self.kinship, self.kinship.n_sizes
        place = kin.run * n_sizes + kin.size
        of_run = sums_by(place, self.weight, (kin.run.max(initial=-1) + 1) * n_sizes).reshape(-1, n_sizes)
        whole = np.einsum("nz,nz->n", of_run[kin.run[sku]], self.departure[store])
        own = self.weight[sku] * self.departure[store, kin.size[sku]]
        return np.asarray(own / whole, dtype=np.float64)

    def doubt(self, sku: Indices, store: Indices) -> Floats:
        """Relative variance of those shares, (n,)."""
        return np.asarray(
            self.weight_doubt[sku] + self.departure_doubt[store, self.kinship.size[sku]], dtype=np.float64
        )


def fit_size_curves(
    units: Floats, base: Floats, sku: Indices, store: Indices, kinship: Kinship
) -> SizeCurves:
    """Size curves from how the sales of each run in each store divided among the sizes on its shelf.

    Only the division counts, not how much a run sold, so neither levels nor stores' sizes are needed:

        E[y_sk | Y_s,run] = Y_s,run b_sk q_sk / sum_j b_sj q_sj
        w_sku -> w_style,size -> w_size -> 1      h_store,size -> 1

    The arrows are ladders of `credibility.climb`: a style's curve is shrunk to its scale's, a store's to the
    chain's, each as far as the sales leave it in doubt. A size that was sold out has a small b and takes no
    share from the others.

    Args:
        units: (n,) units per series.
        base: (n,) exposure x season x price effect per series.
        sku: (n,) index of the sku.
        store: (n,) index of the store.
        kinship: the category's.
    """
    curves = SizeCurves.level(kinship)
    cell = _cells(kinship.line[kinship.run[sku]], store)
    divided = (np.bincount(cell, base > 0)[cell] > 1) & (base > 0)
    if not divided.any():
        return curves
    units, base = units[divided], base[divided]
    sku, store, cell = sku[divided], store[divided], cell[divided]
    place = store * kinship.n_sizes + kinship.size[sku]
    shape = SHAPE_BEFORE
    # In turn, each on what the other leaves unexplained: moved together, both would explain the same.
    for move, index in ((_with_weights, sku), (_with_departures, place)) * _TURNS:
        expected, part = _given_the_total(units, base * curves.share(sku, store), cell)
        shape = spread_shape(units, expected, part, shape)
        speaks = thinning(expected, shape)
        curves = move(curves, speaks * units, speaks * expected, index)
    return curves


def spread_within_runs(units: Floats, base: Floats, cell: Indices) -> float:
    """Shape with which series lie round their share of what their run sold in their store.

    Without any run of two series none lies apart from its run: what there is of spread is the run's.
    """
    expected, part = _given_the_total(units, base, cell)
    telling = (part > 0) & (part < 1)
    if not telling.any():
        return NO_SPREAD
    units, expected, part = units[telling], expected[telling], part[telling]
    return spread_shape(units, expected, part, spread_shape(units, expected, part, SHAPE_BEFORE))


def _given_the_total(units: Floats, base: Floats, cell: Indices) -> tuple[Floats, Floats]:
    """Units expected of each series given what its cell sold, and its share of the cell."""
    n = int(cell.max(initial=-1)) + 1
    whole = sums_by(cell, base, n)[cell]
    part = np.divide(base, whole, out=np.zeros_like(base), where=whole > 0)
    return part * sums_by(cell, units, n)[cell], part


def _with_weights(curves: SizeCurves, units: Floats, expected: Floats, sku: Indices) -> SizeCurves:
    """Curves with each sku's weight moved to where its units lie above or below expectation."""
    n_skus = len(curves.weight)
    seen = sums_by(sku, expected, n_skus) / curves.weight
    rung = climb(sums_by(sku, units, n_skus), seen, curves.kinship.of_sizes, top=1.0)[0]
    return replace(curves, weight=rung.mean, weight_doubt=rung.doubt)


def _with_departures(curves: SizeCurves, units: Floats, expected: Floats, place: Indices) -> SizeCurves:
    """Curves with the departures of each store and size moved likewise."""
    table, flat = curves.departure.shape, curves.departure.ravel()
    seen = sums_by(place, expected, len(flat)) / flat
    rung = climb(sums_by(place, units, len(flat)), seen, [np.zeros(len(flat), dtype=np.intp)], top=1.0)[0]
    return replace(curves, departure=rung.mean.reshape(table), departure_doubt=rung.doubt.reshape(table))


def _cells(first: Indices, second: Indices) -> Indices:
    """Index of each pair that occurs."""
    return np.unique(first * (second.max(initial=0) + 1) + second, return_inverse=True)[1]
