"""What is known of a series before it has sold anything: the prior from its sizes, stores, style and kind."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from forecaster.credibility import SHAPE_BEFORE, SHAPES, Rung, climb, shrunk, spread_shape, sums_by, thinning
from forecaster.kinship import Kinship
from forecaster.sizes import fit_size_curves, spread_within_runs

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

_TURNS = 3

_BOLDNESS = 3.0
"""A run in a store speaks for its margins as if runs lay three times closer to them than they do. Real
spreads have longer tails than a gamma's, and where the few largest speak as softly as the rest, totals come
out low. Between 1 and 10 nothing much changes."""


@dataclass(frozen=True)
class Prior:
    """Gamma prior of every series: mean (n,) in units a week at season 1, and shape (n,)."""

    mean: Floats
    shape: Floats


@dataclass(frozen=True)
class _Table:
    """Runs in stores: units and base of each cell, and the line and store it belongs to."""

    units: Floats
    base: Floats
    line: Indices
    store: Indices
    kinship: Kinship

    def by_line(self, values: Floats) -> Floats:
        """Sums over the stores of each line."""
        return sums_by(self.line, values, len(self.kinship.style))

    def by_store(self, values: Floats) -> Floats:
        """Sums over the lines of each store."""
        return sums_by(self.store, values, len(self.kinship.format_zone))


@dataclass(frozen=True)
class _Margins:
    """The two-way table settled: ladders of lines and stores, and the shape of cells round their product."""

    lines: tuple[Rung, ...]
    stores: tuple[Rung, ...]
    shape: float

    def product(self, table: _Table) -> Floats:
        """Rate of each cell by its margins alone."""
        return self.lines[0].mean[table.line] * self.stores[0].mean[table.store]

    def doubt(self, table: _Table) -> Floats:
        """Relative variance of that rate."""
        return self.lines[0].doubt[table.line] + self.stores[0].doubt[table.store]


def pooled_prior(
    units: Floats, base: Floats, sku: Indices, store: Indices, *, kinship: Kinship | None = None
) -> Prior:
    """Prior of each series from what is kin to it: other sizes, other stores, the style, the store.

        lambda_sk ~ Gamma(mean theta_s,run q_sk, shape a0)     a size of a run in a store
        theta_s,run ~ Gamma(mean L_run f_s, shape a1)          a run in a store
        L_run -> style -> kind -> category,   f_store -> format x zone -> format -> 1

    with q the size shares (`sizes`); the arrows are ladders (`credibility.climb`). L and f are settled in
    turn, as the margins of a two-way table are fitted, each run in each store counting for what it says about
    its margins. So a new store gets the factor of stores of its format and zone, a new size of a run the
    run's level times its share, a new style the level of styles alike, each with the doubt that goes with
    it. What a series says itself is left out of its run's rate in its store, so that it does not count twice.
    All shapes are by moments.

    Args:
        units: (n,) discounted units per series.
        base: (n,) discounted exposure x season x price effect per series.
        sku: (n,) index of the sku.
        store: (n,) index of the store.
        kinship: the ladders; None when nothing but names is known.
    """
    if units.sum() <= 0:
        return _nothing_sold(base)
    kin = kinship or Kinship.none(int(sku.max()) + 1, int(store.max()) + 1)
    curves = fit_size_curves(units, base, sku, store, kin)
    share = curves.share(sku, store)
    shared = base * share
    pairs, cell = np.unique(store * len(kin.style) + kin.line[kin.run[sku]], return_inverse=True)
    within = spread_within_runs(units, shared, cell)
    n = len(pairs)
    line, place = pairs % len(kin.style), pairs // len(kin.style)
    table = _Table(sums_by(cell, units, n), sums_by(cell, shared, n), line, place, kin)
    margins = _first_margins(table)
    for _ in range(_TURNS):
        speaks = thinning(shared * margins.product(table)[cell], within)
        own_units, own_base = speaks * units, speaks * shared
        table = replace(table, units=sums_by(cell, own_units, n), base=sums_by(cell, own_base, n))
        margins = _settled(table, margins)
    rate, doubt = _from_the_others(own_units, own_base, cell, table, margins)
    return Prior(rate * share, 1.0 / (1.0 / within + doubt + curves.doubt(sku, store)))


def _nothing_sold(base: Floats) -> Prior:
    """Next to nothing where something was on a shelf, nothing where nothing ever was."""
    everywhere = base.sum()
    mean = 0.5 / (everywhere + 1.0) if everywhere > 0 else 0.0
    return Prior(np.full(len(base), mean), np.full(len(base), SHAPES[0]))


def _from_the_others(
    units: Floats, base: Floats, cell: Indices, table: _Table, margins: _Margins
) -> tuple[Floats, Floats]:
    """Rate of each series' run in its store by the margins and the other sizes, and its relative variance."""
    others, seen = np.maximum(table.units[cell] - units, 0.0), np.maximum(table.base[cell] - base, 0.0)
    before = margins.product(table)[cell]
    inherited = thinning(seen * before, margins.shape)
    doubt = 1.0 / (margins.shape + others) + inherited**2 * margins.doubt(table)[cell]
    return shrunk(others, seen, before, margins.shape), doubt


def _first_margins(table: _Table) -> _Margins:
    """Margins from plain sums."""
    lines = _lines(table, np.ones(len(table.kinship.format_zone)))
    stores = _stores(table, lines[0].mean)
    return _Margins(_lines(table, stores[0].mean, lines), stores, SHAPE_BEFORE)


def _settled(table: _Table, before: _Margins) -> _Margins:
    """Margins after one more turn, every cell thinned to what it says about them."""
    expected = table.base * before.product(table)
    told = thinning(expected, before.shape) * expected
    by_others = (1.0 - told / (table.by_line(told)[table.line] + before.lines[0].shape)) * (
        1.0 - told / (table.by_store(told)[table.store] + before.stores[0].shape)
    )
    # Half way, on the scale of logarithms: what cells and what margins differ by trade places otherwise.
    shape = math.sqrt(before.shape * spread_shape(table.units, expected, 1.0 - by_others, before.shape))
    speaks = thinning(expected, _BOLDNESS * shape)
    thinned = replace(table, units=speaks * table.units, base=speaks * table.base)
    lines = _lines(thinned, before.stores[0].mean, before.lines)
    return _Margins(lines, _stores(thinned, lines[0].mean, before.stores), shape)


def _lines(table: _Table, factor: Floats, before: tuple[Rung, ...] | None = None) -> tuple[Rung, ...]:
    """Levels of lines given the factors of stores."""
    seen = table.by_line(table.base * factor[table.store])
    return climb(table.by_line(table.units), seen, table.kinship.of_lines, before=before)


def _stores(table: _Table, level: Floats, before: tuple[Rung, ...] | None = None) -> tuple[Rung, ...]:
    """Factors of stores given the levels of lines."""
    seen = table.by_store(table.base * level[table.line])
    return climb(table.by_store(table.units), seen, table.kinship.of_stores, top=1.0, before=before)
