"""What people do to alerts on the page and on the list, alone and at once."""

from __future__ import annotations

import re
from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from data.records import Alert, AlertEvent, Condition, DismissReason, Person, Scope, Status
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    TODAY,
    World,
    add_alerts,
    alert_of,
    form_token,
)
from tests.unit.web.making import make_alert
from web.access import visible_alerts

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    from data.database import Database

    LoggedIn = Callable[[str], FlaskClient]


def send(browser: FlaskClient, path: str, **fields: Any) -> TestResponse:
    """Send a form with its token and what somebody put into it."""
    return browser.post(path, data={"csrf_token": form_token(browser.get("/alerts").text), **fields})


def events(database: Database, alert_id: int) -> list[AlertEvent]:
    with database.read() as records:
        query = select(AlertEvent).where(AlertEvent.alert_id == alert_id).order_by(AlertEvent.event_id)
        return list(records.scalars(query))


def shown(page: str) -> list[int]:
    return [int(found) for found in re.findall(r'<h2><a href="/alerts/(\d+)"', page)]


def plain(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))


def in_zone(database: Database) -> tuple[int, int]:
    """An alert of the hot zone that gathers the first store's; their ids."""
    with database.write() as records:
        zone = make_alert(
            None,
            scope=Scope.ZONE,
            store_id="",
            style_id="",
            climate_zone="hot",
            money_lost=Decimal(5000),
            details={"style_name": "Swim trunks", "figures": {"stores": 1, "styles": 1}},
        )
        records.add(zone)
        records.flush()
        child = records.scalars(select(Alert).where(Alert.store_id == "PHX1")).one()
        child.parent_id = zone.alert_id
        return zone.alert_id, child.alert_id


@pytest.mark.parametrize(
    ("fields", "until", "told"),
    [
        ({"until": "week"}, TODAY + timedelta(days=7), "Put off until 21 June, or until it gets worse."),
        ({"until": "fortnight"}, TODAY + timedelta(days=14), "until 28 June"),
        ({"until": "worse"}, None, "Put off until it gets worse."),
        ({"until": "day", "day": "2026-07-01"}, date(2026, 7, 1), "until 1 July"),
        ({"until": "week", "day": "2026-07-01"}, date(2026, 7, 1), "until 1 July"),
    ],
)
def test_an_alert_is_put_off_until_a_day_or_until_it_gets_worse(
    world: World, logged_in: LoggedIn, fields: dict[str, str], until: date | None, told: str
) -> None:
    browser = logged_in(MANAGER)
    answer = send(browser, f"/alerts/{world.own_alert}/snooze", seen="open", **fields)

    assert answer.status_code == 303
    alert = alert_of(world.database, world.own_alert)
    assert (alert.status, alert.snoozed_until, alert.baseline_units) == (Status.SNOOZED, until, 38.2)
    assert told in plain(browser.get(answer.location).text)
    assert shown(browser.get("/alerts").text) == []
    assert shown(browser.get("/alerts?status=snoozed").text) == [world.own_alert]


@pytest.mark.parametrize(
    "fields", [{}, {"until": "day"}, {"until": "day", "day": "2026-06-14"}, {"day": "x"}]
)
def test_without_a_day_to_come_nothing_is_put_off(
    world: World, logged_in: LoggedIn, fields: dict[str, str]
) -> None:
    answer = send(logged_in(MANAGER), f"/alerts/{world.own_alert}/snooze", **fields)

    assert answer.status_code == 400
    assert "Choose" in answer.text
    assert alert_of(world.database, world.own_alert).status is Status.OPEN


def test_a_dismissal_says_why_and_is_read_again_in_the_history(world: World, logged_in: LoggedIn) -> None:
    browser = logged_in(MANAGER)
    fields = {"reason": "data_error", "note": "we counted  forty"}
    answer = send(browser, f"/alerts/{world.own_alert}/dismiss", seen="open", **fields)

    alert = alert_of(world.database, world.own_alert)
    assert (alert.status, alert.dismissed_as) == (Status.DISMISSED, DismissReason.DATA_ERROR)
    page = plain(browser.get(answer.location).text)
    assert "Dismissed: the figures are wrong" in page
    assert "Dismissed by Maya Ortiz" in page
    assert "the figures are wrong: we counted forty" in page
    assert shown(browser.get("/alerts?status=dismissed").text) == [world.own_alert]


@pytest.mark.parametrize(
    "fields", [{}, {"reason": "too_much_work"}, {"reason": "other"}, {"reason": "other", "note": "x" * 501}]
)
def test_a_dismissal_without_a_reason_of_the_list_is_refused(
    world: World, logged_in: LoggedIn, fields: dict[str, str]
) -> None:
    answer = send(logged_in(MANAGER), f"/alerts/{world.own_alert}/dismiss", **fields)

    assert answer.status_code == 400
    assert alert_of(world.database, world.own_alert).status is Status.OPEN


