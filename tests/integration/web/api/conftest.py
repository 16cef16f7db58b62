"""Programs that speak to the API with tokens of people."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from data.database import Database
from data.facts import FactsStore
from data.records import Person
from data.records.tokens import GRANTABLE
from data.tokens import give_token

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.settings import Settings


@dataclass(frozen=True)
class Program:
    """Sends requests with one token, and no cookies."""

    client: FlaskClient
    secret: str
    token_id: int

    def get(self, path: str, **more: Any) -> TestResponse:
        """Ask for something below /api/v1."""
        return self.client.get(self._at(path), headers=self._headers(more), **more)

    def post(self, path: str, body: Any = None, **more: Any) -> TestResponse:
        """Change something below /api/v1."""
        return self.client.post(self._at(path), json=body or {}, headers=self._headers(more), **more)

    def send(self, path: str, content: bytes | str, content_type: str = "text/csv") -> TestResponse:
        """Send a file."""
        return self.client.post(
            self._at(path), data=content, content_type=content_type, headers=self._headers({})
        )

    def pages(self, path: str) -> list[dict[str, Any]]:
        """All items of a list, page after page."""
        items, following = [], path
        while following:
            answer = self.get(following)
            assert answer.status_code == 200, answer.text
            items += answer.json["items"]
            following = answer.json["next"]
            assert len(items) < 1000, "the list has no end"
        return items

    def _headers(self, more: dict[str, Any]) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.secret}"} | more.pop("headers", {})

    @staticmethod
    def _at(path: str) -> str:
        return path if path.startswith("/api/") else f"/api/v1{path}"


@pytest.fixture
def plain_database(tmp_path: Path, migrated_sqlite_file: Path) -> Iterator[Database]:
    """Migrated records on SQLite, for what is the same on every kind of database."""
    path = tmp_path / "var" / "inseason.db"
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(migrated_sqlite_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture(autouse=True)
def facts(settings: Settings, database: Database) -> FactsStore:
    """Facts with all their tables, empty."""
    store = FactsStore(settings.facts_uri, database)
    store.prepare()
    return store


@pytest.fixture
def program(app: Flask, database: Database) -> Callable[..., Program]:
    """Gives a program of the person with an e-mail, whose token may do all that the role can, or less."""

    def make(email: str, *scopes: str) -> Program:
        with database.write() as records:
            person = records.scalars(select(Person).where(Person.email == email)).one()
            token, secret = give_token(
                records,
                person,
                name="test",
                scopes=scopes or GRANTABLE[person.role],
                days=30,
                now=datetime.now(UTC),
            )
            return Program(app.test_client(use_cookies=False), secret, token.token_id)

    return make
