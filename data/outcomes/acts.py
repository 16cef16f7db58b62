"""What people did about alerts, as far as it can have brought anything."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from sqlalchemy import or_, select
from sqlalchemy.orm import selectinload

from data.records import Consignment, Decision, DecisionState
from forecaster.codes import (
    BRING_FLOOR_SET_FORWARD,
    COUNT_SHELF,
    EXTEND_EXIT,
    HOLD_MARKDOWN,
    KEEP_OPEN_TEST,
    REORDER,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from sqlalchemy.orm import Session


def acts_on(session: Session, alerts: pd.DataFrame) -> pd.DataFrame:
    """What people did about some alerts, as `forecaster.outcomes.Aftermath` takes it.

    A transfer counts from the day it was received, an order from the day its goods were due, a date that was
    moved for the days that it won, a count from the day after it. What was decided for a zone counts for each
    of its stores.
    """
    ids = alerts["alert_id"].tolist()
    parents = alerts["parent_id"].dropna().astype(int).tolist() if len(alerts) else []
    taken = (
        select(Decision)
        .where(or_(Decision.alert_id.in_(ids), Decision.alert_id.in_(parents)))
        .where(Decision.state.not_in([DecisionState.REFUSED, DecisionState.WITHDRAWN]))
        .options(selectinload(Decision.consignments))
    )
    decisions = list(session.scalars(taken)) if ids else []
    rows = [
        row
        for decision in decisions
        for alert in _concerned(alerts, decision.alert_id)
        for row in _acts(decision, alert)
    ]
    columns = ["alert_id", "kind", "store", "sku", "units", "since", "until", "worth"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.astype({"units": "float64", "worth": "float64"}).assign(
        since=pd.to_datetime(frame["since"]), until=pd.to_datetime(frame["until"])
    )


def _concerned(alerts: pd.DataFrame, alert_id: int) -> Iterator[dict[str, Any]]:
    rows = alerts[(alerts["alert_id"] == alert_id) | (alerts["parent_id"] == alert_id)]
    for row in rows.to_dict("records"):
        yield {str(name): value for name, value in row.items()}


def _acts(decision: Decision, alert: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    """(alert_id, kind, store, sku, units, since, until, worth) of what a decision brought an alert."""
    key = (alert["alert_id"], decision.kind)
    if decision.consignments:
        yield from _received(decision.consignments, key)
    elif decision.kind == REORDER and decision.state is DecisionState.DONE:
        for line in decision.details.get("lines") or ():
            due = line.get("arrives_on")
            if due and line.get("to_store", alert["store"]) == alert["store"]:
                yield (*key, alert["store"], line["sku"], line["units"], date.fromisoformat(due), None, 1.0)
    elif decision.state is DecisionState.DONE:
        span = _won_days(decision, alert)
        if span is not None:
            worth = (
                float(decision.details.get("percent_off") or 100) / 100
                if decision.kind == HOLD_MARKDOWN
                else 1.0
            )
            yield (*key, "", "", np.inf, *span, worth)


def _received(consignments: Sequence[Consignment], key: tuple[int, str]) -> Iterator[tuple[Any, ...]]:
    for part in consignments:
        if part.state is DecisionState.RECEIVED and part.received_on is not None:
            for line in part.lines:
                units = line.units if line.received is None else line.received
                yield (*key, part.to_store, line.sku, units, part.received_on, None, 1.0)


def _won_days(decision: Decision, alert: Mapping[str, Any]) -> tuple[Any, Any] | None:
    """The days on which a sale is owed to a decision that moved no goods."""
    day = pd.Timedelta(days=1)
    if decision.kind in (EXTEND_EXIT, KEEP_OPEN_TEST):
        return alert["exit"] + day, decision.until
    if decision.kind == BRING_FLOOR_SET_FORWARD:
        return decision.until or alert["raised_on"], alert["floor_set"] - day
    if decision.kind == HOLD_MARKDOWN:
        return alert["first_week"], decision.until
    if decision.kind == COUNT_SHELF:
        return decision.changed_at.date() + timedelta(days=1), None
    return None
