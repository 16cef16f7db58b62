"""Outcomes as frames, for the summaries of the command line and for what the night looks up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import and_, func, or_, select

from data.records import Alert, AlertOutcome, DismissReason, MissedLoss, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from sqlalchemy.orm import Session


def told_places(session: Session, rules: Sequence[str], *, first: date, last: date) -> pd.DataFrame:
    """rule, store, style of the alerts that people had before them in some of those days."""
    statement = select(Alert.rule, Alert.store_id, Alert.style_id).where(
        Alert.rule.in_(rules),
        Alert.store_id.is_not(None),
        and_(Alert.opened_on.is_not(None), Alert.opened_on <= last),
        or_(Alert.closed_on.is_(None), Alert.closed_on >= first),
    )
    return pd.DataFrame(
        session.execute(statement).all(), columns=["rule", "store", "style"]
    ).drop_duplicates()


def judged_alerts(session: Session) -> pd.DataFrame:
    """Every outcome with what its alert was about.

    Returns:
        alert_id, rule, store, style, category, raised_on, ended_on (datetime64), status, dismissed_as ('' =
        not), verdict, reason, units_told, units_happened, units_recovered, customers_happened,
        customers_recovered, money_happened, money_recovered, lead_days (NaN where nothing happened).
    """
    figures = (
        "units_happened", "units_recovered", "customers_happened", "customers_recovered", "money_happened",
        "money_recovered", "lead_days",
    )  # fmt: skip
    statement = select(
        Alert.alert_id, Alert.rule, func.coalesce(Alert.store_id, ""), Alert.style_id, Alert.category,
        Alert.opened_on, AlertOutcome.ended_on, Alert.status, Alert.dismissed_as, AlertOutcome.verdict,
        AlertOutcome.reason, Alert.units_lost, *(getattr(AlertOutcome, name) for name in figures),
    ).join(AlertOutcome, AlertOutcome.alert_id == Alert.alert_id)  # fmt: skip
    columns = [
        "alert_id", "rule", "store", "style", "category", "raised_on", "ended_on", "status", "dismissed_as",
        "verdict", "reason", "units_told", *figures,
    ]  # fmt: skip
    frame = pd.DataFrame(session.execute(statement.order_by(Alert.alert_id)).all(), columns=columns)
    return frame.assign(
        raised_on=_stamps(frame["raised_on"]),
        ended_on=_stamps(frame["ended_on"]),
        dismissed_as=[str(reason) if reason else "" for reason in frame["dismissed_as"]],
        status=frame["status"].astype(str),
        verdict=frame["verdict"].astype(str),
        **{name: frame[name].astype("float64") for name in ("units_told", *figures)},
    )


def missed_frame(session: Session) -> pd.DataFrame:
    """Every loss that no alert foretold: rule, store, style, category, ended_on, units, customers, money."""
    columns = ["rule", "store_id", "style_id", "category", "ended_on", "units", "customers", "money"]
    statement = select(*(getattr(MissedLoss, name) for name in columns))
    frame = pd.DataFrame(session.execute(statement).all(), columns=columns)
    named = frame.rename(columns={"store_id": "store", "style_id": "style"})
    return named.assign(
        ended_on=_stamps(named["ended_on"]),
        **{name: named[name].astype("float64") for name in ("units", "customers", "money")},
    )


def dismissed_as_wrong(session: Session) -> pd.DataFrame:
    """Alerts that somebody called an error of the data: alert_id, rule, store, style, category, raised_on."""
    statement = select(
        Alert.alert_id, Alert.rule, func.coalesce(Alert.store_id, ""), Alert.style_id, Alert.category,
        Alert.opened_on,
    ).where(Alert.status == Status.DISMISSED, Alert.dismissed_as == DismissReason.DATA_ERROR)  # fmt: skip
    columns = ["alert_id", "rule", "store", "style", "category", "raised_on"]
    return pd.DataFrame(session.execute(statement.order_by(Alert.alert_id)).all(), columns=columns)


def _stamps(days: pd.Series) -> pd.Series:
    return pd.to_datetime(days).astype("datetime64[s]")
