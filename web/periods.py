"""Which weeks a page is about: the last few, or from one day to another, as the address says."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from data.errors import InSeasonError
from data.fiscal import week_start

if TYPE_CHECKING:
    from werkzeug.datastructures import MultiDict

    from data.settings import Weekday

CHOICES: Final = (4, 13, 52)
"""How many weeks back can be chosen with one press."""

USUAL: Final = 13
MOST_WEEKS: Final = 104
_MOST_SINGLE: Final = 26
_FIRST_YEAR, _LAST_YEAR = 2000, 2100
_DAY: Final = timedelta(days=1)
_WEEK: Final = timedelta(weeks=1)


@dataclass(frozen=True)
class Period:
    """Whole weeks, the first and the last day of them counted.

    `weeks` is what was chosen with one press, 0 for days that were typed; `typed` is what stood in the
    fields, `error` why it cannot be.
    """

    first: date
    last: date
    weeks: int
    typed: tuple[str, str] = ("", "")
    error: str = ""

    @classmethod
    def of(cls, asked: MultiDict[str, str], today: date, first_day: Weekday) -> Period:
        """Read the period from an address: `weeks`, or `from` and `to`.

        Args:
            asked: the address.
            today: the day on which it is read; its week is the last one.
            first_day: of the chain's week.
        """
        weeks = asked.get("weeks", USUAL, type=int)
        usual = cls._back(weeks if weeks in CHOICES else USUAL, today, first_day)
        typed = (asked.get("from", "").strip(), asked.get("to", "").strip())
        if not any(typed):
            return usual
        try:
            start, end = _days(typed, today)
        except InSeasonError as error:
            return replace(usual, typed=typed, error=str(error))
        return cls(week_start(start, first_day), week_start(end, first_day) + _WEEK - _DAY, 0, typed)

    @property
    def in_address(self) -> dict[str, Any]:
        """The same period for a link."""
        if self.weeks:
            return {} if self.weeks == USUAL else {"weeks": self.weeks}
        return {name: value for name, value in zip(("from", "to"), self.typed, strict=True) if value}

    @property
    def first_week(self) -> date:
        """First day of the first week."""
        return self.first

    @property
    def last_week(self) -> date:
        """First day of the last week."""
        return self.last - _WEEK + _DAY

    @property
    def step(self) -> int:
        """How many weeks are drawn together: one, or four where single ones would be too many to see."""
        return 1 if (self.last - self.first).days // 7 < _MOST_SINGLE else 4

    @property
    def spans(self) -> list[date]:
        """The first days of what is drawn together, in order."""
        number = (self.last - self.first).days // (7 * self.step) + 1
        return [self.first + n * self.step * _WEEK for n in range(number)]

    def span_of(self, day: date) -> date:
        """First day of the span that holds a day of the period."""
        return self.first + (day - self.first) // (self.step * _WEEK) * self.step * _WEEK

    @classmethod
    def _back(cls, weeks: int, today: date, first_day: Weekday) -> Period:
        this_week = week_start(today, first_day)
        return cls(this_week - (weeks - 1) * _WEEK, this_week + _WEEK - _DAY, weeks)


def _days(typed: tuple[str, str], today: date) -> tuple[date, date]:
    """The first and the last day that somebody typed; without a last one, today.

    Raises:
        InSeasonError: when they cannot be.
    """
    try:
        start = date.fromisoformat(typed[0]) if typed[0] else None
        end = date.fromisoformat(typed[1]) if typed[1] else today
    except ValueError as error:
        raise InSeasonError("A day is written like 2026-06-14.") from error
    if start is None:
        raise InSeasonError("Say from which day on.")
    if start > end:
        raise InSeasonError("The first day comes after the last one.")
    if not _FIRST_YEAR <= start.year <= end.year <= _LAST_YEAR:
        raise InSeasonError("That is too long ago, or too far ahead.")
    if end - start >= MOST_WEEKS * _WEEK:
        raise InSeasonError(f"At most {MOST_WEEKS} weeks can be shown at once.")
    return start, end
