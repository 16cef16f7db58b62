"""The one way to the records: an engine, sessions that read, sessions that write in short transactions."""

from __future__ import annotations

import sqlite3
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.orm import Session
from sqlalchemy.orm.exc import StaleDataError

from data.errors import ConflictError, DatabaseNotReadyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import Connection, Engine
    from sqlalchemy.pool import ConnectionPoolEntry

BUSY_TIMEOUT_MS = 15_000
_SWITCH_TRIES, _SWITCH_PAUSE = 100, 0.05
_WRITES = "inseason_writes"
_UNDEFINED_TABLE = "42P01"
_UNREACHABLE = ("unable to open", "connection failed", "could not connect", "failed to resolve")


class Database:
    """The records behind one SQLAlchemy address, SQLite or PostgreSQL.

    `read()` gives a session that changes nothing; `write()` one whose block is one transaction, committed at
    its end and rolled back on an error. On SQLite a writer begins IMMEDIATE, so that it waits for its turn at
    the start rather than fail in the middle.
    """

    def __init__(self, url: str) -> None:
        self.url = make_url(url)
        if self.is_sqlite and self.url.database:
            Path(self.url.database).parent.mkdir(parents=True, exist_ok=True)
        self.engine: Engine = create_engine(self.url, pool_pre_ping=not self.is_sqlite, hide_parameters=True)
        if self.is_sqlite:
            event.listen(self.engine, "connect", _prepare_sqlite)
            event.listen(self.engine, "begin", _begin_sqlite)
        self._writing = self.engine.execution_options(**{_WRITES: True})

    @property
    def is_sqlite(self) -> bool:
        """Whether the records live in an embedded file."""
        return self.url.get_backend_name() == "sqlite"

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session for reading."""
        with Session(self.engine, autoflush=False, expire_on_commit=False) as session, _plainly(self):
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A session whose block is one short transaction."""
        with _plainly(self), Session(self._writing, expire_on_commit=False) as session, session.begin():
            yield session

    def writing_connection(self) -> Connection:
        """A bare connection whose transactions are a writer's, for the migrations."""
        return self._writing.connect()

    def dispose(self) -> None:
        """Close all connections."""
        self.engine.dispose()


@contextmanager
def _plainly(database: Database) -> Iterator[None]:
    """Say in a plain sentence that the database is not there or not made yet, or that somebody was faster."""
    try:
        yield
    except StaleDataError as error:
        raise ConflictError("Somebody else has changed this meanwhile; look at it again first.") from error
    except (OperationalError, ProgrammingError) as error:
        text = str(error.orig).strip()
        where = database.url.render_as_string(hide_password=True)
        if "no such table" in text or _sqlstate(error) == _UNDEFINED_TABLE:
            message = f"The database {where} has no tables yet: run `inseason init`."
            raise DatabaseNotReadyError(message) from error
        if any(words in text for words in _UNREACHABLE):
            raise DatabaseNotReadyError(f"The database {where} cannot be reached: {text}") from error
        raise


def _sqlstate(error: OperationalError | ProgrammingError) -> str | None:
    return getattr(error.orig, "sqlstate", None)


def _prepare_sqlite(connection: Any, _entry: ConnectionPoolEntry) -> None:
    # The driver must not begin transactions by itself: `_begin_sqlite` does, with the right word.
    connection.isolation_level = None
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    _keep_a_log(connection)
    for pragma in ("foreign_keys=ON", "synchronous=NORMAL"):
        connection.execute(f"PRAGMA {pragma}")


def _keep_a_log(connection: Any) -> None:
    """Switch to the write-ahead log, however many do so at once.

    Two that switch a new file at the same moment hold each other up, and SQLite tells one of them at once
    instead of letting it wait out the busy timeout.
    """
    for _ in range(_SWITCH_TRIES - 1):
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError:
            time.sleep(_SWITCH_PAUSE)
        else:
            return
    connection.execute("PRAGMA journal_mode=WAL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES, False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
