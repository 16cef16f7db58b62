from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from forecaster.censored import (
    _moments,
    _posterior,
    _Weeks,
    censored_levels,
    chronic,
    likeliest_dispersion,
)

SIZES = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1e6)


@dataclass(frozen=True)
class Shop:
    """Weeks of a shop that gets a few units every Monday and sells them to customers who want more."""

    level: np.ndarray
    units: np.ndarray
    base: np.ndarray
    exposure: np.ndarray
    sold_out: np.ndarray

    def arguments(self):
        weight = np.ones(self.units.shape[1])
        return self.units, self.base, self.exposure, self.sold_out, weight

    def by_exposure(self):
        return self.units.sum(axis=1) / (self.base * self.exposure).sum(axis=1)

    def prior(self):
        return np.full(len(self.units), self.units.sum() / (self.base * self.exposure).sum())


def hard_pressed_shop(seed, *, n=150, weeks=104, demand=4.0, stock=(1, 3), size=2.5, swing=0.5) -> Shop:
    rng = np.random.default_rng(seed)
    level = demand * rng.gamma(4, 0.25, n)
    season = np.exp(swing * np.cos(2 * np.pi * np.arange(weeks) / 52))
    base = np.broadcast_to(season / season.mean(), (n, weeks))
    luck = rng.gamma(size, 1 / size, (n, weeks)) if np.isfinite(size) else np.ones((n, weeks))
    wanted = rng.poisson((level[:, None] * base * luck)[:, :, None] / 7, (n, weeks, 7))
    had = rng.integers(stock[0], stock[1] + 1, (n, weeks))[:, :, None]
    left = np.maximum(had - np.cumsum(wanted, axis=2) + wanted, 0)
    by_day = np.where(left == 0, 0.0, np.where(wanted >= left, 0.5, 1.0))
    units = np.minimum(wanted, left).sum(axis=2).astype(float)
    return Shop(level, units, base, by_day.mean(axis=2), units >= had[:, :, 0])


def bias(level, shop):
    return level.sum() / shop.level.sum() - 1


@pytest.mark.parametrize("size", [1.0, 2.5, np.inf])
def test_a_level_hidden_by_sell_outs_is_found(size):
    shop = hard_pressed_shop(1, size=size)
    assert shop.sold_out.mean() > 0.55
    mean, _ = censored_levels(*shop.arguments(), shop.prior(), 2.0, size)
    assert abs(bias(mean, shop)) < 0.05
    if np.isfinite(size):
        assert bias(shop.by_exposure(), shop) < -0.2
    assert bias(shop.units.mean(axis=1), shop) < -0.5


def test_weeks_of_which_only_the_sell_out_is_known_tell_the_level_too():
    shop = hard_pressed_shop(2)
    flags = np.where(shop.sold_out, 1.0, shop.exposure)
    mean, shape = censored_levels(
        shop.units, shop.base, flags, shop.sold_out, np.ones(104), shop.prior(), 2.0, 2.5
    )
    assert abs(bias(mean, shop)) < 0.07
    _, dated = censored_levels(*shop.arguments(), shop.prior(), 2.0, 2.5)
    assert np.median(dated) > np.median(shape)


def test_the_spread_told_holds_the_truth_as_often_as_it_says():
    shop = hard_pressed_shop(3, n=400)
    mean, shape = censored_levels(*shop.arguments(), shop.prior(), 2.0, 2.5)
    within = np.abs(shop.level - mean) < 1.2816 * mean / np.sqrt(shape)
    assert 0.72 < within.mean() < 0.88


def test_the_posterior_is_the_integral_of_prior_and_likelihood():
    half = 0.5 / 7
    units, exposure = np.array([[3.0, 1.0, 3.0, 0.0, 5.0]]), np.array([[half, 1.0, 1.0, 1.0, 1.0]])
    base = np.array([[1.0, 0.7, 1.5, 1.0, 2.0]])
    sold_out, weight = np.array([[1.0, 0.0, 1.0, 1.0, 0.4]]), np.array([0.5, 0.6, 0.7, 0.8, 1.0])
    level = np.linspace(1e-4, 80, 400_001)

    def law(mean):
        return stats.nbinom(2.0, 2.0 / (2.0 + mean))

    # Three on the first day; one; at least three; none left and none sold; five, with some left at the end.
    likelihood = 0.5 * law(level / 7).logsf(2) + 0.6 * law(level * 0.7).logpmf(1)
    likelihood += 0.7 * law(level * 1.5).logsf(2) + law(level * 2.0).logpmf(5)
    density = stats.gamma.pdf(level, 1.5, scale=3.0 / 1.5) * np.exp(likelihood)
    density /= density.sum()
    mean = (density * level).sum()
    spread = (density * (level - mean) ** 2).sum()

    weeks = _Weeks.read(units, base, exposure, sold_out, weight)
    found, shape = _moments(*_posterior(weeks, np.array([3.0]), np.array([1.5]), 2.0))
    assert found[0] == pytest.approx(mean, rel=1e-3)
    assert shape[0] == pytest.approx(mean**2 / spread, rel=1e-2)


