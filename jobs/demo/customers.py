"""What the demo retailer's customers want, whatever the trade has on the floor: the true demand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from jobs.demo import world
from jobs.demo.assortment import CATEGORIES, local_size_curves
from jobs.demo.trade import life

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo.assortment import Assortment, Style
    from jobs.demo.world import Stores, Timeline

DAYS_A_WEEK = 7
WEEKDAY_SHARE = np.array([0.80, 0.76, 0.80, 0.88, 1.14, 1.52, 1.10])  # Monday to Sunday, mean 1
DISPERSION = 6.0  # of weekly counts of one sku in one store
YEAR_DAYS = 365.25
# Interest in a thing by day of the year, apart from the temperature (holidays, habit): (day, interest).
INTEREST = {
    "swim trunks": (
        (1, 0.2), (45, 0.3), (75, 0.55), (121, 0.85), (145, 1.05), (171, 1.15), (186, 1.2), (213, 1.05),
        (235, 0.9), (250, 0.7), (262, 0.45), (288, 0.15), (335, 0.1), (365, 0.2),
    ),
    "sandals": (
        (1, 0.2), (60, 0.4), (91, 0.75), (121, 1.05), (152, 1.2), (186, 1.1), (213, 0.95), (244, 0.7),
        (265, 0.45), (300, 0.2), (365, 0.2),
    ),
    "shorts": ((1, 0.2), (60, 0.4), (91, 0.8), (140, 1.15), (186, 1.15), (228, 0.95), (258, 0.6), (300, 0.25),
               (365, 0.2)),
    "winter coats": ((1, 1.0), (32, 0.8), (60, 0.5), (91, 0.25), (180, 0.1), (244, 0.35), (288, 0.95),
                     (320, 1.25), (350, 1.3), (365, 1.0)),
    "snow boots": ((1, 1.2), (32, 1.05), (60, 0.6), (91, 0.2), (180, 0.02), (274, 0.3), (319, 0.9),
                   (350, 1.25), (365, 1.2)),
    "gloves": ((1, 0.9), (32, 0.75), (60, 0.4), (100, 0.1), (244, 0.1), (288, 0.5), (330, 1.0), (338, 1.5),
               (357, 1.9), (360, 0.9), (365, 0.9)),
    "white T-shirts": ((1, 0.92), (100, 1.0), (190, 1.12), (300, 0.95), (355, 1.02), (365, 0.92)),
}  # fmt: skip
# The temperature at which half of the customers want the thing: an absolute degree F, weighed against one
# drawn from the city's own warmest (coldest) week, since people dress for where they live; then how sharp
# the turn is. As (weight of the absolute degree, that degree, offset from the city's extreme, width).
WARMTH = {
    "swim trunks": (0.6, 70.0, -8.0, 4.5),
    "sandals": (0.6, 64.0, -12.0, 5.0),
    "shorts": (0.6, 63.0, -13.0, 5.0),
}
COLD = {
    "winter coats": (0.65, 47.0, 13.0, 5.0),
    "snow boots": (0.75, 37.0, 7.0, 4.5),
    "gloves": (0.7, 44.0, 10.0, 5.0),
}
# How much of each category a city buys at the height of its season, against the average; 1 where not named.
CITY_TASTE = {
    "swim trunks": {"Phoenix": 1.5, "Jacksonville": 1.4, "Houston": 1.2, "Los Angeles": 1.2, "Seattle": 0.6,
                    "Chicago": 0.85},
    "sandals": {"Phoenix": 1.2, "Los Angeles": 1.3, "Jacksonville": 1.2, "Seattle": 0.7},
    "shorts": {"Phoenix": 1.1, "Seattle": 0.8},
    "winter coats": {"Chicago": 1.4, "New York": 1.3, "Indianapolis": 1.1, "Phoenix": 0.3, "Houston": 0.35,
                     "Jacksonville": 0.3, "Los Angeles": 0.35},
    "snow boots": {"Chicago": 1.5, "Indianapolis": 1.3, "Seattle": 0.7, "Charlotte": 0.4},
    "gloves": {"Chicago": 1.4, "New York": 1.2, "Phoenix": 0.3, "Houston": 0.35, "Jacksonville": 0.35,
               "Los Angeles": 0.25},
    "school backpacks": {},
    "white T-shirts": {},
}  # fmt: skip
NOT_RANGED = {"snow boots": ("hot_dry", "hot_humid", "warm_coast")}
RANGED_SHARE = 0.9  # of the fashion styles, in a store that sells the category


@dataclass(frozen=True)
class Cells:
    """Every sku in every store that ranges it, as parallel arrays; a cell's number is its place in them.

    `taste` is the share of the category's demand in the store that is for this sku; `group` numbers the
    store x category x size, within which customers take one style for another; `born` and `gone` are the
    first and last day on which customers want it, in days of the timeline.
    """

    store: NDArray[np.int64]
    sku: NDArray[np.int64]
    style: NDArray[np.int64]
    category: NDArray[np.int64]
    taste: NDArray[np.float64]
    group: NDArray[np.int64]
    born: NDArray[np.int64]
    gone: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.store)


@dataclass(frozen=True)
class Wishes:
    """Demand at regular price per day, days x stores x categories: in a `normal` year, and as it `came`."""

    normal: NDArray[np.float64]
    came: NDArray[np.float64]


def range_styles(
    rng: np.random.Generator, stores: Stores, assortment: Assortment, timeline: Timeline
) -> Cells:
    """Decide which store carries which style, and how its customers' taste is spread over them."""
    carried = _carried(rng, stores, assortment)
    curves = local_size_curves(rng, len(stores.ids))
    style, size = assortment.style_of_sku, assortment.size_of_sku
    category = assortment.category_of_style[style]
    store, sku = np.nonzero(carried[:, style])
    shares = np.array(
        [curves[g][s, z] for s, g, z in zip(store, category[sku], size[sku], strict=True)], dtype=float
    )
    popularity = np.array([each.popularity for each in assortment.styles])
    local = rng.lognormal(0, 0.25, carried.shape)
    born, gone = _lives(assortment.styles, timeline)
    return Cells(
        store=store,
        sku=sku,
        style=style[sku],
        category=category[sku],
        taste=(popularity[style] * assortment.color_share)[sku] * shares * local[store, style[sku]],
        group=(store * len(CATEGORIES) + category[sku]) * 8 + size[sku],
        born=born[style[sku]],
        gone=gone[style[sku]],
    )


