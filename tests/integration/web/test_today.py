"""Today: one line that counts people, cards with their buttons, and a minute to take it back."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select, update

from data.records import Alert, AlertAction, Decision, DecisionState, Finding, Run, Severity, Status, Store
from data.records.alert_life import UNDO_WITHIN
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    World,
    add_alerts,
    alert_of,
    form_token,
)
from tests.unit.web.making import NIGHT, NOW, make_alert
from web.services import Services

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from flask.testing import FlaskClient
    from werkzeug.test import TestResponse

    LoggedIn = Callable[[str], FlaskClient]


def headline(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found
    return " ".join(found[1].split())


def press(browser: FlaskClient, path: str, **fields: Any) -> TestResponse:
    return browser.post(path, data={"csrf_token": form_token(browser.get("/alerts").text)} | fields)


def turn_away(world: World, customers: float | None, **which: Any) -> None:
    """So many customers of each alert will leave without this week."""
    with world.database.write() as records:
        query = update(Alert).values(customers_this_week=customers)
        records.execute(query.filter_by(**which))


def offer(world: World, *, kind: str = "transfer", givers: tuple[str, ...] = ("SEA1",)) -> None:
    """Stores can give to Phoenix North."""
    lines = [{"from_store": giver, "to_store": "PHX1", "sku": "TIDE-M", "units": 6} for giver in givers]
    with world.database.write() as records:
        records.add(
            AlertAction(
                alert_id=world.own_alert,
                rank=1,
                kind=kind,
                units=6.0,
                cost=Decimal(12),
                benefit=Decimal(90),
                act_by=NIGHT + timedelta(days=5),
                details={"lines": lines} if kind == "transfer" else {"until": "2026-09-06"},
                evaluated_on=NIGHT,
            )
        )


# One line


def test_the_page_opens_with_how_many_customers_will_leave_without(world: World, logged_in: LoggedIn) -> None:
    turn_away(world, 8.6)
    wanted = "customers will leave without what they came for this week"
    assert headline(logged_in(MANAGER).get("/alerts").text) == f"9 {wanted}"
    assert headline(logged_in(ADMIN).get("/alerts").text) == f"17 {wanted}"
    assert headline(logged_in(MERCHANDISER).get("/alerts").text) == f"9 {wanted}"


def test_the_number_is_explained_on_the_page(world: World, logged_in: LoggedIn) -> None:
    turn_away(world, 8.6)
    page = logged_in(MANAGER).get("/alerts").text
    assert "How this is counted" in page
    assert "in the seven days after the last night" in page


@pytest.mark.parametrize("status", [Status.ACKNOWLEDGED, Status.SNOOZED])
def test_who_is_taken_on_or_put_off_leaves_all_the_same(
    status: Status, world: World, logged_in: LoggedIn
) -> None:
    turn_away(world, 3.0)
    with world.database.write() as records:
        records.execute(update(Alert).values(status=status))
    assert headline(logged_in(MANAGER).get("/alerts").text).startswith("3 customers")


@pytest.mark.parametrize("status", [Status.PENDING, Status.RESOLVED, Status.DISMISSED, Status.EXPIRED])
def test_what_is_over_or_not_confirmed_turns_nobody_away(
    status: Status, world: World, logged_in: LoggedIn
) -> None:
    turn_away(world, 3.0)
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.store_id == "PHX1").values(status=status))
        records.add(make_alert(None, style_id="OTHER", customers_this_week=0.0))
    assert headline(logged_in(MANAGER).get("/alerts").text).startswith("Nobody is expected to leave")


def test_a_zones_alert_counts_nobody_a_second_time(world: World, logged_in: LoggedIn) -> None:
    turn_away(world, 5.0)
    with world.database.write() as records:
        zone = make_alert(
            None, scope="zone", store_id="", style_id="", climate_zone="hot", customers_this_week=5.0
        )
        records.add(zone)
        records.flush()
        records.get_one(Alert, world.own_alert).parent_id = zone.alert_id
    assert headline(logged_in(ADMIN).get("/alerts").text).startswith("10 customers")


def test_the_number_is_that_of_the_store_and_category_that_are_asked_for(
    world: World, logged_in: LoggedIn
) -> None:
    turn_away(world, 4.0)
    ada = logged_in(ADMIN)
    assert headline(ada.get("/alerts").text).startswith("8 customers")
    assert headline(ada.get("/alerts?store=SEA1").text).startswith("4 customers")
    assert headline(ada.get("/alerts?category=Snow+boots").text).startswith("4 customers")
    assert headline(ada.get("/alerts?status=resolved&severity=low").text).startswith("8 customers")


def test_before_a_night_has_counted_there_is_no_number(world: World, logged_in: LoggedIn) -> None:
    turn_away(world, None)
    page = logged_in(MANAGER).get("/alerts").text
    assert headline(page) == "Today"
    assert "How this is counted" not in page


def test_an_alert_keeps_what_its_finding_counted() -> None:
    alert = make_alert(None, customers_this_week=2.5)
    assert alert.customers_this_week == 2.5
    assert Finding.__dataclass_fields__["customers_this_week"].default == 0.0


# Cards


@pytest.mark.parametrize(
    ("givers", "told"), [(("SEA1",), "Ask Seattle South for 6"), (("SEA1", "LAX1"), "Ask 2 stores for 12")]
)
def test_a_card_names_whom_to_ask_for_how_many(
    givers: tuple[str, ...], told: str, world: World, logged_in: LoggedIn
) -> None:
    with world.database.write() as records:
        records.add(Store(store_id="LAX1", name="Los Angeles"))
    offer(world, givers=givers)
    page = logged_in(MANAGER).get("/alerts").text
    assert f'href="/alerts/{world.own_alert}/act/1">{told}<' in page


def test_a_store_asks_for_what_a_merchandiser_does(world: World, logged_in: LoggedIn) -> None:
    offer(world, kind="extend_exit")
    assert ">Ask to keep it on the floor until 6 September<" in logged_in(MANAGER).get("/alerts").text
    assert ">Keep it on the floor until 6 September<" in logged_in(MERCHANDISER).get("/alerts").text


def test_what_somebody_is_at_work_on_is_not_offered_again(world: World, logged_in: LoggedIn) -> None:
    offer(world)
    with world.database.write() as records:
        records.add(
            Decision(
                alert_id=world.own_alert,
                kind="transfer",
                state=DecisionState.SHIPPED,
                store_id="PHX1",
                category="Swim trunks",
                style_id="TIDE",
                style_name="Tide",
                season_code="SS26",
                units=6.0,
                offered_on=NIGHT,
                requested_by=MANAGER,
                requested_at=NOW,
                changed_at=NOW,
                consignments=[],
                events=[],
            )
        )
    page = logged_in(MANAGER).get("/alerts").text
    assert "Ask Seattle South" not in page
    assert "Transfer: on its way" in page


def test_an_offer_whose_day_has_passed_is_not_on_the_card(world: World, logged_in: LoggedIn) -> None:
    offer(world)
    with world.database.write() as records:
        records.execute(update(AlertAction).values(act_by=NIGHT))
    assert "/act/1" not in logged_in(MANAGER).get("/alerts").text


@pytest.mark.parametrize(
    ("change", "fields", "status"),
    [("acknowledge", {}, Status.ACKNOWLEDGED), ("snooze", {"until": "worse"}, Status.SNOOZED)],
)
def test_a_cards_button_leads_back_to_the_list_as_it_was_filtered(
    change: str, fields: dict[str, str], status: Status, world: World, logged_in: LoggedIn
) -> None:
    maya = logged_in(MANAGER)
    path = f"/alerts/{world.own_alert}/{change}?severity=high"
    answer = press(maya, path, seen="open", back="list", **fields)
    assert answer.location == "/alerts?severity=high"
    assert alert_of(world.database, world.own_alert).status is status


def test_alerts_are_filtered_by_how_bad_they_are(world: World, logged_in: LoggedIn) -> None:
    with world.database.write() as records:
        records.execute(update(Alert).where(Alert.store_id == "SEA1").values(severity=Severity.LOW))
    ada = logged_in(ADMIN)
    assert f'href="/alerts/{world.own_alert}"' in ada.get("/alerts?severity=high").text
    assert f'href="/alerts/{world.own_alert}"' not in ada.get("/alerts?severity=low").text
    assert f'href="/alerts/{world.own_alert}"' in ada.get("/alerts?severity=unheard-of").text


def test_beyond_some_nobody_counts_on(
    world: World, logged_in: LoggedIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web.today.MOST_COUNTED", 30)
    add_alerts(world.database, 40)
    assert "More than 30 alerts; the worst of them put" in logged_in(MANAGER).get("/alerts").text


# A minute to take it back


def test_what_was_done_to_several_is_taken_back_in_one_press(world: World, logged_in: LoggedIn) -> None:
    add_alerts(world.database, 2)
    with world.database.read() as records:
        ids = [str(each) for each in records.scalars(select(Alert.alert_id).where(Alert.store_id == "PHX1"))]
    maya = logged_in(MANAGER)
    press(maya, "/alerts/acknowledge", alert=ids)
    page = maya.get("/alerts").text
    form = page[page.index('class="taken-back"') :]
    assert re.findall(r'name="alert" value="(\d+)"', form)[:3] == ids
    press(maya, "/alerts/undo", alert=ids)
    with world.database.read() as records:
        statuses = set(records.scalars(select(Alert.status).where(Alert.store_id == "PHX1")))
    assert statuses == {Status.OPEN}
    page = maya.get("/alerts").text
    assert "3 alerts as before." in page
    assert "taken-back" not in page


def test_after_a_minute_nothing_is_taken_back(
    world: World, logged_in: LoggedIn, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    maya = logged_in(MANAGER)
    press(maya, f"/alerts/{world.own_alert}/acknowledge", back="list")
    assert "taken-back" in maya.get("/alerts").text
    later = services_of(app).clock.now() + UNDO_WITHIN + timedelta(seconds=1)
    monkeypatch.setattr(services_of(app).clock, "now", lambda: later)
    assert "taken-back" not in maya.get("/alerts").text
    press(maya, "/alerts/undo", alert=[str(world.own_alert)])
    assert alert_of(world.database, world.own_alert).status is Status.ACKNOWLEDGED


def services_of(app: Flask) -> Services:
    found = app.extensions["inseason"]
    assert isinstance(found, Services)
    return found


def test_nobody_takes_back_together_what_is_not_theirs(world: World, logged_in: LoggedIn) -> None:
    press(logged_in(MANAGER), f"/alerts/{world.own_alert}/acknowledge", back="list")
    assert press(logged_in(NEIGHBOUR), "/alerts/undo", alert=[str(world.own_alert)]).status_code == 404
    assert alert_of(world.database, world.own_alert).status is Status.ACKNOWLEDGED


# All is well, and the list as a file


def test_all_is_well_says_when_the_last_night_was_done(world: World, logged_in: LoggedIn) -> None:
    with world.database.write() as records:
        records.execute(update(Alert).values(status=Status.RESOLVED, opened_on=None))
        records.execute(update(Run).values(finished_at=NOW))
    page = logged_in(MANAGER).get("/alerts").text
    assert "All is well" in page
    assert re.search(r"The last night ran for <time[^>]*>13 June</time>, was done <time", page)


def test_the_list_is_downloaded_as_it_is_filtered_and_cut_to_its_reader(
    world: World, logged_in: LoggedIn
) -> None:
    add_alerts(world.database, 30)
    maya = logged_in(MANAGER)
    assert 'href="/alerts?severity=high&amp;as=csv"' in maya.get("/alerts?severity=high").text
    lines = maya.get("/alerts?as=csv").get_data(as_text=True).splitlines()
    assert len(lines) == 32
    assert lines[0].lstrip("\ufeff").startswith('"alert","status","severity","rule"')
    assert all('"SEA1"' not in line for line in lines)
    assert len(maya.get("/alerts?as=csv&severity=low").get_data(as_text=True).splitlines()) == 1
    whole = logged_in(ADMIN).get("/alerts?as=xlsx")
    assert whole.mimetype.endswith("spreadsheetml.sheet")
    assert whole.data.startswith(b"PK")
