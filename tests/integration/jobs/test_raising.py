"""A night's findings become alerts: one per fingerprint, opened, found again, resolved or frozen."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from data.records import LIVE, Alert, AlertEvent, Condition, Finding, Severity, Status, Store
from jobs import raising
from jobs.raising import Raised, raise_alerts
from tests.ground.findings import trunks_leave_early

if TYPE_CHECKING:
    from collections.abc import Collection

    from data.database import Database

NIGHT = date(2026, 6, 6)
STORES = ("PHX-01", "SEA-01")


def finding(store: str = "PHX-01", style: str = "trunks", **changes: Any) -> Finding:
    named = {"store_id": store, "style_id": style, "details": {"style_name": style}}
    return trunks_leave_early(**(named | changes))


@pytest.fixture
def chain(database: Database) -> Database:
    """Records that know two stores."""
    with database.write() as session:
        session.add_all(Store(store_id=store, name=store) for store in STORES)
    return database


def night(
    database: Database, *findings: Finding, days: int = 0, late_stores: Collection[str] = ()
) -> tuple[int, int, int, int]:
    """Opened, again, resolved and frozen by the night so many days after the first."""
    on = NIGHT + timedelta(days=days)
    now = datetime(on.year, on.month, on.day, 12, tzinfo=UTC)
    raised = raise_alerts(database, findings, business_date=on, now=now, late_stores=late_stores)
    return raised.opened, raised.again, raised.resolved, raised.frozen


def alerts(database: Database) -> list[Alert]:
    with database.read() as session:
        return list(session.scalars(select(Alert).order_by(Alert.alert_id)))


def the_alert(database: Database) -> Alert:
    [alert] = alerts(database)
    return alert


def history(database: Database) -> list[str]:
    with database.read() as session:
        return list(session.scalars(select(AlertEvent.reason).order_by(AlertEvent.event_id)))


def acknowledge(database: Database) -> None:
    with database.write() as session:
        alert = session.scalars(select(Alert).options(selectinload(Alert.events))).one()
        alert.acknowledge("maya@shop.example", datetime(2026, 6, 7, 9, tzinfo=UTC))


def test_each_finding_opens_an_alert_with_all_its_figures(chain: Database) -> None:
    assert night(chain, finding(), finding("SEA-01")) == (2, 0, 0, 0)

    phoenix, seattle = alerts(chain)
    assert (phoenix.status, phoenix.condition) == (Status.OPEN, Condition.FIRING)
    assert (phoenix.first_fired_on, phoenix.evaluated_on) == (NIGHT, NIGHT)
    assert (phoenix.units_lost, phoenix.money_lost) == (31.5, Decimal("629.37"))
    assert phoenix.details == {"style_name": "trunks"}
    assert seattle.store_id == "SEA-01"
    assert history(chain) == ["opened", "opened"]


def test_the_same_night_again_changes_nothing_and_counts_the_same(chain: Database) -> None:
    first = night(chain, finding(), finding(style="sandals"))
    versions = [alert.version for alert in alerts(chain)]

    assert night(chain, finding(), finding(style="sandals")) == first == (2, 0, 0, 0)

    assert [alert.version for alert in alerts(chain)] == versions
    assert history(chain) == ["opened", "opened"]


def test_the_next_night_takes_the_new_figures_and_leaves_no_trace_of_sameness(chain: Database) -> None:
    night(chain, finding())

    assert night(chain, finding(units_lost=40.0, severity=Severity.LOW), days=1) == (0, 1, 0, 0)

    alert = the_alert(chain)
    assert (alert.units_lost, alert.severity) == (40.0, Severity.LOW)
    assert (alert.first_fired_on, alert.evaluated_on) == (NIGHT, NIGHT + timedelta(days=1))
    assert history(chain) == ["opened"]


def test_what_is_no_longer_found_is_resolved_once(chain: Database) -> None:
    night(chain, finding(), finding(style="sandals"))

    assert night(chain, finding(style="sandals"), days=1) == (0, 1, 1, 0)
    assert night(chain, finding(style="sandals"), days=1) == (0, 1, 0, 0)

    trunks, sandals = alerts(chain)
    assert (trunks.status, trunks.condition) == (Status.RESOLVED, Condition.CLEAR)
    assert trunks.closed_at == datetime(2026, 6, 7, 12, tzinfo=UTC)
    assert sandals.is_live
    assert history(chain) == ["opened", "opened", "no longer found"]


def test_what_somebody_has_taken_on_is_resolved_too_when_it_is_gone(chain: Database) -> None:
    night(chain, finding())
    acknowledge(chain)

    assert night(chain, days=1) == (0, 0, 1, 0)

    assert the_alert(chain).status is Status.RESOLVED


def test_a_problem_that_comes_back_opens_a_new_alert_beside_the_old(chain: Database) -> None:
    night(chain, finding())
    night(chain, days=1)

    assert night(chain, finding(), days=2) == (1, 0, 0, 0)

    old, new = alerts(chain)
    assert (old.status, new.status) == (Status.RESOLVED, Status.OPEN)
    assert new.first_fired_on == NIGHT + timedelta(days=2)


def test_a_late_store_is_frozen_as_it_is_and_opens_nothing(chain: Database) -> None:
    night(chain, finding(), finding("SEA-01"))
    before = alerts(chain)[0]

    counted = night(
        chain,
        finding(units_lost=1.0),
        finding(style="new"),
        finding("SEA-01"),
        days=3,
        late_stores={"PHX-01"},
    )

    assert counted == (0, 1, 0, 1)
    phoenix, seattle = alerts(chain)
    assert (phoenix.status, phoenix.condition) == (Status.OPEN, Condition.UNKNOWN)
    assert phoenix.units_lost == before.units_lost
    assert seattle.condition is Condition.FIRING
    assert history(chain)[-1] == "the store's figures are late"


def test_a_frozen_alert_is_told_frozen_once_however_many_nights_pass(chain: Database) -> None:
    night(chain, finding())
    for days in (1, 2, 3):
        assert night(chain, days=days, late_stores={"PHX-01"}) == (0, 0, 0, 1)

    assert history(chain) == ["opened", "the store's figures are late"]


def test_an_acknowledged_alert_stays_acknowledged_through_late_figures(chain: Database) -> None:
    night(chain, finding())
    acknowledge(chain)

    night(chain, days=1, late_stores={"PHX-01"})
    assert (the_alert(chain).status, the_alert(chain).condition) == (
        Status.ACKNOWLEDGED,
        Condition.UNKNOWN,
    )
    assert night(chain, finding(units_lost=50.0), days=2) == (0, 1, 0, 0)

    alert = the_alert(chain)
    assert (alert.status, alert.condition) == (Status.ACKNOWLEDGED, Condition.FIRING)
    assert (alert.units_lost, alert.first_fired_on) == (50.0, NIGHT)
    assert history(chain) == ["opened", "acknowledged", "the store's figures are late", "firing again"]


def test_a_frozen_alert_that_is_gone_when_the_figures_come_is_resolved(chain: Database) -> None:
    night(chain, finding())
    night(chain, days=1, late_stores={"PHX-01"})

    assert night(chain, days=2) == (0, 0, 1, 0)
    assert the_alert(chain).condition is Condition.CLEAR


def test_two_findings_of_one_fingerprint_make_one_alert(chain: Database) -> None:
    assert night(chain, finding(units_lost=1.0), finding(units_lost=2.0)) == (1, 0, 0, 0)


def test_another_season_or_rule_is_another_alert(chain: Database) -> None:
    night(chain, finding(), finding(season_code="SS27"), finding(rule="stockout_in_season"))

    assert len({alert.fingerprint for alert in alerts(chain)}) == 3


def test_many_findings_are_written_in_small_transactions(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising, "_BATCH", 2)
    sizes: list[int] = []
    take, let_go = raising._take, raising._let_go

    def taking(session: Any, batch: Any, *rest: Any) -> None:
        sizes.append(len(batch))
        take(session, batch, *rest)

    def letting_go(session: Any, ids: Any, *rest: Any) -> None:
        sizes.append(len(ids))
        let_go(session, ids, *rest)

    monkeypatch.setattr(raising, "_take", taking)
    monkeypatch.setattr(raising, "_let_go", letting_go)

    assert night(chain, *(finding(style=f"style {n}") for n in range(5))) == (5, 0, 0, 0)
    assert night(chain, days=1) == (0, 0, 5, 0)
    assert sizes == [2, 2, 1] * 2


def test_a_night_that_died_between_two_batches_is_simply_done_again(
    chain: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(raising, "_BATCH", 2)
    found = [finding(style=f"style {n}") for n in range(5)]
    take, batches = raising._take, []

    def dying(*arguments: Any) -> None:
        batches.append(1)
        if len(batches) == 2:
            raise KeyboardInterrupt
        take(*arguments)

    monkeypatch.setattr(raising, "_take", dying)
    with pytest.raises(KeyboardInterrupt):
        night(chain, *found)
    assert len(alerts(chain)) == 2

    assert night(chain, *found) == (5, 0, 0, 0)
    with chain.read() as session:
        live = select(func.count()).select_from(Alert).where(Alert.status.in_(LIVE))
        assert session.scalar(live) == 5
    assert history(chain) == ["opened"] * 5


def test_the_sentence_of_the_night_counts_all_four() -> None:
    assert Raised(1, 2, 3, 4, 5).sentence == "1 opened, 2 again, 3 resolved, 4 expired, 5 frozen"
