from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from data.records import CustomerRequest, NewestCount, NewestStock
from tests.integration.web.world import ADMIN, MANAGER, NEIGHBOUR, NIGHT, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from data.database import Database
    from tests.integration.web.api.conftest import Program

ASKED = {"store_id": "PHX1", "sku": "SKU-0"}


def number_of_requests(database: Database) -> int:
    with database.read() as records:
        return records.query(CustomerRequest).count()


def test_a_request_is_recorded_and_told_where_the_thing_is(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    with database.write() as records:
        records.add_all(NewestCount(store_id=store, counted_on=NIGHT) for store in ("PHX1", "SEA1"))
        records.add(NewestStock(sku="SKU-0", store_id="SEA1", on_hand=4))

    answer = program(MANAGER).post("/requests", ASKED | {"units": 2})

    assert answer.status_code == 201, answer.text
    asked = answer.json
    assert (asked["sku"], asked["units"], asked["outcome"], asked["here"]) == ("SKU-0", 2, "none", 0)
    assert [(place["store_id"], place["free"]) for place in asked["nearest"]] == [("SEA1", 4)]
    assert answer.headers["Location"] == f"/api/v1/requests/{asked['request_id']}"
    assert program(MANAGER).get(answer.headers["Location"]).json == asked


def test_sent_twice_with_one_key_it_is_one_request(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller, key = program(MANAGER), {"Idempotency-Key": "till-3-0815"}
    before = number_of_requests(database)

    first = caller.post("/requests", ASKED, headers=key)
    second = caller.post("/requests", ASKED, headers=key)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json == second.json
    assert number_of_requests(database) == before + 1


def test_without_a_key_and_with_another_persons_they_are_two(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    maya, before = program(MANAGER), number_of_requests(database)

    assert [maya.post("/requests", ASKED).status_code for _ in range(2)] == [201, 201]
    key = {"Idempotency-Key": "1"}
    assert maya.post("/requests", ASKED, headers=key).status_code == 201
    theirs = {"store_id": "SEA1", "sku": "SKU-1"}
    assert program(NEIGHBOUR).post("/requests", theirs, headers=key).status_code == 201
    assert number_of_requests(database) == before + 4


def test_a_key_that_was_used_for_something_else_is_refused(
    world: World, program: Callable[..., Program]
) -> None:
    caller, key = program(MANAGER), {"Idempotency-Key": "1"}
    caller.post("/requests", ASKED, headers=key)

    answer = caller.post("/requests", ASKED | {"units": 3}, headers=key)

    assert answer.status_code == 422
    assert answer.json["errors"] == [
        {"location": "headers", "name": "Idempotency-Key", "detail": "was used for another request"}
    ]


WRONG: tuple[tuple[dict[str, Any], str], ...] = (
    ({"store_id": "PHX1"}, "A request names a sku"),
    ({"store_id": "PHX1", "sku": "SKU-0", "text": "trunks"}, "A request names a sku"),
    ({"store_id": "PHX1", "sku": "NONE"}, "NONE is not in your assortment"),
    ({"store_id": "SEA1", "sku": "SKU-0"}, "store_id is not one of your open stores"),
    ({"store_id": "PHX1", "sku": "SKU-0", "units": 0}, "units should be greater than or equal to 1"),
    ({"store_id": "PHX1", "sku": "SKU-0", "units": 2.5}, "units is not a whole number"),
    ({"store_id": "PHX1", "text": "a\0b"}, "text has a character that cannot be stored"),
    ({"store_id": "PHX1", "text": "\ud800"}, "text should be a valid string"),
    ({"store_id": "PHX1", "sku": "SKU-0", "email": "a@example.com"}, "email is not known here"),
)


def test_what_cannot_be_recorded_is_refused_with_a_sentence(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller, before = program(MANAGER), number_of_requests(database)
    for body, says in WRONG:
        answer = caller.post("/requests", body)
        assert answer.status_code == 422, body
        assert says in answer.json["detail"]
    assert number_of_requests(database) == before


def test_words_are_a_request_as_well(world: World, program: Callable[..., Program]) -> None:
    answer = program(MANAGER).post("/requests", {"store_id": "PHX1", "text": " purple  swim trunks "})

    assert (answer.json["text"], answer.json["here"], answer.json["nearest"]) == (
        "purple swim trunks", None, [],
    )  # fmt: skip


def test_what_was_done_for_the_customer_is_told_and_a_mistake_undone(
    world: World, program: Callable[..., Program]
) -> None:
    caller, path = program(MANAGER), f"/requests/{world.own_request}"

    held = caller.post(f"{path}/outcome", {"version": 1, "outcome": "hold", "holding_store_id": "SEA1"})
    assert (held.status_code, held.json["outcome"], held.json["holding_store_id"]) == (200, "hold", "SEA1")
    late = caller.post(f"{path}/outcome", {"version": 1, "outcome": "none"})
    assert (late.status_code, late.json["type"]) == (409, "urn:inseason:problem:overtaken")
    undone = caller.post(f"{path}/undo", {"version": held.json["version"]})
    assert undone.json["undone_at"] == "2026-06-14T16:00:00Z"
    after = caller.post(f"{path}/outcome", {"version": undone.json["version"], "outcome": "none"})
    assert (after.status_code, after.json["type"]) == (409, "urn:inseason:problem:not-now")


@pytest.mark.parametrize("holder", ["", "PHX1", "NOWHERE"])
def test_a_hold_needs_another_store(holder: str, world: World, program: Callable[..., Program]) -> None:
    answer = program(MANAGER).post(
        f"/requests/{world.own_request}/outcome",
        {"version": 1, "outcome": "hold", "holding_store_id": holder},
    )

    assert answer.status_code == 422


def test_a_filter_by_store_leaves_what_it_says(world: World, program: Callable[..., Program]) -> None:
    assert [each["sku"] for each in program(ADMIN).pages("/requests?store=SEA1")] == ["SKU-1"]
