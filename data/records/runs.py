"""What has run: nights, imports and backtests, their steps, and the table versions they published."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.records.base import Record, choice

# How many earlier goes of a night that was done again are remembered.
_EARLIER_KEPT: Final = 10


class RunKind(StrEnum):
    """What a run does."""

    NIGHT = "night"
    IMPORT = "import"
    BACKTEST = "backtest"


class RunState(StrEnum):
    """How far a run or a step is; a process that died leaves its run `running` until the next takes it up."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"


class Run(Record):
    """One night of one business date, one import of one file, or one backtest as of a night."""

    __tablename__ = "runs"
    __table_args__ = (
        Index(
            "uq_runs_night",
            "business_date",
            unique=True,
            sqlite_where=text("kind = 'night'"),
            postgresql_where=text("kind = 'night'"),
        ),
        Index(None, "started_at"),
        Index(None, "feed", "run_id"),
        Index(None, "kind", "run_id"),
        Index(None, "state", "run_id"),
    )

    run_id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[RunKind] = mapped_column(choice(RunKind))
    business_date: Mapped[date | None]
    # Of an import: the kind of feed.
    feed: Mapped[str | None] = mapped_column(String(32))
    state: Mapped[RunState] = mapped_column(choice(RunState), default=RunState.RUNNING)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    summary: Mapped[str] = mapped_column(Text, default="")
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    steps: Mapped[list[RunStep]] = relationship(
        cascade="all, delete-orphan", order_by="RunStep.position", lazy="selectin"
    )
    publications: Mapped[list[Publication]] = relationship(cascade="all, delete-orphan", lazy="raise")

    def succeed(self, now: datetime, summary: str) -> None:
        """The run is over and all of it worked."""
        self.state, self.finished_at, self.summary = RunState.SUCCEEDED, now, summary

    def fail(self, now: datetime, summary: str) -> None:
        """The run is over and did not work; the next one for its date takes up its steps."""
        self.state, self.finished_at, self.summary = RunState.FAILED, now, summary

    def resume(self, now: datetime) -> None:
        """Take up a run whose process died: what it has done stays done."""
        self.state, self.finished_at, self.summary = RunState.RUNNING, None, ""
        self.details = self.details | {"resumed_at": now.isoformat()}

    def start_over(self, now: datetime) -> None:
        """Do a run that failed again from its first step: what made it fail may have been mended since."""
        self.resume(now)
        self.started_at = now
        self.steps.clear()
        self.details = {"resumed_at": now.isoformat()}

    def do_again(self, now: datetime) -> None:
        """Do a run that worked again from its first step: what it read may have been corrected since.

        What came of it before is remembered in `details["earlier"]`, the last first.
        """
        before = {
            "started_at": self.started_at.isoformat(),
            "finished_at": self.finished_at.isoformat() if self.finished_at else None,
            "summary": self.summary,
        }
        earlier = [before, *self.details.get("earlier", [])][:_EARLIER_KEPT]
        self.start_over(now)
        self.details = self.details | {"earlier": earlier}

    def step(self, name: str) -> RunStep | None:
        """The step of that name, if it has been started."""
        return next((step for step in self.steps if step.name == name), None)


class RunStep(Record):
    """One step of a run: when, how many rows, and what came of it."""

    __tablename__ = "run_steps"
    __table_args__ = (UniqueConstraint("run_id", "name"),)

    step_id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.run_id"))
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(32))
    state: Mapped[RunState] = mapped_column(choice(RunState), default=RunState.RUNNING)
    started_at: Mapped[datetime]
    finished_at: Mapped[datetime | None]
    rows: Mapped[int | None]
    # Of a long step at work: how many parts are done, of how many.
    done: Mapped[int | None]
    total: Mapped[int | None]
    outcome: Mapped[str] = mapped_column(Text, default="")

    def finish(self, now: datetime, *, rows: int, outcome: str) -> None:
        """The step is done."""
        self.state, self.finished_at, self.rows, self.outcome = RunState.SUCCEEDED, now, rows, outcome


class Publication(Record):
    """That a run made a version of a facts table visible; readers open the newest published one only."""

    __tablename__ = "publications"
    __table_args__ = (Index(None, "table_name", "version"),)

    publication_id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.run_id"))
    table_name: Mapped[str] = mapped_column(String(32))
    version: Mapped[int]
