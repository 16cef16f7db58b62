"""What can be done, told in few words."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from data.calendar_rows import Difference, Scope
from data.records import AlertAction
from data.records.decisions import DECISION_NAMES
from web.rendering import acts

TODAY = date(2026, 6, 14)


def action(kind: str, details: dict | None = None, **changes) -> AlertAction:
    plain = {"units": 9.0, "cost": Decimal(12), "benefit": Decimal(90)} | changes
    return AlertAction(kind=kind, details=details or {}, **plain)


def line(giver: str, units: int) -> dict:
    return {"from_store": giver, "sku": "TIDE-M", "units": units}


@pytest.mark.parametrize(
    ("kind", "details", "title"),
    [
        ("transfer", {"lines": [line("A", 2), line("B", 3)]}, "Transfer 5 units from 2 stores"),
        ("transfer", {"lines": [line("A", 1)]}, "Transfer 1 unit from 1 store"),
        ("release_from_dc", {"lines": [line("DC", 24)]}, "Release 24 units from the distribution centre"),
        ("reorder", {"sizes": [{"sku": "M", "units": 12}, {"sku": "L", "units": 6}]}, "Reorder 18 units"),
        ("hold_markdown", {"markdown": "2026-06-21", "weeks": 3.0}, "Hold the markdown until 12 July"),
        ("hold_markdown", {}, "Hold the markdown"),
        ("extend_exit", {"until": "2026-09-06"}, "Keep it on the floor until 6 September"),
        ("extend_exit", {}, "Keep it on the floor longer"),
        (
            "extend_exit",
            {"until": "2027-01-02", "stores": [{"store": "A"}, {"store": "B"}]},
            "Keep it on the floor until 2 January 2027 in 2 stores",
        ),
        ("bring_floor_set_forward", {"new_floor_set": "2026-07-01"}, "Set it on the floor on 1 July"),
        ("keep_open_test", {"stores": ["A", "B", "C"]}, "Test it: keep 3 stores open"),
        ("count_shelf", {"skus": ["TIDE-M"]}, "Count the shelf"),
    ],
)
def test_an_offer_reads_as_an_order(kind: str, details: dict, title: str) -> None:
    assert acts.title(action(kind, details), TODAY) == title


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "Wins 9 units, $90 margin, costs $12."),
        ({"cost": None}, "Wins 9 units, $90 margin."),
        ({"units": 0.0, "cost": Decimal(0)}, "$90 margin."),
        ({"units": 0.0, "cost": Decimal(12), "benefit": None}, "Costs $12."),
        ({"units": 0.0, "cost": None, "benefit": None}, ""),
    ],
)
def test_what_nobody_knows_is_not_told(changes: dict, told: str) -> None:
    assert acts.worth(action("reorder", **changes)) == told


def test_what_it_wins_is_not_what_it_moves() -> None:
    ordered = action("reorder", {"together_with": "extend_exit"})
    assert acts.worth(ordered).endswith(" Only with a later exit.")
    assert acts.worth(action("transfer", {"wins": 4.2})).startswith("Wins 4 units")


@pytest.mark.parametrize("name", DECISION_NAMES.values())
def test_every_decision_has_words_for_the_history(name: str) -> None:
    told = acts.told_reason(name)
    assert told != name
    assert "_" not in told
    assert acts.told_reason(f"{name}: for Friday: early") == f"{told}: for Friday: early"


@pytest.mark.parametrize("kind", DECISION_NAMES)
def test_every_kind_says_what_its_button_does(kind: str) -> None:
    assert acts.order(kind) != "Do it"
    assert acts.what_happens(kind, decides=True) != acts.what_happens(kind, decides=False)


@pytest.mark.parametrize("reason", ["taken on", "snoozed: refused", "refused: by me"])
def test_any_other_reason_is_told_as_it_is(reason: str) -> None:
    assert acts.told_reason(reason) == reason


def test_a_difference_names_its_store_and_both_dates() -> None:
    row = Difference("Swim", "SS26", Scope(store_id="P1", style_id="T"), "exit", date(2026, 7, 5), None)

    assert acts.told_scope(row.scope, {"P1": "Phoenix", "T": "Tide"}) == "Tide in Phoenix"
    assert acts.told_difference(row, TODAY) == ("Leaves the floor", "5 July", "nothing")


@pytest.mark.parametrize(
    ("scope", "told"),
    [
        (Scope(), "Everywhere"),
        (Scope(climate_zone="hot"), "In the zone hot"),
        (Scope(style_id="T"), "T everywhere"),
    ],
)
def test_a_scope_is_told_as_a_place(scope: Scope, told: str) -> None:
    assert acts.told_scope(scope, {}) == told


def test_held_markdowns_are_told_with_their_days() -> None:
    before, after = ((date(2026, 6, 21), 25.0),), ((date(2026, 7, 12), 25.0), (date(2026, 7, 26), 50.0))
    row = Difference("Swim", "SS26", Scope(), "markdown", before, after)

    assert acts.told_difference(row, TODAY) == (
        "Markdown",
        "25% off from 21 June",
        "25% off from 12 July and 50% off from 26 July",
    )


def test_what_it_takes_from_others_is_told_with_its_break_even() -> None:
    kept = action("extend_exit", {"rail_weeks": 4.25, "break_even_per_rail_week": 163.7})
    assert acts.balance(kept) == (
        "It takes 4.2 rail-weeks from the incoming set and pays while that earns under $164 per rail-week."
    )
    held = action("hold_markdown", {"break_even_per_customer": 7.4})
    assert acts.balance(held) == "It pays if a customer is worth more than $7."
    assert acts.balance(action("extend_exit", {"rail_weeks": 0.0, "break_even_per_rail_week": None})) == ""
    assert acts.balance(action("transfer", {})) == ""
