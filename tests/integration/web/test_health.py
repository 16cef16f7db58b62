from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data import migrate
from data.settings import load_settings
from web import create_app

if TYPE_CHECKING:
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database


def test_a_working_service_says_so(client: FlaskClient) -> None:
    assert client.get("/healthz").get_json() == {"status": "ok"}
    ready = client.get("/readyz")
    assert ready.status_code == 200
    assert ready.get_json() == {"status": "ready", "checks": {"records": "ok", "facts": "ok"}}


def test_asking_for_health_starts_no_session(client: FlaskClient) -> None:
    assert "Set-Cookie" not in client.get("/readyz").headers


def test_old_tables_are_not_ready(app: Flask, database: Database) -> None:
    migrate.downgrade(database, "base")
    answer = app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert "inseason init" in answer.get_json()["checks"]["records"]


@pytest.fixture
def bare(tmp_path: Path) -> FlaskClient:
    """An app whose records and facts are not there."""
    settings = load_settings(
        var=tmp_path, database_url=f"sqlite:///{tmp_path}/none.db", facts_uri="/nowhere/at/all/facts"
    )
    return create_app(settings).test_client()


def test_missing_records_and_facts_are_not_ready_and_no_secret_is_told(
    bare: FlaskClient, tmp_path: Path
) -> None:
    answer = bare.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"]["facts"] == "not reachable"
    assert str(tmp_path) not in answer.text
    assert bare.get("/healthz").status_code == 200


def test_a_page_without_records_says_that_the_service_is_not_ready(bare: FlaskClient, tmp_path: Path) -> None:
    answer = bare.get("/login")
    assert answer.status_code == 503
    assert "cannot be read at the moment" in answer.text
    assert str(tmp_path) not in answer.text
