"""How each rule speaks: its name, its sentence, what it rests on, and the step it asks for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from data.records import Scope
from forecaster.codes import (
    ASKED_NOT_FOUND,
    BROKEN_SIZE_RUN,
    EXIT_BEFORE_DEMAND_ENDS,
    FEED_LATE,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
    PHANTOM_STOCK,
    STOCK_OUTLASTS_SEASON,
    STOCKOUT_IN_SEASON,
)
from web.rendering.details import Details
from web.rendering.words import count, day, listing, money, number, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from data.records import Alert
    from web.rendering.details import Size

DRAFT: Final = "draft:"
"""What the season of an alert begins with when it is about a draft calendar."""

_NAMED_SIZES: Final = 3


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
class Subject:
    """What a text is about: an alert, its details, and to whom it is told."""

    alert: Alert
    details: Details
    voice: Voice

    @classmethod
    def of(cls, alert: Alert, voice: Voice = OWN_STORE) -> Subject:
        """The subject of an alert; a zone's alert speaks of its stores, whoever reads it."""
        details = Details.of(alert)
        if alert.scope is Scope.ZONE:
            stores = count(max(1, details.figures.number("stores")), "store")
            voice = Voice(f"of {stores} in {zone_name(alert.climate_zone)}", "they hold")
        elif alert.scope is Scope.CHAIN:
            stores = count(max(1, details.figures.number("stores")), "store")
            voice = Voice(f"of {stores}", "the chain holds")
        return cls(alert, details, voice)

    @property
    def name(self) -> str:
        """The style's name, or the category's."""
        return self.details.style_name

    @property
    def night(self) -> date:
        """The day from which a sentence speaks."""
        return self.alert.evaluated_on

    @property
    def units(self) -> int:
        """Units that will be missed."""
        return whole(self.alert.units_lost)

    @property
    def winnable(self) -> int:
        """Units that can still be served."""
        return min(self.units, whole(self.alert.winnable_units))

    def said(self, value: date | None) -> str:
        """A day as it is said that night."""
        return day(value, self.night) if value else "an unknown day"

    @property
    def is_draft(self) -> bool:
        """Whether it is about dates that are only proposed: nothing has been bought for them yet."""
        return self.alert.season_code.startswith(DRAFT)

    @property
    def dates_of(self) -> str:
        """Whose dates they are, after a date; blank for the calendar in force."""
        return " by the draft calendar" if self.is_draft else ""

    @property
    def ending(self) -> str:
        """How a sentence about dates ends: with what is there, if anything can be."""
        return "" if self.is_draft else f"; {self.holding}"

    @property
    def holding(self) -> str:
        """What is there and on its way, and which sizes are not."""
        told = self.held
        if self.details.on_hand <= 0:
            return told
        missing = sorted((size for size in self.details.size_run if size.is_missing), key=_by_demand)
        return f"{told}, none in {self._in_run(missing[:_NAMED_SIZES], 'or')}" if missing else told

    @property
    def first_to_go(self) -> list[str]:
        """The sizes of which most is missed, at most two."""
        lost = [size for size in self.details.size_run if size.lost > 0]
        return [size.name for size in sorted(lost, key=lambda size: -size.lost)[:2]]

    @property
    def gone(self) -> str:
        """The most wanted sizes that are not there, in the order of the run."""
        missing = sorted((size for size in self.details.size_run if size.is_missing), key=_by_demand)
        return self._in_run(missing[:_NAMED_SIZES], "or") or "some sizes"

    @property
    def period(self) -> str:
        """Until when a loss is looked at."""
        ends, horizon = self.alert.demand_ends, self.details.horizon_ends
        if horizon and horizon > self.night:
            weeks = math.ceil((horizon - self.night).days / 7)
            return "in the next week" if weeks == 1 else f"in the next {weeks} weeks"
        return f"by {self.said(ends)}" if ends and ends > self.night else "now"

    @property
    def held(self) -> str:
        """What is there and on its way."""
        there, coming = self.details.on_hand, self.details.in_transit
        told = f"{self.voice.holder} {number(there) if there > 0 else 'none'}"
        return f"{told} and {number(coming)} {'is' if coming == 1 else 'are'} coming" if coming > 0 else told

    def _in_run(self, sizes: Sequence[Size], last: str) -> str:
        named = {size.name for size in sizes}
        return listing([size.name for size in self.details.size_run if size.name in named], last)


