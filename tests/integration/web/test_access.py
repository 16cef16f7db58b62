from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from data.records import Person
from tests.integration.web.house import House, build_house
from tests.integration.web.season_world import FakeBoards
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NEIGHBOUR, World, log_in, press
from web.access import API, PUBLIC

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database

# What each role gets from each page: Maya manages the store of the first alert, Noor another one, Jonas buys
# the category of the first alert, Ada administers. The mails are Maya's and Noor's.
EXPECTED = {
    #                                   Maya Noor Jonas Ada
    ("GET", "/"): (302, 302, 302, 302),
    ("GET", "/alerts"): (200, 200, 200, 200),
    ("GET", "/alerts/{own_alert}"): (200, 404, 200, 200),
    ("GET", "/alerts/{other_alert}"): (404, 200, 404, 200),
    ("GET", "/alerts/{own_alert}/chart.svg"): (200, 404, 200, 200),
    ("GET", "/alerts/{other_alert}/chart.svg"): (404, 200, 404, 200),
    ("GET", "/alerts/999999"): (404, 404, 404, 404),
    ("POST", "/alerts/{other_alert}/acknowledge"): (404, 303, 404, 409),
    ("POST", "/alerts/{own_alert}/acknowledge"): (303, 404, 409, 409),
    ("POST", "/alerts/{own_alert}/snooze"): (400, 400, 400, 400),
    ("POST", "/alerts/{own_alert}/dismiss"): (400, 400, 400, 400),
    ("POST", "/alerts/{own_alert}/undo"): (303, 404, 409, 409),
    ("POST", "/alerts/{own_alert}/reopen"): (409, 404, 409, 409),
    ("POST", "/alerts/acknowledge"): (303, 303, 303, 303),
    ("POST", "/alerts/snooze"): (400, 400, 400, 400),
    ("POST", "/alerts/undo"): (303, 303, 303, 303),
    ("GET", "/find"): (200, 200, 200, 200),
    ("GET", "/find?store=PHX1"): (200, 404, 200, 200),
    ("GET", "/find?store=SEA1"): (404, 200, 200, 200),
    ("GET", "/mails"): (200, 200, 200, 200),
    ("GET", "/mails/{own_mail}"): (200, 404, 404, 200),
    ("GET", "/mails/{other_mail}"): (404, 200, 404, 200),
    ("GET", "/mails/{own_mail}/body"): (200, 404, 404, 200),
    ("GET", "/mails/{other_mail}/body"): (404, 200, 404, 200),
    ("GET", "/mails/given-up"): (403, 403, 403, 200),
    ("POST", "/mails/given-up/again"): (403, 403, 403, 303),
    ("POST", "/mails/{own_mail}/again"): (403, 403, 403, 409),
    ("GET", "/mails/choices"): (200, 200, 200, 200),
    # Without a choice in it, a form that chooses is none.
    ("POST", "/mails/choices"): (400, 400, 400, 400),
    ("GET", "/mails/choices/1"): (403, 403, 403, 200),
    ("POST", "/mails/choices/1"): (403, 403, 403, 400),
    ("GET", "/mails/choices/999999"): (403, 403, 403, 404),
    ("GET", "/ask"): (200, 200, 200, 200),
    # A form that says nothing asks for nothing.
    ("POST", "/ask"): (400, 400, 400, 400),
    ("GET", "/ask/{own_request}"): (200, 404, 200, 200),
    ("GET", "/ask/{other_request}"): (404, 200, 404, 200),
    ("POST", "/ask/{own_request}/outcome"): (400, 404, 400, 400),
    ("POST", "/ask/{own_request}/contact"): (400, 404, 400, 400),
    ("POST", "/ask/{own_request}/forget"): (303, 404, 303, 303),
    ("POST", "/ask/{own_request}/undo"): (303, 404, 303, 303),
    ("GET", "/decisions"): (200, 200, 200, 200),
    # Here Noor has nothing to do with Maya's transfer; `test_decisions` walks who gives, takes and decides.
    ("GET", "/decisions/{own_decision}"): (200, 404, 200, 200),
    ("GET", "/decisions/{other_decision}"): (404, 200, 404, 200),
    ("GET", "/decisions/999999"): (404, 404, 404, 404),
    ("GET", "/decisions/{own_order}/order.csv"): (403, 404, 200, 200),
    ("GET", "/consignments/{own_part}/pick-list"): (200, 404, 200, 200),
    ("GET", "/consignments/{other_part}/pick-list"): (404, 200, 404, 200),
    ("GET", "/consignments/{own_part}/pick-list.csv"): (200, 404, 200, 200),
    ("GET", "/consignments/{other_part}/pick-list.csv"): (404, 200, 404, 200),
    ("GET", "/alerts/{acted_alert}/act/3"): (200, 404, 200, 200),
    ("GET", "/alerts/{other_acted}/act/2"): (404, 200, 404, 200),
    # Without the night that made the offer, nobody says what they have seen.
    ("POST", "/alerts/{acted_alert}/act/3"): (409, 404, 409, 409),
    ("POST", "/alerts/{other_acted}/act/2"): (404, 409, 404, 409),
    ("POST", "/consignments/{own_part}/accept"): (403, 404, 403, 409),
    ("POST", "/consignments/{other_part}/accept"): (404, 403, 404, 409),
    ("POST", "/consignments/{own_part}/decline"): (400, 404, 400, 400),
    ("POST", "/consignments/{other_part}/decline"): (404, 400, 404, 400),
    ("POST", "/consignments/{own_part}/ship"): (403, 404, 403, 409),
    ("POST", "/consignments/{other_part}/ship"): (404, 403, 404, 409),
    ("POST", "/consignments/{own_part}/receive"): (409, 404, 403, 409),
    ("POST", "/consignments/{other_part}/receive"): (404, 409, 404, 409),
    ("POST", "/decisions/{own_decision}/refuse"): (403, 404, 400, 400),
    ("POST", "/decisions/{other_decision}/refuse"): (404, 403, 404, 400),
    ("POST", "/decisions/{own_decision}/approve"): (403, 404, 303, 409),
    ("POST", "/decisions/{other_decision}/approve"): (404, 403, 404, 303),
    ("POST", "/decisions/{own_decision}/undo"): (409, 404, 303, 409),
    ("POST", "/decisions/{other_decision}/undo"): (404, 409, 404, 303),
    ("POST", "/decisions/{own_decision}/withdraw"): (303, 404, 409, 409),
    ("POST", "/decisions/{other_decision}/withdraw"): (404, 303, 404, 409),
    ("GET", "/season"): (403, 403, 200, 200),
    ("GET", "/season/Swim trunks"): (403, 403, 200, 200),
    ("GET", "/season/Snow boots"): (403, 403, 404, 200),
    ("GET", "/season/weigh/Swim trunks"): (403, 403, 200, 200),
    ("GET", "/season/weigh/Snow boots"): (403, 403, 404, 200),
    ("GET", "/season/chart/Swim trunks"): (403, 403, 200, 200),
    ("GET", "/season/chart/Snow boots"): (403, 403, 404, 200),
    ("GET", "/calendar"): (403, 403, 200, 200),
    ("GET", "/calendar/in-force"): (403, 403, 200, 200),
    ("GET", "/calendar/calendar.csv"): (403, 403, 200, 200),
    ("GET", "/calendar/markdowns.csv"): (403, 403, 200, 200),
    ("GET", "/calendar/versions/{version}"): (403, 403, 200, 200),
    ("GET", "/calendar/versions/{version}/roll-back"): (403, 403, 200, 200),
    ("GET", "/calendar/versions/{version}/roll-back?category=Snow boots"): (403, 403, 404, 200),
    ("POST", "/calendar/versions/{version}/roll-back"): (403, 403, 400, 400),
    ("GET", "/calendar/proposals"): (403, 403, 200, 200),
    ("GET", "/calendar/proposals/new"): (403, 403, 200, 200),
    ("GET", "/calendar/proposals/new?category=Snow boots"): (403, 403, 404, 200),
    ("POST", "/calendar/proposals"): (403, 403, 404, 400),
    ("GET", "/calendar/proposals/compare?ids={own_proposal}"): (403, 403, 200, 200),
    ("GET", "/calendar/proposals/compare?ids={other_proposal}"): (403, 403, 404, 200),
    ("GET", "/calendar/proposals/{own_proposal}"): (403, 403, 200, 200),
    ("GET", "/calendar/proposals/{other_proposal}"): (403, 403, 404, 200),
    ("GET", "/calendar/proposals/{own_draft}/edit"): (403, 403, 200, 200),
    ("GET", "/calendar/proposals/{other_proposal}/edit"): (403, 403, 404, 409),
    ("POST", "/calendar/proposals/{own_draft}/edit"): (403, 403, 400, 400),
    ("POST", "/calendar/proposals/{other_proposal}/edit"): (403, 403, 404, 409),
    ("POST", "/calendar/proposals/{own_proposal}/refuse"): (403, 403, 400, 400),
    ("POST", "/calendar/proposals/{other_proposal}/refuse"): (403, 403, 404, 400),
    ("POST", "/calendar/proposals/{own_draft}/weigh"): (403, 403, 303, 303),
    ("POST", "/calendar/proposals/{other_proposal}/weigh"): (403, 403, 404, 303),
    ("POST", "/calendar/proposals/{own_draft}/forward"): (403, 403, 303, 409),
    ("POST", "/calendar/proposals/{other_proposal}/forward"): (403, 403, 404, 409),
    ("POST", "/calendar/proposals/{own_proposal}/approve"): (403, 403, 303, 409),
    ("POST", "/calendar/proposals/{other_proposal}/approve"): (403, 403, 404, 303),
    ("POST", "/calendar/proposals/{own_proposal}/withdraw"): (403, 403, 409, 409),
    ("POST", "/calendar/proposals/{other_proposal}/withdraw"): (403, 403, 404, 409),
    ("GET", "/calendar/overrides"): (403, 403, 200, 200),
    ("GET", "/calendar/overrides/new"): (403, 403, 200, 200),
    ("GET", "/calendar/overrides/new?category=Snow boots"): (403, 403, 404, 200),
    ("POST", "/calendar/overrides"): (403, 403, 400, 400),
    ("POST", "/calendar/overrides/{own_override}/withdraw"): (403, 403, 303, 409),
    ("POST", "/calendar/overrides/{other_override}/withdraw"): (403, 403, 404, 303),
    ("GET", "/calendar/addresses"): (403, 403, 200, 200),
    ("POST", "/calendar/addresses"): (403, 403, 400, 400),
    ("POST", "/calendar/addresses/{own_address}/revoke"): (403, 403, 303, 404),
    ("POST", "/calendar/addresses/{other_address}/revoke"): (403, 403, 404, 303),
    ("GET", "/feeds"): (403, 403, 200, 200),
    ("GET", "/feeds/calendar"): (403, 403, 200, 200),
    ("GET", "/feeds/nothing"): (403, 403, 404, 404),
    ("GET", "/feeds/calendar/example"): (403, 403, 200, 200),
    ("POST", "/feeds/calendar/upload"): (403, 403, 422, 422),
    ("POST", "/feeds/sales/upload"): (403, 403, 403, 422),
    ("GET", "/feeds/uploads/{own_upload}"): (403, 403, 200, 200),
    ("GET", "/feeds/uploads/{other_upload}"): (403, 403, 404, 200),
    ("GET", "/feeds/uploads/{own_upload}/rejects"): (403, 403, 200, 200),
    ("GET", "/feeds/uploads/{other_upload}/rejects"): (403, 403, 404, 200),
    ("POST", "/feeds/uploads/{own_upload}/check"): (403, 403, 303, 303),
    ("POST", "/feeds/uploads/{other_upload}/check"): (403, 403, 404, 303),
    ("POST", "/feeds/uploads/{own_upload}/throw-away"): (403, 403, 303, 409),
    ("POST", "/feeds/uploads/{other_upload}/load"): (403, 403, 404, 303),
    ("POST", "/feeds/uploads/{own_upload}/load"): (403, 403, 409, 409),
    ("POST", "/feeds/uploads/{other_upload}/throw-away"): (403, 403, 404, 409),
    ("GET", "/runs"): (403, 403, 200, 200),
    ("GET", "/runs/{night}"): (403, 403, 200, 200),
    ("GET", "/runs/999999"): (403, 403, 404, 404),
    ("GET", "/runs/now"): (403, 403, 200, 200),
    ("GET", "/runs/{night}/progress"): (403, 403, 200, 200),
    ("GET", "/runs/{night}/rejects"): (403, 403, 404, 404),
    ("GET", "/runs/{own_import}/rejects"): (403, 403, 200, 200),
    ("GET", "/runs/{other_import}/rejects"): (403, 403, 404, 200),
    ("POST", "/runs/again"): (403, 403, 400, 400),
    ("POST", "/runs/requests/{run_request}/withdraw"): (403, 403, 403, 303),
    ("POST", "/runs/requests/999999/withdraw"): (403, 403, 404, 404),
    ("GET", "/tokens"): (200, 200, 200, 200),
    # Without a name, or anything that it may do, there is no token.
    ("POST", "/tokens"): (422, 422, 422, 422),
    ("POST", "/tokens/{own_token}/revoke"): (303, 404, 404, 303),
    ("POST", "/tokens/{other_token}/revoke"): (404, 303, 404, 303),
    ("GET", "/outcomes"): (200, 200, 200, 200),
    ("GET", "/outcomes/alerts"): (200, 200, 200, 200),
    ("GET", "/outcomes/missed"): (200, 200, 200, 200),
    ("GET", "/outcomes/buy-notes"): (403, 403, 200, 200),
    ("GET", "/outcomes/backtest"): (200, 200, 200, 200),
    ("GET", "/outcomes/backtest?run={backtest}"): (200, 200, 200, 200),
    ("GET", "/account"): (200, 200, 200, 200),
    ("POST", "/account/name"): (303, 303, 303, 303),
    ("POST", "/account/password"): (400, 400, 400, 400),
    ("POST", "/account/sessions/end"): (303, 303, 303, 303),
    ("GET", "/people"): (403, 403, 403, 200),
    ("GET", "/people/new"): (403, 403, 403, 200),
    ("POST", "/people/new"): (403, 403, 403, 400),
    ("GET", "/people/1"): (403, 403, 403, 200),
    ("POST", "/people/1"): (403, 403, 403, 409),
    ("POST", "/people/1/link"): (403, 403, 403, 200),
    ("POST", "/people/1/close"): (403, 403, 403, 400),
    ("POST", "/people/1/open"): (403, 403, 403, 400),
    ("GET", "/people/999999"): (403, 403, 403, 404),
    ("POST", "/people/999999"): (403, 403, 403, 404),
    ("POST", "/people/999999/link"): (403, 403, 403, 404),
    ("POST", "/people/999999/close"): (403, 403, 403, 404),
    ("GET", "/policies"): (403, 403, 200, 200),
    ("GET", "/policies?category=Snow boots"): (403, 403, 404, 200),
    ("GET", "/policies/edit"): (403, 403, 403, 200),
    ("POST", "/policies/edit"): (403, 403, 403, 400),
    ("POST", "/policies/revert"): (403, 403, 403, 400),
    ("GET", "/login"): (302, 302, 302, 302),
    ("GET", "/no-such-page"): (404, 404, 404, 404),
    ("POST", "/logout"): (303, 303, 303, 303),
}
PEOPLE = (MANAGER, NEIGHBOUR, MERCHANDISER, ADMIN)


