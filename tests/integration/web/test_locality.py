"""Everybody reads dates, numbers and hours as they are written at the own store, by its clock."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.records import Store
from tests.integration.web.world import MANAGER, MERCHANDISER, NEIGHBOUR, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.testing import FlaskClient


@pytest.fixture
def phoenix(world: World) -> World:
    """The world, whose first store writes as in America and has its own clock."""
    with world.database.write() as records:
        store = records.get_one(Store, "PHX1")
        store.locale, store.timezone = "en_US", "Asia/Tokyo"
    return world


def test_a_manager_reads_as_at_the_own_store_and_others_as_the_chain_does(
    phoenix: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    address = f"/alerts/{phoenix.own_alert}"
    hers, his = logged_in(MANAGER).get(address).text, logged_in(MERCHANDISER).get(address).text
    assert "July 5" in hers
    assert "5 July" not in hers
    assert "5 July" in his
    assert "July 5" not in his
    assert " JST" in hers
    assert " JST" not in his


def test_one_reader_s_place_is_not_the_next_one_s(
    phoenix: World, logged_in: Callable[[str], FlaskClient]
) -> None:
    maya, noor = logged_in(MANAGER), logged_in(NEIGHBOUR)
    for _ in range(2):
        assert "July 5" in maya.get(f"/alerts/{phoenix.own_alert}").text
        assert "July 5" not in noor.get("/alerts").text