@dataclass(frozen=True)
class RuleText:
    """How one rule speaks.

    `name`: what happens, in a few words. `when`: the end of a headline ("after 5 July"). `sentence`: what
    customers will miss and what is there, beginning with the style's name. `why`: what it rests on. `step`:
    what to do when nothing better is worked out. `over`: that it is over.
    """

    name: str
    when: Callable[[Subject], str]
    sentence: Callable[[Subject], str]
    why: Callable[[Subject], str]
    step: Callable[[Subject], str]
    over: Callable[[Subject], str]


def zone_name(zone: str) -> str:
    """A climate zone as it is said."""
    return f"the {zone.replace('_', ' ')} zone" if zone else "the chain"


def rule_text(rule: str) -> RuleText:
    """How a rule speaks; one that is not known here speaks in general."""
    return RULE_TEXTS.get(rule) or RuleText(
        name=rule.replace("_", " ").capitalize(),
        when=lambda _: "",
        sentence=_in_general,
        why=lambda it: it.details.reason,
        step=lambda _: "Talk to the merchandiser about it.",
        over=_nobody_misses,
    )


def _in_general(it: Subject) -> str:
    return f"{it.name}: customers {it.voice.place} will miss {number(it.units)}; {it.holding}."


def _nobody_misses(it: Subject) -> str:
    return f"nobody {it.voice.place} is expected to miss it any more; the last night said {number(it.units)}"


def _by_demand(size: Size) -> float:
    return -size.demand


def _exit_sentence(it: Subject) -> str:
    leaves = it.details.exit
    if leaves is None:
        return _in_general(it)
    until = f" by {it.said(it.alert.demand_ends)}" if it.alert.demand_ends else ""
    gone = leaves < it.night
    verb, wish = ("left", "still want") if gone else ("will leave", "want")
    amount = number(it.units) if gone else f"{number(it.units)} more"
    wanted = f"customers {it.voice.place} {wish} {amount}{until}"
    return f"{it.name} {verb} the floor on {it.said(leaves)}{it.dates_of}; {wanted}{it.ending}."


def _calendar(it: Subject) -> str:
    return "The draft calendar" if it.is_draft else "The calendar"


def _exit_why(it: Subject) -> str:
    leaves, ends = it.details.exit, it.alert.demand_ends
    told = f"{_calendar(it)} takes it off the floor on {it.said(leaves)}"
    if leaves and ends and ends > leaves:
        weeks = count(max(1, round((ends - leaves).days / 7)), "week")
        told += f"; customers here want it until {it.said(ends)}, {weeks} longer"
    wanted = max(whole(it.details.demand_units), it.units)
    return f"{told}. Of the {number(wanted)} still wanted, {number(it.units)} will not be met."


def _exit_step(it: Subject) -> str:
    if it.details.exit and it.details.exit < it.night:
        return _decided(it, "bring it back to the floor while customers still want it")
    return _decided(it, f"keep it on the floor after {it.said(it.details.exit)}")


def _decided(it: Subject, step: str) -> str:
    """A step that the merchandiser takes and a store asks for."""
    return f"Ask the merchandiser to {step}." if it.voice is OWN_STORE else f"{step[:1].upper()}{step[1:]}."


def _floor_set_sentence(it: Subject) -> str:
    return (
        f"{it.name} will come to the floor on {it.said(it.details.floor_set)}{it.dates_of}; "
        f"customers {it.voice.place} "
        f"want {number(it.units)} before that{it.ending}."
    )


def _floor_set_why(it: Subject) -> str:
    first = it.details.first_week
    asked = (
        f"customers here begin to want it in the week of {it.said(first)}"
        if first
        else "customers come first"
    )
    return f"{_calendar(it)} brings it to the floor on {it.said(it.details.floor_set)}; {asked}."


