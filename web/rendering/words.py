"""How dates, money, counts and lists are written out, the same everywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime, timedelta
    from zoneinfo import ZoneInfo

MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_THOUSAND: Final = Decimal(1_000)
_MILLION: Final = Decimal(1_000_000)


def day(value: date, today: date) -> str:
    """A date with its month in letters, and its year when that is not this year's.

    >>> day(date(2026, 7, 5), date(2026, 6, 14))
    '5 July'
    >>> day(date(2027, 2, 1), date(2026, 6, 14))
    '1 February 2027'
    """
    written = f"{value.day} {MONTHS[value.month - 1]}"
    return written if value.year == today.year else f"{written} {value.year}"


def full_day(value: date) -> str:
    """A date that says its year."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def instant(value: datetime, zone: ZoneInfo) -> str:
    """An instant as the clock on the wall there shows it, with the zone's short name."""
    local = value.astimezone(zone)
    return f"{full_day(local.date())}, {local:%H:%M} {local.tzname()}"


def days_away(value: date, today: date) -> str:
    """How far a day is from today, in words."""
    days = (value - today).days
    if days in (0, 1, -1):
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def whole(units: float) -> int:
    """Expected units as a person counts them; what is small but there counts as one."""
    return max(1, round(units)) if units > 0 else 0


def count(number: float, one: str, many: str | None = None) -> str:
    """A whole number with its noun, singular or plural.

    >>> count(1, "alert"), count(1240, "alert"), count(2, "person", "people")
    ('1 alert', '1,240 alerts', '2 people')
    """
    return f"{number:,.0f} {one if round(number) == 1 else many or one + 's'}"


def listing(items: Sequence[str], last: str = "and") -> str:
    """Items as a person says them.

    >>> listing(["S", "M", "L"])
    'S, M and L'
    """
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def money(amount: Decimal) -> str:
    """An amount in whole dollars.

    >>> money(Decimal("12430.49"))
    '$12,430'
    """
    return f"{'-' if amount <= Decimal('-0.5') else ''}${abs(amount):,.0f}"


def short_money(amount: Decimal) -> str:
    """An amount in three figures or so, for a subject line or a card.

    >>> short_money(Decimal(840)), short_money(Decimal(12430)), short_money(Decimal(1_250_000))
    ('$840', '$12.4k', '$1.2m')
    """
    for unit, letter in ((_MILLION, "m"), (_THOUSAND, "k")):
        # What would round to 1,000 of the smaller unit belongs to the larger one.
        if abs(amount) >= unit * Decimal("0.9995"):
            figure = amount / unit
            return f"${figure:,.0f}{letter}" if abs(figure) >= 100 else f"${figure:.1f}{letter}"  # noqa: PLR2004
    return money(amount)


def lasting(span: timedelta) -> str:
    """A length of time in its two largest units.

    >>> lasting(timedelta(seconds=4.2)), lasting(timedelta(hours=2, minutes=5))
    ('4.2 s', '2 h 5 min')
    """
    seconds = span.total_seconds()
    minute, hour = 60, 3600
    if seconds < minute:
        return f"{seconds:.1f} s"
    if seconds < hour:
        return f"{seconds // minute:.0f} min {seconds % minute:.0f} s"
    return f"{seconds // hour:.0f} h {seconds % hour // minute:.0f} min"
