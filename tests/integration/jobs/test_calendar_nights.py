"""What the nights make of a merchandiser's word: dates approved, and a forecast changed."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from data import proposals as proposing
from data.clock import Clock
from data.override_effects import foretold
from data.overrides import checked, override
from data.planning.boards import Boards
from data.records import (
    Alert,
    ForecastOverride,
    Measure,
    OverrideEffect,
    Person,
    Proposal,
    Role,
    Scope,
    Status,
)
from data.settings import Weekday, load_settings
from forecaster.plans import Plan, Stakes
from jobs.night import run_night
from jobs.service import Service
from tests.ground.nights import run_two_nights
from tests.ground.retailer import AS_OF, write_feeds
from web.rendering.drivers import reasons

if TYPE_CHECKING:
    import pandas as pd

TODAY = AS_OF + timedelta(days=1)
NOW = datetime(2026, 6, 7, 9, tzinfo=UTC)
JULY = date(2026, 7, 5)


def at(service: Service, today: date, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The same service on another day."""
    monkeypatch.setenv("INSEASON_TODAY", today.isoformat())
    settings = load_settings()
    return Service(settings, Clock(settings), service.database, service.facts)


def merchandiser(service: Service) -> Person:
    with service.database.read() as records:
        return records.scalars(select(Person).where(Person.role == Role.MERCHANDISER)).one()


def alerts(service: Service, scope: Scope = Scope.STORE) -> list[Alert]:
    query = select(Alert).where(Alert.rule == "exit_before_demand_ends", Alert.scope == scope)
    with service.database.read() as records:
        return list(records.scalars(query))


def says(**changes: Any) -> dict[str, Any]:
    return {
        "category": "swim trunks", "climate_zone": "hot", "store_id": "", "style_id": "", "first_week": JULY,
        "last_week": JULY + timedelta(weeks=1), "measure": Measure.FACTOR, "amount": 2.0,
        "reason": "the beach festival",
    } | changes  # fmt: skip


def changes_forecast(service: Service, **changes: Any) -> ForecastOverride:
    with service.database.write() as records:
        return override(
            records, says(**changes), by=merchandiser(service), now=NOW, on=TODAY,
            week_starts_on=Weekday.SUNDAY,
        )  # fmt: skip


def forecasts(service: Service, as_of: date) -> pd.DataFrame:
    """Weekly units of swim trunks by zone, as the night told them and as the model has them."""
    rows = service.facts.snapshot().query(
        "SELECT store_id, week, sum(mean) AS mean, sum(base_mean) AS base FROM forecasts "
        f"WHERE category = 'swim trunks' AND as_of = DATE '{as_of}' GROUP BY 1, 2"
    )
    zones = rows["store_id"].str[:3].map({"PHX": "hot", "LAX": "warm", "SEA": "cool"})
    summed = rows.assign(zone=zones).groupby(["zone", "week"])[["mean", "base"]].sum()
    return summed["mean"] / summed["base"]


