"""One writer of facts at a time, whatever the number of processes: a lock that dies with its holder."""

from __future__ import annotations

import time
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Final

from filelock import FileLock, Timeout
from sqlalchemy import text

from data.errors import BusyError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.engine import URL

    from data.database import Database

# An arbitrary number that only this service's writers ask PostgreSQL for.
_ADVISORY_KEY: Final = 4_540_454
_POLL_SECONDS: Final = 0.2
_held: ContextVar[frozenset[URL]] = ContextVar("_held", default=frozenset())


@contextmanager
def only_writer(database: Database, *, wait_seconds: float = 0) -> Iterator[None]:
    """Hold the right to write facts and run nights; wait for it at most so long.

    PostgreSQL holds it as a session's advisory lock, SQLite as a lock on a file beside the database: both
    are gone as soon as the process is, however it dies. Who holds it already enters at once, so that a night
    can import files.

    Raises:
        BusyError: when another process still holds it.
    """
    if database.url in _held.get():
        yield
        return
    if database.is_sqlite:
        lock = _file_lock(Path(f"{database.url.database or 'memory'}.writer.lock"), wait_seconds)
    else:
        lock = _advisory_lock(database, wait_seconds)
    with lock:
        token = _held.set(_held.get() | {database.url})
        try:
            yield
        finally:
            _held.reset(token)


@contextmanager
def _file_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    try:
        with FileLock(path, timeout=wait_seconds):
            yield
    except Timeout as error:
        raise _busy() from error


@contextmanager
def _advisory_lock(database: Database, wait_seconds: float) -> Iterator[None]:
    # AUTOCOMMIT: the lock belongs to the connection, and no transaction stays open beside it.
    with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        give_up = time.monotonic() + wait_seconds
        while not connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": _ADVISORY_KEY}):
            if time.monotonic() >= give_up:
                raise _busy()
            time.sleep(_POLL_SECONDS)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _ADVISORY_KEY})


def _busy() -> BusyError:
    return BusyError("Another import or night is running; try again when it is done.")
