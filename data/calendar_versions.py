"""Versions of the calendar: read whole, saved beside the others, gone back to, and what each has touched."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import column, func, insert, literal, select, union_all

from data.calendar_rows import Calendar, Scope, Step, Window, difference
from data.errors import ConflictError, InSeasonError
from data.records.assortment import Store
from data.records.calendar import CalendarTouch, CalendarVersion, MarkdownStep, SellingWindow

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Row, Select
    from sqlalchemy.orm import Session

    from data.calendar_rows import Difference

MOST_NAMED: Final = 8
"""So many categories that a version has changed are named in a list."""


def newest_version_id(session: Session) -> int | None:
    """The version that is in force; None before the first."""
    return session.scalar(select(func.max(CalendarVersion.version_id)))


def version_before(session: Session, version_id: int) -> int | None:
    """The version that was in force before one; None for the first."""
    older = CalendarVersion.version_id < version_id
    return session.scalar(select(func.max(CalendarVersion.version_id)).where(older))


def newest_calendar(session: Session, categories: Collection[str] | None = None) -> Calendar:
    """The calendar in force, of all categories or of some.

    Raises:
        InSeasonError: when none has been loaded yet.
    """
    newest = newest_version_id(session)
    if newest is None:
        raise InSeasonError("No calendar has been loaded yet: import one first.")
    return calendar_of(session, newest, categories)


def calendar_of(session: Session, version_id: int, categories: Collection[str] | None = None) -> Calendar:
    """One version of the calendar, of all categories or of some; three statements."""
    windows, steps = _rows_of(SellingWindow, version_id), _rows_of(MarkdownStep, version_id)
    if categories is not None:
        own = sorted(categories)
        windows, steps = (query.where(column("category").in_(own)) for query in (windows, steps))
    zones = session.execute(select(Store.store_id, Store.climate_zone))
    return Calendar(
        version_id,
        tuple(
            Window(w.category, w.season_code, _scope(w), w.status, w.floor_set, w.exit)
            for w in session.execute(windows.order_by(SellingWindow.window_id))
        ),
        tuple(
            Step(s.category, s.season_code, _scope(s), s.effective_from, float(s.percent_off))
            for s in session.execute(steps.order_by(MarkdownStep.step_id))
        ),
        {row.store_id: row.climate_zone for row in zones},
    )


def roll_back(
    session: Session,
    to_version: int,
    *,
    author: str,
    reason: str,
    now: datetime,
    based_on: int | None = None,
    categories: Collection[str] | None = None,
) -> CalendarVersion:
    """Make a version that says again what an older one said; what lies between stays in the books.

    Args:
        session: a session that writes; the version is flushed, not committed.
        to_version: the older version.
        author: who goes back.
        reason: why.
        now: the instant to write down.
        based_on: the version that the person has seen.
        categories: only these go back, the others stay as they are; all of them if None.

    Raises:
        ConflictError: when the calendar in force is not `based_on` any more.
        InSeasonError: when there is no such version.
    """
    newest = locked_newest(session, based_on)
    if to_version >= newest.version_id or session.get(CalendarVersion, to_version) is None:
        raise InSeasonError(f"There is no older calendar {to_version} to go back to.")
    old = calendar_of(session, to_version)
    if categories is None:
        return save_version(session, old, author=author, reason=reason, now=now)
    after = with_categories(newest, old, categories)
    if not difference(newest, after):
        raise InSeasonError(
            f"Nothing would change: the calendar says what version {to_version} said already."
        )
    return save_version(session, after, author=author, reason=reason, now=now)


def with_categories(calendar: Calendar, other: Calendar, categories: Collection[str]) -> Calendar:
    """A calendar with what another one says of some categories."""
    return replace(
        calendar,
        windows=(
            *(row for row in calendar.windows if row.category not in categories),
            *(row for row in other.windows if row.category in categories),
        ),
        steps=(
            *(row for row in calendar.steps if row.category not in categories),
            *(row for row in other.steps if row.category in categories),
        ),
    )


def locked_newest(session: Session, based_on: int | None) -> Calendar:
    """The newest version, held against others who change the calendar at this moment.

    Raises:
        ConflictError: when it is not the one that somebody has seen, or another was made just now.
        InSeasonError: when there is none.
    """
    newest = newest_calendar(session)
    # Waits for whoever is changing it; then another one may be the newest.
    session.get_one(CalendarVersion, newest.version_id, with_for_update=True)
    now_newest = session.get_one(CalendarVersion, newest_version_id(session))
    if now_newest.version_id != (newest.version_id if based_on is None else based_on):
        raise ConflictError(
            f"{now_newest.author} has changed the calendar meanwhile ({now_newest.reason}); "
            "look at it again before you change it."
        )
    return newest


def save_version(
    session: Session, calendar: Calendar, *, author: str, reason: str, now: datetime
) -> CalendarVersion:
    """Make a version that says what a calendar says; flushed, not committed."""
    version = CalendarVersion(created_at=now, author=author, reason=reason)
    session.add(version)
    session.flush()
    for record, rows in ((SellingWindow, calendar.windows), (MarkdownStep, calendar.steps)):
        values = [_values(row) | {"version_id": version.version_id} for row in rows]
        if values:
            session.execute(insert(record), values)
    note_touches(session, version.version_id)
    return version


def note_touches(session: Session, version_id: int) -> None:
    """Write down of which seasons a new version has other rows than the one before it; one statement."""
    before = version_before(session, version_id)
    parts = []
    for record in (SellingWindow, MarkdownStep):
        now, then = _rows_of(record, version_id), _rows_of(record, before)
        for one, other in ((now, then), (then, now)):
            rows = one.except_(other).subquery()
            parts.append(select(rows.c.category, rows.c.season_code))
    changed = union_all(*parts).subquery()
    touched = select(literal(version_id), changed.c.category, changed.c.season_code).distinct()
    columns = ["version_id", "category", "season_code"]
    session.execute(insert(CalendarTouch).from_select(columns, touched))


def changed_since(
    session: Session, based_on: int, *, category: str, season_code: str, newest: int | None = None
) -> list[Difference]:
    """What the calendar in force says otherwise of a season than an older version did."""
    newest = newest_version_id(session) if newest is None else newest
    if newest is None or newest == based_on:
        return []
    then, now = (calendar_of(session, version, [category]) for version in (based_on, newest))
    return [row for row in difference(then, now) if row.season_code == season_code]


def differences(
    session: Session, before: int | None, after: int, categories: Collection[str] | None = None
) -> list[Difference]:
    """How two versions differ, of all categories or of some; before the first there was nothing."""
    now = calendar_of(session, after, categories)
    then = Calendar(0, (), (), now.zones) if before is None else calendar_of(session, before, categories)
    return difference(then, now)


@dataclass(frozen=True)
class Touched:
    """What versions changed of one category: one of its seasons, and how many."""

    category: str
    season_code: str
    seasons: int


@dataclass(frozen=True)
class Touches:
    """What a version changed: the first categories by name, and how many there are in all."""

    first: Sequence[Touched]
    categories: int


def touches(
    session: Session,
    versions: Collection[int],
    categories: Collection[str] | None = None,
    *,
    most: int = MOST_NAMED,
) -> Mapping[int, Touches]:
    """What each of some versions has changed, of all categories or of some; one statement."""
    rows = select(
        CalendarTouch.version_id,
        CalendarTouch.category,
        func.min(CalendarTouch.season_code).label("season_code"),
        func.count().label("seasons"),
        func.row_number()
        .over(partition_by=CalendarTouch.version_id, order_by=CalendarTouch.category)
        .label("place"),
        func.count().over(partition_by=CalendarTouch.version_id).label("categories"),
    ).where(CalendarTouch.version_id.in_(sorted(versions)))
    if categories is not None:
        rows = rows.where(CalendarTouch.category.in_(sorted(categories)))
    told = rows.group_by(CalendarTouch.version_id, CalendarTouch.category).subquery()
    found: dict[int, list[Row[Any]]] = {version: [] for version in versions}
    for row in session.execute(
        select(told).where(told.c.place <= most).order_by(told.c.version_id, told.c.place)
    ):
        found[row.version_id].append(row)
    return {
        version: Touches(
            [Touched(row.category, row.season_code, row.seasons) for row in of_version],
            of_version[0].categories if of_version else 0,
        )
        for version, of_version in found.items()
    }


def categories_touched(session: Session, *, since: int | None = None, by: int | None = None) -> list[str]:
    """The categories that one version has changed, or all versions since one; by name, one statement."""
    rows = select(CalendarTouch.category).distinct().order_by(CalendarTouch.category)
    if by is not None:
        rows = rows.where(CalendarTouch.version_id == by)
    if since is not None:
        rows = rows.where(CalendarTouch.version_id > since)
    return list(session.scalars(rows))


def _rows_of(record: type[SellingWindow | MarkdownStep], version_id: int | None) -> Select[Any]:
    """The rows of a version without its number, categories and seasons first."""
    own = {"window_id", "step_id", "version_id"}
    columns = [column for column in record.__table__.columns if column.name not in own]
    return select(*columns).where(record.__table__.columns["version_id"] == (version_id or 0))


def _values(row: Window | Step) -> dict[str, Any]:
    values = asdict(row)
    values.pop("scope")
    return values | row.scope._asdict()


def _scope(row: Row[Any]) -> Scope:
    return Scope(row.climate_zone, row.store_id, row.style_id)
