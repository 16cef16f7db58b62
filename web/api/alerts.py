"""Alerts in the API: the list, one of them, what people do to it, and acting on it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from apiflask import APIBlueprint
from sqlalchemy import select
from sqlalchemy.orm import defer, selectinload

from data import decisions as deciding
from data.records import Alert, How, Person, Status, Store, TokenScope
from web.access import current_person, one_or_404, visible_alerts
from web.api.alert_models import (
    ActionList,
    ActOn,
    AlertActionOffer,
    AlertPage,
    AlertQuery,
    AlertSummary,
    AlertWhole,
    Dismiss,
    Seen,
    Snooze,
    offers_of,
    summary_of,
    whole_of,
)
from web.api.decision_models import DecisionWhole, decision_of
from web.api.guard import operation
from web.api.paging import links, numbers_in, page_of
from web.changes import change_alert
from web.decisions import locked_alert
from web.offers import actions_for
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

    from web.changes import AsSeen, Change

alerts = APIBlueprint("api_alerts", __name__, url_prefix="/api/v1", tag="Alerts")

_OVERTAKEN: Final = "It has changed since, or that cannot be done to it as it stands"


@alerts.get("/alerts")
@operation(alerts, "listAlerts", TokenScope.ALERTS_READ)
@alerts.input(AlertQuery, location="query", arg_name="asked")
@alerts.output(AlertPage, description="A page of alerts")
def list_alerts(asked: AlertQuery) -> ResponseReturnValue:
    """List alerts.

    The alerts of your stores and categories, newest first. Those that a zone's alert gathers are in the list
    as well, each with its `group_id`.
    """
    person = current_person()
    rows, following = page_of(_rows(asked, person), asked, lambda row: [row[0].alert_id])
    items = [
        AlertSummary(**summary_of(alert, name, sees_groups=person.store_ids is None)) for alert, name in rows
    ]
    return AlertPage(items=items, next=following), 200, links(following)  # type: ignore[return-value]  # written by `output`


@alerts.get("/alerts/<int:alert_id>")
@operation(alerts, "readAlert", TokenScope.ALERTS_READ)
@alerts.output(AlertWhole, description="The alert")
def read_alert(alert_id: int) -> AlertWhole:
    """Read one alert.

    With its sizes, why customers want so much, what can still be done, and its whole history.
    """
    return _whole(alert_id)


@alerts.post("/alerts/<int:alert_id>/acknowledge")
@operation(alerts, "acknowledgeAlert", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@alerts.input(Seen, arg_name="sent")
@alerts.output(AlertWhole, description="The alert as it stands now")
def acknowledge(alert_id: int, sent: Seen) -> AlertWhole:
    """Take an alert on.

    It stays acknowledged for two weeks, or until what it is about is mended.
    """
    return _change(alert_id, sent, lambda alert, by, now: alert.acknowledge(by, now, how=How.API))


@alerts.post("/alerts/<int:alert_id>/snooze")
@operation(alerts, "snoozeAlert", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@alerts.input(Snooze, arg_name="sent")
@alerts.output(AlertWhole, description="The alert as it stands now")
def snooze(alert_id: int, sent: Snooze) -> AlertWhole:
    """Put an alert off.

    It comes back on its day, and before that as soon as it gets worse.
    """
    return _change(alert_id, sent, lambda alert, by, now: alert.snooze(by, now, sent.until, how=How.API))


@alerts.post("/alerts/<int:alert_id>/dismiss")
@operation(alerts, "dismissAlert", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@alerts.input(Dismiss, arg_name="sent")
@alerts.output(AlertWhole, description="The alert as it stands now")
def dismiss(alert_id: int, sent: Dismiss) -> AlertWhole:
    """Dismiss an alert until its season is over, and say why."""

    def change(alert: Alert, by: str, now: datetime) -> None:
        alert.dismiss(by, now, sent.reason, sent.note, how=How.API)

    return _change(alert_id, sent, change)


@alerts.post("/alerts/<int:alert_id>/reopen")
@operation(alerts, "reopenAlert", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@alerts.input(Seen, arg_name="sent")
@alerts.output(AlertWhole, description="The alert as it stands now")
def reopen(alert_id: int, sent: Seen) -> AlertWhole:
    """Put an alert back among the open ones."""
    return _change(alert_id, sent, lambda alert, by, now: alert.reopen(by, now, how=How.API))


@alerts.post("/alerts/<int:alert_id>/undo")
@operation(alerts, "undoAlertChange", TokenScope.ALERTS_WRITE, may_refuse=_OVERTAKEN)
@alerts.input(Seen, arg_name="sent")
@alerts.output(AlertWhole, description="The alert as it stands now")
def undo(alert_id: int, sent: Seen) -> AlertWhole:
    """Take back your own last change of an alert, within a minute of it."""
    return _change(alert_id, sent, lambda alert, by, now: alert.undo(by, now, how=How.API))


@alerts.get("/alerts/<int:alert_id>/actions")
@operation(alerts, "listActions", TokenScope.ALERTS_READ)
@alerts.output(ActionList, description="What can be done")
def list_actions(alert_id: int) -> ActionList:
    """List what can still be done about an alert.

    What the last night offered, best first, without what was decided since and what is too late by now.
    """
    person = current_person()
    alert = one_or_404(_one(alert_id, person))
    return ActionList(items=_offers(alert, person))


@alerts.post("/alerts/<int:alert_id>/actions/<int:rank>")
@operation(
    alerts,
    "actOnAlert",
    TokenScope.ALERTS_WRITE,
    may_refuse="The offer is not the last night's any more, somebody was faster, or its day is past",
)
@alerts.input(ActOn, arg_name="sent")
@alerts.output(DecisionWhole, description="What was decided")
def act(alert_id: int, rank: int, sent: ActOn) -> DecisionWhole:
    """Act on an alert.

    Does what was offered where that is yours to decide, and asks the merchandiser for it where it is not.
    Doing it twice is doing it once.
    """
    person = current_person()
    with services().database.write() as records:
        decision = deciding.decide(
            records,
            locked_alert(records, alert_id),
            rank,
            by=person,
            now=services().clock.now(),
            today=services().today,
            offered_on=sent.offered_on,
            until=sent.until,
            note=sent.note,
            how=How.API,
        )
        decision_id = decision.decision_id
    read_afresh()
    return decision_of(decision_id, person)


def _rows(asked: AlertQuery, person: Person) -> Sequence[tuple[Alert, str | None]]:
    """A page of alerts with the names of their stores, and one more where there are more."""
    query = (
        select(Alert, Store.name)
        .outerjoin(Store, Store.store_id == Alert.store_id)
        .order_by(Alert.alert_id.desc())
        .limit(asked.limit + 1)
        .options(defer(Alert.drivers))
    )
    wanted = {
        Alert.status: asked.status,
        Alert.severity: asked.severity,
        Alert.category: asked.category,
        Alert.rule: asked.rule,
        Alert.store_id: asked.store,
        Alert.climate_zone: asked.zone,
        Alert.parent_id: asked.group,
    }
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if asked.status is not Status.PENDING:
        query = query.where(Alert.opened_on.is_not(None))
    if (last := numbers_in(asked, 1)) is not None:
        query = query.where(Alert.alert_id < last[0])
    return [(alert, name) for alert, name in reading().execute(visible_alerts(query, person))]


def _one(alert_id: int, person: Person) -> Select[Alert]:
    return visible_alerts(select(Alert).where(Alert.alert_id == alert_id), person)


def _whole(alert_id: int) -> AlertWhole:
    person = current_person()
    alert = one_or_404(_one(alert_id, person).options(selectinload(Alert.events)))
    name = reading().scalar(select(Store.name).where(Store.store_id == alert.store_id))
    summary = summary_of(alert, name, sees_groups=person.store_ids is None)
    return whole_of(summary, alert, _offers(alert, person), _names(event.who for event in alert.events))


def _offers(alert: Alert, person: Person) -> list[AlertActionOffer]:
    panel = actions_for(alert, person)
    until = {
        offer.action.rank: deciding.proposed_day(deciding.whole_details(offer.action, alert))
        for offer in panel.offers
    }
    return offers_of(panel, services().today, until)


def _change(alert_id: int, sent: Seen, change: Change) -> AlertWhole:
    as_seen: AsSeen = lambda alert, _person: alert.version == sent.version  # noqa: E731
    change_alert(alert_id, change, as_seen)
    read_afresh()
    return _whole(alert_id)


def _names(emails: Iterable[str]) -> dict[str, Any]:
    known = sorted({email for email in emails if email})
    query = select(Person.email, Person.name).where(Person.email.in_(known))
    return {row.email: row.name for row in reading().execute(query)}
