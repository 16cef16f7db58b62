"""What the season planner opens with, prepared by each night: the gap by week, and a sheet for each plan."""

from __future__ import annotations

from datetime import date
from typing import Any

from sqlalchemy import JSON, CheckConstraint, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.records.base import Record


class GapWeek(Record):
    """What a week asks of a category in a zone ('' = the chain), and how much of it finds nothing.

    `lost_units` are `before_units` (before the floor-set), `in_season_units` and `after_units` (after the
    exit) together; money is units at regular price. `on_floor` is the share of the stores' styles that the
    calendar has on the floor in that week, and `evidence` what most of its demand is told from.
    """

    __tablename__ = "gap_weeks"
    __table_args__ = (CheckConstraint("on_floor BETWEEN 0 AND 1", name="on_floor"),)

    business_date: Mapped[date] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(100), primary_key=True)
    climate_zone: Mapped[str] = mapped_column(String(64), primary_key=True)
    week: Mapped[date] = mapped_column(primary_key=True)
    demand_units: Mapped[float]
    demand_money: Mapped[float]
    lost_units: Mapped[float]
    lost_money: Mapped[float]
    before_units: Mapped[float]
    in_season_units: Mapped[float]
    after_units: Mapped[float]
    on_floor: Mapped[float]
    evidence: Mapped[str] = mapped_column(String(32))

    @property
    def off_season_units(self) -> float:
        """Units wanted while the calendar keeps the category off the floor."""
        return self.before_units + self.after_units

    @property
    def is_past(self) -> bool:
        """Whether the week was over when the night looked."""
        return (self.business_date - self.week).days >= 6  # noqa: PLR2004 - its last day


class PlanSheet(Record):
    """A category's season in a zone ('' = the chain) as one night saw it: today's plan and what could be.

    `details` holds plans and figures as `data.planning.preparing` writes them; `svg` the season chart and
    `table` its numbers.
    """

    __tablename__ = "plan_sheets"
    __table_args__ = (UniqueConstraint("business_date", "category", "climate_zone", "season_code"),)

    sheet_id: Mapped[int] = mapped_column(primary_key=True)
    business_date: Mapped[date]
    category: Mapped[str] = mapped_column(String(100))
    climate_zone: Mapped[str] = mapped_column(String(64))
    season_code: Mapped[str] = mapped_column(String(32))
    calendar_version: Mapped[int | None]
    floor_set: Mapped[date]
    exit: Mapped[date]
    stores: Mapped[int]
    styles: Mapped[int]
    details: Mapped[dict[str, Any]] = mapped_column(JSON)
    svg: Mapped[str] = mapped_column(Text)
    table: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
