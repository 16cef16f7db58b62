"""What the first weeks on the floor do to sales: novelty that wears off, or a start that takes its time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from forecaster.credibility import SHAPE_BEFORE, spread_shape, sums_by, thinning

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Days = npt.NDArray[np.datetime64]

NEW_WEEKS = 13
"""A style is new for a quarter of a year; a season is hardly longer."""

_SETTLED_WEEKS = 39
_BLIND_WEEKS = 4
"""Who was on the floor in the first weeks of history may have been there for years."""

_HELD_TO_ONE = 30.0
"""Units' worth of belief that being new changes nothing."""

_TELLING_GAIN = 5.0
"""By how much the curve must miss less than 1 does, in squared standard errors, to be believed: where nothing
happens a monotone curve through 13 weeks gains that much in one of ten categories (simulated)."""

_KERNEL = np.array([0.25, 0.5, 0.25])


@dataclass(frozen=True)
class Newness:
    """Factor on demand by weeks on the floor.

    Attributes:
        multiplier: (NEW_WEEKS,) factor in each full week since the launch; monotone towards 1, which holds
            afterwards.
        launches: how many launches it rests on.
    """

    multiplier: Floats
    launches: int

    @classmethod
    def none(cls) -> Newness:
        """Being new changes nothing."""
        return cls(np.ones(NEW_WEEKS), 0)

    def at(self, weeks_on_floor: Floats) -> Floats:
        """Factors of any shape: 1 where the launch is unknown (NaN) or long ago, the first before it."""
        whole = np.floor(np.nan_to_num(weeks_on_floor, nan=NEW_WEEKS))
        place = np.clip(whole, 0, NEW_WEEKS).astype(np.intp)
        return np.asarray(np.append(self.multiplier, 1.0)[place], dtype=np.float64)


def launched_on(exposure: Floats, week: Days, launch: Indices, *, floor_set: Days | None = None) -> Days:
    """First week on the floor of each series, (n,), NaT where nobody saw it.

    Sizes of one run in one store are launched together: a size that comes back is not new.

    Args:
        exposure: (n, t).
        week: (t,) first days of weeks, ascending; the first is that of the history.
        launch: (n,) index of the launch of each series, such as its run in its store.
        floor_set: (n,) the calendar's word for series that have not been on the floor yet; NaT for none.
    """
    n_launches, never = int(launch.max(initial=-1)) + 1, len(week)
    shown = exposure > 0
    own = np.where(shown.any(axis=1), shown.argmax(axis=1), never)
    first = np.full(n_launches, never)
    np.minimum.at(first, launch, own)
    found: Days = np.append(week, np.datetime64("NaT"))[first[launch]]
    if floor_set is not None:
        found = np.where(np.isnat(found), floor_set, found)
    if len(week):
        found[found < week[0] + np.timedelta64(7 * _BLIND_WEEKS, "D")] = np.datetime64("NaT")
    return found


def weeks_on_floor(launched: Days, week: Days) -> Floats:
    """Weeks from each series' launch to each week, (n, t); negative before it, NaN without one."""
    ahead = (week[None, :] - launched[:, None]) / np.timedelta64(7, "D")
    return np.asarray(ahead, dtype=np.float64)


def fit_newness(units: Floats, base: Floats, on_floor: Floats, launch: Indices) -> Newness:
    """The effect of being new, from all launches of a category jointly.

        c_w = (sum_l omega_lw Y_lw + h) / (sum_l omega_lw E_lw + h),   E_lw = sum_i lambda_i b_iw

    with lambda_i the level that series i settled at in the three quarters of a year after it was new, Y_l and
    E_l the sums of a launch, omega what a launch speaks for the others (`credibility.thinning`), and h a
    weight towards 1. The c_w are then made monotone towards 1, from above or from below, whichever lies
    nearer (isotonic regression), and smoothed. A launch that never settled tells nothing: its level and its
    newness cannot be told apart.

    Args:
        units: (n, t) units sold.
        base: (n, t) exposure x season x price effect: units at a level of one.
        on_floor: (n, t) weeks on the floor, as `weeks_on_floor` tells them.
        launch: (n,) index of the launch of each series.
    """
    new = (on_floor >= 0) & (on_floor < NEW_WEEKS) & (base > 0)
    later = (on_floor >= NEW_WEEKS) & (on_floor < NEW_WEEKS + _SETTLED_WEEKS)
    settled_units = np.where(later, units, 0.0).sum(axis=1)
    settled_base = np.where(later, base, 0.0).sum(axis=1)
    told = (settled_base > 0) & new.any(axis=1)
    if not told.any():
        return Newness.none()
    level = settled_units[told] / settled_base[told]
    row, column = np.nonzero(new[told])
    week = on_floor[told][row, column].astype(np.intp)
    names, code = np.unique(launch[told], return_inverse=True)
    n = len(names) * NEW_WEEKS
    cell = code[row] * NEW_WEEKS + week
    sold = sums_by(cell, units[told][row, column], n)
    expected = sums_by(cell, level[row] * base[told][row, column], n)
    return Newness(_towards_one(*_by_week(sold, expected)), len(names))


def _by_week(units: Floats, expected: Floats) -> tuple[Floats, Floats]:
    """Factor and weight of each week since the launch; launches are thinned to what they say of others."""
    week = np.tile(np.arange(NEW_WEEKS), len(units) // NEW_WEEKS)
    factor, shape = np.ones(NEW_WEEKS), SHAPE_BEFORE
    for _ in range(3):
        foreseen = expected * factor[week]
        shape = spread_shape(units, foreseen, np.zeros(len(units)), shape)
        speaks = thinning(foreseen, shape)
        sold = sums_by(week, speaks * units, NEW_WEEKS) + _HELD_TO_ONE
        weight = sums_by(week, speaks * expected, NEW_WEEKS) + _HELD_TO_ONE
        factor = sold / weight
    return factor, weight


def _towards_one(factor: Floats, weight: Floats) -> Floats:
    """The nearest monotone curve that ends at 1, from above or from below, smoothed; 1 if no better."""
    falling = np.maximum(optimize.isotonic_regression(factor, weights=weight, increasing=False).x, 1.0)
    rising = np.minimum(optimize.isotonic_regression(factor, weights=weight, increasing=True).x, 1.0)
    misses = [float(weight @ (curve - factor) ** 2) for curve in (falling, rising)]
    nearer = falling if misses[0] <= misses[1] else rising
    if float(weight @ (factor - 1.0) ** 2) - min(misses) < _TELLING_GAIN:
        return np.ones(NEW_WEEKS)
    return np.convolve(np.concatenate([nearer[:1], nearer, [1.0]]), _KERNEL, mode="valid")
