from __future__ import annotations

import numpy as np
import pytest

from forecaster.store_spread import (
    PRIOR_VARIANCE,
    History,
    Spread,
    measure_spread,
    read_history,
    standardised_log,
)

WEEKS = 20


def seasons(n: int, zone, size, parts, *, years: int = 4, rate: float = 400.0, scatter: float = 0.0, seed=0):
    """Sales of n stores whose second half of every year's season departs by zone, size and on its own."""
    rng = np.random.default_rng(seed)
    blocks = []
    for year in range(years):
        own = np.sqrt(parts["store"]) * rng.normal(size=n)
        by_zone = np.sqrt(parts["zone"]) * rng.normal(size=zone.max() + 1)[zone]
        late = by_zone + np.sqrt(parts["size"]) * rng.normal() * size + own
        week = np.datetime64("2020-02-03") + np.timedelta64(7, "D") * (52 * year + np.arange(WEEKS))
        mean = rate * np.exp(np.outer(late, np.arange(WEEKS) >= WEEKS // 2))
        shape = 1.0 / scatter if scatter else 1e9
        units = rng.poisson(mean * rng.gamma(shape, 1.0 / shape, mean.shape)).astype(float)
        blocks.append((week, units))
    week = np.concatenate([part[0] for part in blocks])
    units = np.hstack([part[1] for part in blocks])
    store, column = (index.ravel() for index in np.indices(units.shape))
    return read_history(store, np.zeros_like(store), week[column], units.ravel(), np.ones(store.size), n)


def measured(parts, n: int = 150, **changes) -> Spread:
    """The spread measured on chains whose spread is known, mean of several."""
    rng = np.random.default_rng(9)
    found = []
    for seed in range(6):
        zone, size = np.arange(n) % 6, standardised_log(np.exp(rng.normal(size=n)))
        history = seasons(
            n, zone, size, {"zone": 0.0, "size": 0.0, "store": 0.0} | parts, seed=seed, **changes
        )
        found.append(measure_spread(history, zone, size, weeks=WEEKS // 2))
    mean = {name: float(np.mean([getattr(one, name) for one in found])) for name in parts}
    return Spread(**({"zone": 0.0, "size": 0.0, "store": 0.0, "small": 0.0} | mean), noise=found[0].noise)


@pytest.mark.parametrize("part", ["zone", "size", "store"])
def test_what_sets_stores_apart_is_found(part):
    assert getattr(measured({part: 0.09}), part) == pytest.approx(0.09, rel=0.45)


def test_stores_that_differ_by_chance_only_do_not_differ():
    found = measured({"zone": 0.0, "size": 0.0, "store": 0.0}, rate=10.0)
    assert found.total < 0.15 * PRIOR_VARIANCE.sum()


def test_weeks_that_scatter_more_than_counts_are_seen_to():
    quiet, wild = measured({"store": 0.0}).noise, measured({"store": 0.0}, scatter=0.2).noise
    assert quiet.dispersion < 0.01
    assert wild.dispersion == pytest.approx(0.2, rel=0.2)


def test_a_chain_of_one_zone_and_one_size_is_measured_on_its_stores_alone():
    zone, size = np.zeros(30, dtype=int), np.zeros(30)
    history = seasons(30, zone, size, {"zone": 0.0, "size": 0.0, "store": 0.09})
    found = measure_spread(history, zone, size, weeks=10)
    assert found.zone == PRIOR_VARIANCE[0]
    assert found.size == PRIOR_VARIANCE[1]
    assert found.store + found.small == pytest.approx(0.09, rel=0.4)


def test_without_history_the_prior_stands():
    nothing = np.zeros((4, 0))
    history = History(np.zeros(0, dtype="datetime64[D]"), nothing, nothing, nothing, np.zeros(4))
    found = measure_spread(history, np.zeros(4, dtype=int), np.zeros(4), weeks=8)
    assert found.total == pytest.approx(PRIOR_VARIANCE.sum())


def test_a_store_closed_half_the_time_has_the_level_of_the_other_half():
    store = np.repeat([0, 1], 10)
    week = np.tile(np.datetime64("2025-03-03") + np.timedelta64(7, "D") * np.arange(10), 2)
    exposure = np.where((store == 1) & (np.arange(20) % 2 == 0), 0.0, 1.0)
    units = 8.0 * exposure
    shown = exposure > 0
    history = read_history(
        store[shown], np.zeros(15, dtype=int), week[shown], units[shown], exposure[shown], 2
    )
    np.testing.assert_allclose(history.level, 8.0)
    np.testing.assert_allclose(history.rate, 8.0)
    np.testing.assert_allclose(history.expected.sum(), history.units.sum())
