"""A plan as it is typed into a form or stands in an address: read with a sentence for whatever is wrong."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

from data.errors import InSeasonError
from forecaster.errors import ForecasterError
from forecaster.plans import Markdown, Plan, Stakes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.datastructures import MultiDict

MOST_BESIDE: Final = 3
"""So many plans stand side by side beside today's."""

STEPS: Final = 4
"""So many markdown steps a form has room for, unless today's plan has more."""

_MOST_STEPS: Final = 9
_FAR: Final = timedelta(days=2 * 366)
_MOST_MONEY: Final = 1_000_000.0
_MOST_RAILS: Final = 10_000.0
_LONGEST_PLAN: Final = 2_000
_ISO_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_WHO: Final = ("rails", "sizes", "stores")
_PLACES: Final = range(1, _MOST_STEPS + 1)
PLAN_FIELDS: Final = (
    "floor_set",
    "exit",
    *(f"{kind}_{place}" for place in _PLACES for kind in ("markdown_day", "percent_off")),
    *_WHO,
)
"""The fields that make up a plan."""


class UnreadablePlanError(InSeasonError):
    """What was typed is no plan; `problems` has a sentence for each field that is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class Hand:
    """What the address holds: the plan under the hand, what it is weighed with, and the plans beside it.

    `typed` is what the fields show, as it was typed; `problems` a sentence for each field that is wrong, and
    `plan` is None when a date or a step is. `dropped` are plans of the address that could not be read.
    """

    plan: Plan | None
    typed: Mapping[str, str]
    stakes: Stakes
    beside: tuple[Plan, ...] = ()
    problems: Mapping[str, str] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()

    @property
    def in_address(self) -> dict[str, object]:
        """All of it, for a link that says the same."""
        given: dict[str, object] = {name: value for name, value in self.typed.items() if value}
        if self.beside:
            given["plan"] = [compact(plan) for plan in self.beside]
        return given

    @property
    def kept(self) -> list[str]:
        """The plans beside, and the one under the hand with them, for an address."""
        plans = dict.fromkeys([*self.beside, *([self.plan] if self.plan else [])])
        return [compact(plan) for plan in plans]

    @property
    def steps(self) -> frozenset[int]:
        """The numbers of the steps that have anything in them."""
        return frozenset(
            place
            for place in _PLACES
            if self.typed.get(f"markdown_day_{place}") or self.typed.get(f"percent_off_{place}")
        )

    def can_keep(self, today: Plan) -> bool:
        """Whether the plan under the hand is a new one that may be put beside, with room for another."""
        is_new = self.plan is not None and self.plan != today and self.plan not in self.beside
        return is_new and len(self.beside) < MOST_BESIDE - 1

    def shown(self, today: Plan) -> tuple[Plan, ...]:
        """The plans to hold against today's: the one under the hand first, each once, no more than fit."""
        wanted = [self.plan, *self.beside] if self.plan else list(self.beside)
        known = dict.fromkeys(plan for plan in wanted if plan is not None and plan != today)
        return tuple(known)[:MOST_BESIDE]


def names_plans(values: MultiDict[str, str]) -> bool:
    """Whether an address asks for any plan but today's to be weighed."""
    return _names_a_plan(values) or "plan" in values


def hand_of(values: MultiDict[str, str], *, today: Plan, as_of: date) -> Hand:
    """What an address asks for; without a plan in it, today's is under the hand.

    Args:
        values: the address's fields.
        today: the plan in force.
        as_of: last business date known.
    """
    problems: dict[str, str] = {}
    plan: Plan | None = None
    try:
        plan = plan_from(values, today=today, as_of=as_of)
    except UnreadablePlanError as refused:
        problems |= refused.problems
    stakes = _stakes(values, problems)
    beside, dropped = _beside(values.getlist("plan"), as_of)
    return Hand(plan, _typed(values, plan), stakes, beside, problems, dropped)


