"""The trade's side of each world: calendar, markdowns, and how it leaves its customers in the dark."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from benchmarks.worlds import seasons
from benchmarks.worlds.customers import HISTORY_WEEKS, SIZES, STORES, STYLES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from benchmarks.worlds.customers import Customers

    Floats = NDArray[np.float64]
    Flags = NDArray[np.bool_]
    Days = NDArray[np.datetime64]
    Numbers = NDArray[np.int64]

_SUNDAY = 6
_WEEK: Final = timedelta(weeks=1)
_ZONE_WEEKS: Final = (0, 2, 3, 5, 7)
"""World c: weeks by which the zones' exits follow each other, dealt out by the seed."""
_MEAN_RUN: Final = 6


@dataclass(frozen=True)
class World:
    """One way of trading.

    Attributes:
        code: as the benchmark's table calls it.
        carriers: share of stores that keep the category after the others' exit.
        rail_days: days for which what is left at an exit hangs on the clearance rail.
        zones_differ: zones exit at different dates.
        phantom: share of the in-season shelf weeks on which the shelf is empty and the books say it is not.
        flags: the stock feed has one flag a week: something was there.
        cover: weeks of expected demand that a delivery fills the shelf up to.
        presented: units of a size that are hung at least.
        pushed: the last delivery before an exit, three weeks ahead, against an ordinary one: the season was
            bought, and what is left must hang somewhere.
    """

    code: str
    carriers: float = 0.0
    rail_days: int = 14
    zones_differ: bool = False
    phantom: float = 0.0
    flags: bool = False
    cover: float = 2.0
    presented: int = 2
    pushed: float = 2.5


WORLDS: Final = {
    world.code: world
    for world in (
        World("a", carriers=0.1),
        World("b", rail_days=0),
        World("c", zones_differ=True),
        World("d10", carriers=0.1, phantom=0.1),
        World("d30", carriers=0.1, phantom=0.3),
        World("e", carriers=0.1, flags=True),
        World("f", carriers=0.1, cover=0.65, presented=0, pushed=1.0),
    )
}


@dataclass(frozen=True)
class Rule:
    """A season of the trade: (month, day) of its floor-set and exit; `carried` weeks more where it is kept.

    `drafts` are the weeks by which the coming exit of each style is later in the draft calendar than it used
    to be: from where demand is high to where it has ended in some zones and not in others.
    """

    code: str
    floor_set: tuple[int, int]
    exit: tuple[int, int]
    carried: int
    drafts: tuple[int, ...]

    def window(self, year: int) -> tuple[date, date]:
        """Floor-set (a Monday) and exit (a Sunday) of the season whose floor-set lies in `year`."""
        ends = year + (self.exit < self.floor_set)
        return _nearest(date(year, *self.floor_set), 0), _nearest(date(ends, *self.exit), _SUNDAY)


RULES: Final = {
    "swim": (Rule("swim", (2, 16), (7, 5), 14, (0, 0, 6, 10)),),
    "boots": (Rule("boots", (9, 7), (1, 18), 11, (0, 0, 5, 8)),),
    "rainwear": (
        Rule("spring", (1, 19), (5, 3), 9, (0, 0, 4, 7)),
        Rule("autumn", (8, 3), (10, 25), 8, (0, 0, 3, 7)),
    ),
    "tees": (),
}
_DAYS_BEFORE_EXIT: Final = 21
_LONGEST_RAIL: Final = 14
_LAST_DELIVERY: Final = 20
LOOK_AHEAD_WEEKS: Final = 30
"""Exits are judged this far ahead: a draft calendar is worth reading while it can still be changed."""
_COMING_EXIT: Final = {
    "swim": date(2026, 7, 5),
    "boots": date(2026, 1, 18),
    "rainwear": date(2026, 5, 3),
    "tees": date(2026, 7, 5),
}


def last_day(category: str) -> date:
    """The night on which a category is foretold: three weeks before its usual exit."""
    return _COMING_EXIT[category] - timedelta(days=_DAYS_BEFORE_EXIT)


