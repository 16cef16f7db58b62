"""Acting: what is offered about an alert, what waits for whom, and every turn of a decision."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from data import decisions as deciding
from data.calendar_changes import calendar_of, difference
from data.errors import InSeasonError
from data.records import (
    Alert,
    CalendarVersion,
    Consignment,
    Decision,
    DecisionState,
    Person,
    Store,
)
from data.records.decisions import UNDONE
from forecaster.codes import REORDER
from web.access import (
    current_person,
    one_or_404,
    visible_alerts,
    visible_consignments,
    visible_decisions,
)
from web.exports import asked_kind, table_answer
from web.goods import order_csv, order_lines, pick_list, pick_list_csv
from web.offers import actions_for, offered_parts, store_names
from web.rendering import acts
from web.services import reading, services
from web.waiting import every_decision, waiting_for

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import datetime

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.calendar_rows import Difference
    from data.records import DecisionEvent

decisions = Blueprint("decisions", __name__)

_LONGEST_NUMBER: Final = 5
_COLUMNS: Final = (
    "request", "kind", "state", "store", "climate_zone", "category", "style_id", "style", "season_code",
    "units", "cost", "benefit", "act_by", "until", "requested_by", "requested_at", "changed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Turn:
    """One line of a decision's history: what was done, by whom, when, why, and for which giving store."""

    act: str
    who: str
    at: datetime
    reason: str
    place: str


@dataclass(frozen=True)
class Moved:
    """A version of the calendar that a decision has made, and how it differs from the one before.

    `names` are those of the stores and styles it speaks of.
    """

    version: CalendarVersion
    rows: Sequence[Difference]
    names: Mapping[str, str]


@decisions.app_context_processor
def _words() -> dict[str, object]:
    return {"acts": acts}


@decisions.get("/decisions")
def index() -> ResponseReturnValue:
    """What waits for the person, what is under way, and what was settled lately."""
    person, kind = current_person(), asked_kind()
    if kind:
        rows = reading().execute(every_decision(person).execution_options(yield_per=500))
        return table_answer("requests", _COLUMNS, rows, kind)
    return render_template("decisions/list.html", waiting=waiting_for(person))


@decisions.get("/decisions/<int:decision_id>")
def show(decision_id: int) -> ResponseReturnValue:
    """One decision: where it stands, its goods or dates, whose turn it is, and its history."""
    person = current_person()
    decision = one_or_404(_one(decision_id, person))
    alert = reading().scalar(visible_alerts(select(Alert).where(Alert.alert_id == decision.alert_id), person))
    parts = [part for part in decision.consignments if sees_part(part, person)]
    return render_template(
        "decisions/show.html",
        decision=decision,
        alert=alert,
        parts=[(part, pick_list(reading(), part)) for part in parts],
        order=order_lines(reading(), decision.details) if decision.kind == REORDER else [],
        sees_order=_sees_order(decision, person),
        moved=_moved(decision),
        names=_names(event.who for event in decision.events),
        history=_history(decision, parts),
        may_undo=decision.may_undo(person, services().clock.now()),
        chooses_day=decision.kind in deciding.CALENDAR_CHANGES,
    )


@decisions.get("/alerts/<int:alert_id>/act/<int:rank>")
def confirm(alert_id: int, rank: int) -> ResponseReturnValue:
    """What would be done, before it is: one page, one button."""
    person = current_person()
    alert = one_or_404(visible_alerts(select(Alert).where(Alert.alert_id == alert_id), person))
    offer = next((offer for offer in actions_for(alert, person).offers if offer.action.rank == rank), None)
    if offer is None:
        flash("The offers have changed since; these are the ones that stand.", "warning")
        return redirect(url_for("alerts.show", alert_id=alert_id), HTTPStatus.SEE_OTHER)
    details = deciding.whole_details(offer.action, alert)
    return render_template(
        "decisions/confirm.html",
        alert=alert,
        offer=offer,
        decides=not offer.asks_first,
        parts=offered_parts(offer.action, alert),
        order=order_lines(reading(), details) if offer.action.kind == REORDER else [],
        stores=store_names(deciding.stores_named(details)),
        chooses_day=offer.action.kind in deciding.CALENDAR_CHANGES,
        day=deciding.proposed_day(details),
    )


@decisions.post("/alerts/<int:alert_id>/act/<int:rank>")
def act(alert_id: int, rank: int) -> ResponseReturnValue:
    """Somebody does it, or asks for it."""
    person = current_person()
    with services().database.write() as records:
        decision = deciding.decide(
            records,
            locked_alert(records, alert_id),
            rank,
            by=person,
            now=services().clock.now(),
            today=services().today,
            offered_on=_day("offered_on"),
            until=_day("until"),
            note=_text("note"),
        )
        decision_id, state = decision.decision_id, decision.state
    flash(
        "Asked for. The merchandiser decides."
        if state is DecisionState.REQUESTED
        else "Done. Everybody concerned can see it.",
        "success",
    )
    return _to(decision_id)


