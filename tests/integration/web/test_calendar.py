"""The calendar's pages: what changed, what is proposed, what people know better, and the feed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pandas as pd
import pytest
from icalendar import Calendar as CalendarFile
from sqlalchemy import event, select

from data.calendar_versions import note_touches
from data.clock import Clock
from data.errors import InSeasonError
from data.facts import FactsStore
from data.feeds.loading import import_feed
from data.planning.details import plan_details
from data.records import (
    CalendarAddress,
    CalendarVersion,
    ForecastOverride,
    MarkdownStep,
    Measure,
    OverrideEffect,
    Person,
    PersonCategory,
    Proposal,
    ProposalState,
    Role,
    SellingWindow,
    WindowStatus,
)
from forecaster.plans import Markdown, Plan
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, form_token
from tests.unit.web.making import NIGHT, NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database
    from data.settings import Settings
    from tests.integration.web.world import World

OTHER_MERCHANDISER = "bea@example.com"
FLOOR_SET, EXIT, LATER = date(2026, 2, 16), date(2026, 7, 5), date(2026, 8, 31)
IN_FORCE = Plan(FLOOR_SET, (Markdown(date(2026, 6, 29), 30.0),), EXIT)
PAGES = (
    "/calendar",
    "/calendar/in-force",
    "/calendar/versions/1",
    "/calendar/versions/1/roll-back",
    "/calendar/calendar.csv",
    "/calendar/markdowns.csv",
    "/calendar/proposals",
    "/calendar/proposals/new",
    "/calendar/proposals/1",
    "/calendar/proposals/compare?ids=1",
    "/calendar/overrides",
    "/calendar/overrides/new",
    "/calendar/addresses",
)


@dataclass
class Boards:
    """Boards that weigh by hand: every week on the floor beyond today's exit wins ten customers."""

    asked: list[tuple[str, str, str]] = field(default_factory=list)
    trouble: str = ""
    today: Plan = IN_FORCE

    def of(self, category: str, climate_zone: str = "", season_code: str = "") -> Any:
        self.asked.append((category, climate_zone, season_code))
        if self.trouble:
            raise InSeasonError(self.trouble)
        return Board(self.today, climate_zone)


@dataclass
class Board:
    """One category, as far as proposals look at it."""

    today: Plan
    climate_zone: str
    as_of: date = NIGHT
    season_code: str = "SS26"
    stores: int = 2
    apart: tuple[str, ...] = ("Phoenix North",)

    def weigh(self, plans: list[Plan], *, stakes: Any, rules: Any) -> Any:
        del stakes
        tried, refused = [self.today], []
        for plan in plans:
            reason = rules.refusal(plan, self.today, as_of=self.as_of)
            (refused.append((plan, reason)) if reason else tried.append(plan))
        rows = pd.DataFrame({"plan": range(len(tried))})
        return SimpleNamespace(tried=tuple(tried), refused=tuple(refused), of_zone=lambda: rows)

    def told(self, report: Any, row: Any) -> dict[str, Any]:
        plan = report.tried[row["plan"]]
        weeks = (plan.exit - self.today.exit).days / 7
        figures = {
            "units": 100.0 + 10 * weeks, "turned_away": 90.0 - 10 * weeks, "revenue": 2500.0 + 200 * weeks,
            "margin": 1200.0 + 50 * weeks, "markdown_cost": 300.0, "leftover_units": 40.0 - 5 * weeks,
            "rail_weeks": weeks, "rate_of_sale": 4.2, "weeks_of_supply": 9.0, "sell_through": 0.8,
        }  # fmt: skip
        return {"plan": plan_details(plan), "figures": figures}


@pytest.fixture
def boards(app: Flask) -> Boards:
    made = Boards()
    app.extensions["inseason"].__dict__["boards"] = made
    return made


