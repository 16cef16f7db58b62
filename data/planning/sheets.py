"""What the newest night has prepared for the planner, as pages read it: quickly, and of one night only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import ScalarSelect, select
from sqlalchemy.orm import aliased, defer

from data.records import GapWeek, PlanSheet, Run, RunKind, RunState

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from sqlalchemy.orm import Session

CHAIN = ""
"""The zone under which the whole chain is told."""


class GapRow(NamedTuple):
    """A row of `GapWeek` as it is read: a map has thousands of them, which no session has to look after."""

    business_date: date
    category: str
    climate_zone: str
    week: date
    demand_units: float
    demand_money: float
    lost_units: float
    lost_money: float
    before_units: float
    in_season_units: float
    after_units: float
    on_floor: float
    evidence: str

    @property
    def is_past(self) -> bool:
        """Whether the week was over when the night looked."""
        return (self.business_date - self.week).days >= 6  # noqa: PLR2004 - its last day


@dataclass(frozen=True)
class GapMap:
    """The gap by week; `business_date` of the night that told it, None while none has."""

    business_date: date | None
    rows: tuple[GapRow, ...]

    @property
    def weeks(self) -> tuple[date, ...]:
        """First days of the weeks that any row tells of."""
        return tuple(sorted({row.week for row in self.rows}))


def newest_told(table: type[GapWeek | PlanSheet]) -> ScalarSelect[date | None]:
    """The newest night that succeeded and left rows in a table."""
    there = aliased(table)
    told = select(there.business_date).where(there.business_date == Run.business_date).exists()
    return (
        select(Run.business_date)
        .where(Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED, told)
        .order_by(Run.business_date.desc())
        .limit(1)
        .scalar_subquery()
    )


def read_gap_map(
    session: Session,
    *,
    categories: Collection[str] | None = None,
    climate_zone: str | None = None,
    category: str | None = None,
) -> GapMap:
    """The gap by category, zone and week; one statement.

    Args:
        session: a session for reading.
        categories: those that the reader may see; all if None.
        climate_zone: of this zone only; '' is the chain.
        category: of this category only.
    """
    rows = select(*(getattr(GapWeek, name) for name in GapRow._fields)).where(
        GapWeek.business_date == newest_told(GapWeek)
    )
    if categories is not None:
        rows = rows.where(GapWeek.category.in_(categories))
    if climate_zone is not None:
        rows = rows.where(GapWeek.climate_zone == climate_zone)
    if category is not None:
        rows = rows.where(GapWeek.category == category)
    ordered = rows.order_by(GapWeek.category, GapWeek.climate_zone, GapWeek.week)
    found = tuple(GapRow._make(row) for row in session.execute(ordered))
    return GapMap(found[0].business_date if found else None, found)


def categories_of(session: Session) -> tuple[str, ...]:
    """The categories of the gap map; one statement."""
    rows = select(GapWeek.category).where(GapWeek.business_date == newest_told(GapWeek)).distinct()
    return tuple(session.scalars(rows.order_by(GapWeek.category)))


def zones_of(session: Session, category: str | None = None) -> tuple[str, ...]:
    """The climate zones of the gap map, or of one of its categories, without the chain; one statement."""
    rows = select(GapWeek.climate_zone).where(
        GapWeek.business_date == newest_told(GapWeek), GapWeek.climate_zone != CHAIN
    )
    if category is not None:
        rows = rows.where(GapWeek.category == category)
    return tuple(session.scalars(rows.distinct().order_by(GapWeek.climate_zone)))


def read_sheet(
    session: Session, category: str, climate_zone: str = CHAIN, season_code: str | None = None
) -> PlanSheet | None:
    """The sheet of a category in a zone ('' = the chain); of several seasons the one that ends first."""
    rows = select(PlanSheet).where(
        PlanSheet.business_date == newest_told(PlanSheet),
        PlanSheet.category == category,
        PlanSheet.climate_zone == climate_zone,
    )
    if season_code:
        rows = rows.where(PlanSheet.season_code == season_code)
    return session.scalar(rows.order_by(PlanSheet.exit, PlanSheet.sheet_id).limit(1))


def sheets_of(session: Session, *, categories: Collection[str] | None = None) -> list[PlanSheet]:
    """The sheets there are, without their details, drawings and tables; one statement."""
    rows = (
        select(PlanSheet)
        .where(PlanSheet.business_date == newest_told(PlanSheet))
        .options(*(defer(column) for column in (PlanSheet.details, PlanSheet.svg, PlanSheet.table)))
    )
    if categories is not None:
        rows = rows.where(PlanSheet.category.in_(categories))
    ordered = rows.order_by(PlanSheet.category, PlanSheet.climate_zone, PlanSheet.exit)
    return list(session.scalars(ordered))
