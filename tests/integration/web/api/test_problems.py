from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from tests.integration.web.world import ADMIN, MANAGER, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient

    from data.database import Database
    from tests.integration.web.api.conftest import Program

FIELDS = {"type", "title", "status", "detail", "instance", "errors"}


@pytest.fixture
def database(plain_database: Database) -> Database:
    """One kind of database is enough here: errors are told the same."""
    return plain_database


def test_every_error_is_a_problem_with_all_its_fields(world: World, program: Callable[..., Program]) -> None:
    caller, alert = program(ADMIN), f"/api/v1/alerts/{world.own_alert}"
    json_type, secret = "application/json", {"Authorization": f"Bearer {caller.secret}"}
    for method, path, content, kind, status in (
        ("GET", "/api/v1/nothing", None, None, 404),
        ("GET", "/api/", None, None, 404),
        ("GET", f"{alert}/", None, None, 404),
        ("GET", "/api/v1/alerts/99999999999", None, None, 404),
        ("GET", "/api/v1/a%00b", None, None, 404),
        ("DELETE", alert, None, None, 405),
        ("POST", alert, b"{}", json_type, 405),
        ("POST", f"{alert}/acknowledge", b"{", json_type, 400),
        ("POST", f"{alert}/acknowledge", b"", json_type, 400),
        ("POST", f"{alert}/acknowledge", b"[" * 60_000, json_type, 400),
        ("POST", f"{alert}/acknowledge", b"{}", "text/plain", 415),
        ("POST", f"{alert}/acknowledge", b"version=1", "application/x-www-form-urlencoded", 415),
        ("POST", f"{alert}/acknowledge", b"null", json_type, 422),
        ("POST", f"{alert}/acknowledge", b'{"version": NaN}', json_type, 422),
        ("POST", f"{alert}/acknowledge", b'{"version": 1e400}', json_type, 422),
        ("POST", f"{alert}/acknowledge", b'{"version": 1' + b"0" * 4000 + b"}", json_type, 422),
        ("POST", f"{alert}/acknowledge", b'"' + b"x" * 70_000 + b'"', json_type, 413),
    ):
        answer = caller.client.open(path, method=method, data=content, content_type=kind, headers=secret)
        assert answer.status_code == status, (method, path, answer.text)
        assert answer.mimetype == "application/problem+json"
        assert set(answer.json) == FIELDS
        assert answer.json["status"] == status
        assert answer.headers["Cache-Control"] == "no-store"
    assert "DELETE" not in caller.client.delete(alert, headers=secret).headers["Allow"]


def test_what_is_wrong_in_a_body_is_named_where_it_stands(
    world: World, program: Callable[..., Program]
) -> None:
    answer = program(MANAGER).post(
        "/consignments/1/receive", {"version": 0, "received": [{"sku": "A", "units": -1}]}
    )

    assert answer.json["errors"] == [
        {"location": "body", "name": "version", "detail": "should be greater than or equal to 1"},
        {"location": "body", "name": "received.0.units", "detail": "should be greater than or equal to 0"},
    ]


def test_an_error_of_ours_tells_nothing_about_us(
    world: World,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails(*_: object) -> None:
        raise RuntimeError("the password is swordfish")

    monkeypatch.setattr("web.api.alerts._rows", fails)

    answer = program(MANAGER).get("/alerts")

    assert (answer.status_code, answer.json["type"]) == (500, "about:blank")
    assert "swordfish" not in answer.text
    assert "swordfish" in caplog.text


def test_records_that_cannot_be_read_are_a_matter_of_waiting(
    world: World, database: Database, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = program(MANAGER)

    def fails(*_: object) -> None:
        raise OperationalError("SELECT 1", {}, Exception("/var/secret/place is locked"))

    monkeypatch.setattr("web.api.alerts._rows", fails)
    locked = caller.get("/alerts")
    with database.write() as records:
        records.execute(text("DROP TABLE api_tokens"))
    gone = caller.get("/alerts")

    for answer in (locked, gone):
        assert answer.status_code == 503
        assert "secret" not in answer.text
        assert str(database.url.database) not in answer.text
    assert gone.json["type"] == "urn:inseason:problem:not-ready"


def test_a_reader_does_not_fail_when_its_mark_cannot_be_written(
    world: World, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    caller = program(MANAGER)

    def fails(_self: object) -> None:
        raise OperationalError("UPDATE", {}, Exception("database is locked"))

    monkeypatch.setattr("data.database.Database.write", fails)

    assert caller.get("/alerts").status_code == 200


def test_a_page_of_people_is_still_a_page(client: FlaskClient, world: World) -> None:
    assert client.get("/no-such-page").status_code == 302
    assert "text/html" in client.get("/login").content_type


def test_the_document_is_open_and_has_no_page_from_elsewhere(client: FlaskClient, world: World) -> None:
    answer = client.get("/api/openapi.json", headers={"Host": "elsewhere.example"})

    assert answer.status_code == 200
    assert "elsewhere" not in json.dumps(answer.json)
    assert client.get("/docs").status_code == 302
    assert client.get("/openapi.json").status_code == 302