@pytest.fixture
def house(world: World, app: Flask) -> House:
    """Something of every kind, some of it Maya's or Jonas's, some of it others'."""
    app.extensions["inseason"].__dict__["boards"] = FakeBoards()
    return build_house(world, app.extensions["inseason"].settings)


def status(browser: FlaskClient, method: str, path: str) -> int:
    """What somebody is answered who opens a page, or presses a button."""
    with closing(browser.get(path) if method == "GET" else press(browser, path)) as answer:
        return answer.status_code


def test_every_role_gets_from_every_page_what_it_may(
    house: House, logged_in: Callable[[str], FlaskClient]
) -> None:
    browsers = [logged_in(email) for email in PEOPLE]
    found = {
        (method, pattern): tuple(status(browser, method, house.path(pattern)) for browser in browsers)
        for method, pattern in EXPECTED
    }
    assert found == EXPECTED


def test_without_a_log_in_every_page_leads_to_the_door(house: House, client: FlaskClient) -> None:
    for method, pattern in EXPECTED:
        if (method, pattern) == ("GET", "/login"):
            continue
        answer = client.open(house.path(pattern), method=method)
        refused = answer.status_code in (302, 303) and answer.location.startswith("/login")
        # A form without a token is refused before anybody asks who sent it.
        assert refused or (method == "POST" and answer.status_code == 400), pattern


