"""A whole plan becomes a season's dates: floor-set, exit and the markdowns to come, for zones or the chain.

Who has the dates of today's plan gets those of the new one. Stores and styles inside with dates of their own
stand apart, as they did when the plan was weighed, and keep theirs unless they are to be set too. A markdown
that has begun stays, and no price goes up again.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlalchemy import select

from data.calendar_rows import (
    HALF_A_YEAR,
    Scope,
    Step,
    Window,
    cuts,
    ladder,
    meet,
    moving,
    own_ladder,
    percent_on,
    ruling,
    told,
    within,
    year_of,
)
from data.calendar_versions import locked_newest, save_version
from data.errors import InSeasonError
from data.records import OwnDates, Store, WindowStatus

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from data.calendar_rows import Calendar, Ladder
    from data.records import CalendarVersion
    from forecaster.plans import Plan


@dataclass(frozen=True)
class PlanChange:
    """A plan for one season of a category.

    `zones` are climate zones, none of them meaning the chain; `today` the plan in force in each ('' is the
    chain), from which `plan` departs.
    """

    category: str
    season_code: str
    zones: tuple[str, ...]
    plan: Plan
    today: Mapping[str, Plan]
    own_dates: OwnDates = OwnDates.KEEP

    @property
    def targets(self) -> list[tuple[Scope, Plan]]:
        """For whom the plan is, each with today's."""
        return [(Scope(climate_zone=zone), self.today[zone]) for zone in self.zones or ("",)]

    @property
    def middle(self) -> date:
        """A day in the season that is meant, for season codes that return every year."""
        window = next(iter(self.today.values()))
        return window.floor_set + (window.exit - window.floor_set) / 2


@dataclass(frozen=True)
class _Wanted:
    """What is to hold in a scope: its dates, its markdowns as plans read them, and as prices do."""

    follows: bool
    floor_set: date
    exit: date
    own: Ladder
    all: Ladder


def set_plan(
    session: Session,
    change: PlanChange,
    *,
    author: str,
    reason: str,
    now: datetime,
    today: date,
    based_on: int | None = None,
) -> CalendarVersion:
    """Make the version of the calendar in which a season has a plan's dates; the old version stays as it is.

    Args:
        session: a session that writes; the version is flushed, not committed.
        change: the plan, and for whom.
        author: who sets it.
        reason: why.
        now: the instant to write down.
        today: the day on the chain's calendar.
        based_on: the version that must be the newest still; any if None.

    Raises:
        ConflictError: when somebody else has changed the calendar meanwhile.
        InSeasonError: when a day is past, a zone or the season does not exist, or nothing would change.
    """
    before = locked_newest(session, based_on)
    _check(session, before, change, today)
    return save_version(session, planned(before, change, today), author=author, reason=reason, now=now)


def planned(calendar: Calendar, change: PlanChange, today: date) -> Calendar:
    """The calendar as a plan makes it; see `set_plan`.

    Raises:
        InSeasonError: when nothing would change.
    """
    other_windows, windows = _season_windows(calendar, change)
    other_steps, steps = _season_steps(calendar, change)
    rows = _Rows(windows, steps, calendar.zones)
    for target, plan in change.targets:
        rows = rows.with_plan(target, plan, change, today)
    after = replace(calendar, windows=(*other_windows, *rows.windows), steps=(*other_steps, *rows.steps))
    if set(after.windows) == set(calendar.windows) and set(after.steps) == set(calendar.steps):
        raise InSeasonError(
            "The calendar has these dates already, or nobody there has the dates of today's plan."
        )
    return after