@pytest.fixture
def trade(world: World) -> World:
    """The world with a calendar of two versions, and another merchandiser for the other category."""
    with world.database.write() as records:
        for number, leaves in enumerate((date(2026, 6, 28), EXIT), 1):
            version = CalendarVersion(
                created_at=NOW + timedelta(hours=number),
                author=MERCHANDISER,
                reason=f"reason {number}",
                windows=[
                    SellingWindow(
                        category="Swim trunks", season_code="SS26", floor_set=FLOOR_SET, exit=leaves
                    ),
                    SellingWindow(
                        category="Snow boots",
                        season_code="FW26",
                        floor_set=date(2026, 9, 14),
                        exit=date(2027, 2, 7),
                    ),
                    SellingWindow(
                        category="Swim trunks",
                        season_code="SS27",
                        floor_set=date(2027, 2, 15),
                        exit=date(2027, 7, 4),
                        status=WindowStatus.DRAFT,
                    ),
                ],
                markdown_steps=[
                    MarkdownStep(
                        category="Swim trunks",
                        season_code="SS26",
                        effective_from=date(2026, 6, 29),
                        percent_off=30.0,
                    )
                ],
            )
            records.add(version)
            records.flush()
            note_touches(records, version.version_id)
        jonas = records.scalars(select(Person).where(Person.email == MERCHANDISER)).one()
        bea = Person(
            email=OTHER_MERCHANDISER, name="Bea Frost", role=Role.MERCHANDISER, created_at=NOW, stores=[],
            password_hash=jonas.password_hash, categories=[PersonCategory(category="Snow boots")],
        )  # fmt: skip
        records.add(bea)
    return world


