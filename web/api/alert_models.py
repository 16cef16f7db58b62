"""How the API writes an alert, what can be done about it, and what is asked of either."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, cast

from pydantic import ConfigDict, Field

from data.records import Condition, DismissReason, Happening, How, Scope, Severity, Status
from data.records.alerts import LONGEST_NOTE
from web.api.models import Day, Evidence, Instant, Model, Money, Paged, Text, Typed, Version, units
from web.rendering import acts
from web.rendering.details import Details
from web.rendering.drivers import certainty, reasons
from web.rendering.sentences import OWN_STORE, naming, rule_codes, sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from data.records import Alert, AlertAction, AlertEvent
    from web.offers import Panel

_SUMMARY: Final[dict[str, Any]] = {
    "alert_id": 4711,
    "version": 3,
    "rule": "exit_before_demand_ends",
    "scope": "store",
    "status": "open",
    "condition": "firing",
    "severity": "high",
    "sentence": "Marlin Trunk will leave the floor on 5 July; customers of Phoenix North want 38 more.",
    "store_id": "PHX-01",
    "store_name": "Phoenix North",
    "climate_zone": "hot",
    "category": "swim trunks",
    "style_id": "SWT-26-03",
    "style_name": "Marlin Trunk",
    "season_code": "SS26",
    "group_id": 4690,
    "units_lost": 38.2,
    "customers_lost": 31.0,
    "recoverable_units": 6.0,
    "reorderable_units": 12.5,
    "next_buy_units": 19.7,
    "money_lost": {"amount": "1298.80", "currency": "USD"},
    "margin_lost": {"amount": "701.35", "currency": "USD"},
    "act_by": "2026-07-01",
    "demand_ends": "2026-09-12",
    "evidence": "observed",
    "first_fired_on": "2026-06-12",
    "evaluated_on": "2026-06-13",
    "opened_at": "2026-06-14T06:30:00Z",
    "closed_at": None,
    "acknowledged_until": None,
    "snoozed_until": None,
}
_ACTION: Final[dict[str, Any]] = {
    "rank": 1,
    "kind": "transfer",
    "title": "Bring 6 pieces from Tucson",
    "units": 6.0,
    "cost": {"amount": "23.84", "currency": "USD"},
    "benefit": {"amount": "103.56", "currency": "USD"},
    "act_by": "2026-07-01",
    "offered_on": "2026-06-13",
    "asks_first": True,
    "until": None,
    "lines": [{"from_store": "TUC-01", "to_store": "PHX-01", "sku": "SWT-26-03-NAV-M", "units": 6}],
}
_EVENT: Final[dict[str, Any]] = {
    "at": "2026-06-14T06:30:00Z",
    "who": None,
    "how": "night",
    "what": "fires",
    "from_status": "pending",
    "to_status": "open",
    "from_condition": "firing",
    "to_condition": "firing",
    "reason": "found 2 nights in a row",
    "until": None,
}


class AlertQuery(Paged):
    """Which alerts."""

    status: Status | None = Field(
        None, description="Only these; when left out, all that were ever opened, so none that are pending."
    )
    severity: Severity | None = Field(None, description="Only these.")
    category: Text | None = Field(None, max_length=100, description="Only of this category.")
    rule: Text | None = Field(
        None, max_length=64, description=f"Only of this rule: {', '.join(rule_codes())}."
    )
    store: Text | None = Field(None, max_length=64, description="Only of this store, by its `store_id`.")
    zone: Text | None = Field(None, max_length=64, description="Only of this climate zone.")
    group: Typed | None = Field(
        None, ge=1, le=2**31 - 1, description="Only those that the alert of this number gathers."
    )


class AlertSummary(Model):
    """One alert in a list."""

    alert_id: int
    version: int = Field(description="Changes with every change; send it back with what you do.")
    rule: str
    scope: Scope
    status: Status = Field(description="What people have made of it.")
    condition: Condition = Field(description="What the last night saw; `unknown` while figures are late.")
    severity: Severity
    sentence: str = Field(description="The alert in one sentence.")
    store_id: str | None = Field(description="None when it is about a zone or the chain.")
    store_name: str | None
    climate_zone: str
    category: str
    style_id: str
    style_name: str
    season_code: str
    group_id: int | None = Field(description="The alert of the zone that gathers it, if you may see that.")
    units_lost: float
    customers_lost: float
    recoverable_units: float = Field(description="Of the units: those that the chain's stock can serve.")
    reorderable_units: float = Field(description="Of the units: those that can still be ordered.")
    next_buy_units: float = Field(description="Of the units: a lesson for the next buy.")
    money_lost: Money
    margin_lost: Money | None = Field(description="None where no unit cost is known.")
    act_by: Day | None = Field(description="The last day on which any action helps.")
    demand_ends: Day | None
    evidence: Evidence = Field(description="What the demand rests on.")
    first_fired_on: Day
    evaluated_on: Day = Field(description="The night of the figures.")
    opened_at: Instant | None
    closed_at: Instant | None
    acknowledged_until: Day | None
    snoozed_until: Day | None


class AlertSize(Model):
    """One sku of an alert's style: expected demand and loss in units, stock in pieces."""

    sku: str
    size: str
    color: str
    demand: float
    on_hand: int
    in_transit: int
    lost: float


