"""Alerts and their history: the entity keeps its own rules, and every change leaves a trace."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Never

from sqlalchemy import JSON, ForeignKey, Index, String, Text, event, exists, text
from sqlalchemy.orm import Mapped, aliased, mapped_column, relationship

from data.errors import InSeasonError, TransitionError
from data.records.alert_life import (
    ACKNOWLEDGED_FOR,
    FLAPPING_WITHIN,
    LIVE,
    REOPENS_WITHIN,
    UNDO_WITHIN,
    Condition,
    DismissReason,
    Happening,
    Life,
    Refused,
    Status,
    after,
    clears_needed,
    firings_needed,
    is_worse,
)
from data.records.assortment import MONEY
from data.records.base import Record, choice
from data.records.findings import Finding, Scope, Severity
from forecaster.codes import CALENDAR_CAUSES

if TYPE_CHECKING:
    from sqlalchemy import ColumnElement


class How(StrEnum):
    """The way by which a change came."""

    WEB = "web"
    MAIL = "mail"
    API = "api"
    NIGHT = "night"


_LIVE_SQL = text("status IN ('pending', 'open', 'acknowledged', 'snoozed')")
_DISMISSED_SQL = text("status = 'dismissed'")
# Of these nobody has been told, or not lately: what is found with less than the full measure opens none.
_SILENT: Final = (Status.PENDING, Status.RESOLVED)
_CLOSED: Final = (Status.RESOLVED, Status.DISMISSED, Status.EXPIRED)
# A zone's alert in one of these speaks for its stores; a dismissed one because somebody has decided for all.
_SPEAKS: Final = (Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED, Status.DISMISSED)
_UNDOABLE: Final = (Happening.ACKNOWLEDGE, Happening.SNOOZE, Happening.DISMISS)
# What this very night had resolved, on figures that were corrected since.
_NEW_CALENDAR: Final = "not found with the dates that its calendar has now"
_AFTER_ALL: Final = "found after all, on corrected figures"
# Of what sells all year no season ends, yet no dismissal is for ever.
_WITHOUT_SEASON: Final = timedelta(weeks=26)
_LONGEST_SNOOZE: Final = timedelta(days=366)
LONGEST_NOTE: Final = 500
_WORST: Final = ("money_lost", "units_lost", "alert_id")
_FILTERED: Final = ("category", "opened_on", "parent_id", "severity", "rule")


class Alert(Record):
    """A gap between the trade's calendar or stock and the customer's season, from its opening to its end."""

    __tablename__ = "alerts"
    __table_args__ = (
        Index(
            "uq_alerts_live_fingerprint",
            "fingerprint",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
        Index(None, "fingerprint"),
        # What a list is cut to comes before what it is sorted by, and then what its other filters look at:
        # an alert is a large row, so a thousand of them are counted by the index alone.
        Index("ix_alerts_worst", "status", *_WORST, *_FILTERED),
        Index("ix_alerts_worst_of_category", "status", "category", *_WORST, *_FILTERED[1:]),
        Index("ix_alerts_worst_of_store", "store_id", "status", *_WORST),
        Index("ix_alerts_worst_of_group", "parent_id", "status", *_WORST),
        # Programs read by number, newest first.
        Index(None, "status", "alert_id"),
        Index("ix_alerts_this_week", "status", "scope", "category", "store_id", "customers_this_week"),
        # Who called what wrong, counted by period without reading an alert.
        Index(
            "ix_alerts_dismissed",
            "closed_on",
            "dismissed_as",
            "category",
            "store_id",
            sqlite_where=_DISMISSED_SQL,
            postgresql_where=_DISMISSED_SQL,
        ),
    )

    alert_id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(300))
    rule: Mapped[str] = mapped_column(String(64))
    scope: Mapped[Scope] = mapped_column(choice(Scope))
    # The alert of the zone that gathers this store's, for whoever looks after all of them.
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.alert_id"))
    store_id: Mapped[str | None] = mapped_column(ForeignKey("stores.store_id"))
    climate_zone: Mapped[str] = mapped_column(String(64))
    style_id: Mapped[str] = mapped_column(String(64))
    season_code: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(100))
    condition: Mapped[Condition] = mapped_column(choice(Condition))
    status: Mapped[Status] = mapped_column(choice(Status))
    severity: Mapped[Severity] = mapped_column(choice(Severity))
    units_lost: Mapped[float]
    customers_lost: Mapped[float]
    # Those of them who come in the seven days after its night; nothing where that was not kept yet.
    customers_this_week: Mapped[float | None]
    recoverable_units: Mapped[float]
    reorderable_units: Mapped[float]
    next_buy_units: Mapped[float]
    money_lost: Mapped[Decimal] = mapped_column(MONEY)
    # Nothing where no unit cost is known.
    margin_lost: Mapped[Decimal | None] = mapped_column(MONEY)
    act_by: Mapped[date | None]
    demand_ends: Mapped[date | None]
    season_ends: Mapped[date | None]
    evidence: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Nothing for an alert that was last found before drivers were kept.
    drivers: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    first_fired_on: Mapped[date]
    evaluated_on: Mapped[date]
    fired_nights: Mapped[int]
    clear_nights: Mapped[int]
    # As they stood before the night of `evaluated_on`, which may look again; nothing where that is not known.
    fired_before: Mapped[int | None]
    clear_before: Mapped[int | None]
    # Business date and instant of the first opening; nothing while no second night has confirmed it.
    opened_on: Mapped[date | None]
    opened_at: Mapped[datetime | None]
    reopened_on: Mapped[date | None]
    closed_on: Mapped[date | None]
    closed_at: Mapped[datetime | None]
    # While it is acknowledged, snoozed or dismissed: until when, how bad it was, and why.
    acknowledged_until: Mapped[date | None]
    snoozed_until: Mapped[date | None]
    baseline_units: Mapped[float | None]
    dismissed_as: Mapped[DismissReason | None] = mapped_column(choice(DismissReason))
    version: Mapped[int] = mapped_column(default=1)
    events: Mapped[list[AlertEvent]] = relationship(
        cascade="save-update, merge", order_by="AlertEvent.event_id", lazy="raise"
    )

    # Compare-and-swap: a change by somebody who read an older version is refused by the database.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def found(cls, finding: Finding, *, business_date: date, now: datetime, enough: int | None = 1) -> Alert:
        """A new alert from a finding of that night: it opens when so many nights in a row have found it.

        Args:
            finding: what was found.
            business_date: the night.
            now: the instant to write into the history.
            enough: nights it needs; None when it may not open tonight however many there were.
        """
        alert = cls(
            fingerprint=finding.fingerprint,
            rule=finding.rule,
            scope=finding.scope,
            store_id=finding.store_id or None,
            climate_zone=finding.climate_zone,
            style_id=finding.style_id,
            season_code=finding.season_code,
            category=finding.category,
            condition=Condition.FIRING,
            status=Status.PENDING,
            first_fired_on=business_date,
            evaluated_on=business_date,
            fired_nights=0,
            clear_nights=0,
            fired_before=0,
            clear_before=0,
            events=[],
        )
        alert._take(finding)
        alert._happens(Happening.FIRES, now, reason="found", enough=enough, is_new=True)
        return alert

    @property
    def is_live(self) -> bool:
        """Whether it still concerns anybody."""
        return self.status in LIVE

    @property
    def life(self) -> Life:
        """Where it stands in its life."""
        return Life(self.status, self.condition, self.fired_nights, self.clear_nights)

    @property
    def winnable_units(self) -> float:
        """The units that somebody can still do something about."""
        return self.recoverable_units + self.reorderable_units

    @property
    def owner(self) -> str:
        """Who acknowledged it last; blank when nobody has. Needs its events loaded."""
        return next((e.who for e in reversed(self.events) if e.what is Happening.ACKNOWLEDGE and e.who), "")

    # What a night does.

    def fires(self, finding: Finding, *, business_date: date, now: datetime, may_open: bool = True) -> None:
        """The rule found it again that night: take the new figures, keep what people said.

        A night counts once, however often it is done, and its last word counts: what this very night resolved
        is open again when it finds it after all. One that was resolved before keeps its last figures until it
        is open again.

        Args:
            finding: what was found.
            business_date: the night.
            now: the instant to write into the history.
            may_open: whether the night has room for one more that opens.
        """
        if finding.weak and self.status in _SILENT:
            self.clears(business_date=business_date, now=now)
            return
        is_news = not self._is_as_of(business_date, Condition.FIRING)
        resolved_tonight = self.status is Status.RESOLVED and self.closed_on == business_date
        self._count_from_before(business_date)
        if self.status is not Status.RESOLVED:
            self._take(finding)
        enough = self.enough(finding, now) if may_open else None
        self._happens(Happening.FIRES, now, reason=self._why_it_fires(), enough=enough)
        if resolved_tonight and is_news:
            self._comes_back(finding, now, reason=_AFTER_ALL)
        elif self.status is Status.RESOLVED and enough is not None and self.fired_nights >= enough:
            self._comes_back(finding, now, reason="it is back")
        self._wakes(now)
        self._is_taken_on_too_long(now)

    def enough(self, finding: Finding, now: datetime) -> int:
        """Nights in a row that must find it before it opens, or opens again."""
        returns = sum(
            event.what is Happening.REOPEN
            and event.how == How.NIGHT
            and event.reason != _AFTER_ALL
            and now - event.at <= FLAPPING_WITHIN
            for event in self.events
        )
        return firings_needed(is_out_of_stock=finding.is_out_of_stock, reopenings=returns)

    def opens_next(self, finding: Finding, *, business_date: date, now: datetime) -> bool:
        """Whether people would be told of it if it fired that night."""
        if self.status not in _SILENT or finding.weak:
            return False
        fired, _ = self._nights_before(business_date)
        return fired + 1 >= self.enough(finding, now)

    def clears(self, *, business_date: date, now: datetime, replanned: bool = False) -> None:
        """The rule no longer finds it that night; when it has not for long enough, it is resolved.

        Args:
            business_date: the night's date.
            now: the instant to write into the history.
            replanned: whether people have changed the calendar of its season since the night before.
        """
        self._count_from_before(business_date)
        nights = self.clear_nights + 1
        reason = "not found" if nights == 1 else f"not found {nights} nights in a row"
        by_plan = replanned and self.rule in CALENDAR_CAUSES
        self._happens(
            Happening.CLEARS,
            now,
            reason=_NEW_CALENDAR if by_plan else reason,
            enough=clears_needed(is_replanned=by_plan),
        )

    def season_is_over(self, business_date: date) -> bool:
        """Whether nothing can be won any more."""
        return self.season_ends is not None and self.season_ends < business_date

    def expires(self, *, business_date: date, now: datetime, reason: str = "its season is over") -> None:
        """Its season is over, or its store: nothing was mended, and nothing can be."""
        self.evaluated_on = business_date
        if self.condition is Condition.UNKNOWN:
            self._happens(Happening.CLEARS, now, reason="the figures came in", enough=None)
        self._happens(Happening.SEASON_ENDS, now, reason=reason)

    def becomes_unknown(self, *, now: datetime, reason: str) -> None:
        """What it rests on is missing or late: freeze it as it is, with the figures of its last night."""
        if self.condition is not Condition.UNKNOWN:
            self._happens(Happening.BECOMES_UNKNOWN, now, reason=reason)

    def concerns(self, finding: Finding, business_date: date) -> bool:
        """Whether a finding of its fingerprint is about this alert, rather than the first of a new one."""
        return self.is_live or self.swallows(finding, business_date) or self.may_come_back(business_date)

    def may_come_back(self, business_date: date) -> bool:
        """Whether a finding of that night is this alert's own return; nothing returns that never opened."""
        if self.status is not Status.RESOLVED or self.opened_on is None or self.closed_on is None:
            return False
        # The nights that have found it since belong to the return, so that it cannot miss its own deadline.
        return business_date - self.closed_on <= REOPENS_WITHIN + timedelta(days=self.fired_nights)

    def swallows(self, finding: Finding, business_date: date) -> bool:
        """Whether somebody has said that such a finding is not to be heard of until the season's end.

        A season that ends stands with its year in the fingerprint, so what bears it is that very season, even
        when its last day has moved meanwhile.
        """
        if self.status is not Status.DISMISSED:
            return False
        return finding.last_day is not None or not self.season_is_over(business_date)

    # What people do.

    def acknowledge(self, by: str, now: datetime, *, how: str = How.WEB) -> None:
        """Somebody has taken it on, for as long as `ACKNOWLEDGED_FOR`.

        Raises:
            TransitionError: when it is already taken on or over.
        """
        if self.status is Status.ACKNOWLEDGED:
            raise TransitionError(f"This alert is already taken on by {self.owner}.")
        until = (now + ACKNOWLEDGED_FOR).date()
        self._happens(Happening.ACKNOWLEDGE, now, reason="taken on", who=by, how=how, until=until)
        self.acknowledged_until = until

    def snooze(self, by: str, now: datetime, until: date | None, *, how: str = How.WEB) -> None:
        """Somebody does not want to see it before a day, or, without one, before it gets worse.

        Either way it comes back as soon as it gets worse than it is now.

        Raises:
            TransitionError: when it is over.
            InSeasonError: when the day is not ahead.
        """
        if until is not None and until <= max(
            self.evaluated_on + timedelta(days=1), now.date() - timedelta(days=1)
        ):
            raise InSeasonError("Choose a day that is still to come.")
        if until is not None and until > self.evaluated_on + _LONGEST_SNOOZE:
            raise InSeasonError("Choose a day within a year.")
        reason = (
            "until it gets worse" if until is None else f"until {until.isoformat()}, or until it gets worse"
        )
        self._happens(Happening.SNOOZE, now, reason=f"put off {reason}", who=by, how=how, until=until)
        self.snoozed_until, self.baseline_units = until, self.units_lost

    def dismiss(
        self, by: str, now: datetime, reason: DismissReason, note: str = "", *, how: str = How.WEB
    ) -> None:
        """Somebody wants to hear no more of it this season, and says why.

        Raises:
            TransitionError: when it is over already.
            InSeasonError: when the reason needs a note, or the note is too long.
        """
        note = " ".join(note.split())
        if reason is DismissReason.OTHER and not note:
            raise InSeasonError("Say in a few words why, or choose one of the reasons.")
        if len(note) > LONGEST_NOTE:
            raise InSeasonError(f"A note has at most {LONGEST_NOTE} characters.")
        told = f"{reason}: {note}" if note else str(reason)
        self._happens(Happening.DISMISS, now, reason=told, who=by, how=how)
        self.dismissed_as = reason
        self.season_ends = self.season_ends or self.evaluated_on + _WITHOUT_SEASON

    def reopen(self, by: str, now: datetime, *, how: str = How.WEB) -> None:
        """Somebody puts it back among the open ones.

        Raises:
            TransitionError: when it is open, or came to its end by itself.
        """
        if self.status is Status.RESOLVED:
            raise TransitionError("This alert is resolved; it opens by itself when it is found again.")
        self._happens(Happening.REOPEN, now, reason="opened again", who=by, how=how)
        self.dismissed_as = None

    def can_undo(self, by: str, now: datetime) -> bool:
        """Whether the last change was this person's, a moment ago."""
        last = self.events[-1]
        return last.who == by and last.what in _UNDOABLE and now - last.at <= UNDO_WITHIN

    def undo(self, by: str, now: datetime, *, how: str = How.WEB) -> None:
        """Somebody takes back what they have just done.

        Raises:
            TransitionError: when the last change was not theirs, or is more than a minute ago.
        """
        if not self.can_undo(by, now):
            raise TransitionError(
                "Only your own last change can be taken back, and only within a minute of it."
            )
        last = self.events[-1]
        self._happens(Happening.UNDO, now, reason="taken back", who=by, how=how, back_to=last.from_status)
        if last.what is Happening.ACKNOWLEDGE:
            self.acknowledged_until = None
        elif last.what is Happening.SNOOZE:
            self.snoozed_until = self._put_off_until_before(last)
        else:
            self.dismissed_as = None

    def decided(self, name: str, by: str, now: datetime, *, how: str = How.WEB, note: str = "") -> None:
        """Somebody has decided what to do about it; who is at work on it keeps it so much longer.

        Args:
            name: what was decided, such as ``transfer_requested``.
            by: the person's e-mail.
            now: the instant.
            how: by which way.
            note: what is worth remembering about it.
        """
        self._happens(Happening.DECIDE, now, reason=f"{name}: {note}" if note else name, who=by, how=how)
        if self.status is Status.ACKNOWLEDGED:
            self.acknowledged_until = (now + ACKNOWLEDGED_FOR).date()

    # How a change is made.

    def _take(self, finding: Finding) -> None:
        self.severity = finding.severity
        self.units_lost = finding.units_lost
        self.customers_lost = finding.customers_lost
        self.customers_this_week = finding.customers_this_week
        self.recoverable_units = finding.recoverable_units
        self.reorderable_units = finding.reorderable_units
        self.next_buy_units = finding.next_buy_units
        self.money_lost, self.margin_lost = finding.money_lost, finding.margin_lost
        self.act_by, self.demand_ends = finding.act_by, finding.demand_ends
        self.season_ends = finding.last_day
        self.evidence = finding.evidence
        self.details, self.drivers = dict(finding.details), dict(finding.drivers)

    def _nights_before(self, business_date: date) -> tuple[int, int]:
        """Nights in a row that had fired or cleared before that night, which may look for the second time."""
        if self.evaluated_on != business_date:
            return self.fired_nights, self.clear_nights
        if self.fired_before is None or self.clear_before is None:
            return max(self.fired_nights - 1, 0), max(self.clear_nights - 1, 0)
        return self.fired_before, self.clear_before

    def _count_from_before(self, business_date: date) -> None:
        """Take back what that night has counted, so that its last word is counted alone."""
        fired, clear = self._nights_before(business_date)
        self.fired_before, self.clear_before = fired, clear
        self.fired_nights, self.clear_nights = fired, clear
        self.evaluated_on = business_date

    def _is_as_of(self, business_date: date, condition: Condition) -> bool:
        """Whether that night has already seen it so."""
        return self.condition is condition and self.evaluated_on == business_date

    def _why_it_fires(self) -> str:
        if self.status in _SILENT:
            return f"found {self.fired_nights + 1} nights in a row" if self.fired_nights else "found"
        return "firing again"

    def _comes_back(self, finding: Finding, now: datetime, *, reason: str) -> None:
        """It is open again, unless it was put off when it was resolved and still would be."""
        ended = next(e for e in reversed(self.events) if e.from_status is not e.to_status)
        if ended.from_status is Status.SNOOZED and not self._has_slept_enough(finding.units_lost):
            return
        self._take(finding)
        self._happens(Happening.REOPEN, now, reason=reason)
        self.reopened_on = self.evaluated_on

    def _wakes(self, now: datetime) -> None:
        if self.status is Status.SNOOZED and (why := self._has_slept_enough(self.units_lost)):
            self._happens(Happening.WAKE, now, reason=why)

    def _has_slept_enough(self, units: float) -> str:
        """Why it should be seen again: it got worse, or its day comes in the morning after; else blank."""
        baseline = self.baseline_units or 0.0
        if is_worse(units, baseline):
            return f"it got worse: {units:,.0f} units, {baseline:,.0f} when it was put off"
        morning = self.evaluated_on + timedelta(days=1)
        return "the day has come" if self.snoozed_until is not None and self.snoozed_until <= morning else ""

    def _is_taken_on_too_long(self, now: datetime) -> None:
        until = self.acknowledged_until
        if self.status is Status.ACKNOWLEDGED and until is not None and until <= self.evaluated_on:
            self._happens(Happening.ACK_EXPIRES, now, reason="its time is up, and it is still so")

    def _put_off_until_before(self, last: AlertEvent) -> date | None:
        """The day it was put off to before the last time, if it was."""
        earlier = [e for e in self.events if e.what is Happening.SNOOZE and e is not last]
        return earlier[-1].until if earlier and last.from_status is Status.SNOOZED else None

    def _happens(
        self,
        what: Happening,
        now: datetime,
        *,
        reason: str,
        who: str = "",
        how: str = How.NIGHT,
        enough: int | None = 1,
        until: date | None = None,
        back_to: Status | None = None,
        is_new: bool = False,
    ) -> None:
        """Change as the table says, and write it down where anything changed or somebody did it."""
        before = self.life
        life = after(before, what, enough=enough, back_to=back_to)
        if isinstance(life, Refused):
            raise TransitionError(life.sentence)
        self.status, self.condition = life.status, life.condition
        self.fired_nights, self.clear_nights = life.fired_nights, life.clear_nights
        self._date(before.status, now)
        same = (life.status, life.condition) == (before.status, before.condition)
        if is_new or who or what is Happening.DECIDE or not same:
            self.events.append(
                AlertEvent(
                    at=now,
                    who=who,
                    how=how,
                    what=what,
                    from_status=None if is_new else before.status,
                    to_status=life.status,
                    from_condition=None if is_new else before.condition,
                    to_condition=life.condition,
                    reason=reason,
                    until=until,
                )
            )

    def _date(self, before: Status, now: datetime) -> None:
        """Keep the days of its first opening and of its end."""
        if self.opened_on is None and self.status in _SPEAKS:
            self.opened_on, self.opened_at = self.evaluated_on, now
        if self.status in _CLOSED and before not in _CLOSED:
            self.closed_on, self.closed_at = self.evaluated_on, now
        if self.status not in _CLOSED:
            self.closed_on = self.closed_at = None


