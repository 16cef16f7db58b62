"""The thresholds of the rules as people read and type them: what each does, its unit, and whose it is."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from web.rendering.locality import here
from web.rendering.words import count, money, number

if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS: Final = 2


class Unit(StrEnum):
    """What a threshold counts."""

    UNITS = "units"
    MONEY = "money"
    PERCENT = "percent"
    WEEKS = "weeks"
    DAYS = "days"
    ALERTS = "alerts"
    CUSTOMERS = "customers"
    EVIDENCE = "evidence"


@dataclass(frozen=True)
class Wording:
    """How a threshold is told: a label, its unit, and in a sentence what it does."""

    label: str
    unit: Unit
    what: str


@dataclass(frozen=True)
class Group:
    """Thresholds that belong together: to all rules, or to the rules that are named."""

    title: str
    rules: tuple[str, ...]
    names: tuple[str, ...]


WORDINGS: Final = {
    "min_units": Wording("Least units", Unit.UNITS, "So many must still be possible to win."),
    "min_money": Wording(
        "Least money",
        Unit.MONEY,
        "So much, at regular price, must still be possible to win; not asked where no price is known.",
    ),
    "min_lost_share": Wording(
        "Least share of demand", Unit.PERCENT, "What is lost must be this share of the demand it is part of."
    ),
    "confidence": Wording(
        "Weakest evidence",
        Unit.EVIDENCE,
        "What rests on less opens no alert; what nobody can know never does.",
    ),
    "keep_share": Wording(
        "Stays open down to",
        Unit.PERCENT,
        "An open alert stays while the loss is this share of the least that opens one.",
    ),
    "material_week_share": Wording(
        "A week counts from",
        Unit.PERCENT,
        "Share of the highest week's demand; the last week that counts ends the demand.",
    ),
    "daily_cap": Wording(
        "New alerts a night",
        Unit.ALERTS,
        "A store hears of no more in one night, the most money first; the rest waits.",
    ),
    "high_units": Wording(
        "Much, in units", Unit.UNITS, "From so many units to be won on, an alert is one step more severe."
    ),
    "high_money": Wording(
        "Much, in money", Unit.MONEY, "From so much money to be won on, an alert is one step more severe."
    ),
    "urgent_days": Wording(
        "Soon", Unit.DAYS, "To be acted on within so many days makes an alert one step more severe."
    ),
    "exit_weeks_ahead": Wording("Before the exit", Unit.WEEKS, "An exit is told so long before it comes."),
    "exit_weeks_after": Wording(
        "After the exit", Unit.WEEKS, "And for so many weeks after it, while demand lasts."
    ),
    "floor_set_weeks_ahead": Wording(
        "Before the floor-set", Unit.WEEKS, "A floor-set is told so many weeks before it comes."
    ),
    "markdown_weeks_ahead": Wording(
        "Before the price cut", Unit.WEEKS, "A price cut is told so many weeks before it takes effect."
    ),
    "min_stockout_weeks": Wording(
        "Look ahead at least",
        Unit.WEEKS,
        "Stockouts are looked for over the lead time and a week, and never less than this.",
    ),
    "max_stockout_weeks": Wording(
        "Look ahead at most", Unit.WEEKS, "Nor more than this: further ahead says nothing about today."
    ),
    "core_share": Wording(
        "Core sizes make up",
        Unit.PERCENT,
        "The core sizes are the fewest that make up this share of a size run's demand.",
    ),
    "min_leftover_share": Wording(
        "Left over at least", Unit.PERCENT, "Of today's stock this share must be left at the exit."
    ),
    "phantom_weeks": Wording(
        "Missed at most", Unit.WEEKS, "Stock that is in the books only is taken to be missed so long at most."
    ),
    "asked_weeks": Wording("Requests count for", Unit.WEEKS, "What customers asked for so lately counts."),
    "min_asks": Wording("Who must have asked", Unit.CUSTOMERS, "So many customers must have asked for it."),
    "late_days": Wording("A feed is late after", Unit.DAYS, "When its newest day is older than this."),
    "note_weeks_ahead": Wording(
        "Before the exit", Unit.WEEKS, "The notes for the next buy are gathered from so many weeks before it."
    ),
}

GROUPS: Final = (
    Group(
        "Every rule",
        (),
        ("min_units", "min_money", "min_lost_share", "confidence", "keep_share", "material_week_share"),
    ),
    Group("What a store is told", (), ("daily_cap", "high_units", "high_money", "urgent_days")),
    Group(
        "Leaving the floor",
        ("exit_before_demand_ends", "stock_outlasts_season"),
        ("exit_weeks_ahead", "exit_weeks_after", "min_leftover_share"),
    ),
    Group("Coming to the floor", ("floor_set_after_demand_starts",), ("floor_set_weeks_ahead",)),
    Group("Price cuts", ("markdown_before_peak",), ("markdown_weeks_ahead",)),
    Group(
        "Running out",
        ("stockout_in_season", "broken_size_run"),
        ("min_stockout_weeks", "max_stockout_weeks", "core_share"),
    ),
    Group("What customers asked for", ("asked_not_found",), ("asked_weeks", "min_asks")),
    Group("Stock in the books only", ("phantom_stock",), ("phantom_weeks",)),
    Group("Feeds", ("feed_late",), ("late_days",)),
    Group("The next buy", (), ("note_weeks_ahead",)),
)

EVIDENCE: Final = {
    "observed": "Seen: it was on the shelf in these weeks",
    "requested": "Asked for by customers",
    "borrowed": "Borrowed from elsewhere",
}
"""Evidence that an alert may rest on, the strongest first, as it is chosen in a form."""


def shown(name: str, value: Any) -> str:
    """A threshold's value with its unit.

    >>> shown("min_lost_share", 0.1), shown("exit_weeks_ahead", 10), shown("min_units", 2.5)
    ('10 %', '10 weeks', '2.5 units')
    """
    unit = WORDINGS[name].unit
    if unit is Unit.EVIDENCE:
        return EVIDENCE[value]
    if unit is Unit.MONEY:
        exact = Decimal(str(value))
        return money(exact) if exact == exact.to_integral() else f"{here().currency_sign}{_figure(value)}"
    if unit is Unit.PERCENT:
        return f"{_figure(round(value * 100, _DIGITS))} %"
    one = str(unit).removesuffix("s")
    return count(value, one) if value == int(value) else f"{_figure(value)} {unit}"


def typed(name: str, value: Any) -> str:
    """A value as it stands in a form's field: shares in percent."""
    if value is None or isinstance(value, str):
        return value or ""
    if WORDINGS[name].unit is Unit.PERCENT:
        return f"{round(value * 100, 6):g}"
    return f"{value:g}" if abs(value) < 1e6 else str(value)  # noqa: PLR2004  # from there on :g counts in powers