def test_an_approved_exit_makes_the_alerts_of_its_zone_go(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_two_nights(people)
    assert {a.store_id: a.status for a in alerts(people)}["PHX-01"] is Status.OPEN
    jonas, boards = merchandiser(people), Boards(people.database, people.settings.facts_uri)
    plan = Plan(date(2026, 2, 9), (), date(2026, 12, 13))
    with people.database.read() as records:
        weighed = proposing.weigh(
            records, boards, category="swim trunks", season_code="SS26", zones=("hot",), plan=plan,
            stakes=Stakes(),
        )  # fmt: skip
    assert weighed.figures["plan"]["turned_away"] < weighed.figures["today"]["turned_away"]
    with people.database.write() as records:
        made = proposing.propose(
            records, category="swim trunks", zones=("hot",), plan=plan, weighed=weighed, by=jonas,
            reason="they swim into autumn", now=NOW,
        )  # fmt: skip
        made.put_forward(jonas, NOW)
        number = made.proposal_id
    with people.database.write() as records:
        found = records.scalars(proposing.whole_proposals().where(Proposal.proposal_id == number)).one()
        proposing.approve(records, found, by=jonas, now=NOW, today=TODAY)

    run_night(at(people, date(2026, 6, 9), monkeypatch))

    by_store = {alert.store_id: alert.status for alert in alerts(people)}
    assert {by_store["PHX-01"], by_store["PHX-02"]} == {Status.RESOLVED}
    assert by_store["SEA-01"] is Status.OPEN
    by_zone = {alert.climate_zone: alert.status for alert in alerts(people, Scope.ZONE)}
    assert (by_zone["hot"], by_zone["cool"]) == (Status.RESOLVED, Status.OPEN)


def test_a_change_of_the_forecast_counts_from_the_next_night_in_its_weeks_and_zone(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(people)
    before = forecasts(people, AS_OF)
    changes_forecast(people)
    run_night(at(people, date(2026, 6, 8), monkeypatch))
    after = forecasts(people, date(2026, 6, 7))

    assert (before == 1).all()
    assert after.loc["hot"][[str(JULY), str(JULY + timedelta(weeks=1))]].to_numpy() == pytest.approx(2.0)
    assert (after.loc["hot"].drop([str(JULY), str(JULY + timedelta(weeks=1))]) == 1).all()
    assert (after.loc[["warm", "cool"]] == 1).all()
    [phoenix] = [alert for alert in alerts(people) if alert.store_id == "PHX-01"]
    assert phoenix.drivers is not None
    assert phoenix.drivers["said"] > 1.05
    assert any("more customers in these weeks than the forecast does" in told for told in reasons(phoenix))


def test_what_a_change_would_do_is_what_it_then_does(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_night(people)
    values = says(measure=Measure.UNITS, amount=300.0)
    with people.database.read() as records:
        made = checked(
            records, values, by=merchandiser(people), now=NOW, on=TODAY, week_starts_on=Weekday.SUNDAY
        )
        told = foretold(records, people.facts.snapshot(), made)
    assert told is not None
    assert [week.after for week in told.weeks] == pytest.approx([300.0, 300.0])
    assert told.now == pytest.approx(sum(week.model for week in told.weeks))
    assert told.shelves == 6

    changes_forecast(people, measure=Measure.UNITS, amount=300.0)
    run_night(at(people, date(2026, 6, 8), monkeypatch))
    rows = people.facts.snapshot().query(
        "SELECT sum(mean) AS units FROM forecasts WHERE category = 'swim trunks' AND store_id LIKE 'PHX%' "
        f"AND as_of = DATE '2026-06-07' AND week = DATE '{JULY}'"
    )
    assert rows["units"].iloc[0] == pytest.approx(300.0)


def test_a_withdrawn_change_no_longer_counts(people: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    run_night(people)
    made = changes_forecast(people)
    with people.database.write() as records:
        found = records.get_one(ForecastOverride, made.override_id)
        found.withdraw(merchandiser(people), NOW, on=TODAY)
    run_night(at(people, date(2026, 6, 8), monkeypatch))

    assert (forecasts(people, date(2026, 6, 7)) == 1).all()


def test_a_change_is_measured_when_its_week_has_passed(
    people: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    week = AS_OF + timedelta(days=1)
    made = changes_forecast(people, first_week=week, last_week=week + timedelta(weeks=1))
    run_night(people)
    with people.database.read() as records:
        assert records.scalars(select(OverrideEffect)).all() == []

    write_feeds(people.settings.inbox, last_week=week)
    run_night(at(people, week + timedelta(weeks=1), monkeypatch))

    with people.database.read() as records:
        [effect] = records.scalars(select(OverrideEffect)).all()
    assert (effect.override_id, effect.passed, effect.weeks) == (made.override_id, 1, 1)
    assert effect.foretold_with == pytest.approx(2 * effect.foretold_without)
    assert effect.error_without is not None
    assert effect.error_with is not None
    assert effect.error_without < 0.35
    assert effect.error_with > 0.6
