"""What a store has and what is on its way, as it was known on a business date."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from data.facts.store import Snapshot

# A receipt this long overdue is taken to be lost or booked under another number.
_OVERDUE_DAYS: Final = 21
# Older counts are not looked for: a store that sent none since is late in any case.
_OLDEST_COUNT_DAYS: Final = 42
_YEAR_DAYS: Final = 365
# A store's last count may be this old and still say what it holds.
STALE_AFTER: Final = timedelta(days=8)


def stock_on(snapshot: Snapshot, *, as_of: date, skus: Collection[str] | None = None) -> pd.DataFrame:
    """Stock of each series at its store's newest whole count.

    A series that is missing from it has been packed away or dropped: it has no row, hence no stock. A day
    with less than half as many skus as the fullest of the days around it is no whole count: it only corrects
    the series that it names.

    Args:
        snapshot: the facts.
        as_of: last business date known.
        skus: whose stock is wanted; of all if None. What a whole count is depends on all of them.

    Returns:
        store_id, sku, on_hand, in_transit (0 when unknown), counted_on (datetime64).
    """
    day, wanted = f"DATE '{as_of.isoformat()}'", _among(skus, "WHERE")
    statement = f"""
        WITH counts AS (
            SELECT store_id, sku, on_hand, in_transit,
                   CASE period WHEN 'week' THEN business_date + INTERVAL '6 days'
                               ELSE business_date END AS counted_on
            FROM stock
            WHERE business_date BETWEEN {day} - INTERVAL '{_OLDEST_COUNT_DAYS} days' AND {day}
        ), known AS (
            SELECT * FROM counts WHERE counted_on <= {day} AND on_hand IS NOT NULL
        ), sizes AS (
            SELECT store_id, counted_on, count(*) AS skus FROM known GROUP BY store_id, counted_on
        ), newest AS (
            SELECT *, max(counted_on) OVER (PARTITION BY store_id) AS newest FROM sizes
        ), compared AS (
            SELECT *, max(skus) OVER (PARTITION BY store_id) AS most FROM newest
            WHERE counted_on >= newest - INTERVAL '{STALE_AFTER.days} days'
        ), whole AS (
            SELECT store_id, max(counted_on) AS counted_on FROM compared WHERE 2 * skus >= most
            GROUP BY store_id
        ), ranked AS (
            SELECT known.store_id, sku, known.counted_on, on_hand, in_transit,
                   row_number() OVER (
                       PARTITION BY known.store_id, sku ORDER BY known.counted_on DESC, on_hand DESC
                   ) AS place
            FROM known JOIN whole
              ON known.store_id = whole.store_id AND known.counted_on >= whole.counted_on {wanted}
        )
        SELECT store_id, sku, counted_on, greatest(on_hand, 0) AS on_hand,
               greatest(coalesce(in_transit, 0), 0) AS in_transit
        FROM ranked WHERE place = 1
    """
    frame = snapshot.query(statement)
    return frame.assign(counted_on=frame["counted_on"].astype("datetime64[us]"))


def last_stocked(snapshot: Snapshot, *, as_of: date) -> pd.DataFrame:
    """The last day on which each series had stock or sold.

    Returns:
        store_id, sku, last_stocked (datetime64).
    """
    upto = f"business_date <= DATE '{as_of.isoformat()}'"
    statement = f"""
        SELECT store_id, sku, max(business_date) AS last_stocked FROM (
            SELECT store_id, sku, business_date FROM stock WHERE {upto} AND (on_hand > 0 OR in_stock > 0)
            UNION ALL SELECT store_id, sku, business_date FROM sales WHERE {upto} AND units > 0
        ) GROUP BY store_id, sku
    """
    frame = snapshot.query(statement)
    return frame.assign(last_stocked=frame["last_stocked"].astype("datetime64[us]"))


def newest_days(snapshot: Snapshot, *, as_of: date) -> pd.DataFrame:
    """The newest day of sales and of stock that has come in from each store.

    Returns:
        store_id, feed (sales or stock), newest (datetime64; a weekly record reaches to its seventh day),
        longest_gap (days: the longest that the store has been silent in the year before, 0 if never).
    """
    day = f"DATE '{as_of.isoformat()}'"
    parts = [
        f"""SELECT store_id, '{name}' AS feed, told, CASE WHEN told > {day} - INTERVAL '{_YEAR_DAYS} days'
                   THEN told - lag(told) OVER (PARTITION BY store_id ORDER BY told) ELSE 0 END AS gap
            FROM (SELECT DISTINCT store_id,
                         CAST(CASE period WHEN 'week' THEN business_date + INTERVAL '6 days'
                                          ELSE business_date END AS DATE) AS told
                  FROM {name} WHERE business_date <= {day})"""
        for name in ("sales", "stock")
    ]
    frame = snapshot.query(
        "SELECT store_id, feed, max(told) AS newest, coalesce(max(gap), 0) AS longest_gap "
        f"FROM ({' UNION ALL '.join(parts)}) GROUP BY store_id, feed"
    )
    return frame.assign(
        newest=frame["newest"].astype("datetime64[us]"), longest_gap=frame["longest_gap"].astype("int64")
    )


def arrivals(
    snapshot: Snapshot, *, as_of: date, first_week: date, skus: Collection[str] | None = None
) -> pd.DataFrame:
    """Receipts that are still to come, by the week in which they can be sold.

    An order loaded twice under its number counts as it was loaded last. What is a little overdue is expected
    in the first week. Of all skus, or of some.

    Returns:
        store_id, sku, week (datetime64, first day), units.
    """
    day, wanted = f"DATE '{as_of.isoformat()}'", _among(skus, "AND")
    statement = f"""
        SELECT store_id, sku, expected_date, units FROM (
            SELECT *, max(loaded_by) OVER (
                PARTITION BY coalesce(order_number, CAST(expected_date AS VARCHAR)), store_id, sku
            ) AS newest FROM receipts
        ) WHERE loaded_by = newest AND units > 0 AND (received_date IS NULL OR received_date > {day})
            AND expected_date > {day} - INTERVAL '{_OVERDUE_DAYS} days' {wanted}
    """
    open_orders = snapshot.query(statement)
    start = pd.Timestamp(first_week)
    weeks_ahead = ((pd.to_datetime(open_orders["expected_date"]) - start).dt.days // 7).clip(lower=0)
    week = start + pd.to_timedelta(weeks_ahead * 7, unit="D")
    return _summed(open_orders.assign(week=week.astype("datetime64[us]")))


def supply(stock: pd.DataFrame, coming: pd.DataFrame, *, first_week: date) -> pd.DataFrame:
    """Units that become available by week: what is on hand now, then what arrives.

    In-transit units that no receipt explains are taken to arrive in the second week.

    Args:
        stock: as `stock_on` gives it.
        coming: as `arrivals` gives it.
        first_week: the week in which the day after the business date lies.

    Returns:
        store_id, sku, week (datetime64), units.
    """
    start = pd.Timestamp(first_week).as_unit("us")
    explained = coming.groupby(["store_id", "sku"], as_index=False)["units"].sum()
    transit = stock[["store_id", "sku", "in_transit"]].merge(explained, how="left").fillna({"units": 0})
    unexplained = (transit["in_transit"] - transit["units"]).clip(lower=0)
    parts = [
        stock[["store_id", "sku"]].assign(week=start, units=stock["on_hand"]),
        transit[["store_id", "sku"]].assign(week=start + pd.Timedelta(days=7), units=unexplained),
        coming,
    ]
    rows = _summed(pd.concat(parts, ignore_index=True))
    return rows[rows["units"] > 0]


def _among(skus: Collection[str] | None, word: str) -> str:
    """The condition that a row is of one of some skus, behind a word; nothing for all."""
    if skus is None:
        return ""
    quoted = ", ".join("'" + sku.replace("'", "''") + "'" for sku in skus) or "NULL"
    return f"{word} sku IN ({quoted})"


def _summed(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby(["store_id", "sku", "week"])["units"].sum().reset_index()