def _stockout_sentence(it: Subject) -> str:
    wanted = whole(it.details.demand_units or it.alert.units_lost)
    customers = "customers" if it.voice is OWN_STORE else f"customers {it.voice.place}"
    told = f"{customers} want {number(wanted)} {it.period}, {it.held}"
    if it.details.on_hand + it.details.in_transit <= 0:
        return f"{it.name} cannot be had: {told}."
    first = it.first_to_go
    if not first or len(it.details.size_run) == 1:
        return f"{it.name} will sell out: {told}."
    return f"{it.name} will sell out: {told}; {listing(first)} {'run' if first[1:] else 'runs'} out first."


def _stockout_why(it: Subject) -> str:
    told = f"Customers want {number(whole(it.details.demand_units))} {it.period}"
    there = f"{number(it.details.on_hand + it.details.in_transit)} of these sizes are here or on their way"
    first = it.details.first_week
    return f"{told}; {there}." + (f" The first is missed in the week of {it.said(first)}." if first else "")


def _refill(it: Subject) -> str:
    first = it.first_to_go
    named = f", {listing(first)} first" if len(it.details.size_run) > 1 and first else ""
    return f"Ask for a refill{named}."


def _broken_sentence(it: Subject) -> str:
    wanted = whole(it.details.demand_units or it.alert.units_lost)
    return (
        f"{it.name} hangs without {it.gone}, the sizes most wanted; customers {it.voice.place} want "
        f"{number(wanted)} of what is missing {it.period}; {it.held}."
    )


def _broken_why(it: Subject) -> str:
    wanted = f"{number(whole(it.details.demand_units))} wanted {it.period}"
    return (
        "The core of its size run is gone while other sizes hang on: "
        f"of the {wanted} in these sizes, {number(it.units)} will not be found."
    )


def _cut_sentence(it: Subject) -> str:
    cut, peak = it.details.figures.day("first_markdown"), it.details.figures.day("peak_week")
    most = f"most in the week of {it.said(peak)}" if peak else "longer"
    wanted = f"customers {it.voice.place} want it {most}"
    return (
        f"{it.name} will be cut in price on {it.said(cut)}{it.dates_of}, and {wanted}; "
        f"{number(it.units)} more would sell at full price{it.ending}."
    )


def _cut_why(it: Subject) -> str:
    weeks = it.details.figures.number("plan_weeks")
    wait = f"{count(weeks, 'week')} later" if weeks else "until the peak is over"
    margin = it.alert.margin_lost
    gain = f" earns {money(margin)} more" if margin is not None else " earns more"
    return (
        "A price cut before the height of the season sells what would have sold anyway. "
        f"The same cut {wait}{gain}, with what is then left over counted."
    )


def _cut_step(it: Subject) -> str:
    cut = it.details.figures.day("first_markdown")
    return _decided(it, f"hold the price cut of {it.said(cut)}")


def _outlasts_sentence(it: Subject) -> str:
    return (
        f"{it.name}: {number(it.units)} will be left over when it leaves the floor on "
        f"{it.said(it.details.exit)}, even if it stayed until nobody {_where(it)} wants it; {it.holding}."
    )


def _where(it: Subject) -> str:
    return "here" if it.alert.scope is Scope.STORE else it.voice.place.removeprefix("of ")


def _outlasts_why(it: Subject) -> str:
    return (
        "More is there than will be wanted. "
        f"Cutting the price sooner sells {number(it.winnable)} of the {number(it.units)} that would be left."
    )


def _asked_sentence(it: Subject) -> str:
    figures = it.details.figures
    words, asks = figures.text("words"), whole(figures.number("asks") or it.alert.units_lost)
    people = count(asks, "customer")
    if words:
        since = f" since {it.said(figures.day('first_on'))}" if figures.day("first_on") else ""
        return f"“{words}”: {people} {it.voice.place} asked for it{since}, and it is not carried."
    asked = count(whole(figures.number("asked") or it.alert.units_lost), "customer")
    return f"{it.name}: {asked} {it.voice.place} asked for it and did not find it lately; {it.holding}."


def _asked_why(it: Subject) -> str:
    foretold = it.details.figures.number("foretold")
    if it.details.figures.text("words"):
        return "What customers ask for and nobody carries is demand that no sale will ever show."
    told = number(foretold)
    return f"More customers asked than the forecast knows of: it had foretold {told} in that time."


