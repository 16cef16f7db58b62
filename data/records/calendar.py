"""The trade's calendar: versions that never change, each with its selling windows and markdown steps."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.records.base import Record, choice

# Weights that put more named fields first, and among equals a style over a store over a zone.
SPECIFICITY: Final = {"climate_zone": 11, "store_id": 12, "style_id": 13}


class WindowStatus(StrEnum):
    """Whether a window is in force or only proposed."""

    CURRENT = "current"
    DRAFT = "draft"


class CalendarVersion(Record):
    """The whole calendar as somebody made it at one time; the newest is in force."""

    __tablename__ = "calendar_versions"

    version_id: Mapped[int] = mapped_column(primary_key=True)
    created_at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(200))
    reason: Mapped[str] = mapped_column(Text)
    windows: Mapped[list[SellingWindow]] = relationship(cascade="all, delete-orphan", lazy="raise")
    markdown_steps: Mapped[list[MarkdownStep]] = relationship(cascade="all, delete-orphan", lazy="raise")


class SellingWindow(Record):
    """From floor-set to exit, both days on the floor, for whom it names (blank = all)."""

    __tablename__ = "selling_windows"
    __table_args__ = (
        CheckConstraint("floor_set <= exit", name="order"),
        Index(None, "version_id", "category"),
    )

    window_id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.version_id"))
    category: Mapped[str] = mapped_column(String(100))
    season_code: Mapped[str] = mapped_column(String(32))
    floor_set: Mapped[date]
    exit: Mapped[date]
    status: Mapped[WindowStatus] = mapped_column(choice(WindowStatus), default=WindowStatus.CURRENT)
    climate_zone: Mapped[str] = mapped_column(String(64), default="")
    store_id: Mapped[str] = mapped_column(String(64), default="")
    style_id: Mapped[str] = mapped_column(String(64), default="")


class MarkdownStep(Record):
    """A planned permanent price cut from a day on, in percent of the regular price."""

    __tablename__ = "markdown_steps"
    __table_args__ = (
        CheckConstraint("percent_off >= 0 AND percent_off <= 100", name="percent"),
        Index(None, "version_id", "category"),
    )

    step_id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.version_id"))
    category: Mapped[str] = mapped_column(String(100))
    season_code: Mapped[str] = mapped_column(String(32))
    effective_from: Mapped[date]
    percent_off: Mapped[float]
    climate_zone: Mapped[str] = mapped_column(String(64), default="")
    store_id: Mapped[str] = mapped_column(String(64), default="")
    style_id: Mapped[str] = mapped_column(String(64), default="")


class CalendarTouch(Record):
    """That a version says something else of a season than the version before it."""

    __tablename__ = "calendar_touches"
    __table_args__ = (Index(None, "category", "season_code", "version_id"),)

    version_id: Mapped[int] = mapped_column(ForeignKey("calendar_versions.version_id"), primary_key=True)
    category: Mapped[str] = mapped_column(String(100), primary_key=True)
    season_code: Mapped[str] = mapped_column(String(32), primary_key=True)
