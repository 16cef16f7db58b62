"""Alerts and people that are never stored, for tests of how things are told."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from data.records import Alert, Finding, Person, PersonStore, Role, Severity

NIGHT = date(2026, 6, 13)
TODAY = date(2026, 6, 14)
NOW = datetime(2026, 6, 14, 6, 30, tzinfo=UTC)


def size(
    name: str, *, demand: float, on_hand: int = 0, in_transit: int = 0, color: str = "navy"
) -> dict[str, Any]:
    """One row of an alert's sizes."""
    return {
        "sku": f"TIDE-{color}-{name}",
        "size": name,
        "color": color,
        "demand": demand,
        "on_hand": on_hand,
        "in_transit": in_transit,
        "lost": max(0.0, demand - on_hand - in_transit),
    }


def make_alert(alert_id: int | None = 1, *, details: dict[str, Any] | None = None, **changes: Any) -> Alert:
    """An alert about swim trunks that leave the floor in July, changed as the test wants."""
    given: dict[str, Any] = {
        "rule": "exit_before_demand_ends",
        "store_id": "PHX1",
        "style_id": "TIDE",
        "season_code": "SS26",
        "category": "Swim trunks",
        "severity": Severity.HIGH,
        "units_lost": 38.2,
        "recoverable_units": 6.0,
        "money_lost": Decimal("1298.80"),
        "act_by": date(2026, 7, 1),
        "demand_ends": date(2026, 9, 12),
        "evidence": "observed",
        "details": {
            "style_name": "Swim trunks",
            "floor_set": "2026-02-15",
            "exit": "2026-07-05",
            "on_hand": 6,
            "in_transit": 0,
            "demand_units": 44.2,
            "first_week": "2026-06-14",
            "horizon_ends": "2026-09-12",
            "reason": "",
            "sizes": [size("S", demand=8, on_hand=4), size("M", demand=20), size("L", demand=16, on_hand=2)],
        }
        | (details or {}),
    } | changes
    alert = Alert.found(Finding(**given), business_date=NIGHT, now=NOW)
    if alert_id is not None:
        alert.alert_id = alert_id
    return alert


def make_stockout(**changes: Any) -> Alert:
    """An alert about board shorts that sell out."""
    details = {
        "style_name": "Tide Board Shorts",
        "on_hand": 4,
        "in_transit": 2,
        "demand_units": 12.4,
        "horizon_ends": "2026-07-04",
        "sizes": [
            size("S", demand=2, on_hand=2),
            size("M", demand=6, on_hand=1),
            size("L", demand=4.4, on_hand=1, in_transit=2),
        ],
    } | changes.pop("details", {})
    return make_alert(details=details, **({"rule": "stockout_in_season", "units_lost": 6.4} | changes))


def make_manager(*store_ids: str) -> Person:
    """A store manager."""
    return Person(
        person_id=1,
        email="maya@example.com",
        name="Maya Ortiz",
        role=Role.STORE_MANAGER,
        is_active=True,
        stores=[PersonStore(store_id=store_id) for store_id in store_ids],
        categories=[],
    )
