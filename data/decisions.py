"""Acting on an alert: from tonight's offer to a decision carried out, told to the alert, or undone."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from data.calendar_changes import CalendarChange, ChangeKind, change_calendar, roll_back
from data.errors import ConflictError, InSeasonError, TransitionError
from data.records import (
    Alert,
    AlertAction,
    CalendarVersion,
    Consignment,
    Decision,
    DecisionState,
    How,
    KeepOpenRecord,
    Status,
    Store,
    StoreKind,
    TestState,
)
from data.records.decision_life import OPEN
from data.records.decisions import DECISION_NAMES
from forecaster.codes import BRING_FLOOR_SET_FORWARD, EXTEND_EXIT, HOLD_MARKDOWN, KEEP_OPEN_TEST, TRANSFER

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.records import Person

# What moves a date of the calendar, and which date.
CALENDAR_CHANGES: Final = {
    HOLD_MARKDOWN: ChangeKind.HOLD_MARKDOWN,
    EXTEND_EXIT: ChangeKind.EXTEND_EXIT,
    BRING_FLOOR_SET_FORWARD: ChangeKind.BRING_FLOOR_SET_FORWARD,
    KEEP_OPEN_TEST: ChangeKind.EXTEND_EXIT,
}
# An approved transfer that nobody has shipped so long after its day is given up.
LATEST_SHIPPING: Final = timedelta(days=7)
_ANSWER_WITHIN: Final = timedelta(days=14)
# Refused, declined or taken back: the same offer may be asked for again.
_WITHOUT_EFFECT: Final = (DecisionState.REFUSED, DecisionState.DECLINED, DecisionState.WITHDRAWN)
_SETTLED: Final = (DecisionState.RECEIVED, DecisionState.DONE)


def whole_decisions() -> Select[Decision]:
    """A query over decisions with their parts and history."""
    # A part holds on to its decision, which is in the session already: no further question is asked.
    parts = selectinload(Decision.consignments).immediateload(Consignment.decision)
    return select(Decision).options(parts, selectinload(Decision.events))


def decide(
    session: Session,
    alert: Alert,
    rank: int,
    *,
    by: Person,
    now: datetime,
    today: date,
    offered_on: date | None,
    until: date | None = None,
    note: str = "",
    how: str = How.WEB,
) -> Decision:
    """Somebody acts on an alert: asks for what the last night offered, or does it where that is theirs to do.

    The alert is acknowledged if nobody has taken it on, and its history says what was decided.

    Args:
        session: a session that writes.
        alert: with its events loaded.
        rank: which of its offers.
        by: who acts.
        now: the instant.
        today: the day on the chain's calendar.
        offered_on: the night of the offer that the person has seen.
        until: the day chosen for a change of the calendar; the offer's own when left out.
        note: what the person wants to say with it.
        how: through which door.

    Returns:
        The decision, flushed; the same one when the person has pressed twice.

    Raises:
        TransitionError: when the alert is over or the day to act is past.
        ConflictError: when the offer is not the last night's any more, or somebody was faster.
        NotYoursError: when it is not the person's to ask for.
    """
    if not alert.is_live:
        raise TransitionError(f"This alert is {alert.status}: there is nothing left to do about it.")
    action = session.scalar(
        select(AlertAction).where(AlertAction.alert_id == alert.alert_id, AlertAction.rank == rank)
    )
    if action is None or action.evaluated_on != offered_on:
        raise ConflictError("A night has passed and the offers are new; look at them before you act.")
    if action.act_by is not None and action.act_by < today:
        raise TransitionError("The last day on which this helps is past.")
    if (same := _decided_already(session, action)) is not None:
        if same.requested_by == by.email:
            return same
        raise ConflictError(f"{same.requested_by} has asked for this already.")
    _refuse_promised(session, action, alert)
    details = whole_details(action, alert)
    decision = Decision.asked_for(action, alert, details, by=by, now=now, until=until)
    _add(session, decision)
    decision.ask(by, now, how=how, reason=note)
    _carry_out(session, decision, by=by, now=now, today=today, until=until, note=note)
    if alert.status in (Status.PENDING, Status.OPEN):
        alert.acknowledge(by.email, now, how=how)
    asks_first = decision.kind == TRANSFER or _has_effect(decision)
    name = DECISION_NAMES[decision.kind] if asks_first else f"asked: {decision.kind}"
    alert.decided(name, by.email, now, how=how, note=note)
    session.flush()
    return decision


def approve(
    session: Session,
    decision: Decision,
    *,
    by: Person,
    now: datetime,
    today: date,
    until: date | None = None,
    note: str = "",
    how: str = How.WEB,
) -> None:
    """The merchandiser says yes, and what one step can do is done with that.

    Raises:
        NotYoursError: when the category is somebody else's.
        TransitionError: when it no longer waits.
        InSeasonError: when the calendar cannot be changed so.
    """
    had_effect = _has_effect(decision)
    decision.approve(by, now, how=how, reason=note)
    if had_effect:
        return
    _carry_out(session, decision, by=by, now=now, today=today, until=until, note=note)
    if decision.kind != TRANSFER:
        _tell(session, decision, DECISION_NAMES[decision.kind], by.email, now, note, how=how)


def refuse(
    session: Session, decision: Decision, *, by: Person, now: datetime, reason: str, how: str = How.WEB
) -> None:
    """The merchandiser says no, and the alert's history says why.

    Raises:
        NotYoursError: when the category is somebody else's.
        TransitionError: when it no longer waits.
        InSeasonError: without a reason.
    """
    was = decision.state
    decision.refuse(by, now, reason=reason, how=how)
    if decision.state is not was:
        _tell(session, decision, f"refused: {decision.kind}", by.email, now, reason, how=how)


def withdraw(
    session: Session, decision: Decision, *, by: Person, now: datetime, reason: str = "", how: str = How.WEB
) -> None:
    """It is taken back before anything has left.

    Raises:
        NotYoursError: when it is neither the person's own nor of their category.
        TransitionError: when something has left, or it is over.
    """
    was = decision.state
    decision.withdraw(by, now, reason=reason, how=how)
    if decision.state is not was:
        _tell(session, decision, f"taken back: {decision.kind}", by.email, now, reason, how=how)


def undo(session: Session, decision: Decision, *, by: Person, now: datetime, how: str = How.WEB) -> None:
    """The last thing done to it is undone, within a minute; a change of the calendar with it.

    Raises:
        TransitionError: when the minute is over or somebody went on.
        ConflictError: when somebody has changed the calendar since.
    """
    was_done = decision.state is DecisionState.DONE
    decision.undo(by, now, how=how)
    if was_done and decision.state is not DecisionState.DONE:
        _undo_effect(session, decision, by=by, now=now)
    if decision.state in (DecisionState.WITHDRAWN, DecisionState.REQUESTED):
        _tell(session, decision, f"taken back: {decision.kind}", by.email, now, how=how)


def lapse_decisions(session: Session, *, business_date: date, now: datetime) -> int:
    """Give free what nobody approved or shipped in time, so that stock is not promised for ever.

    Returns:
        How many decisions lapsed.
    """
    waiting = whole_decisions().where(Decision.state.in_(OPEN)).order_by(Decision.decision_id)
    lapsed = 0
    for decision in session.scalars(waiting.with_for_update(of=Decision)):
        reason = _why_lapsed(decision, business_date)
        if reason:
            decision.lapses(now, reason=reason)
            _tell(session, decision, f"lapsed: {decision.kind}", "", now, reason, how="night")
            lapsed += 1
    return lapsed


def _why_lapsed(decision: Decision, business_date: date) -> str:
    """Why a decision is given up tonight; blank when it is not."""
    last = decision.act_by or (decision.requested_at + _ANSWER_WITHIN).date()
    if decision.state is DecisionState.REQUESTED:
        return "nobody approved it in time" if last < business_date else ""
    unsent = [
        part.ships_by or last
        for part in decision.consignments
        if part.state in (DecisionState.APPROVED, DecisionState.ACCEPTED)
    ]
    return "nobody shipped it in time" if unsent and max(unsent) + LATEST_SHIPPING < business_date else ""


def _has_effect(decision: Decision) -> bool:
    """Whether it has gone beyond being asked for."""
    return decision.state not in (DecisionState.REQUESTED, *_WITHOUT_EFFECT)


def _decided_already(session: Session, action: AlertAction) -> Decision | None:
    """What was decided about the same thing: still under way, or settled since that night."""
    query = select(Decision).where(Decision.alert_id == action.alert_id, Decision.kind == action.kind)
    return next(
        (
            decision
            for decision in session.scalars(query.order_by(Decision.decision_id.desc()))
            if decision.is_open or (decision.state in _SETTLED and decision.offered_on == action.evaluated_on)
        ),
        None,
    )


def _refuse_promised(session: Session, action: AlertAction, alert: Alert) -> None:
    """Two alerts about one shelf offer the same pieces: they are sent once."""
    wanted = {
        (line["from_store"], line.get("to_store") or alert.store_id, line["sku"])
        for line in action.lines
        if line.get("from_store")
    }
    if not wanted:
        return
    since = (
        select(Consignment)
        .join(Decision)
        .where(
            Decision.offered_on == action.evaluated_on,
            Decision.state.not_in(_WITHOUT_EFFECT),
            Consignment.state != DecisionState.DECLINED,
            Consignment.from_store.in_({giver for giver, _, _ in wanted}),
        )
    )
    for part in session.scalars(since):
        if wanted & {(part.from_store, part.to_store, line.sku) for line in part.lines}:
            raise ConflictError(
                f"{part.giver.name} has promised these pieces to {part.taker.name} through another alert."
            )


def _add(session: Session, decision: Decision) -> None:
    session.add(decision)
    try:
        session.flush()
    except IntegrityError as error:
        raise ConflictError("Somebody else has asked for this at the same moment.") from error


def _carry_out(
    session: Session,
    decision: Decision,
    *,
    by: Person,
    now: datetime,
    today: date,
    until: date | None,
    note: str,
) -> None:
    """What follows at once from a decision that is done: dates move, a test begins."""
    if decision.state is not DecisionState.DONE:
        return
    decision.until = until or decision.until or proposed_day(decision.details)
    if decision.kind == KEEP_OPEN_TEST:
        _test_of(session, decision).start(by.email, now)
    if decision.kind in CALENDAR_CHANGES:
        told = f"{DECISION_NAMES[decision.kind].replace('_', ' ')}: {decision.style_name}"
        version = change_calendar(
            session,
            calendar_change(session, decision),
            author=by.name,
            reason=f"{told}; {note}" if note else told,
            now=now,
            today=today,
        )
        decision.calendar_version_id = version.version_id


def _undo_effect(session: Session, decision: Decision, *, by: Person, now: datetime) -> None:
    if decision.kind == KEEP_OPEN_TEST:
        _test_of(session, decision, TestState.RUNNING).take_back()
    if (made := decision.calendar_version_id) is not None:
        before = session.scalar(
            select(func.max(CalendarVersion.version_id)).where(CalendarVersion.version_id < made)
        )
        if before is not None:
            roll_back(session, before, author=by.name, reason="undone", now=now, based_on=made)
        decision.calendar_version_id = None


def calendar_change(session: Session, decision: Decision) -> CalendarChange:
    """What a decision moves in the calendar: its stores, or their zone where it means all of them.

    Raises:
        InSeasonError: when no day was chosen.
    """
    if decision.until is None:
        raise InSeasonError("Choose the day to which the date is to move.")
    zone = "" if decision.store_id else decision.climate_zone
    stores = stores_named(decision.details) or ((decision.store_id,) if decision.store_id else ())
    selling = select(Store.store_id).where(Store.climate_zone == zone, Store.kind != StoreKind.DC)
    if zone and set(stores) >= set(session.scalars(selling)):
        stores = ()
    near = decision.details.get("near")
    return CalendarChange(
        CALENDAR_CHANGES[decision.kind],
        decision.category,
        decision.season_code,
        decision.until,
        climate_zones=(zone,) if zone and not stores else (),
        store_ids=stores,
        style_ids=(decision.style_id,) if decision.style_id else (),
        near=date.fromisoformat(near) if near else None,
    )


def whole_details(action: AlertAction, alert: Alert) -> dict[str, Any]:
    """The details of an offer with the day it proposes, and a day of the season that is meant."""
    details = dict(action.details)
    if (leaves := (alert.details or {}).get("exit")) and action.kind in CALENDAR_CHANGES:
        details["near"] = leaves
    if (day := proposed_day(details)) is not None:
        details["until"] = day.isoformat()
    return details


def proposed_day(details: Mapping[str, Any]) -> date | None:
    """The day to which an offer would move a date, if it would move one."""
    if told := details.get("until") or details.get("new_floor_set"):
        return date.fromisoformat(told)
    if (begins := details.get("markdown")) and (weeks := details.get("weeks")):
        return date.fromisoformat(begins) + timedelta(weeks=weeks)
    return None


def stores_named(details: Mapping[str, Any]) -> tuple[str, ...]:
    """The stores that an offer names, where it is about several."""
    named: Sequence[Any] = details.get("stores") or ()
    return tuple(store["store"] if isinstance(store, dict) else str(store) for store in named)


def _test_of(session: Session, decision: Decision, state: TestState = TestState.PROPOSED) -> KeepOpenRecord:
    """The keep-open test that a decision is about."""
    found = session.scalar(
        select(KeepOpenRecord).where(
            KeepOpenRecord.category == decision.category,
            KeepOpenRecord.season_code == decision.season_code,
            KeepOpenRecord.state == state,
        )
    )
    if found is None:
        raise ConflictError("The test is not proposed any more; look at the alert again.")
    return found


def _tell(
    session: Session,
    decision: Decision,
    name: str,
    who: str,
    now: datetime,
    note: str = "",
    *,
    how: str = "web",
) -> None:
    """Write what became of it into the history of its alert."""
    alert = session.scalars(
        select(Alert).where(Alert.alert_id == decision.alert_id).options(selectinload(Alert.events))
    ).one()
    alert.decided(name, who, now, how=how, note=note)
