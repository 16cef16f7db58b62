"""An alert told in one sentence, a headline, how sure it is, and what can still be done by when."""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.records import Status
from forecaster.codes import EXIT_BEFORE_DEMAND_ENDS, STOCKOUT_IN_SEASON
from web.rendering.details import Details
from web.rendering.words import count, day, days_away, listing, money, short_money, whole

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from data.records import Alert


_RULES: Final = {
    EXIT_BEFORE_DEMAND_ENDS: "Leaves the floor too early",
    STOCKOUT_IN_SEASON: "Sells out in season",
}
_NAMED_SIZES: Final = 3
# Most programs show no more of a subject, and the records hold less than two long store names would make.
LONGEST_SUBJECT: Final = 150

_STATUSES: Final = {Status.ACKNOWLEDGED: "Taken on"}
_STANDS: Final = {
    Status.OPEN: ("is open", "are open"),
    Status.ACKNOWLEDGED: ("is taken on", "are taken on"),
    Status.SNOOZED: ("is put off", "are put off"),
    Status.PENDING: ("waits for another night", "wait for another night"),
}


@dataclass(frozen=True)
class Voice:
    """To whom an alert is told: where its customers are, and who holds the stock."""

    place: str
    holder: str


OWN_STORE: Final = Voice("here", "you hold")
# For a line that stands beside the store's name.
BESIDE_STORE: Final = Voice("here", "the store holds")


def naming(store_name: str) -> Voice:
    """For a line that stands alone and must name its store."""
    return Voice(f"of {store_name}", "the store holds")


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
    return _RULES.get(rule) or rule.replace("_", " ").capitalize()


def rule_codes() -> tuple[str, ...]:
    """The rules that have words of their own."""
    return tuple(_RULES)


def confidence(evidence: str) -> Confidence:
    """How sure we are and why, for a label of evidence."""
    return _CONFIDENCE.get(evidence) or Confidence(evidence, f"Evidence: {evidence}.")


def headline(alert: Alert) -> str:
    """Style and what is missed, in a few words."""
    details = Details.of(alert)
    missed = f"{whole(alert.units_lost):,} missed"
    if alert.rule == EXIT_BEFORE_DEMAND_ENDS and details.exit:
        return f"{details.style_name}: {missed} after {day(details.exit, alert.evaluated_on)}"
    if alert.rule == STOCKOUT_IN_SEASON:
        return f"{details.style_name}: {missed} in season"
    return f"{details.style_name}: {missed}"


