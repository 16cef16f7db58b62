"""Mails waiting to leave: written with their cause, sent later, lost never; and what each of them told."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import TransitionError
from data.records.base import Record, choice
from data.records.findings import Severity
from data.records.people import Person

RETRY_AFTER: Final = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
LEASE: Final = timedelta(minutes=5)
# A server may think ten minutes about a mail it was given (RFC 5321, section 4.5.3.2.6): asking again while
# it still does would make a second copy.
UNCONFIRMED_WAIT: Final = timedelta(minutes=30)
# Two copies under one Message-ID at most: a third hand-over is for a person to order.
MOST_UNCONFIRMED: Final = 2
_LONGEST_ERROR: Final = 500
_UNKNOWN_FATE: Final = "It was handed over twice, and nobody could write down whether it was taken"


class MailState(StrEnum):
    """Where a mail is: waiting, handed to the server, kept for reading in the app, or given up."""

    PENDING = "pending"
    SENT = "sent"
    KEPT = "kept"
    DEAD = "dead"


# What a person can have read.
REACHED: Final = (MailState.SENT, MailState.KEPT)


class Section(StrEnum):
    """Under which heading a mail told of an alert."""

    NEW = "new"
    WORSE = "worse"
    DUE = "due"
    OPEN = "open"
    RECOVERED = "recovered"


class OutboxMail(Record):
    """One mail, frozen when it was written; one per kind and key.

    Without a person it is a customer's: their address is forgotten when the mail has left.
    """

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("kind", "dedup_key"),
        Index(None, "person_id", "mail_id"),
        Index(None, "state", "due_at"),
    )

    mail_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.person_id"))
    business_date: Mapped[date]
    kind: Mapped[str] = mapped_column(String(32))
    dedup_key: Mapped[str] = mapped_column(String(100))
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    chart: Mapped[bytes | None] = mapped_column(LargeBinary)
    unsubscribe_url: Mapped[str] = mapped_column(Text, default="")
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[MailState] = mapped_column(choice(MailState), default=MailState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    # How often it was handed over without an answer, or by a process that died before it could write it down.
    unconfirmed: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    given_up_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[Person | None] = relationship(lazy="raise")

    @property
    def chart_cid(self) -> str:
        """The name by which the HTML shows the chart that travels with it (RFC 2392)."""
        return chart_cid(self.message_id)

    def lease(self, now: datetime) -> bool:
        """Take it in hand to send it; False when it must not be sent once more, and is given up instead.

        A lease that ran out belonged to a process that died: the mail may have left already.
        """
        if self.leased_until is not None:
            self.unconfirmed += 1
        if self.unconfirmed >= MOST_UNCONFIRMED:
            self._give_up(now, _UNKNOWN_FATE)
            return False
        self.leased_until = now + LEASE
        return True

    def sent(self, now: datetime) -> None:
        """The server has taken it."""
        self.state, self.sent_at, self.leased_until, self.last_error = MailState.SENT, now, None, ""
        self.given_up_at = None
        if self.person_id is None:
            self.to_address = ""

    def delayed(self, now: datetime, error: str) -> None:
        """There was no server to take it: wait longer each time, for as long as it takes."""
        self.attempts += 1
        self.leased_until, self.last_error = None, self._without_customer(error)
        self.due_at = now + RETRY_AFTER[min(self.attempts, len(RETRY_AFTER)) - 1]

    def refused(self, now: datetime, error: str, *, final: bool) -> None:
        """The server would not take this mail: try again a few times, unless it said never."""
        self.delayed(now, error)
        if final or self.attempts > len(RETRY_AFTER):
            self._give_up(now, error)

    def unanswered(self, now: datetime, error: str) -> None:
        """The server had all of it and then said nothing: it may have arrived, so it is risked once more."""
        self.delayed(now, error)
        self.unconfirmed += 1
        self.due_at = max(self.due_at, now + UNCONFIRMED_WAIT)
        if self.unconfirmed >= MOST_UNCONFIRMED:
            self._give_up(now, f"{_UNKNOWN_FATE}: {error}")

    def try_again(self, now: datetime) -> None:
        """Somebody wants a mail that was given up to be sent after all.

        Raises:
            TransitionError: it was not given up, or nobody knows any more to whom it went.
        """
        if self.state is not MailState.DEAD:
            raise TransitionError(f"This mail is {self.state}; only one that was given up is tried again.")
        if not self.to_address:
            raise TransitionError("The address of this mail was deleted; it cannot be sent any more.")
        self.state, self.due_at, self.given_up_at = MailState.PENDING, now, None
        self.attempts = self.unconfirmed = 0

    def forget_address(self, now: datetime) -> None:
        """Take a customer's address off the mail; one that waits can then not leave any more."""
        self.to_address = self.last_error = ""
        if self.state is MailState.PENDING:
            self._give_up(now, "The address was deleted")

    def _give_up(self, now: datetime, error: str) -> None:
        self.state, self.given_up_at, self.leased_until = MailState.DEAD, now, None
        self.last_error = self._without_customer(error)

    def _without_customer(self, error: str) -> str:
        """What went wrong, as it may be kept: servers repeat addresses, and a customer's is forgotten."""
        if self.person_id is None and self.to_address:
            error = error.replace(self.to_address, "the address")
        return error[:_LONGEST_ERROR]


class MailTold(Record):
    """What one mail told of one alert: what the next is held against, once this one has left."""

    __tablename__ = "mail_told"
    __table_args__ = (Index(None, "alert_id"),)

    mail_id: Mapped[int] = mapped_column(ForeignKey("outbox.mail_id"), primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"), primary_key=True)
    section: Mapped[Section] = mapped_column(choice(Section))
    units: Mapped[float]
    severity: Mapped[Severity] = mapped_column(choice(Severity))
    act_by: Mapped[date | None]
    # How often it had come back until then, because a snooze or an acknowledgement ran out.
    returns: Mapped[int] = mapped_column(default=0)


class MailDecision(Record):
    """Why a night sent a person a mail, or none."""

    __tablename__ = "mail_decisions"
    __table_args__ = (Index(None, "business_date"),)

    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    business_date: Mapped[date] = mapped_column(primary_key=True)
    # Blank when none was sent.
    kind: Mapped[str] = mapped_column(String(32), default="")
    mail_id: Mapped[int | None] = mapped_column(ForeignKey("outbox.mail_id"))
    reason: Mapped[str] = mapped_column(Text)
    decided_at: Mapped[datetime]


def chart_cid(message_id: str) -> str:
    """The name of the chart of a mail, by the mail's own."""
    return f"chart.{message_id.strip('<>')}"
