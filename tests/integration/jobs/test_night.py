"""One night on a small retailer, from waiting files to alerts, on both databases."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from data.errors import BusyError, NightRefusedError
from data.feeds.inbox import waiting_files
from data.feeds.loading import import_feed
from data.records import (
    Alert,
    AlertChart,
    AlertEvent,
    Condition,
    OutboxMail,
    Run,
    RunKind,
    RunState,
    Scope,
    Status,
)
from data.settings import load_settings
from jobs.night import run_night
from jobs.raising import raise_alerts
from jobs.service import Service
from tests.ground.elsewhere import writing_elsewhere
from tests.ground.nights import run_two_nights
from tests.ground.retailer import AS_OF, write_feeds

if TYPE_CHECKING:
    from data.records import Record

STEPS = ["ingest", "panel", "forecast", "gap", "alerts", "plans", "outcomes", "requests", "digest", "mail"]


def count(service: Service, table: type[Record]) -> int:
    with service.database.read() as session:
        return session.scalar(select(func.count()).select_from(table))


def alerts_of(service: Service, rule: str = "exit_before_demand_ends") -> dict[str, Alert]:
    with service.database.read() as session:
        of_stores = select(Alert).where(Alert.rule == rule, Alert.scope == Scope.STORE)
        return {alert.store_id: alert for alert in session.scalars(of_stores)}


def the_night(service: Service, business_date: date = AS_OF) -> Run:
    with service.database.read() as session:
        return session.scalar(
            select(Run).where(Run.kind == RunKind.NIGHT, Run.business_date == business_date)
        )


def at(service: Service, today: date, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The same service on another day."""
    from data.clock import Clock

    monkeypatch.setenv("INSEASON_TODAY", today.isoformat())
    settings = load_settings()
    return Service(settings, Clock(settings), service.database, service.facts)


def test_a_night_warns_of_the_exit_weeks_before_it_where_customers_still_want_it(retailer: Service) -> None:
    report = run_night(retailer)

    assert report.ran
    assert report.business_date == AS_OF
    alerts = alerts_of(retailer)
    assert {"PHX-01", "PHX-02"} <= set(alerts)
    # The warm zone keeps its trunks to the year's end.
    assert "LAX-01" not in alerts
    phoenix = alerts["PHX-01"]
    assert phoenix.season_code == "SS26"
    # A date can be moved until two weeks before it.
    assert phoenix.act_by == date(2026, 6, 21)
    assert phoenix.demand_ends > date(2026, 8, 15)
    assert phoenix.details["exit"] == "2026-07-05"
    assert phoenix.details["style_name"] == "Marlin Trunk"
    assert {size["size"] for size in phoenix.details["sizes"]} == {"S", "M", "L"}


def test_what_sells_all_year_never_leaves_too_early(retailer: Service) -> None:
    run_night(retailer)

    with retailer.database.read() as session:
        warned = set(session.scalars(select(Alert.category).where(Alert.rule == "exit_before_demand_ends")))
    assert warned == {"swim trunks"}


def test_every_step_is_recorded_with_its_rows_and_times(retailer: Service) -> None:
    run_night(retailer)

    run = the_night(retailer)
    assert run.state is RunState.SUCCEEDED
    assert [step.name for step in run.steps] == STEPS
    assert all(step.state is RunState.SUCCEEDED for step in run.steps)
    assert all(step.started_at <= step.finished_at for step in run.steps)
    rows = {step.name: step.rows for step in run.steps}
    assert rows["forecast"] == 24 * 52
    with retailer.database.read() as session:
        of_stores = select(func.count()).select_from(Alert).where(Alert.scope != Scope.ZONE)
        assert rows["gap"] == session.scalar(of_stores)


def test_the_waiting_files_are_taken_from_the_inbox(retailer: Service) -> None:
    run_night(retailer)

    inbox = retailer.settings.inbox
    assert not list(inbox.glob("*.csv"))
    assert sorted(path.name for path in (inbox / "done").iterdir()) == [
        "calendar.csv",
        "products.csv",
        "sales.csv",
        "stock.csv",
        "stores.csv",
    ]


def test_a_night_that_is_done_changes_nothing_when_asked_for_again(people: Service) -> None:
    run_night(people)
    before = [count(people, table) for table in (Alert, AlertEvent, OutboxMail, Run)]

    report = run_night(people)

    assert not report.ran
    assert [count(people, table) for table in (Alert, AlertEvent, OutboxMail, Run)] == before


def test_each_firing_alert_has_its_drawing_and_its_numbers(retailer: Service) -> None:
    run_two_nights(retailer)

    alert = alerts_of(retailer)["PHX-01"]
    with retailer.database.read() as session:
        chart = session.get_one(AlertChart, alert.alert_id)
    assert chart.svg.startswith("<svg")
    # Stock is one figure per store, whatever its sizes.
    june = next(row for row in chart.table if row["week"] == "2026-05-31")
    assert june["stock"] == 1200
    assert next(row for row in chart.table if row["week"] == "2026-08-02")["mean"] > 5


