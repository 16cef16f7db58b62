"""The form of a proposal: what was typed is kept, and what is wrong is said beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from data.errors import InSeasonError
from data.planning.details import plan_of
from data.records import OwnDates, Store
from web.rendering.calendar_words import spoken
from web.season_forms import STEPS, fields_of, hand_of
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from werkzeug.datastructures import MultiDict

    from data.records import Proposal
    from forecaster.plans import Plan, Stakes

PLACES: Final = range(1, STEPS + 1)


class UnreadableFormError(InSeasonError):
    """What was typed cannot be read; `problems` has a sentence for each field that is wrong."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(problems.values()))
        self.problems = problems


@dataclass(frozen=True)
class PlanForm:
    """What was typed about a plan, its fields by their names, and a sentence for each that is wrong."""

    category: str
    season_code: str
    zones: tuple[str, ...]
    typed: Mapping[str, str]
    own_dates: OwnDates
    reason: str
    problems: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, values: MultiDict[str, str], problems: Mapping[str, str] | None = None) -> PlanForm:
        """Take up what was sent, or what an address asks for."""
        own = values.get("own_dates", "")
        return cls(
            category=values.get("category", "").strip(),
            season_code=values.get("season_code", "").strip(),
            zones=tuple(dict.fromkeys(zone for zone in values.getlist("zone") if zone)),
            typed={name: values.get(name, "").strip() for name in values},
            own_dates=OwnDates(own) if own in set(OwnDates) else OwnDates.KEEP,
            reason=values.get("reason", ""),
            problems=problems or {},
        )

    @classmethod
    def of_proposal(cls, proposal: Proposal) -> PlanForm:
        """A draft, to be changed."""
        return cls(
            proposal.category,
            proposal.season_code,
            tuple(proposal.zones),
            fields_of(plan_of(proposal.plan)),
            proposal.own_dates,
            proposal.reason,
        )

    @classmethod
    def of_plan(cls, category: str, season_code: str, zones: Sequence[str], plan: Plan) -> PlanForm:
        """Today's plan, to be changed."""
        return cls(category, season_code, tuple(zones), fields_of(plan), OwnDates.KEEP, "")


def plan_in_form(values: MultiDict[str, str], *, today: Plan) -> tuple[Plan, Stakes]:
    """The plan that was sent and what it is to be weighed with.

    Raises:
        UnreadableFormError: with a sentence for each field that is wrong.
    """
    hand = hand_of(values, today=today, as_of=services().today)
    if hand.plan is None or hand.problems:
        raise UnreadableFormError(hand.problems)
    return hand.plan, hand.stakes


def problems_of(refusal: InSeasonError) -> Mapping[str, str]:
    """What is wrong, by field; under the form's name where no field alone is to blame."""
    if isinstance(refusal, UnreadableFormError):
        return refusal.problems
    return {"": spoken(str(refusal), services().today)}


def climate_zones() -> list[str]:
    """The climate zones that stores lie in; one statement."""
    zones = reading().scalars(select(Store.climate_zone).distinct().order_by(Store.climate_zone))
    return [zone for zone in zones if zone]
