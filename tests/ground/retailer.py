"""A small retailer for tests: four stores in two climates, swim trunks with a window and T-shirts without."""

from __future__ import annotations

import math
from datetime import date, timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FIRST_WEEK = date(2024, 3, 3)
AS_OF = date(2026, 6, 6)
STORES = {
    "PHX-01": ("Phoenix Camelback", "hot", 1.0),
    "PHX-02": ("Phoenix Arcadia", "hot", 0.8),
    "LAX-01": ("Los Angeles Pico", "warm", 1.2),
    "SEA-01": ("Seattle Pike", "cool", 0.5),
}
SIZES = {"S": 0.2, "M": 0.5, "L": 0.3}
CALENDAR = """category,season_code,floor_set,exit,climate_zone
swim trunks,SS24,2024-02-12,2024-07-07,
swim trunks,SS25,2025-02-10,2025-07-06,
swim trunks,SS26,2026-02-09,2026-07-05,
swim trunks,SS24,2024-02-12,2024-12-31,warm
swim trunks,SS25,2025-02-10,2025-12-31,warm
swim trunks,SS26,2026-02-09,2026-12-31,warm
"""


def write_feeds(folder: Path, *, last_week: date = AS_OF - timedelta(days=6)) -> None:
    """Write the retailer's files for weeks up to and including the one that begins on `last_week`."""
    folder.mkdir(parents=True, exist_ok=True)
    stores = [f"{key},{name},{zone}" for key, (name, zone, _) in STORES.items()]
    _write(folder / "stores.csv", "store_id,name,climate_zone", stores)
    products = [f"SWT-{size},SWT,Marlin Trunk,swim trunks,{size},25.00,21" for size in SIZES]
    products += [f"TEE-{size},TEE,White Tee,white T-shirts,{size},10.00,14" for size in SIZES]
    _write(
        folder / "products.csv",
        "sku,style_id,style_name,category,size,regular_price,lead_time_days",
        products,
    )
    (folder / "calendar.csv").write_text(CALENDAR, encoding="utf-8")
    sales, stock = [], []
    for week, store, sku, units, held in _weeks(last_week):
        if held:
            stock.append(f"{week},{store},{sku},{held},1,week")
        if held and units:
            sales.append(f"{week},{store},{sku},{units},week")
    _write(folder / "sales.csv", "business_date,store_id,sku,units,period", sales)
    _write(folder / "stock.csv", "business_date,store_id,sku,on_hand,in_stock,period", stock)


def _weeks(last_week: date) -> Iterator[tuple[date, str, str, int, int]]:
    """Week, store, sku, units wanted, and units held at its end (none when it is not on the floor)."""
    week, number = FIRST_WEEK, 0
    while week <= last_week:
        for store, (_, zone, scale) in STORES.items():
            for size, share in SIZES.items():
                for category in ("SWT", "TEE"):
                    wanted = scale * share * _demand(category, week)
                    # Fractions carry over from week to week, so that sums are right without chance.
                    units = math.floor(wanted * (number + 1)) - math.floor(wanted * number)
                    on_floor = category == "TEE" or zone == "warm" or _in_window(week)
                    yield week, store, f"{category}-{size}", units, 400 if on_floor else 0
        week, number = week + timedelta(days=7), number + 1


def _demand(category: str, week: date) -> float:
    if category == "TEE":
        return 12.0
    day = week.timetuple().tm_yday
    return 1 + 30 * math.exp(-(((day - 205) / 45) ** 2))


def _in_window(week: date) -> bool:
    return date(week.year, 2, 9) <= week <= date(week.year, 7, 5)


def _write(path: Path, header: str, rows: list[str]) -> None:
    path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
