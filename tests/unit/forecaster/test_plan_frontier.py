from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forecaster import ForecasterError, PlanRules, Stakes, candidate_plans
from forecaster.plan_frontier import break_even, undominated
from tests.unit.forecaster.planning import AS_OF, TODAY, Category

NO_MARKDOWN = replace(TODAY, markdowns=())
LONGER = replace(TODAY, exit=date(2026, 8, 16))
CANDIDATES = candidate_plans(TODAY, as_of=AS_OF)
amounts = st.floats(-1000, 1000).map(lambda value: round(value, 2))


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=30))
def test_the_frontier_has_no_dominated_plan_and_leaves_out_no_other(points):
    margin, away = (np.array(values) for values in zip(*points, strict=True))
    flags = undominated(margin, away)

    for plan in range(len(points)):
        beaten = (
            (margin >= margin[plan]) & (away <= away[plan]) & ((margin > margin[plan]) | (away < away[plan]))
        )
        alike = (margin == margin[plan]) & (away == away[plan])
        assert flags[alike].sum() == (0 if beaten.any() else 1)


def test_the_frontier_runs_from_most_margin_to_most_customers():
    frontier = Category(stock=60.0).weigh(*CANDIDATES, stakes=Stakes(rail_week_value=40.0)).frontier()

    assert len(frontier) > 1
    assert frontier["net_margin"].is_monotonic_decreasing
    assert frontier["turned_away"].is_monotonic_decreasing


@pytest.mark.parametrize("value", [0.0, 5.0, 30.0, 1000.0])
def test_the_recommended_plan_is_the_one_worth_most(value):
    report = Category(stock=60.0).weigh(
        *CANDIDATES, stakes=Stakes(customer_value=value, rail_week_value=40.0)
    )
    worth = report.plans["net_margin"] - value * report.plans["turned_away"]

    best = report.recommended()

    assert best["net_margin"] - value * best["turned_away"] == pytest.approx(worth.max(), abs=0.01)
    assert best["value_won"] == pytest.approx(worth.max() - worth[0], abs=0.01)


def test_the_choices_name_the_best_plan_for_every_value_of_a_customer():
    report = Category(stock=60.0).weigh(*CANDIDATES, stakes=Stakes(rail_week_value=40.0))
    choices = report.choices()

    assert choices["from_value"].is_monotonic_increasing
    for low, high, plan in zip(
        choices["from_value"], [*choices["from_value"][1:], 1e4], choices["plan"], strict=True
    ):
        middle = (low + high) / 2
        assert report.recommended(customer_value=middle)["plan"] == plan


def test_where_space_has_no_price_none_is_recommended_beyond_todays():
    report = Category(stock=60.0).weigh(*CANDIDATES)

    assert report.recommended()["rail_weeks"] <= 0
    assert (report.choices()["rail_weeks"] <= 0).all()
    assert report.frontier()["rail_weeks"].max() > 0


def test_the_rail_choices_name_the_best_plan_for_every_worth_of_a_rail():
    category = Category(stock=60.0)
    choices = category.weigh(*CANDIDATES).rail_choices()

    assert len(choices) > 2
    for low, high, won in zip(
        choices["from_value"], [*choices["from_value"][1:], 1e5], choices["plan"], strict=True
    ):
        priced = category.weigh(*CANDIDATES, stakes=Stakes(rail_week_value=(low + high) / 2))
        assert priced.recommended()["plan"] == won


def test_with_a_price_for_space_there_is_nothing_left_to_choose():
    assert Category().weigh(LONGER, stakes=Stakes(rail_week_value=40.0)).rail_choices().empty


def test_at_its_break_even_a_plan_is_worth_what_todays_is():
    report = Category(stock=60.0).weigh(LONGER, NO_MARKDOWN, replace(NO_MARKDOWN, exit=LONGER.exit))

    for row in report.plans.iloc[1:].to_dict("records"):
        if not np.isnan(row["customer_break_even"]) and row["customer_break_even"] > 0:
            assert row["margin_won"] + row["customer_break_even"] * row["customers_won"] == pytest.approx(0.0)
        if not np.isnan(row["rail_week_break_even"]):
            assert row["margin_won"] == pytest.approx(row["rail_week_break_even"] * row["rail_weeks"])


@pytest.mark.parametrize(
    ("won", "taken", "worth"),
    [
        (-120.0, 40.0, 3.0),  # gives up $120 to serve 40 more: pays from $3 a customer
        (120.0, -40.0, 3.0),  # wins $120 and loses 40: pays up to $3 a customer
        (120.0, 40.0, 0.0),  # pays anyway
        (-120.0, -40.0, np.nan),  # never pays
        (120.0, 0.0, np.nan),  # no customer is won or lost
    ],
)
def test_what_a_customer_must_be_worth(won, taken, worth):
    assert break_even(pd.Series([won]), pd.Series([taken]))[0] == pytest.approx(worth, nan_ok=True)


def test_todays_plan_is_recommended_where_nothing_is_worth_more():
    assert Category().weigh(TODAY).recommended()["plan"] == 0


def test_todays_plan_is_not_recommended_above_its_budget():
    rules = PlanRules(markdown_budget=1.0)
    report = Category(stock=60.0).weigh(*CANDIDATES, rules=rules)

    assert report.today()["markdown_cost"] > 1.0
    assert dict(report.refused)[TODAY].endswith("above the budget of $1")
    assert 0 not in report.frontier().index
    assert report.recommended()["markdown_cost"] <= 1.0
    assert 0 not in set(report.rail_choices()["plan"])


def test_where_there_is_no_other_plan_todays_is_told():
    report = Category(stock=60.0).weigh(rules=PlanRules(markdown_budget=1.0))

    assert report.recommended()["plan"] == 0


def test_a_zone_that_was_not_told_is_refused():
    with pytest.raises(ForecasterError, match="told are north, south"):
        Category().weigh(per_zone=True).of_zone("moon")
