"""The alerts whose time has come to be judged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import pandas as pd
from sqlalchemy import select

from data.outcomes.waiting import SETTLES
from data.records import LIVE, Alert, AlertOutcome, Scope
from forecaster.outcomes import windows_of

if TYPE_CHECKING:
    from datetime import date

    from sqlalchemy.orm import Session

_DAYS: Final = ("floor_set", "exit", "first_week", "horizon_ends")
_FINDING: Final = ["alert_id", "rule", "store", "style", "category", "climate_zone", "season_code"]


def alerts_to_judge(session: Session, *, business_date: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The alerts of stores and of the chain, told to people, whose window is over and that have no outcome.

    One that still lives waits until it is over. The alerts of zones are the sums of their stores'.

    Returns:
        The alerts: alert_id, parent_id, rule, store ('' of the chain), style, category, climate_zone,
        season_code, raised_on, floor_set, exit, first_week, horizon_ends, demand_ends, closed_on, units,
        customers, begins, ends, words; and the sizes they named: alert_id, store, sku.
    """
    waiting = (
        select(Alert)
        .outerjoin(AlertOutcome, AlertOutcome.alert_id == Alert.alert_id)
        .where(AlertOutcome.alert_id.is_(None), Alert.opened_on.is_not(None), Alert.scope != Scope.ZONE)
        .where(Alert.status.not_in(LIVE))
    )
    found = list(session.scalars(waiting.order_by(Alert.alert_id)))
    if not found:
        return pd.DataFrame(columns=[*_FINDING, "ends"]), pd.DataFrame(columns=["alert_id", "store", "sku"])
    alerts = pd.DataFrame([_as_row(alert) for alert in found])
    for name in ("raised_on", "demand_ends", "closed_on", *_DAYS):
        alerts[name] = pd.to_datetime(alerts[name]).astype("datetime64[s]")
    windows = windows_of(alerts)
    ends = windows["ends"].fillna(alerts["closed_on"])
    alerts = alerts.assign(
        begins=windows["begins"], ends=ends.where(ends >= windows["begins"], windows["begins"])
    )
    due = alerts["ends"] <= pd.Timestamp(business_date - SETTLES)
    sizes = [
        (alert.alert_id, alert.store_id or "", line["sku"])
        for alert in found
        for line in alert.details.get("sizes", ())
    ]
    named = pd.DataFrame(sizes, columns=["alert_id", "store", "sku"])
    chosen = alerts[due].reset_index(drop=True)
    return chosen, named[named["alert_id"].isin(chosen["alert_id"])].reset_index(drop=True)


def _as_row(alert: Alert) -> dict[str, Any]:
    figures = alert.details.get("figures") or {}
    return {
        "alert_id": alert.alert_id,
        "parent_id": alert.parent_id,
        "rule": alert.rule,
        "store": alert.store_id or "",
        "style": alert.style_id,
        "category": alert.category,
        "climate_zone": alert.climate_zone,
        "season_code": alert.season_code,
        "raised_on": alert.opened_on,
        "demand_ends": alert.demand_ends,
        "closed_on": alert.closed_on,
        "units": alert.units_lost,
        "customers": alert.customers_lost,
        "words": str(figures.get("words") or ""),
        **{name: alert.details.get(name) for name in _DAYS},
    }
