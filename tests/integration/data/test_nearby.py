"""Where a thing is: nearest first, without what is spoken for, and how far one goes who is not told."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from data.errors import InSeasonError
from data.nearby import nearest_of_each, nearest_with, search_of, usual_effort, whereabouts
from data.records import (
    Consignment,
    ConsignmentLine,
    CustomerRequest,
    Decision,
    DecisionState,
    NewestStock,
    RequestOutcome,
    Store,
    StoreEffort,
    Wanted,
)
from tests.integration.web.shelves import stock_the_shelves
from tests.integration.web.world import World, build_world

if TYPE_CHECKING:
    from data.database import Database

NOW = datetime(2026, 6, 14, 16, tzinfo=UTC)
TODAY = date(2026, 6, 14)


@pytest.fixture
def shelves(database: Database) -> World:
    """The small retailer with something on its shelves."""
    world = build_world(database)
    stock_the_shelves(database)
    return world


def promise(world: World, state: DecisionState, *, units: int = 1) -> None:
    """Tempe has promised navy trunks in M to Seattle."""
    with world.database.write() as records:
        records.add(
            Decision(
                alert_id=world.own_alert,
                kind="transfer",
                state=state,
                store_id="SEA1",
                category="Swim trunks",
                style_id="MAR",
                style_name="Marlin Trunk",
                season_code="SS26",
                units=1.0,
                cost=Decimal(1),
                offered_on=TODAY,
                requested_by="noor@example.com",
                requested_at=NOW,
                changed_at=NOW,
                consignments=[
                    Consignment(
                        from_store="TMP1",
                        to_store="SEA1",
                        state=state,
                        lines=[ConsignmentLine(sku="MAR-NAV-M", units=units)],
                    )
                ],
                events=[],
            )
        )


def hold(world: World, store_id: str, *, at: datetime = NOW, **wanted: str) -> None:
    """A piece is set aside in a store."""
    with world.database.write() as records:
        asked = CustomerRequest.asked(
            Wanted(**wanted),
            store_id="PHX1",
            person_id=1,
            units=1,
            now=at,
            form_key=f"{store_id}{at}{wanted}",
        )
        asked.settle(RequestOutcome.HOLD, at, holding_store_id=store_id)
        records.add(asked)


def test_the_nearest_that_have_it_come_first_with_miles_and_pieces(shelves: World) -> None:
    with shelves.database.read() as session:
        found = nearest_with(session, store_id="PHX1", style_id="MAR", size="M", now=NOW)
    assert [(place.name, place.units) for place in found] == [("Tempe", 1), ("Tucson", 3)]
    assert [place.miles for place in found] == pytest.approx([12.7, 114.0], abs=1.5)


def test_a_sku_is_that_colour_only(shelves: World) -> None:
    with shelves.database.read() as session:
        found = nearest_with(session, store_id="PHX1", sku="MAR-RED-M", now=NOW)
        shipped = whereabouts(session, Wanted(sku="MAR-NAV-M"), store_id="PHX1", now=NOW).ships_from
    assert [(place.name, place.units) for place in found] == [("Tucson", 1)]
    assert [place.name for place in shipped] == ["Reno DC"]


def test_what_is_named_is_one_thing(shelves: World) -> None:
    with shelves.database.read() as session, pytest.raises(InSeasonError):
        nearest_with(session, store_id="PHX1", now=NOW)


@pytest.mark.parametrize("state", [DecisionState.REQUESTED, DecisionState.APPROVED, DecisionState.ACCEPTED])
def test_a_store_whose_pieces_are_promised_is_left_out(state: DecisionState, shelves: World) -> None:
    promise(shelves, state)
    with shelves.database.read() as session:
        found = nearest_with(session, store_id="PHX1", style_id="MAR", size="M", now=NOW)
        each = nearest_of_each(session, ["MAR-NAV-M"], store_id="PHX1", now=NOW)
    assert [place.name for place in found] == ["Tucson"]
    assert [place.name for place in each["MAR-NAV-M"]] == ["Tucson"]


@pytest.mark.parametrize("state", [DecisionState.SHIPPED, DecisionState.DECLINED, DecisionState.WITHDRAWN])
def test_what_has_left_or_was_given_free_is_not_promised(state: DecisionState, shelves: World) -> None:
    promise(shelves, state)
    with shelves.database.read() as session:
        nearest = nearest_with(session, store_id="PHX1", style_id="MAR", size="M", now=NOW)[0]
    assert (nearest.name, nearest.promised, nearest.free) == ("Tempe", 0, 1)


def test_what_is_held_and_promised_is_told_beside_the_pieces(shelves: World) -> None:
    with shelves.database.write() as records:
        records.get_one(NewestStock, ("MAR-NAV-M", "TMP1")).on_hand = 5
    promise(shelves, DecisionState.APPROVED, units=2)
    hold(shelves, "TMP1", style_id="MAR", size="M")
    hold(shelves, "TMP1", sku="MAR-NAV-M")
    with shelves.database.read() as session:
        nearest = nearest_with(session, store_id="PHX1", sku="MAR-NAV-M", now=NOW)[0]
        same = nearest_of_each(session, ["MAR-NAV-M"], store_id="PHX1", now=NOW)["MAR-NAV-M"][0]
    assert (nearest.units, nearest.held, nearest.promised, nearest.free) == (5, 1, 2, 2)
    # A style held in a size may be any of its colours.
    assert (same.held, same.promised, same.free) == (2, 2, 1)


def test_a_hold_is_forgotten_after_some_days(shelves: World) -> None:
    hold(shelves, "TMP1", sku="MAR-NAV-M", at=NOW - timedelta(days=4))
    with shelves.database.read() as session:
        assert nearest_with(session, store_id="PHX1", sku="MAR-NAV-M", now=NOW)[0].held == 0
        assert nearest_of_each(session, ["MAR-NAV-M"], store_id="PHX1", now=NOW)["MAR-NAV-M"][0].held == 0


def test_each_of_several_skus_has_its_own_nearest_and_the_own_store_is_none_of_them(shelves: World) -> None:
    skus = ["MAR-NAV-M", "MAR-RED-M", "MAR-NAV-L", "MAR-NAV-S"]
    with shelves.database.read() as session:
        found = nearest_of_each(session, skus, store_id="PHX1", now=NOW)
        near_one = nearest_of_each(session, skus, store_id="PHX1", now=NOW, limit=1)
    names = {sku: [place.name for place in places] for sku, places in found.items()}
    assert names == {"MAR-NAV-M": ["Tempe", "Tucson"], "MAR-RED-M": ["Tucson"]}
    assert [place.name for place in near_one["MAR-NAV-M"]] == ["Tempe"]


def test_who_looks_alone_goes_from_store_to_store_until_one_has_it(shelves: World) -> None:
    with shelves.database.read() as session:
        navy = search_of(session, Wanted(sku="MAR-NAV-M"), store_id="PHX1", today=TODAY)
        red = search_of(session, Wanted(sku="MAR-RED-M"), store_id="PHX1", today=TODAY)
        here = search_of(session, Wanted(sku="MAR-NAV-L"), store_id="PHX1", today=TODAY)
        gone = search_of(session, Wanted(sku="MAR-RED-L"), store_id="PHX1", today=TODAY)
    assert navy
    assert red
    assert gone
    assert (navy.visited, navy.found_at) == (2, "Tempe")
    # On to Tucson from Tempe, not from home.
    assert (red.visited, red.found_at) == (3, "Tucson")
    assert red.miles == pytest.approx(navy.miles + 101, abs=2)
    assert here
    assert (here.visited, here.miles) == (1, 0.0)
    assert (gone.visited, gone.found_at) == (4, "")


def test_nobody_walks_from_a_place_that_is_not_known_or_into_a_store_that_closed(shelves: World) -> None:
    with shelves.database.write() as records:
        records.get_one(Store, "TMP1").closed_on = date(2026, 6, 1)
        records.get_one(Store, "SEA1").latitude = None
    with shelves.database.read() as session:
        found = search_of(session, Wanted(sku="MAR-NAV-M"), store_id="PHX1", today=TODAY)
        unknown = search_of(session, Wanted(sku="MAR-NAV-M"), store_id="SEA1", today=TODAY)
    assert found
    assert (found.visited, found.found_at) == (2, "Tucson")
    assert unknown is None


def test_the_newest_nights_effort_of_the_own_store_is_told(shelves: World) -> None:
    with shelves.database.write() as records:
        records.add_all(
            StoreEffort(
                business_date=night,
                store_id=store,
                need=need,
                stores_visited=stores,
                miles=1,
                found=1,
                units=1,
            )
            for night, store, need, stores in (
                (date(2026, 6, 12), "PHX1", "", 3.0),
                (date(2026, 6, 13), "PHX1", "", 2.3),
                (date(2026, 6, 13), "PHX1", "trunks M", 9.0),
                (date(2026, 6, 13), "", "", 1.1),
            )
        )
    with shelves.database.read() as session:
        effort = usual_effort(session, store_id="PHX1")
        none = usual_effort(session, store_id="TUS1")
    assert effort
    assert effort.stores_visited == 2.3
    assert none is None
