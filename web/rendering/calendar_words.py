"""The calendar in words: what a version changed, what a plan says, what a change of the forecast does."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING, Any, Final

from data.records import Measure, ProposalAct, ProposalState
from web.rendering.rule_texts import zone_name
from web.rendering.words import count, day, listing, money, number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from data.calendar_rows import Difference, Ladder, Scope
    from data.records import ForecastOverride, OverrideEffect, Proposal

_NOTHING: Final = 0.005
_ISO_DAY: Final = re.compile(r"\b\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])\b")
STATE_NAMES: Final = {
    ProposalState.DRAFT: "Draft",
    ProposalState.PROPOSED: "To decide",
    ProposalState.APPROVED: "Approved",
    ProposalState.REFUSED: "Refused",
    ProposalState.WITHDRAWN: "Withdrawn",
}
_ACTS: Final = {
    ProposalAct.SAVE: "Saved as a draft",
    ProposalAct.CHANGE: "Changed",
    ProposalAct.WEIGH: "Weighed again",
    ProposalAct.FORWARD: "Put forward",
    ProposalAct.APPROVE: "Approved",
    ProposalAct.REFUSE: "Refused",
    ProposalAct.WITHDRAW: "Withdrawn",
}
FIGURES: Final = (
    ("units", "Customers served, in pieces", "units"),
    ("turned_away", "Customers turned away", "units"),
    ("revenue", "Revenue", "money"),
    ("margin", "Margin", "money"),
    ("markdown_cost", "Given away in markdowns", "money"),
    ("leftover_units", "Pieces left over", "units"),
    ("rail_weeks", "Rail-weeks kept from the next set", "units"),
    ("rate_of_sale", "Pieces a store and week", "rate"),
    ("weeks_of_supply", "Weeks of supply", "rate"),
    ("sell_through", "Sell-through", "share"),
)
"""The figures of a plan that are told, in their order: name, words, kind."""


@dataclass(frozen=True)
class SeasonChange:
    """What a version says otherwise of one season of a category, a sentence for each scope."""

    category: str
    season_code: str
    lines: tuple[str, ...]


def told_changes(rows: Sequence[Difference], names: Mapping[str, str], today: date) -> list[SeasonChange]:
    """The differences of two calendars in words, season by season.

    Args:
        rows: as `data.calendar_rows.difference` gives them.
        names: of stores and styles, by id.
        today: the day that years are left out for.
    """
    told = []
    for (category, season), of_season in groupby(rows, key=lambda row: (row.category, row.season_code)):
        lines = [
            f"{told_scope(scope, names)}: {_sentence(list(of_scope), today)}"
            for scope, of_scope in groupby(of_season, key=lambda row: row.scope)
        ]
        told.append(SeasonChange(category, season, tuple(lines)))
    return told


def told_scope(scope: Scope, names: Mapping[str, str]) -> str:
    """For whom a row of the calendar speaks."""
    style = names.get(scope.style_id, scope.style_id)
    where = names.get(scope.store_id, scope.store_id) if scope.store_id else zone_title(scope.climate_zone)
    return f"{where}, {style}" if style else where


def zone_title(zone: str) -> str:
    """A climate zone as a heading; '' is the chain."""
    return titled(zone_name(zone) if zone else "everywhere")


def spoken(sentence: str, today: date) -> str:
    """A sentence of the numbers, with its days as a person says them.

    >>> spoken("leaves the floor on 2026-07-05", date(2026, 6, 7))
    'leaves the floor on 5 July'
    """
    return _ISO_DAY.sub(lambda found: day(date.fromisoformat(found[0]), today), sentence)


def titled(told: str) -> str:
    """The beginning of a sentence or a heading."""
    return told[:1].upper() + told[1:]


def told_zones(zones: Sequence[str]) -> str:
    """The zones of a proposal as its readers say them."""
    if not zones:
        return "everywhere"
    return f"in {listing([zone_name(zone) for zone in zones])}"


def told_ladder(steps: Ladder, today: date) -> str:
    """Markdowns in a row."""
    if not steps:
        return "no markdown"
    return listing([f"{percent:g}% off from {day(begins, today)}" for begins, percent in steps])


def told_steps(plan: Mapping[str, Any], today: date) -> str:
    """The markdowns of a plan as `data.planning.details` writes it."""
    return told_ladder(
        tuple((date.fromisoformat(cut["day"]), cut["percent_off"]) for cut in plan["markdowns"]), today
    )


def told_plan(plan: Mapping[str, Any], today_plan: Mapping[str, Any], today: date) -> str:
    """How a plan departs from today's, as one sentence without its full stop."""
    parts = []
    for name, verb in (("floor_set", "comes to the floor"), ("exit", "leaves the floor")):
        if plan[name] != today_plan[name]:
            new, old = (day(date.fromisoformat(told[name]), today) for told in (plan, today_plan))
            parts.append(f"{verb} {new} instead of {old}")
    if plan["markdowns"] != today_plan["markdowns"]:
        parts.append(f"{told_steps(plan, today)} instead of {told_steps(today_plan, today)}")
    return "; ".join(parts) or "as it is today"


