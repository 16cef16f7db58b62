"""What the rows of a file may refer to: the stores and products that the records know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import select

from data.records import Product, Store

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.database import Database
    from data.feeds.columns import Reference


@dataclass(frozen=True)
class References:
    """Known ids, and what can be said of them.

    `timezones` holds the time zone of every known store, None where it has none of its own.
    """

    timezones: Mapping[str, str | None]
    skus: frozenset[str]
    styles: frozenset[str]
    categories: frozenset[str]
    climate_zones: frozenset[str]

    def known(self, reference: Reference) -> frozenset[str]:
        """The ids of stores, skus or styles."""
        return {"store": frozenset(self.timezones), "sku": self.skus, "style": self.styles}[reference]


def load_references(database: Database) -> References:
    """Read what is known now."""
    with database.read() as session:
        stores = session.execute(select(Store.store_id, Store.timezone, Store.climate_zone)).all()
        products = session.execute(select(Product.sku, Product.style_id, Product.category)).all()
    return References(
        timezones={store_id: timezone for store_id, timezone, _ in stores},
        skus=frozenset(sku for sku, _, _ in products),
        styles=frozenset(style for _, style, _ in products),
        categories=frozenset(category for _, _, category in products),
        climate_zones=frozenset(zone for _, _, zone in stores),
    )
