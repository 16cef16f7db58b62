"""The ground all tests stand on: settings, records on both databases, a mail server, shared data."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from data import migrate
from data.database import Database
from data.settings import Settings, load_settings
from tests.ground import postgresql as server_ground
from tests.ground.mail import MailServer
from tests.ground.services import absent, find_chromium, find_shared_data

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ground.postgresql import PostgreSQL

RUN_FOLDER = "TEST_RUN_FOLDER"


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder that the workers of this run share; they inherit its name."""
    if not hasattr(config, "workerinput"):
        os.environ[RUN_FOLDER] = str(server_ground.new_run_folder())


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what the workers have started, when all of them are done."""
    if not hasattr(config, "workerinput") and (folder := os.environ.pop(RUN_FOLDER, None)):
        server_ground.close_run_folder(Path(folder))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the person who runs the tests reaches them."""
    for name in list(os.environ):
        if name.startswith("INSEASON_") and not name.startswith("INSEASON_SHARED_"):
            monkeypatch.delenv(name)


@pytest.fixture
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings with run-time state in the test's own folder, and its `database`, if it has one, as records.

    The environment says the same, so commands run inside the test or as its children see these settings too.
    """
    monkeypatch.setenv("INSEASON_VAR", str(tmp_path / "var"))
    if "database_url" in request.fixturenames:
        monkeypatch.setenv("INSEASON_DATABASE_URL", request.getfixturevalue("database_url"))
    return load_settings()


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of fresh, migrated, empty records; the test runs once on each kind of database."""
    if request.param == "sqlite":
        path = tmp_path / "var" / "inseason.db"
        path.parent.mkdir(exist_ok=True)
        shutil.copyfile(request.getfixturevalue("migrated_sqlite_file"), path)
        yield f"sqlite:///{path}"
    else:
        with request.getfixturevalue("postgresql").new_database() as url:
            yield url


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    """Fresh, migrated, empty records; the test runs once on each kind of database."""
    database = Database(database_url)
    yield database
    database.dispose()


@pytest.fixture(scope="session")
def migrated_sqlite_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables, to be copied."""
    path = tmp_path_factory.mktemp("migrated") / "inseason.db"
    database = Database(f"sqlite:///{path}")
    migrate.upgrade(database)
    database.dispose()
    return path


@pytest.fixture(scope="session")
def postgresql() -> PostgreSQL:
    """The run's PostgreSQL server."""
    binaries = server_ground.find_binaries()
    if binaries is None:
        absent("PostgreSQL", install="apt-get install postgresql")
    return server_ground.shared_server(Path(os.environ[RUN_FOLDER]), binaries)


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of the system's Chromium."""
    path = find_chromium()
    if path is None:
        absent("Chromium", install="apt-get install chromium")
    return path


@pytest.fixture
def smtp_server() -> Iterator[MailServer]:
    """A mail server on loopback that keeps what it is sent."""
    server = MailServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public data sets."""
    folder = find_shared_data()
    if folder is None:
        pytest.skip("The shared data sets are not here; name their folder in INSEASON_SHARED_DATA.")
    return folder