def title_of(proposal: Proposal, today: date) -> str:
    """What a proposal is about, in one line."""
    plan = proposal.plan
    in_force = next(iter(proposal.today.values()))
    what = "other markdowns"
    if plan["exit"] != in_force["exit"]:
        what = f"on the floor until {day(date.fromisoformat(plan['exit']), today)}"
    elif plan["floor_set"] != in_force["floor_set"]:
        what = f"on the floor from {day(date.fromisoformat(plan['floor_set']), today)}"
    return titled(f"{proposal.category} {told_zones(proposal.zones)}: {what}")


def told_act(act: ProposalAct) -> str:
    """What was done to a proposal."""
    return _ACTS[act]


def state_name(state: ProposalState) -> str:
    """Where a proposal stands."""
    return STATE_NAMES[state]


def told_override(made: ForecastOverride) -> str:
    """What a change of the forecast says."""
    if made.measure is Measure.UNITS:
        return f"{number(made.amount)} pieces a week"
    if made.amount > 1:
        return f"{number(100 * (made.amount - 1))}% more"
    return f"{number(100 * (1 - made.amount))}% less"


def told_whom(made: ForecastOverride, names: Mapping[str, str]) -> str:
    """Of what a change speaks."""
    where = names.get(made.store_id, made.store_id) or zone_name(made.climate_zone)
    style = names.get(made.style_id, made.style_id)
    return titled(f"{made.category}, {f'{where}, {style}' if style else where}")


def told_weeks(made: ForecastOverride, today: date) -> str:
    """The weeks of a change, by their first and last day."""
    last = made.last_week + timedelta(days=6)
    return f"{day(made.first_week, today)} to {day(last, today)}"


def told_effect(effect: OverrideEffect | None) -> str:
    """How well it did, in words; blank while none of its weeks has passed."""
    if effect is None:
        return ""
    if effect.error_with is None or effect.error_without is None:
        passed = count(effect.passed, "week has", "weeks have")
        return f"{passed} passed, but there was not enough on the shelves to tell."
    weeks = "The last week" if effect.weeks == 1 else f"The last {effect.weeks} weeks"
    with_it, without = effect.error_with, effect.error_without
    told = f"{weeks}: with this change off by {_percent(with_it)}, without it {_percent(without)}."
    if abs(with_it - without) < _NOTHING:
        return f"{told} It made no difference."
    return f"{told} {'It helped.' if with_it < without else 'It did not help.'}"


def told_figure(value: float | None, kind: str) -> str:
    """A figure of a plan as its kind is written."""
    if value is None:
        return "unknown"
    if kind == "money":
        return money(Decimal(str(value)))
    if kind == "share":
        return f"{number(100 * value)}%"
    digits = 1 if kind == "rate" else 0
    # What rounds to nothing has no sign.
    return number(round(value, digits) + 0.0, digits)


def told_against(value: float | None, kind: str) -> str:
    """A figure against today's, with its sign."""
    if value is None:
        return "unknown"
    told = told_figure(abs(value), kind)
    if told == told_figure(0.0, kind):
        return "the same"
    points = " points" if kind == "share" else ""
    return f"{'+' if value > 0 else '-'}{told.removesuffix('%') if points else told}{points}"


def _percent(share: float) -> str:
    return f"{number(100 * share)}%"


def _sentence(rows: Sequence[Difference], today: date) -> str:
    """What holds otherwise in one scope."""
    by_what: dict[str, Difference] = {row.what: row for row in rows}
    opens, leaves = by_what.pop("floor_set", None), by_what.pop("exit", None)
    parts = []
    if opens and leaves and opens.before is None and leaves.before is None:
        parts.append(f"now on the floor from {_day(opens.after, today)} to {_day(leaves.after, today)}")
    elif opens and leaves and opens.after is None and leaves.after is None:
        parts.append(f"no dates any more, {_day(opens.before, today)} to {_day(leaves.before, today)} before")
    else:
        parts += [_moved(row, verb, today) for row, verb in (
            (opens, "comes to the floor"), (leaves, "leaves the floor")) if row]  # fmt: skip
    parts += [_marked(row, today) for row in by_what.values()]
    return f"{'; '.join(parts)}."


def _moved(row: Difference, verb: str, today: date) -> str:
    instead = "" if row.before is None else f" instead of {_day(row.before, today)}"
    return f"{verb} {_day(row.after, today)}{instead}"


def _marked(row: Difference, today: date) -> str:
    before, after = (value if isinstance(value, tuple) else () for value in (row.before, row.after))
    instead = f" instead of {told_ladder(before, today)}" if before else ""
    return f"{told_ladder(after, today)}{instead}"


def _day(value: date | Ladder | None, today: date) -> str:
    return day(value, today) if isinstance(value, date) else "no day"
