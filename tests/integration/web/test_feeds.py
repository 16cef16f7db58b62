"""Feeds: how fresh they are, what they need, and files that are looked at before anything changes."""

from __future__ import annotations

import re
from contextlib import closing
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from data.facts import FactsStore
from data.feeds.freshness import keep_newest_days
from data.feeds.specs import FEEDS
from data.records import Run, Upload, UploadState
from data.settings import load_settings
from tests.ground.elsewhere import writing_elsewhere
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, TODAY, World, form_token
from tests.unit.web.making import NIGHT
from web import create_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.settings import Settings

    LoggedIn = Callable[[str], FlaskClient]

SALES = "business_date,store_id,sku,units\n2026-06-12,PHX1,SKU-0,3\n2026-06-12,SEA1,SKU-1,1\n"
BAD = SALES + "2026-06-12,NOWHERE,SKU-0,1\n2026-06-12,PHX1,SKU-0,many\n"
CALENDAR = "category,season_code,floor_set,exit\nSwim trunks,SS26,2026-02-09,2026-07-05\n"


@pytest.fixture
def app(settings: Settings, world: World) -> Flask:
    """The app on that retailer's records, its facts empty, taking files of a megabyte at most."""
    told = load_settings(var=settings.var, today=TODAY, upload_mb=1)
    FactsStore(told.facts_uri, world.database).prepare()
    return create_app(told, world.database)


@pytest.fixture
def counted(world: World) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(world.database.engine, "before_cursor_execute", note)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def token(browser: FlaskClient) -> str:
    return form_token(browser.get("/alerts").text)


def send(browser: FlaskClient, kind: str, content: str | bytes, name: str = "june.csv") -> TestResponse:
    return browser.post(f"/feeds/{kind}/upload", **multipart(content, name, csrf_token=token(browser)))


def multipart(content: str | bytes, name: str, **fields: str) -> dict[str, Any]:
    """A form with a file, as a browser sends it."""
    body = content if isinstance(content, bytes) else content.encode()
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}' for key, value in fields.items()
    ]
    head = f'--x\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
    data = "\r\n".join([*parts, head]).encode() + body + b"\r\n--x--\r\n"
    return {"data": data, "content_type": "multipart/form-data; boundary=x"}


def press(browser: FlaskClient, path: str) -> TestResponse:
    return browser.post(path, data={"csrf_token": token(browser)})


def uploads(world: World) -> list[Upload]:
    with world.database.read() as session:
        return list(session.scalars(select(Upload).order_by(Upload.upload_id)))


def imports(world: World, feed: str) -> list[Run]:
    with world.database.read() as session:
        return list(session.scalars(select(Run).where(Run.feed == feed)))


def test_every_feed_is_listed_with_its_newest_day_and_late_stores(world: World, logged_in: LoggedIn) -> None:
    with world.database.write() as session:
        rows = [("stock", "PHX1", NIGHT, False), ("stock", "SEA1", NIGHT - timedelta(days=12), True)]
        keep_newest_days(session, rows, business_date=NIGHT)

    page = plain(logged_in(ADMIN).get("/feeds").text)

    for kind in FEEDS:
        assert kind.capitalize() in page
    assert "Stock of 1 store is late." in page
    assert "13 June 2026 1 of 2 stores late: Seattle South" in page
    assert "Seattle South SEA1 1 June 2026" in plain(logged_in(ADMIN).get("/feeds/stock").text)


def test_files_in_the_inbox_are_shown_with_what_will_become_of_them(
    world: World, settings: Settings, logged_in: LoggedIn
) -> None:
    del world
    refused = settings.inbox / "refused"
    refused.mkdir(parents=True)
    (settings.inbox / "sales_2026-06-13.csv").write_text(SALES)
    (settings.inbox / "weather.csv").write_text("x")
    (settings.inbox / "stock.csv.part").write_text("x")
    (refused / "stock.csv").write_text("")
    (refused / "stock.csv.reason.txt").write_text("stock.csv was not taken: it is <empty>.\n")

    page = logged_in(ADMIN).get("/feeds").text

    assert "2 files wait for the next night." in plain(page)
    assert "weather.csv will be refused: its name says no feed" in plain(page)
    assert ".part" not in page
    assert "it is &lt;empty&gt;" in page


def test_each_feed_tells_its_columns_and_hands_out_an_example(world: World, logged_in: LoggedIn) -> None:
    del world
    browser = logged_in(MERCHANDISER)
    for kind, spec in FEEDS.items():
        page = browser.get(f"/feeds/{kind}").text
        assert all(f"<code>{column.name}</code>" in page for column in spec.columns), kind
        example = browser.get(f"/feeds/{kind}/example")
        assert example.text.splitlines()[0].split(",")[0] in spec.names
        assert f'filename="{kind}.csv"' in example.headers["Content-Disposition"]
    assert browser.get("/feeds/weather").status_code == 404
    assert browser.get("/feeds/weather/example").status_code == 404


