"""Verdicts and unforetold losses, kept once and for all."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Final

import pandas as pd
from sqlalchemy import func, select

from data.records import Alert, AlertOutcome, MissedLoss
from forecaster.codes import OutcomeVerdict

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_ABOUT: Final = select(Alert.alert_id, Alert.rule, func.coalesce(Alert.store_id, ""), Alert.category)


def record_outcomes(session: Session, outcomes: pd.DataFrame, alerts: pd.DataFrame) -> int:
    """Keep the verdicts of some alerts; of one that has its outcome already the first one stands.

    Args:
        session: of a write transaction.
        outcomes: as `forecaster.outcomes.judge_outcomes` gives them.
        alerts: alert_id, ends.

    Returns:
        How many were kept.
    """
    if outcomes.empty:
        return 0
    ids = outcomes["alert_id"].tolist()
    known = set(session.scalars(select(AlertOutcome.alert_id).where(AlertOutcome.alert_id.in_(ids))))
    about = {alert_id: each for alert_id, *each in session.execute(_ABOUT.where(Alert.alert_id.in_(ids)))}
    ends = alerts.set_index("alert_id")["ends"]
    rows = [
        AlertOutcome(
            alert_id=int(row["alert_id"]),
            **dict(zip(("rule", "store_id", "category"), about[row["alert_id"]], strict=True)),
            verdict=OutcomeVerdict(row["verdict"]),
            judged_on=row["judged_on"].date(),
            ended_on=ends[row["alert_id"]].date(),
            reason=row["reason"],
            money_happened=_money(row["money_happened"]),
            money_recovered=_money(row["money_recovered"]),
            lead_days=None if pd.isna(row["lead_days"]) else int(row["lead_days"]),
            **{
                name: round(float(row[name]), 2)
                for name in ("units_happened", "units_recovered", "customers_happened", "customers_recovered")
            },
        )
        for row in outcomes.to_dict("records")
        if row["alert_id"] not in known
    ]
    session.add_all(rows)
    return len(rows)


def record_missed(session: Session, losses: pd.DataFrame) -> int:
    """Keep losses that no alert foretold; what is kept already stays.

    Args:
        session: of a write transaction.
        losses: rule, store, style, season_code, category, ended_on (date), units, customers, money.
    """
    place = ["rule", "store_id", "style_id", "season_code", "ended_on"]
    named = losses.rename(columns={"store": "store_id", "style": "style_id"})
    if named.empty:
        return 0
    days = named["ended_on"].unique().tolist()
    columns = [getattr(MissedLoss, name) for name in place]
    known = {tuple(row) for row in session.execute(select(*columns).where(MissedLoss.ended_on.in_(days)))}
    rows = [
        MissedLoss(
            **{name: row[name] for name in (*place, "category")},
            units=round(float(row["units"]), 2),
            customers=round(float(row["customers"]), 2),
            money=_money(row["money"]),
        )
        for row in named.to_dict("records")
        if tuple(row[name] for name in place) not in known
    ]
    session.add_all(rows)
    return len(rows)


def _money(amount: float) -> Decimal:
    return Decimal(f"{amount:.2f}")
