"""The app in a process of its own, which tells with every answer what it took; used by `benchmarks.web`.

Usage: python -m benchmarks._web_server DATABASE_URL VAR_FOLDER (prints its port, then serves until stopped)
"""

from __future__ import annotations

import sys
import time
from contextvars import ContextVar
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import event
from waitress.server import create_server

from benchmarks.web_world import NIGHT
from data.database import Database
from data.settings import load_settings
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

THREADS = 8
_asked: ContextVar[list[int] | None] = ContextVar("asked", default=None)


class Measured:
    """A WSGI app that adds what each answer took, and how many statements it asked of the database."""

    def __init__(self, app: Callable[..., Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer with the whole body, so that reading a streamed one counts, too."""
        began, counted = time.perf_counter(), [0]
        _asked.set(counted)
        told: list[Any] = []
        answer = self._app(environ, lambda *parts: told.append(parts))
        try:
            body = b"".join(answer)
        finally:
            if (close := getattr(answer, "close", None)) is not None:
                close()
        status, headers, *rest = told[-1]
        took = (time.perf_counter() - began) * 1000
        measured = [("X-Server-Ms", f"{took:.3f}"), ("X-Statements", str(counted[0]))]
        start_response(status, [*headers, *measured], *rest)
        return [body]


def count_statements(database: Database) -> None:
    """Count what the current request asks of a database."""

    def count(*_: Any) -> None:
        if (counted := _asked.get()) is not None:
            counted[0] += 1

    event.listen(database.engine, "before_cursor_execute", count)


def main(url: str, folder: str) -> None:
    """Serve."""
    database = Database(url)
    count_statements(database)
    app = create_app(load_settings(var=folder, database_url=url, today=NIGHT + timedelta(days=1)), database)
    server = create_server(Measured(app), host="127.0.0.1", port=0, threads=THREADS)
    print(server.effective_port, flush=True)
    server.run()


if __name__ == "__main__":
    main(*sys.argv[1:3])
