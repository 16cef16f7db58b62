"""What the demo's customers wanted in the year, what was there for them, and what they missed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd

from benchmarks._alerts_world import FIRST_NIGHT
from data.selling_windows import resolve
from forecaster import RulePolicy
from forecaster.rules.seasons import season_identity
from jobs.demo.reserve import CENTRE

if TYPE_CHECKING:
    from datetime import date

    from numpy.typing import NDArray

    from benchmarks._alerts_world import World

    Floats = NDArray[np.float64]
    Indices = NDArray[np.intp]

LOOK_BACK_DAYS: Final = 182
"""Days before the first night that the judge knows: the prices, stocks and wants that led up to it."""

_PAIR: Final = ["store_id", "sku"]
_REORDER_LEAD_DAYS: Final = 60
_YEAR_ROUND_DAYS: Final = 70
_WEEK: Final = 7
# What a giver keeps: the 80th percentile of its own customers' wants, near enough, and a piece to show.
_P80: Final = 0.84
_SHOWN_AT_LEAST: Final = 1


@dataclass(frozen=True)
class Shelves:
    """Every shelf (store x sku) on every day from `LOOK_BACK_DAYS` before the first night.

    Attributes:
        pairs: store_id, sku, style_id, category, color, price, reorderable (whether an order comes within the
            season) and group (place in ``groups``), one row per shelf.
        groups: store_id, style_id, category, price, lead_days, horizon (weeks in which a stockout is told, by
            the lead time), one row per store x style.
        windows: store_id, style_id, group, season (as alerts name it), floor_set, exit (as day numbers, which
            may lie outside the days), cut (day of the first price cut before the exit, or -1).
        days: (t,) the days.
        wanted: (n, t) mean units wanted at regular price.
        there: (n, t) share of the day on which somebody could have bought it, were it on the floor: 1 with
            stock left at closing, a half when the day closed empty after sales, 0 on an empty shelf.
        on_hand, sold: (n, t) units at closing, and sold.
        reserve: (n, t) pieces of the sku that can be given away: those in the distribution centre, and in
            each store those beyond the 80th percentile of what its own customers will want until the exit,
            and one to show.
    """

    pairs: pd.DataFrame
    groups: pd.DataFrame
    windows: pd.DataFrame
    days: NDArray[np.datetime64]
    wanted: Floats
    there: Floats
    on_hand: Floats
    sold: Floats
    reserve: Floats

    def day(self, when: Any) -> int:
        """The number of a day; it may lie outside."""
        return int((np.datetime64(when, "D") - self.days[0]).astype(int))

    @cached_property
    def floor(self) -> NDArray[np.bool_]:
        """(n groups, t) whether the calendar has the style on the floor; without a window it always is."""
        change = np.zeros((len(self.groups), len(self.days) + 1), dtype=np.int64)
        group = self.windows["group"].to_numpy()
        start = np.clip(self.windows["floor_set"].to_numpy(), 0, len(self.days))
        end = np.clip(self.windows["exit"].to_numpy() + 1, 0, len(self.days))
        np.add.at(change, (group, start), 1)
        np.add.at(change, (group, end), -1)
        on = np.cumsum(change, axis=1)[:, :-1] > 0
        on[~np.isin(np.arange(len(self.groups)), group)] = True
        return on

    @cached_property
    def missed(self) -> Floats:
        """(n, t) units wanted and not served while the style is on the calendar's floor or after its exit."""
        return self.wanted * (1.0 - self.there)

    def by_group(self, values: Floats) -> Floats:
        """Sums over the skus of each store x style."""
        total = np.zeros((len(self.groups), values.shape[1]))
        np.add.at(total, self.pairs["group"].to_numpy(), values)
        return total

    @cached_property
    def group_wanted(self) -> Floats:
        """(n groups, t) mean units wanted."""
        return self.by_group(self.wanted)

    @cached_property
    def material(self) -> NDArray[np.bool_]:
        """(n groups, t) days with at least the policy's share of the demand of the highest day."""
        top = self.group_wanted.max(axis=1, keepdims=True)
        worth = self.group_wanted >= RulePolicy().material_week_share * top
        return np.asarray(worth & (self.group_wanted > 0))