@dataclass(frozen=True)
class Floor:
    """What hangs where and at which price over the history's days; masks are (days, stores).

    Attributes:
        usual: windows as they always were, in the coming year too: one (stores, 2) of floor-set and exit per
            season and year, with its code.
        coming: the last past windows and those of the draft calendar, (stores, styles, 2) each.
        open: on the floor; nothing but the backroom before it.
        rail: on the clearance rail.
        delivered: how many times an ordinary delivery comes on the day, 0 for none.
        price: price paid over regular price, (days, stores, styles), on the floor or the rail.
        keeps: (stores,) carries on after the others' exit.
    """

    usual: list[tuple[str, Days]]
    coming: list[tuple[str, Days]]
    open: Flags
    rail: Flags
    delivered: Floats
    price: Floats
    keeps: Flags = field(repr=False)


def lay_out(world: World, customers: Customers) -> Floor:
    """The floor of a category in a world."""
    rng = np.random.default_rng([customers.seed, 3, customers.number])
    name = customers.category.name
    keeps = rng.permutation(STORES) < round(world.carriers * STORES)
    late = _ZONE_WEEKS if world.zones_differ else (0,) * len(seasons.ZONES)
    zone_weeks = np.array(rng.permutation(late))[customers.shops.zone]
    usual = _usual(name, customers.last_day, keeps, zone_weeks)
    days, price = customers.days, _promotions(rng)
    shape, mondays = (len(days), STORES), _mondays(days)[:, None]
    opened, rail, delivered = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool), np.zeros(shape)
    if not usual:
        return Floor([], [], ~opened, rail, delivered + mondays, price, keeps)
    for _, window in usual:
        floor_set, leaves = window[:, 0], window[:, 1]
        to_exit = (leaves[None, :] - days[:, None]).astype(np.int64)
        inside = (days[:, None] >= floor_set[None, :]) & (to_exit >= 0)
        opened |= inside
        rail |= (to_exit < 0) & (to_exit >= -world.rail_days)
        # The first delivery waits in the back.
        since = (days[:, None] - floor_set[None, :]).astype(np.int64)
        delivered[(since == -10) | (inside & (to_exit > _LAST_DELIVERY) & mondays)] = 1.0  # noqa: PLR2004
        delivered[inside & (to_exit == _LAST_DELIVERY)] = world.pushed
        _mark_down(rng, price, to_exit, inside)
    return Floor(
        usual,
        _drafted(name, customers.last_day, usual, keeps),
        opened,
        rail & ~opened,
        delivered,
        price,
        keeps,
    )


