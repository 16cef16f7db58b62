"""Markdown plans whose outcome can be worked out on paper, or stands in a textbook."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import Markdown, Plan, expected_gap, plan_markdowns

AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=8, freq="7D")
FLOOR_SET = date(2026, 6, 7)


def weigh(mean, stock, plan, *, elasticity=1.0, level_shape=np.inf, dispersion=np.inf, **money):
    """The row of one plan of one size in one store, by default of a Poisson demand."""
    prices = {"regular_price": 10.0, "unit_cost": 4.0, "salvage": 1.0} | money
    weekly = pd.Series(mean, index=WEEKS[: len(mean)]).reindex(WEEKS, fill_value=0.0)
    key = {"store": "s", "sku": "k"}
    return plan_markdowns(
        pd.DataFrame({**key, "week": WEEKS, "mean": weekly.to_numpy()}),
        pd.DataFrame([{**key, "level_shape": level_shape, "dispersion": dispersion, **prices}]),
        pd.DataFrame([{**key, "week": WEEKS[0], "units": float(stock)}]),
        [],
        today=plan,
        elasticity=elasticity,
        as_of=AS_OF,
        season_ends=date(2026, 8, 1),
    ).today()


def test_a_two_week_season_worked_out_by_hand():
    # Three pieces; two customers a week come at the full price of $10, Poisson; a piece costs $4 and is worth
    # $1 when left over. In the second week half is off, which at an elasticity of 1 doubles demand to four.
    #
    # First week, D1 ~ Poisson(2): p(0) = e^-2 = 0.135335, p(1) = 0.270671, p(2) = 0.270671.
    #   left of three = 3 p(0) + 2 p(1) + 1 p(2) = 0.406006 + 0.541341 + 0.270671 = 1.218017
    #   sold at $10   = 3 - 1.218017 = 1.781983
    # Both weeks, D1 + D2 ~ Poisson(6): p(0) = e^-6 = 0.002479, p(1) = 0.014873, p(2) = 0.044618.
    #   left over     = 3 p(0) + 2 p(1) + 1 p(2) = 0.007436 + 0.029745 + 0.044618 = 0.081799
    #   sold at $5    = 1.218017 - 0.081799 = 1.136218
    # Revenue = 17.81983 + 5.68109 = 23.50092; given away = 5.68109; salvage = 0.08180
    # Margin = 23.50092 + 0.08180 - 3 x 4 = 11.58272
    # Customers, at regular price: 2 - 1.781983 = 0.218017 turned away in the first week, and of two in the
    # second, who compete with two whom only the price has brought, 2 - 1.136218 / 2 = 1.431891: 1.649908.
    plan = Plan(FLOOR_SET, (Markdown(date(2026, 6, 14), 50.0),), date(2026, 6, 20))

    row = weigh([2.0, 2.0], 3, plan)

    assert row["full_price_units"] == pytest.approx(1.781983, abs=1e-6)
    assert row["markdown_units"] == pytest.approx(1.136218, abs=1e-6)
    assert row["leftover_units"] == pytest.approx(0.081799, abs=1e-6)
    assert row["revenue"] == pytest.approx(23.50092, abs=1e-5)
    assert row["markdown_cost"] == pytest.approx(5.68109, abs=1e-5)
    assert row["margin"] == pytest.approx(11.58272, abs=1e-5)
    assert row["turned_away_during"] == pytest.approx(1.649908, abs=1e-6)


def test_who_comes_before_the_floor_set_and_after_the_exit_is_turned_away():
    # One week of two, on the floor in its middle days 2 to 5 of 7 only: 3/7 of the demand is outside.
    plan = Plan(date(2026, 6, 8), (), date(2026, 6, 11))

    row = weigh([7.0], 100, plan)

    assert row["turned_away_before"] == pytest.approx(1.0)
    assert row["turned_away_during"] == pytest.approx(0.0, abs=1e-9)
    assert row["turned_away_after"] == pytest.approx(2.0)
    assert row["full_price_units"] == pytest.approx(4.0)


def test_without_markdowns_a_plan_loses_on_the_floor_what_the_gap_loses():
    mean, shape, dispersion = [3.0, 5.0, 4.0, 2.0, 1.0, 0.5, 0.2, 0.1], 9.0, 4.0
    plan = Plan(FLOOR_SET, (), date(2026, 7, 4))
    key = {"store": "s", "sku": "k"}

    gap = expected_gap(
        pd.DataFrame({**key, "week": WEEKS, "mean": mean, "evidence": "observed"}),
        pd.DataFrame([{**key, "level_shape": shape, "dispersion": dispersion}]),
        pd.DataFrame([{**key, "week": WEEKS[0], "units": 9.0}]),
        pd.DataFrame([{**key, "season_code": "x", "floor_set": plan.floor_set, "exit": plan.exit}]),
        as_of=AS_OF,
    )
    lost = gap.groupby("phase")["lost"].sum()
    row = weigh(mean, 9, plan, level_shape=shape, dispersion=dispersion)

    after_the_exit = sum(mean[4:])
    assert row["markdown_units"] == 0
    assert row["markdown_cost"] == 0
    assert row["turned_away_during"] == pytest.approx(lost["in_season"], rel=1e-9)
    assert row["turned_away_after"] == pytest.approx(after_the_exit, rel=1e-9)


@pytest.mark.parametrize("elasticity", [0.0, 1.0, 1.7])
def test_with_stock_without_end_everybody_is_served_at_the_price_of_the_day(elasticity):
    # Nothing runs out: each week sells its demand, lifted by rho^-beta where the price is cut.
    plan = Plan(FLOOR_SET, (Markdown(date(2026, 6, 21), 30.0),), date(2026, 7, 4))

    row = weigh([3.0, 3.0, 3.0, 3.0], 10_000, plan, elasticity=elasticity, level_shape=8.0, dispersion=4.0)

    lifted = 6.0 * 0.7**-elasticity
    assert row["full_price_units"] == pytest.approx(6.0, rel=1e-9)
    assert row["markdown_units"] == pytest.approx(lifted, rel=1e-9)
    assert row["revenue"] == pytest.approx(60.0 + 7.0 * lifted, rel=1e-9)
    assert row["turned_away_during"] == pytest.approx(0.0, abs=1e-9)


def test_one_price_for_one_week_is_the_newsvendor():
    # Snyder and Shen, Fundamentals of Supply Chain Theory (2nd ed., 2019), example 4.7, without its fixed
    # cost: Poisson demand of mean 6, $4 for each customer missed, $1 for each piece left; 8 are best at a
    # cost of 3.570106945770946, 5 cost 6.590296024616344 (as in test_negative_binomial_loss). A price of $10,
    # a cost of $6 and a salvage of $5 have these two costs, and margin = 6 x (10 - 6) - cost.
    plan = Plan(FLOOR_SET, (), date(2026, 6, 13))
    margin = {stock: weigh([6.0], stock, plan, unit_cost=6.0, salvage=5.0)["margin"] for stock in range(16)}

    assert max(margin, key=margin.__getitem__) == 8
    assert margin[8] == pytest.approx(24.0 - 3.570106945770946, rel=1e-12)
    assert margin[5] == pytest.approx(24.0 - 6.590296024616344, rel=1e-12)


def test_a_clearance_so_cheap_that_all_of_it_sells_is_the_newsvendor_with_that_salvage():
    # Second week at 50% off, demand lifted beyond any stock (elasticity 20): what the first week leaves
    # sells at $5. That is the newsvendor above whose salvage is $5.
    plan = Plan(FLOOR_SET, (Markdown(date(2026, 6, 14), 50.0),), date(2026, 6, 20))

    row = weigh([6.0, 1.0], 8, plan, elasticity=20.0, unit_cost=6.0, salvage=0.0)

    assert row["leftover_units"] == pytest.approx(0.0, abs=1e-9)
    assert row["margin"] == pytest.approx(24.0 - 3.570106945770946, rel=1e-9)
