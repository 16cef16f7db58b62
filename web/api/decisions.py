"""Decisions in the API: approved or refused, and every step of the goods until they have arrived."""

from __future__ import annotations

from contextlib import contextmanager
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from apiflask import APIBlueprint

from data import decisions as deciding
from data.errors import ConflictError
from data.records import Decision, How, TokenScope
from web.access import current_person, visible_decisions
from web.api.decision_models import (
    Approval,
    Arrival,
    DecisionPage,
    DecisionQuery,
    DecisionSeen,
    DecisionSummary,
    DecisionWhole,
    Reasoned,
    Withdrawal,
    decision_of,
    names_of,
    summary_of,
)
from web.api.guard import operation
from web.api.paging import links, numbers_in, page_of
from web.api.problems import refuse as refuse_input
from web.decisions import locked, locked_part
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from collections.abc import Iterator

    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

    from data.records import Consignment

decisions = APIBlueprint("api_decisions", __name__, url_prefix="/api/v1", tag="Decisions")

_OVERTAKEN: Final = "It has changed since, or that cannot be done to it as it stands"
_NOW: Final = "The decision as it stands now"


@decisions.get("/decisions")
@operation(decisions, "listDecisions", TokenScope.ALERTS_READ)
@decisions.input(DecisionQuery, location="query", arg_name="asked")
@decisions.output(DecisionPage, description="A page of decisions")
def list_decisions(asked: DecisionQuery) -> ResponseReturnValue:
    """List decisions.

    Those about your stores, as taker or giver, and your categories; newest first.
    """
    person = current_person()
    query = visible_decisions(deciding.whole_decisions(), person).order_by(Decision.decision_id.desc())
    if asked.state is not None:
        query = query.where(Decision.state == asked.state)
    if (last := numbers_in(asked, 1)) is not None:
        query = query.where(Decision.decision_id < last[0])
    found = reading().scalars(query.limit(asked.limit + 1)).all()
    rows, following = page_of(found, asked, lambda decision: [decision.decision_id])
    names = names_of(rows)
    items = [DecisionSummary(**summary_of(decision, person, names)) for decision in rows]
    return DecisionPage(items=items, next=following), HTTPStatus.OK.value, links(following)  # type: ignore[return-value]  # written by `output`


@decisions.get("/decisions/<int:decision_id>")
@operation(decisions, "readDecision", TokenScope.ALERTS_READ)
@decisions.output(DecisionWhole, description="The decision")
def read_decision(decision_id: int) -> DecisionWhole:
    """Read one decision, with its consignments and its history."""
    return decision_of(decision_id, current_person())


@decisions.post("/decisions/<int:decision_id>/approve")
@operation(decisions, "approveDecision", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(Approval, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def approve(decision_id: int, sent: Approval) -> DecisionWhole:
    """Approve what a store has asked for.

    Only the merchandiser of the category does so, or an admin.
    """
    with _whole(decision_id, sent) as (records, decision):
        deciding.approve(
            records, decision, until=sent.until, note=sent.reason, today=services().today, **_by()
        )
    return _answer(decision_id)


@decisions.post("/decisions/<int:decision_id>/refuse")
@operation(decisions, "refuseDecision", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(Reasoned, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def refuse(decision_id: int, sent: Reasoned) -> DecisionWhole:
    """Refuse what a store has asked for, and say why."""
    with _whole(decision_id, sent) as (records, decision):
        deciding.refuse(records, decision, reason=sent.reason, **_by())
    return _answer(decision_id)


@decisions.post("/decisions/<int:decision_id>/withdraw")
@operation(decisions, "withdrawDecision", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(Withdrawal, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def withdraw(decision_id: int, sent: Withdrawal) -> DecisionWhole:
    """Take back what you have asked for, before anything has left."""
    with _whole(decision_id, sent) as (records, decision):
        deciding.withdraw(records, decision, reason=sent.reason, **_by())
    return _answer(decision_id)


@decisions.post("/decisions/<int:decision_id>/undo")
@operation(decisions, "undoDecision", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(DecisionSeen, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def undo(decision_id: int, sent: DecisionSeen) -> DecisionWhole:
    """Undo your own last turn of a decision, within a minute of it."""
    with _whole(decision_id, sent) as (records, decision):
        deciding.undo(records, decision, **_by())
    return _answer(decision_id)


@decisions.post("/consignments/<int:consignment_id>/accept")
@operation(decisions, "acceptConsignment", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(DecisionSeen, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def accept(consignment_id: int, sent: DecisionSeen) -> DecisionWhole:
    """Accept a consignment: your store will send it."""
    with _part(consignment_id, sent) as (decision, part):
        decision.accept(part, **_by())
    return _answer(decision.decision_id)


@decisions.post("/consignments/<int:consignment_id>/decline")
@operation(decisions, "declineConsignment", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(Reasoned, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def decline(consignment_id: int, sent: Reasoned) -> DecisionWhole:
    """Decline a consignment: your store will not send it, and says why."""
    with _part(consignment_id, sent) as (decision, part):
        decision.decline(part, reason=sent.reason, **_by())
    return _answer(decision.decision_id)


@decisions.post("/consignments/<int:consignment_id>/ship")
@operation(decisions, "shipConsignment", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(DecisionSeen, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def ship(consignment_id: int, sent: DecisionSeen) -> DecisionWhole:
    """Say that a consignment has left your store."""
    with _part(consignment_id, sent) as (decision, part):
        decision.ship(part, on=services().today, **_by())
    return _answer(decision.decision_id)


@decisions.post("/consignments/<int:consignment_id>/receive")
@operation(decisions, "receiveConsignment", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@decisions.input(Arrival, arg_name="sent")
@decisions.output(DecisionWhole, description=_NOW)
def receive(consignment_id: int, sent: Arrival) -> DecisionWhole:
    """Say that a consignment has arrived in your store, and what was in it."""
    with _part(consignment_id, sent) as (decision, part):
        asked = {line.sku for line in part.lines}
        for each in sent.received:
            if each.sku not in asked:
                raise refuse_input("received", f"names {each.sku}, which it does not hold", location="body")
        counted = {each.sku: each.units for each in sent.received}
        decision.receive(part, on=services().today, units=counted, **_by())
    return _answer(decision.decision_id)


@contextmanager
def _whole(decision_id: int, sent: DecisionSeen) -> Iterator[tuple[Session, Decision]]:
    """A decision to be changed, if it is still what was read."""
    with services().database.write() as records:
        decision = locked(records, decision_id)
        _require_as_seen(decision, sent)
        yield records, decision


@contextmanager
def _part(consignment_id: int, sent: DecisionSeen) -> Iterator[tuple[Decision, Consignment]]:
    """A part to be changed, with its decision, if that is still what was read."""
    with services().database.write() as records:
        decision, part = locked_part(records, consignment_id)
        _require_as_seen(decision, sent)
        yield decision, part


def _require_as_seen(decision: Decision, sent: DecisionSeen) -> None:
    if decision.version != sent.version:
        raise ConflictError("This decision has changed since you read it; read it again first.")


def _by() -> dict[str, Any]:
    """Who does it, when, and through which door."""
    return {"by": current_person(), "now": services().clock.now(), "how": How.API}


def _answer(decision_id: int) -> DecisionWhole:
    read_afresh()
    return decision_of(decision_id, current_person())
