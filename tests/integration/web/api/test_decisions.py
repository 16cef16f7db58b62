"""Acting through the API: from an offer to the goods, each turn by whom it belongs to."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from data.records import (
    AlertAction,
    CalendarVersion,
    Decision,
    Person,
    PersonStore,
    Product,
    Role,
    SellingWindow,
    Store,
)
from tests.integration.web.test_decisions import LATER, offer
from tests.integration.web.world import (
    ADMIN,
    MANAGER,
    MERCHANDISER,
    NEIGHBOUR,
    NIGHT,
    NOW,
    World,
    _hash,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database
    from tests.integration.web.api.conftest import Program

STRANGER = "sol@example.com"
TRANSFER, EXTEND, REORDER, COUNT = 1, 2, 3, 4


@pytest.fixture(autouse=True)
def _offers(world: World) -> None:
    """Offers for the first alert, a third store with a manager, and a calendar."""
    with world.database.write() as records:
        records.add(Store(store_id="LAX1", name="Los Angeles", climate_zone="hot"))
        records.add_all(
            Product(sku=f"TIDE-{size}", style_id="TIDE", style_name="Tide", category="Swim trunks", size=size)
            for size in "SML"
        )
        records.flush()
        stores = [PersonStore(store_id="LAX1")]
        records.add(
            Person(
                email=STRANGER,
                name="Sol",
                role=Role.STORE_MANAGER,
                password_hash=_hash(),
                created_at=NOW,
                stores=stores,
            )
        )
        window = SellingWindow(
            category="Swim trunks", season_code="SS26", floor_set=date(2026, 2, 15), exit=date(2026, 7, 5)
        )
        records.add(CalendarVersion(created_at=NOW, author="import", reason="first", windows=[window]))
        offer(records, world.own_alert)


def act_on(caller: Program, world: World, rank: int, **more: Any) -> dict[str, Any]:
    answer = caller.post(
        f"/alerts/{world.own_alert}/actions/{rank}", {"offered_on": NIGHT.isoformat()} | more
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def turn(caller: Program, decision: dict[str, Any], what: str, **more: Any) -> dict[str, Any]:
    """One turn of a decision, or of its first consignment."""
    whole = what in ("approve", "refuse", "withdraw", "undo")
    place = "decisions" if whole else "consignments"
    number = decision["decision_id"] if whole else decision["consignments"][0]["consignment_id"]
    answer = caller.post(f"/{place}/{number}/{what}", {"version": decision["version"]} | more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json)


def test_what_is_offered_is_told_with_what_it_moves(world: World, program: Callable[..., Program]) -> None:
    items = program(MANAGER).get(f"/alerts/{world.own_alert}/actions").json["items"]

    assert [item["kind"] for item in items] == ["transfer", "extend_exit", "reorder", "count_shelf"]
    assert items[0]["cost"] == {"amount": "12.00", "currency": "USD"}
    assert items[0]["lines"] == [
        {"from_store": "SEA1", "to_store": "PHX1", "sku": "TIDE-L", "units": 2},
        {"from_store": "SEA1", "to_store": "PHX1", "sku": "TIDE-M", "units": 3},
    ]
    assert items[1]["until"] == LATER
    assert [item["asks_first"] for item in items] == [True, True, True, False]
    mine = program(MERCHANDISER).get(f"/alerts/{world.own_alert}").json["actions"]
    assert not any(item["asks_first"] for item in mine)


def test_goods_travel_from_store_to_store_through_the_api(
    world: World, program: Callable[..., Program]
) -> None:
    maya, noor, jonas = program(MANAGER), program(NEIGHBOUR), program(MERCHANDISER)

    asked = act_on(maya, world, TRANSFER, note="Needed for the weekend.")
    assert asked["state"] == "requested"
    approved = turn(jonas, asked, "approve")
    accepted = turn(noor, approved, "accept")
    shipped = turn(noor, accepted, "ship")
    received = turn(maya, shipped, "receive", received=[{"sku": "TIDE-L", "units": 1}])

    assert received["state"] == "received"
    assert [line["received"] for line in received["consignments"][0]["lines"]] == [1, 3]
    assert {event["how"] for event in received["events"]} == {"api"}
    assert [event["who"] for event in received["events"] if event["act"] in ("approve", "ship")] == [
        "Jonas Lind", "Jonas Lind", "Noor Haddad",
    ]  # fmt: skip
    told = maya.get(f"/alerts/{world.own_alert}").json["events"]
    assert {event["how"] for event in told if event["who"]} == {"api"}


def test_a_turn_belongs_to_whom_it_belongs(world: World, program: Callable[..., Program]) -> None:
    maya, noor, sol = program(MANAGER), program(NEIGHBOUR), program(STRANGER)
    asked = act_on(maya, world, TRANSFER)
    path, seen = f"/decisions/{asked['decision_id']}", {"version": asked["version"]}

    refused = maya.post(f"{path}/approve", seen)
    assert (refused.status_code, refused.json["type"]) == (403, "urn:inseason:problem:not-yours")
    assert noor.post(f"{path}/refuse", seen | {"reason": "no"}).status_code == 403
    assert sol.get(path).status_code == 404
    assert sol.post(f"{path}/approve", seen).status_code == 404
    part = asked["consignments"][0]["consignment_id"]
    assert sol.post(f"/consignments/{part}/accept", seen).status_code == 404
    assert maya.post(f"/consignments/{part}/ship", seen).status_code in (403, 409)
    assert noor.get(path).json["alert_id"] is None
    assert [each["decision_id"] for each in noor.pages("/decisions")] == [asked["decision_id"]]
    assert sol.pages("/decisions") == []
    assert noor.pages("/decisions?state=done") == []


def test_doing_it_twice_is_doing_it_once(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    maya = program(MANAGER)

    first, second = act_on(maya, world, COUNT), act_on(maya, world, COUNT)

    assert first["decision_id"] == second["decision_id"]
    with database.read() as records:
        assert records.query(Decision).count() == 1


def test_an_offer_of_an_older_night_is_not_acted_on(world: World, program: Callable[..., Program]) -> None:
    answer = program(MANAGER).post(f"/alerts/{world.own_alert}/actions/1", {"offered_on": "2026-06-12"})

    assert (answer.status_code, answer.json["type"]) == (409, "urn:inseason:problem:overtaken")


def test_a_decision_that_has_changed_since_is_not_turned(
    world: World, program: Callable[..., Program]
) -> None:
    asked = act_on(program(MANAGER), world, TRANSFER)
    turn(program(MERCHANDISER), asked, "approve")

    answer = program(ADMIN).post(
        f"/decisions/{asked['decision_id']}/refuse", {"version": asked["version"], "reason": "no"}
    )

    assert (answer.status_code, answer.json["type"]) == (409, "urn:inseason:problem:overtaken")


def test_a_merchandiser_moves_an_exit_to_a_day_of_her_own_and_undoes_it(
    world: World, program: Callable[..., Program]
) -> None:
    jonas = program(MERCHANDISER)

    done = act_on(jonas, world, EXTEND, until="2026-08-31")
    assert (done["state"], done["until"]) == ("done", "2026-08-31")
    exits = [window["exit"] for window in jonas.pages("/calendar/windows")]
    assert "2026-08-31" in exits
    undone = turn(jonas, done, "undo")
    assert undone["state"] == "withdrawn"
    assert [window["exit"] for window in jonas.pages("/calendar/windows")] == ["2026-07-05"]


def test_a_store_asks_and_takes_it_back_or_is_refused_with_a_reason(
    world: World, program: Callable[..., Program]
) -> None:
    maya, jonas = program(MANAGER), program(MERCHANDISER)

    asked = act_on(maya, world, REORDER)
    assert turn(maya, asked, "withdraw")["state"] == "withdrawn"
    again = act_on(maya, world, REORDER)
    answer = jonas.post(
        f"/decisions/{again['decision_id']}/refuse", {"version": again["version"], "reason": " "}
    )
    assert (answer.status_code, answer.json["type"]) == (422, "urn:inseason:problem:refused")
    refused = turn(jonas, again, "refuse", reason="It does not sell here.")
    assert refused["events"][-1]["reason"] == "It does not sell here."


def test_what_a_consignment_does_not_hold_cannot_arrive_in_it(
    world: World, program: Callable[..., Program]
) -> None:
    maya, noor = program(MANAGER), program(NEIGHBOUR)
    approved = turn(program(MERCHANDISER), act_on(maya, world, TRANSFER), "approve")
    shipped = turn(noor, turn(noor, approved, "accept"), "ship")
    part = shipped["consignments"][0]["consignment_id"]

    answer = maya.post(
        f"/consignments/{part}/receive",
        {"version": shipped["version"], "received": [{"sku": "TIDE-XL", "units": 1}]},
    )

    assert answer.status_code == 422
    assert answer.json["errors"][0]["detail"] == "names TIDE-XL, which it does not hold"


def test_a_giver_declines_and_says_why(world: World, program: Callable[..., Program]) -> None:
    approved = turn(program(MERCHANDISER), act_on(program(MANAGER), world, TRANSFER), "approve")

    declined = turn(program(NEIGHBOUR), approved, "decline", reason="We need them ourselves.")

    assert declined["state"] == "declined"


def test_of_several_givers_each_sees_the_own_part(world: World, program: Callable[..., Program]) -> None:
    lines = [
        {"from_store": giver, "to_store": "PHX1", "sku": "TIDE-M", "units": 1} for giver in ("SEA1", "LAX1")
    ]
    with world.database.write() as records:
        records.add(
            AlertAction(
                alert_id=world.own_alert,
                rank=9,
                kind="transfer",
                units=2.0,
                details={"lines": lines},
                evaluated_on=NIGHT,
            )
        )
    asked = act_on(program(MANAGER), world, 9)
    path = f"/decisions/{asked['decision_id']}"
    assert {part["from_store"] for part in asked["consignments"]} == {"SEA1", "LAX1"}

    seen = program(NEIGHBOUR).get(path).json

    assert [part["from_store"] for part in seen["consignments"]] == ["SEA1"]
    mine = {part["consignment_id"] for part in seen["consignments"]}
    assert {event["consignment_id"] for event in seen["events"]} == {None, *mine}
    theirs = next(p["consignment_id"] for p in asked["consignments"] if p["from_store"] == "LAX1")
    answer = program(NEIGHBOUR).post(f"/consignments/{theirs}/accept", {"version": asked["version"]})
    assert answer.status_code == 404
