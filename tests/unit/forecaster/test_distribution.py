from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.distribution import expected_shortfall, quantiles, size_of_sum, survival

means = st.floats(0.001, 300)
sizes = st.floats(0.05, 500)


def probabilities(mean: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    top = int(mean + 60 * np.sqrt(mean + mean**2 / size)) + 200
    units = np.arange(top)
    return units, stats.nbinom.pmf(units, size, size / (size + mean))


@settings(max_examples=60, deadline=None)
@given(means, sizes, st.integers(0, 400))
def test_the_shortfall_is_the_sum_over_all_demands(mean, size, stock):
    units, chance = probabilities(mean, size)
    summed = float(np.sum(np.maximum(units - stock, 0) * chance))
    assert float(expected_shortfall(mean, size, stock)) == pytest.approx(summed, rel=1e-5, abs=1e-6)


@settings(max_examples=60, deadline=None)
@given(means, sizes, st.floats(0, 300), st.floats(0, 50))
def test_more_stock_never_raises_the_shortfall(mean, size, stock, more):
    less, rest = expected_shortfall(mean, size, np.array([stock, stock + more]))
    assert 0 <= rest <= less + 1e-9 <= mean + 2e-9


def test_half_a_unit_of_stock_lies_half_way():
    whole = expected_shortfall(3.0, 2.0, np.array([2, 2.5, 3]))
    assert whole[1] == pytest.approx((whole[0] + whole[2]) / 2)


def test_a_negative_stock_is_demand_already_owed():
    assert float(expected_shortfall(3.0, 2.0, -2.0)) == 5.0


def test_no_demand_is_never_short():
    assert float(expected_shortfall(0.0, 2.0, 0.0)) == 0.0


def test_a_large_size_tends_to_the_poisson():
    near = expected_shortfall(5.0, 1e7, np.arange(12))
    np.testing.assert_allclose(near, expected_shortfall(5.0, np.inf, np.arange(12)), rtol=1e-4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(means, sizes), min_size=1, max_size=8), st.sampled_from([0.1, 0.5, 0.9, 0.99]))
def test_quantiles_are_those_of_the_distribution(pairs, q):
    mean, size = np.array(pairs).T
    (found,) = quantiles(mean, size, [q])
    cdf = 1 - survival(mean, size, found)
    below = 1 - survival(mean, size, found - 1)
    assert (cdf >= q - 1e-9).all()
    assert (below < q + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(means, sizes)
def test_quantiles_are_ordered(mean, size):
    p10, p50, p90 = quantiles(mean, size, (0.1, 0.5, 0.9))
    assert p10 <= p50 <= p90


def test_nothing_is_asked_for_where_the_mean_is_nothing():
    assert [float(q) for q in quantiles(0.0, 3.0, (0.1, 0.9))] == [0.0, 0.0]


def test_a_sum_of_weeks_with_a_known_level_and_poisson_weeks_is_poisson():
    assert size_of_sum(10.0, 30.0, np.inf, np.inf) == np.inf


def test_the_size_of_a_sum_matches_simulated_demand():
    rng = np.random.default_rng(3)
    shape, dispersion, season = 4.0, 2.5, np.array([1.0, 2.0, 5.0])
    level = rng.gamma(shape, 1 / shape, 400_000)[:, None] * season
    total = rng.poisson(level * rng.gamma(dispersion, 1 / dispersion, level.shape)).sum(axis=1)
    size = float(size_of_sum(season.sum(), (season**2).sum(), shape, dispersion))
    assert total.var() == pytest.approx(season.sum() + season.sum() ** 2 / size, rel=0.02)
