"""The app on real records, and browsers that keep their cookies."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.settings import Settings, load_settings
from tests.integration.web.shelves import stock_the_shelves
from tests.integration.web.world import MANAGER, TODAY, World, build_world, log_in
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient

    from data.database import Database


@pytest.fixture
def world(database: Database) -> World:
    """A small retailer."""
    return build_world(database)


@pytest.fixture
def app(settings: Settings, world: World) -> Flask:
    """The app on that retailer's records."""
    return create_app(load_settings(var=settings.var, today=TODAY), world.database)


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser that nobody has logged in with."""
    return app.test_client()


@pytest.fixture
def logged_in(app: Flask) -> Callable[[str], FlaskClient]:
    """Gives a browser with which the person of an e-mail has logged in."""

    def browser(email: str) -> FlaskClient:
        client = app.test_client()
        assert log_in(client, email).status_code == 303
        return client

    return browser


@pytest.fixture
def stocked(world: World) -> World:
    """The small retailer with something on its shelves."""
    stock_the_shelves(world.database)
    return world


@pytest.fixture
def maya(stocked: World, logged_in: Callable[[str], FlaskClient]) -> FlaskClient:
    """The browser of the manager of Phoenix North, where something is on the shelves."""
    return logged_in(MANAGER)
