"""What can still be done about each alert, kept for the page: tonight's actions replace the last night's."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
import pandas as pd
from sqlalchemy import delete, select

from data.decisions import lapse_decisions, proposed_day
from data.records import LIVE, Alert, AlertAction, Condition, KeepOpenRecord, Scope, TestState
from forecaster.codes import BRING_FLOOR_SET_FORWARD, KEEP_OPEN_TEST

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from data.database import Database

_BATCH: Final = 200
Key = TypeVar("Key")
Details = dict[str, Any]
Season = tuple[str, str]


def store_actions(
    database: Database, actions: pd.DataFrame, *, business_date: date, told_elsewhere: Collection[str] = ()
) -> int:
    """Put the actions of a night in the place of those of the night before.

    Doing it again for the same night changes nothing. An alert whose figures are late keeps its offers, as it
    keeps everything else; one whose loss another alert tells tonight leaves them to that one.

    Args:
        database: the records.
        actions: as the forecaster gives them, the best first within each finding; rows of findings that
            raised no alert are left out.
        business_date: the night.
        told_elsewhere: fingerprints of alerts whose loss tonight's findings tell by another rule.

    Returns:
        How many actions are on offer.
    """
    with database.read() as session:
        by_fingerprint = _by_fingerprint(actions, _proposed_tests(session))
        live = session.execute(
            select(Alert.alert_id, Alert.fingerprint, Alert.condition).where(Alert.status.in_(LIVE))
        ).all()
        offered = set(session.scalars(select(AlertAction.alert_id).distinct()))
    frozen = {
        row.alert_id
        for row in live
        if row.condition is Condition.UNKNOWN and row.fingerprint not in told_elsewhere
    }
    wanted = {
        row.alert_id: by_fingerprint[row.fingerprint]
        for row in live
        if row.alert_id not in frozen and row.fingerprint in by_fingerprint
    }
    for ids in _in_batches(sorted((offered - frozen) | set(wanted))):
        with database.write() as session:
            _replace(session, {alert_id: wanted.get(alert_id, []) for alert_id in ids}, business_date)
    return sum(len(rows) for rows in wanted.values())


def lapse(database: Database, *, business_date: date, now: datetime) -> int:
    """Give free what nobody approved or shipped in time; how many decisions that were."""
    with database.write() as session:
        return lapse_decisions(session, business_date=business_date, now=now)


def _replace(session: Session, wanted: Mapping[int, list[Details]], business_date: date) -> None:
    """Set the offers of some alerts; rows that stay the same are not touched, so that links to them hold."""
    kept: dict[tuple[int, int], AlertAction] = {
        (action.alert_id, action.rank): action
        for action in session.scalars(select(AlertAction).where(AlertAction.alert_id.in_(wanted)))
    }
    for alert_id, rows in wanted.items():
        for rank, row in enumerate(rows, start=1):
            action = kept.pop((alert_id, rank), None)
            if action is None:
                session.add(AlertAction(alert_id=alert_id, rank=rank, evaluated_on=business_date, **row))
                continue
            for name, value in (row | {"evaluated_on": business_date}).items():
                setattr(action, name, value)
    gone = [action.action_id for action in kept.values()]
    session.execute(delete(AlertAction).where(AlertAction.action_id.in_(gone)))


def _by_fingerprint(actions: pd.DataFrame, tests: Mapping[Season, Details]) -> dict[str, list[Details]]:
    """The rows of each finding, in their order, as the records keep them; no test that has no design."""
    told: list[Details] = actions.to_dict("records")  # type: ignore[assignment]
    days = _days_of_stores(told)
    rows: dict[str, list[Details]] = {}
    for row in told:
        season = (row["category"], row["season_code"])
        if row["kind"] == KEEP_OPEN_TEST and season not in tests:
            continue
        details = _plain(row["details"])
        if row["kind"] == KEEP_OPEN_TEST:
            details |= tests[season]
        if row["scope"] == Scope.ZONE and proposed_day(details) is None and (found := days.get(_zone(row))):
            # What helps all of the zone's stores: a markdown held to the last of their days, or the first
            # of their days on the floor.
            chosen = min(found) if row["kind"] == BRING_FLOOR_SET_FORWARD else max(found)
            details["until"] = chosen.isoformat()
        rows.setdefault(_fingerprint(row), []).append(
            {
                "kind": row["kind"],
                "units": round(float(row["units"]), 2),
                "cost": _money(row["cost"]),
                "benefit": _money(row["benefit"]),
                "act_by": None if pd.isna(row["act_by"]) else pd.Timestamp(row["act_by"]).date(),
                "details": details,
            }
        )
    return rows


def _proposed_tests(session: Session) -> dict[Season, Details]:
    """Which stores each proposed keep-open test needs, and the last day they must have it on the floor."""
    proposed = session.scalars(select(KeepOpenRecord).where(KeepOpenRecord.state == TestState.PROPOSED))
    return {
        (test.category, test.season_code): {
            "stores": list(test.design["stores"]),
            "until": (test.reads_on - timedelta(days=1)).isoformat(),
        }
        for test in proposed
    }


def _days_of_stores(rows: Iterable[Details]) -> dict[tuple[str, ...], list[date]]:
    """The days that the offers to a zone's stores name, by what a zone's offer is about."""
    days: dict[tuple[str, ...], list[date]] = {}
    for row in rows:
        if row["scope"] == Scope.STORE and (day := proposed_day(row["details"])) is not None:
            days.setdefault(_zone(row), []).append(day)
    return days


def _zone(row: Details) -> tuple[str, ...]:
    return tuple(str(row[name]) for name in ("rule", "climate_zone", "category", "season_code", "kind"))


def _fingerprint(row: Mapping[str, Any]) -> str:
    """Which alert an action is about, as `data.records.Finding` says it."""
    if row["scope"] == Scope.ZONE:
        return f"{row['rule']}|zone:{row['climate_zone']}|{row['category']}|{row['season_code']}"
    place = "chain" if row["scope"] == Scope.CHAIN else row["store"]
    return f"{row['rule']}|{place}|{row['style']}|{row['season_code']}"


def _money(amount: float) -> Decimal | None:
    return None if pd.isna(amount) else Decimal(f"{amount:.2f}")


def _plain(details: Mapping[str, Any]) -> dict[str, Any]:
    """Details as JSON gives them back, so that what is stored compares equal to what is worked out again."""
    told: dict[str, Any] = json.loads(json.dumps(details, default=_json))
    return told


def _json(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if hasattr(value, "isoformat"):
        return value.isoformat()[:10]
    return str(value)


def _in_batches(things: Iterable[Key]) -> Iterator[tuple[Key, ...]]:
    rest = iter(things)
    while batch := tuple(islice(rest, _BATCH)):
        yield batch
