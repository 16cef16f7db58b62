from __future__ import annotations

import numpy as np
import pytest

from forecaster.places import Places, year_factors

YEAR = 52.18


def test_sums_by_store_and_zone_are_those_of_the_series():
    store, zone = np.array([0, 0, 1, 2]), np.array([1, 1, 0, 1])
    places = Places.of(store, zone, 2)
    values = np.arange(8.0).reshape(4, 2)
    np.testing.assert_allclose(places.sums(values), [[2.0, 4.0], [4.0, 5.0], [6.0, 7.0]])
    np.testing.assert_allclose(places.by_zone(places.sums(values)), [[4.0, 5.0], [8.0, 11.0]])


def test_series_in_any_order_are_summed_alike():
    store, zone = np.array([1, 0, 1]), np.zeros(3, dtype=int)
    places = Places.of(store, zone, 1)
    np.testing.assert_allclose(places.sums(np.array([[1.0], [2.0], [4.0]])), [[2.0], [5.0]])


def test_growth_is_found_year_by_year():
    age = np.arange(156)[::-1] + 0.5
    expected = np.full((20, 156), 400.0)
    growth = np.where(age < YEAR, 1.1, np.where(age < 2 * YEAR, 1.0, 0.9))
    found = year_factors(expected * growth, expected, age, scale=1.0)
    assert found[0, -1] == pytest.approx(1.1, abs=0.01)
    assert found[0, 0] == pytest.approx(0.9, abs=0.01)


def test_a_store_with_few_sales_grows_as_the_chain_does():
    age = np.arange(104)[::-1] + 0.5
    expected = np.full((10, 104), 400.0)
    expected[0] = 0.01
    units = expected * np.where(age < YEAR, 1.2, 0.8)
    units[0] = 0.0
    found = year_factors(units, expected, age, scale=1.0)
    assert found[0, -1] == pytest.approx(found[1, -1], abs=0.05)


def test_one_year_cannot_be_told_from_its_level():
    age = np.arange(40)[::-1] + 0.5
    np.testing.assert_array_equal(year_factors(np.full((2, 40), 9.0), np.ones((2, 40)), age, scale=1.0), 1.0)
