"""What a request works with: settings, records, clock, and one session for reading."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g

from data.planning.boards import Boards

if TYPE_CHECKING:
    from datetime import date

    from flask import Flask
    from sqlalchemy.orm import Session

    from data.clock import Clock
    from data.database import Database
    from data.settings import Settings

_NAME: Final = "inseason"


@dataclass(frozen=True)
class Services:
    """The parts that the app factory puts together.

    The clock's `now` may stand still for a demonstration; whatever guards a door goes by `machine_now`.
    """

    settings: Settings
    database: Database
    clock: Clock

    @cached_property
    def boards(self) -> Boards:
        """The boards that people plan on; nothing is read before the first is asked for."""
        return Boards(self.database, self.settings.facts_uri)

    @property
    def today(self) -> date:
        """The day on the chain's calendar."""
        return self.clock.now().astimezone(self.settings.timezone).date()


def attach_services(app: Flask, services: Services) -> None:
    """Make the services of this app known to its requests."""
    app.extensions[_NAME] = services
    app.teardown_appcontext(_close)


def services() -> Services:
    """The services of the current app."""
    return cast("Services", current_app.extensions[_NAME])


def reading() -> Session:
    """The request's session for reading: opened when first asked for, closed when the answer is written."""
    if "reading" not in g:
        stack = ExitStack()
        g.reading_stack = stack
        g.reading = stack.enter_context(services().database.read())
    return cast("Session", g.reading)


def read_afresh() -> None:
    """Let what is read from now on in this request show what it has written."""
    _close(None)


def keep_reading() -> ExitStack:
    """Keep the request's session for an answer that is read while it is sent; who asks closes it."""
    reading()
    g.pop("reading")
    return cast("ExitStack", g.pop("reading_stack"))


def _close(_error: BaseException | None) -> None:
    g.pop("reading", None)
    if (stack := g.pop("reading_stack", None)) is not None:
        stack.close()
