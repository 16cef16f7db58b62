from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from data.nearby import Nearby, Search, Whereabouts
from data.records import StoreEffort
from web.rendering import ways

TODAY = date(2026, 6, 14)


def nearby(**changes: Any) -> Nearby:
    given = {
        "store_id": "TMP1", "name": "Tempe", "phone": "", "miles": 4.13, "units": 3, "held": 0, "promised": 0,
        "counted_on": date(2026, 6, 13),
    } | changes  # fmt: skip
    return Nearby(**given)


def where(*stores: Nearby, here: int | None = 0, ships_from: tuple[Nearby, ...] = ()) -> Whereabouts:
    return Whereabouts(here=here, counted_on=TODAY, stores=stores, ships_from=ships_from)


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (where(nearby(), here=2), "Found here: the books show 2."),
        (where(nearby()), "Found in the second store, Tempe, 4.1 miles away."),
        (where(nearby(miles=None)), "Found in the second store, Tempe; how far away is not known."),
        (where(ships_from=(nearby(),)), "No store has it, but it can be shipped."),
        (where(here=None), "Nobody in the chain has it."),
    ],
)
def test_where_it_is_found_is_one_sentence(found: Whereabouts, told: str) -> None:
    assert ways.found(found) == told


@pytest.mark.parametrize(
    ("search", "told"),
    [
        (None, ""),
        (Search(1, 0.0, "Here"), ""),
        (Search(2, 4.13, "Tempe"), ""),
        (Search(3, 12.34, "Mesa"), "Looking alone, a customer finds it in the third store, after 12 miles."),
        (
            Search(10, 88.0, ""),
            "Looking alone, a customer sees 10 stores on 88 miles and does not find it.",
        ),
    ],
)
def test_looking_alone_is_told_where_it_takes_longer(search: Search | None, told: str) -> None:
    assert ways.alone(search, where(nearby())) == told


def test_where_nobody_has_it_there_is_no_way() -> None:
    assert ways.alone(Search(10, 88.0, ""), where()) == ""


def test_what_is_spoken_for_stands_beside_the_pieces() -> None:
    told = ways.stock_line(nearby(units=1200, held=1, promised=2), TODAY)
    assert told == "1,200 by the count of 13 June · 1 held for customers · 2 promised to other stores"
    assert ways.stock_line(nearby(counted_on=None), TODAY) == "3 by the count"


def test_the_usual_effort_of_a_store_is_told() -> None:
    effort = StoreEffort(stores_visited=2.34, miles=8.0, found=0.95)
    assert ways.usual(effort) == "On average, customers of this store visit 2.3 stores, and 5% find nothing."
    all_found = StoreEffort(stores_visited=1.2, miles=8.0, found=1.0)
    assert ways.usual(all_found).endswith("visit 1.2 stores until they find what they came for.")
    assert ways.usual(None) == ""
