"""Markdown timing: every candidate plan rolled forward against price-dependent demand, all stores at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from forecaster.errors import PanelError
from forecaster.plan_figures import Rolled, Segments, Sold
from forecaster.plan_frontier import PlanReport, weighed
from forecaster.plan_sales import ExactSales, Stretch, TabledSales, sold_by_stretch
from forecaster.plan_shelves import read_shelves
from forecaster.plans import Stakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import numpy.typing as npt

    from forecaster.plan_rules import PlanRules
    from forecaster.plan_sales import Sales
    from forecaster.plan_shelves import Shelves
    from forecaster.plans import Plan

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

_EXACT_UP_TO = 1_000_000
"""So many values of the closed form are worked out one by one; beyond, a table serves all plans."""

_BLOCK = 1 << 17
"""Plans x series worked on at once: few enough to stay near the processor."""


def plan_markdowns(
    forecast: pd.DataFrame,
    series: pd.DataFrame,
    supply: pd.DataFrame,
    plans: Sequence[Plan],
    *,
    today: Plan,
    elasticity: float,
    as_of: date,
    stakes: Stakes | None = None,
    rules: PlanRules | None = None,
    season_ends: date | None = None,
    per_zone: bool = False,
) -> PlanReport:
    """Weigh markdown plans of one category against today's.

    On the floor D_t ~ NB(mu_t rho_t^-beta), stock and receipts are sold to whoever comes first, without
    backlog; what is left at the exit is worth its salvage. Of each plan and series, expected units sold at
    each price are differences of

        M_T - L_T,   L_T = max over u <= T of E[max(0, C_u - S_u)],   M_T = E[C_T]

    (`forecaster.plan_sales`). All stock is paid for already: the margin is revenue and salvage less the cost
    of everything, so that two plans differ by what they sell it for. A customer is one unit of demand at
    regular price: whom a price cut alone would bring is not turned away by its end, but takes stock from
    those who come later.

    Args:
        forecast: store, sku, week, mean (units at regular price), maybe evidence; as
            `forecaster.plan_shelves.read_shelves` takes it. A sku may as well be a whole style.
        series: store, sku, level_shape, dispersion, regular_price, unit_cost, salvage (money a piece); with
            ``size`` where a plan names sizes, with ``climate_zone`` where ``per_zone`` is asked.
        supply: store, sku, week, units: on hand (in the first week) and to come, as for
            `forecaster.expected_gap`.
        plans: candidates; today's plan is weighed with them whether or not it is one.
        today: the plan in force.
        elasticity: beta >= 0: demand moves with rho ** -beta, rho the price over the regular price.
        as_of: last business date known; what the plans say of earlier days is past.
        stakes: what a customer, a rail-week and a rail are worth or hold; the defaults if None.
        rules: refuse plans that break them; none are refused if None.
        season_ends: last day on which demand belongs to this season; by default the lowest week of the
            category in the year after today's exit.
        per_zone: tell each climate zone by itself besides the chain.

    Returns:
        The report: a row for each plan of the chain (climate_zone '') and, where asked, of each zone.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    stakes = stakes or Stakes()
    needed = (["size"] if any(plan.sizes is not None for plan in plans) else []) + (
        ["climate_zone"] if per_zone else []
    )
    if not np.isfinite(elasticity) or elasticity < 0:
        raise PanelError("elasticity", "elasticity", f"{elasticity:g}: a number from 0 on")
    shelves = read_shelves(forecast, series, supply, as_of=as_of, needed=needed)
    kept, refused = _lawful(plans, today, rules, as_of, shelves.regular_price)
    tried = [today, *kept]
    segments = _segments(tried, today, shelves)
    growth = (1.0 - segments.percent / 100.0) ** -elasticity
    rolled = Rolled(shelves, tried, segments, growth, _roll(shelves, tried, segments, growth), stakes)
    return weighed(rolled.figures(season_ends, per_zone=per_zone), tried, refused, stakes, rules)


def _lawful(
    plans: Iterable[Plan], today: Plan, rules: PlanRules | None, as_of: date, prices: Floats
) -> tuple[list[Plan], list[tuple[Plan, str]]]:
    """The plans other than today's that keep to the rules, and those that do not with the reason."""
    kept, refused = [], []
    regular = np.unique(prices).tolist()
    for plan in dict.fromkeys(plans):
        if plan == today:
            continue
        reason = rules.refusal(plan, today, as_of=as_of, regular_prices=regular) if rules else None
        if reason is None:
            kept.append(plan)
        else:
            refused.append((plan, reason))
    return kept, refused


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
    sales = _sales(shelves, segments, growth)
    of_store = np.unique(shelves.series["store"].to_numpy(dtype=object), return_inverse=True)[1]
    shared = _shared(segments, growth)
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


def _sales(shelves: Shelves, segments: Segments, growth: Floats) -> Sales:
    """The exact form for a zone, the table for a chain."""
    if growth.size * len(shelves.level_shape) <= _EXACT_UP_TO:
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
