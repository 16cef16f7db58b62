from __future__ import annotations

import numpy as np
import pytest

from forecaster.newness import NEW_WEEKS, Newness, fit_newness, launched_on, weeks_on_floor

WEEKS = 70
WEEK = np.datetime64("2024-01-01") + 7 * np.arange(WEEKS)


def launches(effect: np.ndarray, n: int = 60, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Units, base, weeks on the floor and launch of n series that start one after the other."""
    rng = np.random.default_rng(seed)
    first = rng.integers(5, 30, n)
    on_floor = (np.arange(WEEKS)[None, :] - first[:, None]).astype(float)
    season = np.exp(np.cos(np.arange(WEEKS) / 52 * 2 * np.pi))
    base = np.where(on_floor >= 0, season, 0.0)
    factor = np.append(effect, 1.0)[np.clip(on_floor, 0, len(effect)).astype(int)]
    units = rng.poisson(rng.gamma(3, 2, n)[:, None] * base * factor).astype(float)
    return units, base, on_floor, np.arange(n)


def test_novelty_that_wears_off_is_found():
    effect = np.linspace(2.0, 1.0, NEW_WEEKS)
    found = fit_newness(*launches(effect))
    assert found.launches == 60
    np.testing.assert_allclose(found.multiplier, effect, atol=0.15)
    assert (np.diff(found.multiplier) <= 0).all()


def test_a_start_that_takes_its_time_is_found():
    effect = np.linspace(0.4, 1.0, NEW_WEEKS)
    found = fit_newness(*launches(effect))
    np.testing.assert_allclose(found.multiplier, effect, atol=0.15)
    assert (np.diff(found.multiplier) >= 0).all()


def test_where_nothing_happens_nothing_is_found():
    found = [fit_newness(*launches(np.ones(NEW_WEEKS), seed=seed)).multiplier for seed in range(20)]
    assert np.mean([(curve == 1).all() for curve in found]) > 0.7
    np.testing.assert_allclose(found, 1.0, atol=0.2)


def test_few_launches_are_held_to_one():
    effect = np.full(NEW_WEEKS, 2.0)
    units, base, on_floor, launch = launches(effect, n=1)
    few = fit_newness(units * 0.1, base, on_floor, launch).multiplier[0]
    assert 1.0 <= few < 1.5


def test_a_launch_that_never_settled_tells_nothing():
    units, base, on_floor, launch = launches(np.full(NEW_WEEKS, 2.0))
    base = np.where(on_floor < NEW_WEEKS, base, 0.0)
    found = fit_newness(units, base, on_floor, launch)
    assert found.launches == 0
    np.testing.assert_array_equal(found.multiplier, 1.0)


def test_one_launch_of_a_thousand_units_does_not_speak_for_all():
    units, base, on_floor, launch = launches(np.ones(NEW_WEEKS))
    new = (on_floor[0] >= 0) & (on_floor[0] < NEW_WEEKS)
    units[0] = 200.0 * base[0]
    units[0, new] *= 3
    assert fit_newness(units, base, on_floor, launch).multiplier.max() < 1.25


def test_the_factor_is_one_long_after_a_launch_and_where_none_was_seen():
    newness = Newness(np.linspace(2.0, 1.1, NEW_WEEKS), 9)
    weeks = np.array([[0.0, 0.9, 12.0, 13.0, 400.0, np.nan, -3.0]])
    assert newness.at(weeks).tolist() == [[2.0, 2.0, pytest.approx(1.1), 1.0, 1.0, 1.0, 2.0]]


def test_sizes_of_a_run_are_launched_together_and_a_size_that_comes_back_is_not_new():
    exposure = np.zeros((3, WEEKS))
    exposure[0, 10:] = 1
    exposure[1, 20:] = 1
    exposure[2, 30:] = 1
    found = launched_on(exposure, WEEK, np.array([0, 0, 1]))
    assert found.tolist() == [WEEK[10], WEEK[10], WEEK[30]]


def test_who_was_there_when_the_history_began_was_not_launched_in_it():
    exposure = np.zeros((2, WEEKS))
    exposure[0, 2:] = 1
    found = launched_on(exposure, WEEK, np.array([0, 1]))
    assert np.isnat(found).all()


def test_the_calendar_tells_when_what_is_not_on_the_floor_yet_will_be():
    ahead = WEEK[-1] + np.timedelta64(21, "D")
    exposure = np.zeros((2, WEEKS))
    exposure[1, 10:] = 1
    found = launched_on(exposure, WEEK, np.arange(2), floor_set=np.array([ahead, ahead]))
    assert found.tolist() == [ahead, WEEK[10]]
    future = ahead + 7 * np.arange(-1, 2)
    assert weeks_on_floor(found, future)[0].tolist() == [-1.0, 0.0, 1.0]
