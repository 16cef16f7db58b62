"""Was it right: which alerts are judged, what is kept of it, and what is told; on both databases."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest
from click.testing import CliRunner
from sqlalchemy import func, select, update

from data.clock import Clock
from data.outcomes.acts import acts_on
from data.outcomes.due import alerts_to_judge
from data.outcomes.effort import effort_over_time, record_effort
from data.outcomes.keeping import record_missed, record_outcomes
from data.outcomes.reading import judged_alerts
from data.outcomes.waiting import SETTLES
from data.records import (
    Alert,
    AlertOutcome,
    Consignment,
    ConsignmentLine,
    Decision,
    DecisionState,
    DismissReason,
    MissedLoss,
    Product,
    Run,
    RunKind,
    Scope,
    Status,
    Store,
)
from data.settings import load_settings
from forecaster.codes import OutcomeVerdict
from forecaster.outcomes import OUTCOME_COLUMNS
from jobs.cli import main
from jobs.night import run_night
from jobs.outcomes import block_end, judge_alerts, outcome_rows, review_rows
from jobs.service import Service
from jobs.steps import panel
from jobs.tonight import Night
from tests.ground.findings import trunks_leave_early
from tests.ground.retailer import write_feeds

if TYPE_CHECKING:
    from data.database import Database

TOLD = date(2026, 6, 6)
ENDED = date(2026, 6, 27)
NOON = datetime(2026, 6, 6, 12, tzinfo=UTC)
STOCKOUT = "stockout_in_season"
SIZES = [{"sku": "trunks-m", "lost": 4.0}, {"sku": "trunks-l", "lost": 2.0}]


@pytest.fixture
def chain(database: Database) -> Database:
    with database.write() as session:
        session.add_all(
            Store(store_id=key, name=key, climate_zone=zone)
            for key, zone in (("PHX-01", "hot"), ("PHX-02", "hot"), ("SEA-01", "cool"))
        )
        session.add(
            Product(
                sku="trunks-m", style_id="trunks", style_name="Trunk", category="swim trunks",
                regular_price=Decimal("32.00"),
            )
        )  # fmt: skip
    return database


def add_alert(database: Database, **changes: Any) -> int:
    """An alert that people were told of and that is over."""
    row = {"opened_on": TOLD, "closed_on": ENDED, "closed_at": NOON, "status": Status.RESOLVED}
    row |= {key: changes.pop(key) for key in list(changes) if hasattr(Alert, key) and key not in _OF_FINDING}
    details = {
        "style_name": "Trunk", "sizes": SIZES, "exit": "2026-07-05", "horizon_ends": ENDED.isoformat(),
        "first_week": "2026-06-07",
    }  # fmt: skip
    details |= changes.pop("details", {})
    named = {"rule": STOCKOUT, "details": details, "units_lost": 6.0, "customers_lost": 3.0, **changes}
    with database.write() as session:
        alert = Alert.found(trunks_leave_early(**named), business_date=TOLD, now=NOON)
        session.add(alert)
        session.flush()
        session.execute(update(Alert).where(Alert.alert_id == alert.alert_id).values(**row))
        return alert.alert_id


_OF_FINDING = {
    "rule",
    "store_id",
    "style_id",
    "season_code",
    "category",
    "details",
    "units_lost",
    "scope",
    "climate_zone",
}


def verdicts(*alert_ids: int, verdict: str = "happened", **changes: Any) -> pd.DataFrame:
    row = {
        "verdict": verdict, "judged_on": pd.Timestamp("2026-07-05"), "reason": "why", "units_happened": 4.0,
        "units_recovered": 1.0, "customers_happened": 2.0, "customers_recovered": 0.5,
        "money_happened": 128.0, "money_recovered": 32.0, "lead_days": 3.0,
    }  # fmt: skip
    return pd.DataFrame([{"alert_id": key, **(row | changes)} for key in alert_ids])[list(OUTCOME_COLUMNS)]


def ends(*alert_ids: int, on: date = ENDED) -> pd.DataFrame:
    return pd.DataFrame({"alert_id": list(alert_ids), "ends": pd.Timestamp(on)})


def due(database: Database, day: date) -> list[int]:
    with database.read() as session:
        alerts, _ = alerts_to_judge(session, business_date=day)
    return alerts["alert_id"].tolist()


def keep(database: Database, *alert_ids: int, on: date = ENDED, **changes: Any) -> None:
    with database.write() as session:
        record_outcomes(session, verdicts(*alert_ids, **changes), ends(*alert_ids, on=on))


def test_an_alert_is_judged_once_its_window_is_over_and_its_figures_have_settled(chain: Database) -> None:
    alert = add_alert(chain)

    assert due(chain, ENDED + SETTLES - timedelta(days=1)) == []
    assert due(chain, ENDED + SETTLES) == [alert]


def test_what_still_lives_was_never_told_or_speaks_of_a_whole_zone_is_not_judged(chain: Database) -> None:
    add_alert(chain, style_id="a", status=Status.OPEN, closed_on=None, closed_at=None)
    add_alert(chain, style_id="b", opened_on=None)
    add_alert(chain, store_id="", scope=Scope.ZONE, climate_zone="hot")

    assert due(chain, date(2026, 12, 1)) == []


@pytest.mark.parametrize("status", [Status.DISMISSED, Status.EXPIRED, Status.RESOLVED])
def test_however_an_alert_ended_it_gets_its_outcome(chain: Database, status: Status) -> None:
    alert = add_alert(chain, status=status)

    assert due(chain, date(2026, 12, 1)) == [alert]


def test_the_window_and_the_sizes_are_those_of_the_alert(chain: Database) -> None:
    alert = add_alert(chain)
    with chain.read() as session:
        alerts, sizes = alerts_to_judge(session, business_date=date(2026, 12, 1))

    row = alerts.iloc[0]
    assert (row["begins"].date(), row["ends"].date()) == (TOLD + timedelta(days=1), ENDED)
    assert sizes.to_numpy().tolist() == [[alert, "PHX-01", "trunks-m"], [alert, "PHX-01", "trunks-l"]]


def test_an_alert_that_has_its_outcome_keeps_it(chain: Database) -> None:
    alert = add_alert(chain)
    keep(chain, alert)
    keep(chain, alert, verdict="averted")

    assert due(chain, date(2026, 12, 1)) == []
    with chain.read() as session:
        [kept] = session.scalars(select(AlertOutcome))
    assert (kept.verdict, kept.ended_on, kept.lead_days) == (OutcomeVerdict.HAPPENED, ENDED, 3)
    assert (kept.money_happened, kept.units_recovered) == (Decimal("128.00"), 1.0)


def test_nothing_that_happened_has_no_lead(chain: Database) -> None:
    keep(chain, add_alert(chain), verdict="did_not_happen", lead_days=float("nan"))

    with chain.read() as session:
        assert session.scalar(select(AlertOutcome.lead_days)) is None


def decided(database: Database, alert: int, kind: str, **changes: Any) -> None:
    values = {
        "alert_id": alert, "kind": kind, "state": DecisionState.DONE, "store_id": "PHX-01",
        "category": "swim trunks", "style_id": "trunks", "style_name": "Trunk", "season_code": "SS26",
        "units": 4.0, "offered_on": TOLD, "requested_by": "maya@shop.example", "requested_at": NOON,
        "changed_at": NOON,
    }  # fmt: skip
    with database.write() as session:
        session.add(Decision(**(values | changes)))


def consignment(state: DecisionState, received_on: date | None, received: int | None) -> Consignment:
    return Consignment(
        from_store="PHX-02",
        to_store="PHX-01",
        state=state,
        received_on=received_on,
        lines=[ConsignmentLine(sku="trunks-m", units=4, received=received)],
    )


def acts(database: Database) -> pd.DataFrame:
    with database.read() as session:
        alerts, _ = alerts_to_judge(session, business_date=date(2026, 12, 1))
        return acts_on(session, alerts)


def test_a_transfer_counts_from_the_day_it_was_received_with_what_arrived(chain: Database) -> None:
    day = date(2026, 6, 10)
    decided(
        chain, add_alert(chain), "transfer", state=DecisionState.RECEIVED,
        consignments=[
            consignment(DecisionState.RECEIVED, day, 3), consignment(DecisionState.DECLINED, None, None)
        ],
    )  # fmt: skip

    [act] = acts(chain).to_dict("records")
    assert (act["store"], act["sku"], act["units"], act["since"].date()) == ("PHX-01", "trunks-m", 3.0, day)


def test_what_was_refused_or_is_only_asked_for_brought_nothing(chain: Database) -> None:
    alert = add_alert(chain)
    decided(chain, alert, "hold_markdown", state=DecisionState.REFUSED)
    decided(chain, alert, "extend_exit", state=DecisionState.REQUESTED, until=date(2026, 8, 1))

    assert acts(chain).empty


def test_an_exit_put_off_for_a_zone_counts_for_each_of_its_stores(chain: Database) -> None:
    parent = add_alert(
        chain, store_id="", scope=Scope.ZONE, climate_zone="hot", rule="exit_before_demand_ends"
    )
    child = add_alert(chain, rule="exit_before_demand_ends", parent_id=parent)
    decided(chain, parent, "extend_exit", store_id=None, until=date(2026, 8, 1))

    [act] = acts(chain).to_dict("records")
    assert act["alert_id"] == child
    assert (act["since"].date(), act["until"].date()) == (date(2026, 7, 6), date(2026, 8, 1))


def test_effort_is_kept_by_night_and_told_over_time(chain: Database) -> None:
    rows = pd.DataFrame(
        {
            "store": ["PHX-01", ""],
            "demand": [5.0, 9.0],
            "stores": [2.5, 1.8],
            "miles": [14.0, 9.0],
            "found": [0.9, 1.0],
        }
    )
    for day, factor in ((TOLD, 1.0), (ENDED, 0.5), (TOLD, 2.0)):
        with chain.write() as session:
            record_effort(session, rows.assign(miles=rows["miles"] * factor), business_date=day)

    with chain.read() as session:
        store, whole = effort_over_time(session, store_id="PHX-01"), effort_over_time(session, since=ENDED)
    assert [(each.business_date, each.miles) for each in store] == [(TOLD, 28.0), (ENDED, 7.0)]
    assert [(each.miles, each.stores_visited, each.found, each.units) for each in whole] == [
        (4.5, 1.8, 1.0, 9.0)
    ]


def missed(**changes: Any) -> pd.DataFrame:
    row = {
        "rule": STOCKOUT, "store": "PHX-01", "style": "trunks", "season_code": "SS26",
        "category": "swim trunks", "ended_on": ENDED, "units": 5.0, "customers": 4.0, "money": 160.0,
    }  # fmt: skip
    return pd.DataFrame([row | changes])


def test_a_loss_that_nobody_was_told_of_is_kept_once(chain: Database) -> None:
    for _ in range(2):
        with chain.write() as session:
            record_missed(session, missed())

    with chain.read() as session:
        assert session.scalar(select(func.count()).select_from(MissedLoss)) == 1


def test_a_summary_tells_each_and_all(chain: Database) -> None:
    right, wrong = add_alert(chain), add_alert(chain, style_id="caps", category="caps")
    keep(chain, right)
    keep(
        chain,
        wrong,
        verdict="did_not_happen",
        units_happened=0.0,
        lead_days=float("nan"),
        on=date(2026, 7, 1),
    )
    with chain.write() as session:
        record_missed(session, missed())

    by_category = {row["category"]: row for row in outcome_rows(chain, by="category")}
    assert by_category["swim trunks"]["precision"] == 1.0
    assert by_category["swim trunks"]["recall"] == 0.5
    assert by_category["caps"]["precision"] == 0.0
    assert by_category["all"]["judged"] == 2
    assert [row["week"] for row in outcome_rows(chain, by="week")] == ["2026-06-21", "2026-06-28", "all"]
    june, july, whole = outcome_rows(chain, by="month")
    assert (june["month"], july["month"], whole["month"]) == ("2026-06", "2026-07", "all")
    assert (june["customers_turned_away"], june["customers_won_back"], june["customers_lost"]) == (
        6.5,
        0.5,
        6.0,
    )
    json.dumps([june, july, whole])


def test_false_alarms_and_errors_of_the_data_are_listed_for_review(chain: Database) -> None:
    wrong = add_alert(chain, style_id="a")
    error = add_alert(chain, style_id="b", status=Status.DISMISSED, dismissed_as=DismissReason.DATA_ERROR)
    keep(chain, add_alert(chain, style_id="c"))
    keep(chain, wrong, error, verdict="did_not_happen", lead_days=float("nan"))

    rows = review_rows(chain)
    assert {row["alert_id"]: row["why"] for row in rows} == {wrong: "did_not_happen", error: "data_error"}
    json.dumps(rows)


def test_the_command_tells_tables_and_json(chain: Database, settings: Any) -> None:
    assert "No alert has been judged yet" in CliRunner().invoke(main, ["outcomes"]).output
    assert "Nothing to review" in CliRunner().invoke(main, ["outcomes", "--review"]).output

    wrong = add_alert(chain, style_id="a", store_id="SEA-01")
    keep(chain, add_alert(chain))
    keep(chain, wrong, verdict="did_not_happen", lead_days=float("nan"))
    table = CliRunner().invoke(main, ["outcomes", "--by", "month"])
    assert table.exit_code == 0
    assert "In 2026-06: 5 customers turned away, 1 of them won back, 4 lost." in table.output
    told = json.loads(CliRunner().invoke(main, ["outcomes", "--by", "store", "--json"]).output)
    assert [row["store"] for row in told] == ["PHX-01", "SEA-01", "all"]
    assert told[2]["precision"] == 0.5
    review = CliRunner().invoke(main, ["outcomes", "--review"])
    assert f"{wrong} " in review.output
    assert (
        json.loads(CliRunner().invoke(main, ["outcomes", "--review", "--json"]).output)[0]["alert_id"]
        == wrong
    )


def test_blocks_of_four_weeks_end_on_a_saturday_that_has_settled() -> None:
    ends_on = [block_end(date(2026, 6, 1) + timedelta(days=day)) for day in range(56)]

    assert {day.isoweekday() for day in ends_on} == {6}
    assert len(set(ends_on)) == 3
    assert all(day + SETTLES <= date(2026, 6, 1) + timedelta(days=n) for n, day in enumerate(ends_on))


AUTUMN = date(2026, 10, 24)


def play(service: Service, *days: date) -> None:
    for day in days:
        run_night(service, as_of=day)


@pytest.fixture
def after_the_summer(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """A retailer whose people were told in June that trunks leave too early, and whose summer is over.

    In Phoenix nobody keeps them after July; two customers of one store asked for them.
    """
    monkeypatch.setenv("INSEASON_TODAY", (AUTUMN + timedelta(days=1)).isoformat())
    settings = load_settings()
    later = Service(settings, Clock(settings), service.database, service.facts)
    write_feeds(settings.inbox, last_week=AUTUMN - timedelta(days=6))
    asked = [
        "requested_at,store_id,sku,units",
        "2026-07-21T12:00,PHX-01,SWT-M,1",
        "2026-07-29T12:00,PHX-01,SWT-M,2",
    ]
    (settings.inbox / "requests.csv").write_text("\n".join(asked) + "\n", encoding="utf-8")
    play(later, date(2026, 6, 6), date(2026, 6, 7))
    return later


def test_the_night_judges_what_is_over_and_only_once(after_the_summer: Service) -> None:
    night = a_night(after_the_summer, AUTUMN)
    with after_the_summer.database.write() as session:
        session.execute(
            update(Alert).values(status=Status.EXPIRED, closed_on=date(2026, 10, 11), closed_at=NOON)
        )
    judged, told = judge_alerts(night)

    assert judged > 0
    assert told.startswith(f"{judged} alerts judged")
    with after_the_summer.database.read() as session:
        known = judged_alerts(session)
    exits = known[known["rule"] == "exit_before_demand_ends"].set_index("store")
    assert exits.loc["PHX-01", "verdict"] == "happened"
    assert exits.loc["PHX-01", "units_happened"] > 0
    assert exits.loc["PHX-02", "verdict"] == "cannot_tell"
    assert judge_alerts(night)[0] == 0


def test_a_store_that_had_closed_owed_no_figures(chain: Database, service: Service) -> None:
    with chain.write() as session:
        session.execute(
            update(Store).where(Store.store_id == "PHX-01").values(closed_on=TOLD - timedelta(days=9))
        )
    for store in ("PHX-01", "PHX-02"):
        add_alert(
            chain, rule="feed_late", store_id=store, style_id="", season_code="stock", details={"sizes": []}
        )
    judge_alerts(a_night(service, date(2026, 8, 1)))

    with chain.read() as session:
        verdicts_of = judged_alerts(session).set_index("store")["verdict"].to_dict()
    assert verdicts_of == {"PHX-01": "did_not_happen", "PHX-02": "happened"}


def test_a_loss_without_an_alert_is_found_when_its_block_has_settled(after_the_summer: Service) -> None:
    # Nobody was told: the first night of all is this one, so that no alert can have spoken.
    with after_the_summer.database.write() as session:
        session.execute(update(Alert).values(opened_on=None))
    last = block_end(AUTUMN)
    night = a_night(after_the_summer, last + SETTLES)
    judge_alerts(night)
    with after_the_summer.database.read() as session:
        losses = list(session.scalars(select(MissedLoss)))
    # The exit's ten weeks ended on 13 September: only the store whose customers asked can be told of.
    assert {(loss.rule, loss.store_id) for loss in losses} == {("exit_before_demand_ends", "PHX-01")}


def a_night(service: Service, day: date) -> Night:
    """A night at work, its panel built."""
    with service.database.write() as session:
        run = Run(kind=RunKind.NIGHT, business_date=day, started_at=NOON)
        session.add(run)
        session.flush()
        night = Night(service, day, run.run_id)
    panel(night)
    with service.database.write() as session:
        service.facts.publish(session, session.get_one(Run, night.run_id), night.written)
    return night