@dataclass(frozen=True)
class _Rows:
    """The rows of the season that is meant."""

    windows: Sequence[Window]
    steps: Sequence[Step]
    zones: Mapping[str, str]

    def with_plan(self, target: Scope, today_plan: Plan, change: PlanChange, today: date) -> _Rows:
        """The rows once the target has the plan, and everybody else what they had."""
        scopes = cuts(target, [*self.windows, *self.steps], self.zones)
        wanted = {
            scope: found
            for scope in scopes
            if (found := self._wanted(scope, today_plan, change, today)) is not None
        }
        return replace(
            self,
            windows=self._windows(target, scopes, wanted),
            steps=self._steps(target, scopes, wanted, change, today),
        )

    def _wanted(self, scope: Scope, today_plan: Plan, change: PlanChange, today: date) -> _Wanted | None:
        """What is to hold in a scope; None where the calendar says nothing of the whole of it."""
        ruled = ruling(self.windows, scope, self.zones)
        if ruled is None:
            return None
        own, every = own_ladder(self.steps, scope, self.zones), moving(ladder(self.steps, scope, self.zones))
        if not (change.own_dates is OwnDates.SET or _has_dates_of(today_plan, ruled, own)):
            return _Wanted(False, ruled.floor_set, ruled.exit, own, every)  # noqa: FBT003
        steps = _next_ladder(own, change.plan, today_plan.exit, today)
        return _Wanted(True, change.plan.floor_set, change.plan.exit, steps, steps)  # noqa: FBT003

    def _windows(
        self, target: Scope, scopes: Sequence[Scope], wanted: Mapping[Scope, _Wanted]
    ) -> list[Window]:
        after = [
            replace(row, floor_set=wish.floor_set, exit=wish.exit)
            if (wish := self._inside(row, target, wanted)) is not None
            else row
            for row in self.windows
        ]
        for scope in scopes:
            rules, ruled = (ruling(rows, scope, self.zones) for rows in (after, self.windows))
            if (wish := wanted.get(scope)) is None or rules is None or ruled is None:
                continue
            if (rules.floor_set, rules.exit) != (wish.floor_set, wish.exit):
                after.append(replace(ruled, scope=scope, floor_set=wish.floor_set, exit=wish.exit))
        return after

    def _steps(
        self,
        target: Scope,
        scopes: Sequence[Scope],
        wanted: Mapping[Scope, _Wanted],
        change: PlanChange,
        today: date,
    ) -> list[Step]:
        after = [row for row in self.steps if self._inside(row, target, wanted) is None]
        for scope in scopes:
            if (wish := wanted.get(scope)) is None:
                continue
            after += self._lacking(after, scope, wish, change)
            # Where the two readings differ already, that of plans and alerts is kept.
            if wish.own == wish.all and (spared := self._spared(after, scope, wish.all, change, today)):
                after += spared
                # Rows of its own hide those that it shared until now.
                after += self._lacking(after, scope, wish, change)
        return after

    def _lacking(self, rows: Sequence[Step], scope: Scope, wish: _Wanted, change: PlanChange) -> list[Step]:
        """Rows of its own that a scope needs to be read as wished."""
        if own_ladder(rows, scope, self.zones) == wish.own:
            return []
        there = {row.effective_from for row in rows if row.scope == scope}
        return [
            Step(change.category, change.season_code, scope, day, percent)
            for day, percent in wish.own
            if day not in there
        ]

    def _spared(
        self, rows: Sequence[Step], scope: Scope, wish: Ladder, change: PlanChange, today: date
    ) -> list[Step]:
        """Rows that keep a scope from the cuts of wider ones that it is not to have."""
        holding = ladder(rows, scope, self.zones)
        spared: list[Step] = []
        for day in sorted({day for day, _ in (*holding, *wish) if day > today}):
            if (percent := percent_on(wish, day)) != percent_on(holding, day):
                spared.append(Step(change.category, change.season_code, scope, day, percent))
                holding = ladder([*rows, *spared], scope, self.zones)
        return spared

    def _inside(self, row: Window | Step, target: Scope, wanted: Mapping[Scope, _Wanted]) -> _Wanted | None:
        """What a row is to say that speaks for nobody outside the target, if it follows the plan."""
        if not within(row.scope, target, self.zones):
            return None
        scope = meet(row.scope, target, self.zones)
        wish = None if scope is None else wanted.get(scope)
        return wish if wish is not None and wish.follows else None


def _has_dates_of(plan: Plan, ruled: Window, own: Ladder) -> bool:
    """Whether a scope is one that today's plan speaks of."""
    cuts_on_floor = tuple(step for step in own if ruled.floor_set <= step[0] <= ruled.exit)
    return (ruled.floor_set, ruled.exit) == (plan.floor_set, plan.exit) and cuts_on_floor == tuple(
        (cut.day, cut.percent_off) for cut in plan.markdowns
    )


def _next_ladder(own: Ladder, plan: Plan, leaves: date, today: date) -> Ladder:
    """The markdowns that have begun, then those of the plan that are still to come and go further down.

    What is cut further once the season has left the floor, by today's plan on `leaves`, is cut as many days
    after its new exit.
    """
    steps = [step for step in own if step[0] <= today]
    cleared = [(day + (plan.exit - leaves), percent) for day, percent in own if day > leaves]
    for day, percent in [*((cut.day, cut.percent_off) for cut in plan.markdowns), *cleared]:
        if day > today and percent > (steps[-1][1] if steps else 0.0):
            steps.append((day, percent))
    return tuple(steps)


def _season_windows(calendar: Calendar, change: PlanChange) -> tuple[list[Window], list[Window]]:
    """The windows of other seasons, and those in force of the season that is meant."""
    same = [
        row
        for row in calendar.windows
        if (row.category, row.season_code, row.status)
        == (change.category, change.season_code, WindowStatus.CURRENT)
    ]
    meant = set(year_of(same, change.middle))
    return [row for row in calendar.windows if row not in meant], [row for row in same if row in meant]


def _season_steps(calendar: Calendar, change: PlanChange) -> tuple[list[Step], list[Step]]:
    """The markdown steps of other seasons, and those of the season that is meant."""

    def is_meant(row: Step) -> bool:
        same = (row.category, row.season_code) == (change.category, change.season_code)
        return same and abs(row.effective_from - change.middle) <= HALF_A_YEAR

    return [s for s in calendar.steps if not is_meant(s)], [s for s in calendar.steps if is_meant(s)]


def _check(session: Session, calendar: Calendar, change: PlanChange, today: date) -> None:
    """Refuse a plan whose days are past, and a zone or a season that is not there."""
    if change.plan.is_partial:
        raise InSeasonError(
            "The calendar cannot say that only some stores, sizes or rails stay; propose one date for all."
        )
    known = set(session.scalars(select(Store.climate_zone).distinct()))
    for zone in change.zones:
        if not zone or zone not in known:
            raise InSeasonError(f"No store lies in the climate zone {zone!r}.")
    if not _season_windows(calendar, change)[1]:
        raise InSeasonError(f"The calendar has no season {change.season_code!r} of {change.category}.")
    if change.plan.exit < today:
        raise InSeasonError(f"{told(change.plan.exit)} is past; choose an exit from today on.")
    for _, plan in change.targets:
        if change.plan.floor_set != plan.floor_set and change.plan.floor_set < today:
            raise InSeasonError(f"{told(change.plan.floor_set)} is past; choose a floor-set from today on.")
