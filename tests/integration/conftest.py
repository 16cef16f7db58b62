"""What the tests over several parts share: empty databases, and rows to put into them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from data.database import Database
from data.records import Store
from tests.ground.findings import trunks_leave_early

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from data.records import Finding


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any tables; the test runs once on each kind."""
    if request.param == "sqlite":
        database = Database(f"sqlite:///{tmp_path / 'empty.db'}")
        yield database
        database.dispose()
    else:
        with request.getfixturevalue("postgresql").new_database(template="template0") as url:
            database = Database(url)
            yield database
            database.dispose()


@pytest.fixture
def noon() -> datetime:
    """An instant on the day that the tests are about."""
    return datetime(2026, 6, 14, 12, tzinfo=UTC)


@pytest.fixture
def store(database: Database) -> str:
    """The id of a store that is in the records."""
    with database.write() as session:
        session.add(Store(store_id="phoenix-1", name="Phoenix, Camelback Road", climate_zone="hot"))
    return "phoenix-1"


@pytest.fixture
def finding(store: str) -> Callable[..., Finding]:
    """Makes findings about swim trunks in that store; name what should be different."""

    def make(**changes: object) -> Finding:
        named = {"store_id": store, "season_code": "SU26", "evidence": "borrowed"}
        return trunks_leave_early(**(named | changes))

    return make
