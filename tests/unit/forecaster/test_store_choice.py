from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from forecaster.store_choice import THRIFT, Representation, affordable_sets, matched_controls
from forecaster.store_spread import CountNoise, Spread, standardised_log

EVERYBODY = np.arange(12)


def chain(seed: int = 0, n: int = 12, **parts: float) -> tuple[Representation, np.ndarray]:
    """A chain of n stores in three zones, and what each costs."""
    rng = np.random.default_rng(seed)
    volume = np.exp(rng.normal(0, 0.8, n))
    spread = {"zone": 0.02, "size": 0.02, "store": 0.02, "small": 0.01} | parts
    told = Representation(
        weight=volume / volume.sum(),
        zone=np.arange(n) % 3,
        size=standardised_log(volume),
        noise=0.02 / volume,
        spread=Spread(**spread, noise=CountNoise(1.0, 0.1)),
    )
    return told, volume * rng.uniform(0.5, 1.5, n)


def price(told: Representation, cost: np.ndarray, sets: np.ndarray) -> np.ndarray:
    average = sets.shape[1] * cost.mean()
    return told.squared_error(sets) * (1 + THRIFT * cost[sets].sum(axis=1) / average)


@pytest.mark.parametrize("seed", range(8))
def test_exchanging_comes_close_to_the_best_of_all_sets(seed):
    told, cost = chain(seed)
    sets = list(affordable_sets(told, EVERYBODY, cost, range(3, 5), np.inf))
    for chosen in sets:
        every = np.array(list(combinations(EVERYBODY, len(chosen))))
        assert price(told, cost, chosen[None, :])[0] <= 1.1 * price(told, cost, every).min()


def test_asking_everybody_who_can_be_counted_without_error_leaves_nothing_open():
    told, _ = chain()
    sure = Representation(told.weight, told.zone, told.size, np.full(12, 1e-9), told.spread)
    assert sure.squared_error(EVERYBODY[None, :])[0] < 1e-8


def test_one_more_store_never_makes_the_chain_less_known():
    told, _ = chain()
    errors = [told.squared_error(EVERYBODY[None, :size])[0] for size in range(1, 13)]
    assert (np.diff(errors) < 0).all()


def test_stores_are_taken_from_all_zones_where_zones_differ():
    told, cost = chain(zone=0.5, size=0.0, store=0.001, small=0.0)
    (chosen,) = affordable_sets(told, EVERYBODY, cost, range(3, 4), np.inf)
    assert set(told.zone[chosen]) == {0, 1, 2}


def test_small_and_large_stores_are_taken_where_size_matters():
    told, _ = chain(zone=0.0, size=0.5, store=0.001, small=0.0)
    (chosen,) = affordable_sets(told, EVERYBODY, np.zeros(12), range(3, 4), np.inf)
    towards = (told.weight * told.size).sum()
    assert told.size[chosen].min() < towards < told.size[chosen].max()


@pytest.mark.parametrize("cap", [1.5, 2.5, 4.0, 9.0])
def test_no_set_costs_more_than_the_cap_and_a_payable_size_is_found(cap):
    told, cost = chain(3)
    sets = list(affordable_sets(told, EVERYBODY, cost, range(3, 6), cap))
    assert all(cost[chosen].sum() <= cap for chosen in sets)
    payable = [size for size in range(3, 6) if np.sort(cost)[:size].sum() <= cap]
    assert [len(chosen) for chosen in sets] == payable


def test_each_store_gets_its_twin_as_control():
    rng = np.random.default_rng(1)
    rate = np.exp(rng.normal(0, 0.6, (6, 1)) + np.cumsum(rng.normal(0, 0.3, (6, 20)), axis=1))
    twins = np.vstack([rate, rate[::-1]])
    controls = matched_controls(twins, np.zeros(12, dtype=int), np.arange(6), np.arange(6, 12))
    assert controls.tolist() == [11, 10, 9, 8, 7, 6]


def test_two_stores_do_not_share_the_control_that_suits_both_best():
    rate = np.array([[1.0, 2, 3], [1.0, 2, 3.1], [1.0, 2, 3], [9.0, 2, 1]])
    controls = matched_controls(rate, np.zeros(4, dtype=int), np.array([0, 1]), np.array([2, 3]))
    assert sorted(controls.tolist()) == [2, 3]


def test_a_like_store_of_another_zone_is_second_choice():
    rate = np.array([[1.0, 2, 3], [1.0, 2, 3], [2.0, 3, 3]])
    controls = matched_controls(rate, np.array([0, 1, 0]), np.array([0]), np.array([1, 2]))
    assert controls.tolist() == [2]