@pytest.fixture
def jonas(trade: World, boards: Boards, logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    """The browser of the merchandiser of swim trunks."""
    return logged_in(MERCHANDISER)


def send(client: FlaskClient, path: str, **form: Any) -> TestResponse:
    token = form_token(client.get("/calendar/addresses").text)
    return client.post(path, data={"csrf_token": token, **form})


def propose(client: FlaskClient, **changes: Any) -> TestResponse:
    form = {
        "category": "Swim trunks", "zone": "hot", "season_code": "SS26", "floor_set": "2026-02-16",
        "exit": "2026-08-31", "markdown_day_1": "2026-07-27", "percent_off_1": "30",
        "reason": "They swim until September", "then": "forward",
    } | changes  # fmt: skip
    return send(client, "/calendar/proposals", **form)


def proposals(database: Database) -> list[Proposal]:
    with database.read() as records:
        return list(records.scalars(select(Proposal).order_by(Proposal.proposal_id)))


def override_form(**changes: Any) -> dict[str, Any]:
    return {
        "category": "Swim trunks", "climate_zone": "hot", "first": "2026-07-05", "last": "2026-07-20",
        "says": "more", "percent": "20", "reason": "The beach festival",
    } | changes  # fmt: skip


# Who may


@pytest.mark.parametrize("path", PAGES)
def test_store_managers_may_not_open_the_calendar(
    trade: World, boards: Boards, logged_in: Callable[[str], FlaskClient], path: str
) -> None:
    assert logged_in(MANAGER).get(path).status_code == 403


@pytest.mark.parametrize("path", [path for path in PAGES if not path.endswith("1") and "/1/" not in path])
def test_merchandisers_and_admins_may(
    trade: World, boards: Boards, logged_in: Callable[[str], FlaskClient], path: str
) -> None:
    for who in (MERCHANDISER, ADMIN, OTHER_MERCHANDISER):
        assert logged_in(who).get(path).status_code in (200, 303), who


def test_another_category_is_not_there(
    jonas: FlaskClient, trade: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    propose(jonas)
    send(jonas, "/calendar/overrides", **override_form())
    bea = logged_in(OTHER_MERCHANDISER)

    assert "Swim" not in bea.get("/calendar/in-force").text
    assert "Swim" not in bea.get("/calendar/proposals").text
    assert "Swim" not in bea.get("/calendar/overrides").text
    for path in (
        "/calendar/proposals/1",
        "/calendar/proposals/compare?ids=1",
        "/calendar/versions/2",
        "/calendar/proposals/new?category=Swim trunks",
        "/calendar/overrides/new?category=Swim trunks",
        "/calendar/versions/1/roll-back?category=Swim trunks",
    ):
        assert bea.get(path).status_code == 404, path
    for act in ("approve", "refuse", "withdraw", "weigh", "forward"):
        assert send(bea, f"/calendar/proposals/1/{act}", reason="no").status_code == 404, act
    assert send(bea, "/calendar/overrides/1/withdraw").status_code == 404
    assert propose(bea).status_code == 404
    assert send(bea, "/calendar/overrides", **override_form()).status_code == 404
    assert send(bea, "/calendar/versions/1/roll-back", reason="x", category="Swim trunks").status_code == 404


# Versions


def test_versions_are_told_newest_first_with_author_and_reason(jonas: FlaskClient) -> None:
    page = jonas.get("/calendar").text

    assert page.index("reason 2") < page.index("reason 1")
    assert "Jonas Lind" in page
    assert "Swim trunks SS26" in page


def test_a_version_says_in_words_what_it_changed(jonas: FlaskClient) -> None:
    page = jonas.get("/calendar/versions/2").text

    assert "Everywhere: leaves the floor 5 July instead of 28 June." in page
    assert "Snow boots" not in page


def test_a_version_says_only_what_is_of_the_persons_categories(
    trade: World, logged_in: Callable[[str], FlaskClient], boards: Boards
) -> None:
    page = logged_in(OTHER_MERCHANDISER).get("/calendar/versions/1").text

    assert "Snow boots" in page
    assert "Swim" not in page


def test_versions_are_found_by_category_and_season(jonas: FlaskClient) -> None:
    assert "reason 2" in jonas.get("/calendar?category=Swim+trunks&season=SS26").text
    assert "reason 2" not in jonas.get("/calendar?season=SS27").text
    assert "Nothing matches" in jonas.get("/calendar?category=Nothing").text


def test_the_versions_page_goes_on_where_it_ended(jonas: FlaskClient) -> None:
    page = jonas.get("/calendar?after=2").text

    assert "reason 1" in page
    assert "reason 2" not in page
    assert jonas.get("/calendar?after=2²").status_code == 200


def test_going_back_asks_first_and_makes_a_new_version(jonas: FlaskClient, trade: World) -> None:
    page = jonas.get("/calendar/versions/1/roll-back").text
    assert "leaves the floor 28 June instead of 5 July" in page
    assert jonas.get("/calendar/versions/2/roll-back").status_code == 404

    answer = send(jonas, "/calendar/versions/1/roll-back", reason="it was wrong", based_on=2)
    assert answer.status_code == 303
    page = jonas.get(answer.location).text
    assert "it was wrong" in page
    assert "leaves the floor 28 June instead of 5 July" in page


def test_going_back_needs_a_reason_and_the_calendar_that_was_seen(jonas: FlaskClient) -> None:
    answer = send(jonas, "/calendar/versions/1/roll-back", reason=" ", based_on=2)
    assert answer.status_code == 400
    assert "Say why" in answer.text

    answer = send(jonas, "/calendar/versions/1/roll-back", reason="because", based_on=1)
    assert answer.status_code == 409
    assert "has changed the calendar meanwhile" in answer.text


def test_going_back_leaves_the_categories_of_others(
    jonas: FlaskClient, trade: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    send(jonas, "/calendar/versions/1/roll-back", reason="it was wrong", based_on=2)

    with trade.database.read() as records:
        rows = records.scalars(select(SellingWindow).where(SellingWindow.version_id == 3)).all()
    assert {(row.category, row.season_code, row.exit) for row in rows} == {
        ("Swim trunks", "SS26", date(2026, 6, 28)),
        ("Swim trunks", "SS27", date(2027, 7, 4)),
        ("Snow boots", "FW26", date(2027, 2, 7)),
    }


def test_what_is_in_force_says_who_it_holds_for(jonas: FlaskClient) -> None:
    page = jonas.get("/calendar/in-force").text

    assert "30% off from 29 June" in page
    assert "2 stores" in page
    assert "draft" in page


# Files


def test_the_files_are_in_the_feeds_own_format(
    jonas: FlaskClient, trade: World, settings: Settings, tmp_path: Path
) -> None:
    facts = FactsStore(settings.facts_uri, trade.database)
    facts.prepare()
    for kind in ("calendar", "markdowns"):
        answer = jonas.get(f"/calendar/{kind}.csv")
        assert answer.mimetype == "text/csv"
        path = tmp_path / f"{kind}.csv"
        path.write_bytes(answer.data)
        report = import_feed(
            kind, path, database=trade.database, facts=facts, settings=settings, clock=Clock(settings)
        )
        assert (report.rows_rejected, report.changes.created, report.changes.removed) == (0, 0, 0), kind


def test_the_files_hold_what_is_asked_for_and_the_persons_own(jonas: FlaskClient) -> None:
    assert "Snow boots" not in jonas.get("/calendar/calendar.csv").text
    assert jonas.get("/calendar/calendar.csv?season=SS27").text.count("Swim trunks") == 1
    assert jonas.get("/calendar/calendar.csv?as=xlsx").mimetype.endswith("sheet")


@pytest.mark.parametrize("path", ["/calendar", "/calendar/proposals", "/calendar/overrides"])
def test_every_list_is_a_file_too(jonas: FlaskClient, path: str) -> None:
    propose(jonas)
    send(jonas, "/calendar/overrides", **override_form())

    assert jonas.get(f"{path}?as=csv").mimetype == "text/csv"
    assert len(jonas.get(f"{path}?as=csv").text.strip().splitlines()) >= 2


# Proposals


def test_a_plan_is_weighed_here_and_saved(jonas: FlaskClient, trade: World, boards: Boards) -> None:
    answer = propose(jonas, then="draft")
    assert answer.status_code == 303
    [made] = proposals(trade.database)

    assert ("Swim trunks", "hot", "SS26") in boards.asked
    assert (made.state, made.zones, made.based_on, made.weighed_on) == (
        ProposalState.DRAFT,
        ["hot"],
        2,
        NIGHT,
    )
    page = jonas.get(answer.location).text
    assert "Swim trunks in the hot zone: on the floor until 31 August" in page
    assert "+$407" in page
    assert "Phoenix North" in page


def test_a_proposal_is_approved_into_the_calendar(jonas: FlaskClient, trade: World) -> None:
    propose(jonas)
    answer = send(jonas, "/calendar/proposals/1/approve", reason="agreed")
    assert answer.status_code == 303

    page = jonas.get(answer.location).text
    assert "Approved" in page
    assert "agreed" in page
    version = jonas.get("/calendar/versions/3").text
    assert "The hot zone: leaves the floor 31 August instead of 5 July" in version
    assert "30% off from 27 July instead of 30% off from 29 June" in version
    assert "/calendar/proposals/1" in version


def test_what_changed_meanwhile_is_said_and_weighed_again(jonas: FlaskClient, trade: World) -> None:
    propose(jonas)
    propose(jonas, exit="2026-08-02")
    send(jonas, "/calendar/proposals/2/approve")
    answer = send(jonas, "/calendar/proposals/1/approve")

    assert answer.status_code == 409
    assert "These figures are stale" in answer.text
    assert "leaves the floor 2 August instead of 5 July" in answer.text
    assert "Approve: the calendar" not in answer.text
    assert send(jonas, "/calendar/proposals/1/weigh").status_code == 303
    assert "stale" not in jonas.get("/calendar/proposals/1").text


def test_a_draft_is_changed_and_put_forward_by_its_author(
    jonas: FlaskClient, trade: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    propose(jonas, then="draft")
    form = jonas.get("/calendar/proposals/1/edit").text
    assert 'value="2026-08-31"' in form

    token = form_token(form)
    answer = jonas.post(
        "/calendar/proposals/1/edit",
        data={"csrf_token": token, "zone": "hot", "season_code": "SS26", "floor_set": "2026-02-16",
              "exit": "2026-08-02", "reason": "a month is enough", "own_dates": "set"},
    )  # fmt: skip
    assert answer.status_code == 303
    [made] = proposals(trade.database)
    assert (made.plan["exit"], made.plan["markdowns"], made.reason) == ("2026-08-02", [], "a month is enough")
    assert send(jonas, "/calendar/proposals/1/forward").status_code == 303
    assert jonas.get("/calendar/proposals/1/edit").status_code == 409


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"exit": "soon"}, "Choose a day for the exit"),
        ({"exit": "2026-01-01"}, "before the floor-set"),
        ({"percent_off_1": "130"}, "between 1 and 99"),
        ({"markdown_day_1": ""}, "has a percent off and no day"),
        ({"reason": "  "}, "Say why"),
        ({"exit": "2026-06-12", "markdown_day_1": "", "percent_off_1": ""}, "past on 13 June"),
        ({"markdown_day_1": "2026-06-16"}, "price file is closed"),
        ({"rails": "2"}, "Below is the same plan for all of them"),
        ({"exit": "2026-07-05", "markdown_day_1": "2026-06-29"}, "today&#39;s dates"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(
    jonas: FlaskClient, trade: World, changes: dict[str, str], told: str
) -> None:
    answer = propose(jonas, **changes)

    assert answer.status_code == 400
    assert told in answer.text
    assert "Propose dates" in answer.text
    for name, value in changes.items():
        if name not in ("reason", "rails") and value:
            assert f'value="{value}"' in answer.text, name
    assert proposals(trade.database) == []


def test_where_nothing_can_be_weighed_that_is_said(jonas: FlaskClient, boards: Boards) -> None:
    boards.trouble = "No night has run yet, so there is no forecast to plan on."

    assert "No night has run yet" in propose(jonas).text
    assert "No night has run yet" in jonas.get("/calendar/proposals/new?category=Swim+trunks").text


def test_proposals_stand_side_by_side_beside_today(jonas: FlaskClient) -> None:
    for leaves in ("2026-08-31", "2026-08-02", "2026-07-19"):
        propose(jonas, exit=leaves, markdown_day_1="", percent_off_1="")
    page = jonas.get("/calendar/proposals/compare?ids=3,1,2").text

    assert "3 proposals beside today" in page
    assert page.index("Proposal 3") < page.index("Proposal 1") < page.index("Proposal 2")
    assert "31 August 2026" in page
    assert jonas.get("/calendar/proposals/compare").status_code == 303
    assert jonas.get("/calendar/proposals/compare?ids=1,x,99999999999").status_code == 200
    assert jonas.get("/calendar/proposals/compare?ids=1,77").status_code == 404


def test_proposals_of_different_zones_are_not_compared(jonas: FlaskClient) -> None:
    propose(jonas)
    propose(jonas, zone="")
    answer = jonas.get("/calendar/proposals/compare?ids=1,2")

    assert answer.status_code == 400
    assert "different zones" in answer.text


def test_figures_of_several_zones_are_added_up(jonas: FlaskClient, trade: World, boards: Boards) -> None:
    propose(jonas, zone=["hot", "cool"])
    [made] = proposals(trade.database)

    assert made.figures["plan"]["units"] == pytest.approx(2 * (100 + 10 * 57 / 7), abs=0.01)
    assert made.figures["plan"]["rate_of_sale"] is None
    assert made.figures["stores"] == 4
    assert set(made.today) == {"hot", "cool"}


def test_refused_and_taken_back_leave_their_reasons(jonas: FlaskClient) -> None:
    propose(jonas)
    assert send(jonas, "/calendar/proposals/1/refuse", reason="").status_code == 400
    send(jonas, "/calendar/proposals/1/refuse", reason="the rails are needed")
    propose(jonas)
    send(jonas, "/calendar/proposals/2/withdraw", reason="not yet")

    assert "the rails are needed" in jonas.get("/calendar/proposals/1").text
    assert "not yet" in jonas.get("/calendar/proposals/2").text
    assert send(jonas, "/calendar/proposals/2/approve").status_code == 409


def test_what_waits_is_told_at_the_top(jonas: FlaskClient) -> None:
    propose(jonas)

    assert "1 proposal waits for a decision" in jonas.get("/calendar").text
    assert "They swim until September" in jonas.get("/calendar/proposals?state=proposed").text
    assert "They swim until September" not in jonas.get("/calendar/proposals?state=draft").text


# Changes of the forecast


def test_a_change_is_looked_at_before_it_is_made(
    jonas: FlaskClient, trade: World, settings: Settings
) -> None:
    FactsStore(settings.facts_uri, trade.database).prepare()
    page = send(jonas, "/calendar/overrides", **override_form(preview="1"))

    assert page.status_code == 200
    assert "says nothing of this in these weeks" in page.text
    assert 'value="2026-07-05"' in page.text
    with trade.database.read() as records:
        assert records.scalars(select(ForecastOverride)).all() == []


def test_a_change_is_made_and_taken_back(jonas: FlaskClient) -> None:
    assert send(jonas, "/calendar/overrides", **override_form()).status_code == 303
    page = jonas.get("/calendar/overrides").text
    assert "Swim trunks, the hot zone: 20% more" in page
    assert "5 July to 25 July" in page
    assert "The beach festival" in page

    assert send(jonas, "/calendar/overrides/1/withdraw", reason="called off").status_code == 303
    assert "Nobody has changed the forecast" in jonas.get("/calendar/overrides").text
    assert "called off" in jonas.get("/calendar/overrides?show=withdrawn").text
    assert send(jonas, "/calendar/overrides/1/withdraw").status_code == 409


def test_less_and_pieces_a_week_can_be_said_too(jonas: FlaskClient, trade: World) -> None:
    send(jonas, "/calendar/overrides", **override_form(says="less", percent="25%"))
    send(jonas, "/calendar/overrides", **override_form(says="units", percent="", units="1,200"))

    with trade.database.read() as records:
        made = records.scalars(select(ForecastOverride).order_by(ForecastOverride.override_id)).all()
    assert [(row.measure, row.amount) for row in made] == [(Measure.FACTOR, 0.75), (Measure.UNITS, 1200.0)]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"percent": ""}, "Say by how many percent"),
        ({"percent": "nan"}, "Say by how many percent"),
        ({"says": "units"}, "Say how many pieces a week"),
        ({"first": "2026-13-01"}, "Choose the first day"),
        ({"last": "2030-07-01"}, "more than two years away"),
        ({"first": "2026-04-01", "last": "2026-05-01"}, "past"),
        ({"reason": " "}, "Say why"),
        ({"percent": "900"}, "400% more"),
        ({"store_id": "SEA1", "style_id": "X"}, "There is no style"),
    ],
)
def test_what_is_wrong_with_a_change_is_said(jonas: FlaskClient, changes: dict[str, str], told: str) -> None:
    answer = send(jonas, "/calendar/overrides", **override_form(**changes))

    assert answer.status_code == 400
    assert told in answer.text
    assert "The beach festival" in answer.text or "reason" in changes


