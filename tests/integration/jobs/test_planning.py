"""Markdown plans out of the newest night, on both databases, and as the command prints them."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from click.testing import CliRunner

from data.errors import InSeasonError
from data.facts.store import write_rows
from data.facts.tables import TABLES
from data.planning.assumed import Prices
from data.records import Run, RunKind, RunState
from forecaster import Markdown, PlanRules, Stakes
from jobs.cli import main
from jobs.plan_listing import plan_rows
from jobs.planning import plan_category
from tests.ground.planned import AS_OF, write_facts, write_records
from web.rendering.plan_words import notes

if TYPE_CHECKING:
    from jobs.service import Service


@pytest.fixture
def night(service: Service) -> Service:
    """A retailer after a night."""
    write_records(service.database)
    write_facts(service.database, service.facts)
    return service


def weigh(service: Service, category: str = "swim trunks", zone: str | None = None, **options):
    given = {"stakes": Stakes(), "rules": PlanRules(), "prices": Prices()} | options
    return plan_category(service.database, service.facts, category, climate_zone=zone, **given)


def test_it_plans_for_the_dates_and_markdowns_that_most_pieces_have(night: Service) -> None:
    planned = weigh(night)

    assert planned.board.today.exit == date(2026, 7, 5)
    # The step after the exit is for the clearance rail.
    assert planned.board.today.markdowns == (
        Markdown(date(2026, 6, 15), 30.0),
        Markdown(date(2026, 6, 29), 50.0),
    )
    assert planned.board.season_code == "SS26"
    assert planned.board.stores == 3
    assert planned.board.apart == ("Store LAX-01", "Board Short")
    # Of three stores two styles of three sizes, less the style that stands apart in one of them.
    assert planned.report.today()["stock"] == 30 * (3 * 2 - 1) * 3


def test_a_zone_counts_its_own_stores_only(night: Service) -> None:
    planned = weigh(night, zone="cool")

    assert planned.board.stores == 1
    assert planned.board.apart == ()
    assert planned.report.today()["stock"] == 30 * 2 * 3


def test_the_markdown_before_the_peak_is_worth_holding(night: Service) -> None:
    told = plan_rows(weigh(night, zone="hot"))

    assert told["recommended"]["margin_won"] > 0
    assert told["recommended"]["rail_weeks"] <= 0
    assert told["best_margin"]["exit"] > "2026-07-05"
    assert told["best_margin"]["rail_week_break_even"] > 0
    assert told["most_customers"]["turned_away"] < told["today"]["turned_away"]


def test_money_that_is_not_known_is_assumed_and_said(night: Service) -> None:
    planned = weigh(night)

    assert any(note.startswith("3 skus without a unit cost") for note in notes(planned.board.assumed))
    assert any("15% of its regular price" in note for note in notes(planned.board.assumed))


def test_the_substitution_that_the_night_measured_counts(night: Service) -> None:
    assert weigh(night).report.stakes.substitution == 0
    with night.database.write() as session:
        run = session.get_one(Run, 1)
        run.details = {"substitution": {"swim trunks": 0.25}}

    assert weigh(night).report.stakes.substitution == pytest.approx(0.25)


def test_what_the_records_learn_later_does_not_change_what_the_night_knew(night: Service) -> None:
    before = plan_rows(weigh(night))
    more = pd.DataFrame(
        [
            {
                "business_date": AS_OF,
                "store_id": "PHX-01",
                "sku": "SWT-S",
                "on_hand": 900,
                "period": "day",
                "month": "2026-06",
            }
        ]
    )
    with night.database.write() as session:
        run = session.get_one(Run, 1)
        run.details = {"inputs": {"stock": night.facts.version("stock")}}
    write_rows(night.facts.uri, TABLES["stock"], more, run_id=2, mode="append")
    with night.database.write() as session:
        later = Run(kind=RunKind.IMPORT, state=RunState.SUCCEEDED, started_at=night.clock.now())
        session.add(later)
        session.flush()
        night.facts.publish(session, later, {"stock": night.facts.version("stock")})

    assert plan_rows(weigh(night)) == before


@pytest.mark.parametrize(
    ("category", "zone", "problem"),
    [
        (
            "hats",
            None,
            "No forecast of category 'hats'. Forecast categories: swim trunks, white T-shirts.",
        ),
        (
            "swim trunks",
            "moon",
            "No store of zone 'moon' carries swim trunks. Zones that do: cool, hot, warm.",
        ),
        ("white T-shirts", None, "has no selling window that ends after 2026-06-06"),
        ("swim's", None, "No forecast of category"),
    ],
)
def test_what_cannot_be_planned_is_refused_in_plain_words(
    night: Service, category: str, zone: str | None, problem: str
) -> None:
    with pytest.raises(InSeasonError, match=problem):
        weigh(night, category, zone)


def test_before_the_first_night_there_is_nothing_to_plan_on(service: Service) -> None:
    with pytest.raises(InSeasonError, match="No night has run yet"):
        weigh(service)


def test_without_stock_there_is_nothing_to_plan(service: Service) -> None:
    write_records(service.database)
    write_facts(service.database, service.facts, stock=0)

    with pytest.raises(InSeasonError, match="Nothing of swim trunks is on hand or on order for season SS26"):
        weigh(service)


def run_command(service: Service, *arguments: str):
    environment = {
        "INSEASON_VAR": str(service.settings.var),
        "INSEASON_TODAY": "2026-06-07",
        "INSEASON_DATABASE_URL": service.settings.database_url.get_secret_value(),
    }
    return CliRunner().invoke(main, ["plan", *arguments], env=environment)


def test_the_command_prints_todays_plan_and_what_it_takes_to_beat_it(night: Service) -> None:
    result = run_command(night, "swim trunks", "--zone", "hot")

    assert result.exit_code == 0, result.output
    lines = result.output.splitlines()
    assert lines[0].startswith("swim trunks, SS26, zone hot: 2 stores, 270 pieces on hand or on order")
    assert lines[1] == "Today's plan: 30% off on 15 June and 50% off on 29 June, exit 5 July."
    assert lines[2] == "Not in these figures, with dates or markdowns of their own: Board Short."
    assert any("as today" in line for line in lines)
    assert any("recommended" in line for line in lines)
    assert any("while the incoming set earns under $" in line for line in lines)
    assert any(line.startswith("What the incoming set earns per rail-week decides") for line in lines)


def test_the_command_tells_the_same_as_json(night: Service) -> None:
    result = run_command(night, "swim trunks", "--customer-value", "5", "--rail-week-value", "40", "--json")

    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["stakes"]["customer_value"] == 5
    assert told["recommended"]["value_won"] >= 0
    assert told["rail_choices"] == []
    assert [plan["net_margin"] for plan in told["frontier"]] == sorted(
        (plan["net_margin"] for plan in told["frontier"]), reverse=True
    )
    assert told["today"]["full_price_units"] + told["today"]["markdown_units"] + told["today"][
        "leftover_units"
    ] == pytest.approx(told["today"]["stock"], abs=0.02)


def test_a_budget_refuses_what_gives_more_away(night: Service) -> None:
    told = json.loads(run_command(night, "swim trunks", "--budget", "100", "--json").output)

    assert told["recommended"]["markdown_cost"] <= 100
    assert all("above the budget of $100" in refusal["reason"] for refusal in told["refused"])
    assert told["refused"]


def test_the_command_refuses_in_one_sentence(night: Service) -> None:
    result = run_command(night, "hats")

    assert result.exit_code == 1
    assert result.output.startswith("inseason: No forecast of category 'hats'.")
