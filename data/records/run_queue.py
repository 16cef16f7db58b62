"""Nights that somebody asks for, and the sign of life of whoever would run them."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.errors import InSeasonError, TransitionError
from data.records.base import Record, choice

LONGEST_REASON: Final = 300
_LIVE_SQL: Final = text("state IN ('waiting', 'running')")


class QueueState(StrEnum):
    """How far it is with a night that somebody asked for."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


UNDER_WAY: Final = (QueueState.WAITING, QueueState.RUNNING)
"""The states of a request that somebody still waits for."""


class RunRequest(Record):
    """That somebody wants the night of a date to run, or run again: who, when, why, and what came of it."""

    __tablename__ = "run_requests"
    __table_args__ = (
        Index(
            "uq_run_requests_live",
            "business_date",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
    )

    request_id: Mapped[int] = mapped_column(primary_key=True)
    business_date: Mapped[date]
    state: Mapped[QueueState] = mapped_column(choice(QueueState), default=QueueState.WAITING)
    asked_by: Mapped[str] = mapped_column(String(254))
    asked_at: Mapped[datetime]
    reason: Mapped[str] = mapped_column(Text)
    began_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    outcome: Mapped[str] = mapped_column(Text, default="")
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.run_id"))
    version: Mapped[int] = mapped_column(default=1)

    # Compare-and-swap: of a withdrawal and a scheduler that begins at the same moment, one loses.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def asked(cls, business_date: date, *, by: str, reason: str, now: datetime) -> RunRequest:
        """A new request that waits for the scheduler.

        Raises:
            InSeasonError: without a reason, or with one that is too long.
        """
        told = " ".join(reason.split())
        if not told:
            raise InSeasonError("Say in a few words why the night should run again.")
        if len(told) > LONGEST_REASON:
            raise InSeasonError(f"A reason has at most {LONGEST_REASON} characters.")
        return cls(
            business_date=business_date,
            state=QueueState.WAITING,
            asked_by=by,
            asked_at=now,
            reason=told,
            outcome="",
        )

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or is at work."""
        return self.state in UNDER_WAY

    def begin(self, now: datetime) -> None:
        """The scheduler takes it up, again if whoever did so before has died."""
        self.state, self.began_at = QueueState.RUNNING, now

    def end(self, state: QueueState, now: datetime, *, outcome: str, run_id: int | None = None) -> None:
        """It is over: done, failed or refused."""
        self.state, self.ended_at, self.outcome = state, now, outcome
        self.run_id = run_id if run_id is not None else self.run_id

    def withdraw(self, by: str, now: datetime) -> None:
        """Somebody does not want it any more.

        Raises:
            TransitionError: when it is at work or over already.
        """
        if self.state is not QueueState.WAITING:
            raise TransitionError("It has begun already, so it cannot be withdrawn.")
        self.end(QueueState.WITHDRAWN, now, outcome=f"withdrawn by {by}")


class Heartbeat(Record):
    """When a process that works by itself was last seen."""

    __tablename__ = "heartbeats"

    name: Mapped[str] = mapped_column(String(32), primary_key=True)
    at: Mapped[datetime]