def read(name: str, text: str) -> str | float | None:
    """What somebody has typed, as the policy takes it; None where the field was left empty.

    What is no number comes back as it is, for the policy to refuse it.

    >>> read("min_lost_share", "12,5"), read("min_units", " 4 "), read("min_units", "")
    (0.125, '4', None)
    """
    text = text.strip().replace(",", ".")
    if not text:
        return None
    if WORDINGS[name].unit is not Unit.PERCENT:
        return text
    try:
        return float(Decimal(text.removesuffix("%").strip()) / 100)
    except ArithmeticError:
        return text


def refusal(name: str, sentence: str) -> str:
    """Why a value cannot be taken, in the unit in which it was typed."""
    if name in WORDINGS and WORDINGS[name].unit is Unit.PERCENT:
        return "Give a number of percent between 0 and 100."
    return f"{sentence[:1].upper()}{sentence[1:]}".rstrip(".") + "."


def unit_told(name: str) -> str:
    """The unit beside a field."""
    unit = WORDINGS[name].unit
    return {Unit.MONEY: here().currency_sign, Unit.PERCENT: "%", Unit.EVIDENCE: ""}.get(unit, str(unit))


def labels(names: Sequence[str]) -> str:
    """Thresholds by their labels, for a line of history."""
    return ", ".join(WORDINGS[name].label for name in names)


def _figure(value: float) -> str:
    digits = next(n for n in range(_DIGITS + 1) if n == _DIGITS or round(value, n) == value)
    return number(value, digits)
