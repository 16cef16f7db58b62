"""The own account: the name, the password, and the browsers in which one is logged in."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from data.records import Person, PersonEvent
from tests.integration.web.world import ADMIN, MANAGER, PASSWORD, form_token, log_in
from web.auth import MOST_PER_EMAIL

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

NEW = "four words nobody says"


def send(browser: FlaskClient, path: str, **form: str) -> TestResponse:
    return browser.post(path, data=form | {"csrf_token": form_token(browser.get("/account").text)})


def change(
    browser: FlaskClient, current: str = PASSWORD, password: str = NEW, again: str = NEW
) -> TestResponse:
    return send(browser, "/account/password", current=current, password=password, again=again)


def test_a_new_password_ends_all_sessions_but_this_one(
    app: Flask, logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    here, there = logged_in(MANAGER), logged_in(MANAGER)
    assert change(here).location == "/account"
    assert "password is changed" in here.get("/account").text
    assert there.get("/account").location.startswith("/login")
    assert log_in(app.test_client(), MANAGER, PASSWORD).status_code == 401
    assert log_in(app.test_client(), MANAGER, NEW).status_code == 303
    with database.read() as records:
        assert [str(event.what) for event in records.scalars(select(PersonEvent))] == ["password_set"]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"current": "not the password"}, "This is not your password now"),
        ({"again": "another one"}, "The two passwords are not the same"),
        ({"password": "password123", "again": "password123"}, "tried first"),
        ({"password": "mayaortiz 2026", "again": "mayaortiz 2026"}, "own name"),
        ({"password": PASSWORD, "again": PASSWORD}, "your password already"),
        ({"current": "x" * 2000}, "This is not your password now"),
    ],
)
def test_what_cannot_be_taken_is_told_beside_its_field(
    logged_in: Callable[[str], FlaskClient], database: Database, given: dict[str, str], told: str
) -> None:
    browser = logged_in(MANAGER)
    before = person(database).password_hash
    refused = change(browser, **given)
    assert refused.status_code == 400
    assert told in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert person(database).password_hash == before


def person(database: Database, email: str = MANAGER) -> Person:
    with database.read() as records:
        return records.scalars(select(Person).where(Person.email == email)).one()


def test_whoever_finds_a_phone_unlocked_cannot_guess_on(logged_in: Callable[[str], FlaskClient]) -> None:
    browser = logged_in(MANAGER)
    codes = [change(browser, current=f"a guess {n}").status_code for n in range(MOST_PER_EMAIL + 1)]
    assert codes == [400] * MOST_PER_EMAIL + [429]
    assert change(browser).status_code == 429


def test_all_other_sessions_are_ended_on_demand(logged_in: Callable[[str], FlaskClient]) -> None:
    here, there, of_ada = logged_in(MANAGER), logged_in(MANAGER), logged_in(ADMIN)
    assert "Log out everywhere else" in here.get("/account").text
    send(here, "/account/sessions/end")
    assert here.get("/account").status_code == 200
    assert "Nowhere else" in here.get("/account").text
    assert there.get("/account").status_code == 302
    assert of_ada.get("/account").status_code == 200


def test_the_name_is_changed_and_kept_when_it_is_refused(
    logged_in: Callable[[str], FlaskClient], database: Database
) -> None:
    browser = logged_in(MANAGER)
    assert send(browser, "/account/name", name="Maya O.").status_code == 303
    assert person(database).name == "Maya O."
    refused = send(browser, "/account/name", name="M" * 201)
    assert refused.status_code == 400
    assert "M" * 201 in refused.text
    assert "at most 200" in refused.text


def test_the_page_says_what_one_may_see(logged_in: Callable[[str], FlaskClient]) -> None:
    page = logged_in(MANAGER).get("/account").text
    assert "Phoenix North" in page
    assert "Seattle South" not in page
    assert "Every morning with news" in page
