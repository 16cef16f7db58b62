from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.kinship import Kinship, kinship
from forecaster.level import Levels, discounted_sum, fit_levels, posterior, settled_levels
from forecaster.pooling import Prior, pooled_prior
from forecaster.products import read_products

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
    assert (alike.shape > apart.shape).all()


SIZES = ("S", "M", "L", "XL")
CURVE = np.array([0.15, 0.4, 0.3, 0.15])


class Chain:
    """Styles of four sizes in stores of two formats; every series has a known level."""

    def __init__(
        self, styles: int = 6, stores: int = 8, seed: int = 11, rate: float = 20.0, alike: float = 25.0
    ) -> None:
        rng = np.random.default_rng(seed)
        self.rows = [
            {"sku": f"{k}-{z}", "style": str(k), "size": z, "gender_age": "men", "regular_price": 20.0}
            for k in range(styles)
            for z in SIZES
        ]
        self.names = [str(number) for number in range(stores)]
        self.format = np.where(np.arange(stores) % 2, "mall", "outlet")
        self.sku = np.repeat(np.arange(4 * styles), stores)
        self.store = np.tile(np.arange(stores), 4 * styles)
        of_style = rng.gamma(4, 0.25, styles)
        of_store = np.where(np.arange(stores) % 2, 1.6, 0.4) * rng.gamma(30, 1 / 30, stores)
        of_cell = rng.gamma(alike, 1 / alike, (styles, stores))
        style, size = self.sku // 4, self.sku % 4
        self.level = rate * of_style[style] * of_store[self.store] * of_cell[style, self.store] * CURVE[size]
        self.units = rng.poisson(np.repeat(self.level[:, None], WEEKS, axis=1)).astype(float)
        self.base = np.ones(self.units.shape)

    def hide(self, rows: np.ndarray) -> None:
        self.units[rows], self.base[rows] = 0.0, 0.0

    def kin(self, **more: object) -> Kinship:
        shops = pd.DataFrame({"store": self.names, "format": self.format})
        products = read_products(pd.DataFrame(self.rows))
        names = [str(row["sku"]) for row in self.rows]
        return kinship(names, self.names, products=products, **({"shops": shops} | more))

    def fit(self, kin: Kinship | None = None) -> Levels:
        return fit_levels(self.units, self.base, AGE, self.sku, self.store, kinship=kin)


def wape(found: np.ndarray, true: np.ndarray) -> float:
    return float(np.abs(found - true).sum() / true.sum())


def test_a_size_never_sold_in_a_store_gets_what_its_run_sells_there_times_its_share():
    chain = Chain(alike=3.0)
    rows = chain.sku % 4 == chain.store % 4
    chain.hide(rows)
    found = chain.fit(chain.kin())
    assert wape(found.mean[rows], chain.level[rows]) < 0.15
    assert wape(chain.fit().mean[rows], chain.level[rows]) > 0.3
    assert found.shape[rows].max() < found.shape[~rows].min()


def test_a_new_store_starts_as_stores_of_its_format_do():
    chain = Chain(stores=12)
    rows = (chain.store == 4) | (chain.store == 5)
    chain.hide(rows)
    kin = chain.kin()
    known = chain.fit(kin).mean
    assert wape(known[rows], chain.level[rows]) < 0.45
    blind = chain.fit(chain.kin(shops=None)).mean
    assert wape(known[rows], chain.level[rows]) < 0.7 * wape(blind[rows], chain.level[rows])


def test_a_new_store_in_a_new_zone_of_a_known_format_starts_as_its_format_does():
    chain = Chain(stores=12)
    zones = ["coast" if number == 5 else "hills" for number in range(12)]
    chain.hide(chain.store == 5)
    found = chain.fit(chain.kin(zones=zones)).mean[chain.store == 5].sum()
    assert found == pytest.approx(chain.level[chain.store == 5].sum(), rel=0.4)


def test_a_new_color_of_a_style_starts_at_the_level_of_its_other_colors():
    chain = Chain()
    for row in chain.rows[:4]:
        row["style"] = "1"
        row["color"] = "red"
    rows = chain.sku < 4
    chain.hide(rows)
    found = chain.fit(chain.kin()).mean[rows].sum()
    others = chain.level[(chain.sku >= 4) & (chain.sku < 8)].sum()
    assert found == pytest.approx(others, rel=0.35)


def test_a_successor_starts_at_its_predecessors_level_and_size_curve_in_every_store():
    chain = Chain()
    for number in range(4):
        chain.rows[number]["replaces_sku"] = f"3-{SIZES[number]}"
    rows, before = chain.sku < 4, (chain.sku >= 12) & (chain.sku < 16)
    chain.hide(rows)
    found = chain.fit(chain.kin())
    assert wape(found.mean[rows], chain.level[before]) < 0.25
    assert found.shape[rows].max() < found.shape[before].min()


def test_a_successor_inherits_from_a_style_that_was_last_sold_a_year_ago():
    chain = Chain()
    for number in range(4):
        chain.rows[number]["replaces_sku"] = f"3-{SIZES[number]}"
    rows, before = chain.sku < 4, (chain.sku >= 12) & (chain.sku < 16)
    chain.units[before] *= 5
    chain.hide(rows)
    old = np.ix_(np.flatnonzero(before), np.arange(WEEKS - 52, WEEKS))
    chain.units[old], chain.base[old] = 0.0, 0.0
    assert wape(chain.fit(chain.kin()).mean[rows], 5 * chain.level[before]) < 0.35


