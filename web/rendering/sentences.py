"""An alert told in one sentence, a headline, how sure it is, and what can still be done by when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.records import Status
from forecaster.codes import FEED_LATE, MARKDOWN_BEFORE_PEAK, PHANTOM_STOCK, STOCK_OUTLASTS_SEASON
from web.rendering.details import Details
from web.rendering.rule_texts import (
    BESIDE_STORE,
    DRAFT,
    OWN_STORE,
    RULE_TEXTS,
    Subject,
    Voice,
    naming,
    rule_text,
    zone_name,
)
from web.rendering.words import count, day, days_away, listing, money, number, short_money, whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from data.records import Alert


__all__ = [
    "BESIDE_STORE",
    "OWN_STORE",
    "Confidence",
    "Standing",
    "Voice",
    "closing",
    "confidence",
    "customers",
    "deadline",
    "effort",
    "headline",
    "is_draft",
    "loss_name",
    "naming",
    "recovery",
    "remedies",
    "remedy",
    "rule_codes",
    "rule_name",
    "season_name",
    "sentence",
    "stake",
    "standing",
    "status_name",
    "tally",
    "turned_away",
    "when_lost",
    "why",
    "zone_name",
]

_LOSS_NAMES: Final = {STOCK_OUTLASTS_SEASON: "Left over", MARKDOWN_BEFORE_PEAK: "More at full price"}
# Fewer stores than this are one.
_HERE: Final = 1.005
# What has no selling window is wanted all year.
_ALL_YEAR: Final = "all-year"
# What these tell of is no customer whom a piece from elsewhere would serve.
_NOBODY_TO_SERVE: Final = frozenset({FEED_LATE, MARKDOWN_BEFORE_PEAK, PHANTOM_STOCK, STOCK_OUTLASTS_SEASON})
_STATUSES: Final = {
    Status.ACKNOWLEDGED: "Taken on",
    Status.SNOOZED: "Put off",
    Status.PENDING: "Waiting",
}
_STANDS: Final = {
    Status.OPEN: ("is open", "are open"),
    Status.ACKNOWLEDGED: ("is taken on", "are taken on"),
    Status.SNOOZED: ("is put off", "are put off"),
    Status.PENDING: ("waits for another night", "wait for another night"),
}


@dataclass(frozen=True)
class Standing:
    """The live alerts that somebody may see: how many of each status, and of all how many are frozen.

    An alert is frozen when the figures it rests on are late: nobody knows whether it is still so.
    """

    numbers: Mapping[Status, int]
    frozen: int = 0

    @property
    def total(self) -> int:
        """How many there are."""
        return sum(self.numbers.values())


@dataclass(frozen=True)
class Confidence:
    """How sure a forecast is: a few words for a card, a sentence for the page."""

    label: str
    sentence: str


_CONFIDENCE: Final = {
    "observed": Confidence(
        "observed here", "Observed: stores in this climate had it on the shelf in these weeks, and it sold."
    ),
    "borrowed": Confidence(
        "borrowed from elsewhere",
        "Borrowed: nobody in this climate had it on the shelf in these weeks; other zones and the "
        "temperature say that it is wanted.",
    ),
    "requested": Confidence(
        "asked for by customers",
        "Requested: nobody had it on the shelf in these weeks; customers who asked for it are all we know.",
    ),
    "unknown": Confidence(
        "unknown", "Unknown: nobody had it on the shelf in these weeks, and nobody can know yet."
    ),
}


def rule_name(rule: str) -> str:
    """What a rule finds, in words."""
    return rule_text(rule).name


def rule_codes() -> tuple[str, ...]:
    """The rules that have words of their own."""
    return tuple(RULE_TEXTS)


def confidence(evidence: str) -> Confidence:
    """How sure we are and why, for a label of evidence."""
    return _CONFIDENCE.get(evidence) or Confidence(evidence, f"Evidence: {evidence}.")


def headline(alert: Alert) -> str:
    """Style and what can still be done, in a few words; what is missed where nothing can."""
    it = Subject.of(alert)
    if alert.rule == FEED_LATE:
        return rule_name(alert.rule)
    if alert.rule == STOCK_OUTLASTS_SEASON:
        told = f"{number(it.units)} left over"
    elif alert.rule == MARKDOWN_BEFORE_PEAK:
        told = f"{number(it.units)} more at full price"
    elif it.winnable:
        told = f"{number(it.winnable)} can still be served"
    else:
        told = f"{number(it.units)} missed"
    return f"{it.name}: {told} {rule_text(alert.rule).when(it)}".rstrip()


def sentence(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """What customers will miss and what is there, in one sentence that begins with the style's name.

    Args:
        alert: The alert; its night is the day from which the sentence speaks.
        voice: To whom it is told.
    """
    return rule_text(alert.rule).sentence(Subject.of(alert, voice))


def why(alert: Alert) -> str:
    """What the alert rests on: the calendar or the stock held against what customers want."""
    return rule_text(alert.rule).why(Subject.of(alert))


def loss_name(alert: Alert) -> str:
    """What the alert's units are, over the figure: most are missed, some are left over."""
    return _LOSS_NAMES.get(alert.rule, "Missed")


def is_draft(alert: Alert) -> bool:
    """Whether it is about dates that are only proposed."""
    return Subject.of(alert).is_draft


def season_name(alert: Alert) -> str:
    """The season as it is said; blank for what has none."""
    if alert.rule == FEED_LATE or alert.season_code == _ALL_YEAR:
        return ""
    code = alert.season_code.removeprefix(DRAFT)
    return f"{code}, draft" if is_draft(alert) else code


