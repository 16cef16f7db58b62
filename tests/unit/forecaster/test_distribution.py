from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.distribution import (
    crps,
    expected_shortfall,
    over_lead_time,
    pinball,
    quantiles,
    sample,
    size_of_sum,
    survival,
)
from forecaster.errors import ForecasterError

means = st.floats(0.001, 600)
sizes = st.floats(0.2, 500)


def demand(mean, size):
    """The same distribution by scipy, which is slow and goes another way."""
    return stats.poisson(mean) if np.isinf(size) else stats.nbinom(size, size / (size + mean))


def probabilities(mean: float, size: float) -> tuple[np.ndarray, np.ndarray]:
    top = int(mean + 60 * np.sqrt(mean + mean**2 / size)) + 200
    units = np.arange(top)
    return units, demand(mean, size).pmf(units)


def many_rows(n: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    return rng.lognormal(1, 2, n), rng.choice([0.05, 0.4, 1.0, 3.0, 40.0, 1e6, np.inf], n)


@settings(max_examples=60, deadline=None)
@given(means, sizes, st.integers(0, 600))
def test_the_shortfall_is_the_sum_over_all_demands(mean, size, stock):
    units, chance = probabilities(mean, size)
    summed = float(np.sum(np.maximum(units - stock, 0) * chance))
    assert float(expected_shortfall(mean, size, stock)) == pytest.approx(summed, rel=1e-6, abs=1e-5)


@settings(max_examples=60, deadline=None)
@given(means, sizes, st.floats(0, 300), st.floats(0, 50))
def test_more_stock_never_raises_the_shortfall(mean, size, stock, more):
    less, rest = expected_shortfall(mean, size, np.array([stock, stock + more]))
    assert 0 <= rest <= less + 1e-9 <= mean + 2e-9


@pytest.mark.parametrize("size", [0.05, 0.4, 3.0, 40.0, 1e6, np.inf])
@pytest.mark.parametrize("mean", [1e-6, 0.3, 8.0, 190.0, 900.0, 40_000.0])
def test_probabilities_and_shortfalls_agree_with_another_library(mean, size):
    other = demand(mean, size)
    stock = np.unique(np.floor(other.ppf([0, 1e-9, 0.01, 0.2, 0.5, 0.8, 0.99, 1 - 1e-9]))).clip(0)
    tail = other.sf(stock)
    np.testing.assert_allclose(survival(mean, size, stock), tail, atol=3e-9)
    # k p(k) of one distribution is m p(k - 1) of its neighbour: a closed form with two tails.
    tail_of_neighbour = demand(mean if np.isinf(size) else mean * (size + 1) / size, size + 1).sf(stock - 1)
    loss = mean * tail_of_neighbour - stock * tail
    np.testing.assert_allclose(expected_shortfall(mean, size, stock), loss, atol=1e-9 + 1e-8 * mean)


def test_the_two_ways_of_adding_up_meet_at_their_border():
    loss = expected_shortfall(190.0, 6.0, np.arange(190, 212))
    np.testing.assert_allclose(-np.diff(loss), demand(190.0, 6.0).sf(np.arange(190, 211)), rtol=1e-10)


def test_stock_far_from_demand_leaves_exactly_the_difference():
    np.testing.assert_array_equal(expected_shortfall([5.0, 4e5], [50.0, 50.0], [4e5, 5.0]), [0.0, 4e5 - 5])


def test_half_a_unit_of_stock_lies_half_way():
    whole = expected_shortfall(3.0, 2.0, np.array([2, 2.5, 3]))
    assert whole[1] == pytest.approx((whole[0] + whole[2]) / 2)


def test_a_negative_stock_is_demand_already_owed():
    assert float(expected_shortfall(3.0, 2.0, -2.0)) == 5.0


def test_no_demand_is_never_short():
    np.testing.assert_array_equal(expected_shortfall(0.0, [2.0, np.inf], [[0.0], [3.0]]), 0.0)


def test_more_than_minus_one_is_certain():
    assert float(survival(0.3, 2.0, -1.0)) == 1.0


def test_a_large_size_tends_to_the_poisson():
    near = expected_shortfall(5.0, 1e7, np.arange(12))
    np.testing.assert_allclose(near, expected_shortfall(5.0, np.inf, np.arange(12)), rtol=1e-4)


def test_many_rows_are_answered_as_each_alone():
    mean, size = many_rows(300_000)
    stock = np.floor(mean)
    some = np.array([0, 131_071, 131_072, 262_144, 299_999])
    np.testing.assert_array_equal(
        expected_shortfall(mean, size, stock)[some],
        [float(expected_shortfall(mean[i], size[i], stock[i])) for i in some],
    )
    found = np.array(quantiles(mean, size, (0.1, 0.9)))[:, some]
    alone = [quantiles(mean[i], size[i], (0.1, 0.9)) for i in some]
    np.testing.assert_array_equal(found, np.array(alone).T)


def test_no_rows_are_answered_with_none():
    none = np.zeros(0)
    assert expected_shortfall(none, none, none).shape == crps(none, none, none).shape == (0,)
    assert [q.shape for q in quantiles(none, none, (0.1, 0.9))] == [(0,), (0,)]


@pytest.mark.parametrize("size", [0.05, 0.4, 1.0, 3.0, 40.0, 1e6, np.inf])
def test_quantiles_are_those_of_another_library_to_the_unit(size):
    mean = np.concatenate([np.geomspace(1e-4, 1e5, 800), [199.999, 200.001]])
    asked = (0.001, 0.1, 0.5, 0.9, 0.975, 0.999)
    for q, found in zip(asked, quantiles(mean, size, asked), strict=True):
        np.testing.assert_array_equal(found, demand(mean, size).ppf(q))


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
    p90, p10, p50 = quantiles(mean, size, (0.9, 0.1, 0.5))
    assert p10 <= p50 <= p90


def test_nothing_is_asked_for_where_the_mean_is_nothing():
    assert [float(q) for q in quantiles(0.0, 3.0, (0.1, 0.9))] == [0.0, 0.0]


def test_a_probability_next_to_one_still_has_an_answer():
    (found,) = quantiles([0.5, 30.0, 5000.0], 2.0, [1 - 1e-12])
    assert np.isfinite(found).all()


@pytest.mark.parametrize(("mean", "size"), [(0.2, 0.3), (7.0, 2.5), (7.0, np.inf), (900.0, 30.0)])
def test_samples_have_the_mean_and_variance_of_demand(mean, size):
    drawn = sample(mean, size, np.random.default_rng(5), 200_000)
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    assert drawn.var() == pytest.approx(mean + mean**2 / size, rel=0.05)


def test_samples_are_whole_units_shaped_like_their_means_and_repeat_with_the_seed():
    mean = np.array([[0.0, 2.0, 5.0]])
    size = np.array([[1.0], [np.inf]])
    drawn = sample(mean, size, np.random.default_rng(1), 4)
    assert drawn.shape == (4, 2, 3)
    assert drawn.dtype.kind == "i"
    assert (drawn[..., 0] == 0).all()
    np.testing.assert_array_equal(drawn, sample(mean, size, np.random.default_rng(1), 4))


@settings(max_examples=60, deadline=None)
@given(means, sizes, st.floats(0, 900))
def test_the_crps_is_the_area_between_forecast_and_what_came(mean, size, observed):
    units, chance = probabilities(mean, size)
    units = np.append(units, units[-1] + np.arange(1, max(int(observed) - len(units), 0) + 3))
    at_most = np.pad(np.cumsum(chance), (0, len(units) - len(chance)), constant_values=1.0)
    # Between whole units the forecast is flat; the step of what came may lie inside one of them.
    after = np.clip(units + 1 - observed, 0, 1)
    area = np.sum(at_most**2 * (1 - after) + (1 - at_most) ** 2 * after)
    assert float(crps(mean, size, observed)) == pytest.approx(area, rel=1e-6, abs=1e-6)


def test_the_crps_of_no_demand_is_what_came_all_the_same():
    np.testing.assert_allclose(crps(0.0, 2.0, [0.0, 3.5]), [0.0, 3.5])


def test_the_crps_rewards_the_true_distribution():
    drawn = sample(6.0, 2.0, np.random.default_rng(2), 100_000)
    told = [float(crps(m, r, drawn).mean()) for m, r in [(6.0, 2.0), (5.0, 2.0), (6.0, np.inf), (6.0, 0.7)]]
    assert told[0] == min(told)


def test_the_pinball_loss_is_least_at_the_quantile():
    drawn = sample(6.0, 2.0, np.random.default_rng(2), 100_000)
    (true,) = quantiles(6.0, 2.0, [0.9])
    losses = [pinball(k, drawn, 0.9).mean() for k in range(30)]
    assert np.argmin(losses) == true
    np.testing.assert_allclose(pinball([4.0, 4.0], [6.0, 3.0], 0.9), [1.8, 0.1])


def test_a_sum_of_weeks_with_a_known_level_and_poisson_weeks_is_poisson():
    assert size_of_sum(10.0, 30.0, np.inf, np.inf) == np.inf


def weeks_of_one_level(rng, means, shape, dispersion, n):
    level = rng.gamma(shape, 1 / shape, n)[:, None] * means
    return level * rng.gamma(dispersion, 1 / dispersion, level.shape)


def test_the_size_of_a_sum_matches_simulated_demand():
    season = np.array([1.0, 2.0, 5.0])
    rng = np.random.default_rng(3)
    total = rng.poisson(weeks_of_one_level(rng, season, 4.0, 2.5, 400_000)).sum(axis=1)
    size = float(size_of_sum(season.sum(), (season**2).sum(), 4.0, 2.5))
    assert total.var() == pytest.approx(season.sum() + season.sum() ** 2 / size, rel=0.02)


def test_a_lead_time_of_whole_and_part_weeks_matches_simulated_demand():
    means = np.array([1.0, 2.0, 5.0, 9.0])
    rng = np.random.default_rng(4)
    rates = weeks_of_one_level(rng, means, 4.0, 2.5, 400_000)
    total = rng.poisson(rates[:, 0] + rates[:, 1] + 0.4 * rates[:, 2])
    mean, size = over_lead_time(means, 4.0, 2.5, 2.4)
    assert float(mean) == 5.0
    assert total.mean() == pytest.approx(5.0, rel=0.01)
    assert total.var() == pytest.approx(5.0 + 25.0 / float(size), rel=0.02)
    p10, p50, p90 = quantiles(mean, size, (0.1, 0.5, 0.9))
    shares = [(total <= k).mean() for k in (p10, p50, p90)]
    np.testing.assert_allclose(shares, 1 - survival(mean, size, [p10, p50, p90]), atol=0.02)


def test_each_series_has_its_own_lead_time():
    means = np.array([[1.0, 2.0, 5.0], [1.0, 2.0, 5.0], [1.0, 2.0, 5.0]])
    mean, size = over_lead_time(
        means, np.array([4.0, 4.0, np.inf]), np.array([2.0, 2.0, np.inf]), [0, 3, 1.5]
    )
    np.testing.assert_allclose(mean, [0.0, 8.0, 2.0])
    assert size[2] == np.inf
    assert size[1] == pytest.approx(float(size_of_sum(8.0, 30.0, 4.0, 2.0)))


@pytest.mark.parametrize("weeks", [-0.5, 3.1])
def test_a_lead_time_beyond_the_weeks_told_is_refused(weeks):
    with pytest.raises(ForecasterError, match="lead times"):
        over_lead_time(np.ones((2, 3)), 1.0, 1.0, weeks)