def test_a_new_style_leans_on_styles_of_its_kind_and_says_that_it_is_in_doubt():
    chain = Chain(styles=8)
    dear = chain.sku // 4 >= 4
    chain.units[dear] = np.random.default_rng(1).poisson(0.2 * chain.units[dear])
    for number, row in enumerate(chain.rows):
        row["regular_price"] = 60.0 if number // 4 >= 4 else 20.0
    rows = chain.sku // 4 == 7
    chain.hide(rows)
    found = chain.fit(chain.kin())
    cheap, alike = chain.level[chain.sku // 4 == 0].sum(), 0.2 * chain.level[chain.sku // 4 == 6].sum()
    assert abs(np.log(found.mean[rows].sum() / alike)) < abs(np.log(found.mean[rows].sum() / cheap))
    assert found.shape[rows].max() < 3


def test_a_store_with_no_stock_changes_nothing_for_the_others():
    chain = Chain()
    kin, before = chain.kin(), chain.fit(chain.kin())
    wider = Chain(stores=9)
    wider.format = np.append(chain.format, "flagship")
    zones = ["hills"] * 8 + ["coast"]
    old = wider.store < 8
    wider.units, wider.base = np.zeros(wider.units.shape), np.zeros(wider.base.shape)
    wider.units[old], wider.base[old] = chain.units, chain.base
    after = wider.fit(wider.kin(zones=zones))
    assert kin.format_zone.max() == 1
    np.testing.assert_allclose(after.mean[old], before.mean, rtol=1e-6)
    np.testing.assert_allclose(after.shape[old], before.shape, rtol=1e-6)
    assert (after.discount, after.dispersion) == (before.discount, before.dispersion)
    assert (after.mean[~old] > 0).all()


def test_the_same_history_gives_the_same_levels():
    chain = Chain()
    np.testing.assert_array_equal(chain.fit(chain.kin()).mean, chain.fit(chain.kin()).mean)
    np.testing.assert_array_equal(chain.fit(chain.kin()).shape, chain.fit(chain.kin()).shape)


@pytest.mark.parametrize("times", [0.01, 3.0, 200.0])
def test_levels_scale_with_the_unit_in_which_they_are_told(times):
    chain = Chain(rate=5.0)
    before = chain.fit(chain.kin())
    chain.base = chain.base / times
    after = chain.fit(chain.kin())
    np.testing.assert_allclose(after.mean, before.mean * times, rtol=1e-6)
    np.testing.assert_allclose(after.shape, before.shape, rtol=1e-6)


def test_ten_times_the_sales_is_ten_times_the_level():
    chain = Chain()
    before = chain.fit(chain.kin()).mean
    chain.units = 10 * chain.units
    after = chain.fit(chain.kin()).mean
    assert after.sum() == pytest.approx(10 * before.sum(), rel=0.005)
    np.testing.assert_allclose(after, 10 * before, rtol=0.2)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 5), st.integers(1, 5), st.integers(0, 2**16))
def test_more_exposure_with_sales_to_match_never_lowers_certainty(n_skus, n_stores, seed):
    rng = np.random.default_rng(seed)
    sku = np.repeat(np.arange(n_skus), n_stores)
    store = np.tile(np.arange(n_stores), n_skus)
    base = (rng.uniform(size=(len(sku), WEEKS)) < 0.4).astype(float)
    units = rng.poisson(rng.gamma(2, 2, len(sku))[:, None] * base).astype(float)
    row = int(np.argmax(units.sum(axis=1)))
    if units[row].sum() == 0:
        return
    before = levels(units, base, sku, store)
    dark = base[row] == 0
    units[row, dark], base[row, dark] = units[row].sum() / base[row].sum(), 1.0
    after = levels(units, base, sku, store)
    assert after.shape[row] >= before.shape[row]


def test_without_sales_of_its_own_a_series_has_exactly_its_prior():
    prior = Prior(np.array([2.0, 0.0]), np.array([3.0, 0.3]))
    mean, shape = posterior(np.zeros(2), np.zeros(2), prior)
    np.testing.assert_array_equal(mean, prior.mean)
    np.testing.assert_array_equal(shape, prior.shape)


def test_what_a_series_says_itself_counts_once():
    chain = Chain(styles=12, stores=20)
    y, b = chain.units.sum(axis=1), chain.base.sum(axis=1)
    before = pooled_prior(y, b, chain.sku, chain.store, kinship=chain.kin())
    y[5] *= 3
    after = pooled_prior(y, b, chain.sku, chain.store, kinship=chain.kin())
    same_run = (chain.sku // 4 == chain.sku[5] // 4) & (chain.store == chain.store[5])
    sisters = same_run & (np.arange(len(y)) != 5)
    assert after.mean[5] == pytest.approx(before.mean[5], rel=0.25)
    assert (after.mean[sisters] > 1.1 * before.mean[sisters]).all()


def test_a_settled_level_is_that_of_the_whole_history():
    rate = np.concatenate([np.full(40, 4.0), np.full(40, 16.0)])
    units = np.random.default_rng(4).poisson(rate, (12, WEEKS)).astype(float)
    sku, store = one_store_each(12)
    assert settled_levels(units, np.ones((12, WEEKS)), sku, store) == pytest.approx(
        np.full(12, 10.0), rel=0.1
    )


def test_the_dispersion_of_weeks_is_found():
    rng = np.random.default_rng(6)
    mean = np.full((40, WEEKS), 12.0)
    units = rng.negative_binomial(3.0, 3.0 / (3.0 + mean)).astype(float)
    assert levels(units, np.ones(mean.shape)).dispersion == pytest.approx(3.0, rel=0.35)
