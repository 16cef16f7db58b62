"""What people know better than the forecast: more or fewer customers of something, in some weeks."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from data.errors import InSeasonError, NotYoursError, TransitionError
from data.records.base import Record, choice
from data.records.decisions import answers_for
from data.records.proposals import said, short

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from data.records.people import Person

LEAST_FACTOR: Final = 0.1
MOST_FACTOR: Final = 5.0
MOST_UNITS_A_WEEK: Final = 1_000_000
MOST_WEEKS: Final = 53


class Measure(StrEnum):
    """What the number of a change means: times the forecast, or units a week of all that it names."""

    FACTOR = "factor"
    UNITS = "units"


class OverrideState(StrEnum):
    """Whether a change of the forecast counts."""

    IN_FORCE = "in_force"
    WITHDRAWN = "withdrawn"


class ForecastOverride(Record):
    """That in some weeks customers will want more or less of something than the forecast says.

    For whom it speaks is said as in the calendar: blank is all, and of several that speak of the same shelf
    the one that names most rules (of equals the newest). `measure` says what `amount` means. `first_week` and
    `last_week` are first days of weeks, both counted. `made_on` and `withdrawn_on` are days on the chain's
    calendar: a night sees what was known on the morning after its business date.
    """

    __tablename__ = "forecast_overrides"
    __table_args__ = (
        CheckConstraint("first_week <= last_week", name="order"),
        Index(None, "state", "last_week"),
        Index(None, "category", "override_id"),
    )

    override_id: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(100))
    climate_zone: Mapped[str] = mapped_column(String(64), default="")
    store_id: Mapped[str] = mapped_column(String(64), default="")
    style_id: Mapped[str] = mapped_column(String(64), default="")
    first_week: Mapped[date]
    last_week: Mapped[date]
    measure: Mapped[Measure] = mapped_column(choice(Measure))
    amount: Mapped[float]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[OverrideState] = mapped_column(choice(OverrideState), default=OverrideState.IN_FORCE)
    author: Mapped[str] = mapped_column(String(254))
    made_at: Mapped[datetime]
    made_on: Mapped[date]
    withdrawn_by: Mapped[str] = mapped_column(String(254), default="")
    withdrawn_at: Mapped[datetime | None]
    withdrawn_on: Mapped[date | None]
    withdrawn_why: Mapped[str] = mapped_column(Text, default="")
    version: Mapped[int] = mapped_column(default=1)

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def made(cls, values: Mapping[str, Any], *, by: Person, now: datetime, on: date) -> ForecastOverride:
        """Somebody says what customers will want.

        Args:
            values: the columns that say of what, when, how much, and why.
            by: who says so.
            now: the instant.
            on: the day on the chain's calendar.

        Raises:
            NotYoursError: when the category is somebody else's.
            InSeasonError: without a reason, or with numbers that nobody can mean.
        """
        if not answers_for(by, values["category"]):
            raise NotYoursError("Only the merchandiser of the category may change its forecast.")
        told = {**values, "reason": said(values["reason"])}
        made = cls(**told, state=OverrideState.IN_FORCE, author=by.email, made_at=now, made_on=on)
        made._require_sense()
        return made

    @property
    def is_in_force(self) -> bool:
        """Whether nobody has taken it back."""
        return self.state is OverrideState.IN_FORCE

    def may_withdraw(self, person: Person) -> bool:
        """Whether this person may take it back now."""
        return self.is_in_force and answers_for(person, self.category)

    def withdraw(self, by: Person, now: datetime, *, on: date, reason: str = "") -> None:
        """It no longer counts from the next night on; what it did in nights before stays in their books.

        Raises:
            NotYoursError: when the category is somebody else's.
            TransitionError: when it was taken back already.
        """
        if not answers_for(by, self.category):
            raise NotYoursError("Only the merchandiser of the category may take this back.")
        if not self.is_in_force:
            raise TransitionError(f"{self.withdrawn_by} has taken this back already.")
        self.state = OverrideState.WITHDRAWN
        self.withdrawn_by, self.withdrawn_at, self.withdrawn_on = by.email, now, on
        self.withdrawn_why = short(reason)

    def _require_sense(self) -> None:
        if self.last_week < self.first_week:
            raise InSeasonError("The last week lies before the first; say them the other way round.")
        if (self.last_week - self.first_week).days >= 7 * MOST_WEEKS:
            raise InSeasonError("That is more than a year; the forecast looks ahead for one.")
        if self.measure is Measure.UNITS:
            if not 0 < self.amount <= MOST_UNITS_A_WEEK:
                raise InSeasonError("Say a number of units a week above 0, up to 1,000,000.")
        elif not LEAST_FACTOR <= self.amount <= MOST_FACTOR:
            raise InSeasonError("Choose between 90% less and 400% more.")
        elif self.amount == 1.0:
            raise InSeasonError("By 0% nothing would change; say how much more or less.")


class OverrideEffect(Record):
    """How well the forecast did with and without a change, over its weeks that have passed.

    Errors are absolute misses of weekly sums as a share of what was sold; `weeks` of them had enough on the
    shelf to tell, `passed` weeks have passed in all.
    """

    __tablename__ = "override_effects"

    override_id: Mapped[int] = mapped_column(ForeignKey("forecast_overrides.override_id"), primary_key=True)
    measured_on: Mapped[date]
    passed: Mapped[int]
    weeks: Mapped[int]
    sold: Mapped[float]
    foretold_with: Mapped[float]
    foretold_without: Mapped[float]
    error_with: Mapped[float | None]
    error_without: Mapped[float | None]
