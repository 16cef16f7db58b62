"""Alerts and their history: the entity keeps its own rules, and every change leaves a trace."""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003  # a dataclass is read at run time
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import TransitionError
from data.records.assortment import MONEY
from data.records.base import Record, choice
from forecaster.codes import STOCKOUT_IN_SEASON


class Condition(StrEnum):
    """What the machine sees."""

    FIRING = "firing"
    CLEAR = "clear"
    UNKNOWN = "unknown"


class Status(StrEnum):
    """What people have made of it."""

    PENDING = "pending"
    OPEN = "open"
    ACKNOWLEDGED = "acknowledged"
    SNOOZED = "snoozed"
    RESOLVED = "resolved"
    DISMISSED = "dismissed"
    EXPIRED = "expired"


class Severity(StrEnum):
    """How much is at stake, by the rule's own measure."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


LIVE = (Status.PENDING, Status.OPEN, Status.ACKNOWLEDGED, Status.SNOOZED)
_LIVE_SQL = text("status IN ('pending', 'open', 'acknowledged', 'snoozed')")


@dataclass(frozen=True)
class Finding:
    """What a rule found in one night about one style in one store and season.

    Units are pieces, money is at regular price, dates are business dates. `details` holds what the page
    shows beside the sentence (sizes, stock) as plain JSON values; `drivers` what its demand is made of and
    who has seen such weeks (see `jobs.drivers`), or nothing.
    """

    rule: str
    store_id: str
    style_id: str
    season_code: str
    category: str
    severity: Severity
    units_lost: float
    recoverable_units: float
    money_lost: Decimal
    act_by: date | None
    demand_ends: date | None
    evidence: str
    details: Mapping[str, Any] = field(default_factory=dict)
    drivers: Mapping[str, Any] = field(default_factory=dict)

    @property
    def fingerprint(self) -> str:
        """Identity only: what it is about, never how bad it is or which model found it."""
        return f"{self.rule}|{self.store_id}|{self.style_id}|{self.season_code}"


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
        Index(None, "store_id", "status"),
        Index(None, "status", "money_lost"),
        Index(None, "status", "category", "money_lost"),
    )

    alert_id: Mapped[int] = mapped_column(primary_key=True)
    fingerprint: Mapped[str] = mapped_column(String(300))
    rule: Mapped[str] = mapped_column(String(64))
    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"))
    style_id: Mapped[str] = mapped_column(String(64))
    season_code: Mapped[str] = mapped_column(String(64))
    category: Mapped[str] = mapped_column(String(100))
    condition: Mapped[Condition] = mapped_column(choice(Condition))
    status: Mapped[Status] = mapped_column(choice(Status))
    severity: Mapped[Severity] = mapped_column(choice(Severity))
    units_lost: Mapped[float]
    recoverable_units: Mapped[float]
    money_lost: Mapped[Decimal] = mapped_column(MONEY)
    act_by: Mapped[date | None]
    demand_ends: Mapped[date | None]
    evidence: Mapped[str] = mapped_column(String(32))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    # Nothing for an alert that was last found before drivers were kept.
    drivers: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    first_fired_on: Mapped[date]
    evaluated_on: Mapped[date]
    opened_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column(default=1)
    events: Mapped[list[AlertEvent]] = relationship(
        cascade="all, delete-orphan", order_by="AlertEvent.event_id", lazy="raise"
    )

    # Compare-and-swap: a change by somebody who read an older version is refused by the database.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def opened(cls, finding: Finding, *, business_date: date, now: datetime) -> Alert:
        """A new alert from a finding of that night."""
        alert = cls(
            fingerprint=finding.fingerprint,
            rule=finding.rule,
            store_id=finding.store_id,
            style_id=finding.style_id,
            season_code=finding.season_code,
            category=finding.category,
            condition=Condition.FIRING,
            status=Status.OPEN,
            first_fired_on=business_date,
            opened_at=now,
            events=[],
        )
        alert._take(finding, business_date)
        alert._record(now, who="", how="night", before=(None, None), reason="opened")
        return alert

    @property
    def is_live(self) -> bool:
        """Whether it still concerns anybody."""
        return self.status in LIVE

    def fires_again(self, finding: Finding, *, business_date: date, now: datetime) -> None:
        """The rule found it again that night: take the new figures, keep what people said."""
        before = (self.status, self.condition)
        self._take(finding, business_date)
        self.condition = Condition.FIRING
        if before[1] is not Condition.FIRING:
            self._record(now, who="", how="night", before=before, reason="firing again")

    def clears(self, *, business_date: date, now: datetime) -> None:
        """The rule no longer finds it that night: it is resolved."""
        before = (self.status, self.condition)
        self.condition, self.status = Condition.CLEAR, Status.RESOLVED
        self.evaluated_on, self.closed_at = business_date, now
        self._record(now, who="", how="night", before=before, reason="no longer found")

    def season_is_over(self, business_date: date) -> bool:
        """Whether nothing can be won any more: demand has ended, or what ran out has left the floor."""
        ends = [self.demand_ends]
        if self.rule == STOCKOUT_IN_SEASON and (leaves := self.details.get("exit")):
            ends.append(date.fromisoformat(leaves))
        return any(end is not None and end < business_date for end in ends)

    def expires(self, *, business_date: date, now: datetime) -> None:
        """Its season is over: nothing was mended, and nothing can be."""
        before = (self.status, self.condition)
        self.condition, self.status = Condition.CLEAR, Status.EXPIRED
        self.evaluated_on, self.closed_at = business_date, now
        self._record(now, who="", how="night", before=before, reason="its season is over")

    def becomes_unknown(self, *, business_date: date, now: datetime, reason: str) -> None:
        """What it rests on is missing or late: freeze it as it is."""
        if self.condition is Condition.UNKNOWN:
            return
        before = (self.status, self.condition)
        self.condition, self.evaluated_on = Condition.UNKNOWN, business_date
        self._record(now, who="", how="night", before=before, reason=reason)

    def acknowledge(self, by: str, now: datetime, *, how: str = "web") -> None:
        """Somebody has taken it on.

        Raises:
            TransitionError: when it is already taken on or over.
        """
        if self.status is Status.ACKNOWLEDGED:
            raise TransitionError(f"This alert is already taken on by {self.owner}.")
        if self.status not in (Status.PENDING, Status.OPEN):
            raise TransitionError(f"This alert is {self.status}; only an open alert can be acknowledged.")
        before = (self.status, self.condition)
        self.status = Status.ACKNOWLEDGED
        self._record(now, who=by, how=how, before=before, reason="acknowledged")

    @property
    def owner(self) -> str:
        """Who acknowledged it last; blank when nobody has. Needs its events loaded."""
        return next(
            (e.who for e in reversed(self.events) if e.to_status is Status.ACKNOWLEDGED and e.who), ""
        )

    def _take(self, finding: Finding, business_date: date) -> None:
        self.severity = finding.severity
        self.units_lost = finding.units_lost
        self.recoverable_units = finding.recoverable_units
        self.money_lost = finding.money_lost
        self.act_by = finding.act_by
        self.demand_ends = finding.demand_ends
        self.evidence = finding.evidence
        self.details, self.drivers = dict(finding.details), dict(finding.drivers)
        self.evaluated_on = business_date

    def _record(
        self,
        now: datetime,
        *,
        who: str,
        how: str,
        before: tuple[Status | None, Condition | None],
        reason: str,
    ) -> None:
        self.events.append(
            AlertEvent(
                at=now,
                who=who,
                how=how,
                from_status=before[0],
                to_status=self.status,
                from_condition=before[1],
                to_condition=self.condition,
                reason=reason,
            )
        )


class AlertEvent(Record):
    """One change of an alert: who, how, from, to and why. Rows are only ever added."""

    __tablename__ = "alert_events"
    __table_args__ = (Index(None, "alert_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(254), default="")
    how: Mapped[str] = mapped_column(String(16))
    from_status: Mapped[Status | None] = mapped_column(choice(Status))
    to_status: Mapped[Status] = mapped_column(choice(Status))
    from_condition: Mapped[Condition | None] = mapped_column(choice(Condition))
    to_condition: Mapped[Condition] = mapped_column(choice(Condition))
    reason: Mapped[str] = mapped_column(Text, default="")


class AlertChart(Record):
    """The drawing of an alert, made by the night so that a page only has to hand it out."""

    __tablename__ = "alert_charts"

    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    business_date: Mapped[date]
    svg: Mapped[str] = mapped_column(Text)
    table: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