def plan_from(values: MultiDict[str, str], *, today: Plan, as_of: date) -> Plan:
    """The plan that a form's fields make.

    Args:
        values: floor_set, exit (days; today's where they are not named), markdown_day_1, percent_off_1 and so
            on, and who stays after today's exit: rails, sizes and stores (listed with commas).
        today: the plan in force, meant where no field of a plan is named.
        as_of: last business date known; days more than two years from it are refused.

    Raises:
        UnreadablePlanError: with a sentence for each field that is wrong.
    """
    if not _names_a_plan(values):
        return today
    problems: dict[str, str] = {}
    floor_set = _day(values, "floor_set", "the floor-set", as_of, problems, today.floor_set)
    leaves = _day(values, "exit", "the exit", as_of, problems, today.exit)
    steps = _steps(values, as_of, problems)
    rails = _number(values, "rails", "The number of rails", problems, most=_MOST_RAILS)
    if rails == 0:
        problems["rails"] = "A plan keeps more than no rails. Leave it empty to keep what is left."
    if floor_set and leaves and leaves < floor_set:
        problems["exit"] = "The exit lies before the floor-set."
    if problems or floor_set is None or leaves is None:
        raise UnreadablePlanError(problems)
    try:
        return Plan(floor_set, steps, leaves, _names(values, "stores"), _names(values, "sizes"), rails)
    except ForecasterError as error:
        raise UnreadablePlanError({"exit": f"{str(error).capitalize()}."}) from error


def compact(plan: Plan) -> str:
    """A plan as one word of an address.

    >>> compact(Plan(date(2026, 2, 15), (Markdown(date(2026, 7, 10), 30),), date(2026, 8, 31), rails=1))
    '2026-02-15~2026-08-31~2026-07-10:30~rails:1'
    """
    parts = [plan.floor_set.isoformat(), plan.exit.isoformat()]
    parts += [f"{cut.day.isoformat()}:{cut.percent_off:g}" for cut in plan.markdowns]
    if plan.rails is not None:
        parts.append(f"rails:{plan.rails:g}")
    for name in ("sizes", "stores"):
        if (who := getattr(plan, name)) is not None:
            parts.append(f"{name}:{','.join(_escaped(each) for each in sorted(who))}")
    return "~".join(parts)


def plan_in(text: str, *, as_of: date) -> Plan | None:
    """The plan that such a word means; none when it is broken."""
    if len(text) > _LONGEST_PLAN:
        return None
    try:
        return _read(text, as_of)
    except (ValueError, ForecasterError):
        return None


def fields_of(plan: Plan) -> dict[str, str]:
    """A plan as the fields of a form, by their names."""
    given = {"floor_set": plan.floor_set.isoformat(), "exit": plan.exit.isoformat()}
    for place, cut in enumerate(plan.markdowns, 1):
        given[f"markdown_day_{place}"] = cut.day.isoformat()
        given[f"percent_off_{place}"] = f"{cut.percent_off:g}"
    if plan.rails is not None:
        given["rails"] = f"{plan.rails:g}"
    for name in ("sizes", "stores"):
        if (who := getattr(plan, name)) is not None:
            given[name] = ", ".join(sorted(who))
    return given


def fallen_away(values: MultiDict[str, str], plan: Plan) -> tuple[date, ...]:
    """The days of steps that were typed and lie after the exit, so that the plan has none of them."""
    typed = [_iso(values.get(f"markdown_day_{place}", "")) for place in _PLACES]
    return tuple(day for day in typed if day is not None and day > plan.exit)


def step_places(today: Plan, hand: Plan | None) -> range:
    """The numbers of the steps that a form has room for."""
    most = max(STEPS, len(today.markdowns), len(hand.markdowns) if hand else 0)
    return range(1, min(most, _MOST_STEPS) + 1)


def _read(text: str, as_of: date) -> Plan:
    """The plan of a word that is whole; ValueError or ForecasterError otherwise."""
    first, last, *rest = text.split("~")
    parts = [part.partition(":") for part in rest]
    who = {name: value for name, _, value in parts if name in _WHO}
    cuts = [Markdown(_near(day, as_of), float(percent)) for day, _, percent in parts if day not in _WHO]
    if len(cuts) > _MOST_STEPS:
        raise ValueError("more markdowns than a form has room for")
    return Plan(
        _near(first, as_of),
        tuple(cuts),
        _near(last, as_of),
        stores=_unlisted(who.get("stores", "")),
        sizes=_unlisted(who.get("sizes", "")),
        rails=_some_rails(who["rails"]) if "rails" in who else None,
    )


def _near(text: str, as_of: date) -> date:
    day = _iso(text)
    if day is None or abs(day - as_of) > _FAR:
        raise ValueError("no day that a plan can have")
    return day