def _usual(name: str, night: date, keeps: Flags, zone_weeks: Numbers) -> list[tuple[str, Days]]:
    """Windows of the years around the history and the coming one, in order of their exit."""
    found = []
    for rule in RULES[name]:
        for year in range(night.year - HISTORY_WEEKS // 52 - 2, night.year + 2):
            floor_set, leaves = rule.window(year)
            later = np.where(keeps, rule.carried, zone_weeks) * 7
            exits = np.datetime64(leaves, "D") + later.astype("timedelta64[D]")
            found.append(
                (rule.code, np.column_stack([np.full(STORES, floor_set, dtype="datetime64[D]"), exits]))
            )
    return sorted(found, key=lambda item: item[1][0, 0])


def _drafted(name: str, night: date, usual: list[tuple[str, Days]], keeps: Flags) -> list[tuple[str, Days]]:
    """The windows that matter to the night, (stores, styles, 2): the last past ones, then the draft."""
    rules = {rule.code: rule for rule in RULES[name]}
    tonight = np.datetime64(night, "D")
    found = []
    for code, window in usual:
        if window[:, 1].max() < tonight - 400 or window[:, 0].min() > tonight + 400:
            continue
        every = np.repeat(window[:, None, :], STYLES, axis=1)
        if ((window[:, 1] > tonight) & (window[:, 1] <= tonight + 7 * LOOK_AHEAD_WEEKS)).any():
            base = window[~keeps, 1].min()
            weeks = np.array(rules[code].drafts) * 7
            every[:, :, 1] = np.maximum(every[:, :, 1], base + weeks.astype("timedelta64[D]"))
        found.append((code, every))
    return found


def _promotions(rng: np.random.Generator) -> Floats:
    """Temporary price cuts: each style a few times a year, for a week or so, in most stores."""
    days = HISTORY_WEEKS * 7
    price = np.ones((days, STORES, STYLES))
    for style in range(STYLES):
        for start in rng.integers(0, days, size=8):
            joins = rng.random(STORES) < 0.7  # noqa: PLR2004
            length = int(rng.integers(5, 11))
            price[start : start + length, joins, style] = rng.choice([0.75, 0.8, 0.85])
    return price


def _mark_down(rng: np.random.Generator, price: Floats, to_exit: Numbers, inside: Flags) -> None:
    """Two steps before the exit and a deep one for the rail, on days and to depths that differ a little."""
    first = rng.integers(16, 24, STORES)
    second = rng.integers(6, 11, STORES)
    depths = rng.choice([0.6, 0.7, 0.75]), rng.choice([0.5, 0.55]), rng.choice([0.3, 0.4])
    steps = (
        inside & (to_exit <= first),
        inside & (to_exit <= second),
        (to_exit < 0) & (to_exit >= -_LONGEST_RAIL),
    )
    for cut, where in zip(depths, steps, strict=True):
        price[where] = cut


def _mondays(days: Days) -> Flags:
    return np.asarray((days.astype("datetime64[D]").astype(np.int64) + 3) % 7 == 0)


def _nearest(day: date, weekday: int) -> date:
    """The given weekday nearest to a day."""
    ahead = (weekday - day.weekday()) % 7
    return day + timedelta(days=ahead if ahead <= 3 else ahead - 7)  # noqa: PLR2004


def phantom_days(world: World, customers: Customers, floor: Floor) -> Flags:
    """Days on which the shelf is empty though the books say otherwise, (days, n): runs of weeks on the floor.

    A run is 3 weeks or more, 6 on average; it ends with the season at the latest, when shelves are cleared.
    """
    rng = np.random.default_rng([customers.seed, 4, customers.number])
    series = STORES * STYLES * SIZES
    hidden = np.zeros((HISTORY_WEEKS, series), dtype=bool)
    if world.phantom == 0:
        return np.repeat(hidden, 7, axis=0)
    shelf = np.repeat(floor.open[6::7], STYLES * SIZES, axis=1)
    starts = world.phantom / (1 - world.phantom) / _MEAN_RUN
    left = np.zeros(series, dtype=np.int64)
    for week in range(HISTORY_WEEKS):
        # At the floor-set some goods are booked as hung that never left the back room.
        set_today = shelf[week] & ~shelf[week - 1] if week else shelf[week]
        begin = (left == 0) & (rng.random(series) < np.where(set_today, world.phantom, starts))
        left = np.where(begin, 2 + rng.geometric(1 / (_MEAN_RUN - 2), series), left)
        left = np.where(shelf[week], left, 0)
        hidden[week] = left > 0
        left = np.maximum(left - 1, 0)
    return np.repeat(hidden, 7, axis=0)


def windows_frame(windows: list[tuple[str, Days]], stores: list[str], skus: list[str]) -> pd.DataFrame:
    """The windows of every store and sku: store, sku, season_code, floor_set, exit.

    Args:
        windows: (stores, 2) or (stores, styles, 2) each.
        stores: names.
        skus: names, styles x sizes.
    """
    parts = []
    for code, window in windows:
        every = window if window.ndim > 2 else np.repeat(window[:, None, :], STYLES, axis=1)  # noqa: PLR2004
        per_sku = np.repeat(every, SIZES, axis=1).reshape(-1, 2).astype("datetime64[s]")
        parts.append(
            pd.DataFrame(
                {
                    "store": np.repeat(stores, len(skus)),
                    "sku": np.tile(skus, len(stores)),
                    "season_code": code,
                    "floor_set": per_sku[:, 0],
                    "exit": per_sku[:, 1],
                }
            )
        )
    columns = ["store", "sku", "season_code", "floor_set", "exit"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
