"""The frontier as a drawing, and which plan is recommended for what is at stake."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.planning.details import plan_details
from forecaster.plans import Plan, Stakes
from web.rendering.frontier import HEIGHT, WIDTH, Choice, choices_of, drawn, undominated

TODAY = Plan(date(2026, 2, 15), (), date(2026, 7, 5))


def plan(days: int) -> Plan:
    return Plan(TODAY.floor_set, (), date.fromordinal(TODAY.exit.toordinal() + days))


def row(days: int, margin: float, customers: float, rails: float = 0.0) -> dict[str, Any]:
    figures = {"margin_won": margin, "customers_won": customers, "rail_weeks": rails}
    return {"plan": plan_details(plan(days)), "figures": figures}


def choice(days: int, margin: float, customers: float) -> Choice:
    return Choice.of(row(days, margin, customers), Stakes())


DETAILS: dict[str, Any] = {
    "today": row(0, 0.0, 0.0),
    "recommended": row(1, 50.0, 2.0),
    "best_margin": row(1, 50.0, 2.0),
    "most_customers": row(30, -400.0, 200.0, rails=60.0),
    "frontier": [row(1, 50.0, 2.0), row(7, -20.0, 20.0), row(30, -400.0, 200.0, rails=60.0)],
    "choices": [{"from_value": 0.0, **row(1, 50.0, 2.0)}, {"from_value": 3.9, **row(7, -20.0, 20.0)}],
    "rail_choices": [],
}


def recommended(**stakes: float) -> Plan:
    return choices_of(DETAILS, Stakes(**stakes))[1].plan


def test_without_stakes_the_night_has_the_word() -> None:
    frontier, best = choices_of(DETAILS, Stakes())
    assert [each.plan for each in frontier] == [plan(1), plan(7), plan(30)]
    assert best.plan == plan(1)


def test_a_dearer_customer_makes_a_later_exit_the_best() -> None:
    assert recommended(customer_value=1.0) == plan(1)
    assert recommended(customer_value=10.0) == plan(7)


def test_more_space_is_recommended_only_where_it_has_a_price() -> None:
    assert recommended(customer_value=1000.0) == plan(7)
    assert recommended(customer_value=1000.0, rail_week_value=1.0) == plan(30)
    assert recommended(customer_value=10.0, rail_week_value=100.0) == plan(7)


def test_rails_are_paid_out_of_the_margin() -> None:
    paid = Choice.of(DETAILS["most_customers"], Stakes(rail_week_value=5.0, customer_value=2.0))
    assert paid.margin_won == -700.0
    assert paid.value_won == -300.0


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(-50, 50)), min_size=1, max_size=12))
def test_no_plan_of_the_frontier_is_beaten_in_both(points: list[tuple[int, int]]) -> None:
    rows = [choice(place, margin, customers) for place, (margin, customers) in enumerate(points)]
    kept = undominated(rows)
    for each in kept:
        assert not any(
            other.margin_won >= each.margin_won
            and other.customers_won >= each.customers_won
            and (other.margin_won, other.customers_won) != (each.margin_won, each.customers_won)
            for other in rows
        )
    best = max(each.margin_won for each in rows)
    assert kept[0].margin_won == best


@given(
    st.lists(
        st.tuples(st.floats(-1e6, 1e6), st.floats(-1e5, 1e5)) | st.just((0.0, 0.0)), min_size=1, max_size=8
    )
)
def test_every_mark_lies_inside_the_drawing(points: list[tuple[float, float]]) -> None:
    rows = [choice(place + 1, margin, customers) for place, (margin, customers) in enumerate(points)]
    drawing = drawn(rows, today=choice(0, 0.0, 0.0), recommended=rows[0], hand=rows[-1])
    for mark in drawing.marks:
        assert drawing.left <= mark.x <= drawing.right <= WIDTH
        assert drawing.top <= mark.y <= drawing.bottom <= HEIGHT
    for ticks in (drawing.across, drawing.up):
        assert 1 <= len(ticks) <= 12
        assert sum(tick.label == "today" for tick in ticks) == 1


def test_better_lies_to_the_right_and_above() -> None:
    drawing = drawn([choice(1, 500.0, 40.0)], today=choice(0, 0.0, 0.0), recommended=choice(2, -100.0, -5.0))
    at = {mark.kind: mark for mark in drawing.marks}
    assert at["recommended"].x < at["today"].x < at["frontier"].x
    assert at["recommended"].y > at["today"].y > at["frontier"].y


def test_a_plan_has_one_mark_and_the_name_that_matters_most() -> None:
    best = choice(1, 500.0, 40.0)
    drawing = drawn([best], today=choice(0, 0.0, 0.0), recommended=best, hand=best)
    assert [mark.kind for mark in drawing.marks] == ["today", "recommended", "hand"]


@pytest.mark.parametrize("amount", [0.0, 0.4, 3.0, 12_345.0, 9e8])
def test_the_grid_has_round_numbers(amount: float) -> None:
    best = choice(1, amount, 1.0)
    drawing = drawn([choice(2, amount, amount)], today=choice(0, 0.0, 0.0), recommended=best)
    assert len({tick.label for tick in drawing.up}) == len(drawing.up)
