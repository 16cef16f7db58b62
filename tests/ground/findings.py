"""A finding as a night makes it, about swim trunks that leave Phoenix too early."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from data.records import LIVE, Alert, Finding, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.database import Database


def trunks_leave_early(**changes: Any) -> Finding:
    """The finding; name what should be different."""
    values: dict[str, Any] = {
        "rule": "exit_before_demand_ends",
        "store_id": "PHX-01",
        "style_id": "trunks",
        "season_code": "SS26",
        "category": "swim trunks",
        "severity": Severity.HIGH,
        "units_lost": 31.5,
        "recoverable_units": 20.0,
        "money_lost": Decimal("629.37"),
        "act_by": date(2026, 7, 4),
        "demand_ends": date(2026, 9, 19),
        "evidence": "observed",
    }
    return Finding(**(values | changes))


def silenced(database: Database, findings: Iterable[Finding], store: str) -> dict[str, str]:
    """What may not change while a store's stock feed is late: all that is told of it but that very feed."""
    with database.read() as session:
        query = select(Alert.fingerprint, Alert.rule, Alert.store_id).where(Alert.status.in_(LIVE))
        told = [tuple(row) for row in session.execute(query)]
    told += [(finding.fingerprint, finding.rule, finding.store_id) for finding in findings]
    reason = "feed_late:feed=stock;last_day=2026-05-20"
    return {key: reason for key, rule, place in told if place == store and rule != "feed_late"}
