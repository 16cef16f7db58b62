"""The night's actions in the records: replaced, never doubled, kept where the figures are late."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from sqlalchemy import select

from data.records import Alert, AlertAction, Condition, KeepOpenRecord, Scope, Status, TestState
from forecaster.actions import ACTION_COLUMNS
from jobs.actions import store_actions
from tests.unit.web.making import make_alert

NIGHT, NEXT = date(2026, 6, 13), date(2026, 6, 14)


@pytest.fixture
def alert_ids(database, store) -> list[int]:
    """An alert of the store and one of its zone."""
    with database.write() as session:
        alerts = [
            make_alert(None, store_id=store),
            make_alert(None, store_id="", style_id="", scope=Scope.ZONE, climate_zone="hot"),
        ]
        session.add_all(alerts)
        session.flush()
        return [alert.alert_id for alert in alerts]


def action(kind: str, **changes) -> dict:
    plain = {
        "finding": 0,
        "rule": "exit_before_demand_ends",
        "scope": "store",
        "store": "phoenix-1",
        "climate_zone": "hot",
        "style": "TIDE",
        "category": "Swim trunks",
        "season_code": "SS26",
        "kind": kind,
        "units": 9.004,
        "cost": 12.0,
        "benefit": np.nan,
        "act_by": pd.Timestamp("2026-06-20"),
        "details": {"until": "2026-09-06", "wins": np.float64(8.5)},
    }
    return plain | changes


def of_zone(kind: str, **changes) -> dict:
    return action(kind, scope="zone", store="", style="", **changes)


def frame(*rows: dict) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=list(ACTION_COLUMNS)).astype({"act_by": "datetime64[s]"})


def stored(database) -> list[tuple]:
    with database.read() as session:
        rows = session.scalars(select(AlertAction).order_by(AlertAction.alert_id, AlertAction.rank))
        return [(row.alert_id, row.rank, row.kind, row.units, row.cost, row.evaluated_on) for row in rows]


def test_the_best_action_comes_first_and_goes_to_its_own_alert(database, alert_ids):
    own, zone = alert_ids
    actions = frame(action("extend_exit"), of_zone("hold_markdown"), action("reorder", cost=40.0))

    assert store_actions(database, actions, business_date=NIGHT) == 3
    assert stored(database) == [
        (own, 1, "extend_exit", 9.0, Decimal("12.00"), NIGHT),
        (own, 2, "reorder", 9.0, Decimal("40.00"), NIGHT),
        (zone, 1, "hold_markdown", 9.0, Decimal("12.00"), NIGHT),
    ]


def test_what_nobody_knows_is_left_empty_and_details_are_plain(database, alert_ids):
    store_actions(database, frame(action("extend_exit", act_by=pd.NaT)), business_date=NIGHT)
    with database.read() as session:
        row = session.scalars(select(AlertAction)).one()

    assert (row.benefit, row.act_by, row.details) == (None, None, {"until": "2026-09-06", "wins": 8.5})


def test_doing_it_again_changes_nothing_not_even_the_identities(database, alert_ids):
    actions = frame(action("extend_exit"), action("reorder"))
    store_actions(database, actions, business_date=NIGHT)
    with database.read() as session:
        first = session.scalars(select(AlertAction.action_id)).all()
    before = stored(database)
    store_actions(database, actions, business_date=NIGHT)

    with database.read() as session:
        assert session.scalars(select(AlertAction.action_id)).all() == first
    assert stored(database) == before


def test_the_next_night_replaces_what_is_offered(database, alert_ids):
    store_actions(database, frame(action("extend_exit"), action("reorder")), business_date=NIGHT)
    store_actions(database, frame(action("transfer")), business_date=NEXT)

    assert [(row[1], row[2], row[5]) for row in stored(database)] == [(1, "transfer", NEXT)]


def test_nothing_is_offered_for_an_alert_that_is_over(database, alert_ids):
    store_actions(database, frame(action("extend_exit"), of_zone("extend_exit")), business_date=NIGHT)
    with database.write() as session:
        session.get_one(Alert, alert_ids[0]).status = Status.RESOLVED
    store_actions(database, frame(action("extend_exit"), of_zone("extend_exit")), business_date=NEXT)

    assert [row[0] for row in stored(database)] == [alert_ids[1]]


def test_an_alert_whose_figures_are_late_keeps_its_offers(database, alert_ids):
    store_actions(database, frame(action("extend_exit")), business_date=NIGHT)
    before = stored(database)
    with database.write() as session:
        session.get_one(Alert, alert_ids[0]).condition = Condition.UNKNOWN
    store_actions(database, frame(), business_date=NEXT)

    assert stored(database) == before


def test_an_alert_whose_loss_another_tells_leaves_its_offers_to_that_one(database, alert_ids):
    store_actions(database, frame(action("transfer")), business_date=NIGHT)
    with database.write() as session:
        alert = session.get_one(Alert, alert_ids[0])
        alert.condition, fingerprint = Condition.UNKNOWN, alert.fingerprint
    store_actions(database, frame(), business_date=NEXT, told_elsewhere={fingerprint})

    assert stored(database) == []


def details_of(database) -> list[tuple[str, dict]]:
    with database.read() as session:
        rows = session.scalars(select(AlertAction).order_by(AlertAction.alert_id, AlertAction.rank))
        return [(row.kind, row.details) for row in rows]


def test_a_test_is_offered_with_its_stores_and_only_where_there_is_a_design(database, alert_ids):
    actions = frame(of_zone("keep_open_test", details={"evidence": "borrowed"}))
    assert store_actions(database, actions, business_date=NIGHT) == 0
    with database.write() as session:
        session.add(
            KeepOpenRecord(
                category="Swim trunks",
                season_code="SS26",
                exit=date(2026, 7, 5),
                state=TestState.PROPOSED,
                proposed_on=NIGHT,
                reads_on=date(2026, 8, 17),
                expected_units=20.0,
                expected_cost=Decimal(300),
                margin_at_stake=Decimal(900),
                standard_error=0.2,
                design={"stores": ["LAX1", "PHX1"]},
            )
        )

    assert store_actions(database, actions, business_date=NIGHT) == 1
    assert details_of(database) == [
        ("keep_open_test", {"evidence": "borrowed", "stores": ["LAX1", "PHX1"], "until": "2026-08-16"})
    ]


@pytest.mark.parametrize(
    ("kind", "first", "second", "until"),
    [
        (
            "hold_markdown",
            {"markdown": "2026-06-21", "weeks": 2.0},
            {"markdown": "2026-06-21", "weeks": 3.0},
            "2026-07-12",
        ),
        (
            "bring_floor_set_forward",
            {"new_floor_set": "2026-07-02"},
            {"new_floor_set": "2026-07-01"},
            "2026-07-01",
        ),
    ],
)
def test_a_zones_offer_names_the_day_that_helps_all_its_stores(
    database, alert_ids, kind, first, second, until
):
    actions = frame(
        action(kind, details=first),
        action(kind, details=second, store="phoenix-2"),
        of_zone(kind, details={}),
    )
    store_actions(database, actions, business_date=NIGHT)

    assert details_of(database)[-1] == (kind, {"until": until})


def test_a_finding_without_an_alert_offers_nothing(database, alert_ids):
    assert store_actions(database, frame(action("extend_exit", style="OTHER")), business_date=NIGHT) == 0
    assert stored(database) == []
