"""Mails waiting to leave: written with their cause, sent later, lost never."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.records.base import Record, choice
from data.records.people import Person

RETRY_AFTER = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=6),
)
LEASE = timedelta(minutes=5)


class MailState(StrEnum):
    """Where a mail is: waiting, handed to the server, kept for reading in the app, or given up."""

    PENDING = "pending"
    SENT = "sent"
    KEPT = "kept"
    DEAD = "dead"


class OutboxMail(Record):
    """One mail, frozen when it was written; one per person, business date and kind."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("person_id", "business_date", "kind"),
        Index(None, "state", "due_at"),
    )

    mail_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    business_date: Mapped[date]
    kind: Mapped[str] = mapped_column(String(32))
    to_address: Mapped[str] = mapped_column(String(254))
    subject: Mapped[str] = mapped_column(String(300))
    text: Mapped[str] = mapped_column(Text)
    html: Mapped[str] = mapped_column(Text)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    state: Mapped[MailState] = mapped_column(choice(MailState), default=MailState.PENDING)
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime]
    due_at: Mapped[datetime]
    leased_until: Mapped[datetime | None]
    sent_at: Mapped[datetime | None]
    last_error: Mapped[str] = mapped_column(Text, default="")
    person: Mapped[Person] = relationship(lazy="raise")

    def sent(self, now: datetime) -> None:
        """The server has taken it."""
        self.state, self.sent_at, self.leased_until, self.last_error = MailState.SENT, now, None, ""

    def delayed(self, now: datetime, error: str) -> None:
        """There was no server to take it: wait longer each time, for as long as it takes."""
        self.attempts += 1
        self.leased_until, self.last_error = None, error[:500]
        self.due_at = now + RETRY_AFTER[min(self.attempts, len(RETRY_AFTER)) - 1]

    def refused(self, now: datetime, error: str, *, final: bool) -> None:
        """The server would not take this mail: try again a few times, unless it said never."""
        self.delayed(now, error)
        if final or self.attempts > len(RETRY_AFTER):
            self.state = MailState.DEAD
