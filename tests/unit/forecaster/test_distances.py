from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from forecaster.distances import EARTH_RADIUS_MILES, StoreMap, miles_apart, nearest_with
from forecaster.errors import PanelError

DEGREE = np.radians(1.0) * EARTH_RADIUS_MILES
"""Miles of a degree along the equator."""


def line(*degrees: float, **columns: object) -> pd.DataFrame:
    """Stores a, b, c ... on the equator."""
    names = [chr(ord("a") + number) for number in range(len(degrees))]
    return pd.DataFrame({"store": names, "latitude": 0.0, "longitude": list(degrees), **columns})


def test_nashville_and_los_angeles_lie_as_far_apart_as_the_worked_example_says():
    # The worked example of the haversine formula on Rosetta Code: 2,887.26 km on a sphere of 6,372.8 km.
    asked = 2887.2599506071106 / 6372.8 * EARTH_RADIUS_MILES
    assert miles_apart(36.12, -86.67, 33.94, -118.40) == pytest.approx(asked, rel=1e-12)


def test_a_degree_along_the_equator_is_a_degree_of_the_great_circle():
    assert miles_apart(0, 0, 0, 1) == pytest.approx(DEGREE)


def test_antipodes_lie_half_a_great_circle_apart():
    assert miles_apart(90, 0, -90, 0) == pytest.approx(np.pi * EARTH_RADIUS_MILES)


def test_a_store_whose_place_is_not_known_is_infinitely_far_from_all():
    store_map = StoreMap.of(line(0, np.nan, 1))
    assert np.isinf(store_map.miles[1]).all()
    assert np.isfinite(store_map.miles[0, 2])


def test_a_place_that_is_not_on_earth_is_refused():
    with pytest.raises(PanelError, match=r"stores\.longitude: 1 beyond 180 degrees"):
        StoreMap.of(line(0, 200))


def test_stores_come_nearest_first_and_each_begins_with_itself():
    assert StoreMap.of(line(0, 5, 1)).nearest.tolist() == [[0, 2, 1], [1, 2, 0], [2, 0, 1]]


def test_a_customer_goes_on_from_where_they_stand_not_from_home():
    # From b at 2 to c at 3; from there to d at 5, which is no nearer to b than a at -1 is; then back to a.
    order, gone = StoreMap.of(line(-1, 2, 3, 5)).walks(4)
    assert order[1].tolist() == [1, 2, 3, 0]
    assert gone[1] / DEGREE == pytest.approx([0, 1, 3, 9])


def test_a_walk_ends_after_the_stores_it_may_visit():
    order, gone = StoreMap.of(line(0, 1, 2, 3)).walks(2)
    assert order.shape == gone.shape == (4, 2)


def test_a_walk_from_nowhere_leads_nowhere():
    _, gone = StoreMap.of(line(0, np.nan)).walks(5)
    assert gone.tolist() == [[0, np.inf], [0, np.inf]]


def test_the_nearest_that_have_something_are_found_and_never_the_one_who_asks():
    store_map = StoreMap.of(line(0, 1, 2, 3, np.nan))
    has = np.array([[True, False, True, True, True], [True, True, False, False, True]])
    row, store = nearest_with(store_map, np.array([0, 0, 3]), np.array([0, 1, 1]), has, 2)
    assert list(zip(row.tolist(), store.tolist(), strict=True)) == [(0, 2), (0, 3), (1, 1), (2, 1), (2, 0)]


def test_nobody_asking_finds_nothing():
    none = np.zeros(0, dtype=np.intp)
    row, store = nearest_with(StoreMap.of(line(0, 1)), none, none, np.ones((1, 2), dtype=bool), 3)
    assert len(row) == len(store) == 0
