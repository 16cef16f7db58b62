"""What hangs in the small retailer's stores, and where they are."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from data.records import NewestCount, NewestStock, Product, Store

if TYPE_CHECKING:
    from data.database import Database

COUNTED = date(2026, 6, 13)
PLACES = {
    # Phoenix North asks; Tempe is 10 miles off, Tucson 110, Seattle South 1,100.
    "PHX1": (33.58, -112.07),
    "TMP1": (33.43, -111.94),
    "TUS1": (32.22, -110.97),
    "SEA1": (47.51, -122.34),
}
STOCK = {
    ("MAR-NAV-M", "TUS1"): 2,
    ("MAR-RED-M", "TUS1"): 1,
    ("MAR-NAV-M", "TMP1"): 1,
    ("MAR-NAV-L", "PHX1"): 4,
    ("MAR-NAV-M", "DC"): 40,
}


def stock_the_shelves(database: Database) -> None:
    """Two more stores and a distribution centre, a style in two colours, and the newest counts."""
    with database.write() as records:
        for store_id, (latitude, longitude) in PLACES.items():
            known = records.get(Store, store_id)
            store = known or Store(store_id=store_id, name={"TMP1": "Tempe", "TUS1": "Tucson"}[store_id])
            store.latitude, store.longitude, store.phone = latitude, longitude, f"(602) 555-{store_id}"
            records.add(store)
        records.add(Store(store_id="DC", name="Reno DC", kind="dc", latitude=39.5, longitude=-119.8))
        records.add_all(
            Product(
                sku=f"MAR-{color[:3].upper()}-{size}",
                style_id="MAR",
                style_name="Marlin Trunk",
                category="Swim trunks",
                gender_age="men",
                size=size,
                color=color,
            )
            for color in ("navy", "red")
            for size in ("L", "S", "M")
        )
        records.add_all(
            NewestStock(sku=sku, store_id=store, on_hand=units) for (sku, store), units in STOCK.items()
        )
        records.add_all(NewestCount(store_id=store, counted_on=COUNTED) for store in [*PLACES, "DC"])
