from __future__ import annotations

import doctest
from dataclasses import replace
from datetime import date

import pytest

from data.planning.assumed import Assumed, Prices
from forecaster import Markdown, Plan
from web.rendering import plan_words
from web.rendering.plan_words import changed_plan, notes, whole_plan

TODAY = date(2026, 6, 7)
CURRENT = Plan(
    date(2026, 2, 16), (Markdown(date(2026, 6, 15), 30), Markdown(date(2026, 6, 29), 50)), date(2026, 7, 5)
)
LATER = replace(CURRENT, exit=date(2026, 8, 2))


def test_the_examples_hold():
    assert doctest.testmod(plan_words).failed == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"floor_set": date(2026, 1, 26)}, "floor-set 26 January, exit 2 August"),
        ({"stores": frozenset({"b", "a"})}, "exit 2 August in Phoenix and b only"),
        ({"stores": frozenset("abcde")}, "exit 2 August in 5 stores only"),
        ({"sizes": frozenset({"S", "M"})}, "exit 2 August in M and S only"),
        ({"rails": 1.0}, "exit 2 August on 1 rail a store only"),
        ({"rails": 2.0, "stores": frozenset("a")}, "exit 2 August in Phoenix on 2 rails a store only"),
        ({"markdowns": ()}, "no markdown, exit 2 August"),
    ],
)
def test_only_what_a_plan_changes_is_said(change, said):
    assert changed_plan(replace(LATER, **change), CURRENT, TODAY, {"a": "Phoenix"}) == said


def test_a_whole_plan_is_said_with_its_prices_and_its_exit():
    assert whole_plan(CURRENT, TODAY) == "30% off on 15 June and 50% off on 29 June, exit 5 July"


def test_what_is_taken_for_granted_is_said_and_nothing_else():
    plain, full = (
        notes(assumed)
        for assumed in (
            Assumed(Prices()),
            Assumed(Prices(0.2, 0.5), without_price=1, without_cost=2, substitution=0.25),
        )
    )

    assert plain == (
        "a piece left over brings 15% of its regular price",
        "nobody takes another piece instead, since how many do has not been measured",
    )
    assert full == (
        "a piece left over brings 20% of its regular price",
        "1 sku without a regular price left out",
        "2 skus without a unit cost taken to cost 50% of the price",
        "25% of those turned away take another piece if there is one, as measured",
    )
