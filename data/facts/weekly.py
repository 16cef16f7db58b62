"""Daily and weekly sales and stock added up to one row per store, sku and week, in one pass."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Final

import pandas as pd

from data.fiscal import week_start
from forecaster.returns import WINDOW_WEEKS

if TYPE_CHECKING:
    from collections.abc import Collection

    from data.facts.store import Snapshot
    from data.settings import Weekday

# The last day of a week and what was counted on it travel through one maximum: far cheaper than sorting.
# Counts lie within 10 million on either side of zero, see the feed.
_COUNT_SPAN: Final = 2**26
_COUNT_ZERO: Final = 2**25
# What comes back in such a number is an order called off: it was sold in one line of the same number.
_BULK_UNITS: Final = 12


def weekly_facts(
    snapshot: Snapshot,
    *,
    first_week: date,
    as_of: date,
    week_starts_on: Weekday,
    minimums: Collection[int] = (),
) -> pd.DataFrame:
    """Sales and stock of every series by the chain's week.

    *Stock.* A day on which stock was left at closing counts as available; a day that ended sold out after
    something left that shelf, be it for an order placed elsewhere, counts half, for nobody knows the hour. A
    weekly record counts for its seven days, its count for its last; where daily records tell of the same
    week, it still has seven days, available at the rate of all its records.

    *Sales* belong to the place that sold, whoever fulfilled them. On one day, what was sold and taken back at
    the same price is netted: cancellations and exchanges leave no trace. A return that names the day of its
    sale is set against that week and the store that sold. So is one of a dozen units or more for which one
    line of the same number and price was sold shortly before: the newest such. All others are only added up
    here, see `forecaster.returns`. A negative line at price 0 corrects the books and is no return.

    Args:
        snapshot: the facts.
        first_week: a day of the first week.
        as_of: last business date known.
        week_starts_on: first day of the chain's week.
        minimums: presentation minimums of which `shown_N` is wanted.

    Returns:
        store_id, sku, week (datetime64), sold (units, without returns whose sale is known), returned (units
        that came back in that week from sales unknown), revenue, priced_units, days_known (with a stock
        record), days_counted (on which the store sent a whole count), days_available, days_stocked (with
        stock on the books at closing), days_sold_empty (days known by the day that closed empty after
        sales), closing (share in stock at the week's last record: 1 or 0 for a count, NaN without records),
        on_hand (at the last count of the week, NaN when none), days_held (with a count above zero), for each
        N of `minimums` shown_N (sum over these days of min(on_hand, N)), and of the store sold_from and
        sold_to, the days between which its sales are known (datetime64).
    """
    anchor = week_start(first_week, week_starts_on)
    frame = snapshot.query(_statement(anchor, as_of, sorted(set(minimums))))
    start = pd.Timestamp(anchor).as_unit("us")
    last = frame.pop("last")
    return frame.assign(
        week=start + pd.to_timedelta(frame["week"] * 7, unit="D").astype("timedelta64[us]"),
        closing=last - 2 * (last // 2),
        on_hand=frame["on_hand"].mod(_COUNT_SPAN) - _COUNT_ZERO,
        sold_from=start + pd.to_timedelta(frame["sold_from"], unit="D").astype("timedelta64[us]"),
        sold_to=start + pd.to_timedelta(frame["sold_to"], unit="D").astype("timedelta64[us]"),
    )


def _statement(anchor: date, as_of: date, minimums: list[int]) -> str:
    """Everything is added up in one GROUP BY over three kinds of rows, without a join over all days."""
    shown = "".join(
        f", CASE WHEN on_hand > 0 THEN days * least(on_hand, {level}) END AS shown_{level}"
        for level in minimums
    )
    nothing_shown = ", NULL" * len(minimums)
    all_shown = "".join(f", coalesce(sum(shown_{level}), 0) AS shown_{level}" for level in minimums)
    return f"""
        WITH {_sales(anchor, as_of)}, {_stock(anchor, as_of)},
        records AS (
            SELECT store_id, sku, day / 7 AS week, days, days * closing AS stocked,
                   days * closing AS available, 0 AS sold_empty, 2 * weekday + closing AS last,
                   {_COUNT_SPAN} * weekday + {_COUNT_ZERO} + on_hand AS counted,
                   CASE WHEN on_hand > 0 THEN days END AS held,
                   0 AS sold, 0 AS returned, 0 AS taken_back,
                   CAST(NULL AS DOUBLE) AS revenue, CAST(NULL AS BIGINT) AS priced{shown}
            FROM held
            UNION ALL
            SELECT store_id, sku, day / 7, 0, 0.0, 0.5 * days,
                   CASE period WHEN 'day' THEN 1 ELSE 0 END, NULL, NULL, NULL, 0, 0, 0,
                   NULL, NULL{nothing_shown}
            FROM held LEFT SEMI JOIN left_shelf
              ON held.store_id = left_shelf.store_id AND held.sku = left_shelf.sku
             AND held.day = left_shelf.day AND held.period = left_shelf.period
            WHERE in_stock IS NULL AND on_hand <= 0
            UNION ALL
            SELECT store_id, sku, day / 7, 0, 0.0, 0.0, 0, NULL, NULL, NULL,
                   greatest(units, 0), greatest(-units, 0), 0,
                   CASE WHEN units > 0 THEN units * unit_price END,
                   CASE WHEN units > 0 AND unit_price IS NOT NULL THEN units END{nothing_shown}
            FROM netted
            UNION ALL
            SELECT coalesce(sold_by, store_id), sku, sold_day / 7, 0, 0.0, 0.0, 0, NULL, NULL, NULL,
                   0, 0, -units, NULL, NULL{nothing_shown}
            FROM returns WHERE sold_day >= 0
        ), summed AS (
            SELECT store_id, sku, week, sum(days) AS days, sum(stocked) AS stocked,
                   sum(available) AS available, sum(sold_empty) AS sold_empty, max(last) AS last,
                   max(counted) AS counted, coalesce(sum(held), 0) AS held, sum(sold) AS sold,
                   sum(returned) AS returned, sum(taken_back) AS taken_back, sum(revenue) AS revenue,
                   sum(priced) AS priced{all_shown}
            FROM records GROUP BY 1, 2, 3
        )
        SELECT summed.store_id, sku, summed.week, greatest(sold - taken_back, 0) AS sold,
               returned + greatest(taken_back - sold, 0) AS returned, revenue, priced AS priced_units,
               least(days, 7) AS days_known, coalesce(whole_days, 0) AS days_counted,
               available / greatest(days / 7.0, 1) AS days_available,
               stocked / greatest(days / 7.0, 1) AS days_stocked, sold_empty AS days_sold_empty,
               last, counted AS on_hand, held AS days_held{"".join(f", shown_{level}" for level in minimums)},
               sold_from, sold_to
        FROM summed
        LEFT JOIN whole ON summed.store_id = whole.store_id AND summed.week = whole.week
        LEFT JOIN trading ON summed.store_id = trading.store_id
    """


def _sales(anchor: date, as_of: date) -> str:
    """Lines of sales, those of a day as sold at each price, and what left which shelf on which day.

    Where a store tells of a week by the week, its days of that week are left out.
    """
    return f"""
        sales_lines AS (
            SELECT store_id, sku, {_day_number("business_date", anchor)} AS day, period, units, unit_price,
                   fulfilled_by, {_day_number("sold_on", anchor)} AS sold_day, sold_by
            FROM sales
            WHERE {_known(anchor, as_of)} AND NOT (units < 0 AND unit_price IS NOT DISTINCT FROM 0)
        ), weekly AS (
            SELECT DISTINCT store_id, day / 7 AS week FROM sales_lines WHERE period = 'week'
        ), lines AS (
            SELECT sales_lines.* FROM sales_lines LEFT JOIN weekly
              ON period = 'day' AND sales_lines.store_id = weekly.store_id AND day / 7 = weekly.week
            WHERE weekly.week IS NULL
        ), bulk AS (
            SELECT store_id, sku, day, coalesce(unit_price, -1) AS price, units FROM lines
            WHERE abs(units) >= {_BULK_UNITS}
        ), reversals AS (
            SELECT back.store_id, back.sku, back.day, back.price, back.units, max(sale.day) AS reversed_day
            FROM bulk AS back JOIN bulk AS sale
              ON back.store_id = sale.store_id AND back.sku = sale.sku AND back.price = sale.price
             AND -back.units = sale.units AND sale.day BETWEEN back.day - {7 * WINDOW_WEEKS} AND back.day
            WHERE back.units < 0 GROUP BY 1, 2, 3, 4, 5
        ), returns AS (
            SELECT lines.store_id, lines.sku, lines.day, period, unit_price, lines.units, sold_by,
                   coalesce(sold_day, nullif(reversed_day, lines.day)) AS sold_day
            FROM lines LEFT JOIN reversals
              ON lines.store_id = reversals.store_id AND lines.sku = reversals.sku
             AND lines.day = reversals.day AND coalesce(unit_price, -1) = price
             AND lines.units = reversals.units
            WHERE lines.units < 0
        ), netted AS (
            SELECT store_id, sku, day, period, unit_price, sum(units) AS units FROM (
                SELECT store_id, sku, day, period, unit_price, units FROM lines WHERE units > 0
                UNION ALL
                SELECT store_id, sku, day, period, unit_price, units FROM returns WHERE sold_day IS NULL
            ) GROUP BY 1, 2, 3, 4, 5
        ), left_shelf AS (
            SELECT coalesce(fulfilled_by, store_id) AS store_id, sku, day, period FROM lines WHERE units > 0
        ), trading AS (
            SELECT store_id, min(day) AS sold_from,
                   max(CASE period WHEN 'week' THEN day + 6 ELSE day END) AS sold_to
            FROM lines WHERE units > 0 GROUP BY store_id
        )"""


def _stock(anchor: date, as_of: date) -> str:
    """Records of stock, and on how many days of each week a store sent a whole count.

    A day with less than half as many skus as the fullest of its week is no whole count (as in
    `data.facts.supply`).
    """
    return f"""
        held AS (
            SELECT store_id, sku, {_day_number("business_date", anchor)} AS day, period, on_hand, in_stock,
                   CASE period WHEN 'week' THEN 7 ELSE 1 END AS days,
                   CASE period WHEN 'week' THEN 6
                               ELSE ({_day_number("business_date", anchor)}) % 7 END AS weekday,
                   CASE WHEN in_stock IS NOT NULL THEN in_stock
                        WHEN on_hand > 0 THEN 1.0 ELSE 0.0 END AS closing
            FROM stock WHERE {_known(anchor, as_of)}
        ), whole AS (
            SELECT store_id, week, least(sum(days), 7) AS whole_days FROM (
                SELECT store_id, day / 7 AS week, days, skus,
                       max(skus) OVER (PARTITION BY store_id, day / 7) AS most
                FROM (SELECT store_id, day, days, count(*) AS skus FROM held GROUP BY 1, 2, 3)
            ) WHERE 2 * skus >= most GROUP BY 1, 2
        )"""


def _known(anchor: date, as_of: date) -> str:
    """What counts: days of the period, and weekly records whose week is over."""
    last_week = as_of - timedelta(days=6)
    return (
        f"business_date BETWEEN DATE '{anchor}' AND DATE '{as_of}' "
        f"AND (period = 'day' OR business_date <= DATE '{last_week}')"
    )


def _day_number(column: str, anchor: date) -> str:
    """Days since the first day of the first week: whole numbers are grouped faster than dates."""
    return f"arrow_cast({column}, 'Int32') - {(anchor - date(1970, 1, 1)).days}"