@pytest.mark.parametrize(
    ("path", "fields"),
    [("acknowledge", {}), ("snooze", {"until": "week"}), ("dismiss", {"reason": "duplicate"})],
)
def test_what_somebody_has_just_done_can_be_taken_back(
    world: World, logged_in: LoggedIn, path: str, fields: dict[str, str]
) -> None:
    browser = logged_in(MANAGER)
    answer = send(browser, f"/alerts/{world.own_alert}/{path}", **fields)
    assert "Take that back" in browser.get(answer.location).text

    send(browser, f"/alerts/{world.own_alert}/undo")

    alert = alert_of(world.database, world.own_alert)
    assert (alert.status, alert.dismissed_as, alert.closed_on) == (Status.OPEN, None, None)
    page = browser.get(f"/alerts/{world.own_alert}").text
    assert "Taken back by Maya Ortiz" in plain(page)
    assert "Take that back" not in page


def test_nobody_takes_back_what_somebody_else_did(world: World, logged_in: LoggedIn) -> None:
    send(logged_in(MANAGER), f"/alerts/{world.own_alert}/acknowledge")
    other = logged_in(MERCHANDISER)

    assert "Take that back" not in other.get(f"/alerts/{world.own_alert}").text
    answer = send(other, f"/alerts/{world.own_alert}/undo")
    assert answer.status_code == 409
    assert "Only your own last change" in answer.text


@pytest.mark.parametrize("status", [Status.ACKNOWLEDGED, Status.SNOOZED, Status.DISMISSED])
def test_an_alert_can_be_opened_again(world: World, logged_in: LoggedIn, status: Status) -> None:
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.alert_id == world.own_alert).values(status=status))
    browser = logged_in(MANAGER)
    words = "Give it back" if status is Status.ACKNOWLEDGED else "Open it again"
    assert words in browser.get(f"/alerts/{world.own_alert}").text

    send(browser, f"/alerts/{world.own_alert}/reopen", seen=str(status))

    assert alert_of(world.database, world.own_alert).status is Status.OPEN


def test_an_old_alert_is_not_opened_beside_a_newer_one_about_the_same(
    world: World, logged_in: LoggedIn
) -> None:
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.alert_id == world.own_alert).values(status="dismissed"))
        records.add(make_alert(None))

    answer = send(logged_in(MANAGER), f"/alerts/{world.own_alert}/reopen")

    assert answer.status_code == 409
    assert "There is a newer alert" in answer.text


@pytest.mark.parametrize(
    ("path", "fields"),
    [("acknowledge", {}), ("snooze", {"until": "week"}), ("dismiss", {"reason": "duplicate"})],
)
def test_whoever_acts_on_what_somebody_else_has_changed_is_told_who_and_changes_nothing(
    world: World, logged_in: LoggedIn, path: str, fields: dict[str, str]
) -> None:
    send(logged_in(MANAGER), f"/alerts/{world.own_alert}/acknowledge", seen="open")

    answer = send(logged_in(MERCHANDISER), f"/alerts/{world.own_alert}/{path}", seen="open", **fields)

    assert answer.status_code == 409
    assert "Maya Ortiz has taken this on meanwhile." in answer.text
    assert alert_of(world.database, world.own_alert).status is Status.ACKNOWLEDGED


