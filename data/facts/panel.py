"""From daily and weekly facts to the weekly panel: one row per store, sku and week with its exposure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import pandas as pd

from data.fiscal import week_start
from data.selling_windows import floor_days, planned_price_ratio
from forecaster import weekly_exposure

if TYPE_CHECKING:
    from datetime import date

    from data.facts.store import Snapshot
    from data.settings import Weekday

_LOWEST_RATIO: Final = 0.05
_HIGHEST_RATIO: Final = 1.5


@dataclass(frozen=True)
class Trade:
    """What the records say about the series of a panel.

    `products`: sku, style_id, category, regular_price.
    `stores`: store_id, climate_zone, opened_on, closed_on.
    `calendar`, `markdowns`: as `data.selling_windows` gives them.
    """

    products: pd.DataFrame
    stores: pd.DataFrame
    calendar: pd.DataFrame
    markdowns: pd.DataFrame


def weekly_facts(
    snapshot: Snapshot, *, first_week: date, as_of: date, week_starts_on: Weekday
) -> pd.DataFrame:
    """Sales and stock of every series by the chain's week.

    A day on which stock was left at closing counts as available; a day that ended sold out after selling
    counts half, for nobody knows the hour. A weekly record counts for its seven days; where daily records
    tell of the same week, it still has seven days, available at the rate of all its records.

    Returns:
        store_id, sku, week (datetime64), units (net of returns, not below 0), revenue, priced_units,
        days_known, days_available, on_hand (at the last count of the week, NaN when none).
    """
    anchor = week_start(first_week, week_starts_on)
    day = f"DATE '{as_of.isoformat()}'"
    span = f"business_date BETWEEN DATE '{anchor.isoformat()}' AND {day}"
    # A weekly record is known only when its week is over.
    known = f"{span} AND (period = 'day' OR business_date <= {day} - INTERVAL '6 days')"
    origin = f"TIMESTAMP '{anchor.isoformat()}'"
    statement = f"""
        WITH weekly AS (
            SELECT DISTINCT store_id, business_date AS week FROM sales WHERE period = 'week' AND {known}
        ), counted AS (
            SELECT sales.* FROM sales LEFT JOIN weekly
              ON sales.period = 'day' AND sales.store_id = weekly.store_id
             AND date_bin(INTERVAL '7 days', CAST(business_date AS TIMESTAMP), {origin}) = weekly.week
            WHERE weekly.week IS NULL AND {known}
        ), sold AS (
            SELECT store_id, sku, business_date, period, sum(units) AS units,
                   sum(CASE WHEN units > 0 THEN units * unit_price END) AS revenue,
                   sum(CASE WHEN units > 0 AND unit_price IS NOT NULL THEN units END) AS priced_units
            FROM counted GROUP BY store_id, sku, business_date, period
        ), held AS (
            SELECT store_id, sku, business_date, period, on_hand, in_stock,
                   CASE period WHEN 'week' THEN 7.0 ELSE 1.0 END AS days
            FROM stock WHERE {known}
        ), both AS (
            SELECT coalesce(held.store_id, sold.store_id) AS store_id, coalesce(held.sku, sold.sku) AS sku,
                   coalesce(held.business_date, sold.business_date) AS day,
                   coalesce(sold.units, 0) AS units, revenue, priced_units, on_hand,
                   coalesce(days, 0) AS days,
                   days * CASE WHEN in_stock IS NOT NULL THEN in_stock WHEN on_hand > 0 THEN 1.0
                               WHEN sold.units > 0 THEN 0.5 ELSE 0.0 END AS available
            FROM held FULL OUTER JOIN sold
              ON held.store_id = sold.store_id AND held.sku = sold.sku
             AND held.business_date = sold.business_date AND held.period = sold.period
        )
        SELECT store_id, sku,
               date_bin(INTERVAL '7 days', CAST(day AS TIMESTAMP), {origin}) AS week,
               greatest(sum(units), 0) AS units, sum(revenue) AS revenue, sum(priced_units) AS priced_units,
               least(sum(days), 7) AS days_known,
               coalesce(sum(available), 0) / greatest(sum(days) / 7, 1) AS days_available,
               last_value(on_hand ORDER BY day) FILTER (WHERE on_hand IS NOT NULL) AS on_hand
        FROM both GROUP BY 1, 2, 3
    """
    frame = snapshot.query(statement)
    return frame.assign(week=frame["week"].astype("datetime64[us]"))


def build_panel(facts: pd.DataFrame, trade: Trade, windows: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
    """The panel of the whole chain from its weekly facts.

    Args:
        facts: as `weekly_facts` gives them.
        trade: what the records say.
        windows: as `data.selling_windows.resolve` gives them.
        as_of: last business date known.

    Returns:
        store_id, sku, category, climate_zone, week, units, exposure, price_ratio, on_hand.
    """
    rows = _described(_without_gaps(facts, as_of), trade)
    ranged = rows[["store_id", "style_id", "category", "climate_zone"]].drop_duplicates()
    weeks = sorted(rows["week"].unique())
    end = pd.Timestamp(as_of)
    on_floor = floor_days(windows, ranged, weeks, observed_to=end)
    rows = rows.merge(on_floor, on=["store_id", "style_id", "week"], how="left")
    days = ((end - rows["week"]).dt.days + 1).clip(0, 7)
    # Of what is not counted nobody knows whether anything is left after the exit: only sales prove it.
    allowed = rows["days_on_floor"].where(rows["stock_feed"], rows["days_in_window"])
    rows = rows.assign(days=days, days_open=_days_open(rows, days), days_on_floor=allowed)
    rows = rows.assign(exposure=weekly_exposure(rows), price_ratio=_price_ratio(rows, trade, ranged, weeks))
    columns = [
        "store_id",
        "sku",
        "category",
        "climate_zone",
        "week",
        "units",
        "exposure",
        "price_ratio",
        "on_hand",
    ]
    return rows[columns]


def _without_gaps(facts: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """Series without any stock record get their weeks without sales too, from their first sale on."""
    fed = facts.groupby(["store_id", "sku"])["days_known"].transform("max") > 0
    blind = facts[~fed]
    frame = facts.assign(stock_feed=fed)
    if blind.empty:
        return frame
    first = blind.groupby(["store_id", "sku"])["week"].min().rename("first").reset_index()
    weeks = pd.DataFrame({"week": pd.date_range(first["first"].min(), pd.Timestamp(as_of), freq="7D")})
    every = first.merge(weeks, how="cross")
    every = every[every["week"] >= every["first"]].drop(columns="first")
    filled = every.merge(frame[~fed], on=["store_id", "sku", "week"], how="left").fillna({
        "units": 0.0, "days_known": 0.0, "days_available": 0.0, "stock_feed": False,
    })  # fmt: skip
    return pd.concat([frame[fed], filled], ignore_index=True)


def _described(facts: pd.DataFrame, trade: Trade) -> pd.DataFrame:
    products = trade.products[["sku", "style_id", "category", "regular_price"]]
    stores = trade.stores[["store_id", "climate_zone", "opened_on", "closed_on"]]
    return facts.merge(products, on="sku").merge(stores, on="store_id")


def _days_open(rows: pd.DataFrame, days: pd.Series) -> pd.Series:
    """Days of the week, of those observed, on which the store existed."""
    last = rows["week"] + pd.to_timedelta(days - 1, unit="D")
    before = (rows["opened_on"] - rows["week"]).dt.days.fillna(0).clip(lower=0)
    after = (last - rows["closed_on"]).dt.days.fillna(0).clip(lower=0)
    return (days - before - after).clip(lower=0)


def _price_ratio(
    rows: pd.DataFrame, trade: Trade, ranged: pd.DataFrame, weeks: list[pd.Timestamp]
) -> pd.Series:
    """Price paid over regular price: paid here, else as planned, else paid in the zone, else 1."""
    paid = rows["revenue"] / rows["priced_units"] / rows["regular_price"]
    paid = paid.where(np.isfinite(paid))
    at_regular = rows["priced_units"] * rows["regular_price"]
    # What has no regular price says nothing about the zone's ratio.
    told = rows.assign(
        revenue=rows["revenue"].where(paid.notna()), at_regular=at_regular.where(paid.notna())
    ).groupby(["category", "climate_zone", "week"])
    zone = told["revenue"].transform("sum") / told["at_regular"].transform("sum")
    zone = zone.where(np.isfinite(zone) & (zone > 0))
    plan = planned_price_ratio(trade.markdowns, ranged, weeks)
    planned = (
        rows[["store_id", "style_id", "week"]].merge(plan, how="left")["planned_ratio"].set_axis(rows.index)
    )
    return paid.fillna(planned).fillna(zone).fillna(1.0).clip(_LOWEST_RATIO, _HIGHEST_RATIO)
