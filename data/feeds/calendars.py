"""The trade's calendar from files: a new version whenever a file changes it, none when it does not."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select

from data.calendar_versions import note_touches
from data.feeds.keyed import record_rows
from data.feeds.reports import Changes
from data.records import CalendarVersion, MarkdownStep, SellingWindow

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    import pandas as pd
    from sqlalchemy.orm import Session

    from data.database import Database
    from data.feeds.columns import FeedSpec

    Row = dict[str, Any]

_IDS = ("window_id", "step_id", "version_id")


@dataclass(frozen=True)
class CalendarPlan:
    """The windows and markdown steps of the version to be made, and how they differ from the newest."""

    windows: list[Row]
    steps: list[Row]
    changes: Changes

    @property
    def is_new(self) -> bool:
        """Whether a new version is needed at all."""
        return bool(self.changes.created or self.changes.removed)


def plan_calendar(database: Database, spec: FeedSpec, good: pd.DataFrame) -> CalendarPlan:
    """Take the newest version and put a file's rows in the place of those of the seasons it covers.

    A file of windows replaces windows and leaves the markdown steps, and the other way round.
    """
    with database.read() as session:
        newest = session.scalar(select(func.max(CalendarVersion.version_id)))
        windows = _rows(session, SellingWindow, newest)
        steps = _rows(session, MarkdownStep, newest)
    before = windows if spec.kind == "calendar" else steps
    told = record_rows(spec, good)
    covered = {tuple(row[name] for name in spec.covers) for row in told}
    after = [row for row in before if tuple(row[name] for name in spec.covers) not in covered] + told
    changes = _difference(before, after)
    if spec.kind == "calendar":
        return CalendarPlan(after, steps, changes)
    return CalendarPlan(windows, after, changes)


def save_calendar(session: Session, plan: CalendarPlan, *, author: str, reason: str, now: datetime) -> None:
    """Add the version to a session, if anything differs."""
    if not plan.is_new:
        return
    version = CalendarVersion(created_at=now, author=author, reason=reason)
    session.add(version)
    session.flush()
    for record, rows in ((SellingWindow, plan.windows), (MarkdownStep, plan.steps)):
        if rows:
            session.execute(insert(record), [row | {"version_id": version.version_id} for row in rows])
    note_touches(session, version.version_id)


def _rows(session: Session, record: type[SellingWindow | MarkdownStep], version_id: int | None) -> list[Row]:
    table = record.__table__
    columns = [column for column in table.columns if column.name not in _IDS]
    asked = select(*columns).where(table.columns["version_id"] == version_id)
    return [dict(row) for row in session.execute(asked).mappings()]


def _difference(before: Iterable[Row], after: Iterable[Row]) -> Changes:
    old, new = (Counter(tuple(sorted(row.items())) for row in rows) for rows in (before, after))
    return Changes(created=(new - old).total(), unchanged=(new & old).total(), removed=(old - new).total())
