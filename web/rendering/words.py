"""How dates, money, counts and lists are written out, the same everywhere."""

from __future__ import annotations

import re
from decimal import Decimal
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from babel.dates import format_date, format_skeleton, format_time
from babel.numbers import format_decimal

from web.rendering.locality import here

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime, timedelta
    from zoneinfo import ZoneInfo

    from babel import Locale

_THOUSAND: Final = Decimal(1_000)
_MILLION: Final = Decimal(1_000_000)
# What stands before and behind the figures in a pattern of the locale, such as ¤#,##0.00.
_AROUND: Final = re.compile(r"([^#0]*)([#0,.]+)(.*)")


def number(value: float | Decimal, digits: int = 0) -> str:
    """A number with the marks of the place, rounded to some digits behind the point (at most two).

    >>> number(12345.6), number(1234.56, 1)
    ('12,346', '1,234.6')
    """
    # Rounded here, so that nothing is ever less than nothing.
    return _written(round(value, digits) or 0, _pattern(digits, here().locale), here().locale)


def day(value: date, today: date) -> str:
    """A date with its month in letters, and its year when that is not this year's.

    >>> day(date(2026, 7, 5), date(2026, 6, 14))
    '5 July'
    >>> day(date(2027, 2, 1), date(2026, 6, 14))
    '1 February 2027'
    """
    if value.year != today.year:
        return full_day(value)
    return _said(value, "", here().locale)


def full_day(value: date) -> str:
    """A date that says its year."""
    return _said(value, "long", here().locale)


def instant(value: datetime, zone: ZoneInfo) -> str:
    """An instant as the clock on the wall there shows it, with the zone's short name."""
    local = value.astimezone(zone)
    # The place separates hour and half of the day by a space that does not break.
    hour = format_time(local, "short", locale=here().locale)
    return f"{full_day(local.date())}, {hour} {local.tzname()}"


def days_away(value: date, today: date) -> str:
    """How far a day is from today, in words."""
    days = (value - today).days
    if days in (0, 1, -1):
        return {0: "today", 1: "tomorrow", -1: "yesterday"}[days]
    return f"in {days} days" if days > 0 else f"{-days} days ago"


def whole(units: float) -> int:
    """Expected units as a person counts them; what is small but there counts as one."""
    return max(1, round(units)) if units > 0 else 0


def count(value: float, one: str, many: str | None = None) -> str:
    """A whole number with its noun, singular or plural.

    >>> count(1, "alert"), count(1240, "alert"), count(2, "person", "people")
    ('1 alert', '1,240 alerts', '2 people')
    """
    return f"{number(value)} {one if round(value) == 1 else many or one + 's'}"


def listing(items: Sequence[str], last: str = "and") -> str:
    """Items as a person says them.

    >>> listing(["S", "M", "L"])
    'S, M and L'
    """
    if len(items) <= 1:
        return "".join(items)
    return f"{', '.join(items[:-1])} {last} {items[-1]}"


def money(amount: Decimal) -> str:
    """An amount in whole units of the chain's currency.

    >>> money(Decimal("12430.49"))
    '$12,430'
    """
    return _in_currency(amount.quantize(Decimal(1)))


def short_money(amount: Decimal) -> str:
    """An amount in three figures or so, for a subject line or a card.

    >>> short_money(Decimal(840)), short_money(Decimal(12430)), short_money(Decimal(1_250_000))
    ('$840', '$12.4k', '$1.2m')
    """
    for unit, letter in ((_MILLION, "m"), (_THOUSAND, "k")):
        # What would round to 1,000 of the smaller unit belongs to the larger one.
        if abs(amount) >= unit * Decimal("0.9995"):
            figure = amount / unit
            return _in_currency(figure, 0 if abs(figure) >= 100 else 1, letter)  # noqa: PLR2004
    return money(amount)


def _in_currency(amount: Decimal, digits: int = 0, letter: str = "") -> str:
    """An amount where the place writes its currency, with a letter for thousands or millions."""
    whole = here().locale.currency_formats["standard"].pattern.partition(";")[0]
    before, figure, after = _AROUND.match(whole).groups()  # type: ignore[union-attr]  # every place writes figures
    figure = _pattern(digits, here().locale) + (f"'{letter}'" if letter else "")
    signed = f"{before}{figure}{after}".replace("\N{CURRENCY SIGN}", f"'{here().currency_sign}'")
    return _written(amount or Decimal(0), signed, here().locale)


# A page writes hundreds of numbers and days, and the same ones again and again.
@lru_cache(maxsize=20_000)
def _written(value: float | Decimal, pattern: str, locale: Locale) -> str:
    return format_decimal(value, format=pattern, locale=locale)


@lru_cache(maxsize=5_000)
def _said(value: date, form: str, locale: Locale) -> str:
    """A day in the form of a name, or without its year where that is blank."""
    return format_date(value, form, locale=locale) if form else format_skeleton("MMMMd", value, locale=locale)


@lru_cache(maxsize=100)
def _pattern(digits: int, locale: Locale) -> str:
    """Whole numbers as the place groups them, with so many digits behind the point."""
    grouped = locale.decimal_formats[None].pattern.partition(".")[0]
    return f"{grouped}.{'0' * digits}" if digits else grouped


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