def test_of_two_who_take_an_alert_on_at_once_one_owns_it_and_the_other_is_told_who(
    world: World, logged_in: LoggedIn
) -> None:
    browsers = {email: logged_in(email) for email in (MANAGER, MERCHANDISER, ADMIN)}
    tokens = {email: form_token(browser.get("/alerts").text) for email, browser in browsers.items()}
    together, answers = Barrier(len(browsers)), {}

    def press(email: str) -> None:
        form = {"csrf_token": tokens[email], "seen": "open"}
        together.wait(10)
        answers[email] = browsers[email].post(f"/alerts/{world.own_alert}/acknowledge", data=form)

    threads = [Thread(target=press, args=(email,)) for email in browsers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    codes = {email: answer.status_code for email, answer in answers.items()}
    assert sorted(codes.values()) == [303, 409, 409]
    [owner] = [email for email, code in codes.items() if code == 303]
    name = {MANAGER: "Maya Ortiz", MERCHANDISER: "Jonas Lind", ADMIN: "Ada Okafor"}[owner]
    for email, answer in answers.items():
        assert (f"{name} has taken this on meanwhile" in answer.text) is (email != owner)
    taken = [event.who for event in events(world.database, world.own_alert) if event.what == "acknowledge"]
    assert taken == [owner]


def test_the_ticked_alerts_are_taken_on_together_and_what_somebody_else_has_is_named(
    world: World, logged_in: LoggedIn
) -> None:
    add_alerts(world.database, 3)
    send(logged_in(MERCHANDISER), f"/alerts/{world.own_alert}/acknowledge", seen="open")
    browser = logged_in(MANAGER)
    ids = shown(browser.get("/alerts").text)

    answer = send(
        browser, "/alerts/acknowledge?rule=stockout_in_season", seen="open", alert=[world.own_alert, *ids]
    )

    assert answer.location == "/alerts?rule=stockout_in_season"
    page = plain(browser.get("/alerts").text)
    assert "3 alerts taken on." in page
    assert "Swim trunks: Jonas Lind has taken this on meanwhile." in page
    assert {alert_of(world.database, each).status for each in ids} == {Status.ACKNOWLEDGED}


def test_the_ticked_alerts_are_put_off_together(world: World, logged_in: LoggedIn) -> None:
    add_alerts(world.database, 2)
    browser = logged_in(MANAGER)
    ids = shown(browser.get("/alerts").text)

    send(browser, "/alerts/snooze", seen="open", alert=ids[:2], until="fortnight")

    assert [alert_of(world.database, each).status for each in ids] == ["snoozed", "snoozed", "open"]


def test_nobody_changes_together_what_is_not_theirs(world: World, logged_in: LoggedIn) -> None:
    answer = send(logged_in(NEIGHBOUR), "/alerts/acknowledge", alert=[world.other_alert, world.own_alert])

    assert answer.status_code == 404
    assert alert_of(world.database, world.own_alert).status is Status.OPEN


@pytest.mark.parametrize("ticked", [["x"], ["-1"], [str(2**31)], [str(n) for n in range(26)]])
def test_ticks_that_no_list_offers_are_refused(logged_in: LoggedIn, ticked: list[str]) -> None:
    assert send(logged_in(MANAGER), "/alerts/acknowledge", alert=ticked).status_code == 400


def test_nothing_ticked_changes_nothing_and_says_so(logged_in: LoggedIn) -> None:
    browser = logged_in(MANAGER)
    answer = send(browser, "/alerts/acknowledge")
    assert "Tick the alerts first." in browser.get(answer.location).text


def test_whoever_looks_after_all_stores_sees_the_zones_alert_in_place_of_its_stores(
    world: World, logged_in: LoggedIn
) -> None:
    zone, child = in_zone(world.database)
    buyer = logged_in(MERCHANDISER)

    page = buyer.get("/alerts").text
    assert shown(page) == [zone]
    assert "1 alert, $5.0k at risk" in plain(page)
    assert "The hot zone" in page
    assert shown(buyer.get(f"/alerts?group={zone}").text) == [child]
    assert shown(buyer.get("/alerts?store=PHX1").text) == [child]
    assert f'href="/alerts/{child}">Phoenix North' in buyer.get(f"/alerts/{zone}").text
    assert f'href="/alerts/{zone}">The whole zone' in buyer.get(f"/alerts/{child}").text


def test_a_store_manager_sees_the_own_alert_and_nothing_of_the_zone(
    world: World, logged_in: LoggedIn
) -> None:
    zone, child = in_zone(world.database)
    manager = logged_in(MANAGER)

    assert shown(manager.get("/alerts").text) == [child]
    assert manager.get(f"/alerts/{zone}").status_code == 404
    assert "The whole zone" not in manager.get(f"/alerts/{child}").text
    assert shown(manager.get(f"/alerts?group={zone}").text) == [child]


def test_the_stores_are_shown_again_when_their_zones_alert_is_over(world: World, logged_in: LoggedIn) -> None:
    zone, child = in_zone(world.database)
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.alert_id == zone).values(status=Status.RESOLVED))

    assert shown(logged_in(MERCHANDISER).get("/alerts").text) == [child]


def test_what_is_about_no_category_is_seen_by_whoever_buys_any_and_by_no_store(world: World) -> None:
    with world.database.write() as records:
        late = make_alert(
            None,
            rule="feed_late",
            scope=Scope.CHAIN,
            store_id="",
            style_id="",
            category="",
            season_code="stock",
        )
        records.add(late)
        records.flush()
        alert_id = late.alert_id

    with world.database.read() as records:
        seen = {
            person.email: records.scalar(
                visible_alerts(select(Alert.alert_id).where(Alert.alert_id == alert_id), person)
            )
            for person in records.scalars(select(Person))
        }
    assert {email for email, found in seen.items() if found} == {MERCHANDISER, ADMIN}


def test_what_was_never_confirmed_is_shown_while_it_waits_and_not_among_the_resolved(
    world: World, logged_in: LoggedIn
) -> None:
    with world.database.write() as records:
        records.execute(
            update(Alert).where(Alert.alert_id == world.own_alert).values(status="pending", opened_on=None)
        )
    browser = logged_in(MANAGER)
    assert shown(browser.get("/alerts").text) == []
    assert shown(browser.get("/alerts?status=pending").text) == [world.own_alert]
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.alert_id == world.own_alert).values(status="resolved"))
    assert shown(browser.get("/alerts?status=resolved").text) == []


def test_a_frozen_alert_says_why_it_stands_still(world: World, logged_in: LoggedIn) -> None:
    with world.database.write() as records:
        alert = records.merge(alert_of(world.database, world.own_alert))
        records.refresh(alert, ["events"])
        alert.becomes_unknown(now=alert.opened_at, reason="feed_late:feed=stock;store=PHX1")
        assert alert.condition is Condition.UNKNOWN
    page = plain(logged_in(MANAGER).get(f"/alerts/{world.own_alert}").text)
    assert "Stands as it was: the stock feed is late" in page
    assert "Frozen by the night" in page
