"""Runs: what is shown of nights and imports, how far one is, and asking for a night."""

from __future__ import annotations

import csv
import io
import re
from contextlib import closing
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event, select

from data.records import Person, QueueState, Run, RunKind, RunRequest, RunState, RunStep
from data.run_queue import beat
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, World, form_token
from tests.unit.web.making import NIGHT, NOW

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database
    from data.settings import Settings

    LoggedIn = Callable[[str], FlaskClient]

YESTERDAY = NIGHT - timedelta(days=1)


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def press(browser: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": form_token(browser.get("/runs").text), **fields})


def ask(browser: FlaskClient, **changes: Any) -> TestResponse:
    return press(
        browser, "/runs/again", **({"business_date": NIGHT.isoformat(), "reason": "stock"} | changes)
    )


def add_run(database: Database, **values: Any) -> int:
    defaults = {
        "kind": RunKind.NIGHT,
        "business_date": YESTERDAY,
        "state": RunState.SUCCEEDED,
        "started_at": NOW,
    }
    with database.write() as session:
        run = Run(**(defaults | {"details": {}} | values))
        session.add(run)
        session.flush()
        return run.run_id


def at_work(database: Database) -> int:
    """A night in its second step, the night before having taken a minute for each of four."""
    names = ("ingest", "panel", "forecast", "mail")
    minute = timedelta(minutes=1)
    add_run(
        database,
        business_date=NIGHT + timedelta(days=1),
        finished_at=NOW + 4 * minute,
        steps=[
            RunStep(position=n, name=name, state=RunState.SUCCEEDED, started_at=NOW, finished_at=NOW + minute)
            for n, name in enumerate(names)
        ],
    )
    now = datetime.now(tz=NOW.tzinfo)
    done = RunStep(
        position=0, name="ingest", state=RunState.SUCCEEDED, started_at=now, finished_at=now, rows=5
    )
    step = RunStep(position=1, name="forecast", state=RunState.RUNNING, started_at=now, done=12, total=40)
    return add_run(
        database,
        business_date=NIGHT + timedelta(days=2),
        state=RunState.RUNNING,
        started_at=now,
        steps=[done, step],
    )


def requests_of(database: Database) -> list[RunRequest]:
    with database.read() as session:
        return list(session.scalars(select(RunRequest).order_by(RunRequest.request_id)))


@pytest.fixture
def counted(world: World) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _cur: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(world.database.engine, "before_cursor_execute", note)
    yield statements
    event.remove(world.database.engine, "before_cursor_execute", note)


def test_a_night_at_work_tells_its_step_and_about_how_long_it_takes(
    world: World, logged_in: LoggedIn
) -> None:
    run_id = at_work(world.database)

    page = logged_in(ADMIN).get(f"/runs/{run_id}").text

    assert "Step 2 of 4: Forecast what customers want, 12 of 40 categories." in plain(page)
    assert "About 3 minutes to go, going by last night." in plain(page)
    assert re.search("Send the mails . To come 1 min 0 s the night before", plain(page))
    assert f'data-refresh="/runs/{run_id}/progress"' in page
    assert "data-busy" in page
    assert "http-equiv" not in page


def test_its_part_of_the_page_can_be_fetched_alone(world: World, logged_in: LoggedIn) -> None:
    run_id = at_work(world.database)
    browser = logged_in(ADMIN)

    part = browser.get(f"/runs/{run_id}/progress").text
    now = browser.get("/runs/now").text

    assert "<html" not in part
    assert "data-busy" in part
    assert "12 of 40 categories" in part
    assert f'href="/runs/{run_id}"' in now
    assert "data-busy" in now


def test_a_night_that_is_over_asks_for_no_refreshing(world: World, logged_in: LoggedIn) -> None:
    page = logged_in(ADMIN).get(f"/runs/{world.night}").text

    assert "data-busy" not in page
    assert ">Refresh<" not in page


def test_a_night_that_failed_says_why_and_what_to_do(world: World, logged_in: LoggedIn) -> None:
    why = "No sales or stock up to 2026-06-14 have been loaded: run `inseason import` first."
    run_id = add_run(
        world.database, business_date=NIGHT + timedelta(days=1), state=RunState.FAILED, summary=why
    )

    page = plain(logged_in(ADMIN).get(f"/runs/{run_id}").text)

    assert f"It failed. {why}" in page
    assert "tries this one again an hour after it failed" in page


def test_the_list_is_cut_by_kind_and_state_in_the_address(world: World, logged_in: LoggedIn) -> None:
    add_run(world.database, state=RunState.FAILED, summary="the disk is full")
    browser = logged_in(ADMIN)

    nights = plain(browser.get("/runs?kind=night").text)
    failed = plain(browser.get("/runs?kind=night&state=failed").text)
    nothing = plain(browser.get("/runs?kind=backtest").text)

    assert "2 alerts opened" in nights
    assert "sales.csv" not in nights
    assert "the disk is full" in failed
    assert "2 alerts opened" not in failed
    assert "Nothing of that kind" in nothing
    assert browser.get("/runs?kind=unheard&state=of&before=x").status_code == 200


def test_older_pages_keep_the_filters(world: World, logged_in: LoggedIn) -> None:
    for number in range(35):
        add_run(
            world.database, kind=RunKind.IMPORT, business_date=None, feed="sales", summary=f"file {number}"
        )
    browser = logged_in(ADMIN)

    first = browser.get("/runs?kind=import").text
    older = re.search(r'href="(/runs\?before=\d+&amp;kind=import)"', first)
    assert older
    second = plain(browser.get(older[1].replace("&amp;", "&")).text)

    assert "file 34" in first
    assert "file 4 " in second
    assert "file 34" not in second


def test_the_runs_are_a_file_as_filtered(world: World, logged_in: LoggedIn) -> None:
    add_run(
        world.database,
        kind=RunKind.IMPORT,
        business_date=None,
        feed="stock",
        details={"file": "=cmd()", "rows_loaded": 7, "by": "ada@example.com"},
        summary="stock",
    )

    answer = logged_in(ADMIN).get("/runs?kind=import&as=csv")
    rows = list(csv.DictReader(io.StringIO(answer.get_data().decode("utf-8-sig"))))

    assert {row["kind"] for row in rows} == {"import"}
    assert rows[0]["file"] == "'=cmd()"
    assert (rows[0]["rows_loaded"], rows[0]["by"], rows[0]["feed"]) == ("7", "ada@example.com", "stock")
    assert logged_in(ADMIN).get("/runs?as=xlsx").status_code == 200


def test_a_night_is_asked_for_with_a_reason_and_waits_in_sight(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(MERCHANDISER)
    assert "Nobody runs nights at the moment. Start inseason scheduler" in plain(browser.get("/runs").text)

    answer = ask(browser, reason="  the  exit of swimwear\nwas moved ")

    assert answer.status_code == 303
    (request,) = requests_of(world.database)
    assert (request.business_date, request.asked_by, request.reason) == (
        NIGHT, MERCHANDISER, "the exit of swimwear was moved",
    )  # fmt: skip
    page = browser.get("/runs").text
    assert "it waits until somebody runs nights" in plain(page)
    assert "data-busy" in page
    with world.database.read() as session:
        assert session.get_one(Run, world.night).state is RunState.SUCCEEDED, "the web runs nothing itself"


def test_while_the_scheduler_lives_nobody_is_warned(world: World, logged_in: LoggedIn) -> None:
    beat(world.database, datetime.now(tz=NOW.tzinfo))
    browser = logged_in(ADMIN)
    ask(browser)

    page = plain(browser.get("/runs").text)

    assert "Nobody runs nights" not in page
    assert "the scheduler takes it up within a minute" in page


@pytest.mark.parametrize(
    ("fields", "status", "sentence"),
    [
        ({"reason": ""}, 400, "Say in a few words why"),
        ({"reason": "x" * 400}, 400, "A reason has at most 300 characters."),
        ({"business_date": "tomorrow"}, 400, "Choose the day whose night is to run."),
        ({"business_date": "2027-01-01"}, 400, "is not over in every store yet"),
        ({"business_date": YESTERDAY.isoformat()}, 400, "A later night, that of 2026-06-13, has run"),
    ],
)
def test_what_cannot_be_asked_for_is_said_on_the_same_page(
    world: World, logged_in: LoggedIn, fields: dict[str, str], status: int, sentence: str
) -> None:
    answer = ask(logged_in(ADMIN), **fields)

    assert answer.status_code == status
    assert sentence in plain(answer.text)
    assert f'value="{fields.get("reason", "stock")}"' in answer.text
    assert not requests_of(world.database)


def test_who_asks_second_is_told_that_it_waits_already(world: World, logged_in: LoggedIn) -> None:
    ask(logged_in(ADMIN))

    answer = ask(logged_in(MERCHANDISER))

    assert answer.status_code == 409
    assert "This night is asked for already" in plain(answer.text)
    assert len(requests_of(world.database)) == 1


def test_what_waits_can_be_withdrawn_until_it_begins(world: World, logged_in: LoggedIn) -> None:
    admin, other = logged_in(ADMIN), logged_in(MERCHANDISER)
    ask(admin)
    (request,) = requests_of(world.database)
    path = f"/runs/requests/{request.request_id}/withdraw"
    assert path in admin.get("/runs").text
    assert path not in other.get("/runs").text

    assert press(other, path).status_code == 403
    assert press(admin, path).status_code == 303
    assert press(admin, path).status_code == 409

    assert [asked.state for asked in requests_of(world.database)] == [QueueState.WITHDRAWN]
    assert press(admin, "/runs/requests/99/withdraw").status_code == 404


def test_a_store_manager_sees_and_asks_nothing_of_it(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(MANAGER)
    for path in (
        "/runs",
        "/runs/now",
        f"/runs/{world.night}",
        f"/runs/{world.night}/progress",
        "/runs?as=csv",
    ):
        assert browser.get(path).status_code == 403, path
    token = form_token(browser.get("/alerts").text)
    answer = browser.post("/runs/again", data={"csrf_token": token, "business_date": NIGHT, "reason": "x"})
    assert answer.status_code == 403


def rejected_import(world: World, settings: Settings, **details: Any) -> tuple[int, Path]:
    folder = settings.var / "rejects"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "calendar-20260614T120000Z.csv"
    path.write_text("line,column,value,reason\n2,exit,soon,exit: is no date\n", encoding="utf-8")
    fault = {"line": 2, "column": "exit", "reason": "exit: 'soon' is no date", "rows": 3}
    told = {"rows_read": 9, "rows_loaded": 6, "rows_rejected": 3, "rejects": str(path), "faults": [fault]}
    run_id = add_run(
        world.database, kind=RunKind.IMPORT, business_date=None, feed="calendar", details=told | details
    )
    return run_id, path


def test_rejected_rows_are_told_and_handed_out_from_their_folder_only(
    world: World, settings: Settings, logged_in: LoggedIn
) -> None:
    run_id, path = rejected_import(world, settings)
    elsewhere, _ = rejected_import(world, settings, rejects=str(settings.var / "secret_key"))
    browser = logged_in(ADMIN)

    page = browser.get(f"/runs/{run_id}").text
    assert "exit: &#39;soon&#39; is no date" in page
    with closing(browser.get(f"/runs/{run_id}/rejects")) as answer:
        assert (answer.status_code, answer.get_data()) == (200, path.read_bytes())
        assert "attachment" in answer.headers["Content-Disposition"]
    assert browser.get(f"/runs/{elsewhere}/rejects").status_code == 404
    # Jonas looks after swim trunks only, and these rows may be of any category.
    assert logged_in(MERCHANDISER).get(f"/runs/{run_id}/rejects").status_code == 404
    own, _ = rejected_import(world, settings, by=MERCHANDISER)
    with closing(logged_in(MERCHANDISER).get(f"/runs/{own}/rejects")) as answer:
        assert answer.status_code == 200
    path.unlink()
    assert "is deleted by now" in plain(browser.get(f"/runs/{run_id}").text)


def test_a_night_done_again_shows_what_came_of_it_before(world: World, logged_in: LoggedIn) -> None:
    with world.database.write() as session:
        run = session.get_one(Run, world.night)
        run.do_again(NOW + timedelta(hours=1))
        run.succeed(NOW + timedelta(hours=2), "3 alerts opened")

    page = plain(logged_in(ADMIN).get(f"/runs/{world.night}").text)

    assert "3 alerts opened" in page
    assert "Earlier the same night 2 alerts opened" in page


def test_the_pages_ask_the_records_a_bounded_number_of_times(
    world: World, logged_in: LoggedIn, counted: list[str]
) -> None:
    browser = logged_in(ADMIN)
    for number in range(40):
        add_run(world.database, kind=RunKind.IMPORT, business_date=None, feed="sales", summary=str(number))
    run_id = at_work(world.database)
    most = {"/runs": 18, f"/runs/{run_id}": 12, f"/runs/{run_id}/progress": 9, "/runs/now": 12}
    for path, number in most.items():
        counted.clear()
        assert browser.get(path).status_code == 200
        assert len(counted) <= number, (path, counted)


def test_somebody_without_the_role_any_more_cannot_ask(app: Flask, world: World, logged_in: LoggedIn) -> None:
    del app
    browser = logged_in(MERCHANDISER)
    browser.get("/runs")
    token = form_token(browser.get("/runs").text)
    with world.database.write() as session:
        session.scalars(select(Person).where(Person.email == MERCHANDISER)).one().is_active = False

    answer = browser.post("/runs/again", data={"csrf_token": token, "business_date": NIGHT, "reason": "x"})

    assert answer.status_code in {302, 303, 400}
    assert not requests_of(world.database)
