"""What a feed holds, told to people: each column in words, and a file that shows what one looks like."""

from __future__ import annotations

import csv
import io
from datetime import date
from typing import TYPE_CHECKING, Final

from data.feeds.columns import MOST_MONEY, MOST_UNITS, ColumnKind

if TYPE_CHECKING:
    from data.feeds.columns import Column, FeedSpec

_PLAIN: Final = {
    ColumnKind.MONEY: "Amount, at most two decimals",
    ColumnKind.DATE: "Date, YYYY-MM-DD",
    ColumnKind.INSTANT: "Date and time",
    ColumnKind.TIMEZONE: "Name of a time zone",
    ColumnKind.LOCALE: "Language and country",
    ColumnKind.EMAIL: "Mail address",
}
_BOUNDLESS: Final = (MOST_UNITS, -MOST_UNITS, MOST_MONEY)

EXAMPLES: Final[dict[str, tuple[dict[str, str], ...]]] = {
    "stores": (
        {
            "store_id": "PHX-01", "name": "Phoenix Camelback", "kind": "store", "latitude": "33.51",
            "longitude": "-112.03", "timezone": "America/Phoenix", "climate_zone": "hot",
            "manager_email": "maya@example.com",
        },
        {
            "store_id": "SEA-01", "name": "Seattle Pike", "kind": "store", "latitude": "47.61",
            "longitude": "-122.34", "timezone": "America/Los_Angeles", "climate_zone": "cool",
            "manager_email": "noor@example.com",
        },
    ),
    "products": (
        {
            "sku": "SWT-M", "style_id": "SWT", "style_name": "Marlin Trunk", "category": "swim trunks",
            "size": "M", "color": "navy", "season_code": "SS26", "buy_type": "one_buy",
            "regular_price": "25.00", "unit_cost": "9.50", "pack_size": "6", "lead_time_days": "45",
        },
        {
            "sku": "SWT-L", "style_id": "SWT", "style_name": "Marlin Trunk", "category": "swim trunks",
            "size": "L", "color": "navy", "season_code": "SS26", "buy_type": "one_buy",
            "regular_price": "25.00", "unit_cost": "9.50", "pack_size": "6", "lead_time_days": "45",
        },
    ),
    "calendar": (
        {"category": "swim trunks", "season_code": "SS26", "floor_set": "2026-02-09", "exit": "2026-07-05"},
        {
            "category": "swim trunks", "season_code": "SS26", "floor_set": "2026-02-09",
            "exit": "2026-08-31", "climate_zone": "hot",
        },
    ),
    "markdowns": (
        {
            "category": "swim trunks", "season_code": "SS26", "effective_from": "2026-06-15",
            "percent_off": "30",
        },
        {
            "category": "swim trunks", "season_code": "SS26", "effective_from": "2026-06-29",
            "percent_off": "50",
        },
    ),
    "prices": (
        {"sku": "SWT-M", "effective_from": "2026-02-09", "price": "25.00", "kind": "regular"},
        {"sku": "SWT-M", "effective_from": "2026-06-15", "price": "17.50", "kind": "markdown"},
    ),
    "ranging": (
        {"store_id": "PHX-01", "style_id": "SWT", "from": "2026-02-09", "presentation_minimum": "2"},
        {"store_id": "SEA-01", "style_id": "SWT", "from": "2026-04-01", "to": "2026-07-05"},
    ),
    "climate": (
        {"climate_zone": "hot", "week": "27", "normal_temperature": "95.1"},
        {"climate_zone": "cool", "week": "27", "normal_temperature": "66.4"},
    ),
    "receipts": (
        {
            "expected_date": "2026-05-20", "store_id": "PHX-01", "sku": "SWT-M", "units": "12",
            "received_date": "2026-05-21", "order_number": "PO-1001",
        },
        {
            "expected_date": "2026-06-24", "store_id": "PHX-01", "sku": "SWT-L", "units": "6",
            "order_number": "PO-1002",
        },
    ),
    "sales": (
        {
            "business_date": "2026-05-30", "store_id": "PHX-01", "sku": "SWT-M", "units": "3",
            "unit_price": "25.00",
        },
        {
            "business_date": "2026-05-30", "store_id": "PHX-01", "sku": "SWT-L", "units": "-1",
            "unit_price": "25.00", "sold_on": "2026-05-27",
        },
    ),
    "stock": (
        {
            "business_date": "2026-05-30", "store_id": "PHX-01", "sku": "SWT-M", "on_hand": "6",
            "in_transit": "0",
        },
        {
            "business_date": "2026-05-30", "store_id": "PHX-01", "sku": "SWT-L", "on_hand": "0",
            "in_transit": "6",
        },
    ),
    "requests": (
        {"requested_at": "2026-05-30T14:30", "store_id": "PHX-01", "sku": "SWT-M", "units": "1"},
        {"requested_at": "2026-05-30", "store_id": "PHX-01", "style_id": "SWT", "size": "L"},
    ),
}  # fmt: skip
"""Rows that each feed would take, after those of the feeds before it; for the file to download."""


def holds(column: Column) -> str:
    """What a cell of a column may hold, in words.

    >>> from data.feeds.specs import FEEDS
    >>> holds(FEEDS["stores"].column("kind"))
    'One of store, dc, online, outlet; store when blank'
    """
    if column.choices:
        return f"One of {', '.join(column.choices)}; {column.default} when blank"
    if column.kind is ColumnKind.TEXT:
        return f"Text, at most {column.length:,} characters"
    if column.kind in _PLAIN:
        return _PLAIN[column.kind]
    told = ("Whole number" if column.kind is ColumnKind.INTEGER else "Number") + _bounds(column)
    return f"{told}; {column.default} when blank" if column.default is not None else told


def example_of(column: Column, kind: str) -> str:
    """A value of a column as it stands in the example of its feed; blank where the example leaves it out."""
    return next((row[column.name] for row in EXAMPLES[kind] if row.get(column.name)), "")


def example_file(spec: FeedSpec) -> str:
    """A small file that shows what one looks like, with the columns that its example fills."""
    rows = EXAMPLES[spec.kind]
    names = [name for name in spec.names if any(name in row for row in rows)]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _bounds(column: Column) -> str:
    low, high = column.minimum, column.maximum
    if isinstance(low, date) or isinstance(high, date):
        return ""
    has_low, has_high = (bound is not None and bound not in _BOUNDLESS for bound in (low, high))
    if has_low and has_high:
        return f" from {low:g} to {high:g}"
    return f", {low:g} or more" if has_low else ""
