"""What a request works with: settings, records, clock, and one session for reading."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, cast

from flask import current_app, g

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


def _close(_error: BaseException | None) -> None:
    g.pop("reading", None)
    if (stack := g.pop("reading_stack", None)) is not None:
        stack.close()
