from __future__ import annotations

import numpy as np
import pytest

from forecaster.departures import BLOCK_WEEKS, measure_departures


def chain(
    strays: float, *, stores: int = 200, weeks: int = 96, mean: float = 200.0
) -> tuple[np.ndarray, np.ndarray]:
    """Stores whose every block of weeks strays from expectation by a lognormal factor."""
    rng = np.random.default_rng(1)
    factor = np.repeat(
        rng.lognormal(-(strays**2) / 2, strays, (stores, weeks // BLOCK_WEEKS)), BLOCK_WEEKS, axis=1
    )
    expected = np.full((stores, weeks), mean)
    return rng.poisson(expected * factor).astype(float), expected


def test_stores_that_keep_to_the_season_have_no_departures():
    found = measure_departures(*chain(0.0))
    assert found.variance == pytest.approx(0.0, abs=2e-4)
    assert found.scale == pytest.approx(1.0, abs=0.15)


def test_the_spread_of_departures_is_found_free_of_chance():
    assert measure_departures(*chain(0.2)).variance == pytest.approx(0.04, rel=0.15)


def test_weeks_that_stray_together_are_not_independent_witnesses():
    # Var of a block's sum over its mean: 1 + strays^2 * mean * weeks.
    assert measure_departures(*chain(0.1)).scale == pytest.approx(1 + 0.01 * 200 * BLOCK_WEEKS, rel=0.2)


def test_a_handful_of_weeks_says_nothing():
    found = measure_departures(np.ones((1, 4)), np.ones((1, 4)))
    assert (found.scale, found.variance) == (1.0, 0.0)
