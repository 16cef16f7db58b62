from __future__ import annotations

import threading
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
import time_machine
from sqlalchemy import func, select, update

from data.records import LoginAttempt, Person
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
    monkeypatch.setattr(
        "data.records.people.Person.has_password", lambda person, given: person.has_come and given == PASSWORD
    )


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
        assert safe_path(onward) == "/"


def test_after_the_log_in_the_page_asked_for_is_shown(client: FlaskClient) -> None:
    asked = client.get("/alerts?status=resolved&store=PHX1")
    assert asked.location == "/login?next=/alerts?status%3Dresolved%26store%3DPHX1"
    page = client.get(asked.location)
    form = {"email": MANAGER, "password": PASSWORD, "csrf_token": form_token(page.text)}
    assert client.post(asked.location, data=form).location == "/alerts?status=resolved&store=PHX1"


def test_the_log_in_itself_follows_no_foreign_address(client: FlaskClient) -> None:
    assert log_in(client, MANAGER, onward="https%3A%2F%2Fevil.example").location == "/"


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


def test_a_copy_of_the_cookie_is_worth_nothing_after_logging_out(app: Flask, client: FlaskClient) -> None:
    log_in(client, MANAGER)
    cookie = client.get_cookie("inseason")
    assert cookie
    thief = app.test_client()
    thief.set_cookie("inseason", cookie.value)
    assert thief.get("/account").status_code == 200
    client.post("/logout", data={"csrf_token": form_token(client.get("/account").text)})
    assert thief.get("/account").location.startswith("/login")


def test_logging_out_here_leaves_the_other_browsers_logged_in(app: Flask, client: FlaskClient) -> None:
    other = app.test_client()
    log_in(client, MANAGER)
    log_in(other, MANAGER)
    client.post("/logout", data={"csrf_token": form_token(client.get("/account").text)})
    assert other.get("/account").status_code == 200


def test_a_session_ends_after_a_shift_however_busy_it_is(client: FlaskClient) -> None:
    with time_machine.travel("2026-06-14 06:00Z", tick=False) as clock:
        log_in(client, MANAGER)
        for _ in range(11):
            clock.shift(timedelta(hours=1))
            assert client.get("/account").status_code == 200
        clock.shift(timedelta(hours=1, seconds=1))
        assert client.get("/account").location.startswith("/login")


def test_the_cookie_is_kept_from_scripts_and_other_sites_and_says_nothing(client: FlaskClient) -> None:
    cookie = log_in(client, MANAGER).headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    with client.session_transaction() as session:
        assert MANAGER not in str(dict(session))
        assert "Maya" not in str(dict(session))


def test_of_many_wrong_tries_at_the_same_moment_no_more_are_checked_than_may_be(app: Flask) -> None:
    number = MOST_PER_EMAIL + 3
    ready, codes = threading.Barrier(number), []

    def run() -> None:
        browser = app.test_client()
        form = {"email": MANAGER, "password": "a guess", "csrf_token": form_token(browser.get("/login").text)}
        ready.wait()
        codes.append(browser.post("/login", data=form).status_code)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == [401] * MOST_PER_EMAIL + [429] * 3


def test_a_log_in_that_works_does_not_free_an_address_for_guessing(client: FlaskClient) -> None:
    for n in range(MOST_PER_ADDRESS - 1):
        log_in(client, f"n{n}@example.com", "a guess")
    assert log_in(client, NEIGHBOUR).status_code == 303
    client.delete_cookie("inseason")
    assert log_in(client, "another@example.com", "a guess").status_code == 401
    assert log_in(client, "one-more@example.com", "a guess").status_code == 429


def test_the_lock_out_says_how_long_it_lasts(client: FlaskClient) -> None:
    with time_machine.travel("2026-06-14 10:00Z", tick=False) as clock:
        for _ in range(MOST_PER_EMAIL):
            log_in(client, MANAGER, "a guess")
        clock.shift(timedelta(minutes=9, seconds=30))
        assert "Wait 6 minutes, then try again" in log_in(client, MANAGER).text


def test_an_invited_person_without_a_password_cannot_log_in(client: FlaskClient, database: Database) -> None:
    with database.write() as records:
        records.execute(update(Person).where(Person.email == MANAGER).values(password_hash=""))
    for password in ("", PASSWORD):
        assert log_in(client, MANAGER, password).status_code == 401


def test_logging_out_needs_a_post(client: FlaskClient) -> None:
    log_in(client, MANAGER)
    assert client.get("/logout").status_code == 405
    assert client.get("/alerts").status_code == 200


def test_overlong_fields_are_refused_before_they_cost_anything(client: FlaskClient) -> None:
    assert log_in(client, "a" * 300).status_code == 400
    assert log_in(client, MANAGER, "p" * 2000).status_code == 400
