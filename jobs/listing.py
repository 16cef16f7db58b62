"""The alerts as rows for the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from sqlalchemy import or_, select

from data.records import LIVE, Alert, Scope, Status, Store

if TYPE_CHECKING:
    from datetime import date

    from data.database import Database

# In a file or a pipe a line has no edge of a screen to mind.
_FILE_WIDTH: Final = 240


def alert_rows(
    database: Database, *, store: str | None, category: str | None, rule: str | None, closed_too: bool
) -> list[dict[str, Any]]:
    """Alerts with all they carry, those with most money at stake first, as plain JSON values.

    Those of a zone or the chain have no store; what was never confirmed is not among the ones that are over.
    """
    statement = select(Alert, Store.name).outerjoin(Store, Store.store_id == Alert.store_id)
    if closed_too:
        statement = statement.where(or_(Alert.status.in_(LIVE), Alert.opened_on.is_not(None)))
    else:
        statement = statement.where(Alert.status.in_(LIVE))
    for column, wanted in ((Alert.store_id, store), (Alert.category, category), (Alert.rule, rule)):
        if wanted is not None:
            statement = statement.where(column == wanted)
    with database.read() as session:
        found = session.execute(statement.order_by(Alert.money_lost.desc(), Alert.alert_id)).all()
    return [_row(alert, name) for alert, name in found]


def print_alerts(rows: list[dict[str, Any]]) -> None:
    """The same as a table for people."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    table = Table(box=None)
    for name in ("store", "what", "rule", "units", "money", "act by", "evidence", "status"):
        # Names may take a second line; figures, dates and codes are never cut.
        table.add_column(name, no_wrap=name not in {"store", "what"}, overflow="fold")
    for row in rows:
        table.add_row(
            # Names may hold square brackets, which the table would take for colours and drop.
            escape(_where(row)),
            escape(row["style_name"]),
            row["rule"],
            f"{row['units_lost']:,.0f}",
            f"${row['money_lost']:,.0f}" if row["money_lost"] else "",
            row["act_by"] or "",
            row["evidence"],
            row["status"] if row["condition"] == "firing" else f"{row['status']}, {row['condition']}",
        )
    if rows:
        console.print(table)
    console.print(f"{len(rows)} alerts" if rows else "No alerts.", highlight=False)


def _where(row: dict[str, Any]) -> str:
    if row["scope"] == Scope.STORE:
        return f"{row['store_name']} ({row['store_id']})"
    return f"zone {row['climate_zone']}" if row["scope"] == Scope.ZONE else "the chain"


def _day(value: date | None) -> str | None:
    return value.isoformat() if value else None


def _row(alert: Alert, store_name: str | None) -> dict[str, Any]:
    return {
        "alert_id": alert.alert_id,
        "rule": alert.rule,
        "scope": str(alert.scope),
        "climate_zone": alert.climate_zone,
        "parent_id": alert.parent_id,
        "store_id": alert.store_id,
        "store_name": store_name,
        "style_id": alert.style_id,
        "style_name": alert.details.get("style_name", alert.style_id),
        "category": alert.category,
        "season_code": alert.season_code,
        "status": str(alert.status),
        "condition": str(alert.condition),
        "severity": str(alert.severity),
        "units_lost": alert.units_lost,
        "customers_lost": alert.customers_lost,
        "recoverable_units": alert.recoverable_units,
        "reorderable_units": alert.reorderable_units,
        "next_buy_units": alert.next_buy_units,
        # Nothing is at stake only where no price is known: a lost unit costs something.
        "money_lost": float(alert.money_lost) or None,
        "margin_lost": None if alert.margin_lost is None else float(alert.margin_lost),
        "act_by": _day(alert.act_by),
        "demand_ends": _day(alert.demand_ends),
        "evidence": alert.evidence,
        "first_fired_on": _day(alert.first_fired_on),
        "evaluated_on": _day(alert.evaluated_on),
        "opened_on": _day(alert.opened_on),
        "closed_on": _day(alert.closed_on),
        "snoozed_until": _day(alert.snoozed_until) if alert.status is Status.SNOOZED else None,
        "dismissed_as": alert.dismissed_as and str(alert.dismissed_as),
        "details": alert.details,
        "drivers": alert.drivers,
    }