def _names_a_plan(values: MultiDict[str, str]) -> bool:
    return any(name in values for name in PLAN_FIELDS)


def _typed(values: MultiDict[str, str], plan: Plan | None) -> dict[str, str]:
    """What the fields show: a plan that was read in its own words, anything else as it was typed."""
    shown = fields_of(plan) if plan else {name: values.get(name, "").strip() for name in PLAN_FIELDS}
    return shown | {name: values.get(name, "").strip() for name in ("customer_value", "rail_week_value")}


def _beside(words: Sequence[str], as_of: date) -> tuple[tuple[Plan, ...], tuple[str, ...]]:
    """The plans beside, each once, no more than fit; and the words that mean none."""
    read = {word: plan_in(word, as_of=as_of) for word in words[: 2 * MOST_BESIDE]}
    plans = dict.fromkeys(plan for plan in read.values() if plan is not None)
    return tuple(plans)[:MOST_BESIDE], tuple(word for word, plan in read.items() if plan is None)


def _steps(values: MultiDict[str, str], as_of: date, problems: dict[str, str]) -> tuple[Markdown, ...]:
    steps: list[Markdown] = []
    for place in _PLACES:
        day_name, percent_name = f"markdown_day_{place}", f"percent_off_{place}"
        day_typed, percent_typed = (values.get(name, "").strip() for name in (day_name, percent_name))
        if not day_typed and not percent_typed:
            continue
        if not percent_typed:
            problems[percent_name] = f"Markdown {place} has a day and no percent off."
            continue
        if not day_typed:
            problems[day_name] = f"Markdown {place} has a percent off and no day."
            continue
        day = _day(values, day_name, f"markdown {place}", as_of, problems)
        percent = _percent(percent_typed)
        if percent is None:
            problems[percent_name] = f"The percent off of markdown {place} lies between 1 and 99."
        elif day and day in {step.day for step in steps}:
            problems[day_name] = f"Markdown {place} has the same day as another."
        elif day:
            steps.append(Markdown(day, percent))
    return tuple(steps)


def _day(
    values: MultiDict[str, str],
    name: str,
    told: str,
    as_of: date,
    problems: dict[str, str],
    otherwise: date | None = None,
) -> date | None:
    typed = values.get(name)
    if typed is None:
        return otherwise
    day = _iso(typed.strip())
    if day is None:
        problems[name] = f"Choose a day for {told}."
    elif abs(day - as_of) > _FAR:
        problems[name] = f"The day of {told} is more than two years away."
    return day


def _iso(text: str) -> date | None:
    if not _ISO_DAY.fullmatch(text):
        return None
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _percent(typed: str) -> float | None:
    try:
        percent = float(typed.removesuffix("%"))
    except ValueError:
        return None
    return percent if 1 <= percent <= 99 else None  # noqa: PLR2004


def _stakes(values: MultiDict[str, str], problems: dict[str, str]) -> Stakes:
    return Stakes(
        customer_value=_number(values, "customer_value", "What a lost customer costs", problems),
        rail_week_value=_number(values, "rail_week_value", "What a rail earns in a week", problems),
    )


def _number(
    values: MultiDict[str, str], name: str, told: str, problems: dict[str, str], most: float = _MOST_MONEY
) -> float | None:
    typed = values.get(name, "").strip()
    if not typed:
        return None
    try:
        number = float(re.sub(r"[$,\s]", "", typed))
    except ValueError:
        number = math.nan
    if not 0 <= number <= most:
        problems[name] = f"{told} is a number from 0 to {most:,.0f}, or empty where nobody knows."
        return None
    return number


def _names(values: MultiDict[str, str], name: str) -> frozenset[str] | None:
    given = {part.strip() for part in values.get(name, "").split(",")} - {""}
    return frozenset(given) or None


def _unlisted(text: str) -> frozenset[str] | None:
    return frozenset(unquote(part) for part in text.split(",") if part) or None


def _some_rails(text: str) -> float:
    rails = float(text)
    if not 0 < rails <= _MOST_RAILS:
        raise ValueError("no number of rails")
    return rails


def _escaped(name: str) -> str:
    # The tilde parts the words of a plan, and no escape touches it by itself.
    return quote(name, safe="").replace("~", "%7E")
