"""The first account: only with the code, only once, and every page leads there until it is made."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, select

from data.records import Person, PersonEvent, Role
from data.settings import Settings, load_settings
from data.setup_code import code_file, setup_code
from tests.integration.web.world import form_token, log_in
from web import create_app
from web.setup import MOST_CODES

if TYPE_CHECKING:
    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

EMAIL, PASSWORD = "boss@shop.example", "four words nobody says"


@pytest.fixture
def chain(settings: Settings) -> Settings:
    return load_settings(var=settings.var)


@pytest.fixture
def bare(chain: Settings, database: Database) -> Flask:
    """The app before there is any account."""
    return create_app(chain, database)


def send(browser: FlaskClient, code: str, **changes: str) -> TestResponse:
    form = {
        "code": code,
        "email": EMAIL,
        "name": "The Boss",
        "password": PASSWORD,
        "again": PASSWORD,
        "csrf_token": form_token(browser.get("/setup").text),
    }
    return browser.post("/setup", data=form | changes)


def people(database: Database) -> int:
    with database.read() as records:
        return records.scalar(select(func.count()).select_from(Person)) or 0


@pytest.mark.parametrize("path", ["/", "/alerts", "/people", "/no-such-page", "/login"])
def test_every_page_leads_to_the_setup(bare: Flask, path: str) -> None:
    answer = bare.test_client().get(path, follow_redirects=True)
    assert answer.request.path == "/setup"
    assert answer.status_code == 200


def test_whoever_has_the_code_becomes_the_admin_and_is_logged_in(
    bare: Flask, chain: Settings, database: Database
) -> None:
    browser = bare.test_client()
    code = setup_code(chain)
    assert code not in browser.get("/setup").text

    made = send(browser, f" {code.lower().replace('-', '')} ")

    assert made.status_code == 303
    assert browser.get("/account").status_code == 200
    with database.read() as records:
        person = records.scalars(select(Person)).one()
        assert (person.email, person.role, person.name) == (EMAIL, Role.ADMIN, "The Boss")
        assert records.scalars(select(PersonEvent.who)).all() == ["setup"]
    assert not code_file(chain).exists()
    assert log_in(bare.test_client(), EMAIL, PASSWORD).status_code == 303


def test_the_code_is_made_once_and_read_by_its_owner_alone(chain: Settings) -> None:
    assert setup_code(chain) == setup_code(chain)
    assert code_file(chain).stat().st_mode & 0o777 == 0o600


def test_without_the_code_nobody_becomes_the_admin_and_guessing_is_slowed_down(
    bare: Flask, chain: Settings, database: Database
) -> None:
    browser = bare.test_client()
    for code in ("", "AAAA-AAAA-AAAA", setup_code(chain)[:-1]):
        refused = send(browser, code)
        assert refused.status_code == 403
        assert EMAIL in refused.text
    for _ in range(MOST_CODES - 3):
        send(browser, "AAAA-AAAA-AAAA")
    assert send(browser, setup_code(chain)).status_code == 429
    assert people(database) == 0


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"email": "boss"}, "is no e-mail address"),
        ({"password": "password123", "again": "password123"}, "tried first"),
        ({"again": "another one"}, "not the same"),
        ({"name": "B" * 201}, "at most 200"),
    ],
)
def test_what_cannot_be_taken_is_told_beside_its_field(
    bare: Flask, chain: Settings, database: Database, changes: dict[str, str], told: str
) -> None:
    refused = send(bare.test_client(), setup_code(chain), **changes)
    assert refused.status_code == 400
    assert told in refused.text
    assert 'aria-invalid="true"' in refused.text
    assert PASSWORD not in refused.text
    assert people(database) == 0


def test_once_there_is_an_account_the_setup_is_shut_for_good(
    bare: Flask, chain: Settings, database: Database
) -> None:
    late = bare.test_client()
    token = form_token(late.get("/setup").text)
    code = setup_code(chain)
    send(bare.test_client(), code)
    assert late.get("/setup").location == "/login"
    form = {"code": code, "email": "late@shop.example", "password": PASSWORD, "again": PASSWORD}
    answer = late.post("/setup", data=form | {"csrf_token": token})
    assert answer.location == "/login"
    assert "set up already" in late.get("/login").text
    assert people(database) == 1


def test_of_two_browsers_that_send_it_at_once_one_wins(
    bare: Flask, chain: Settings, database: Database
) -> None:
    code, ready, told = setup_code(chain), threading.Barrier(2), []

    def run(n: int) -> None:
        browser = bare.test_client()
        form = {
            "code": code, "email": f"b{n}@shop.example", "name": "B", "password": PASSWORD,
            "again": PASSWORD, "csrf_token": form_token(browser.get("/setup").text),
        }  # fmt: skip
        ready.wait()
        told.append(browser.post("/setup", data=form).location)

    threads = [threading.Thread(target=run, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == ["/", "/login"]
    assert people(database) == 1
