"""A retailer after a night, written straight into both stores: swim trunks in four stores of three zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from data.facts import write_forecasts
from data.facts.store import write_rows
from data.facts.tables import TABLES
from data.records import (
    CalendarVersion,
    MarkdownStep,
    Product,
    Run,
    RunKind,
    RunState,
    SellingWindow,
    Store,
)

if TYPE_CHECKING:
    from data.database import Database
    from data.facts import FactsStore

AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=52, freq="7D")
STORES = {"PHX-01": "hot", "PHX-02": "hot", "SEA-01": "cool", "LAX-01": "warm"}
SIZES = ("S", "M", "L")
NOW = datetime(2026, 6, 7, 12, tzinfo=UTC)


def write_records(database: Database) -> None:
    """Stores, products and the calendar."""
    with database.write() as session:
        session.add_all(
            Store(store_id=store, name=f"Store {store}", climate_zone=zone) for store, zone in STORES.items()
        )
        session.add_all(
            Product(
                sku=f"{style}-{size}",
                style_id=style,
                style_name=name,
                category=category,
                size=size,
                regular_price=price,
                unit_cost=cost,
            )
            for style, name, category, price, cost in (
                ("SWT", "Marlin Trunk", "swim trunks", 30, 12),
                ("SWB", "Board Short", "swim trunks", 40, None),
                ("TEE", "White Tee", "white T-shirts", 10, 4),
            )
            for size in SIZES
        )
        session.add(
            CalendarVersion(
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
                author="merchandiser",
                reason="season",
                windows=[
                    window("swim trunks", date(2026, 7, 5)),
                    window("swim trunks", date(2026, 8, 30), climate_zone="warm"),
                    window("swim trunks", date(2026, 8, 2), style_id="SWB", store_id="PHX-02"),
                ],
                markdown_steps=[
                    step(date(2026, 6, 15), 30),
                    step(date(2026, 6, 29), 50),
                    step(date(2026, 7, 6), 70),
                ],
            )
        )


def window(category: str, leaving: date, **scope: str) -> SellingWindow:
    return SellingWindow(
        category=category, season_code="SS26", floor_set=date(2026, 2, 16), exit=leaving, **scope
    )


def step(day: date, percent: float) -> MarkdownStep:
    return MarkdownStep(category="swim trunks", season_code="SS26", effective_from=day, percent_off=percent)


def write_facts(database: Database, facts: FactsStore, *, stock: int = 30, as_of: date = AS_OF) -> int:
    """The forecasts, seasons, stock and sales of one night, published by it; returns its number."""
    height = np.exp(-(((np.arange(52) - 6) / 8.0) ** 2))
    forecast = pd.DataFrame(
        [(store, f"{style}-{size}") for store in STORES for style in ("SWT", "SWB") for size in SIZES],
        columns=["store_id", "sku"],
    ).merge(pd.DataFrame({"week": WEEKS, "mean": 4.0 * height}), how="cross")
    told = forecast.assign(
        p10=0.0, p50=1.0, p90=2.0, size=3.0, evidence="observed", level_shape=9.0, dispersion=4.0
    )
    told = told.assign(base_mean=told["mean"])
    season = pd.DataFrame({"climate_zone": "hot", "week": WEEKS, "season": height, "elasticity": 1.5})
    shares = dict.fromkeys(
        ("calendar", "temperature", "holidays", "assortment", "recording", "requests"), 1.0
    )
    held = forecast[["store_id", "sku"]].drop_duplicates()
    held = held.assign(
        business_date=as_of, on_hand=stock, in_transit=0, on_order=0, period="day", month="2026-06"
    )
    with database.write() as session:
        run = Run(kind=RunKind.NIGHT, business_date=as_of, state=RunState.SUCCEEDED, started_at=NOW)
        session.add(run)
        session.flush()
        run_id = run.run_id
    uri = facts.uri
    for table, rows in (("forecasts", told), ("seasons", season.assign(evidence="observed", **shares))):
        write_forecasts(uri, rows, category="swim trunks", as_of=as_of, run_id=run_id, table=table)
    tees = told[told["sku"].str.startswith("SWT")].assign(
        sku=lambda rows: rows["sku"].str.replace("SWT", "TEE")
    )
    write_forecasts(uri, tees, category="white T-shirts", as_of=as_of, run_id=run_id)
    write_rows(uri, TABLES["stock"], held, run_id=run_id, mode="append")
    write_rows(uri, TABLES["panel"], _panel(held), run_id=run_id, mode="overwrite")
    with database.write() as session:
        versions = {name: facts.version(name) for name in ("forecasts", "seasons", "stock", "panel")}
        facts.publish(session, session.get_one(Run, run_id), versions)
    return run_id


def _panel(held: pd.DataFrame) -> pd.DataFrame:
    """Two units a week of every series for a year and a half; at half the price last July."""
    weeks = pd.DataFrame({"week": WEEKS[0] - pd.to_timedelta(7 * np.arange(1, 79), unit="D")})
    rows = held[["store_id", "sku"]].merge(weeks, how="cross")
    july = (rows["week"].dt.year == WEEKS[0].year - 1) & (rows["week"].dt.month == 7)
    return rows.assign(
        category="swim trunks",
        climate_zone=rows["store_id"].map(STORES),
        units=2.0,
        exposure=1.0,
        price_ratio=np.where(july, 0.5, 1.0),
        on_hand=30.0,
    )
