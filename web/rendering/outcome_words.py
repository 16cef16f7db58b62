"""Outcomes in words: how many alerts were right, what was won, and how much a figure can bear."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Final

from forecaster.codes import ASKED_NOT_FOUND, FEED_LATE, MARKDOWN_BEFORE_PEAK, STOCK_OUTLASTS_SEASON
from forecaster.codes import OutcomeVerdict as Verdict
from web.rendering.words import count, day, listing, money, number

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from data.outcomes.effort import Effort
    from data.outcomes.tallies import Tally
    from data.records import AlertOutcome, DismissReason

ENOUGH: Final = 10
"""Of fewer alerts or losses no share is told."""

_VERDICTS: Final = {
    Verdict.HAPPENED: "It happened",
    Verdict.AVERTED: "Averted",
    Verdict.DID_NOT_HAPPEN: "Did not happen",
    Verdict.CANNOT_TELL: "Nobody can tell",
}
_UNITS_THAT: Final = {
    STOCK_OUTLASTS_SEASON: ("was left over", "were left over"),
    MARKDOWN_BEFORE_PEAK: ("was sold below full price", "were sold below full price"),
    ASKED_NOT_FOUND: ("was asked for again", "were asked for again"),
}
_MISSED: Final = ("was missed", "were missed")
_BASIS: Final = {
    "shelves": "by what the store's own shelves sold",
    "witnesses": "by shelves elsewhere in its climate and by customers who asked",
    "no_figures": "the store sent no figures of those weeks",
    "no_witness": "nobody nearby had it on the shelf, and no customer who asked was written down",
}


def verdict_name(verdict: str) -> str:
    """A verdict in a word or two."""
    return _VERDICTS[Verdict(verdict)]


def share_right(tally: Tally) -> str:
    """How many of the alerts were right.

    >>> from data.outcomes.tallies import Tally
    >>> share_right(Tally(happened=40, averted=5, did_not_happen=7)), share_right(Tally(happened=3))
    ('45 of 52', 'too few to tell: 3 alerts')
    """
    if not tally.told:
        return "nobody can tell" if tally.judged else "none judged"
    if tally.told < ENOUGH:
        return _too_few(tally.told, "alert")
    return f"{number(tally.right)} of {number(tally.told)}"


def share_foretold(tally: Tally) -> str:
    """How many of the losses that came had been foretold; blank where none were looked for."""
    if not tally.losses:
        return ""
    if tally.losses < ENOUGH:
        return _too_few(tally.losses, "loss", "losses")
    return f"{number(tally.foretold)} of {number(tally.losses)}"


def ahead(tally: Tally) -> str:
    """How long before the first loss people were told; blank where nothing was lost.

    >>> from data.outcomes.tallies import Tally
    >>> ahead(Tally(leads=12, lead_days=120)), ahead(Tally(leads=10, lead_days=-20))
    ('10 days ahead', '2 days late')
    """
    days = tally.days_ahead
    if days is None:
        return ""
    if tally.leads < ENOUGH:
        return _too_few(tally.leads, "alert")
    if round(days) == 0:
        return "on the day itself"
    return f"{count(abs(days), 'day')} {'ahead' if days > 0 else 'late'}"


def headline(tally: Tally) -> str:
    """What a page of outcomes says first."""
    if not tally.judged:
        return "No alert was judged in these weeks"
    if not tally.told:
        return f"Nobody can tell of {count(tally.judged, 'alert')}"
    if tally.told < ENOUGH:
        return _too_few(tally.told, "alert").capitalize()
    return f"{number(tally.right)} of {count(tally.told, 'alert')} were right"


def summary(tally: Tally) -> str:
    """What became of the alerts, in a sentence or two; blank where none was judged."""
    if not tally.judged:
        return ""
    parts = [
        (tally.happened, "came true"),
        (tally.averted, f"{_was(tally.averted)} averted by what somebody did"),
        (tally.did_not_happen, "did not come true"),
    ]
    told = listing([f"{number(n)} {what}" for n, what in parts if n])
    known = f"Of {count(tally.told, 'alert')} whose time is over, {told}." if tally.told else ""
    unknown = (
        f"Of {number(tally.cannot_tell)}{' more' if known else ''} nobody can tell."
        if tally.cannot_tell
        else ""
    )
    return f"{known} {unknown}".strip()


def missed(tally: Tally) -> str:
    """The losses that nobody was told of, as a sentence; blank where there were none."""
    if not tally.missed:
        return ""
    came = "loss came" if tally.missed == 1 else "losses came"
    worth = _worth(tally.units_missed, tally.money_missed)
    return f"{number(tally.missed)} {came} that no alert spoke of: {worth}."


def won(tally: Tally) -> str:
    """What was sold because somebody acted."""
    if not tally.units_recovered:
        return "Nothing was won back in these weeks."
    return f"{_worth(tally.units_recovered, tally.money_recovered)} won back by what people did."


def customers(tally: Tally) -> str:
    """Customers turned away and won back, in one sentence."""
    away = tally.customers_turned_away
    if round(away) == 0:
        return "No customer is known to have been turned away in these weeks."
    told = f"{count(away, 'customer')} {_was(away)} turned away"
    back, lost = round(tally.customers_recovered), round(tally.customers_lost)
    if not back:
        return f"{told}; none of them {_was(1)} won back."
    return f"{told}: {number(back)} won back by what people did, {number(lost)} lost."


def way(effort: Effort) -> str:
    """Stores and miles of an average customer, and how many look in vain."""
    miles = "mile" if round(effort.miles) == 1 else "miles"
    told = f"to {number(effort.stores, 1)} stores and {number(effort.miles)} {miles}"
    vain = round(100 * (1 - effort.found))
    return f"{told}; {vain} of 100 look in vain" if vain else told


def effort(nights: Mapping[date, Effort], today: date) -> str:
    """How far customers go now, and how far they went at the beginning; blank where no night has looked."""
    if not nights:
        return ""
    first, last = min(nights), max(nights)
    now = f"To find their size, customers now go {way(nights[last])}."
    if first == last:
        return now
    before = way(nights[first])
    if before == way(nights[last]):
        return f"{now} It was the same on {day(first, today)}."
    return f"{now} On {day(first, today)} it was {before.removeprefix('to ')}."


def dismissed(numbers: Mapping[DismissReason, int], reasons: Mapping[DismissReason, str]) -> str:
    """How many alerts people wanted to hear no more of, and why."""
    total = sum(numbers.values())
    if not total:
        return "No alert was dismissed in these weeks."
    told = [f"{number(numbers[why])} as “{text}”" for why, text in reasons.items() if numbers.get(why)]
    return f"{count(total, 'alert')} {_was(total)} dismissed: {listing(told)}."


def changes(number_measured: int, better: int, worse: int) -> str:
    """What became of the changes that people made to the forecast."""
    if not number_measured:
        return "No change that people made to the forecast in these weeks has been measured yet."
    same = number_measured - better - worse
    parts = ((better, "closer to what was sold"), (worse, "farther from it"), (same, "neither"))
    brought = listing([f"{number(n)} {where}" for n, where in parts if n])
    changed = count(number_measured, "change")
    return f"Of {changed} that people made to the forecast, measured after the fact: {brought}."


def told(outcome: AlertOutcome, today: date) -> str:
    """What became of one alert, as a sentence that says what it rests on."""
    verdict = Verdict(outcome.verdict)
    why = _parts(outcome.reason)
    if verdict is Verdict.CANNOT_TELL:
        return f"Nobody can tell: {_BASIS.get(why.get('by', ''), 'nothing shows it')}."
    if outcome.rule == FEED_LATE:
        return (
            "It happened: the figures were lacking." if verdict is Verdict.HAPPENED else "It did not happen."
        )
    lost = _lost(outcome)
    back = _worth(outcome.units_recovered, outcome.money_recovered)
    basis = _BASIS.get(why.get("by", ""), "")
    judged = f" Judged {basis}." if basis else ""
    if verdict is Verdict.AVERTED:
        left = f"; {lost} all the same" if round(outcome.units_happened) else ""
        return (
            f"Averted: what people did sold {_worth(outcome.units_recovered, outcome.money_recovered)}{left}."
        )
    if verdict is Verdict.DID_NOT_HAPPEN:
        return f"It did not happen: {lost}, too little to count.{judged}"
    won_back = f" {back} won back by what people did." if round(outcome.units_recovered) else ""
    return f"It happened: {lost}{_when(outcome, why, today)}.{won_back}{judged}"


def _lost(outcome: AlertOutcome) -> str:
    one, many = _UNITS_THAT.get(outcome.rule, _MISSED)
    if not round(outcome.units_happened):
        return f"nothing {one}"
    worth = _worth(outcome.units_happened, outcome.money_happened)
    return f"{worth} {one if round(outcome.units_happened) == 1 else many}"


def _when(outcome: AlertOutcome, why: Mapping[str, str], today: date) -> str:
    """From which day on, and how long after the telling."""
    try:
        first = date.fromisoformat(why.get("first", ""))
    except ValueError:
        return ""
    told = f", from {day(first, today)} on"
    if outcome.lead_days is None:
        return told
    if outcome.lead_days == 0:
        return f"{told}, the day people were told"
    if outcome.lead_days < 0:
        return f"{told}, {count(-outcome.lead_days, 'day')} before people were told"
    return f"{told}, {count(outcome.lead_days, 'day')} after people were told"


def _parts(reason: str) -> dict[str, str]:
    """The facts behind a verdict, by name."""
    facts = reason.partition(":")[2].split(";")
    return dict(fact.split("=", 1) for fact in facts if "=" in fact)


def _worth(units: float, amount: Decimal) -> str:
    """Units, and their money where a price is known."""
    told = count(max(round(units), 1), "unit")
    return f"{told} ({money(amount)})" if amount > 0 else told


def _was(n: float) -> str:
    return "was" if round(n) == 1 else "were"


def _too_few(n: int, one: str, many: str | None = None) -> str:
    return f"too few to tell: {count(n, one, many)}"
