"""The stock of all stores rolled forward against price-dependent demand, under many plans at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.plan_figures import Rolled, Segments, Sold
from forecaster.plan_sales import ExactSales, Stretch, TabledSales, sold_by_stretch

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from forecaster.plan_sales import Sales
    from forecaster.plan_shelves import Shelves
    from forecaster.plans import Plan, Stakes

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_EXACT_UP_TO = 1_000_000
"""So many values of the closed form are worked out one by one in any case: it is exact."""

_BLOCK = 1 << 17
"""Plans x series worked on at once: few enough to stay near the processor."""


def rolled(shelves: Shelves, plans: Sequence[Plan], *, elasticity: float, stakes: Stakes) -> Rolled:
    """Roll the stock of all series forward under each of some plans; the first is today's.

    On the floor D_t ~ NB(mu_t rho_t^-beta), stock and receipts are sold to whoever comes first, without
    backlog; what is left at the exit is worth its salvage. Of each plan and series, expected units sold at
    each price are differences of

        M_T - L_T,   L_T = max over u <= T of E[max(0, C_u - S_u)],   M_T = E[C_T]

    (`forecaster.plan_sales`).

    Args:
        shelves: n series; with ``size`` where a plan names sizes.
        plans: today's and others.
        elasticity: beta >= 0: demand moves with rho ** -beta, rho the price over the regular price.
        stakes: what a rail holds, and who takes another piece.
    """
    segments = _segments(plans, plans[0], shelves)
    growth = (1.0 - segments.percent / 100.0) ** -elasticity
    return Rolled(shelves, plans, segments, growth, _roll(shelves, plans, segments, growth), stakes)


def stock_ahead(shelves: Shelves, plan: Plan, *, elasticity: float) -> Floats:
    """Expected units on the floor at the start of each week of a plan that keeps everything to its exit.

    Returns:
        (t,) units of all series together; NaN for weeks that begin before the floor-set or after the exit.
    """
    day = np.timedelta64(1, "D")
    opens, closes = (
        float(shelves.position(np.datetime64(edge, "D") + more))
        for edge, more in ((plan.floor_set, 0 * day), (plan.exit, day))
    )
    cuts = [float(shelves.position(np.datetime64(cut.day, "D"))) for cut in plan.markdowns]
    weeks = np.arange(np.ceil(opens), np.ceil(closes))
    edges = np.unique(np.clip([opens, *weeks, *cuts, closes], opens, closes))
    percent = np.zeros(len(edges) - 1)
    for place, cut in zip(cuts, plan.markdowns, strict=True):
        percent[edges[:-1] >= place] = cut.percent_off
    lift = (1.0 - percent / 100.0) ** -elasticity
    stretches = [
        Stretch(*(np.array([[value]]) for value in span))
        for span in zip(edges[:-1], edges[1:], lift, strict=True)
    ]
    so_far = [0.0, *(float(sold.sum()) for sold in sold_by_stretch(shelves, stretches, ExactSales(shelves)))]
    left = np.full(len(shelves.week), np.nan)
    there = weeks.astype(np.intp)
    # What arrives in a week is on the floor from its first day.
    left[there] = shelves.supplied[there + 1].sum(axis=1) - np.interp(weeks, edges, so_far)
    return left


def _segments(plans: Sequence[Plan], today: Plan, shelves: Shelves) -> Segments:
    """Cut each plan's days on the floor where its price changes and where today's exit lies."""
    day = np.timedelta64(1, "D")
    border = np.datetime64(today.exit, "D") + day
    rows = []
    for plan in plans:
        leaving = np.datetime64(plan.exit, "D") + day
        days = [np.datetime64(plan.floor_set, "D")]
        days += [np.datetime64(cut.day, "D") for cut in plan.markdowns if cut.day > plan.floor_set]
        days += [border] if days[0] < border < leaving else []
        starts = sorted(set(days))
        rows.append((starts, leaving, [plan.percent_off(start.item()) for start in starts]))
    most = max(len(starts) for starts, _, _ in rows)
    start = np.empty((len(plans), most + 1))
    percent, extra = np.zeros((len(plans), most)), np.zeros((len(plans), most), dtype=bool)
    for place, (starts, leaving, percents) in enumerate(rows):
        padded = starts + [leaving] * (most + 1 - len(starts))
        start[place] = shelves.position(np.array(padded))
        percent[place, : len(starts)] = percents
        extra[place, : len(starts)] = [first >= border for first in starts]
    return Segments(start[:, :-1], start[:, 1:], percent, extra, float(shelves.position(border)))


def _roll(shelves: Shelves, plans: Sequence[Plan], segments: Segments, growth: Floats) -> Sold:
    """Sell the stock of all series under all plans, block by block of series."""
    shared = _shared(segments, growth)
    sales = _sales(shelves, segments, growth, rows=sum(len(level.stretch.start) for level in shared))
    of_store = np.unique(shelves.series["store"].to_numpy(dtype=object), return_inverse=True)[1]
    named = [place for place, plan in enumerate(plans) if plan.stores is not None or plan.sizes is not None]
    partial = np.array(named, dtype=np.intp)
    leaves = ~_stays([plans[place] for place in named], shelves)
    sold = Sold.nothing(len(plans), growth.shape[1], int(of_store[-1]) + 1)
    wide = max(1, _BLOCK // len(plans))
    for first in range(0, len(of_store), wide):
        columns = slice(first, first + wide)
        block = _Block(shelves, segments, columns, of_store[columns])
        stretches = [level.stretch for level in shared]
        so_far = sold_by_stretch(shelves, stretches, sales, columns)
        units = _steps(so_far, stretches)
        block.add(sold, shared, units)
        if len(partial):
            block.take_off(sold, shared, units, partial, leaves[:, columns])
    return sold


@dataclass(frozen=True)
class _Level:
    """One segment of all plans: each once that shares it and all before it; (plans,) which is whose."""

    stretch: Stretch
    of_plan: npt.NDArray[np.intp]


def _shared(segments: Segments, growth: Floats) -> list[_Level]:
    """The plans' segments as a tree: plans that begin alike are rolled once, up to where they part."""
    levels: list[_Level] = []
    so_far = np.zeros(len(growth), dtype=np.intp)
    for start, end, lift in zip(segments.start.T, segments.end.T, growth.T, strict=True):
        key = np.column_stack([so_far, start, end, lift])
        distinct, first, of_plan = np.unique(key, axis=0, return_index=True, return_inverse=True)
        starts, ends, lifts = (distinct[:, [place]] for place in (1, 2, 3))
        levels.append(_Level(Stretch(starts, ends, lifts, so_far[first]), of_plan.ravel().astype(np.intp)))
        so_far = levels[-1].of_plan
    return levels


