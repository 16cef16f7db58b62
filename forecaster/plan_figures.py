"""What came of rolled plans, as figures: units, money, customers turned away and space, by zone."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    import numpy.typing as npt

    from forecaster.plan_shelves import Shelves
    from forecaster.plans import Plan, Stakes

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]

_YEAR_WEEKS = 52
_WEEK = 7.0
_NOTHING = 1e-9


@dataclass(frozen=True)
class Segments:
    """The plans' price segments, (plans, segments) each; the last ones of a short list are empty.

    `start`, `end`: positions; `percent`: off the regular price; `extra`: whether it lies after today's exit.
    `border`: where today's exit lies.
    """

    start: Floats
    end: Floats
    percent: Floats
    extra: Flags
    border: float


@dataclass(frozen=True)
class Sold:
    """What came of the plans by store, (plans, segments, stores): units, at regular price, at salvage.

    `staying`: (plans, stores) units of those that stay, left at today's exit (or the plan's, if sooner);
    `wanted_after`: (plans, stores) what they are wanted for from then on to the plan's exit.
    """

    units: Floats
    price: Floats
    salvage: Floats
    staying: Floats
    wanted_after: Floats

    @classmethod
    def nothing(cls, n_plans: int, n_segments: int, n_stores: int) -> Sold:
        """Nothing sold yet."""
        by_segment = (np.zeros((n_plans, n_segments, n_stores)) for _ in range(3))
        by_plan = (np.zeros((n_plans, n_stores)) for _ in range(2))
        return cls(*by_segment, *by_plan)


@dataclass(frozen=True)
class Rolled:
    """Plans that have been rolled forward; the first is today's.

    `growth`: (plans, segments) what the price does to demand.
    """

    shelves: Shelves
    plans: Sequence[Plan]
    segments: Segments
    growth: Floats
    sold: Sold
    stakes: Stakes

    def figures(self, season_ends: date | None, *, per_zone: bool) -> pd.DataFrame:
        """The figures of `PlanReport.plans` up to evidence, of the chain and, if asked, of each zone.

        Args:
            season_ends: last day whose demand belongs to the season, if given.
            per_zone: whether to tell zones too.

        Returns:
            climate_zone, plan and the figures; rows of zone x plan.
        """
        zones, member = self._zones(per_zone=per_zone)
        by_store = self._trade() | self._turned_away(season_ends) | {"rail_weeks": self._rail_weeks()}
        rows = {name: (values @ member).T.ravel() for name, values in by_store.items()}
        asked, known = rows.pop("asked_after"), rows.pop("known_after")
        evidence = np.divide(known, asked, out=np.full(len(asked), np.nan), where=asked > _NOTHING)
        return pd.DataFrame(
            {
                "climate_zone": np.repeat(np.array(zones, dtype=object), len(self.plans)),
                "plan": np.tile(np.arange(len(self.plans)), len(zones)),
                **rows,
                "evidence": evidence,
            }
        )

    def _zones(self, *, per_zone: bool) -> tuple[list[str], Floats]:
        """The chain ('') and the zones told, and which store counts in which (stores, zones)."""
        everywhere = np.ones((len(self._stores), 1))
        if not per_zone:
            return [""], everywhere
        zone = self.shelves.series["climate_zone"].astype(str).to_numpy()[self._stores]
        code, zones = pd.factorize(zone, sort=True)
        return ["", *map(str, zones)], np.hstack([everywhere, np.eye(len(zones))[code]])

    @cached_property
    def _stores(self) -> Indices:
        """First series of each store."""
        return first_of_stores(self.shelves)

    def _by_store(self, values: Floats) -> Floats:
        """Values (..., series) added up by store."""
        return np.asarray(np.add.reduceat(values, self._stores, axis=-1), dtype=np.float64)

    @cached_property
    def _share(self) -> Floats:
        """Share of a segment's sales that the rails allow, (plans, segments, stores).

        Of the units L left at today's exit the rails hold a part k. All of L would sell f(L) of the demand A
        from then on; k L sell, of whatever is kept,

            f(k L) = min(k L, A (1 - (1 - f(L) / A)^k))

        which is f(L) at k = 1, never less than k f(L) since sales are concave in stock, and nearly k L while
        A is far above it.
        """
        extra = self.segments.extra
        rails = np.array([np.inf if plan.rails is None else plan.rails for plan in self.plans])
        held = rails[:, None] * self.stakes.units_per_rail
        left = np.maximum(self.sold.staying, _NOTHING)
        part = np.minimum(1.0, held / left)
        sold = np.where(extra[:, :, None], self.sold.units, 0.0).sum(axis=1)
        asked = np.maximum(
            (self._on_floor * self.growth[:, :, None] * extra[:, :, None]).sum(axis=1), _NOTHING
        )
        unmet = np.clip(1.0 - sold / asked, 0.0, 1.0)
        some = np.minimum(part * left, asked * (1.0 - unmet**part))
        allowed = np.where(part < 1.0, np.minimum(some / np.maximum(sold, _NOTHING), 1.0), 1.0)
        return np.where(extra[:, :, None], allowed[:, None, :], 1.0)

    @cached_property
    def _on_floor(self) -> Floats:
        """Demand at regular price for what is on the floor in each segment, (plans, segments, stores)."""
        shelves, segments = self.shelves, self.segments
        places = range(segments.start.shape[1])
        starts, ends = (
            np.stack([shelves.at(self._wanted, edge[:, place, None]) for place in places], axis=1)
            for edge in (segments.start, segments.end)
        )
        whole, extra = ends - starts, segments.extra[:, :, None]
        # After today's exit only those that stay are there.
        after = np.where(extra, whole, 0.0).sum(axis=1)
        part = self.sold.wanted_after / np.maximum(after, _NOTHING)
        return np.where(extra, whole * part[:, None, :], whole)

    def _trade(self) -> dict[str, Floats]:
        """Units and money, (plans, stores)."""
        shelves = self.shelves
        sold, others = self.sold.units * self._share, self._others
        units = sold + others
        # Another piece costs what the pieces sold there and then cost.
        more = self._share * (1.0 + others / np.maximum(sold, _NOTHING))
        price, salvage = self.sold.price * more, self.sold.salvage * more
        off = self.segments.percent[:, :, None] / 100.0
        stock = self._by_store(shelves.stock)
        revenue = (price * (1.0 - off)).sum(axis=1)
        left = self._by_store(shelves.stock * shelves.salvage) - salvage.sum(axis=1)
        return {
            "stock": np.broadcast_to(stock, revenue.shape),
            "full_price_units": (units * (off == 0.0)).sum(axis=1),
            "markdown_units": (units * (off > 0.0)).sum(axis=1),
            "leftover_units": stock - units.sum(axis=1),
            "revenue": revenue,
            "markdown_cost": (price * off).sum(axis=1),
            "salvage": left,
            "margin": revenue + left - self._by_store(shelves.stock * shelves.unit_cost),
        }

    @cached_property
    def _missed(self) -> Floats:
        """Customers on the floor who do not find what they came for, (plans, segments, stores)."""
        served = self.sold.units * self._share / self.growth[:, :, None]
        return np.maximum(self._on_floor - served, 0.0)

    @cached_property
    def _others(self) -> Floats:
        """Those of them who take another piece that is there, (plans, segments, stores).

        Of what is asked for in a segment a share served / wanted is there: so many of those turned away find
        something else, of whom the substitution share takes it; no more than pieces are left over.
        """
        sold = self.sold.units * self._share
        found = np.clip(sold / self.growth[:, :, None] / np.maximum(self._on_floor, _NOTHING), 0.0, 1.0)
        others = self._missed * self.stakes.substitution * found
        left = np.maximum(self._by_store(self.shelves.stock) - sold.sum(axis=1), 0.0)
        enough = np.minimum(1.0, left / np.maximum(others.sum(axis=1), _NOTHING))
        return np.asarray(others * enough[:, None, :], dtype=np.float64)

    def _rail_weeks(self) -> Floats:
        """Rails x weeks on the floor beyond today's window, less those within it that are given back."""
        today, hold = self.plans[0], self.stakes.units_per_rail
        given = np.array([np.inf if plan.rails is None else plan.rails for plan in self.plans])
        rails = np.minimum(np.ceil(self.sold.staying / hold - _NOTHING), given[:, None])
        later = np.array([(plan.exit - today.exit).days / _WEEK for plan in self.plans])
        sooner = np.array([(today.floor_set - plan.floor_set).days / _WEEK for plan in self.plans])
        opening = np.ceil(self._by_store(self.shelves.supplied[1]) / hold - _NOTHING)
        return np.asarray(rails * later[:, None] + opening * sooner[:, None], dtype=np.float64)

    def _turned_away(self, season_ends: date | None) -> dict[str, Floats]:
        """Customers who come and find nothing, and how well the days after today's exit are known."""
        shelves, segments = self.shelves, self.segments
        opens, closes = segments.start[:, :1], segments.end[:, -1:]
        border = np.minimum(closes, segments.border)
        begun = min(self._season_start(float(opens[0, 0])), float(opens.min()))
        ended = max(self._season_end(season_ends), float(closes.max()))
        opened, bordered, closed = (shelves.at(self._wanted, edge) for edge in (opens, border, closes))
        ahead = shelves.at(self._wanted, np.array([[ended]])) - opened
        stays = self.sold.wanted_after > 0
        return {
            "turned_away_before": opened - shelves.at(self._wanted, np.array([[begun]])),
            "turned_away_during": (self._missed - self._others).sum(axis=1),
            "turned_away_after": np.maximum(ahead - self._on_floor.sum(axis=1), 0.0),
            "known_after": (shelves.at(self._sure, closes) - shelves.at(self._sure, border)) * stays,
            "asked_after": (closed - bordered) * stays,
        }

    @cached_property
    def _wanted(self) -> Floats:
        """`Shelves.wanted` by store."""
        return self._by_store(self.shelves.wanted)

    @cached_property
    def _sure(self) -> Floats:
        """`Shelves.sure` by store."""
        return self._by_store(self.shelves.sure)

    def _season_start(self, opens: float) -> float:
        """Position of the first day whose demand is this season's."""
        begins = self.shelves.begins
        return self._lowest(begins, opens, otherwise=begins)

    def _season_end(self, season_ends: date | None) -> float:
        """Position after the last day whose demand is this season's."""
        shelves, day = self.shelves, np.timedelta64(1, "D")
        if season_ends is not None:
            return float(shelves.position(np.datetime64(season_ends, "D") + day))
        leaving = float(shelves.position(np.datetime64(self.plans[0].exit, "D") + day))
        return self._lowest(leaving, min(leaving + _YEAR_WEEKS, shelves.ends), otherwise=shelves.ends)

    def _lowest(self, first: float, last: float, *, otherwise: float) -> float:
        """Start of the week of least demand between two positions."""
        weeks = np.diff(self.shelves.wanted.sum(axis=1))
        low, high = int(np.ceil(first)), int(np.floor(last))
        return float(low + np.argmin(weeks[low:high])) if high > low else otherwise


def first_of_stores(shelves: Shelves) -> Indices:
    """First series of each store."""
    codes = pd.factorize(shelves.series["store"])[0]
    return np.flatnonzero(np.diff(codes, prepend=-1))