def test_each_alert_says_what_moves_its_demand_and_who_has_seen_such_weeks(retailer: Service) -> None:
    run_night(retailer)

    told = alerts_of(retailer)["PHX-01"].drivers
    assert told["times"] > 1.2
    assert told["times"] == pytest.approx(told["season"] * told["warmth"] * told["holidays"], abs=0.01)
    # Phoenix has never shown trunks after July; Los Angeles shows them to the year's end.
    assert (told["stores_here"], told["stores_elsewhere"]) == (0, 1)
    assert told["evidence"]["borrowed"] > 0.5


def test_what_the_forecasts_rest_on_is_published_with_them(retailer: Service) -> None:
    run_night(retailer)

    told = retailer.facts.snapshot().query("SELECT * FROM seasons")
    assert set(told["category"]) == {"swim trunks", "white T-shirts"}
    assert len(told) == 2 * 3 * 52
    assert (told["as_of"].dt.date == AS_OF).all()
    factors = told["calendar"] * told["temperature"] * told["holidays"]
    seen = told["evidence"] == "observed"
    assert factors[seen].to_numpy() == pytest.approx(told.loc[seen, "season"].to_numpy())
    sizes = retailer.facts.snapshot().query("SELECT size FROM forecasts")["size"]
    assert (sizes > 0).all()


def test_a_shelf_from_which_nothing_sells_any_more_is_suspected(retailer: Service) -> None:
    sales = retailer.settings.inbox / "sales.csv"
    lines = sales.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not ("SEA-01,TEE-M" in line and line > "2026-03-01")]
    sales.write_text("\n".join([*kept, ""]), encoding="utf-8")

    run_night(retailer)

    [shelf] = retailer.facts.snapshot().query("SELECT * FROM phantoms").to_dict("records")
    assert (shelf["store_id"], shelf["sku"], shelf["category"]) == ("SEA-01", "TEE-M", "white T-shirts")
    assert shelf["first_week"].date() >= date(2026, 3, 1)
    assert shelf["last_week"].date() == date(2026, 5, 31)
    assert shelf["expected"] > 10
    assert "on 1 shelf nothing sells" in the_night(retailer).step("forecast").outcome


def test_a_category_first_sold_last_month_has_the_season_of_its_department(retailer: Service) -> None:
    inbox = retailer.settings.inbox
    header, *products = (inbox / "products.csv").read_text(encoding="utf-8").splitlines()
    in_departments = [f"{line},{'basics' if 'TEE' in line else 'summer'}" for line in products]
    new = "SND-M,SND,Beach Sandal,sandals,M,20.00,21,summer"
    (inbox / "products.csv").write_text(
        "\n".join([f"{header},department", *in_departments, new, ""]), encoding="utf-8"
    )
    for name, row in (("sales", "{week},{store},SND-M,6,week"), ("stock", "{week},{store},SND-M,50,1,week")):
        weeks = [AS_OF - timedelta(days=6 + 7 * age) for age in range(5)]
        rows = [row.format(week=week, store=store) for week in weeks for store in ("LAX-01", "PHX-01")]
        with (inbox / f"{name}.csv").open("a", encoding="utf-8") as feed:
            feed.write("\n".join([*rows, ""]))

    run_night(retailer)

    told = retailer.facts.snapshot().query(
        "SELECT category, week, calendar FROM seasons WHERE climate_zone = 'warm' ORDER BY week"
    )
    season = told.pivot_table(index="week", columns="category", values="calendar")
    assert season["sandals"].max() > 3 * season["sandals"].min()
    assert abs(season["sandals"].idxmax() - season["swim trunks"].idxmax()) <= timedelta(weeks=4)


