from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.records import Person
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NEIGHBOUR, World, log_in, press
from web.access import PUBLIC

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
    # There are none here; `test_decisions` walks those that there are.
    ("GET", "/decisions/999999"): (404, 404, 404, 404),
    ("GET", "/decisions/999999/order.csv"): (404, 404, 404, 404),
    ("GET", "/consignments/999999/pick-list"): (404, 404, 404, 404),
    ("GET", "/consignments/999999/pick-list.csv"): (404, 404, 404, 404),
    ("GET", "/alerts/{own_alert}/act/1"): (303, 404, 303, 303),
    ("POST", "/alerts/{own_alert}/act/1"): (409, 404, 409, 409),
    ("POST", "/decisions/999999/approve"): (404, 404, 404, 404),
    ("POST", "/decisions/999999/refuse"): (404, 404, 404, 404),
    ("POST", "/decisions/999999/withdraw"): (404, 404, 404, 404),
    ("POST", "/decisions/999999/undo"): (404, 404, 404, 404),
    ("POST", "/consignments/999999/accept"): (404, 404, 404, 404),
    ("POST", "/consignments/999999/decline"): (404, 404, 404, 404),
    ("POST", "/consignments/999999/ship"): (404, 404, 404, 404),
    ("POST", "/consignments/999999/receive"): (404, 404, 404, 404),
    ("GET", "/runs"): (403, 403, 200, 200),
    ("GET", "/runs/{night}"): (403, 403, 200, 200),
    ("GET", "/runs/999999"): (403, 403, 404, 404),
    ("GET", "/login"): (302, 302, 302, 302),
    ("GET", "/no-such-page"): (404, 404, 404, 404),
    ("POST", "/logout"): (303, 303, 303, 303),
}
PEOPLE = (MANAGER, NEIGHBOUR, MERCHANDISER, ADMIN)


def path_of(pattern: str, world: World) -> str:
    return pattern.format(**{name: value for name, value in vars(world).items() if name != "database"})


def test_every_role_gets_from_every_page_what_it_may(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browsers = [logged_in(email) for email in PEOPLE]
    found = {}
    for method, pattern in EXPECTED:
        path = path_of(pattern, world)
        send = (
            (lambda browser, path=path: browser.get(path))
            if method == "GET"
            else (lambda b, p=path: press(b, p))
        )
        found[(method, pattern)] = tuple(send(browser).status_code for browser in browsers)
    assert found == EXPECTED


def test_without_a_log_in_every_page_leads_to_the_door(world: World, client: FlaskClient) -> None:
    for method, pattern in EXPECTED:
        if (method, pattern) == ("GET", "/login"):
            continue
        answer = client.open(path_of(pattern, world), method=method)
        refused = answer.status_code in (302, 303) and answer.location.startswith("/login")
        # A form without a token is refused before anybody asks who sent it.
        assert refused or (method == "POST" and answer.status_code == 400), pattern


def test_the_walk_leaves_no_page_out(app: Flask, world: World) -> None:
    walked = set()
    adapter = app.url_map.bind("")
    for method, pattern in EXPECTED:
        if pattern != "/no-such-page":
            walked.add((adapter.match(path_of(pattern, world), method=method)[0], method))
    served = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.endpoint not in PUBLIC
    }
    assert served <= walked


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
