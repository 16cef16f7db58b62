"""How the demo retailer buys: how long each style stays in each store, and what is delivered when."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pandas as pd

from jobs.demo.assortment import CATEGORIES
from jobs.demo.trade import season_years, window
from jobs.demo.world import OUTLET

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo.assortment import Assortment
    from jobs.demo.customers import Cells, Wishes
    from jobs.demo.world import Stores, Timeline

TRANSIT_DAYS = 5
LATENESS = (-1, 0, 0, 0, 0, 1, 2, 3)  # days from expected to received
WAVES = (
    (0.55, 0.0),
    (0.85, 0.32),
    (1.0, 0.55),
)  # share of a buy delivered once this part of the window is gone
EARLY_DAYS = (8, 19)  # the first delivery comes this long before the floor-set, to the backroom
OWN_WEIGHT = 0.75  # how far a store's own plan counts against the chain's average: buyers know the chain best
BUY_FACTOR = {"swim trunks": 1.45, "winter coats": 1.3, "snow boots": 1.3, "school backpacks": 1.2}
USUAL_BUY_FACTOR = 1.25  # a season is bought to last until it is marked down, with something left for that
FIRST_COVER_DAYS = 42  # what the first delivery of a basic is to last
CLEARANCE_DAYS = (14, 21, 28)
OUTLET_CLEARANCE_DAYS = 56
CLEARANCE_SHARE = 0.6  # of style x store; the others pack away on the evening of the exit
NEVER = 10**6


class Delivery(NamedTuple):
    """Order lines that share their days: cells, their units, and the day they move."""

    cells: NDArray[np.int64]
    units: NDArray[np.int64]


@dataclass(frozen=True)
class Spells:
    """Stays on the floor, as parallel arrays, in days of the timeline.

    A cell is stocked from `begins`, sold from `floor` and gone on `pack`; `exit` is the last day of the
    selling window, `year` that of the season (0 without one).
    """

    cell: NDArray[np.int64]
    year: NDArray[np.int64]
    floor: NDArray[np.int64]
    exit: NDArray[np.int64]
    pack: NDArray[np.int64]
    begins: NDArray[np.int64]


@dataclass
class OrderBook:
    """Every order line, and by day what is ordered, shipped and received."""

    lateness: NDArray[np.int64]
    store: NDArray[np.int64]
    lines: list[pd.DataFrame] = field(default_factory=list)
    ordered: dict[int, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    shipped: dict[int, list[Delivery]] = field(default_factory=lambda: defaultdict(list))
    received: dict[int, list[Delivery]] = field(default_factory=lambda: defaultdict(list))

    def place(
        self,
        cells: NDArray[np.int64],
        units: NDArray[np.int64],
        ordered: NDArray[np.int64],
        expected: NDArray[np.int64],
    ) -> None:
        """Order `units` for `cells` on the days `ordered`; they come about the days `expected`."""
        received = self.arrival(cells, expected)
        lines = pd.DataFrame(
            {"cell": cells, "units": units, "ordered": ordered, "expected": expected, "received": received}
        )
        lines = lines[lines["units"] > 0]
        self.lines.append(lines)
        moving, amount, arrives = (lines[name].to_numpy() for name in ("cell", "units", "received"))
        for moved, days in (
            (self.ordered, np.maximum(lines["ordered"].to_numpy(), 0)),
            (self.shipped, np.maximum(arrives - TRANSIT_DAYS, 0)),
            (self.received, arrives),
        ):
            for day, places in places_by_day(days).items():
                moved[day].append(Delivery(moving[places], amount[places]))

    def arrival(self, cells: NDArray[np.int64], expected: NDArray[np.int64]) -> NDArray[np.int64]:
        """The days on which deliveries expected on given days come: a lorry to a store is a little off."""
        known = np.clip(expected, 0, self.lateness.shape[1] - 1)
        late = np.where(expected > 0, self.lateness[self.store[cells], known], 0)
        arrives: NDArray[np.int64] = expected + late
        return arrives


def places_by_day(days: NDArray[np.int64]) -> dict[int, NDArray[np.int64]]:
    """Where in an array each of its values stands."""
    order = np.argsort(days, kind="stable")
    values, starts = np.unique(days[order], return_index=True)
    return {int(day): places for day, places in zip(values, np.split(order, starts[1:]), strict=False)}


def plan_spells(
    rng: np.random.Generator, cells: Cells, assortment: Assortment, stores: Stores, timeline: Timeline
) -> Spells:
    """When every style is on the floor of every store, by the trade calendar; without a season, always."""
    bought = season_years(timeline)
    rows = []
    for store, number in sorted(set(zip(cells.store.tolist(), cells.style.tolist(), strict=True))):
        style = assortment.styles[number]
        category = CATEGORIES[style.category]
        if not category.season:
            rows.append((store, number, 0, 0, NEVER, NEVER))
            continue
        for year in [style.season_year] if style.season_year else bought[category.season]:
            store_id = stores.ids[store]
            first, last = window(category.name, year, store_id, stores.zones[store], style.style_id)
            pack = timeline.day(last) + 1 + _clearance(rng, outlet=store_id == OUTLET)
            rows.append((store, number, year, timeline.day(first), timeline.day(last), pack))
    stays = pd.DataFrame(rows, columns=["store", "style", "year", "floor", "exit", "pack"])
    of_cells = pd.DataFrame({"cell": np.arange(len(cells)), "store": cells.store, "style": cells.style})
    stays = of_cells.merge(stays, on=["store", "style"])
    column = {
        name: stays[name].to_numpy(dtype=np.int64) for name in ("cell", "year", "floor", "exit", "pack")
    }
    return Spells(**column, begins=column["floor"].copy())


def place_season_orders(
    rng: np.random.Generator,
    spells: Spells,
    cells: Cells,
    assortment: Assortment,
    stores: Stores,
    wishes: Wishes,
    timeline: Timeline,
) -> OrderBook:
    """Order every season's goods: one-buy styles in waves, basics a first delivery. Sets `spells.begins`."""
    book = OrderBook(rng.choice(LATENESS, (len(stores.ids), timeline.days)), cells.store)
    cell, category = spells.cell, cells.category[spells.cell]
    basic = assortment.is_basic[cells.style[cell]]
    lasts = np.minimum(np.where(basic, spells.floor + FIRST_COVER_DAYS, spells.exit), timeline.days - 1)
    units = _planned_units(spells, lasts, cells, assortment, stores, wishes)
    pack = np.array([item.pack_size for item in CATEGORIES])[category]
    packs = np.maximum(np.rint(units / pack), 1).astype(np.int64)
    lead = np.array([(item.buy_lead_days, item.lead_time_days) for item in CATEGORIES])[
        category, basic.astype(np.int64)
    ]
    early = rng.integers(*EARLY_DAYS, (len(assortment.styles), len(stores.ids)))
    first = np.maximum(spells.floor - early[cells.style[cell], cells.store[cell]], 0)
    ordered = first - lead
    known = ordered < timeline.traded_days
    before = np.zeros(len(packs), dtype=np.int64)
    for share, gone in WAVES:
        until = np.where(basic, packs, np.ceil(packs * share)).astype(np.int64)
        in_season = spells.floor + np.rint(gone * (spells.exit - spells.floor)).astype(np.int64)
        expected = np.where(gone == 0, first, in_season)
        book.place(cell[known], ((until - before) * pack)[known], ordered[known], expected[known])
        before = until
    np.minimum(spells.floor, book.arrival(cell, first), out=spells.begins)
    return book


