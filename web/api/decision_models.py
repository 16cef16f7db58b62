"""How the API writes a decision, its consignments and its turns, and what is asked of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from pydantic import ConfigDict, Field
from sqlalchemy import select

from data import decisions as deciding
from data.records import Decision, DecisionState, How, Person
from web.access import one_or_404, visible_decisions
from web.api.models import Day, Instant, Model, Money, Paged, Text, Version, Whole, units
from web.decisions import sees_part
from web.rendering import acts
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from data.records import Consignment, DecisionEvent

LONGEST_REASON: Final = 500
_MOST_UNITS: Final = 99_999

_SUMMARY: Final[dict[str, Any]] = {
    "decision_id": 88,
    "version": 2,
    "alert_id": 4711,
    "kind": "transfer",
    "title": "Bring 6 pieces from Tucson",
    "state": "approved",
    "store_id": "PHX-01",
    "climate_zone": "hot",
    "category": "swim trunks",
    "style_id": "SWT-26-03",
    "style_name": "Marlin Trunk",
    "season_code": "SS26",
    "units": 6.0,
    "cost": {"amount": "23.84", "currency": "USD"},
    "benefit": {"amount": "103.56", "currency": "USD"},
    "act_by": "2026-07-01",
    "until": None,
    "offered_on": "2026-06-13",
    "requested_by": "Maya Ortiz",
    "requested_at": "2026-06-14T08:12:00Z",
    "changed_at": "2026-06-14T09:01:30Z",
    "consignments": [
        {
            "consignment_id": 131,
            "from_store": "TUC-01",
            "to_store": "PHX-01",
            "state": "approved",
            "ships_by": "2026-07-01",
            "arrives_on": "2026-06-18",
            "miles": 112.4,
            "shipped_on": None,
            "received_on": None,
            "lines": [{"sku": "SWT-26-03-NAV-M", "units": 6, "received": None}],
        }
    ],
}
_EVENT: Final[dict[str, Any]] = {
    "at": "2026-06-14T08:12:00Z",
    "who": "Maya Ortiz",
    "how": "api",
    "act": "request",
    "consignment_id": None,
    "from_state": None,
    "to_state": "requested",
    "reason": "",
}


class DecisionQuery(Paged):
    """Which decisions."""

    state: DecisionState | None = Field(None, description="Only those that stand so.")


class GoodsLine(Model):
    """Pieces of one sku: asked for, and received as far as somebody has said."""

    sku: str
    units: int
    received: int | None


class ConsignmentPart(Model):
    """What one store gives to another."""

    consignment_id: int
    from_store: str
    to_store: str
    state: DecisionState
    ships_by: Day | None
    arrives_on: Day | None
    miles: float | None
    shipped_on: Day | None
    received_on: Day | None
    lines: list[GoodsLine]


class DecisionTurn(Model):
    """One turn of a decision or of one of its consignments."""

    at: Instant
    who: str | None = Field(description="The person's name; None when nobody did it.")
    how: How
    act: str
    consignment_id: int | None
    from_state: DecisionState | None
    to_state: DecisionState
    reason: str


class DecisionSummary(Model):
    """One decision in a list."""

    decision_id: int
    version: int = Field(description="Changes with every change; send it back with what you do.")
    alert_id: int | None = Field(description="None where the alert is not yours to see.")
    kind: str
    title: str
    state: DecisionState
    store_id: str | None = Field(description="Who is helped; None when it is about a zone.")
    climate_zone: str
    category: str
    style_id: str
    style_name: str
    season_code: str
    units: float
    cost: Money | None
    benefit: Money | None
    act_by: Day | None
    until: Day | None = Field(description="The day chosen for a change of the calendar.")
    offered_on: Day
    requested_by: str
    requested_at: Instant
    changed_at: Instant
    consignments: list[ConsignmentPart] = Field(description="Those of your stores.")


class DecisionWhole(DecisionSummary):
    """One decision with its history."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUMMARY | {"events": [_EVENT]}]})

    events: list[DecisionTurn] = Field(description="Its history, oldest first.")


