"""Closed forms found in any text on inventory or probability, held against the general function."""

from __future__ import annotations

import numpy as np
import pytest

from forecaster.distribution import expected_shortfall, survival


@pytest.mark.parametrize("mean", [0.2, 1.0, 7.5])
def test_the_geometric_forgets_what_has_been_sold(mean):
    # Size 1 is the geometric distribution: E[(D - x)+] = m (m / (1 + m))^x (Feller, vol. 1, XIII.9).
    stock = np.arange(20)
    np.testing.assert_allclose(
        expected_shortfall(mean, 1.0, stock), mean * (mean / (1 + mean)) ** stock, rtol=1e-10
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