def test_how_well_a_change_did_is_shown_beside_it(jonas: FlaskClient, trade: World) -> None:
    send(jonas, "/calendar/overrides", **override_form())
    with trade.database.write() as records:
        records.add(
            OverrideEffect(
                override_id=1,
                measured_on=NIGHT,
                passed=4,
                weeks=4,
                sold=100.0,
                foretold_with=112.0,
                foretold_without=69.0,
                error_with=0.12,
                error_without=0.31,
            )
        )

    page = jonas.get("/calendar/overrides").text
    assert "The last 4 weeks: with this change off by 12%, without it 31%. It helped." in page


# The feed


def address_of(client: FlaskClient, name: str = "Outlook") -> str:
    answer = send(client, "/calendar/addresses", name=name)
    assert answer.status_code == 201
    found = re.search(r'value="[^"]*(/calendar/feed/[^"]+\.ics)"', answer.text)
    assert found
    return found[1]


def test_a_calendar_program_reads_the_dates_without_a_log_in(jonas: FlaskClient, client: FlaskClient) -> None:
    answer = client.get(address_of(jonas))

    assert answer.status_code == 200
    assert answer.content_type == "text/calendar; charset=utf-8"
    events = CalendarFile.from_ical(answer.data).walk("VEVENT")
    assert {str(event["SUMMARY"]) for event in events} == {
        "Swim trunks: on the floor from today",
        "Swim trunks: marked down to 30% off",
        "Swim trunks: last day on the floor",
    }