class ActionLine(Model):
    """Pieces of one sku on their way from a store, or to be ordered (then without `from_store`)."""

    from_store: str | None
    to_store: str | None
    sku: str
    units: int


class AlertActionOffer(Model):
    """One thing that can still be done about an alert, as the last night worked it out."""

    rank: int = Field(description="Its name: act on it by this.")
    kind: str
    title: str
    units: float = Field(description="Units that it wins or moves.")
    cost: Money | None
    benefit: Money | None = Field(description="The margin that it wins.")
    act_by: Day | None
    offered_on: Day = Field(description="The night of the offer; send it back when you act.")
    asks_first: bool = Field(description="Whether the merchandiser has to approve it when you act.")
    until: Day | None = Field(description="The day it would move a date of the calendar to.")
    lines: list[ActionLine]


class AlertHistoryEvent(Model):
    """One change of an alert."""

    at: Instant
    who: str | None = Field(description="The person's name; None when nobody did it.")
    how: How
    what: Happening
    from_status: Status | None
    to_status: Status
    from_condition: Condition | None
    to_condition: Condition
    reason: str
    until: Day | None


class AlertWhole(AlertSummary):
    """One alert with its sizes, what can be done, and its history."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                _SUMMARY
                | {
                    "floor_set": "2026-02-15",
                    "exit": "2026-07-05",
                    "on_hand": 6,
                    "in_transit": 0,
                    "demand_units": 44.2,
                    "why": ["Over the year, customers here want about 3 a week on average."],
                    "how_sure": ["Four stores here had it on the shelf in these weeks."],
                    "sizes": [
                        {
                            "sku": "SWT-26-03-NAV-M",
                            "size": "M",
                            "color": "navy",
                            "demand": 20.0,
                            "on_hand": 0,
                            "in_transit": 0,
                            "lost": 20.0,
                        }
                    ],
                    "actions": [_ACTION],
                    "events": [_EVENT],
                }
            ]
        }
    )

    floor_set: Day | None
    exit: Day | None
    on_hand: int
    in_transit: int
    demand_units: float
    why: list[str] = Field(description="What moves the demand, a sentence each.")
    how_sure: list[str] = Field(description="What that rests on, a sentence each.")
    sizes: list[AlertSize]
    actions: list[AlertActionOffer]
    events: list[AlertHistoryEvent] = Field(description="Its history, oldest first.")


class AlertPage(Model):
    """Alerts, newest first."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"items": [_SUMMARY], "next": "/api/v1/alerts?status=open&cursor=WzQ3MTFd"}]
        }
    )

    items: list[AlertSummary]
    next: str | None = Field(description="The address of the next page; None on the last.")


class ActionList(Model):
    """What can still be done about an alert, best first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_ACTION]}]})

    items: list[AlertActionOffer]


class Seen(Model):
    """The alert as it was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3}]})

    version: Version = Field(description="Of the alert as you read it.")


class Snooze(Seen):
    """Until when an alert is put off."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 3, "until": "2026-06-28"}]})

    until: Day | None = Field(
        None, description="A day to come, within a year; when left out, until it gets worse."
    )


class Dismiss(Seen):
    """Why nobody wants to hear more of an alert this season."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 3, "reason": "other", "note": "The shop is rebuilt."}]}
    )

    reason: DismissReason
    note: Text = Field("", max_length=LONGEST_NOTE, description="Needed with the reason `other`.")