def test_poisson_weeks_that_never_sell_out_have_the_closed_form():
    rng = np.random.default_rng(4)
    exposure = rng.uniform(0.3, 1, (30, 20))
    base = np.full((30, 20), 1.2)
    weight = 0.95 ** np.arange(20)[::-1]
    units = rng.poisson(400.0 * base * exposure).astype(float)
    units[:15] = rng.poisson(2.0 * (base * exposure)[:15])
    weeks = _Weeks.read(units, base, exposure, np.zeros((30, 20)), weight)
    mean, shape = _moments(*_posterior(weeks, np.full(30, 5.0), np.full(30, 2.0), np.inf))
    a, b = 2.0 + units @ weight, 2.0 / 5.0 + (base * exposure) @ weight
    np.testing.assert_allclose(mean, a / b, rtol=1e-3)
    np.testing.assert_allclose(shape, a, rtol=2e-2)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.5, 2.0, 1e6]))
def test_selling_more_or_sooner_never_lowers_the_level(seed, size):
    shop = hard_pressed_shop(seed, n=2, weeks=8)
    prior = np.full(2, 3.0)
    mean, _ = censored_levels(*shop.arguments(), prior, 1.0, size)
    units = shop.units + (np.arange(8) == seed % 8)
    more, _ = censored_levels(units, shop.base, shop.exposure, shop.sold_out, np.ones(8), prior, 1.0, size)
    assert (more >= mean * (1 - 1e-6)).all()
    sooner_exposure = np.where(shop.sold_out, np.maximum(shop.exposure - 1 / 7, 0.5 / 7), shop.exposure)
    sooner, _ = censored_levels(
        shop.units, shop.base, sooner_exposure, shop.sold_out, np.ones(8), prior, 1.0, size
    )
    assert (sooner >= mean * (1 - 1e-6)).all()


def test_a_bound_tells_of_more_than_the_same_count():
    shop = hard_pressed_shop(6)
    prior = shop.prior()
    whole = np.ones_like(shop.exposure)
    ones = np.ones(104)
    bound, _ = censored_levels(shop.units, shop.base, whole, shop.sold_out, ones, prior, 2.0, 2.5)
    count, _ = censored_levels(shop.units, shop.base, whole, 0.0 * whole, ones, prior, 2.0, 2.5)
    assert (bound > count).all()


def test_a_sold_out_week_in_which_nothing_sold_tells_nothing():
    shop = hard_pressed_shop(7, n=3, weeks=12)
    units = shop.units.copy()
    units[:, 4] = 0.0
    flags = shop.sold_out.copy()
    flags[:, 4] = True
    with_week = censored_levels(units, shop.base, shop.exposure, flags, np.ones(12), shop.prior(), 2.0, 2.5)
    rest = np.arange(12) != 4
    without = censored_levels(
        units[:, rest], shop.base[:, rest], shop.exposure[:, rest], flags[:, rest], np.ones(11),
        shop.prior(), 2.0, 2.5,
    )  # fmt: skip
    np.testing.assert_allclose(with_week, without, rtol=1e-6)


def test_where_no_week_tells_anything_the_prior_stands():
    nothing = np.zeros((3, 4))
    mean, shape = censored_levels(
        nothing, nothing + 1, nothing, nothing, np.ones(4), np.array([2.0, 0.0, 7.0]), 1.5, 2.0
    )
    np.testing.assert_allclose(mean, [2.0, 0.0, 7.0], rtol=0.2)
    np.testing.assert_array_equal(shape, 1.5)


def test_a_category_nobody_ever_had_stays_at_nothing():
    shop = hard_pressed_shop(8, n=2, weeks=6)
    mean, _ = censored_levels(*shop.arguments(), np.zeros(2), 1.0, 2.0)
    np.testing.assert_array_equal(mean, 0.0)


def test_priors_that_rest_on_sold_out_weeks_are_moved_together():
    shop = hard_pressed_shop(9, weeks=10)
    low = 0.4 * shop.prior()
    moved, _ = censored_levels(*shop.arguments(), low, 4.0, 2.5)
    weeks = _Weeks.read(*shop.arguments())
    unmoved, _ = _moments(*_posterior(weeks, low, np.full(len(low), 4.0), 2.5))
    assert bias(unmoved, shop) < bias(moved, shop) - 0.1 < 0


@pytest.mark.parametrize("size", [1.0, 2.5, 8.0])
def test_the_spread_of_weeks_is_found_behind_sell_outs(size):
    shop = hard_pressed_shop(10, size=size)
    found = likeliest_dispersion(*shop.arguments(), shop.prior(), SIZES)
    assert size / 1.5 < found < 1.5 * size


def test_a_spread_beyond_the_candidates_is_the_outermost_one():
    shop = hard_pressed_shop(11, size=np.inf)
    assert likeliest_dispersion(*shop.arguments(), shop.prior(), SIZES[:4]) == 4.0
    shop = hard_pressed_shop(11, size=0.5)
    assert likeliest_dispersion(*shop.arguments(), shop.prior(), SIZES[3:]) == 4.0


def test_chronic_is_most_of_the_weeks_in_which_it_could_be_bought():
    exposure = np.array([[0.5, 0.5, 0.5, 1.0, 0.0, 0.0]] * 4 + [[0.5, 0.0, 0.0, 0.0, 0.0, 0.0]])
    sold_out = np.array(
        [
            [1, 1, 1, 0, 0, 0],
            [1, 1, 0, 0, 1, 1],
            [0.5, 0.6, 0.9, 0.2, 0, 0],
            [0.4, 0.4, 0.4, 0.4, 1, 1],
            [1, 0, 0, 0, 0, 0],
        ]
    )
    assert chronic(sold_out, exposure).tolist() == [True, False, True, False, False]
    assert chronic(sold_out.astype(bool), exposure).tolist() == [True, False, True, True, False]
