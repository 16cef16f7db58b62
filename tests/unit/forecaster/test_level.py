from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.level import discounted_sum, fit_levels, pooled_prior

WEEKS = 80
AGE = np.arange(WEEKS - 1, -1, -1, dtype=float)


def one_store_each(n: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros(n, dtype=np.intp), np.arange(n, dtype=np.intp)


def levels(units, base, sku=None, store=None):
    default_sku, default_store = one_store_each(len(units))
    return fit_levels(
        units, base, AGE, default_sku if sku is None else sku, default_store if store is None else store
    )


def draw(rate: np.ndarray, seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).poisson(rate[:, None], (len(rate), WEEKS)).astype(float)


def test_the_closed_form_is_the_recursion():
    values, total = np.random.default_rng(1).uniform(size=(1, WEEKS)), 0.0
    for value in values[0]:
        total = 0.9 * total + value
    assert discounted_sum(values, AGE, 0.9)[0] == pytest.approx(total)


def test_a_steady_seller_is_found():
    rate = np.array([0.3, 2.0, 9.0, 40.0])
    assert levels(draw(rate), np.ones((4, WEEKS))).mean == pytest.approx(rate, rel=0.35)


def test_a_sold_out_week_does_not_lower_the_level():
    units, base = draw(np.full(6, 8.0)), np.ones((6, WEEKS))
    full = levels(units, base)
    units[:, 60:] = 0
    base[:, 60:] = 0
    dark = levels(units, base)
    np.testing.assert_allclose(dark.mean, full.mean, rtol=0.25)


def test_half_a_week_on_the_shelf_counts_half():
    rate = np.full(8, 10.0)
    units = np.random.default_rng(2).poisson(rate[:, None] * 0.5, (8, WEEKS)).astype(float)
    assert levels(units, np.full((8, WEEKS), 0.5)).mean == pytest.approx(rate, rel=0.2)


def test_a_series_without_history_gets_what_its_sku_sells_elsewhere():
    sku = np.array([0, 0, 0, 1, 1, 1], dtype=np.intp)
    store = np.array([0, 1, 2, 0, 1, 2], dtype=np.intp)
    rate = np.array([1.0, 1.0, 1.0, 12.0, 12.0, 12.0])
    units, base = draw(rate), np.ones((6, WEEKS))
    units[5], base[5] = 0, 0
    found = levels(units, base, sku, store)
    assert found.mean[5] == pytest.approx(12.0, rel=0.25)
    assert found.shape[5] < found.shape[4]


def test_a_large_store_lifts_what_it_has_not_sold_yet():
    sku = np.repeat(np.arange(5), 3).astype(np.intp)
    store = np.tile(np.arange(3), 5).astype(np.intp)
    rate = np.array([1.0, 2.0, 8.0])[store] * 2
    units, base = draw(rate), np.ones((15, WEEKS))
    units[14], base[14] = 0, 0
    assert levels(units, base, sku, store).mean[14] == pytest.approx(16.0, rel=0.3)


def test_a_level_that_moves_is_followed():
    rate = np.concatenate([np.full(40, 4.0), np.full(40, 16.0)])
    units = np.random.default_rng(4).poisson(rate, (12, WEEKS)).astype(float)
    found = levels(units, np.ones((12, WEEKS)))
    assert found.mean.mean() > 13
    assert found.discount < 0.99


def test_a_category_nobody_ever_had_has_no_level():
    found = levels(np.zeros((3, WEEKS)), np.zeros((3, WEEKS)))
    assert (found.mean == 0).all()


def test_a_category_on_the_shelf_that_never_sold_has_next_to_none():
    found = levels(np.zeros((3, WEEKS)), np.ones((3, WEEKS)))
    assert (found.mean < 0.01).all()
    assert (found.mean >= 0).all()


@settings(max_examples=12, deadline=None)
@given(st.integers(1, 5), st.integers(1, 4), st.integers(0, 2**16))
def test_levels_are_finite_and_never_negative(n_skus, n_stores, seed):
    rng = np.random.default_rng(seed)
    sku = np.repeat(np.arange(n_skus), n_stores).astype(np.intp)
    store = np.tile(np.arange(n_stores), n_skus).astype(np.intp)
    base = rng.uniform(size=(len(sku), WEEKS)) * (rng.uniform(size=(len(sku), WEEKS)) < 0.5)
    units = rng.poisson(3 * base).astype(float)
    found = levels(units, base, sku, store)
    assert np.isfinite(found.mean).all()
    assert (found.mean >= 0).all()
    assert (found.shape > 0).all()


def test_the_prior_of_alike_series_holds_them_together():
    alike = pooled_prior(np.full(20, 50.0), np.full(20, 10.0), *one_store_each(20))
    apart = pooled_prior(
        np.tile([5.0, 95.0], 10), np.full(20, 10.0), np.zeros(20, np.intp), np.zeros(20, np.intp)
    )
    assert alike.shape > apart.shape