@decisions.post("/decisions/<int:decision_id>/approve")
def approve(decision_id: int) -> ResponseReturnValue:
    """The merchandiser says yes."""
    with services().database.write() as records:
        deciding.approve(
            records,
            locked(records, decision_id),
            by=current_person(),
            now=services().clock.now(),
            today=services().today,
            until=_day("until"),
            note=_text("reason"),
        )
    flash("Approved.", "success")
    return _to(decision_id)


@decisions.post("/decisions/<int:decision_id>/refuse")
def refuse(decision_id: int) -> ResponseReturnValue:
    """The merchandiser says no, and why."""
    with services().database.write() as records:
        deciding.refuse(
            records,
            locked(records, decision_id),
            by=current_person(),
            now=services().clock.now(),
            reason=_text("reason"),
        )
    flash("Refused. The store can read why.", "success")
    return _to(decision_id)


@decisions.post("/decisions/<int:decision_id>/withdraw")
def withdraw(decision_id: int) -> ResponseReturnValue:
    """Who asked takes it back."""
    with services().database.write() as records:
        deciding.withdraw(
            records,
            locked(records, decision_id),
            by=current_person(),
            now=services().clock.now(),
            reason=_text("reason"),
        )
    flash("Taken back. The stock is free again.", "success")
    return _to(decision_id)


@decisions.post("/decisions/<int:decision_id>/undo")
def undo(decision_id: int) -> ResponseReturnValue:
    """Whoever did the last thing undoes it, within a minute."""
    with services().database.write() as records:
        deciding.undo(records, locked(records, decision_id), by=current_person(), now=services().clock.now())
    flash("Undone.", "success")
    return _to(decision_id)


@decisions.post("/consignments/<int:consignment_id>/accept")
def accept(consignment_id: int) -> ResponseReturnValue:
    """A giving store will send its part."""
    with services().database.write() as records:
        decision, part = locked_part(records, consignment_id)
        decision.accept(part, current_person(), services().clock.now())
        decision_id = decision.decision_id
    flash("Accepted. Pick it, then press Shipped.", "success")
    return _to(decision_id)


@decisions.post("/consignments/<int:consignment_id>/decline")
def decline(consignment_id: int) -> ResponseReturnValue:
    """A giving store will not send its part, and why."""
    with services().database.write() as records:
        decision, part = locked_part(records, consignment_id)
        decision.decline(part, current_person(), services().clock.now(), reason=_text("reason"))
        decision_id = decision.decision_id
    flash("Declined. The other store can read why.", "success")
    return _to(decision_id)


@decisions.post("/consignments/<int:consignment_id>/ship")
def ship(consignment_id: int) -> ResponseReturnValue:
    """A giving store has sent its part."""
    with services().database.write() as records:
        decision, part = locked_part(records, consignment_id)
        decision.ship(part, current_person(), services().clock.now(), on=services().today)
        decision_id = decision.decision_id
    flash("Shipped. The other store knows that it comes.", "success")
    return _to(decision_id)


@decisions.post("/consignments/<int:consignment_id>/receive")
def receive(consignment_id: int) -> ResponseReturnValue:
    """The taking store has unpacked a part, and says what was in it."""
    with services().database.write() as records:
        decision, part = locked_part(records, consignment_id)
        units = {line.sku: _units(f"received-{line.sku}", line.units) for line in part.lines}
        decision.receive(part, current_person(), services().clock.now(), on=services().today, units=units)
        decision_id = decision.decision_id
    flash("Received. Thank you.", "success")
    return _to(decision_id)


@decisions.get("/consignments/<int:consignment_id>/pick-list")
def picking(consignment_id: int) -> ResponseReturnValue:
    """The pick list of one giving store, made to be printed."""
    part = one_or_404(_one_part(consignment_id, current_person()))
    return render_template("decisions/pick_list.html", part=part, lines=pick_list(reading(), part))


@decisions.get("/consignments/<int:consignment_id>/pick-list.csv")
def picking_file(consignment_id: int) -> ResponseReturnValue:
    """The pick list of one giving store as a file."""
    return pick_list_csv(reading(), one_or_404(_one_part(consignment_id, current_person())))


@decisions.get("/decisions/<int:decision_id>/order.csv")
def order_file(decision_id: int) -> ResponseReturnValue:
    """The order file of a reorder, for whoever orders; it says what a unit costs."""
    person = current_person()
    decision = one_or_404(_one(decision_id, person))
    if decision.kind != REORDER:
        abort(HTTPStatus.NOT_FOUND)
    if not _sees_order(decision, person):
        abort(HTTPStatus.FORBIDDEN)
    return order_csv(reading(), decision)


