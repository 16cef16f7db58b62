from __future__ import annotations

import gzip
from threading import Thread
from typing import TYPE_CHECKING

from data.locks import only_writer
from data.records import Product, Store
from tests.integration.web.world import ADMIN, MERCHANDISER, World

if TYPE_CHECKING:
    from collections.abc import Callable

    import pytest

    from data.database import Database
    from tests.integration.web.api.conftest import Program

STORES = "store_id,name,climate_zone\nPHX1,Phoenix Central,hot\nTUC1,Tucson,hot\n,Nameless,hot\n"
SALES = "business_date,store_id,sku,units\n2026-06-12,PHX1,SKU-0,2\n2026-06-12,SEA1,SKU-0,x\n"


def name_of(database: Database, store_id: str) -> str | None:
    with database.read() as records:
        store = records.get(Store, store_id)
        return store.name if store else None


def test_a_file_is_looked_at_first_and_loaded_afterwards(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller = program(ADMIN)

    looked = caller.send("/feeds/stores?dry_run=true&file_name=new.csv", STORES)

    assert looked.status_code == 200, looked.text
    told = looked.json
    assert (told["state"], told["file_name"], told["run_id"]) == ("checked", "new.csv", None)
    assert (told["rows_read"], told["rows_good"], told["rows_rejected"]) == (3, 2, 1)
    assert told["changes"] == {"created": 1, "changed": 1, "unchanged": 0, "removed": 0}
    assert (told["faults"][0]["line"], told["faults"][0]["column"]) == (4, "store_id")
    assert name_of(database, "PHX1") == "Phoenix North"
    loaded = caller.post(f"/uploads/{told['upload_id']}/load")
    assert (loaded.status_code, loaded.json["state"]) == (200, "loaded")
    assert (name_of(database, "PHX1"), name_of(database, "TUC1")) == ("Phoenix Central", "Tucson")
    run = caller.get(f"/runs/{loaded.json['run_id']}").json
    assert (run["feed"], run["state"]) == ("stores", "succeeded")
    again = caller.post(f"/uploads/{told['upload_id']}/load")
    assert (again.status_code, again.json["type"]) == (409, "urn:inseason:problem:not-now")


def test_a_packed_file_of_facts_is_loaded_at_once(world: World, program: Callable[..., Program]) -> None:
    caller = program(ADMIN)

    answer = caller.send("/feeds/sales", gzip.compress(SALES.encode()), "application/gzip")

    assert answer.status_code == 201, answer.text
    assert (answer.json["state"], answer.json["rows_good"], answer.json["rows_rejected"]) == ("loaded", 1, 1)
    assert answer.json["days"]["fresh"] == 1
    feeds = {feed["kind"]: feed for feed in caller.get("/feeds").json["items"]}
    assert feeds["sales"]["last_run_id"] == answer.json["run_id"]
    assert feeds["stores"]["last_run_id"] is None


def test_a_merchandiser_loads_the_calendar_of_the_own_categories(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller = program(MERCHANDISER)
    header = "category,season_code,floor_set,exit\n"

    mine = caller.send("/feeds/calendar", f"{header}Swim trunks,SS26,2026-02-15,2026-08-31\n")
    theirs = caller.send("/feeds/calendar", f"{header}Snow boots,FW26,2026-09-15,2027-02-28\n")

    assert mine.status_code == 201, mine.text
    assert [window["exit"] for window in caller.pages("/calendar/windows")] == ["2026-08-31"]
    assert (theirs.status_code, theirs.json["type"]) == (422, "urn:inseason:problem:file-refused")
    assert {feed["kind"] for feed in caller.get("/feeds").json["items"] if feed["may_upload"]} == {
        "calendar", "markdowns",
    }  # fmt: skip


def test_a_file_that_cannot_be_taken_changes_nothing_and_says_why(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    caller = program(ADMIN)
    for content, kind, status, says in (
        ("", "text/csv", 422, "it is empty"),
        ("sku,style\n1,2\n", "text/csv", 422, "stores.csv was not taken"),
        (gzip.compress(STORES.encode())[:-9], "application/gzip", 422, "was not taken"),
        (STORES, "application/json", 415, "Send text/csv or application/gzip"),
        (STORES, "multipart/form-data; boundary=x", 415, "Send text/csv"),
    ):
        answer = caller.send("/feeds/stores", content, kind)
        assert answer.status_code == status, answer.text
        assert says in answer.json["detail"]
    assert caller.send("/feeds/nothing", STORES).status_code == 404
    assert caller.send("/feeds/stores?dry_run=perhaps", STORES).status_code == 422
    assert name_of(database, "PHX1") == "Phoenix North"


def test_while_another_import_is_at_work_the_file_is_to_be_sent_again(
    world: World,
    database: Database,
    program: Callable[..., Program],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("data.uploads.load.__kwdefaults__", {"wait_seconds": 0.1})
    caller, answers = program(ADMIN), []
    with only_writer(database):
        # Whoever holds the turn may take it again, so somebody else asks.
        other = Thread(target=lambda: answers.append(caller.send("/feeds/stores", STORES)))
        other.start()
        other.join()

    (answer,) = answers
    assert (answer.status_code, answer.json["type"]) == (503, "urn:inseason:problem:busy")
    assert answer.headers["Retry-After"]
    assert name_of(database, "PHX1") == "Phoenix North"


def test_a_file_that_is_too_large_is_not_read(
    world: World, program: Callable[..., Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("data.uploads._MEGABYTE", 1)

    answer = program(ADMIN).send("/feeds/stores", STORES * 100)

    assert (answer.status_code, answer.mimetype) == (413, "application/problem+json")


def test_products_are_known_at_once(
    world: World, database: Database, program: Callable[..., Program]
) -> None:
    answer = program(ADMIN).send("/feeds/products", "sku,style_id,category\nSKU-9,STYLE-9,Swim trunks\n")

    assert answer.status_code == 201, answer.text
    with database.read() as records:
        assert records.get(Product, "SKU-9") is not None