class ActOn(Model):
    """What is done about an alert."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"offered_on": "2026-06-13", "note": "Needed for the weekend."}]}
    )

    offered_on: Day = Field(description="The night of the offer that you have read.")
    until: Day | None = Field(None, description="Another day than the offer's, for a change of the calendar.")
    note: Text = Field("", max_length=LONGEST_NOTE)


def summary_of(alert: Alert, store_name: str | None, *, sees_groups: bool) -> dict[str, Any]:
    """The fields of an alert in a list."""
    voice = naming(store_name) if store_name else OWN_STORE
    return {
        "alert_id": alert.alert_id,
        "version": alert.version,
        "rule": alert.rule,
        "scope": alert.scope,
        "status": alert.status,
        "condition": alert.condition,
        "severity": alert.severity,
        "sentence": sentence(alert, voice),
        "store_id": alert.store_id,
        "store_name": store_name,
        "climate_zone": alert.climate_zone,
        "category": alert.category,
        "style_id": alert.style_id,
        "style_name": Details.of(alert).style_name,
        "season_code": alert.season_code,
        "group_id": alert.parent_id if sees_groups else None,
        "units_lost": units(alert.units_lost),
        "customers_lost": units(alert.customers_lost),
        "recoverable_units": units(alert.recoverable_units),
        "reorderable_units": units(alert.reorderable_units),
        "next_buy_units": units(alert.next_buy_units),
        "money_lost": Money.given(alert.money_lost),
        "margin_lost": Money.of(alert.margin_lost),
        "act_by": alert.act_by,
        "demand_ends": alert.demand_ends,
        "evidence": alert.evidence or "unknown",
        "first_fired_on": alert.first_fired_on,
        "evaluated_on": alert.evaluated_on,
        "opened_at": alert.opened_at,
        "closed_at": alert.closed_at,
        "acknowledged_until": alert.acknowledged_until if alert.status is Status.ACKNOWLEDGED else None,
        "snoozed_until": alert.snoozed_until if alert.status is Status.SNOOZED else None,
    }


def whole_of(
    summary: Mapping[str, Any],
    alert: Alert,
    actions: Sequence[AlertActionOffer],
    names: Mapping[str, str],
) -> AlertWhole:
    """An alert with everything about it."""
    details = Details.of(alert)
    return AlertWhole(
        **summary,
        floor_set=details.floor_set,
        exit=details.exit,
        on_hand=details.on_hand,
        in_transit=details.in_transit,
        demand_units=units(details.demand_units),
        why=reasons(alert),
        how_sure=certainty(alert),
        sizes=[
            AlertSize(
                sku=size.sku,
                size=size.name,
                color=size.color,
                demand=units(size.demand),
                on_hand=size.on_hand,
                in_transit=size.in_transit,
                lost=units(size.lost),
            )
            for size in details.sizes
        ],
        actions=list(actions),
        events=[_event(each, names) for each in alert.events],
    )


def offers_of(panel: Panel, today: date, until_of: Mapping[int, date | None]) -> list[AlertActionOffer]:
    """What can be done, as the person may do it."""
    return [
        AlertActionOffer(
            rank=offer.action.rank,
            kind=offer.action.kind,
            title=acts.title(offer.action, today),
            units=units(offer.action.units),
            cost=Money.of(offer.action.cost),
            benefit=Money.of(offer.action.benefit),
            act_by=offer.action.act_by,
            offered_on=offer.action.evaluated_on,
            asks_first=offer.asks_first,
            until=until_of[offer.action.rank],
            lines=_lines(offer.action, panel.alert.store_id),
        )
        for offer in panel.offers
    ]


def _lines(action: AlertAction, store_id: str | None) -> list[ActionLine]:
    moved = [
        ActionLine(
            from_store=line["from_store"],
            to_store=line.get("to_store") or store_id,
            sku=line["sku"],
            units=round(line["units"]),
        )
        for line in action.lines
        if line.get("from_store")
    ]
    ordered = [
        ActionLine(from_store=None, to_store=store_id, sku=size["sku"], units=round(size["units"]))
        for size in cast("Sequence[Mapping[str, Any]]", action.details.get("sizes") or ())
    ]
    return moved or ordered


def _event(event: AlertEvent, names: Mapping[str, str]) -> AlertHistoryEvent:
    return AlertHistoryEvent(
        at=event.at,
        who=names.get(event.who, event.who) or None,
        how=How(event.how),
        what=event.what,
        from_status=event.from_status,
        to_status=event.to_status,
        from_condition=event.from_condition,
        to_condition=event.to_condition,
        reason=event.reason,
        until=event.until,
    )
