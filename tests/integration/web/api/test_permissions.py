"""Every operation with every role: what is not theirs is not there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from data.records import Person, Product, Upload
from tests.integration.web.world import ADMIN, MANAGER, MERCHANDISER, NEIGHBOUR, World, add_alerts
from web.access import API

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask

    from data.database import Database
    from tests.integration.web.api.conftest import Program

PEOPLE = (MANAGER, NEIGHBOUR, MERCHANDISER, ADMIN)
# A body that every change takes, with a version that no record has: who may change it is told that it is
# another by now, and everybody else that there is nothing.
OLD = {"version": 999}
ASKED = {"store_id": "PHX1", "sku": "SKU-0"}
EXPECTED: dict[tuple[str, str], tuple[Any, tuple[int, int, int, int]]] = {
    #                                                        Maya Noor Jonas Ada
    ("GET", "/alerts"): (None, (200, 200, 200, 200)),
    ("GET", "/alerts/{own_alert}"): (None, (200, 404, 200, 200)),
    ("GET", "/alerts/{other_alert}"): (None, (404, 200, 404, 200)),
    ("GET", "/alerts/{own_alert}/actions"): (None, (200, 404, 200, 200)),
    ("GET", "/alerts/999999"): (None, (404, 404, 404, 404)),
    ("POST", "/alerts/{own_alert}/acknowledge"): (OLD, (409, 404, 409, 409)),
    ("POST", "/alerts/{own_alert}/snooze"): (OLD, (409, 404, 409, 409)),
    ("POST", "/alerts/{own_alert}/dismiss"): (OLD | {"reason": "duplicate"}, (409, 404, 409, 409)),
    ("POST", "/alerts/{own_alert}/reopen"): (OLD, (409, 404, 409, 409)),
    ("POST", "/alerts/{own_alert}/undo"): (OLD, (409, 404, 409, 409)),
    ("POST", "/alerts/{other_alert}/acknowledge"): (OLD, (404, 409, 404, 409)),
    ("POST", "/alerts/{own_alert}/actions/1"): ({"offered_on": "2026-06-13"}, (409, 404, 409, 409)),
    ("GET", "/decisions"): (None, (200, 200, 200, 200)),
    # There are none here; `test_decisions` walks those that there are.
    ("GET", "/decisions/999999"): (None, (404, 404, 404, 404)),
    ("POST", "/decisions/999999/approve"): (OLD, (404, 404, 404, 404)),
    ("POST", "/decisions/999999/refuse"): (OLD | {"reason": "no"}, (404, 404, 404, 404)),
    ("POST", "/decisions/999999/withdraw"): (OLD, (404, 404, 404, 404)),
    ("POST", "/decisions/999999/undo"): (OLD, (404, 404, 404, 404)),
    ("POST", "/consignments/999999/accept"): (OLD, (404, 404, 404, 404)),
    ("POST", "/consignments/999999/decline"): (OLD | {"reason": "no"}, (404, 404, 404, 404)),
    ("POST", "/consignments/999999/ship"): (OLD, (404, 404, 404, 404)),
    ("POST", "/consignments/999999/receive"): (OLD, (404, 404, 404, 404)),
    ("GET", "/forecasts?store=PHX1&sku=SKU-0"): (None, (200, 404, 200, 200)),
    ("GET", "/forecasts?store=SEA1&sku=SKU-1"): (None, (404, 200, 404, 200)),
    ("GET", "/forecasts?store=SEA1&sku=SKU-0"): (None, (404, 200, 200, 200)),
    ("GET", "/forecasts?store=PHX1&category=Swim+trunks"): (None, (200, 404, 200, 200)),
    ("GET", "/forecasts?zone=hot&category=Swim+trunks"): (None, (403, 403, 200, 200)),
    ("GET", "/forecasts?zone=hot&category=Snow+boots"): (None, (403, 403, 404, 200)),
    ("GET", "/calendar"): (None, (403, 403, 404, 404)),
    ("GET", "/calendar/windows"): (None, (403, 403, 200, 200)),
    ("GET", "/calendar/markdowns"): (None, (403, 403, 200, 200)),
    ("GET", "/requests"): (None, (200, 200, 200, 200)),
    ("GET", "/requests/{own_request}"): (None, (200, 404, 200, 200)),
    ("GET", "/requests/{other_request}"): (None, (404, 200, 404, 200)),
    ("POST", "/requests"): (ASKED, (201, 422, 201, 201)),
    ("POST", "/requests/{own_request}/outcome"): (OLD | {"outcome": "none"}, (409, 404, 409, 409)),
    ("POST", "/requests/{own_request}/undo"): (OLD, (409, 404, 409, 409)),
    ("GET", "/feeds"): (None, (403, 403, 200, 200)),
    # A file is no JSON, whoever sends it.
    ("POST", "/feeds/stores"): ({}, (403, 403, 415, 415)),
    ("GET", "/uploads/999999"): (None, (403, 403, 404, 404)),
    ("POST", "/uploads/999999/load"): ({}, (403, 403, 404, 404)),
    ("GET", "/runs"): (None, (403, 403, 200, 200)),
    ("GET", "/runs/{night}"): (None, (403, 403, 200, 200)),
    ("GET", "/nothing"): (None, (404, 404, 404, 404)),
}


def path_of(pattern: str, world: World) -> str:
    return pattern.format(**{name: value for name, value in vars(world).items() if name != "database"})


def ask(caller: Program, method: str, path: str, body: Any) -> int:
    answer = caller.get(path) if method == "GET" else caller.post(path, body)
    return answer.status_code


def test_every_role_gets_from_every_operation_what_it_may(
    world: World, program: Callable[..., Program]
) -> None:
    callers = [program(email) for email in PEOPLE]
    found = {
        (method, pattern): (
            body,
            tuple(ask(caller, method, path_of(pattern, world), body) for caller in callers),
        )
        for (method, pattern), (body, _) in EXPECTED.items()
    }
    assert found == EXPECTED


def test_without_a_token_every_operation_asks_for_one(app: Flask, world: World) -> None:
    client = app.test_client()
    for method, pattern in EXPECTED:
        answer = client.open(f"/api/v1{path_of(pattern, world)}", method=method, json={})
        assert answer.status_code == 401, pattern
        assert answer.headers["WWW-Authenticate"] == 'Bearer realm="InSeason"'
        assert answer.mimetype == "application/problem+json"


def test_the_walk_leaves_no_operation_out(app: Flask, world: World) -> None:
    adapter = app.url_map.bind("")
    walked = {
        (adapter.match(f"/api/v1{path_of(pattern, world)}".partition("?")[0], method=method)[0], method)
        for method, pattern in EXPECTED
        if pattern != "/nothing"
    }
    served = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(API) and rule.endpoint != "openapi.spec"
    }
    assert served == walked


def test_a_list_holds_only_what_its_reader_may_see(world: World, program: Callable[..., Program]) -> None:
    seen = {email: {alert["alert_id"] for alert in program(email).pages("/alerts")} for email in PEOPLE}
    own, other = world.own_alert, world.other_alert
    assert seen == {MANAGER: {own}, NEIGHBOUR: {other}, MERCHANDISER: {own}, ADMIN: {own, other}}
    asked = {email: {each["sku"] for each in program(email).pages("/requests")} for email in PEOPLE}
    assert asked == {
        MANAGER: {"SKU-0"},
        NEIGHBOUR: {"SKU-1"},
        MERCHANDISER: {"SKU-0"},
        ADMIN: {"SKU-0", "SKU-1"},
    }


def test_no_filter_and_no_cursor_widens_the_view(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    add_alerts(database, 3, store_id="SEA1")
    caller, admin = program(MANAGER), program(ADMIN)

    for query in ("store=SEA1", "category=Snow+boots", f"group={world.other_alert}"):
        assert caller.pages(f"/alerts?{query}") == []
    following = admin.get("/alerts?limit=1").json["next"]
    assert [alert["alert_id"] for alert in caller.pages(following)] == [world.own_alert]


def test_a_stores_manager_is_not_told_which_zones_alert_gathers_hers(
    world: World, program: Callable[..., Program]
) -> None:
    assert program(MANAGER).get(f"/alerts/{world.own_alert}").json["group_id"] is None


def test_somebody_elses_file_is_not_there(
    database: Database, program: Callable[..., Program], world: World
) -> None:
    sent = program(ADMIN).send("/feeds/stores?dry_run=true", "store_id,name,climate_zone\nPHX1,Phoenix,hot\n")
    assert sent.status_code == 200, sent.text

    caller, path = program(MERCHANDISER), f"/uploads/{sent.json['upload_id']}"

    assert caller.get(path).status_code == 404
    assert caller.post(f"{path}/load").status_code == 404
    with database.read() as records:
        assert records.get_one(Upload, sent.json["upload_id"]).run_id is None


def test_a_merchandiser_may_not_load_what_is_an_admins(program: Callable[..., Program], world: World) -> None:
    answer = program(MERCHANDISER).send("/feeds/stores", "store_id,name,climate_zone\nPHX1,Phoenix,hot\n")

    assert answer.status_code == 403
    assert answer.json["type"] == "urn:inseason:problem:not-yours"


def test_a_request_names_only_what_the_reader_looks_after(
    database: Database, program: Callable[..., Program], world: World
) -> None:
    with database.write() as records:
        assert records.scalars(select(Product).where(Product.sku == "SKU-1")).one().category == "Snow boots"
        assert records.scalars(select(Person).where(Person.email == MERCHANDISER)).one().category_names

    answer = program(MERCHANDISER).post("/requests", {"store_id": "PHX1", "sku": "SKU-1"})

    assert answer.status_code == 422
    assert "not in your assortment" in answer.json["detail"]