class DecisionPage(Model):
    """Decisions, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_SUMMARY], "next": None}]})

    items: list[DecisionSummary]
    next: str | None = Field(description="The address of the next page; None on the last.")


class DecisionSeen(Model):
    """The decision as it was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2}]})

    version: Version = Field(description="Of the decision as you read it.")


class Reasoned(DecisionSeen):
    """Why."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 2, "reason": "We need them ourselves."}]}
    )

    reason: Text = Field(max_length=LONGEST_REASON)


class Withdrawal(DecisionSeen):
    """That it is taken back."""

    reason: Text = Field("", max_length=LONGEST_REASON)


class Approval(DecisionSeen):
    """That the merchandiser says yes."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 2, "until": "2026-08-31"}]})

    until: Day | None = Field(None, description="Another day than the one asked for, of a calendar change.")
    reason: Text = Field("", max_length=LONGEST_REASON)


class Counted(Model):
    """Pieces of one sku that arrived."""

    sku: Text = Field(max_length=64)
    units: Whole = Field(ge=0, le=_MOST_UNITS)


class Arrival(DecisionSeen):
    """What was in a consignment."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 4, "received": [{"sku": "SWT-26-03-NAV-M", "units": 5}]}]}
    )

    received: list[Counted] = Field(
        default_factory=list, max_length=1000, description="What differs from what was asked for."
    )


def decision_of(decision_id: int, person: Person) -> DecisionWhole:
    """One decision that a person may see, as the records have it now."""
    query = deciding.whole_decisions().where(Decision.decision_id == decision_id)
    decision = one_or_404(visible_decisions(query, person))
    names = names_of([decision])
    seen = {part.consignment_id for part in decision.consignments if sees_part(part, person)}
    return DecisionWhole(
        **summary_of(decision, person, names),
        events=[
            _turn(event, names)
            for event in decision.events
            if event.consignment_id is None or event.consignment_id in seen
        ],
    )


def summary_of(decision: Decision, person: Person, names: Mapping[str, str]) -> dict[str, Any]:
    """The fields of a decision in a list."""
    sees_alert = person.may_see(store_id=decision.store_id, category=decision.category)
    return {
        "decision_id": decision.decision_id,
        "version": decision.version,
        "alert_id": decision.alert_id if sees_alert else None,
        "kind": decision.kind,
        "title": acts.title(decision, services().today),
        "state": decision.state,
        "store_id": decision.store_id,
        "climate_zone": decision.climate_zone,
        "category": decision.category,
        "style_id": decision.style_id,
        "style_name": decision.style_name,
        "season_code": decision.season_code,
        "units": units(decision.units),
        "cost": Money.of(decision.cost),
        "benefit": Money.of(decision.benefit),
        "act_by": decision.act_by,
        "until": decision.until,
        "offered_on": decision.offered_on,
        "requested_by": names.get(decision.requested_by, decision.requested_by),
        "requested_at": decision.requested_at,
        "changed_at": decision.changed_at,
        "consignments": [_part(part) for part in decision.consignments if sees_part(part, person)],
    }


def names_of(decisions: Iterable[Decision]) -> dict[str, str]:
    """The names of the people in some decisions, by their e-mail."""
    emails = {decision.requested_by for decision in decisions}
    emails |= {event.who for decision in decisions for event in decision.events}
    query = select(Person.email, Person.name).where(Person.email.in_(sorted(emails - {""})))
    return {row.email: row.name for row in reading().execute(query)}


def _part(part: Consignment) -> ConsignmentPart:
    return ConsignmentPart(
        consignment_id=part.consignment_id,
        from_store=part.from_store,
        to_store=part.to_store,
        state=part.state,
        ships_by=part.ships_by,
        arrives_on=part.arrives_on,
        miles=part.miles,
        shipped_on=part.shipped_on,
        received_on=part.received_on,
        lines=[GoodsLine(sku=line.sku, units=line.units, received=line.received) for line in part.lines],
    )


def _turn(event: DecisionEvent, names: Mapping[str, str]) -> DecisionTurn:
    return DecisionTurn(
        at=event.at,
        who=names.get(event.who, event.who) or None,
        how=How(event.how),
        act=event.act,
        consignment_id=event.consignment_id,
        from_state=event.from_state,
        to_state=event.to_state,
        reason=event.reason,
    )
