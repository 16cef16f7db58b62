"""Closed forms and figures found in texts on inventory and probability, held against the general function.

Figures marked SS are those of Snyder and Shen, Fundamentals of Supply Chain Theory (2nd ed., 2019), chapter 4
and appendix C, as computed by the authors' own library (LarrySnyder/stockpyl, tests/test_loss_functions.py
and tests/test_newsvendor.py).
"""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.distribution import expected_shortfall, quantiles, survival

ROUNDING = 1e-14
"""Units: a loss is exact against the stock, not against itself when next to nothing is lost."""


@pytest.mark.parametrize("mean", [0.2, 1.0, 7.5])
def test_the_geometric_forgets_what_has_been_sold(mean):
    # Size 1 is the geometric distribution: E[(D - x)+] = m (m / (1 + m))^x (Feller, vol. 1, XIII.9).
    stock = np.arange(20)
    np.testing.assert_allclose(
        expected_shortfall(mean, 1.0, stock), mean * (mean / (1 + mean)) ** stock, rtol=1e-10, atol=ROUNDING
    )


def test_one_unit_against_a_poisson_of_one_loses_one_over_e():
    # E[(D - 1)+] = E[D] - P(D >= 1) = 1 - (1 - 1/e).
    assert float(expected_shortfall(1.0, np.inf, 1.0)) == pytest.approx(np.exp(-1), rel=1e-12)


def test_the_poisson_loss_function():
    # Hadley and Whitin (1963), appendix 3: E[(D - x)+] = m P(x - 1) - x P(x), P(x) = Pr(D > x).
    mean, stock = 6.0, np.arange(1, 15)
    tail = survival(mean, np.inf, stock)
    tail_before = survival(mean, np.inf, stock - 1)
    np.testing.assert_allclose(
        expected_shortfall(mean, np.inf, stock), mean * tail_before - stock * tail, rtol=1e-10
    )


def test_the_shortfalls_of_all_stocks_step_down_by_the_tail():
    # L(x) - L(x + 1) = Pr(D > x) for any whole-numbered demand.
    stock = np.arange(40)
    loss = expected_shortfall(9.0, 1.7, np.arange(41))
    np.testing.assert_allclose(-np.diff(loss), survival(9.0, 1.7, stock), rtol=1e-9)


@pytest.mark.parametrize(
    ("mean", "stock", "published"),
    [(200.0, 220, 0.536005857158494), (7.0, 11, 0.102799704109245), (7.0, 5, 2.2926)],
)
def test_published_poisson_losses(mean, stock, published):
    # SS.
    places = 1e-4 if published == 2.2926 else 1e-12
    assert float(expected_shortfall(mean, np.inf, stock)) == pytest.approx(published, abs=places)


@pytest.mark.parametrize(
    ("mean", "deviation", "stock", "published"),
    [
        (23.333333333333336, 8.819171036881968, 14, 9.740089476453932),
        (23.333333333333336, 8.819171036881968, 28, 1.805485505752903),
        (15.0, 6.123724356957944, 10, 5.533809274622726),
    ],
)
def test_published_negative_binomial_losses(mean, deviation, stock, published):
    # SS, to the four places its authors hold it to.
    size = mean**2 / (deviation**2 - mean)
    assert float(expected_shortfall(mean, size, stock)) == pytest.approx(published, abs=1e-4)


@pytest.mark.parametrize(
    ("z", "published"),
    [(-1.4, 1.436668142708465), (0.0, 0.3989), (0.3, 0.266761242117210), (1.0, 0.0833), (2.0, 0.0085)],
)
def test_large_poisson_demand_has_the_normal_loss_of_the_tables(z, published):
    # SS, and the four places of the unit normal loss table of Silver, Pyke and Thomas, Inventory and
    # Production Management in Supply Chains (4th ed., 2017), appendix II.
    mean = 1e8
    loss = expected_shortfall(mean, np.inf, mean + z * 1e4)
    assert float(loss) / 1e4 == pytest.approx(published, abs=6e-5)


@pytest.mark.parametrize(
    ("holding", "stockout", "mean", "best", "cost", "other", "cost_of_other"),
    [
        (1.0, 4.0, 6.0, 8, 3.570106945770946, 5, 6.590296024616344),
        (200.0, 270.0, 18.0, 19, 7.860884409351115e02, 13, 1.445751062891969e03),
    ],
)
def test_published_newsvendors(holding, stockout, mean, best, cost, other, cost_of_other):
    # SS, example 4.7 (without its fixed cost) and problem 4.8a.
    (order,) = quantiles(mean, np.inf, [stockout / (stockout + holding)])
    assert float(order) == best
    stock = np.array([best, other])
    short = expected_shortfall(mean, np.inf, stock)
    costs = stockout * short + holding * (stock - mean + short)
    np.testing.assert_allclose(costs, [cost, cost_of_other], rtol=1e-12)
