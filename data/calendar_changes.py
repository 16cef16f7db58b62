"""A merchandiser moves a date: a new version of the calendar beside the old one, which stays as it is.

A row of the calendar speaks for whom it names, and the row that names most wins (`data.selling_windows`). So
a change for one store, one style or one zone moves the rows that lie wholly inside what is to change, and
adds a row wherever a row that speaks for others as well would go on ruling inside.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import pairwise, product
from typing import TYPE_CHECKING

from sqlalchemy import select

from data.calendar_rows import (
    HALF_A_YEAR,
    Calendar,
    Scope,
    Step,
    Window,
    cuts,
    difference,
    ladder,
    meet,
    percent_on,
    ruling,
    told,
    within,
    year_of,
)
from data.calendar_versions import calendar_of, locked_newest, newest_calendar, roll_back, save_version
from data.errors import InSeasonError
from data.records import CalendarVersion, Product, WindowStatus

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime, timedelta

    from sqlalchemy.orm import Session

    from data.calendar_rows import Ladder

__all__ = [
    "CalendarChange",
    "ChangeKind",
    "calendar_of",
    "change_calendar",
    "changed",
    "difference",
    "newest_calendar",
    "roll_back",
]


class ChangeKind(StrEnum):
    """What a merchandiser may move, by the names of the actions that ask for it."""

    EXTEND_EXIT = "extend_exit"
    BRING_FLOOR_SET_FORWARD = "bring_floor_set_forward"
    HOLD_MARKDOWN = "hold_markdown"


@dataclass(frozen=True)
class CalendarChange:
    """A date to be moved, and for whom: stores, else zones, else the chain; all styles unless some are named.

    `near` is a day in the season that is meant, for season codes that return every year; `based_on` the
    version that the person has seen, so that nobody changes what somebody else has just changed.
    """

    kind: ChangeKind
    category: str
    season_code: str
    to: date
    climate_zones: tuple[str, ...] = ()
    store_ids: tuple[str, ...] = ()
    style_ids: tuple[str, ...] = ()
    near: date | None = None
    based_on: int | None = None
    status: WindowStatus = WindowStatus.CURRENT

    @property
    def targets(self) -> list[Scope]:
        """The scopes that it speaks of."""
        places = [Scope(store_id=store) for store in self.store_ids]
        places = places or [Scope(climate_zone=zone) for zone in self.climate_zones] or [Scope()]
        return [place._replace(style_id=style) for place, style in product(places, self.style_ids or ("",))]


def change_calendar(
    session: Session, change: CalendarChange, *, author: str, reason: str, now: datetime, today: date
) -> CalendarVersion:
    """Make the version of the calendar in which a date is moved; the old version stays as it is.

    Args:
        session: a session that writes; the version is flushed, not committed.
        change: what to move, for whom, to which day.
        author: who moves it.
        reason: why.
        now: the instant to write down.
        today: the day on the chain's calendar.

    Raises:
        ConflictError: when somebody else has changed the calendar meanwhile.
        InSeasonError: when the day is past, the scope does not exist, or nothing would change.
    """
    before = locked_newest(session, change.based_on)
    _check(session, before, change, today)
    return save_version(session, changed(before, change, today), author=author, reason=reason, now=now)


def changed(calendar: Calendar, change: CalendarChange, today: date) -> Calendar:
    """The calendar as the change makes it; see `change_calendar`.

    Raises:
        InSeasonError: when nothing would change, or a price would go up again.
    """
    after = calendar
    for target in change.targets:
        move = _hold if change.kind is ChangeKind.HOLD_MARKDOWN else _move_windows
        after = move(after, change, target, today)
    if after == calendar:
        raise InSeasonError(_why_nothing(calendar, change, today))
    return after


def _move_windows(calendar: Calendar, change: CalendarChange, target: Scope, today: date) -> Calendar:
    """Move the exit or the floor-set of everything inside the target."""
    del today
    others, rows = _season_windows(calendar.windows, change)
    zones = calendar.zones
    moved = [_moved(row, change) if within(row.scope, target, zones) else row for row in rows]
    for scope in cuts(target, rows, zones):
        ruled = ruling(rows, scope, zones)
        rules = ruling(moved, scope, zones)
        wanted = None if ruled is None else _moved(ruled, change)
        if (
            wanted is None
            or rules is None
            or (wanted.floor_set, wanted.exit) == (rules.floor_set, rules.exit)
        ):
            continue
        moved.append(replace(wanted, scope=scope))
    return replace(calendar, windows=(*others, *moved))


def _hold(calendar: Calendar, change: CalendarChange, target: Scope, today: date) -> Calendar:
    """Put off every markdown inside the target that has not begun, all by as many days as the first."""
    others, rows = _season_steps(calendar.steps, change)
    zones = calendar.zones
    waiting = [
        row.effective_from
        for row in rows
        if row.effective_from > today and meet(row.scope, target, zones) is not None
    ]
    if not waiting or min(waiting) >= change.to:
        return calendar
    by = change.to - min(waiting)
    later = [
        replace(row, effective_from=row.effective_from + by)
        if row.effective_from > today and within(row.scope, target, zones)
        else row
        for row in rows
    ]
    for scope in cuts(target, rows, zones):
        wanted = _put_off(ladder(rows, scope, zones), by, today)
        _refuse_upward(wanted, today)
        days = sorted({day for day, _ in (*wanted, *ladder(later, scope, zones)) if day > today})
        for day in days:
            if (percent := percent_on(wanted, day)) != percent_on(ladder(later, scope, zones), day):
                later.append(Step(change.category, change.season_code, scope, day, percent))
    return replace(calendar, steps=(*others, *later))


def _put_off(steps: Ladder, by: timedelta, today: date) -> Ladder:
    return tuple((day + by if day > today else day, percent) for day, percent in steps)


def _refuse_upward(plan: Ladder, today: date) -> None:
    """A price that was cut for good never goes up again before the season is over."""
    steps = [(today, percent_on(plan, today)), *((day, off) for day, off in plan if day > today)]
    for (_, off), (day, next_off) in pairwise(steps):
        if next_off < off:
            raise InSeasonError(
                f"The plan would raise the price again on {told(day)}, from {off:g}% off to "
                f"{next_off:g}%; mend the markdown steps first."
            )


def _moved(row: Window, change: CalendarChange) -> Window:
    if change.kind is ChangeKind.EXTEND_EXIT:
        return replace(row, exit=max(row.exit, change.to))
    return replace(row, floor_set=min(row.floor_set, change.to))


def _season_windows(windows: Iterable[Window], change: CalendarChange) -> tuple[list[Window], list[Window]]:
    """The windows of other seasons, and those of the season that is meant."""
    same = [
        w
        for w in windows
        if (w.category, w.season_code, w.status) == (change.category, change.season_code, change.status)
    ]
    meant = set(year_of(same, change.near or change.to))
    return [w for w in windows if w not in meant], [w for w in same if w in meant]


def _season_steps(steps: Iterable[Step], change: CalendarChange) -> tuple[list[Step], list[Step]]:
    """The markdown steps of other seasons, and those of the season that is meant."""
    near = change.near or change.to

    def is_meant(step: Step) -> bool:
        same = (step.category, step.season_code) == (change.category, change.season_code)
        return same and abs(step.effective_from - near) <= HALF_A_YEAR

    every = list(steps)
    return [s for s in every if not is_meant(s)], [s for s in every if is_meant(s)]


def _check(session: Session, calendar: Calendar, change: CalendarChange, today: date) -> None:
    """Refuse a day that is past and a scope that is not there."""
    if change.to < today:
        raise InSeasonError(f"{told(change.to)} is past; choose a day from today on.")
    for zone in change.climate_zones:
        if zone not in calendar.zones.values():
            raise InSeasonError(f"No store lies in the climate zone {zone!r}.")
    for store in change.store_ids:
        if store not in calendar.zones:
            raise InSeasonError(f"There is no store {store!r}.")
    known = select(Product.style_id).where(
        Product.style_id.in_(change.style_ids), Product.category == change.category
    )
    if missing := sorted(set(change.style_ids) - set(session.scalars(known))):
        raise InSeasonError(f"There is no style {missing[0]!r} in {change.category}.")
    if not _season_windows(calendar.windows, change)[1]:
        raise InSeasonError(f"The calendar has no season {change.season_code!r} of {change.category}.")


def _why_nothing(calendar: Calendar, change: CalendarChange, today: date) -> str:
    """Why a change would leave everything as it is, as a sentence."""
    if change.kind is ChangeKind.HOLD_MARKDOWN:
        _, steps = _season_steps(calendar.steps, change)
        waiting = [s.effective_from for s in steps if s.effective_from > today]
        if not waiting:
            return "No markdown is still to come there, so there is none to hold."
        return f"The next markdown begins on {told(min(waiting))} already; choose a later day."
    _, rows = _season_windows(calendar.windows, change)
    inside = [row for target in change.targets if (row := ruling(rows, target, calendar.zones))]
    if not inside:
        return "The calendar has no window there, so there is none to move."
    if change.kind is ChangeKind.EXTEND_EXIT:
        until = told(max(row.exit for row in inside))
        return f"It stays on the floor until {until} already; choose a later day."
    begins = told(min(row.floor_set for row in inside))
    return f"It is on the floor from {begins} already; choose an earlier day."