def _phantom_sentence(it: Subject) -> str:
    figures = it.details.figures
    since = f" since {it.said(figures.day('quiet_since'))}" if figures.day("quiet_since") else " for weeks"
    unsold = whole(figures.number("unsold"))
    should = f", where about {number(unsold)} should have" if unsold else ""
    books = f"the books show {number(it.details.on_hand)} {_where(it)}"
    return f"{it.name}: {books}, and nothing has sold{since}{should}; count the shelf."


def _late_sentence(it: Subject) -> str:
    figures = it.details.figures
    feed, named = figures.text("feed") or "feed", [str(name) for name in figures.rows("named")]
    of = f" of {count(figures.number('stores'), 'store')}" if it.alert.scope is Scope.CHAIN else ""
    of = f" of {listing(named)}" if named and figures.number("stores") <= len(named) else of
    last = figures.day("last_day")
    return (
        f"The {feed} figures{of} are late: the newest are of {it.said(last)}. "
        "What rests on them stands as it was until they come."
    )


RULE_TEXTS: Final = {
    EXIT_BEFORE_DEMAND_ENDS: RuleText(
        name="Leaves the floor too early",
        when=lambda it: f"after {it.said(it.details.exit)}" if it.details.exit else "",
        sentence=_exit_sentence,
        why=_exit_why,
        step=_exit_step,
        over=_nobody_misses,
    ),
    FLOOR_SET_AFTER_DEMAND_STARTS: RuleText(
        name="Comes to the floor too late",
        when=lambda it: f"before {it.said(it.details.floor_set)}" if it.details.floor_set else "",
        sentence=_floor_set_sentence,
        why=_floor_set_why,
        step=lambda it: _decided(it, "bring it to the floor sooner"),
        over=_nobody_misses,
    ),
    STOCKOUT_IN_SEASON: RuleText(
        name="Sells out in season",
        when=lambda _: "in season",
        sentence=_stockout_sentence,
        why=_stockout_why,
        step=_refill,
        over=_nobody_misses,
    ),
    BROKEN_SIZE_RUN: RuleText(
        name="Core sizes are gone",
        when=lambda it: f"in {it.gone}" if it.gone != "some sizes" else "in season",
        sentence=_broken_sentence,
        why=_broken_why,
        step=_refill,
        over=_nobody_misses,
    ),
    MARKDOWN_BEFORE_PEAK: RuleText(
        name="Price cut before the peak",
        when=lambda it: f"if the cut of {it.said(it.details.figures.day('first_markdown'))} waits",
        sentence=_cut_sentence,
        why=_cut_why,
        step=_cut_step,
        over=lambda _: "the price cut no longer comes before its best weeks",
    ),
    STOCK_OUTLASTS_SEASON: RuleText(
        name="Will be left over",
        when=lambda it: f"at the exit of {it.said(it.details.exit)}" if it.details.exit else "",
        sentence=_outlasts_sentence,
        why=_outlasts_why,
        step=lambda it: _decided(it, "cut its price sooner"),
        over=lambda _: "little will be left over now",
    ),
    ASKED_NOT_FOUND: RuleText(
        name="Asked for and not found",
        when=lambda _: "lately",
        sentence=_asked_sentence,
        why=_asked_why,
        step=lambda _: "Tell the merchandiser what customers ask for, and where they can find it.",
        over=lambda _: "nobody has asked for it in vain lately",
    ),
    PHANTOM_STOCK: RuleText(
        name="In the books, not on the shelf",
        when=lambda _: "while nobody counts",
        sentence=_phantom_sentence,
        why=lambda _: (
            "A shelf with that stock would have sold some by now; that it did not is hardly chance."
        ),
        step=lambda _: "Count the shelf, and put out what lies in the back.",
        over=lambda _: "it sells again, or has been counted",
    ),
    FEED_LATE: RuleText(
        name="Figures are late",
        when=lambda _: "",
        sentence=_late_sentence,
        why=lambda _: "Missing figures are never taken for good news: alerts that rest on them are frozen.",
        step=lambda _: "Have the file sent again, or ask the administrator.",
        over=lambda _: "the figures have come in",
    ),
}
"""By the rule's code, in the order in which people choose among them."""