def sees_part(part: Consignment, person: Person) -> bool:
    """Whether a person may see a part: the stores at both ends, and whoever answers for the category."""
    own = person.store_ids
    return own is None or part.from_store in own or part.to_store in own


def _sees_order(decision: Decision, person: Person) -> bool:
    return decision.is_decided_by(person) and decision.state is DecisionState.DONE


def _moved(decision: Decision) -> Moved | None:
    """What a decision has changed in the calendar."""
    made = decision.calendar_version_id
    if made is None:
        return None
    version = reading().get_one(CalendarVersion, made)
    before = reading().scalar(
        select(CalendarVersion.version_id)
        .where(CalendarVersion.version_id < made)
        .order_by(CalendarVersion.version_id.desc())
        .limit(1)
    )
    if before is None:
        return Moved(version, [], {})
    rows = difference(calendar_of(reading(), before), calendar_of(reading(), made))
    stores = select(Store.store_id, Store.name).where(
        Store.store_id.in_({row.scope.store_id for row in rows})
    )
    names = {row.store_id: row.name for row in reading().execute(stores)}
    return Moved(version, rows, names | {decision.style_id: decision.style_name})


def _history(decision: Decision, parts: Collection[Consignment]) -> list[Turn]:
    """The turns that somebody may see, newest first: one line for each press of a button.

    What was done to the whole is not told again of every part, and asking for what one decides oneself is
    told as the decision.
    """
    places = {part.consignment_id: part.giver.name for part in parts}
    strokes: dict[int, list[DecisionEvent]] = {}
    for event in decision.events:
        strokes.setdefault(event.stroke, []).append(event)
    turns = []
    for events in strokes.values():
        whole = [event for event in events if event.consignment_id is None]
        seen = whole or [event for event in events if event.consignment_id in places]
        if seen:
            last = seen[-1]
            reason = next((event.reason for event in seen if event.reason), "")
            place = "" if whole else places[last.consignment_id or 0]
            turns.append(Turn(last.act, last.who, last.at, "" if last.act == UNDONE else reason, place))
    return turns[::-1]


def _names(emails: Iterable[str]) -> dict[str, str]:
    """The names of the people in a history, by their e-mail."""
    known = sorted({email for email in emails if email})
    query = select(Person.email, Person.name).where(Person.email.in_(known))
    return {row.email: row.name for row in reading().execute(query)}


def _one(decision_id: int, person: Person) -> Select[Decision]:
    return visible_decisions(deciding.whole_decisions().where(Decision.decision_id == decision_id), person)


def _one_part(consignment_id: int, person: Person) -> Select[Consignment]:
    query = select(Consignment).where(Consignment.consignment_id == consignment_id)
    return visible_consignments(query.options(joinedload(Consignment.decision)), person)


def locked_alert(records: Session, alert_id: int) -> Alert:
    """An alert to be acted on, held until that is done; not there for whoever may not see it."""
    query = visible_alerts(select(Alert).where(Alert.alert_id == alert_id), current_person())
    alert = records.scalars(query.options(selectinload(Alert.events)).with_for_update()).one_or_none()
    if alert is None:
        abort(HTTPStatus.NOT_FOUND)
    return alert


def locked(records: Session, decision_id: int) -> Decision:
    """A decision to be changed, held until the change is made; not there for whoever may not see it."""
    query = _one(decision_id, current_person()).with_for_update(of=Decision)
    decision = records.scalars(query).one_or_none()
    if decision is None:
        abort(HTTPStatus.NOT_FOUND)
    return decision


def locked_part(records: Session, consignment_id: int) -> tuple[Decision, Consignment]:
    """A part to be changed, with the decision it belongs to."""
    found = records.scalars(_one_part(consignment_id, current_person())).one_or_none()
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    decision = locked(records, found.decision_id)
    return decision, next(p for p in decision.consignments if p.consignment_id == consignment_id)


def _to(decision_id: int) -> ResponseReturnValue:
    return redirect(url_for("decisions.show", decision_id=decision_id), HTTPStatus.SEE_OTHER)


def _day(name: str) -> date | None:
    """A day from a form; none where it was left empty."""
    told = request.form.get(name, "")
    if not told:
        return None
    try:
        return date.fromisoformat(told)
    except ValueError:
        raise InSeasonError(f"{told!r} is not a day; write it like 2026-09-06.") from None


def _text(name: str) -> str:
    return request.form.get(name, "")


def _units(name: str, asked: int) -> int:
    """Pieces from a form; as asked where the field was not sent."""
    told = request.form.get(name)
    if told is None:
        return asked
    if not told.isascii() or not told.isdigit() or len(told) > _LONGEST_NUMBER:
        raise InSeasonError(f"{told!r} is not a number of pieces.")
    return int(told)
