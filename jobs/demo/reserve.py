"""The demo retailer's distribution centre: what it holds back of its basics for stores that run out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from jobs.demo.assortment import CATEGORIES
from jobs.demo.buying import EARLY_DAYS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo.assortment import Assortment
    from jobs.demo.buying import OrderBook, Spells
    from jobs.demo.customers import Cells
    from jobs.demo.world import Timeline

CENTRE: dict[str, Any] = {
    "store_id": "MEM-DC",
    "name": "Memphis Distribution Center",
    "kind": "dc",
    "latitude": 35.05,
    "longitude": -89.94,
    "timezone": "America/Chicago",
    "climate_zone": None,
    "manager_email": None,
    "phone": "(901) 555-0100",
    "opened_on": None,
    "closed_on": None,
}
RESERVE_SHARE = 0.06  # of a season's first deliveries of a basic
IN_HAND_DAYS = 14  # before the floor-set
_HALF_A_YEAR = 182


def reserve_feed(
    spells: Spells, orders: OrderBook, cells: Cells, assortment: Assortment, timeline: Timeline
) -> pd.DataFrame:
    """The centre's stock of every published day: business_date, store_id, sku, on_hand; whole packs.

    Nothing of the trade draws on it: it is there for somebody who sees a need.
    """
    held = _held(spells, orders, cells, assortment)
    opens, traded = timeline.day(timeline.opens), timeline.traded_days
    first = np.clip(held["floor"].to_numpy() - IN_HAND_DAYS, opens, traded)
    days = np.maximum(np.clip(held["exit"].to_numpy() + 1, opens, traded) - first, 0)
    row = np.repeat(np.arange(len(held)), days)
    day = first[row] + np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)
    skus = np.array(assortment.sku_ids, dtype=object)
    frame = pd.DataFrame(
        {
            "business_date": timeline.dates[day],
            "store_id": CENTRE["store_id"],
            "sku": skus[held["sku"].to_numpy()[row]],
            "on_hand": held["units"].to_numpy()[row],
        }
    )
    return frame.sort_values(["business_date", "sku"], kind="stable", ignore_index=True)


def _held(spells: Spells, orders: OrderBook, cells: Cells, assortment: Assortment) -> pd.DataFrame:
    """Per sku and season of the basics: floor, exit (days), units held back."""
    stays = pd.DataFrame({"cell": spells.cell, "floor": spells.floor, "exit": spells.exit})
    delivered = orders.lines[0][["cell", "units", "expected"]].merge(stays, on="cell")
    ahead = delivered["floor"] - delivered["expected"]
    basic = assortment.is_basic[cells.style[delivered["cell"].to_numpy()]]
    firsts = delivered[basic & ahead.between(0, EARLY_DAYS[1]).to_numpy()]
    firsts = firsts.assign(sku=cells.sku[firsts["cell"].to_numpy()])
    # Zones open on different days; the reserve is there from the first floor-set to the last exit.
    firsts = firsts.sort_values(["sku", "floor"])
    gap = firsts.groupby("sku")["floor"].diff() > _HALF_A_YEAR
    season = gap.groupby(firsts["sku"]).cumsum()
    summed = firsts.groupby(["sku", season.rename("season")]).agg(
        floor=("floor", "min"), exit=("exit", "max"), units=("units", "sum")
    )
    held: pd.DataFrame = summed.reset_index()
    held["units"] = _whole_packs(held["units"].to_numpy() * RESERVE_SHARE, held["sku"].to_numpy(), assortment)
    return held


def _whole_packs(
    units: NDArray[np.float64], sku: NDArray[np.int64], assortment: Assortment
) -> NDArray[np.int64]:
    category = assortment.category_of_style[assortment.style_of_sku[sku]]
    pack = np.array([item.pack_size for item in CATEGORIES], dtype=np.int64)[category]
    packs: NDArray[np.int64] = pack * np.maximum(np.rint(units / pack), 1).astype(np.int64)
    return packs
