"""The facts tables: columns, partitions and order, and what one delivery of rows covers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import pyarrow as pa


@dataclass(frozen=True)
class FactsTable:
    """A Delta table of facts.

    `partition` names its partition column. `day` is the column that, with store_id, says which rows a
    delivery covers; tables the service computes itself have none and are replaced by category.
    """

    name: str
    columns: tuple[tuple[str, pa.DataType], ...]
    partition: str
    order: tuple[str, ...]
    day: str | None = None

    @property
    def schema(self) -> pa.Schema:
        """The arrow schema, the partition column included."""
        fields = [pa.field(name, kind) for name, kind in self.columns]
        if self.partition not in dict(self.columns):
            fields.append(pa.field(self.partition, pa.string()))
        return pa.schema(fields)


_TEXT, _DAY, _COUNT, _SHARE = pa.string(), pa.date32(), pa.int64(), pa.float64()
_SERIES = (("store_id", _TEXT), ("sku", _TEXT))

SALES: Final = FactsTable(
    "sales",
    (
        ("business_date", _DAY),
        *_SERIES,
        ("units", _COUNT),
        ("unit_price", _SHARE),
        ("fulfilled_by", _TEXT),
        ("period", _TEXT),
    ),
    partition="month",
    order=("business_date", "store_id", "sku"),
    day="business_date",
)
STOCK: Final = FactsTable(
    "stock",
    (
        ("business_date", _DAY),
        *_SERIES,
        ("on_hand", _COUNT),
        ("in_transit", _COUNT),
        ("on_order", _COUNT),
        ("in_stock", _SHARE),
        ("period", _TEXT),
    ),
    partition="month",
    order=("business_date", "store_id", "sku"),
    day="business_date",
)
RECEIPTS: Final = FactsTable(
    "receipts",
    (
        ("expected_date", _DAY),
        *_SERIES,
        ("units", _COUNT),
        ("received_date", _DAY),
        ("order_number", _TEXT),
        ("loaded_by", _COUNT),
    ),
    partition="month",
    order=("expected_date", "store_id", "sku"),
    day="expected_date",
)
REQUESTS: Final = FactsTable(
    "requests",
    (
        ("requested_on", _DAY),
        ("requested_at", pa.timestamp("us", tz="UTC")),
        *_SERIES,
        ("style_id", _TEXT),
        ("size", _TEXT),
        ("text", _TEXT),
        ("units", _COUNT),
        ("source", _TEXT),
    ),
    partition="month",
    order=("requested_on", "store_id"),
    day="requested_on",
)
PANEL: Final = FactsTable(
    "panel",
    (
        *_SERIES,
        ("category", _TEXT),
        ("climate_zone", _TEXT),
        ("week", _DAY),
        ("units", _SHARE),
        ("exposure", _SHARE),
        ("price_ratio", _SHARE),
        ("on_hand", _SHARE),
    ),
    partition="category",
    order=("category", "store_id", "sku", "week"),
)
FORECASTS: Final = FactsTable(
    "forecasts",
    (
        ("as_of", _DAY),
        *_SERIES,
        ("category", _TEXT),
        ("week", _DAY),
        ("mean", _SHARE),
        ("p10", _SHARE),
        ("p50", _SHARE),
        ("p90", _SHARE),
        ("evidence", _TEXT),
        ("level_shape", _SHARE),
        ("dispersion", _SHARE),
    ),
    partition="category",
    order=("category", "store_id", "sku", "week"),
)

TABLES: Final = {table.name: table for table in (SALES, STOCK, RECEIPTS, REQUESTS, PANEL, FORECASTS)}