def test_the_walk_leaves_no_page_out(app: Flask, house: House) -> None:
    walked = set()
    adapter = app.url_map.bind("")
    for method, pattern in EXPECTED:
        if pattern != "/no-such-page":
            walked.add((adapter.match(house.path(pattern).partition("?")[0], method=method)[0], method))
    served = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        # What programs ask for is walked in `api/test_permissions.py`.
        if rule.endpoint not in PUBLIC and not rule.rule.startswith(API)
    }
    assert served <= walked


# What no file may name that the person downloads. Find is there to name other stores, so it stands apart.
FOREIGN = {
    MANAGER: ("SEA1", "Seattle South", NEIGHBOUR),
    NEIGHBOUR: ("PHX1", "Phoenix North", MANAGER),
    MERCHANDISER: ("Snow boots", "Ridge Boot"),
}
EXPORTED = {
    "alerts.index",
    "calendar.index",
    "calendar.overrides",
    "calendar.proposals",
    "calendar.windows_file",
    "calendar.steps_file",
    "decisions.index",
    "decisions.order_file",
    "decisions.picking_file",
    "feeds.example",
    "feeds.rejects",
    "outcomes.backtest",
    "outcomes.buy_notes",
    "outcomes.index",
    "outcomes.judged",
    "outcomes.missed",
    "people.index",
    "runs.index",
    "runs.rejects",
    "season.index",
    "tokens.index",
}