def when_lost(alert: Alert) -> str:
    """How the loss divides by time; blank where it all falls into one."""
    details = Details.of(alert)
    parts = (
        (details.before_units, "before the floor-set"),
        (details.in_season_units, "in season"),
        (details.after_units, "after the exit"),
    )
    told = [f"{number(whole(units))} {when}" for units, when in parts if round(units) >= 1]
    return f"Of these, {listing(told)}." if len(told) > 1 else ""


def remedies(alert: Alert) -> str:
    """What is left to be done about the loss: stock the chain owns, an order, or the next buy."""
    if alert.rule in _NOBODY_TO_SERVE:
        return ""
    parts = (
        (alert.recoverable_units, "from stock the chain owns"),
        (alert.reorderable_units, "by an order placed now"),
        (alert.next_buy_units, "only by the next buy"),
    )
    told = [f"{number(whole(units))} {how}" for units, how in parts if round(units) >= 1]
    return f"To be served: {listing(told)}." if told else ""


def turned_away(customers: float) -> str:
    """How many customers will leave without what they came for this week, as a page's first line.

    >>> turned_away(14.2)
    '14 customers will leave without what they came for this week'
    >>> turned_away(0.0)
    'Nobody is expected to leave without what they came for this week'
    """
    if customers <= 0:
        return "Nobody is expected to leave without what they came for this week"
    return f"{count(whole(customers), 'customer')} will leave without what they came for this week"


def customers(alert: Alert) -> str:
    """How many people the loss is, when some of them find another style that fits; blank when it is all."""
    people, units = whole(alert.customers_lost), whole(alert.units_lost)
    if not people or people >= units:
        return ""
    return (
        f"{count(people, 'customer leaves', 'customers leave')} with nothing; the others take another style."
    )


def effort(alert: Alert) -> str:
    """How far a customer goes for the size, now and once the proposed moves are made; blank if unknown."""
    told = Details.of(alert).effort
    if not told.number("stores"):
        return ""
    if told.number("stores") < _HERE and told.number("found") > 1 / _HERE:
        return "Today customers find their size here."
    now = _way(told.number("stores"), told.number("miles"), told.number("found"))
    if not told.number("stores_after"):
        return f"To find their size, customers go {now}."
    later = _way(told.number("stores_after"), told.number("miles_after"), told.number("found_after"))
    if now == later:
        return f"To find their size, customers go {now}; the proposed transfers change nothing of that."
    return f"To find their size, customers go {now}; with the proposed transfers, {later}."


def _way(stores: float, miles: float, found: float) -> str:
    """Stores and miles of an average customer, and how many look in vain."""
    vain = round(100 * (1 - found))
    told = f"to {number(stores, 1)} stores and {number(miles)} {'mile' if round(miles) == 1 else 'miles'}"
    return f"{told}, and {vain}% look in vain" if vain else told


def status_name(status: Status) -> str:
    """A status in a word or two."""
    return _STATUSES.get(status) or status.capitalize()


def standing(alerts: Standing) -> str:
    """How many alerts there are of each status, and how many of them are frozen, as a sentence."""
    told = [
        f"{number(alike)} {words[alike != 1]}"
        for status, words in _STANDS.items()
        if (alike := alerts.numbers.get(status, 0))
    ]
    late = f"the figures of {number(alerts.frozen)} of them are late, so nobody knows whether it is still so"
    return f"{listing(told)}{f'; {late}' if alerts.frozen else ''}."


def closing(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """Why an alert is over, and what it was about: only one that is resolved has recovered."""
    if alert.status is Status.RESOLVED:
        return recovery(alert, voice)
    why_over = "its season is over" if alert.status is Status.EXPIRED else f"it is {alert.status}"
    missed = whole(alert.units_lost)
    return f"{Details.of(alert).style_name}: {why_over}; {number(missed)} were expected to be missed."


def recovery(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """That a resolved alert is over, and what it was about."""
    it = Subject.of(alert, voice)
    return f"{it.name}: {rule_text(alert.rule).over(it)}."


def deadline(act_by: date | None, today: date) -> str:
    """The last day an action helps, seen from today; blank where none is known."""
    if act_by is None:
        return ""
    if act_by < today:
        return f"The last day to act was {day(act_by, today)}"
    return f"Act by {day(act_by, today)} ({days_away(act_by, today)})"


def remedy(alert: Alert, today: date, voice: Voice = OWN_STORE) -> str:
    """What can still be done, as a sentence; how much of it the chain's own stock could meet.

    Args:
        alert: The alert.
        today: The day on which it is read.
        voice: To whom it is told: a store asks for what a merchandiser does.
    """
    missed = whole(alert.units_lost)
    served = min(round(alert.recoverable_units), missed)
    if alert.act_by is not None and alert.act_by < today:
        return "The day to act has passed; this is a lesson for the next season."
    step = rule_text(alert.rule).step(Subject.of(alert, voice))
    if not served or alert.rule in _NOBODY_TO_SERVE:
        return step
    of_them = "all of them" if served == missed else f"{number(served)} of them"
    return f"{step} Stock the chain already owns could serve {of_them}."


def tally(units: float, amount: Decimal) -> str:
    """Units and money at risk, as in a subject line; without money where no price is known."""
    told = count(whole(units), "unit")
    return f"{told}, {short_money(amount)} at risk" if amount > 0 else f"{told} at risk"


def stake(alert: Alert) -> str:
    """Units and money missed, exactly."""
    units = count(whole(alert.units_lost), "unit")
    return f"{units}, {money(alert.money_lost)}" if alert.money_lost > 0 else units