def test_a_file_with_bad_rows_is_looked_at_mended_and_loaded(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(ADMIN)

    answer = send(browser, "sales", BAD, "june.csv")
    assert answer.status_code == 303
    page = plain(browser.get(answer.location).text)
    assert "Nothing has changed yet. 2 rows would be loaded, 2 would not." in page
    assert "store_id: &#39;NOWHERE&#39; is no known store" in page
    assert not imports(world, "sales")
    with closing(browser.get(f"{answer.location}/rejects")) as rejected:
        assert rejected.text.splitlines()[1].startswith("4,store_id,NOWHERE,")
    press(browser, f"{answer.location}/throw-away")

    mended = send(browser, "sales", SALES)
    loaded = press(browser, f"{mended.location}/load")
    assert loaded.status_code == 303
    run = plain(browser.get(loaded.location).text)
    assert "sales from june.csv: 2 rows loaded (2 store days on 2026-06-12)." in run
    assert "Brought by ada@example.com" in run
    assert [upload.state for upload in uploads(world)] == [UploadState.THROWN_AWAY, UploadState.LOADED]
    assert "It is loaded" in plain(browser.get(mended.location).text)
    again = plain(browser.get(send(browser, "sales", SALES).location).text)
    assert "Nothing changes: every store and day in it has the same totals already." in again


@pytest.mark.parametrize(
    ("content", "name", "status", "sentence"),
    [
        (b"", "", 422, "Choose a file first."),
        (b"", "empty.csv", 422, "empty.csv was not taken: it is empty."),
        (b"a;b\n1;2\n", "x.csv", 422, "not separated by commas"),
        (SALES.encode("utf-16"), "x.csv", 422, "it is UTF-16 text"),
        (b"day,shop\n1,2\n", "<b>.csv", 422, "&lt;b&gt;.csv was not taken: its header lacks business_date"),
        (b"x" * (1024 * 1024 + 10), "x.csv", 422, "it is larger than 1 MB"),
        (b"x" * (2 * 1024 * 1024), "x.csv", 413, "The file is larger than 1 MB."),
    ],
)
def test_what_cannot_be_taken_is_said_on_the_same_page(
    world: World, logged_in: LoggedIn, content: bytes, name: str, status: int, sentence: str
) -> None:
    answer = send(logged_in(ADMIN), "sales", content, name)

    assert answer.status_code == status
    assert sentence in answer.text
    assert 'type="file"' in answer.text
    assert not uploads(world)


def test_only_who_may_bring_a_file_may_send_so_much(world: World, app: Flask, logged_in: LoggedIn) -> None:
    much = b"x" * (512 * 1024)
    for email, kind in ((MANAGER, "sales"), (MERCHANDISER, "sales"), (ADMIN, "weather")):
        assert send(logged_in(email), kind, much).status_code == 413, (email, kind)
    stranger = app.test_client()
    assert stranger.post("/feeds/sales/upload", **multipart(much, "x.csv")).status_code == 413
    # No other form has more room because of it.
    browser = logged_in(ADMIN)
    form = {"csrf_token": token(browser), "reason": "x" * 100_000, "business_date": "2026-06-13"}
    assert browser.post("/runs/again", data=form).status_code == 413
    assert not uploads(world)


def test_a_merchandiser_brings_calendars_and_nothing_else(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(MERCHANDISER)

    assert send(browser, "sales", SALES).status_code == 403
    assert 'type="file"' not in browser.get("/feeds/sales").text
    other = send(browser, "calendar", CALENDAR.replace("Swim trunks", "Snow boots"))
    assert (other.status_code, "your categories are Swim trunks" in other.text) == (422, True)
    own = send(browser, "calendar", CALENDAR)
    assert press(browser, f"{own.location}/load").status_code == 303
    assert imports(world, "calendar")[0].details["by"] == MERCHANDISER


def test_a_file_is_seen_by_who_brought_it_and_admins_only(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(ADMIN)
    path = send(browser, "sales", SALES).location

    for email, status in ((MERCHANDISER, 404), (MANAGER, 403)):
        other = logged_in(email)
        assert other.get(path).status_code == status
        assert other.get(f"{path}/rejects").status_code == status
        for act in ("load", "check", "throw-away"):
            assert press(other, f"{path}/{act}").status_code == status
    assert uploads(world)[0].state is UploadState.CHECKED
    assert browser.get(f"{path}/rejects").status_code == 404, "it has no rejected rows"
    assert "june.csv" in browser.get("/feeds").text
    assert "june.csv" not in logged_in(MERCHANDISER).get("/feeds").text


def test_a_store_manager_sees_nothing_of_feeds(world: World, logged_in: LoggedIn) -> None:
    del world
    browser = logged_in(MANAGER)
    for path in ("/feeds", "/feeds/sales", "/feeds/sales/example", "/feeds/uploads/1"):
        assert browser.get(path).status_code == 403, path


def test_while_a_night_is_at_work_the_file_is_kept(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(ADMIN)
    path = send(browser, "sales", SALES).location

    with writing_elsewhere(world.database):
        answer = press(browser, f"{path}/load")

    assert answer.status_code == 409
    assert "A night or another import is at work; try again in a few minutes." in plain(answer.text)
    assert press(browser, f"{path}/load").status_code == 303


def test_what_was_loaded_meanwhile_is_looked_at_again_first(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(ADMIN)
    first, second = (send(browser, "sales", SALES).location for _ in range(2))
    press(browser, f"{first}/load")

    answer = press(browser, f"{second}/load")
    assert answer.status_code == 409
    assert "look at it again" in plain(answer.text)
    assert press(browser, f"{second}/check").location == second
    assert "Nothing changes" in plain(browser.get(second).text)
    assert press(browser, f"{second}/load").status_code == 303
    assert len(imports(world, "sales")) == 2


def test_the_pages_ask_the_records_a_bounded_number_of_times(
    world: World, logged_in: LoggedIn, counted: list[str]
) -> None:
    browser = logged_in(ADMIN)
    for number in range(3):
        send(browser, "sales", SALES, f"{number}.csv")
    path = f"/feeds/uploads/{uploads(world)[0].upload_id}"
    for page, most in (("/feeds", 10), ("/feeds/sales", 10), (path, 8)):
        counted.clear()
        assert browser.get(page).status_code == 200
        assert len(counted) <= most, (page, counted)