def files_of(app: Flask, browser: FlaskClient, house: House, place: int) -> dict[str, str]:
    """Every file that a person may download, by endpoint and address."""
    adapter, found = app.url_map.bind(""), {}
    for (method, pattern), answers in EXPECTED.items():
        if method == "POST" or answers[place] != 200 or pattern.startswith("/find"):
            continue
        path = house.path(pattern)
        with closing(browser.get(f"{path}{'&' if '?' in path else '?'}as=csv")) as answer:
            if answer.mimetype == "text/csv":
                found[f"{adapter.match(path.partition('?')[0])[0]} {path}"] = answer.text
    return found


def test_no_file_holds_a_row_of_somebody_else(
    house: House, app: Flask, logged_in: Callable[[str], FlaskClient]
) -> None:
    for email, foreign in FOREIGN.items():
        files = files_of(app, logged_in(email), house, PEOPLE.index(email))
        assert len(files) > 6, email
        told = [(place, name) for place, text in files.items() for name in foreign if name in text]
        assert told == [], email


def test_the_files_of_the_admin_hold_the_rows_of_all(
    house: House, app: Flask, logged_in: Callable[[str], FlaskClient]
) -> None:
    files = files_of(app, logged_in(ADMIN), house, PEOPLE.index(ADMIN))
    assert {place.partition(" ")[0] for place in files} == EXPORTED
    everything = "".join(files.values())
    assert [name for names in FOREIGN.values() for name in names if name not in everything] == []


