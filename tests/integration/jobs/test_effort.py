"""How far customers go is kept night by night, and told by store and for the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from data.errors import InSeasonError
from jobs.effort import effort_rows, print_effort
from jobs.night import run_night

if TYPE_CHECKING:
    from jobs.service import Service

PLACES = {
    "PHX-01": "33.51,-112.02",
    "PHX-02": "33.50,-111.99",
    "LAX-01": "34.05,-118.38",
    "SEA-01": "47.61,-122.34",
}


@pytest.fixture
def mapped(retailer: Service) -> Service:
    """The retailer, its stores on the map."""
    path = retailer.settings.inbox / "stores.csv"
    header, *rows = path.read_text(encoding="utf-8").splitlines()
    placed = [f"{row},{PLACES[row.split(',')[0]]}" for row in rows]
    path.write_text("\n".join([f"{header},latitude,longitude", *placed, ""]), encoding="utf-8")
    return retailer


def test_each_night_keeps_how_far_customers_go(mapped: Service, capsys: pytest.CaptureFixture[str]) -> None:
    run_night(mapped)

    [chain] = effort_rows(mapped.database, store=None)
    [phoenix] = effort_rows(mapped.database, store="PHX-01")
    assert (chain["store"], phoenix["store"]) == ("the chain", "PHX-01")
    assert chain["business_date"] == "2026-06-06"
    assert chain["customers"] > phoenix["customers"] > 0
    # Everything hangs in every store in June.
    assert phoenix["stores_visited"] == pytest.approx(1.0)
    assert (phoenix["miles"], phoenix["found"]) == (0.0, 1.0)
    print_effort([chain, phoenix])
    told = capsys.readouterr().out
    assert "the chain" in told
    assert "100%" in told


def test_a_chain_without_places_on_the_map_measures_nothing(
    retailer: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    run_night(retailer)

    assert effort_rows(retailer.database, store=None) == []
    print_effort([])
    assert "No night has measured" in capsys.readouterr().out


def test_a_store_that_is_not_there_is_named(retailer: Service) -> None:
    with pytest.raises(InSeasonError, match="no store 'NOWHERE'"):
        effort_rows(retailer.database, store="NOWHERE")
