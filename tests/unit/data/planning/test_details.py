from __future__ import annotations

import doctest
import json
import math
from dataclasses import replace
from datetime import date

import pytest

from data.planning import details
from data.planning.assumed import Assumed, Prices
from data.planning.details import FIGURES, REPORTED, figures_of, plan_details, plan_of
from forecaster import ForecasterError, Markdown, Plan

PLAN = Plan(
    date(2026, 2, 16),
    (Markdown(date(2026, 6, 15), 30.0), Markdown(date(2026, 6, 29), 50.0)),
    date(2026, 7, 5),
)


def test_the_examples_hold() -> None:
    assert doctest.testmod(details).failed == 0


@pytest.mark.parametrize(
    "plan",
    [
        PLAN,
        replace(PLAN, markdowns=()),
        replace(PLAN, stores=frozenset({"b", "a"}), sizes=frozenset({"S"}), rails=1.5),
    ],
)
def test_a_plan_comes_back_from_json_as_it_was(plan: Plan) -> None:
    assert plan_of(json.loads(json.dumps(plan_details(plan)))) == plan


def test_a_plan_that_contradicts_itself_is_refused() -> None:
    told = plan_details(PLAN) | {"exit": "2026-02-01"}

    with pytest.raises(ForecasterError, match="before floor_set"):
        plan_of(told)


def test_figures_are_plain_numbers_and_gaps_are_none() -> None:
    row = dict.fromkeys(REPORTED, 1.23456) | {
        "evidence": math.nan,
        "rail_week_break_even": math.inf,
        "plan": 3,
    }

    told = figures_of(row)

    assert told["evidence"] is told["rail_week_break_even"] is None
    assert told["margin"] == 1.23
    assert set(told) == set(REPORTED) < set(FIGURES)


def test_what_was_assumed_comes_back_as_it_was() -> None:
    assumed = Assumed(Prices(0.2, 0.5), without_price=1, without_cost=2, substitution=0.25)

    assert Assumed.of(json.loads(json.dumps(assumed.details))) == assumed