def test_a_list_shows_only_what_its_reader_may_see(logged_in: Callable[[str], FlaskClient]) -> None:
    seen = {}
    for email in PEOPLE:
        page = logged_in(email).get("/alerts").text
        seen[email] = ("Swim trunks</strong> will leave" in page, "Ridge Boot</strong> will sell" in page)
    assert seen == {
        MANAGER: (True, False),
        NEIGHBOUR: (False, True),
        MERCHANDISER: (True, False),
        ADMIN: (True, True),
    }


def test_a_filter_never_widens_the_view(logged_in: Callable[[str], FlaskClient]) -> None:
    page = logged_in(MANAGER).get("/alerts?store=SEA1&category=Snow+boots").text
    assert "Ridge Boot" not in page
    assert "Nothing matches" in page


def test_everybody_sees_the_own_mails_and_the_admin_all(logged_in: Callable[[str], FlaskClient]) -> None:
    for email, names in (
        (MANAGER, {"Maya Ortiz"}),
        (ADMIN, {"Maya Ortiz", "Noor Haddad"}),
        (MERCHANDISER, set()),
    ):
        page = logged_in(email).get("/mails").text
        assert {name for name in ("Maya Ortiz", "Noor Haddad") if f"risk for {name}" in page} == names


@pytest.mark.parametrize("change", ["deactivated", "new password"])
def test_a_session_ends_when_the_account_changes(
    change: str, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MANAGER)
    with database.write() as records:
        person = records.get(Person, 1)
        assert person
        assert person.email == MANAGER
        if change == "deactivated":
            person.is_active = False
        else:
            person.set_password("another long password")
    assert browser.get("/alerts").location.startswith("/login")


def test_a_deactivated_person_cannot_log_in(database: Database, client: FlaskClient) -> None:
    with database.write() as records:
        person = records.get(Person, 1)
        assert person
        person.is_active = False
    answer = log_in(client, MANAGER)
    assert answer.status_code == 401
    assert "do not match an open account" in answer.text
