from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import func, select

from data.records import LoginAttempt
from tests.integration.web.world import MANAGER, NEIGHBOUR, PASSWORD, form_token, log_in
from web.auth import MOST_PER_ADDRESS, MOST_PER_EMAIL, WINDOW, safe_path

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database


@pytest.fixture(autouse=True)
def quick_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wrong passwords are refused without the slow hash, which the tests of people look at."""
    monkeypatch.setattr("web.auth.spend_a_password_check", lambda _password: None)
    monkeypatch.setattr("data.records.people.Person.has_password", lambda _person, given: given == PASSWORD)


@pytest.mark.parametrize(
    "onward",
    [
        "https://evil.example/",
        "//evil.example/",
        "///evil.example/",
        "/\\evil.example",
        "\t//evil.example",
        "/\n/evil.example",
        "javascript:alert(1)",
        "evil.example",
        "http:evil",
        "http://[",
        "//[",
        "/\0",
        "",
    ],
)
def test_after_the_log_in_nobody_is_led_away(app: Flask, onward: str) -> None:
    with app.test_request_context():
        assert safe_path(onward) == "/alerts"


def test_after_the_log_in_the_page_asked_for_is_shown(client: FlaskClient) -> None:
    asked = client.get("/alerts?status=resolved&store=PHX1")
    assert asked.location == "/login?next=/alerts?status%3Dresolved%26store%3DPHX1"
    page = client.get(asked.location)
    form = {"email": MANAGER, "password": PASSWORD, "csrf_token": form_token(page.text)}
    assert client.post(asked.location, data=form).location == "/alerts?status=resolved&store=PHX1"


def test_the_log_in_itself_follows_no_foreign_address(client: FlaskClient) -> None:
    assert log_in(client, MANAGER, onward="https%3A%2F%2Fevil.example").location == "/alerts"


@pytest.mark.parametrize("onward", ["http://[", "//[", "/[", "/http://["])
def test_a_broken_address_does_not_break_the_log_in(client: FlaskClient, onward: str) -> None:
    assert client.get("/login", query_string={"next": onward}).status_code == 200
    assert log_in(client, MANAGER, onward=onward).status_code == 303
    assert client.get("/login", query_string={"next": onward}).status_code == 302


def test_a_nul_in_the_form_is_refused(client: FlaskClient) -> None:
    assert log_in(client, "maya\0@example.com").status_code == 400


def test_an_unknown_account_and_a_wrong_password_get_the_same_answer(client: FlaskClient) -> None:
    wrong = log_in(client, MANAGER, "not the password")
    unknown = log_in(client, "nobody@example.com", "not the password")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.text.replace(MANAGER, "") != ""
    strip = [
        answer.text.replace(form_token(answer.text), "").replace(email, "")
        for answer, email in ((wrong, MANAGER), (unknown, "nobody@example.com"))
    ]
    assert strip[0] == strip[1]


def test_an_unknown_account_costs_a_password_check(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    spent: list[str] = []
    monkeypatch.setattr("web.auth.spend_a_password_check", spent.append)
    log_in(client, "nobody@example.com", "a guess")
    assert spent == ["a guess"]


def test_the_email_is_read_without_regard_to_case(client: FlaskClient) -> None:
    assert log_in(client, f" {MANAGER.upper()} ").status_code == 303


def test_an_account_is_closed_for_a_while_after_many_failures(client: FlaskClient) -> None:
    with time_machine.travel("2026-06-14 10:00Z", tick=False) as clock:
        for _ in range(MOST_PER_EMAIL):
            assert log_in(client, MANAGER, "a guess").status_code == 401
        refused = log_in(client, MANAGER, PASSWORD)
        assert refused.status_code == 429
        assert "Wait 15 minutes" in refused.text
        assert log_in(client, NEIGHBOUR).status_code == 303
        clock.shift(WINDOW + timedelta(seconds=1))
        client.delete_cookie("inseason")
        assert log_in(client, MANAGER, PASSWORD).status_code == 303


def test_an_unknown_account_is_slowed_down_just_the_same(client: FlaskClient) -> None:
    codes = [log_in(client, "nobody@example.com", "a guess").status_code for _ in range(MOST_PER_EMAIL + 1)]
    assert codes == [401] * MOST_PER_EMAIL + [429]


def test_an_address_is_slowed_down_whatever_accounts_it_tries(client: FlaskClient) -> None:
    codes = [log_in(client, f"n{n}@example.com", "a guess").status_code for n in range(MOST_PER_ADDRESS + 1)]
    assert codes == [401] * MOST_PER_ADDRESS + [429]


def test_a_log_in_that_works_clears_the_failures_before_it(client: FlaskClient, database: Database) -> None:
    for _ in range(3):
        log_in(client, MANAGER, "a guess")
    assert log_in(client, MANAGER).status_code == 303
    with database.read() as records:
        left = records.execute(
            select(LoginAttempt.subject, func.count()).group_by(LoginAttempt.subject)
        ).all()
    assert [tuple(row) for row in left] == [("address:127.0.0.1", 3)]


def test_a_log_in_starts_a_new_session(client: FlaskClient) -> None:
    before = form_token(client.get("/login").text)
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
    log_in(client, MANAGER)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.permanent
    assert form_token(client.get("/alerts").text) != before


def test_logging_out_ends_the_session(client: FlaskClient) -> None:
    log_in(client, MANAGER)
    client.post("/logout", data={"csrf_token": form_token(client.get("/alerts").text)})
    assert client.get("/alerts").status_code == 302


def test_logging_out_needs_a_post(client: FlaskClient) -> None:
    log_in(client, MANAGER)
    assert client.get("/logout").status_code == 405
    assert client.get("/alerts").status_code == 200


def test_overlong_fields_are_refused_before_they_cost_anything(client: FlaskClient) -> None:
    assert log_in(client, "a" * 300).status_code == 400
    assert log_in(client, MANAGER, "p" * 2000).status_code == 400
