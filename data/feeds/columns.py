"""What a kind of feed is made of: its columns, and how the text of a cell is understood."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from data.feeds.rules import RowRule

Reference = Literal["store", "sku", "style"]

FIRST_DAY: Final = date(1850, 1, 1)
FIRST_BUSINESS_DAY: Final = date(1990, 1, 1)
LAST_DAY: Final = date(2099, 12, 31)
MOST_UNITS: Final = 10_000_000
MOST_MONEY: Final = 9_999_999_999.99


class ColumnKind(StrEnum):
    """How the text of a cell is understood."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    MONEY = "money"
    DATE = "date"
    INSTANT = "instant"
    CHOICE = "choice"
    TIMEZONE = "timezone"
    LOCALE = "locale"
    EMAIL = "email"


@dataclass(frozen=True)
class Column:
    """One column of a feed.

    `minimum` and `maximum` are both allowed values; `default` is what a blank cell means; `length` is the
    longest text that can be kept.
    """

    name: str
    kind: ColumnKind
    description: str
    required: bool = False
    choices: tuple[str, ...] = ()
    minimum: float | date | None = None
    maximum: float | date | None = None
    length: int = 200
    default: Any = None
    refers_to: Reference | None = None


@dataclass(frozen=True)
class FeedSpec:
    """One kind of feed.

    `key` names the columns of which no two rows of one file may agree (none where rows may repeat, as tickets
    of one day do); `one_of` the groups of columns of which every row must fill at least one; `covers` the
    columns whose combinations in a file are replaced as a whole when it is loaded (none where rows are
    changed one by one).
    """

    kind: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    covers: tuple[str, ...] = ()
    one_of: tuple[tuple[str, ...], ...] = ()
    rules: tuple[RowRule, ...] = ()

    @property
    def names(self) -> tuple[str, ...]:
        """The columns it knows."""
        return tuple(column.name for column in self.columns)

    @property
    def required(self) -> tuple[str, ...]:
        """The columns it cannot do without."""
        return tuple(column.name for column in self.columns if column.required)

    def column(self, name: str) -> Column:
        """The column of that name."""
        return next(column for column in self.columns if column.name == name)


def text_column(
    name: str,
    description: str,
    *,
    required: bool = False,
    length: int = 64,
    default: str | None = "",
    refers_to: Reference | None = None,
) -> Column:
    """A column of text."""
    return Column(
        name,
        ColumnKind.TEXT,
        description,
        required=required,
        length=length,
        default=default,
        refers_to=refers_to,
    )


def choice_column(name: str, description: str, *choices: str) -> Column:
    """A column of a few words, of which a blank cell means the first."""
    return Column(name, ColumnKind.CHOICE, description, choices=choices, default=choices[0])


def date_column(
    name: str,
    description: str,
    *,
    required: bool = False,
    first: date = FIRST_BUSINESS_DAY,
    default: date | None = None,
) -> Column:
    """A column of days."""
    return Column(
        name,
        ColumnKind.DATE,
        description,
        required=required,
        minimum=first,
        maximum=LAST_DAY,
        default=default,
    )


def units_column(
    name: str, description: str, *, minimum: int = 0, required: bool = False, default: int | None = None
) -> Column:
    """A column of pieces, whole numbers."""
    return Column(
        name,
        ColumnKind.INTEGER,
        description,
        required=required,
        minimum=minimum,
        maximum=MOST_UNITS,
        default=default,
    )


def number_column(
    name: str, description: str, minimum: float, maximum: float, *, required: bool = False
) -> Column:
    """A column of numbers within bounds, both allowed."""
    return Column(name, ColumnKind.NUMBER, description, required=required, minimum=minimum, maximum=maximum)


def money_column(name: str, description: str, *, required: bool = False) -> Column:
    """A column of amounts of money, never negative."""
    return Column(name, ColumnKind.MONEY, description, required=required, minimum=0, maximum=MOST_MONEY)
