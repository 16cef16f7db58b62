"""Somebody else at work meanwhile: holds what only one may hold, until the test has seen what that does."""

from __future__ import annotations

from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

from data.locks import only_writer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from data.database import Database


@contextmanager
def writing_elsewhere(database: Database) -> Iterator[None]:
    """Somebody imports or runs a night."""
    held, over = Event(), Event()

    def hold() -> None:
        with only_writer(database):
            held.set()
            over.wait(30)

    other = Thread(target=hold)
    other.start()
    held.wait(30)
    try:
        yield
    finally:
        over.set()
        other.join()