def test_an_address_is_shown_once_and_kept_as_a_trace(jonas: FlaskClient, trade: World) -> None:
    token = address_of(jonas).removeprefix("/calendar/feed/").removesuffix(".ics")

    assert token not in jonas.get("/calendar/addresses").text
    with trade.database.read() as records:
        [kept] = records.scalars(select(CalendarAddress)).all()
    assert token not in vars(kept).values()
    assert len(token) >= 43


def test_the_program_is_told_when_nothing_is_new(jonas: FlaskClient, client: FlaskClient) -> None:
    address = address_of(jonas)
    first = client.get(address)
    assert first.headers["Cache-Control"] == "private, no-cache"
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")

    propose(jonas)
    send(jonas, "/calendar/proposals/1/approve")
    changed = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.headers["ETag"] != first.headers["ETag"]
    assert b"the hot zone" in changed.data


def test_categories_taken_away_are_gone_at_once(
    jonas: FlaskClient, client: FlaskClient, trade: World
) -> None:
    address = address_of(jonas)
    first = client.get(address)
    with trade.database.write() as records:
        person = records.scalars(select(Person).where(Person.email == MERCHANDISER)).one()
        person.categories = [PersonCategory(category="Snow boots")]
    since = {"If-Modified-Since": first.headers["Last-Modified"], "If-None-Match": first.headers["ETag"]}
    answer = client.get(address, headers=since)
    assert answer.status_code == 200
    assert b"Swim" not in answer.data
    assert client.get(address, headers={"If-Modified-Since": since["If-Modified-Since"]}).status_code == 200


