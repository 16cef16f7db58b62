"""No page asks the database more often because there is more in it, and none asks often."""

from __future__ import annotations

import shutil
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from data.database import Database
from tests.ground.pages import ELSEWHERE, PAGES, STRANGER, everything, listed, served
from tests.integration.web.house import House, build_house, more_of_everything
from tests.integration.web.season_world import FakeBoards
from tests.integration.web.test_pages import statements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient

    from tests.integration.web.world import World

# Statements per page; a page that needs one more says so here.
MOST = {
    "/login": 1,
    "/forgot": 0,
    "/alerts": 12,
    "/alerts?status=snoozed": 11,
    "/alerts/{own_alert}": 15,
    "/alerts/{acted_alert}": 19,
    "/alerts/{acted_alert}/act/3": 11,
    "/find": 5,
    "/find?q=marl": 8,
    "/find?style=MAR&size=M": 17,
    "/ask": 8,
    "/ask?q=marl": 11,
    "/ask/{own_request}": 12,
    "/decisions": 10,
    "/decisions/{own_decision}": 11,
    "/consignments/{own_part}/pick-list": 7,
    "/outcomes": 12,
    "/outcomes/alerts": 6,
    "/outcomes/missed": 7,
    "/mails": 8,
    "/mails/{own_mail}": 8,
    "/mails/choices": 8,
    "/account": 7,
    "/tokens": 5,
    "/alerts?category=Swim trunks": 10,
    "/decisions/{own_order}": 9,
    "/season": 5,
    "/season?category=Swim trunks&in=money": 5,
    "/season/Swim trunks?zone=hot": 8,
    "/calendar": 9,
    "/calendar/in-force": 11,
    "/calendar/versions/{version}": 12,
    "/calendar/versions/{version}/roll-back": 13,
    "/calendar/proposals": 5,
    "/calendar/proposals/new": 5,
    "/calendar/proposals/new?category=Swim trunks&zone=hot": 4,
    "/calendar/proposals/{own_proposal}": 13,
    "/calendar/proposals/{own_draft}/edit": 6,
    "/calendar/proposals/compare?ids={own_proposal}&ids={own_draft}": 5,
    "/calendar/overrides": 6,
    "/calendar/overrides/new?category=Swim trunks": 7,
    "/calendar/addresses": 6,
    "/outcomes/buy-notes": 8,
    "/outcomes/backtest": 6,
    "/policies": 5,
    "/alerts?status=resolved": 9,
    "/alerts?status=pending": 10,
    "/runs": 10,
    "/runs/{night}": 9,
    "/runs/{own_import}": 6,
    "/feeds": 9,
    "/feeds/calendar": 9,
    "/feeds/uploads/{own_upload}": 6,
    "/people": 8,
    "/people/new": 5,
    "/people/1": 11,
    "/policies/edit?category=Swim trunks": 5,
    "/mails/given-up": 6,
    "/mails/choices/1": 10,
    "/alerts/{own_alert}/chart.svg": 6,
    "/consignments/{own_part}/pick-list.csv": 7,
    "/mails/{own_mail}/body": 5,
    "/decisions/{own_order}/order.csv": 7,
    "/season/weigh/Swim trunks?zone=hot": 6,
    "/season/chart/Swim trunks?zone=hot": 5,
    "/calendar/calendar.csv": 7,
    "/calendar/markdowns.csv": 7,
    "/runs/now": 7,
    "/runs/{night}/progress": 7,
    "/runs/{own_import}/rejects": 5,
    "/feeds/calendar/example": 3,
    "/feeds/uploads/{own_upload}/rejects": 6,
}


@pytest.fixture
def database(tmp_path: Path, migrated_sqlite_file: Path) -> Iterator[Database]:
    """Records on SQLite: how often they are asked is the same on every kind of database."""
    path = tmp_path / "inseason.db"
    shutil.copyfile(migrated_sqlite_file, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.dispose()


@pytest.fixture
def house(world: World, app: Flask) -> House:
    """Something of every kind."""
    app.extensions["inseason"].__dict__["boards"] = FakeBoards()
    return build_house(world, app.extensions["inseason"].settings)


@pytest.fixture
def browsers(app: Flask, house: House, logged_in: Callable[[str], FlaskClient]) -> dict[str, FlaskClient]:
    """Somebody of every role, and a stranger."""
    return {who: logged_in(who) if who != STRANGER else app.test_client() for who in PAGES}


def asked(house: House, browsers: dict[str, FlaskClient]) -> dict[str, int]:
    """How many statements every page takes."""
    found = {}
    for who, pattern in everything():
        path, browser = house.path(pattern), browsers[who]
        with statements(house.world.database) as told, closing(browser.get(path)) as answer:
            assert answer.status_code == 200, pattern
            answer.get_data()
        found[pattern] = len(told)
    return found


def test_the_lists_of_pages_leave_none_out(app: Flask, house: House) -> None:
    tried = {listed(app, house.path(pattern)) for _, pattern in everything()}
    assert tried | ELSEWHERE == served(app)
    assert not tried & ELSEWHERE


def test_a_page_asks_as_often_of_much_as_of_little_and_never_often(
    house: House, browsers: dict[str, FlaskClient]
) -> None:
    more_of_everything(house, range(2))
    asked(house, browsers)
    few = asked(house, browsers)
    more_of_everything(house, range(2, 14))
    many = asked(house, browsers)
    assert many == few
    assert few.keys() == MOST.keys()
    assert {page: (number, MOST[page]) for page, number in few.items() if number > MOST[page]} == {}
