"""Keep-open tests: proposed by a night, started by a person, read on their day, never forgotten."""

from __future__ import annotations

import math
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import JSON, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from data.errors import TransitionError
from data.records.assortment import MONEY
from data.records.base import Record, choice

if TYPE_CHECKING:
    from forecaster import KeepOpenReading, KeepOpenTest


class TestState(StrEnum):
    """How far a keep-open test is."""

    __test__ = False  # its name is not that of a test of ours

    PROPOSED = "proposed"
    RUNNING = "running"
    READ = "read"
    LAPSED = "lapsed"


_LIVE_SQL = text("state IN ('proposed', 'running')")


class KeepOpenRecord(Record):
    """One keep-open test of a category and season: its design as it was made, and what it told."""

    __tablename__ = "keep_open_tests"
    __table_args__ = (
        Index(
            "uq_keep_open_tests_live",
            "category",
            "season_code",
            unique=True,
            sqlite_where=_LIVE_SQL,
            postgresql_where=_LIVE_SQL,
        ),
        Index(None, "state", "reads_on"),
    )

    test_id: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(100))
    season_code: Mapped[str] = mapped_column(String(64))
    exit: Mapped[date]
    state: Mapped[TestState] = mapped_column(choice(TestState))
    proposed_on: Mapped[date]
    reads_on: Mapped[date]
    expected_units: Mapped[float]
    expected_cost: Mapped[Decimal] = mapped_column(MONEY)
    margin_at_stake: Mapped[Decimal] = mapped_column(MONEY)
    standard_error: Mapped[float]
    design: Mapped[dict[str, Any]] = mapped_column(JSON)
    started_by: Mapped[str] = mapped_column(String(254), default="")
    started_at: Mapped[datetime | None]
    verdict: Mapped[str] = mapped_column(String(32), default="")
    ratio: Mapped[float | None]
    low: Mapped[float | None]
    high: Mapped[float | None]
    reason: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def proposed(
        cls, test: KeepOpenTest, *, season_code: str, leaves: date, on: date, margin_at_stake: float
    ) -> KeepOpenRecord:
        """A test that a night proposes; it must have a design.

        Args:
            test: as `forecaster.design_keep_open_test` made it.
            season_code: whose dark weeks it is about.
            leaves: the exit of the stores that leave first.
            on: the night.
            margin_at_stake: money the chain would miss in the dark weeks, were the forecast right.
        """
        record = cls(
            category=test.category,
            season_code=season_code,
            exit=leaves,
            state=TestState.PROPOSED,
            margin_at_stake=Decimal(f"{margin_at_stake:.2f}"),
        )
        record.redesigned(test, on=on)
        return record

    @property
    def test(self) -> KeepOpenTest:
        """The test as it was designed."""
        # Imported when needed: whoever only lists tests need not wait for the numbers' packages.
        from forecaster.keep_open_json import from_json  # noqa: PLC0415

        return from_json(self.design)

    def redesigned(self, test: KeepOpenTest, *, on: date) -> None:
        """A later night knows better which stores tell most; only while nobody has started it.

        Raises:
            TransitionError: when it runs already: what it is held against must not move.
        """
        from forecaster.keep_open_json import to_json  # noqa: PLC0415

        if self.state is not TestState.PROPOSED:
            raise TransitionError("A test that runs is not designed again.")
        if test.reads_on is None:
            raise TransitionError(f"There is no design: {test.reason}.")
        self.proposed_on, self.reads_on = on, test.reads_on
        self.expected_units = test.expected_units
        self.expected_cost = Decimal(f"{test.expected_cost:.2f}")
        self.standard_error, self.reason = test.standard_error, test.reason
        self.design = to_json(test)

    def start(self, by: str, now: datetime) -> None:
        """Somebody has decided to run it.

        Raises:
            TransitionError: when it is not merely proposed.
        """
        if self.state is not TestState.PROPOSED:
            raise TransitionError(f"This test is {self.state}; only a proposed one can be started.")
        self.state, self.started_by, self.started_at = TestState.RUNNING, by, now

    def take_back(self) -> None:
        """Whoever started it thinks better of it at once: it is merely proposed again.

        Raises:
            TransitionError: when it does not run.
        """
        if self.state is not TestState.RUNNING:
            raise TransitionError(f"This test is {self.state}; only a running one is taken back.")
        self.state, self.started_by, self.started_at = TestState.PROPOSED, "", None

    def lapse(self) -> None:
        """Nobody has started it, and the stores have left the floor.

        Raises:
            TransitionError: when it is not merely proposed.
        """
        if self.state is not TestState.PROPOSED:
            raise TransitionError(f"This test is {self.state}; only a proposed one lapses.")
        self.state = TestState.LAPSED

    def read(self, reading: KeepOpenReading) -> None:
        """What it has told, once its day has come.

        Raises:
            TransitionError: when it does not run.
        """
        if self.state is not TestState.RUNNING:
            raise TransitionError(f"This test is {self.state}; only a running one is read.")
        self.state, self.verdict, self.reason = TestState.READ, str(reading.verdict), reading.reason
        # Where nothing could be read there is no figure; infinity is none a database knows.
        known = not math.isnan(reading.ratio)
        self.ratio, self.low, self.high = (
            (reading.ratio, reading.low, reading.high) if known else (None, None, None)
        )