def test_the_next_night_finds_the_same_alerts_again(
    retailer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(retailer)
    first = alerts_of(retailer)["PHX-01"]

    run_night(at(retailer, date(2026, 6, 9), monkeypatch))

    again = alerts_of(retailer)["PHX-01"]
    assert again.alert_id == first.alert_id
    assert again.first_fired_on == AS_OF
    assert again.evaluated_on == date(2026, 6, 8)


def test_a_gap_that_people_mend_in_the_calendar_is_over_with_the_next_night(
    retailer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_two_nights(retailer)
    (retailer.settings.inbox / "calendar.csv").write_text(
        "category,season_code,floor_set,exit\nswim trunks,SS26,2026-02-09,2026-12-31\n", encoding="utf-8"
    )

    run_night(at(retailer, date(2026, 6, 9), monkeypatch))

    phoenix = alerts_of(retailer)["PHX-01"]
    assert (phoenix.status, phoenix.condition) == (Status.RESOLVED, Condition.CLEAR)


def test_late_figures_freeze_alerts_and_open_none_but_those_that_say_so(
    retailer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_two_nights(retailer)
    opened = count(retailer, Alert)

    run_night(at(retailer, date(2026, 6, 25), monkeypatch))

    with retailer.database.read() as session:
        late = list(session.scalars(select(Alert).where(Alert.rule == "feed_late")))
    assert {(alert.scope, alert.season_code) for alert in late} == {
        (Scope.CHAIN, "sales"),
        (Scope.CHAIN, "stock"),
    }
    assert count(retailer, Alert) == opened + len(late)
    phoenix = alerts_of(retailer)["PHX-01"]
    assert (phoenix.status, phoenix.condition) == (Status.OPEN, Condition.UNKNOWN)


def test_a_chain_that_does_not_count_its_stock_is_warned_of_exits_and_of_no_stockouts(
    retailer: Service,
) -> None:
    (retailer.settings.inbox / "stock.csv").unlink()

    run_night(retailer)

    assert {"PHX-01", "PHX-02"} <= set(alerts_of(retailer))
    assert not alerts_of(retailer, "stockout_in_season")


def test_a_night_long_past_leaves_the_alerts_of_the_newest(retailer: Service) -> None:
    run_night(retailer)
    before = alerts_of(retailer)["PHX-01"]

    report = run_night(retailer, AS_OF - timedelta(days=7))

    assert report.ran
    after = alerts_of(retailer)["PHX-01"]
    assert (after.version, after.evaluated_on) == (before.version, before.evaluated_on)


def test_a_day_that_is_not_over_in_every_store_is_refused(retailer: Service) -> None:
    with pytest.raises(NightRefusedError, match="not over in every store"):
        run_night(retailer, date(2026, 6, 7))


def test_without_facts_the_night_says_what_to_do(service: Service) -> None:
    with pytest.raises(NightRefusedError, match="inseason import"):
        run_night(service)

    run = the_night(service)
    assert run.state is RunState.FAILED
    assert "inseason import" in run.summary


def test_a_night_that_failed_for_want_of_facts_runs_when_they_have_come(service: Service) -> None:
    with pytest.raises(NightRefusedError):
        run_night(service)
    write_feeds(service.settings.inbox)

    assert run_night(service).ran
    assert the_night(service).state is RunState.SUCCEEDED


def test_a_night_refused_before_the_first_import_runs_as_any_other_after_it(service: Service) -> None:
    with pytest.raises(NightRefusedError):
        run_night(service)
    write_feeds(service.settings.inbox)
    for kind, path in waiting_files(service.settings.inbox):
        import_feed(
            kind,
            path,
            database=service.database,
            facts=service.facts,
            settings=service.settings,
            clock=service.clock,
        )
        path.unlink()

    run_night(service)

    assert {"PHX-01", "PHX-02"} <= set(alerts_of(service))


def test_a_store_that_has_closed_for_good_raises_no_alerts(retailer: Service) -> None:
    stores = retailer.settings.inbox / "stores.csv"
    header, *rows = stores.read_text(encoding="utf-8").splitlines()
    closed = [f"{row},{'2026-01-31' if row.startswith('PHX-01') else ''}" for row in rows]
    stores.write_text("\n".join([f"{header},closed_on", *closed, ""]), encoding="utf-8")

    run_night(retailer)

    assert "PHX-02" in alerts_of(retailer)
    assert "PHX-01" not in alerts_of(retailer)


def test_a_gap_whose_season_is_over_expires_and_is_not_called_mended(retailer: Service) -> None:
    run_night(retailer)
    alert = alerts_of(retailer)["PHX-01"]

    raise_alerts(
        retailer.database,
        [],
        business_date=alert.demand_ends + timedelta(days=1),
        now=retailer.clock.now(),
    )

    assert alerts_of(retailer)["PHX-01"].status is Status.EXPIRED


def test_what_was_wrong_with_the_waiting_files_is_told_with_the_night(retailer: Service) -> None:
    (retailer.settings.inbox / "sales_late.csv").write_text(
        "business_date,store_id,sku,units\n2026-06-05,NOWHERE,SWT-M,1\n", encoding="utf-8"
    )
    (retailer.settings.inbox / "stock_late.csv").write_text("store_id\n", encoding="utf-8")

    report = run_night(retailer)

    assert "NOWHERE" in report.summary or "1 rejected" in report.summary
    assert "stock_late.csv was not taken" in report.summary


def test_facts_too_old_for_the_night_are_refused_with_the_date_that_would_do(
    retailer: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(retailer)

    with pytest.raises(NightRefusedError, match="nightly --as-of 2026-06-06"):
        run_night(at(retailer, date(2026, 11, 2), monkeypatch))


def test_two_nights_never_run_at_once(retailer: Service) -> None:
    with writing_elsewhere(retailer.database), pytest.raises(BusyError):
        run_night(retailer)
    assert run_night(retailer).ran
