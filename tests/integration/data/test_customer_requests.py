"""Requests as the forecast and the rules take them, those in words among them."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pandas as pd
import pytest

from data.clock import Clock
from data.facts import FactsStore
from data.facts.requests import asked_in_vain, lately_asked, read_wordings, weekly_requests
from data.feeds.loading import import_feed
from data.records import Product, Store
from data.settings import Weekday, load_settings

if TYPE_CHECKING:
    from pathlib import Path

    from data.database import Database
    from data.facts import Snapshot
    from data.settings import Settings

AS_OF = date(2026, 6, 13)
RUNS = {
    # style, name, category, for whom
    ("T26", "Marlin Trunk", "swim trunks", "men"): "S M",
    ("T24", "Lagoon Trunk", "swim trunks", "men"): "S M",
    ("B26", "Minnow Trunk", "swim trunks", "boys"): "S M",
    ("BOOT", "Ridge Boot", "snow boots", "kids"): "12 13",
}
PRODUCTS = pd.DataFrame(
    [
        (f"{style}-{size}", style, name, category, made_for, size, "navy")
        for (style, name, category, made_for), run in RUNS.items()
        for size in run.split()
    ],
    columns=["sku", "style_id", "style_name", "category", "gender_age", "size", "color"],
)
# Phoenix had last year's trunks until last summer, has this year's, and never had boots.
LIVES = pd.DataFrame(
    [
        ("PHX", "T24-S", "2024-02-04", "2025-07-20"),
        ("PHX", "T24-M", "2024-02-04", "2025-07-20"),
        ("PHX", "T26-S", "2026-02-08", "2026-06-07"),
        ("PHX", "T26-M", "2026-02-08", "2026-06-07"),
        ("PHX", "B26-M", "2026-02-08", "2026-06-07"),
        ("SEA", "BOOT-12", "2024-09-01", "2026-03-01"),
    ],
    columns=["store_id", "sku", "first_on", "last_on"],
).astype({"first_on": "datetime64[s]", "last_on": "datetime64[s]"})
HEADER = "requested_at,store_id,sku,style_id,size,text,units\n"


@pytest.fixture
def facts(database: Database, settings: Settings) -> FactsStore:
    """The facts of a chain of two stores."""
    facts = FactsStore(settings.facts_uri, database)
    facts.prepare()
    with database.write() as records:
        records.add_all([Store(store_id=name, name=name) for name in ("PHX", "SEA")])
        records.add_all(Product(**row) for row in PRODUCTS.to_dict("records"))
    return facts


@pytest.fixture
def asked(facts: FactsStore, database: Database, settings: Settings, tmp_path: Path) -> Any:
    """Loads requests, one a line, and gives the facts as they are then."""

    def load(*lines: str) -> Snapshot:
        path = tmp_path / "requests.csv"
        path.write_text(HEADER + "\n".join(lines) + "\n", encoding="utf-8")
        standing = load_settings(today="2026-06-15")
        import_feed(
            "requests", path, database=database, facts=facts, settings=standing, clock=Clock(standing)
        )
        return facts.snapshot()

    return load


def weekly(snapshot: Snapshot, products: pd.DataFrame = PRODUCTS) -> dict[tuple[str, str], float]:
    found = weekly_requests(
        snapshot,
        products,
        LIVES,
        first_week=date(2025, 6, 1),
        as_of=AS_OF,
        week_starts_on=Weekday.SUNDAY,
        wordings=read_wordings(snapshot, PRODUCTS, as_of=AS_OF),
    )
    return {(row.sku, f"{row.week:%m-%d}"): row.units for row in found.itertuples(index=False)}


def vain(snapshot: Snapshot, first_on: date = date(2026, 5, 17)) -> list[list[Any]]:
    found = asked_in_vain(
        snapshot,
        PRODUCTS,
        LIVES,
        first_on=first_on,
        as_of=AS_OF,
        wordings=read_wordings(snapshot, PRODUCTS, as_of=AS_OF),
    )
    return found[["words", "store", "units", "asks"]].to_numpy().tolist()


def test_words_that_mean_a_category_and_size_count_for_what_the_store_had_then(asked: Any) -> None:
    snapshot = asked(
        "2026-06-10,PHX,,,,men's swim trunks M,2",
        "2026-06-10,PHX,,,,swim trunks size M,1",
        "2025-08-20,PHX,,,,men's swim trunks in M,1",
    )
    assert weekly(snapshot) == {
        # Men's: this year's style alone, since last year's was gone by then; for anybody: the boys' too.
        ("T26-M", "06-07"): 2 + 0.5,
        ("B26-M", "06-07"): 0.5,
        ("T24-M", "08-17"): 1,
    }


def test_words_that_mean_a_style_count_for_that_style(asked: Any) -> None:
    assert weekly(asked("2026-06-10,PHX,,,,the Minnow trunks size M,1")) == {("B26-M", "06-07"): 1}


def test_words_without_a_size_or_for_what_the_store_never_had_are_left_out(asked: Any) -> None:
    snapshot = asked("2026-06-10,PHX,,,,swim trunks,1", "2026-06-10,PHX,,,,snow boots 12,1")
    assert weekly(snapshot) == {}


def test_a_category_is_told_of_its_own_words_only(asked: Any) -> None:
    snapshot = asked("2026-06-10,SEA,,,,snow boots 12,1", "2026-06-10,PHX,,,,men's swim trunks M,1")
    boots = PRODUCTS[PRODUCTS["category"] == "snow boots"]
    assert weekly(snapshot, boots) == {("BOOT-12", "06-07"): 1}


def test_what_was_asked_lately_is_told_by_sku_with_its_last_day(asked: Any) -> None:
    snapshot = asked(
        "2026-06-01,PHX,T26-M,,,,1",
        "2026-06-09,PHX,,T26,M,,2",
        "2026-06-11,PHX,,,,men's swim trunks M,1",
        "2026-05-01,PHX,T26-M,,,,9",
        "2026-06-11,SEA,T26-M,,,,9",
    )
    found = lately_asked(
        snapshot,
        PRODUCTS,
        LIVES,
        first_on=date(2026, 5, 17),
        as_of=AS_OF,
        wordings=read_wordings(snapshot, PRODUCTS, as_of=AS_OF),
    )
    assert found[["store", "sku", "units"]].to_numpy().tolist() == [["PHX", "T26-M", 4]]
    assert found["last_on"].tolist() == [pd.Timestamp(2026, 6, 11)]


def test_what_a_store_never_had_is_told_beside_what_nobody_has(asked: Any) -> None:
    snapshot = asked(
        "2026-06-10,PHX,,,,rash guard M,1",
        "2026-06-11,PHX,,,,rashguards,2",
        "2026-06-11,PHX,,,,snow boots size 12,1",
        "2026-06-12,PHX,,BOOT,12,,1",
        "2026-06-12,SEA,BOOT-12,,,,5",
        "2026-06-12,PHX,,,,men's swim trunks M,5",
        "2026-06-12,SEA,T26-M,,,,1",
    )
    assert vain(snapshot) == [
        ["rash guard", "PHX", 3, 2],
        ["ridge boot", "PHX", 1, 1],
        ["snow boot", "PHX", 1, 1],
        ["marlin trunk", "SEA", 1, 1],
    ]


def test_older_requests_name_a_group_without_counting(asked: Any) -> None:
    lines = ["2026-03-10,PHX,,,,swim rash guard,9", "2026-06-11,PHX,,,,rash guard,1"]
    snapshot = asked(*lines)
    found = asked_in_vain(
        snapshot,
        PRODUCTS,
        LIVES,
        first_on=date(2026, 5, 17),
        as_of=AS_OF,
        wordings=read_wordings(snapshot, PRODUCTS, as_of=AS_OF),
    )
    assert found[["key", "words", "units"]].to_numpy().tolist() == [["guard-rash-swim", "rash guard", 1]]


def test_without_requests_in_words_nothing_is_read(asked: Any) -> None:
    snapshot = asked("2026-06-10,PHX,T26-M,,,,1")
    assert read_wordings(snapshot, PRODUCTS, as_of=AS_OF).empty
    assert vain(snapshot) == []
    assert weekly(snapshot) == {("T26-M", "06-07"): 1}
