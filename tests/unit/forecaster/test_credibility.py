from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.credibility import NO_SPREAD, climb, shrunk, spread_shape, sums_by, thinning

PARTS, KINDS = 60, 6
KIND = np.repeat(np.arange(KINDS), PARTS // KINDS)
LADDER = (KIND, np.zeros(KINDS, dtype=np.intp))


def rates(seed: int = 3, *, within: float = 8.0, between: float = 2.0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return 5.0 * rng.gamma(between, 1 / between, KINDS)[KIND] * rng.gamma(within, 1 / within, PARTS)


def sold(rate: np.ndarray, base: float, seed: int = 4) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate * base).astype(float)


@pytest.mark.parametrize("shape", [1.0, 4.0, 20.0])
def test_the_spread_of_many_parts_is_found(shape):
    rng = np.random.default_rng(8)
    expected = rng.uniform(1, 60, 6000)
    units = rng.poisson(expected * rng.gamma(shape, 1 / shape, 6000)).astype(float)
    assert spread_shape(units, expected, np.zeros(6000), shape) == pytest.approx(shape, rel=0.15)


def test_thinned_units_vary_as_a_poisson_does():
    rng = np.random.default_rng(9)
    units = rng.poisson(30.0 * rng.gamma(3.0, 1 / 3.0, 200_000))
    omega = float(thinning(np.array([30.0]), 3.0)[0])
    assert np.var(omega * units) == pytest.approx(omega * 30.0, rel=0.03)


def test_a_part_that_sold_much_keeps_its_own_rate_and_one_that_sold_nothing_gets_its_kinds():
    rate = rates()
    units, base = sold(rate, 100.0), np.full(PARTS, 100.0)
    units[7], base[7] = 0.0, 0.0
    parts, kinds = climb(units, base, LADDER)
    seen = np.arange(PARTS) != 7
    np.testing.assert_allclose(parts.mean[seen], units[seen] / 100.0, rtol=0.1)
    assert parts.mean[7] == pytest.approx(kinds.mean[KIND[7]])
    assert parts.doubt[7] > 3 * parts.doubt[seen].max()


def test_a_kind_nobody_has_seen_gets_the_mean_of_kinds_and_more_doubt_than_any():
    rate = rates()
    units, base = sold(rate, 50.0), np.full(PARTS, 50.0)
    dark = KIND == 2
    units[dark], base[dark] = 0.0, 0.0
    parts, kinds = climb(units, base, LADDER)
    others = kinds.mean[np.arange(KINDS) != 2]
    assert others.min() < kinds.mean[2] < others.max()
    assert kinds.doubt[2] > kinds.doubt[np.arange(KINDS) != 2].max()
    assert (parts.doubt[dark] > parts.doubt[~dark].max()).all()


def test_small_parts_lean_on_their_kind_more_than_large_ones():
    units, base = np.array([4.0, 400.0, 90.0, 110.0]), np.array([1.0, 100.0, 100.0, 100.0])
    mean = climb(units, base, (np.zeros(4, dtype=np.intp),))[0].mean
    assert mean[0] < 3.6
    assert mean[1] == pytest.approx(4.0, rel=0.05)


def test_a_whole_that_is_the_only_one_does_not_differ_from_what_is_above_it():
    units, base = sold(rates(), 20.0), np.full(PARTS, 20.0)
    one = np.zeros(PARTS, dtype=np.intp)
    parts, whole = climb(units, base, (one, np.zeros(1, dtype=np.intp)), top=1.0)
    assert whole.shape == NO_SPREAD
    assert whole.mean[0] == pytest.approx(1.0, abs=1e-6)
    np.testing.assert_allclose(parts.mean, climb(units, base, (one,), top=1.0)[0].mean, rtol=1e-6)


def test_a_settled_ladder_started_from_itself_hardly_moves():
    units, base = sold(rates(), 20.0), np.full(PARTS, 20.0)
    once = climb(units, base, LADDER)
    for _ in range(20):
        once = climb(units, base, LADDER, before=once)
    again = climb(units, base, LADDER, before=once)
    np.testing.assert_allclose(again[0].mean, once[0].mean, rtol=1e-4)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.floats(0.01, 100))
def test_rates_scale_with_the_base_and_are_never_negative(seed, scale):
    rng = np.random.default_rng(seed)
    base = rng.uniform(0, 10, PARTS) * (rng.uniform(size=PARTS) < 0.7) + (np.arange(PARTS) == 0)
    units = rng.poisson(rates(seed) * base).astype(float)
    mean = climb(units, base, LADDER)[0].mean
    assert (mean > 0).all()
    np.testing.assert_allclose(climb(units, base / scale, LADDER)[0].mean, mean * scale, rtol=1e-6)


def test_the_posterior_lies_between_the_prior_and_what_was_seen():
    assert shrunk(np.array([30.0]), np.array([10.0]), np.array([1.0]), 5.0)[0] == pytest.approx(35 / 15)


def test_sums_go_to_their_groups():
    assert sums_by(np.array([2, 0, 2]), [1, 2, 3], 4).tolist() == [2, 0, 4, 0]
