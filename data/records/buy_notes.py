"""Notes for the next buy: what neither the chain's stock nor an order in time could serve."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from sqlalchemy import Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.records.assortment import MONEY
from data.records.base import Record


class BuyNote(Record):
    """One need in one size and climate zone that a season could not serve (`forecaster.buy_notes`).

    A night looks ahead only, so a note keeps the figures of the night on which they were largest: what has
    passed since was missed, and is foretold no more.
    """

    __tablename__ = "buy_notes"
    __table_args__ = (
        UniqueConstraint("season_code", "need", "climate_zone"),
        Index(None, "category", "season_ends"),
    )

    note_id: Mapped[int] = mapped_column(primary_key=True)
    season_code: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(100))
    gender_age: Mapped[str] = mapped_column(String(64))
    price_band: Mapped[str] = mapped_column(String(64))
    need: Mapped[str] = mapped_column(String(300))
    size: Mapped[str] = mapped_column(String(32))
    climate_zone: Mapped[str] = mapped_column(String(64))
    stores: Mapped[int]
    units: Mapped[float]
    customers: Mapped[float]
    money: Mapped[Decimal] = mapped_column(MONEY)
    in_season_units: Mapped[float]
    after_units: Mapped[float]
    demand_units: Mapped[float]
    season_ends: Mapped[date | None]
    evidence: Mapped[str] = mapped_column(String(32))
    noted_on: Mapped[date]
