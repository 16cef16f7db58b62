"""A finding as a night makes it, about swim trunks that leave Phoenix too early."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

from data.records import Finding, Severity


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