class AlertEvent(Record):
    """One change of an alert: who, how, from, to and why. Rows are only ever added."""

    __tablename__ = "alert_events"
    __table_args__ = (Index(None, "alert_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(254), default="")
    how: Mapped[str] = mapped_column(String(16))
    what: Mapped[Happening] = mapped_column(choice(Happening))
    from_status: Mapped[Status | None] = mapped_column(choice(Status))
    to_status: Mapped[Status] = mapped_column(choice(Status))
    from_condition: Mapped[Condition | None] = mapped_column(choice(Condition))
    to_condition: Mapped[Condition] = mapped_column(choice(Condition))
    reason: Mapped[str] = mapped_column(Text, default="")
    # Of what lasts for a time: its last day.
    until: Mapped[date | None]


class AlertChart(Record):
    """The drawing of an alert, made by the night so that a page only has to hand it out."""

    __tablename__ = "alert_charts"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    business_date: Mapped[date]
    svg: Mapped[str] = mapped_column(Text)
    table: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)


def ungrouped() -> ColumnElement[bool]:
    """Alerts that no zone's alert speaks for: whoever looks after all stores is shown only these."""
    group = aliased(Alert)
    # That only a zone's alert gathers others need not be said, but tells the database that there are few.
    return ~exists().where(
        group.alert_id == Alert.parent_id, group.scope == Scope.ZONE, group.status.in_(_SPEAKS)
    )


@event.listens_for(AlertEvent, "before_update")
@event.listens_for(AlertEvent, "before_delete")
def _history_only_grows(*_: object) -> Never:
    raise InSeasonError("The history of an alert is never rewritten; add to it.")