def _planned_units(
    spells: Spells,
    lasts: NDArray[np.int64],
    cells: Cells,
    assortment: Assortment,
    stores: Stores,
    wishes: Wishes,
) -> NDArray[np.float64]:
    """What the buyer thinks a cell will sell from floor-set to `lasts`, by the chain's size curve."""
    store, category = cells.store[spells.cell], cells.category[spells.cell]
    total = np.concatenate([np.zeros((1, *wishes.normal.shape[1:])), wishes.normal.cumsum(axis=0)])
    start = np.minimum(spells.floor, len(total) - 1)
    own = total[lasts + 1, store, category] - total[start, store, category]
    frame = pd.DataFrame({"category": category, "year": spells.year, "per_size": own / stores.size[store]})
    chain = frame.groupby(["category", "year"])["per_size"].transform("mean").to_numpy() * stores.size[store]
    styles = [assortment.styles[sku.style] for sku in assortment.skus]
    planned_share = np.array(
        [
            style.planned * CATEGORIES[style.category].size_curve[sku.size]
            for style, sku in zip(styles, assortment.skus, strict=True)
        ]
    )
    share = (planned_share * assortment.color_share)[cells.sku[spells.cell]]
    factor = np.array([BUY_FACTOR.get(item.name, USUAL_BUY_FACTOR) for item in CATEGORIES])[category]
    planned: NDArray[np.float64] = (OWN_WEIGHT * own + (1 - OWN_WEIGHT) * chain) * share * factor
    return planned


def _clearance(rng: np.random.Generator, *, outlet: bool) -> int:
    """Days that what is left hangs on the clearance rail after the exit."""
    stays, days = rng.random() < CLEARANCE_SHARE, int(rng.choice(CLEARANCE_DAYS))
    if outlet:
        return OUTLET_CLEARANCE_DAYS
    return days if stays else 0