def wish(
    rng: np.random.Generator, stores: Stores, timeline: Timeline, normals: NDArray[np.float64]
) -> Wishes:
    """The demand of every day, in a year of normal weather and with the weather and fortune that came."""
    normal_warmth = world.normal_temperature(normals, timeline)
    actual_warmth = normal_warmth + world.weather(rng, timeline)
    ordinary = np.stack([_season(name.name, normal_warmth, normals, timeline) for name in CATEGORIES], axis=2)
    came = np.stack([_season(name.name, actual_warmth, normals, timeline) for name in CATEGORIES], axis=2)
    level = _levels(stores) * _growth(stores, timeline)[:, :, None]
    fortune = np.repeat(
        rng.lognormal(-0.005, 0.1, (timeline.days // DAYS_A_WEEK + 1, *level.shape[1:])), DAYS_A_WEEK, axis=0
    )[: timeline.days]
    days = _weekday(timeline)[:, None, None]
    return Wishes(
        normal=ordinary[:, stores.city] * level * days,
        came=came[:, stores.city] * level * days * fortune,
    )


def true_demand(
    wishes: Wishes, cells: Cells, stores: Stores, assortment: Assortment, timeline: Timeline
) -> pd.DataFrame:
    """The unconstrained mean demand at regular price, for scoring: store_id, sku, week (first day), demand.

    Weeks begin on Sunday. A sku has rows for the weeks in which customers want it, on the floor or not.
    """
    weeks = timeline.days // DAYS_A_WEEK
    weekly = (
        wishes.came[: weeks * DAYS_A_WEEK].reshape(weeks, DAYS_A_WEEK, *wishes.came.shape[1:]).sum(axis=1)
    )
    starts = np.arange(weeks) * DAYS_A_WEEK
    opens = timeline.day(timeline.opens)
    wanted = (
        (starts[None, :] >= cells.born[:, None])
        & (starts[None, :] <= cells.gone[:, None])
        & (starts[None, :] + DAYS_A_WEEK > opens)
    )
    cell, week = np.nonzero(wanted)
    demand = weekly[week, cells.store[cell], cells.category[cell]] * cells.taste[cell]
    return pd.DataFrame(
        {
            "store_id": stores.ids[cells.store[cell]],
            "sku": np.array(assortment.sku_ids, dtype=object)[cells.sku[cell]],
            "week": timeline.dates[starts[week]],
            "demand": demand.round(4),
        }
    )


def _carried(rng: np.random.Generator, stores: Stores, assortment: Assortment) -> NDArray[np.bool_]:
    """Whether each store carries each style, stores x styles."""
    ranged = rng.random((len(stores.ids), len(assortment.styles))) < RANGED_SHARE
    carried: NDArray[np.bool_] = ranged | assortment.is_basic
    for name, zones in NOT_RANGED.items():
        number = next(n for n, category in enumerate(CATEGORIES) if category.name == name)
        without = np.isin(stores.zones, zones)
        carried[np.ix_(without, assortment.category_of_style == number)] = False
    return carried


def _lives(styles: tuple[Style, ...], timeline: Timeline) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    born = np.zeros(len(styles), dtype=np.int64)
    gone = np.full(len(styles), timeline.days - 1, dtype=np.int64)
    for number, style in enumerate(styles):
        if style.season_year:
            first, last = life(CATEGORIES[style.category].season, style.season_year)
            born[number], gone[number] = timeline.day(first), timeline.day(last)
    return born, gone


def _season(
    name: str, warmth: NDArray[np.float64], normals: NDArray[np.float64], timeline: Timeline
) -> NDArray[np.float64]:
    """Demand against the height of the season, days x cities."""
    day = world.day_of_year(timeline)
    if name == "school backpacks":
        return _school(day)
    interest = np.interp(day, *np.transpose(INTEREST[name]))[:, None]
    if name in WARMTH:
        weight, degrees, offset, width = WARMTH[name]
        turn = weight * degrees + (1 - weight) * (normals.max(axis=1) + offset)
        return _tilted(interest, (turn - warmth) / width)
    if name in COLD:
        weight, degrees, offset, width = COLD[name]
        turn = weight * degrees + (1 - weight) * (normals.min(axis=1) + offset)
        return _tilted(interest, (warmth - turn) / width)
    return np.broadcast_to(interest, warmth.shape)


def _tilted(interest: NDArray[np.float64], distance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interest where the temperature invites it: half of it at distance 0, little beyond."""
    tilted: NDArray[np.float64] = interest / (1 + np.exp(distance))
    return tilted


def _school(day: NDArray[np.int64]) -> NDArray[np.float64]:
    """Backpacks: a peak a week before each city's first school day, a small one in January."""
    curves = []
    for city in world.CITIES:
        starts = date(2025, *city.school_start).timetuple().tm_yday
        late = day - (starts - 7)
        peak = np.exp(-0.5 * (late / np.where(late < 0, 20.0, 13.0)) ** 2)
        curves.append(0.06 + peak + 0.12 * np.exp(-0.5 * ((day - 6) / 6.0) ** 2))
    return np.column_stack(curves)


def _levels(stores: Stores) -> NDArray[np.float64]:
    taste = np.array(
        [[CITY_TASTE[category.name].get(city.name, 1.0) for category in CATEGORIES] for city in world.CITIES]
    )
    peak = np.array([category.units_per_day for category in CATEGORIES])
    levels: NDArray[np.float64] = stores.size[:, None] * taste[stores.city] * peak
    return levels


def _growth(stores: Stores, timeline: Timeline) -> NDArray[np.float64]:
    years = np.arange(timeline.days) / YEAR_DAYS
    growth: NDArray[np.float64] = (1 + stores.growth[None, :]) ** years[:, None]
    return growth


def _weekday(timeline: Timeline) -> NDArray[np.float64]:
    """The week's rhythm; closed on Christmas Day, busier before it and on the Friday after Thanksgiving."""
    dates = pd.DatetimeIndex(timeline.dates)
    share: NDArray[np.float64] = WEEKDAY_SHARE[dates.day_of_week.to_numpy()].copy()
    month, day = dates.month.to_numpy(), dates.day.to_numpy()
    share[(month == 12) & (day >= 10) & (day < 25)] *= 1.25  # noqa: PLR2004 - the Christmas trade
    share[(month == 11) & (dates.day_of_week.to_numpy() == 4) & (day >= 23) & (day <= 29)] *= 1.8  # noqa: PLR2004
    share[(month == 12) & (day == 25)] = 0.0  # noqa: PLR2004
    return share