def shelves_of(world: World) -> Shelves:
    """Lay the world out by shelf and day."""
    first = pd.Timestamp(FIRST_NIGHT) - pd.Timedelta(days=LOOK_BACK_DAYS)
    days = pd.date_range(first, world.last_day).to_numpy().astype("datetime64[D]")
    pairs, groups = _pairs(world, days)
    index = pd.MultiIndex.from_frame(pairs[_PAIR])
    shape = len(pairs), len(days)
    wanted = _wanted(world.demand, index, days)
    on_hand = _laid(world.real_stock, "on_hand", index, days, shape)
    sold = _laid(world.real_sales[world.real_sales["units"] > 0], "units", index, days, shape)
    there = np.where(on_hand > 0, 1.0, np.where(sold > 0, 0.5, 0.0))
    for store, sku, start, end in world.faults.phantoms.itertuples(index=False, name=None):
        spell = (days >= np.datetime64(start, "D")) & (days <= np.datetime64(end, "D"))
        there[index.get_loc((store, sku)), spell] = 0.0
    windows = _windows(world, groups, days)
    reserve = _reserve(world, pairs, windows, wanted, on_hand, days)
    return Shelves(pairs, groups, windows, days, wanted, there, on_hand, sold, reserve)


def _pairs(world: World, days: NDArray[np.datetime64]) -> tuple[pd.DataFrame, pd.DataFrame]:
    seen = world.demand[world.demand["week"] >= pd.Timestamp(days[0]) - pd.Timedelta(days=6)]
    pairs = seen[_PAIR].drop_duplicates(ignore_index=True)
    columns = ["sku", "style_id", "category", "color", "regular_price", "lead_time_days"]
    pairs = pairs.merge(world.feeds["products"][columns], on="sku")
    pairs = pairs.rename(columns={"regular_price": "price"})
    pairs["reorderable"] = pairs["lead_time_days"] <= _REORDER_LEAD_DAYS
    pairs["group"] = pairs.groupby(["store_id", "style_id"]).ngroup()
    first = pairs.drop_duplicates("group").sort_values("group", ignore_index=True)
    policy = RulePolicy()
    weeks = np.ceil(first["lead_time_days"] / 7) + 1
    groups = first[["store_id", "style_id", "category", "price"]].assign(
        lead_days=first["lead_time_days"],
        horizon=weeks.clip(policy.min_stockout_weeks, policy.max_stockout_weeks).astype(int),
    )
    return pairs, groups


def _wanted(demand: pd.DataFrame, index: pd.MultiIndex, days: NDArray[np.datetime64]) -> Floats:
    """A week's demand spread evenly over its days."""
    row = index.get_indexer(pd.MultiIndex.from_frame(demand[_PAIR]))
    start = (demand["week"].to_numpy().astype("datetime64[D]") - days[0]).astype(int)
    wanted = np.zeros((len(index), len(days) + 2 * _WEEK))
    used = (row >= 0) & (start > -_WEEK) & (start < len(days))
    for day in range(_WEEK):
        wanted[row[used], start[used] + day + _WEEK] = demand["demand"].to_numpy()[used] / _WEEK
    return wanted[:, _WEEK : _WEEK + len(days)]


def _laid(
    frame: pd.DataFrame, name: str, index: pd.MultiIndex, days: NDArray[np.datetime64], shape: tuple[int, int]
) -> Floats:
    row = index.get_indexer(pd.MultiIndex.from_frame(frame[_PAIR]))
    column = (frame["business_date"].to_numpy().astype("datetime64[D]") - days[0]).astype(int)
    used = (row >= 0) & (column >= 0) & (column < len(days))
    laid = np.zeros(shape)
    np.add.at(laid, (row[used], column[used]), frame[name].to_numpy(dtype=np.float64)[used])
    return laid


