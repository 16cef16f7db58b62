from __future__ import annotations

import re
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import event, update

from data.records import Alert, AlertEvent, Condition, Run, RunState, Status
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    World,
    add_alerts,
    alert_of,
    form_token,
    press,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from flask.testing import FlaskClient

    from data.database import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """What is asked of the database meanwhile."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith("BEGIN"):
            asked.append(statement)

    event.listen(database.engine, "before_cursor_execute", note)
    yield asked
    event.remove(database.engine, "before_cursor_execute", note)


def shown(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<h2><a href="/alerts/(\d+)"', page)]


def forget_alerts(database: Database) -> None:
    """As if no alert had ever been told to anybody: their history cannot be dropped."""
    with database.write() as records:
        records.execute(update(Alert).values(status=Status.RESOLVED, opened_on=None))


def test_the_list_asks_the_same_number_of_questions_however_long_it_is(
    database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(ADMIN)
    with statements(database) as few:
        browser.get("/alerts")
    add_alerts(database, 40)
    with statements(database) as many:
        assert len(shown(browser.get("/alerts").text)) == 25
    assert len(many) == len(few) <= 12


@pytest.mark.parametrize(
    ("path", "most"),
    [
        ("/alerts/{own_alert}", 20),
        ("/find", 6),
        ("/find?store=PHX1&q=style", 9),
        ("/find?store=PHX1&style=STYLE-0&size=", 18),
        ("/decisions", 10),
        ("/mails", 9),
        ("/runs", 12),
        ("/runs/{night}", 10),
        ("/mails/{own_mail}", 9),
    ],
)
def test_no_page_asks_many_questions(
    path: str, most: int, world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(ADMIN)
    with statements(world.database) as asked:
        assert browser.get(path.format(**vars(world))).status_code == 200
    assert len(asked) <= most


def test_the_pages_of_the_list_hold_every_alert_once_worst_first(
    database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    add_alerts(database, 60)
    browser, path, seen = logged_in(MANAGER), "/alerts", []
    while path:
        page = browser.get(path).text
        seen += shown(page)
        following = re.search(r'href="([^"]+)">Next page', page)
        path = following[1].replace("&amp;", "&") if following else ""
    assert len(seen) == len(set(seen)) == 61
    with database.read() as records:
        worth = {alert.alert_id: (alert.money_lost, alert.units_lost) for alert in records.query(Alert)}
    assert [worth[alert_id] for alert_id in seen] == sorted((worth[a] for a in seen), reverse=True)


@pytest.mark.parametrize(
    "after",
    [
        "nonsense", "1_2", "a_b_c", "NaN_1_2_3", "NaN_1_1", "sNaN_1_1", "Infinity_1_1", "1_nan_1",
        "1_1e999_1", "1E%2B999999_1_1", "1_1_-1", f"1_1_{2**31}", f"1_1_{'9' * 30}", f"1_1_{'9' * 5000}",
    ],
)  # fmt: skip
def test_a_broken_place_in_the_list_is_its_beginning(
    after: str, world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    answer = logged_in(MANAGER).get(f"/alerts?after={after}")
    assert answer.status_code == 200
    assert shown(answer.text) == [world.own_alert]


@pytest.mark.parametrize("path", ["/runs", "/mails"])
@pytest.mark.parametrize("before", ["nonsense", "-1", str(2**31), "9" * 30])
def test_a_broken_place_in_other_lists_is_their_beginning(
    path: str, before: str, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(ADMIN)
    pages = [browser.get(address).text for address in (f"{path}?before={before}", path)]
    # The token of a form carries the second in which it was made.
    pages = [page.replace(form_token(page), "") for page in pages]
    assert pages[0] == pages[1]


@pytest.mark.parametrize("number", [str(2**31 - 1), str(2**31), str(2**63), "9" * 30])
def test_a_number_that_no_record_has_is_no_page(number: str, logged_in: Callable[[str], FlaskClient]) -> None:
    browser = logged_in(ADMIN)
    for path in ("/alerts/{}", "/alerts/{}/chart.svg", "/runs/{}", "/mails/{}", "/mails/{}/body"):
        assert browser.get(path.format(number)).status_code == 404, path
    assert press(browser, f"/alerts/{number}/acknowledge").status_code == 404


@pytest.mark.parametrize(
    "path", ["/alerts?store=%00", "/alerts?category=a%00b", "/alerts?rule=%00", "/%00", "/static/%00"]
)
def test_a_nul_in_an_address_is_no_page(path: str, logged_in: Callable[[str], FlaskClient]) -> None:
    assert logged_in(ADMIN).get(path).status_code == 404


def test_the_list_says_how_much_is_at_stake(logged_in: Callable[[str], FlaskClient]) -> None:
    page = logged_in(MANAGER).get("/alerts").text
    assert re.search(r"1 alert,\s*<span class=\"nowrap\">\$1.3k at risk", page)
    assert "you hold 6, none in M." in page


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("", 2),
        ("?store=PHX1", 1),
        ("?category=Snow+boots", 1),
        ("?rule=stockout_in_season", 1),
        ("?rule=stockout_in_season&store=PHX1", 0),
        ("?status=acknowledged", 0),
        ("?status=unheard-of", 2),
    ],
)
def test_the_list_is_filtered_by_its_address(
    query: str, number: int, logged_in: Callable[[str], FlaskClient]
) -> None:
    assert len(shown(logged_in(ADMIN).get(f"/alerts{query}").text)) == number


def test_with_no_alert_all_is_well_and_the_night_is_named(
    database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    forget_alerts(database)
    page = logged_in(MANAGER).get("/alerts").text
    assert "All is well" in page
    assert "13 June" in page


@pytest.mark.parametrize(
    ("condition", "told"), [("firing", "2 are taken on."), ("unknown", "2 are taken on; the figures of 2")]
)
def test_nothing_open_is_not_all_is_well_while_alerts_are_taken_on(
    condition: str, told: str, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    with database.write() as records:
        records.execute(update(Alert).values(status=Status.ACKNOWLEDGED, condition=Condition(condition)))
    page = logged_in(ADMIN).get("/alerts").text
    assert "All is well" not in page
    assert "Nothing open" in page
    assert told in page


def test_what_is_not_theirs_to_see_does_not_trouble_anybody(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.alert_id == world.own_alert).values(status=Status.RESOLVED))
    assert "All is well" in logged_in(MANAGER).get("/alerts").text
    assert "All is well" not in logged_in(ADMIN).get("/alerts").text


@pytest.mark.parametrize("query", ["?store=PHX1", "?category=Snow+boots", "?rule=stockout_in_season"])
def test_an_empty_list_with_a_filter_says_only_that_nothing_matches(
    query: str, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    forget_alerts(database)
    page = logged_in(ADMIN).get(f"/alerts{query}").text
    assert "Nothing matches" in page
    assert "All is well" not in page


def test_an_alert_whose_season_is_over_says_so(world: World, logged_in: Callable[[str], FlaskClient]) -> None:
    with world.database.write() as records:
        alert = records.merge(alert_of(world.database, world.own_alert))
        records.refresh(alert, ["events"])
        alert.expires(business_date=alert.evaluated_on, now=datetime.now(UTC))
    browser = logged_in(MANAGER)
    assert shown(browser.get("/alerts").text) == shown(browser.get("/alerts?status=resolved").text) == []
    over = browser.get("/alerts?status=expired").text
    assert shown(over) == [world.own_alert]
    assert re.search(r'aria-current="page">Expired<', over)
    page = browser.get(f"/alerts/{world.own_alert}").text
    assert "its season is over" in page
    assert "any more" not in page
    assert "I take it on" not in page


@pytest.mark.parametrize(("state", "told"), [("failed", "did not finish"), ("running", "is still running")])
def test_an_empty_list_after_a_night_that_broke_proves_nothing(
    state: str, told: str, database: Database, logged_in: Callable[[str], FlaskClient]
) -> None:
    forget_alerts(database)
    with database.write() as records:
        records.execute(update(Run).where(Run.kind == "night").values(state=RunState(state)))
    page = logged_in(MANAGER).get("/alerts").text
    assert told in page
    assert "All is well" not in page


def test_before_the_first_night_the_list_says_so(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    forget_alerts(world.database)
    with world.database.write() as records:
        night = records.get(Run, world.night)
        assert night
        night.business_date = None
        night.kind = night.kind.IMPORT
    assert "No night has run yet" in logged_in(MANAGER).get("/alerts").text


def test_an_alert_tells_why_how_sure_which_sizes_and_its_history(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    page = logged_in(MANAGER).get(f"/alerts/{world.own_alert}").text
    assert "Swim trunks: 6 can still be served after 5 July" in page
    assert "Stock the chain already owns could serve 6 of them." in page
    assert "Observed: stores in this climate" in page
    assert re.search(r'class="missing">\s*<th scope="row">M', page)
    assert f'src="/alerts/{world.own_alert}/chart.svg' in page
    assert '<td class="num">12.8</td>' in page.replace("13</td>", "12.8</td>")
    assert "by the night" in page


def test_an_alert_shows_what_it_rests_on_and_what_moves_it(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    with world.database.write() as records:
        alert = records.get(Alert, world.own_alert)
        assert alert
        alert.evidence = "borrowed"
        alert.drivers = {
            "weekly": 12.3, "times": 2.1, "season": 1.75, "warmth": 1.2, "holidays": 1.0, "elasticity": 1.7,
            "asked": 0.0, "evidence": {"borrowed": 1.0}, "stores_here": 0, "stores_elsewhere": 4,
        }  # fmt: skip
    label = '<span class="evidence evidence-borrowed">borrowed from elsewhere</span>'
    browser = logged_in(MANAGER)
    page = browser.get(f"/alerts/{world.own_alert}").text
    assert "customers here want about 12 a week on average" in page
    assert "4 stores elsewhere did." in page
    assert label in page
    assert label in browser.get("/alerts").text


def test_taking_an_alert_on_is_remembered_with_who_and_when(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MANAGER)
    answer = press(browser, f"/alerts/{world.own_alert}/acknowledge")
    assert answer.location == f"/alerts/{world.own_alert}"
    page = browser.get(answer.location).text
    assert "Taken on by Maya Ortiz" in re.sub(r"</?strong>|\s+", " ", page).replace("  ", " ")
    assert "I take it on" not in page
    assert shown(browser.get("/alerts").text) == []
    assert shown(browser.get("/alerts?status=acknowledged").text) == [world.own_alert]


def test_pressing_twice_is_once(world: World, logged_in: Callable[[str], FlaskClient]) -> None:
    browser = logged_in(MANAGER)
    path = f"/alerts/{world.own_alert}/acknowledge"
    assert [press(browser, path).status_code for _ in range(2)] == [303, 303]
    with world.database.read() as records:
        assert records.query(AlertEvent).filter_by(alert_id=world.own_alert).count() == 2


def test_who_comes_second_is_told_who_was_first(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    path = f"/alerts/{world.own_alert}/acknowledge"
    press(logged_in(MANAGER), path)
    answer = press(logged_in(MERCHANDISER), path)
    assert answer.status_code == 409
    assert "already taken on by Maya Ortiz" in answer.text


def test_an_alert_that_is_over_cannot_be_taken_on(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    with world.database.write() as records:
        alert = records.merge(alert_of(world.database, world.own_alert))
        records.refresh(alert, ["events"])
        for nights in (1, 2):
            alert.clears(business_date=alert.evaluated_on + timedelta(days=nights), now=datetime.now(UTC))
    answer = press(logged_in(MANAGER), f"/alerts/{world.own_alert}/acknowledge")
    assert answer.status_code == 409
    assert "resolved" in answer.text


def test_a_run_is_shown_with_its_steps_rows_and_duration(
    world: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    browser = logged_in(MERCHANDISER)
    assert "Night of" in browser.get("/runs").text
    page = browser.get(f"/runs/{world.night}").text
    steps = ("Load the files that wait", "Forecast what customers want")
    for told in (*steps, "1,200 rows", "4.0 s", "48.0 s", "2 alerts opened"):
        assert told in page, told


def test_a_mail_is_shown_as_it_was_written(world: World, logged_in: Callable[[str], FlaskClient]) -> None:
    browser = logged_in(MANAGER)
    page = browser.get(f"/mails/{world.own_mail}").text
    assert "Kept here; no mail server is set" in page
    assert "Swim trunks will leave the floor" in page
    body = browser.get(f"/mails/{world.own_mail}/body").text
    assert '<head><base target="_top">' in body
    assert '<p style="color: red">Hello</p>' in body


def test_the_navigation_offers_only_where_its_reader_may_go(logged_in: Callable[[str], FlaskClient]) -> None:
    for email, runs in ((MANAGER, False), (ADMIN, True)):
        assert ('href="/runs"' in logged_in(email).get("/alerts").text) is runs