@pytest.mark.parametrize("end", ["revoked", "closed", "store manager"])
def test_an_address_ends_with_its_person_and_by_revoking(
    jonas: FlaskClient, client: FlaskClient, trade: World, end: str
) -> None:
    address = address_of(jonas)
    assert client.get(address).status_code == 200
    if end == "revoked":
        assert send(jonas, "/calendar/addresses/1/revoke").status_code == 303
        assert "Revoked" in jonas.get("/calendar/addresses").text
    else:
        with trade.database.write() as records:
            person = records.scalars(select(Person).where(Person.email == MERCHANDISER)).one()
            person.is_active = person.is_active and end != "closed"
            person.role = Role.STORE_MANAGER if end == "store manager" else person.role
    assert client.get(address).status_code == 404


@pytest.mark.parametrize("token", ["x", "a" * 43, "ä" * 20, "a" * 500])
def test_a_secret_that_nobody_has_opens_nothing(client: FlaskClient, trade: World, token: str) -> None:
    assert client.get(f"/calendar/feed/{quote(token)}.ics").status_code == 404


def test_an_address_is_revoked_by_its_own_person_only(
    jonas: FlaskClient, trade: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    address_of(jonas)

    assert "Outlook" not in logged_in(ADMIN).get("/calendar/addresses").text.split("A new address for")[0]
    assert send(logged_in(ADMIN), "/calendar/addresses/1/revoke").status_code == 404


def test_an_address_needs_a_name_and_there_are_not_too_many(jonas: FlaskClient) -> None:
    assert "Give the address a name" in send(jonas, "/calendar/addresses", name=" ").text
    for number in range(10):
        address_of(jonas, f"program {number}")
    answer = send(jonas, "/calendar/addresses", name="one more")
    assert answer.status_code == 400
    assert "10 addresses already" in answer.text


def test_when_it_was_last_read_is_noted_once_an_hour(
    jonas: FlaskClient, client: FlaskClient, trade: World
) -> None:
    address = address_of(jonas)
    client.get(address)
    with trade.database.read() as records:
        first = records.scalars(select(CalendarAddress.last_used_at)).one()
    client.get(address)
    with trade.database.read() as records:
        assert records.scalars(select(CalendarAddress.last_used_at)).one() == first
    assert first is not None
    assert datetime.now(UTC) - first < timedelta(minutes=1)


# Speed


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/calendar", 14),
        ("/calendar/in-force", 14),
        ("/calendar/versions/2", 18),
        ("/calendar/proposals", 10),
        ("/calendar/proposals/1", 14),
        ("/calendar/proposals/compare?ids=1,2", 10),
        ("/calendar/overrides", 12),
        ("/calendar/overrides/new?category=Swim+trunks", 14),
        ("/calendar/addresses", 10),
    ],
)
def test_the_number_of_statements_is_bounded(jonas: FlaskClient, trade: World, path: str, most: int) -> None:
    for _ in range(3):
        propose(jonas)
        send(jonas, "/calendar/overrides", **override_form())
    with counted(trade.database) as statements:
        assert jonas.get(path).status_code == 200
    assert len(statements) <= most, "\n".join(statements)


class counted:  # noqa: N801  # read as a word in a with statement
    """The statements that a block sends."""

    def __init__(self, database: Database) -> None:
        self.engine, self.statements = database.engine, []

    def __enter__(self) -> list[str]:
        event.listen(self.engine, "before_cursor_execute", self._note)
        return self.statements

    def __exit__(self, *_: object) -> None:
        event.remove(self.engine, "before_cursor_execute", self._note)

    def _note(self, _connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        self.statements.append(statement)
