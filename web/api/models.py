"""What the API's models are made of: how days, instants, money and texts are written and read."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from web.addresses import LARGEST_ID
from web.services import services

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DIGITS: Final = re.compile(r"\d{1,10}", re.ASCII)
# So that weeks can be counted from any day without leaving the calendar.
_FIRST_YEAR, _LAST_YEAR = 1970, 2199
_CENT: Final = Decimal("0.01")
_UNITS_DIGITS: Final = 2
# PostgreSQL stores no NUL and refuses to compare with one; nobody types it.
NO_NUL: Final = r"^[^\u0000]*$"
MOST_ON_A_PAGE: Final = 200
_USUAL_PAGE: Final = 50


def _iso_day(value: Any) -> Any:
    if isinstance(value, date):
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value):
        raise ValueError("is not a day; write it like 2026-09-06")
    if not _FIRST_YEAR <= int(value[:4]) <= _LAST_YEAR:
        raise ValueError(f"does not lie between {_FIRST_YEAR} and {_LAST_YEAR}")
    return value


def _typed_number(value: Any) -> Any:
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        raise ValueError("is not a whole number")
    return value


def _whole_number(value: Any) -> Any:
    # To JSON 3.0 is a whole number; True and "3" are not.
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not value.is_integer()):
        raise ValueError("is not a whole number")
    return int(value)


def _without_nul(value: str) -> str:
    if "\0" in value:
        raise ValueError("has a character that cannot be stored")
    return value


Day = Annotated[date, BeforeValidator(_iso_day)]
"""A day as ISO 8601 has it."""

Instant = Annotated[datetime, Field(description="In UTC.")]
"""An instant, aware and in UTC, as the records have it."""

Text = Annotated[str, AfterValidator(_without_nul), Field(json_schema_extra={"pattern": NO_NUL})]
"""A text that the records can hold."""

Whole = Annotated[int, BeforeValidator(_whole_number)]
"""A whole number in a body."""

Version = Annotated[Whole, Field(ge=1, le=LARGEST_ID)]
"""The `version` of a record as it was read: what has changed since answers 409."""

Evidence = Literal["observed", "requested", "borrowed", "unknown"]
"""What a forecast rests on, as `forecaster.evidence` labels it; that needs the numbers, which load slowly."""

Typed = Annotated[int, BeforeValidator(_typed_number)]
"""A whole number in an address."""


class Model(BaseModel):
    """Base of what is sent and what is answered: nothing that is not named."""

    # Built when first used: a command that only starts the app need not wait for all of them.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)


class Money(Model):
    """An amount, as a decimal with two digits, and its currency as ISO 4217 has it."""

    amount: str = Field(pattern=r"^-?[0-9]+\.[0-9]{2}$", examples=["1298.80"])
    currency: str = Field(pattern=r"^[A-Z]{3}$", examples=["USD"])

    @classmethod
    def of(cls, amount: Decimal | None) -> Money | None:
        """An amount of the records; None stays None."""
        if amount is None:
            return None
        # Less than nothing by less than a cent is nothing.
        shown = Decimal(amount).quantize(_CENT) or Decimal(0)
        return cls(amount=f"{shown:.2f}", currency=services().settings.currency)

    @classmethod
    def given(cls, amount: Decimal) -> Money:
        """An amount that is always known."""
        told = cls.of(amount)
        assert told is not None  # noqa: S101  # only None becomes None
        return told


class Paged(Model):
    """The parameters of every list."""

    cursor: Text | None = Field(
        None, max_length=200, description="Where a page goes on, from `next` of the one before."
    )
    limit: Typed = Field(_USUAL_PAGE, ge=1, le=MOST_ON_A_PAGE, description="How many at most.")


def units(value: float) -> float:
    """Units to two digits: what stands behind them is noise."""
    return round(float(value), _UNITS_DIGITS)


def listed(values: Iterable[str]) -> Sequence[str]:
    """Texts in order, each once."""
    return sorted({value for value in values if value})