def _steps(so_far: Sequence[Floats], stretches: Sequence[Stretch]) -> list[Floats]:
    """Units sold in each stretch, from those sold up to its end."""
    before: Floats = np.zeros((1, so_far[0].shape[1]))
    units = []
    for after, stretch in zip(so_far, stretches, strict=True):
        units.append(after - before[stretch.parent])
        before = after
    return units


@dataclass(frozen=True)
class _Block:
    """Some series (m), and how what they sell is added up by store."""

    shelves: Shelves
    segments: Segments
    columns: slice
    of_store: npt.NDArray[np.intp]

    def add(self, sold: Sold, shared: Sequence[_Level], units: Sequence[Floats]) -> None:
        """Add what is sold if everything stays; what stays and what is wanted then."""
        for place, (level, some) in enumerate(zip(shared, units, strict=True)):
            for table, worth in self._worths(sold):
                table[:, place, self._stores] += self._by_store(some * worth)[level.of_plan]
        closes = self.segments.end[:, -1:]
        border = np.minimum(closes, self.segments.border)
        supplied, wanted = (
            self._by_store(table[:, self.columns]) for table in (self.shelves.supplied, self.shelves.wanted)
        )
        by_border = [
            self._by_store(some)[level.of_plan] * ~self.segments.extra[:, [place]]
            for place, (level, some) in enumerate(zip(shared, units, strict=True))
        ]
        left = supplied[np.ceil(border[:, 0]).astype(np.intp)] - np.sum(by_border, axis=0)
        sold.staying[:, self._stores] += left
        sold.wanted_after[:, self._stores] += self.shelves.at(wanted, closes) - self.shelves.at(
            wanted, border
        )

    def take_off(
        self,
        sold: Sold,
        shared: Sequence[_Level],
        units: Sequence[Floats],
        partial: npt.NDArray[np.intp],
        leaves: Flags,
    ) -> None:
        """Take off what is sold after today's exit by those that some plans let leave (partial, m)."""
        shelves, extra = self.shelves, self.segments.extra[partial]
        by_border = np.zeros(leaves.shape)
        for place, (level, some) in enumerate(zip(shared, units, strict=True)):
            own = some[level.of_plan[partial]]
            by_border += np.where(extra[:, [place]], 0.0, own)
            gone = np.where(extra[:, [place]], own, 0.0) * leaves
            for table, worth in self._worths(sold):
                table[partial, place, self._stores] -= self._by_store(gone * worth)
        closes = self.segments.end[partial, -1:]
        border = np.minimum(closes, self.segments.border)
        there = shelves.supplied[:, self.columns][np.ceil(border[:, 0]).astype(np.intp)]
        wanted = shelves.at(shelves.wanted, closes, self.columns) - shelves.at(
            shelves.wanted, border, self.columns
        )
        sold.staying[partial, self._stores] -= self._by_store((there - by_border) * leaves)
        sold.wanted_after[partial, self._stores] -= self._by_store(wanted * leaves)

    @property
    def _stores(self) -> slice:
        return slice(self.of_store[0], self.of_store[-1] + 1)

    def _by_store(self, values: Floats) -> Floats:
        """Values (rows, m) added up."""
        starts = np.flatnonzero(np.diff(self.of_store, prepend=-1))
        return np.asarray(np.add.reduceat(values, starts, axis=1), dtype=np.float64)

    def _worths(self, sold: Sold) -> tuple[tuple[Floats, Floats | float], ...]:
        """The tables of what is sold, and what a piece counts in each."""
        price, salvage = self.shelves.regular_price[self.columns], self.shelves.salvage[self.columns]
        return (sold.units, 1.0), (sold.price, price), (sold.salvage, salvage)


def _sales(shelves: Shelves, segments: Segments, growth: Floats, *, rows: int) -> Sales:
    """The exact form while it has fewer values than a table for all plans would be made of.

    Args:
        shelves: n series.
        segments: of the plans.
        growth: what the prices do to demand.
        rows: stretches to be rolled, those that plans share counted once.
    """
    n = len(shelves.level_shape)
    if rows * n <= max(_EXACT_UP_TO, TabledSales.values(n)):
        return ExactSales(shelves)
    return TabledSales(shelves, opens=float(segments.start.min()), growth=float(growth.max()))


def _stays(plans: Sequence[Plan], shelves: Shelves) -> Flags:
    """Which series stay after today's exit, (plans, series)."""
    stays = np.ones((len(plans), len(shelves.series)), dtype=bool)
    for name, chosen in (
        ("store", [plan.stores for plan in plans]),
        ("size", [plan.sizes for plan in plans]),
    ):
        if all(names is None for names in chosen):
            continue
        code, words = pd.factorize(shelves.series[name].astype(str))
        for place, names in enumerate(chosen):
            if names is not None:
                stays[place] &= np.array([word in names for word in words])[code]
    return stays