def sentence(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """What customers will miss and what is there, in one sentence that begins with the style's name.

    Args:
        alert: The alert; its night is the day from which the sentence speaks.
        voice: To whom it is told.
    """
    details = Details.of(alert)
    if alert.rule == EXIT_BEFORE_DEMAND_ENDS and details.exit:
        return _exit_sentence(alert, details, details.exit, voice)
    if alert.rule == STOCKOUT_IN_SEASON:
        return _stockout_sentence(alert, details, voice)
    return (
        f"{details.style_name}: customers {voice.place} will miss {whole(alert.units_lost):,}; "
        f"{_holding(details, voice)}."
    )


def why(alert: Alert) -> str:
    """What the alert rests on: the calendar or the stock held against what customers want."""
    details, night = Details.of(alert), alert.evaluated_on
    if alert.rule == EXIT_BEFORE_DEMAND_ENDS and details.exit:
        told = f"The calendar takes it off the floor on {day(details.exit, night)}"
        if alert.demand_ends and alert.demand_ends > details.exit:
            weeks = count(max(1, round((alert.demand_ends - details.exit).days / 7)), "week")
            told += f"; customers here want it until {day(alert.demand_ends, night)}, {weeks} longer"
        wanted = max(whole(details.demand_units), whole(alert.units_lost))
        return f"{told}. Of the {wanted:,} still wanted, {whole(alert.units_lost):,} will not be met."
    if alert.rule == STOCKOUT_IN_SEASON:
        told = f"Customers want {whole(details.demand_units):,} {_period(alert, details)}"
        there = f"{details.on_hand + details.in_transit:,} of these sizes are here or on their way"
        first = (
            f" The first is missed in the week of {day(details.first_week, night)}."
            if details.first_week
            else ""
        )
        return f"{told}; {there}.{first}"
    return details.reason


def status_name(status: Status) -> str:
    """A status in a word or two."""
    return _STATUSES.get(status) or status.capitalize()


def standing(alerts: Standing) -> str:
    """How many alerts there are of each status, and how many of them are frozen, as a sentence."""
    told = [
        f"{number:,} {words[number != 1]}"
        for status, words in _STANDS.items()
        if (number := alerts.numbers.get(status, 0))
    ]
    late = f"the figures of {alerts.frozen:,} of them are late, so nobody knows whether it is still so"
    return f"{listing(told)}{f'; {late}' if alerts.frozen else ''}."


def closing(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """Why an alert is over, and what it was about: only one that is resolved has recovered."""
    if alert.status is Status.RESOLVED:
        return recovery(alert, voice)
    why_over = "its season is over" if alert.status is Status.EXPIRED else f"it is {alert.status}"
    missed = whole(alert.units_lost)
    return f"{Details.of(alert).style_name}: {why_over}; {missed:,} were expected to be missed."


def recovery(alert: Alert, voice: Voice = OWN_STORE) -> str:
    """That a resolved alert is over, and what it was about."""
    missed = whole(alert.units_lost)
    return (
        f"{Details.of(alert).style_name}: nobody {voice.place} is expected to miss it any more; "
        f"the last night said {missed:,}."
    )


def deadline(act_by: date | None, today: date) -> str:
    """The last day an action helps, seen from today; blank where none is known."""
    if act_by is None:
        return ""
    if act_by < today:
        return f"The last day to act was {day(act_by, today)}"
    return f"Act by {day(act_by, today)} ({days_away(act_by, today)})"


def remedy(alert: Alert, today: date) -> str:
    """What can still be done, as a sentence; how much of it the chain's own stock could meet."""
    missed, served = whole(alert.units_lost), min(whole(alert.recoverable_units), whole(alert.units_lost))
    if alert.act_by is not None and alert.act_by < today:
        return "The day to act has passed; this is a lesson for the next season."
    step = _step(alert)
    if not served:
        return step
    of_them = "all of them" if served == missed else f"{served:,} of them"
    return f"{step} Stock the chain already owns could serve {of_them}."


def tally(units: float, amount: Decimal) -> str:
    """Units and money at risk, as in a subject line; without money where no price is known."""
    told = count(whole(units), "unit")
    return f"{told}, {short_money(amount)} at risk" if amount > 0 else f"{told} at risk"


def subject(
    *, new: int, units: float, amount: Decimal, recovered: int = 0, places: Sequence[str] = ()
) -> str:
    """The subject of a digest.

    Args:
        new: Alerts that opened that night.
        units: Units at risk over all open alerts.
        amount: Money at risk over all open alerts, at regular price.
        recovered: Alerts that were resolved that night.
        places: Names of the person's stores, or whatever the mail is about.

    Returns:
        One line of at most `LONGEST_SUBJECT` characters.
    """
    news = [f"{new:,} new"] if new else []
    news += [f"{recovered:,} recovered"] if recovered else []
    told = ", ".join([*(news or ["nothing new"]), *([tally(units, amount)] if units > 0 else [])])
    if not places:
        return _one_line(told)
    more = len(places) - 1
    where = places[0] if not more else listing(places) if more == 1 else f"{places[0]} and {more} more stores"
    return _one_line(f"{told}: {where}")


def stake(alert: Alert) -> str:
    """Units and money missed, exactly."""
    units = count(whole(alert.units_lost), "unit")
    return f"{units}, {money(alert.money_lost)}" if alert.money_lost > 0 else units


def _one_line(text: str) -> str:
    """Text as a mail's header takes it: no control characters, single spaces, and no longer than is shown."""
    printable = "".join(" " if unicodedata.category(letter) == "Cc" else letter for letter in text)
    line = " ".join(printable.split())
    return line if len(line) <= LONGEST_SUBJECT else f"{line[: LONGEST_SUBJECT - 1].rstrip()}…"


def _exit_sentence(alert: Alert, details: Details, leaves: date, voice: Voice) -> str:
    night = alert.evaluated_on
    until = f" by {day(alert.demand_ends, night)}" if alert.demand_ends else ""
    gone = leaves < night
    verb, wish = ("left", "still want") if gone else ("will leave", "want")
    units = whole(alert.units_lost)
    amount = f"{units:,}" if gone else f"{units:,} more"
    return (
        f"{details.style_name} {verb} the floor on {day(leaves, night)}; "
        f"customers {voice.place} {wish} {amount}{until}; {_holding(details, voice)}."
    )


def _stockout_sentence(alert: Alert, details: Details, voice: Voice) -> str:
    wanted = whole(details.demand_units or alert.units_lost)
    customers = "customers" if voice is OWN_STORE else f"customers {voice.place}"
    told = f"{customers} want {wanted:,} {_period(alert, details)}, {_holding(details, voice, gaps=False)}"
    if details.on_hand + details.in_transit <= 0:
        return f"{details.style_name} cannot be had: {told}."
    first = [size.name for size in sorted(details.size_run, key=lambda size: -size.lost) if size.lost > 0]
    if not first or len(details.size_run) == 1:
        return f"{details.style_name} will sell out: {told}."
    run = f"{listing(first[:2])} {'run' if first[1:] else 'runs'} out first"
    return f"{details.style_name} will sell out: {told}; {run}."


def _period(alert: Alert, details: Details) -> str:
    if details.horizon_ends and details.horizon_ends > alert.evaluated_on:
        weeks = math.ceil((details.horizon_ends - alert.evaluated_on).days / 7)
        return "in the next week" if weeks == 1 else f"in the next {weeks} weeks"
    if alert.demand_ends and alert.demand_ends > alert.evaluated_on:
        return f"by {day(alert.demand_ends, alert.evaluated_on)}"
    return "now"


def _holding(details: Details, voice: Voice, *, gaps: bool = True) -> str:
    told = f"{voice.holder} {f'{details.on_hand:,}' if details.on_hand > 0 else 'none'}"
    if details.in_transit > 0:
        told += f" and {details.in_transit:,} {'is' if details.in_transit == 1 else 'are'} coming"
    if not gaps or details.on_hand <= 0:
        return told
    missing = sorted((size for size in details.size_run if size.is_missing), key=lambda size: -size.demand)
    if not missing:
        return told
    # The sizes most wanted are named, in the order of the size run.
    named = {size.name for size in missing[:_NAMED_SIZES]}
    return f"{told}, none in {listing([size.name for size in details.size_run if size.name in named], 'or')}"


def _step(alert: Alert) -> str:
    details = Details.of(alert)
    if alert.rule == EXIT_BEFORE_DEMAND_ENDS and details.exit:
        if details.exit < alert.evaluated_on:
            return "Ask the merchandiser to bring it back to the floor while customers still want it."
        return f"Ask the merchandiser to keep it on the floor after {day(details.exit, alert.evaluated_on)}."
    if alert.rule == STOCKOUT_IN_SEASON:
        first = sorted((size for size in details.size_run if size.lost > 0), key=lambda size: -size.lost)
        named = (
            f", {listing([size.name for size in first[:2]])} first"
            if len(details.size_run) > 1 and first
            else ""
        )
        return f"Ask for a refill{named}."
    return "Talk to the merchandiser about it."
