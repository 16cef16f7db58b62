from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.kinship import Kinship, kinship
from forecaster.products import read_products
from forecaster.sizes import fit_size_curves, spread_within_runs

SIZES = ("S", "M", "L", "XL")
CURVE = np.array([0.15, 0.4, 0.3, 0.15])
STYLES, STORES = 5, 8


def chain(
    styles: int = STYLES, stores: int = STORES, **columns: object
) -> tuple[Kinship, np.ndarray, np.ndarray]:
    """Kinship, sku and store of every series; skus numbered style by style."""
    rows = [
        {"sku": f"{style}-{size}", "style": f"{style}", "size": size, "gender_age": "men"} | columns
        for style in range(styles)
        for size in SIZES
    ]
    products = read_products(pd.DataFrame(rows))
    names = [str(number) for number in range(stores)]
    kin = kinship([str(row["sku"]) for row in rows], names, products=products)
    sku = np.repeat(np.arange(len(rows)), stores)
    return kin, sku, np.tile(np.arange(stores), len(rows))


def drawn(
    share: np.ndarray, sku: np.ndarray, store: np.ndarray, units: float = 200.0, seed: int = 2
) -> np.ndarray:
    """Units of runs of different levels in stores of different size, divided by shares (stores, sizes)."""
    rng = np.random.default_rng(seed)
    level = rng.gamma(2, 0.5, (STYLES, STORES)) * units
    mean = level[sku // len(SIZES), store] * share[store, sku % len(SIZES)]
    return rng.poisson(mean).astype(float)


def mean_by_size(share: np.ndarray, sku: np.ndarray) -> np.ndarray:
    return np.bincount(sku % len(SIZES), share) / np.bincount(sku % len(SIZES))


def test_the_chains_curve_is_found_whatever_the_levels_of_runs_and_stores():
    kin, sku, store = chain()
    units = drawn(np.tile(CURVE, (STORES, 1)), sku, store)
    share = fit_size_curves(units, np.ones(len(sku)), sku, store, kin).share(sku, store)
    np.testing.assert_allclose(share, CURVE[sku % len(SIZES)], atol=0.06)
    np.testing.assert_allclose(mean_by_size(share, sku), CURVE, atol=0.015)


def test_a_size_that_was_sold_out_half_the_time_keeps_its_share():
    kin, sku, store = chain()
    base = np.where(sku % len(SIZES) == 1, 0.5, 1.0)
    units = drawn(np.tile(CURVE * np.array([1, 0.5, 1, 1]), (STORES, 1)), sku, store)
    share = fit_size_curves(units, base, sku, store, kin).share(sku, store)
    np.testing.assert_allclose(mean_by_size(share, sku), CURVE, atol=0.015)


def test_a_stores_own_curve_is_shrunk_to_the_chains_as_far_as_it_is_in_doubt():
    kin, sku, store = chain()
    local = np.tile(CURVE, (STORES, 1))
    local[0] = [0.05, 0.2, 0.4, 0.35]
    many, few = (
        fit_size_curves(drawn(local, sku, store, units), np.ones(len(sku)), sku, store, kin)
        for units in (400.0, 1.0)
    )
    largest = np.array([3]), np.array([0])
    assert many.share(*largest)[0] == pytest.approx(0.35, abs=0.05)
    assert few.share(*largest)[0] < 0.28
    assert few.doubt(*largest)[0] > 5 * many.doubt(*largest)[0]
    assert many.share(np.array([3]), np.array([4]))[0] == pytest.approx(0.15, abs=0.03)


def test_a_size_a_style_has_not_sold_yet_gets_the_share_it_has_in_other_styles():
    kin, sku, store = chain()
    units, base = drawn(np.tile(CURVE, (STORES, 1)), sku, store), np.ones(len(sku))
    new = sku == 1
    units[new], base[new] = 0.0, 0.0
    curves = fit_size_curves(units, base, sku, store, kin)
    assert curves.share(np.array([1]), np.array([2]))[0] == pytest.approx(0.4, abs=0.05)
    assert curves.doubt(np.array([1]), np.array([2]))[0] > curves.doubt(np.array([5]), np.array([2]))[0]


def test_skus_that_make_no_run_have_the_whole_of_it():
    kin = Kinship.none(3, 2)
    sku, store = np.array([0, 1, 2]), np.array([0, 1, 1])
    curves = fit_size_curves(np.array([5.0, 0.0, 9.0]), np.ones(3), sku, store, kin)
    np.testing.assert_array_equal(curves.share(sku, store), 1.0)
    np.testing.assert_array_equal(curves.doubt(sku, store), 0.0)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**16), st.integers(1, 6), st.integers(1, 5))
def test_size_shares_of_a_style_in_a_store_sum_to_one(seed, styles, stores):
    kin, sku, store = chain(styles, stores)
    rng = np.random.default_rng(seed)
    base = rng.uniform(size=len(sku)) * (rng.uniform(size=len(sku)) < 0.6)
    units = rng.poisson(rng.gamma(0.5, 20, len(sku)) * base).astype(float)
    share = fit_size_curves(units, base, sku, store, kin).share(sku, store)
    total = np.bincount(sku // len(SIZES) * stores + store, share)
    np.testing.assert_allclose(total, 1.0)
    assert (share > 0).all()


def test_the_spread_of_sizes_round_their_share_is_measured_within_runs():
    rng = np.random.default_rng(3)
    cell, base = np.repeat(np.arange(400), 4), np.full(1600, 25.0)
    level = rng.gamma(1.0, 1.0, 400)[cell]
    apart = rng.poisson(level * base * rng.gamma(4, 0.25, 1600)).astype(float)
    together = rng.poisson(level * base).astype(float)
    assert spread_within_runs(apart, base, cell) == pytest.approx(4.0, rel=0.3)
    assert spread_within_runs(together, base, cell) > 30


def test_where_no_run_has_two_sizes_none_lies_apart_from_its_run():
    assert spread_within_runs(np.array([3.0, 80.0]), np.ones(2), np.array([0, 1])) > 1e6
