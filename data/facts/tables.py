"""The facts tables: columns, partitions and order, and what one delivery of rows covers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class FactsTable:
    """A Delta table of facts.

    `partition` names its partition column. `day` is the column that, with store_id, says which rows a
    delivery covers; tables the service computes itself have none and are replaced by category. `recorded`
    numbers the rows that people recorded in the app: no delivery replaces those. `earlier` names the columns
    that versions of the table may lack, since they were made before there were such columns, and what a
    reader of such a version finds in their place, in SQL.
    """

    name: str
    columns: tuple[tuple[str, pa.DataType], ...]
    partition: str
    order: tuple[str, ...]
    day: str | None = None
    recorded: str | None = None
    earlier: Mapping[str, str] = field(default_factory=dict)

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
        ("sold_on", _DAY),
        ("sold_by", _TEXT),
    ),
    partition="month",
    order=("business_date", "store_id", "sku"),
    day="business_date",
    # Not plain NULLs: the engine loses a filter on a constant NULL on its way into the table.
    earlier={
        "sold_on": "CASE WHEN units IS NULL THEN business_date END",
        "sold_by": "CASE WHEN units IS NULL THEN store_id END",
    },
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
        ("request_id", _COUNT),
    ),
    partition="month",
    order=("requested_on", "store_id"),
    day="requested_on",
    recorded="request_id",
    earlier={"request_id": "CASE WHEN units IS NULL THEN units END"},
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
        ("sold_out", _SHARE),
        ("fullness", _SHARE),
        ("stocked", _SHARE),
    ),
    partition="category",
    order=("category", "store_id", "sku", "week"),
    earlier={"sold_out": "0.0", "fullness": "1.0", "stocked": "exposure"},
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
        ("size", _SHARE),
        ("base_mean", _SHARE),
    ),
    partition="category",
    order=("category", "store_id", "sku", "week"),
    earlier={
        # As it was while the season was taken to be certain, and nobody could say otherwise.
        "size": "1 / (1 / level_shape + (1 + 1 / level_shape) / dispersion)",
        "base_mean": "mean",
    },
)
SEASONS: Final = FactsTable(
    "seasons",
    (
        ("as_of", _DAY),
        ("category", _TEXT),
        ("climate_zone", _TEXT),
        ("week", _DAY),
        ("season", _SHARE),
        ("calendar", _SHARE),
        ("temperature", _SHARE),
        ("holidays", _SHARE),
        ("elasticity", _SHARE),
        ("assortment", _SHARE),
        ("recording", _SHARE),
        ("requests", _SHARE),
        ("evidence", _TEXT),
    ),
    partition="category",
    order=("category", "climate_zone", "week"),
)
PHANTOMS: Final = FactsTable(
    "phantoms",
    (
        ("as_of", _DAY),
        *_SERIES,
        ("category", _TEXT),
        ("first_week", _DAY),
        ("last_week", _DAY),
        ("weeks", _COUNT),
        ("expected", _SHARE),
    ),
    partition="category",
    order=("category", "store_id", "sku", "first_week"),
)

BY_CATEGORY: Final = (FORECASTS.name, SEASONS.name, PHANTOMS.name)
"""What a night tells of each category: written by several processes, each its own categories."""

TABLES: Final = {
    table.name: table for table in (SALES, STOCK, RECEIPTS, REQUESTS, PANEL, FORECASTS, SEASONS, PHANTOMS)
}
