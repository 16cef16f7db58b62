"""Where things are sold and what is sold: stores, products, ranging, prices, climate."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String
from sqlalchemy.orm import Mapped, mapped_column

from data.records.base import Record, choice

MONEY = Numeric(12, 2)


class StoreKind(StrEnum):
    """What a place that holds stock is."""

    STORE = "store"
    DC = "dc"
    ONLINE = "online"
    OUTLET = "outlet"


class BuyType(StrEnum):
    """How a product is bought."""

    REPLENISHED = "replenished"
    ONE_BUY = "one_buy"
    CARRY_OVER = "carry_over"


class PriceKind(StrEnum):
    """Why a price holds: regular, cut for good, or cut for a time."""

    REGULAR = "regular"
    MARKDOWN = "markdown"
    PROMOTION = "promotion"


class Store(Record):
    """A place that sells or holds stock."""

    __tablename__ = "stores"

    store_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[StoreKind] = mapped_column(choice(StoreKind), default=StoreKind.STORE)
    latitude: Mapped[float | None]
    longitude: Mapped[float | None]
    timezone: Mapped[str | None] = mapped_column(String(64))
    locale: Mapped[str | None] = mapped_column(String(16))
    climate_zone: Mapped[str] = mapped_column(String(64), default="")
    manager_email: Mapped[str | None] = mapped_column(String(254))
    phone: Mapped[str | None] = mapped_column(String(40))
    opened_on: Mapped[date | None]
    closed_on: Mapped[date | None]


class Product(Record):
    """A sku: style x colour x size."""

    __tablename__ = "products"
    __table_args__ = (Index(None, "style_id"), Index(None, "category"))

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    style_id: Mapped[str] = mapped_column(String(64))
    style_name: Mapped[str] = mapped_column(String(200), default="")
    category: Mapped[str] = mapped_column(String(100))
    department: Mapped[str] = mapped_column(String(100), default="")
    gender_age: Mapped[str] = mapped_column(String(64), default="")
    size: Mapped[str] = mapped_column(String(32), default="")
    color: Mapped[str] = mapped_column(String(64), default="")
    season_code: Mapped[str] = mapped_column(String(32), default="")
    buy_type: Mapped[BuyType] = mapped_column(choice(BuyType), default=BuyType.REPLENISHED)
    replaces_sku: Mapped[str | None] = mapped_column(String(64))
    regular_price: Mapped[Decimal | None] = mapped_column(MONEY)
    unit_cost: Mapped[Decimal | None] = mapped_column(MONEY)
    pack_size: Mapped[int] = mapped_column(default=1)
    lead_time_days: Mapped[int | None]


class Price(Record):
    """A price of a sku from a day on, for the chain, a zone or a store (blank = all)."""

    __tablename__ = "prices"

    sku: Mapped[str] = mapped_column(ForeignKey("products.sku"), primary_key=True)
    effective_from: Mapped[date] = mapped_column(primary_key=True)
    kind: Mapped[PriceKind] = mapped_column(choice(PriceKind), primary_key=True, default=PriceKind.REGULAR)
    climate_zone: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    store_id: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    price: Mapped[Decimal] = mapped_column(MONEY)


class Ranging(Record):
    """That a store carries a style from a day to a day (open where blank)."""

    __tablename__ = "ranging"

    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"), primary_key=True)
    style_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    valid_from: Mapped[date] = mapped_column(primary_key=True, default=date.min)
    valid_to: Mapped[date | None]
    presentation_minimum: Mapped[int | None]


class ClimateNormal(Record):
    """Normal temperature in degrees Fahrenheit of a week of the year, for a zone or one store."""

    __tablename__ = "climate_normals"
    __table_args__ = (CheckConstraint("week BETWEEN 1 AND 52", name="week"),)

    climate_zone: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    store_id: Mapped[str] = mapped_column(String(64), primary_key=True, default="")
    week: Mapped[int] = mapped_column(primary_key=True)
    normal_temperature: Mapped[float]