def _windows(world: World, groups: pd.DataFrame, days: NDArray[np.datetime64]) -> pd.DataFrame:
    feeds = world.feeds
    calendar = _scoped(feeds["calendar"])
    calendar = calendar.assign(
        floor_set=pd.to_datetime(calendar["floor_set"]), exit=pd.to_datetime(calendar["exit"])
    )
    ranged = groups.merge(feeds["stores"][["store_id", "climate_zone"]], on="store_id")
    windows = resolve(calendar, ranged)
    style_season = feeds["products"].drop_duplicates("style_id").set_index("style_id")["season_code"]
    own = windows["style_id"].map(style_season)
    # A style bought for one season has no part in the windows of others.
    windows = windows[own.isna() | (own == "") | (own == windows["season_code"])]
    cuts = feeds["markdowns"].assign(cut=pd.to_datetime(feeds["markdowns"]["effective_from"]))
    keyed = groups.reset_index(names="group")
    windows = windows.merge(keyed[["store_id", "style_id", "category", "group"]], on=["store_id", "style_id"])
    zones = feeds["stores"][["store_id", "climate_zone"]]
    windows = windows.merge(zones, on="store_id").assign(cut=lambda rows: _first_cut(rows, _scoped(cuts)))
    names = [
        season_identity(code, opens, leaves)
        for code, opens, leaves in zip(
            windows["season_code"], windows["floor_set"], windows["exit"], strict=True
        )
    ]
    numbers = {
        name: (windows[name].to_numpy().astype("datetime64[D]") - days[0]).astype(int)
        for name in ("floor_set", "exit", "cut")
    }
    told = windows[["store_id", "style_id", "category", "group"]].assign(season=names, **numbers)
    return told.sort_values(["group", "floor_set"], ignore_index=True)


def _first_cut(windows: pd.DataFrame, cuts: pd.DataFrame) -> pd.Series:
    """The first price cut of each window, of the rows of the plan that name it most closely."""
    rows = windows.reset_index(names="row").merge(
        cuts, on=["category", "season_code"], suffixes=("", "_named")
    )
    applies = pd.Series(data=True, index=rows.index)
    weight = pd.Series(0, index=rows.index)
    for place, name in enumerate(("climate_zone", "store_id", "style_id")):
        named = rows[f"{name}_named"]
        applies &= (named == "") | (named == rows[name])
        weight += (named != "") * (11 + place)
    rows = rows.assign(weight=weight)[applies]
    best = rows[rows["weight"] == rows.groupby("row")["weight"].transform("max")]
    first = best.groupby("row")["cut"].min()
    return first.reindex(np.arange(len(windows))).set_axis(windows.index)


def _scoped(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.fillna({"climate_zone": "", "store_id": "", "style_id": ""})


def _reserve(
    world: World,
    pairs: pd.DataFrame,
    windows: pd.DataFrame,
    wanted: Floats,
    on_hand: Floats,
    days: NDArray[np.datetime64],
) -> Floats:
    """Pieces of each shelf's sku, all over the chain, that their own store can spare."""
    total = np.cumsum(np.pad(wanted, ((0, 0), (1, _YEAR_ROUND_DAYS))), axis=1)
    t = len(days)
    need = total[:, _YEAR_ROUND_DAYS : _YEAR_ROUND_DAYS + t] - total[:, :t]
    for group, rows in windows.groupby("group"):
        members = np.flatnonzero(pairs["group"].to_numpy() == group)
        need[members] = 0.0
        for opens, leaves in zip(rows["floor_set"], rows["exit"], strict=True):
            start, end = max(opens - 28, 0), min(leaves + 1, t)
            if start < end:
                need[members, start:end] = total[members, end][:, None] - total[members, start:end]
    keeps = np.ceil(need + _P80 * np.sqrt(need)) + np.where(need > 0, _SHOWN_AT_LEAST, 0)
    spare = np.maximum(on_hand - keeps, 0.0)
    sku, skus = pd.factorize(pairs["sku"])
    chain = np.zeros((len(skus), t))
    np.add.at(chain, sku, spare)
    stock = world.real_stock
    centre = stock[stock["store_id"] == CENTRE["store_id"]]
    row = pd.Index(skus).get_indexer(pd.Index(centre["sku"]))
    column = (centre["business_date"].to_numpy().astype("datetime64[D]") - days[0]).astype(int)
    used = (row >= 0) & (column >= 0) & (column < t)
    np.add.at(chain, (row[used], column[used]), centre["on_hand"].to_numpy(dtype=np.float64)[used])
    return chain[sku]


def first_judged(shelves: Shelves) -> int:
    """The day number from which losses are judged: the morning after the first night."""
    return shelves.day(FIRST_NIGHT) + 1


def day_of(shelves: Shelves, number: int) -> date:
    """The day of a number."""
    return pd.Timestamp(shelves.days[0] + np.timedelta64(number, "D")).date()
