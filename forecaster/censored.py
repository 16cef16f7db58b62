"""What sold-out weeks tell: how many were wanted at least, and how soon, which a count of days misses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from forecaster.distribution import survival

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Indices = npt.NDArray[np.intp]

_MOSTLY = 0.5
_FEWEST_WEEKS = 3
_HALF_DAY = 0.5 / 7

_WIDE = np.linspace(-4.5, 4.5, 19)
"""Logarithms of the levels first looked at, over the level that exposure alone tells."""

_CLOSER = (12, 24)
"""Points of the two closer looks, each between the levels that the look before left possible."""

_IMPOSSIBLE = 20.0
"""Levels this much less likely (in logarithm) than the best carry no weight."""

_UNSEEN = 1e-15
"""Where a probability is lost in the rounding of 1."""

_NO_LEVEL = 1e-12
_POISSON = 1e8

_DOUBTED_SERIES = 5.0
"""Series' worth of trust that the priors are right as they stand, before the levels move all of them."""

_LOOSE_SHAPE = 0.3
"""Shape of a prior that leaves the level to the weeks, where only their spread is asked for."""

_LEARNING_CELLS = 4_000


def chronic(sold_out: npt.ArrayLike, exposure: Floats) -> Flags:
    """Series sold out in most of the weeks in which they could be bought at all: (n, t) each -> (n,).

    ``sold_out`` is the share of the week (or a flag); a week counts as sold out from a half on.
    """
    exposed = exposure > 0
    out = (np.asarray(sold_out, dtype=np.float64) >= _MOSTLY) & exposed
    weeks = exposed.sum(axis=1)
    return np.asarray((out.sum(axis=1) > _MOSTLY * weeks) & (weeks >= _FEWEST_WEEKS))


def censored_levels(
    units: Floats,
    base: Floats,
    exposure: Floats,
    sold_out: npt.ArrayLike,
    weight: Floats,
    prior_mean: Floats,
    prior_shape: npt.ArrayLike,
    dispersion: float,
) -> tuple[Floats, Floats]:
    """Levels of series whose sold-out weeks are bounds and not counts.

    Level L ~ Gamma(prior_shape, mean prior_mean); demand of week t over a share e of it is D(e) ~
    NB(L b_t e, r), one good or bad week for all its days. A week that did not sell out says D(e_t) = y_t. One
    that did sold its last unit in the day around e_t:

        P = P(D(e_t + half a day) >= y_t) - P(D(e_t - half a day) >= y_t)

    and only P(D(1) >= y_t) where e_t = 1 does not say when (right-censored counts: Terza, A Tobit-type
    estimator for the censored Poisson regression model, Economics Letters 18, 1985). Each week's log
    likelihood is weighted; the posterior is summed over a grid of levels and told as the gamma of its mean
    and variance. Since priors rest on the same sold-out weeks read as counts, they are first moved together,
    by the one factor that the levels themselves tell.

    Args:
        units: (n, t) sold.
        base: (n, t) season x price effect of the full week, without exposure.
        exposure: (n, t) share of the week (of its customers, where that is known) in which it could be
            bought; 0 where the week tells nothing.
        sold_out: (n, t) share of the week, or flag: from a half on the week ended sold out.
        weight: (t,) such as discount ** age.
        prior_mean: (n,) units a week at season 1.
        prior_shape: scalar or (n,), > 0.
        dispersion: negative binomial size r of a week, inf for Poisson.

    Returns:
        Mean and gamma shape of every level, (n,) each. A prior mean of 0 stays 0; where no week tells
        anything the prior stands.
    """
    weeks = _Weeks.read(units, base, exposure, sold_out, weight)
    shape0 = np.broadcast_to(np.asarray(prior_shape, dtype=np.float64), prior_mean.shape)
    log_level, density = _posterior(weeks, prior_mean, shape0, dispersion)
    mean, _ = _moments(log_level, density)
    doubted = _DOUBTED_SERIES * prior_mean.mean()
    factor = (mean.sum() + doubted) / max(prior_mean.sum() + doubted, _NO_LEVEL)
    rate = shape0 / np.maximum(prior_mean, _NO_LEVEL)
    mean, shape = _moments(log_level, density + (rate - rate / factor)[:, None] * np.exp(log_level))
    _, told = weeks.totals()
    unheard = (told <= 0) | (prior_mean <= 0)
    return np.where(unheard, prior_mean * factor, mean), np.where(unheard, shape0, shape)


def likeliest_dispersion(
    units: Floats,
    base: Floats,
    exposure: Floats,
    sold_out: npt.ArrayLike,
    weight: Floats,
    prior_mean: Floats,
    candidates: Sequence[float],
) -> float:
    """The size r under which the weeks of all series together are likeliest, their levels summed over.

    Sold-out weeks look alike, so that a size taken from them as counts comes out far too high, and the levels
    with it too low. Of many series an even sample is asked. The hill is climbed from the middle candidate; at
    its top the parabola through the best and its neighbours decides.

    Arguments are those of `censored_levels`, and the candidates in ascending order; the answer lies between
    the lowest and the highest of them.
    """
    some = slice(None, None, max(1, units.size // _LEARNING_CELLS))
    flags = np.asarray(sold_out)[some]
    weeks = _Weeks.read(units[some], base[some], exposure[some], flags, weight)
    prior = prior_mean[some], np.full(weeks.series, _LOOSE_SHAPE)
    told: dict[int, float] = {}
    best, before = len(candidates) // 2, -1
    while best != before:
        near = range(max(best - 1, 0), min(best + 2, len(candidates)))
        told |= {at: _log_evidence(weeks, *prior, candidates[at]) for at in near if at not in told}
        best, before = max(near, key=told.__getitem__), best
    if best in (0, len(candidates) - 1):
        return candidates[best]
    return float(np.exp(_summit(np.log([candidates[at] for at in near]), [told[at] for at in near])))


@dataclass(frozen=True)
class _Weeks:
    """The weeks of n series that tell something: counted ones (c,) and sold-out ones (s,).

    Attributes:
        series: n.
        counted, out: index of each week's series.
        counted_units, out_units: sold.
        counted_base: season x price effect x exposure.
        out_base: the same up to the end of the day of the sell-out, or of the week.
        out_before: the same up to the start of that day, 0 where it is not known.
        counted_weight, out_weight: how much the week counts.
    """

    series: int
    counted: Indices
    counted_units: Floats
    counted_base: Floats
    counted_weight: Floats
    out: Indices
    out_units: Floats
    out_base: Floats
    out_before: Floats
    out_weight: Floats

    @classmethod
    def read(
        cls, units: Floats, base: Floats, exposure: Floats, sold_out: npt.ArrayLike, weight: Floats
    ) -> _Weeks:
        told = (exposure > 0) & (base > 0)
        ended = np.asarray(sold_out, dtype=np.float64) >= _MOSTLY
        counted, week = np.nonzero(told & ~ended)
        # That at least nothing was wanted is no news.
        out, out_week = np.nonzero(told & ended & (units > 0))
        share, out_base = exposure[out, out_week], base[out, out_week]
        until = np.minimum(share + _HALF_DAY, 1.0)
        before = np.where(share < 1.0, np.maximum(share - _HALF_DAY, 0.0), 0.0)
        return cls(
            len(units), counted, units[counted, week], (base * exposure)[counted, week], weight[week],
            out, units[out, out_week], out_base * until, out_base * before, weight[out_week],
        )  # fmt: skip

    def totals(self) -> tuple[Floats, Floats]:
        """Weighted units and base of every series, bounds taken for counts: (n,) each."""
        n, weight = self.series, np.concatenate([self.counted_weight, self.out_weight])
        series = np.concatenate([self.counted, self.out])
        units = np.concatenate([self.counted_units, self.out_units])
        base = np.concatenate([self.counted_base, self.out_base])
        return _sums(series, weight * units, n), _sums(series, weight * base, n)

    def log_likelihood(self, level: Floats, dispersion: float) -> Floats:
        """Of one level per series (n,), without the terms of log(units!)."""
        r, y, n = min(dispersion, _POISSON), self.counted_units, self.series
        mu = level[self.counted] * self.counted_base
        counts = special.gammaln(y + r) - special.gammaln(r) + y * np.log(mu / r) - (y + r) * np.log1p(mu / r)
        bounds = np.log(np.maximum(self._sold_out_then(level[self.out], r), _UNSEEN))
        return _sums(self.counted, self.counted_weight * counts, n) + _sums(
            self.out, self.out_weight * bounds, n
        )

    def _sold_out_then(self, level: Floats, dispersion: float) -> Floats:
        """P(enough demand by the end) - P(enough before the day): (s,) for the level of each week."""
        short_of = np.ceil(self.out_units) - 1.0
        chance = survival(level * self.out_base, dispersion, short_of)
        dated = self.out_before > 0
        chance[dated] -= survival(level[dated] * self.out_before[dated], dispersion, short_of[dated])
        return chance


def _sums(series: Indices, values: Floats, n: int) -> Floats:
    return np.bincount(series, values, n).astype(np.float64)


def _posterior(
    weeks: _Weeks, prior_mean: Floats, prior_shape: Floats, dispersion: float
) -> tuple[Floats, Floats]:
    """Log levels on a grid of every series' own, with their posterior log density: (n, g) each."""
    rate = prior_shape / np.maximum(prior_mean, _NO_LEVEL)
    units, base = weeks.totals()
    log_level = np.log((prior_shape + units) / (rate + base))[:, None] + _WIDE
    density = _log_density(log_level, weeks, prior_shape, rate, dispersion)
    for points in _CLOSER:
        log_level = _between(log_level, density, points)
        density = _log_density(log_level, weeks, prior_shape, rate, dispersion)
    return log_level, density


def _log_density(
    log_level: Floats, weeks: _Weeks, prior_shape: Floats, prior_rate: Floats, dispersion: float
) -> Floats:
    """Of the logarithm of the level, up to a constant of the series."""
    level = np.exp(log_level)
    prior = prior_shape[:, None] * log_level - prior_rate[:, None] * level
    told = [weeks.log_likelihood(column, dispersion) for column in level.T]
    return np.asarray(prior + np.stack(told, axis=1))


def _between(log_level: Floats, density: Floats, points: int) -> Floats:
    """A finer grid over what is still possible, one point of the old one further on each side."""
    possible = density > density.max(axis=1, keepdims=True) - _IMPOSSIBLE
    last = log_level.shape[1] - 1
    first = np.maximum(possible.argmax(axis=1) - 1, 0)
    final = np.minimum(last - possible[:, ::-1].argmax(axis=1) + 1, last)
    rows = np.arange(len(log_level))
    low, high = log_level[rows, first][:, None], log_level[rows, final][:, None]
    return np.asarray(low + (high - low) * np.linspace(0.0, 1.0, points))


def _moments(log_level: Floats, density: Floats) -> tuple[Floats, Floats]:
    """Mean of the level, and shape of the gamma with its mean and variance: (n,) each."""
    chance = np.exp(density - density.max(axis=1, keepdims=True))
    chance /= chance.sum(axis=1, keepdims=True)
    level = np.exp(log_level)
    mean = (chance * level).sum(axis=1)
    variance = (chance * (level - mean[:, None]) ** 2).sum(axis=1)
    return mean, mean**2 / np.maximum(variance, _NO_LEVEL * mean**2)


def _log_evidence(weeks: _Weeks, prior_mean: Floats, prior_shape: Floats, dispersion: float) -> float:
    log_level, density = _posterior(weeks, prior_mean, prior_shape, dispersion)
    step = np.log(log_level[:, 1] - log_level[:, 0])
    return float((special.logsumexp(density, axis=1) + step).sum())


def _summit(x: Floats, y: Sequence[float]) -> float:
    """Where the parabola through three points is highest, the middle one being the highest of them."""
    left, right = x[1] - x[0], x[2] - x[1]
    rise, fall = (y[1] - y[0]) / left, (y[1] - y[2]) / right
    bend = rise + fall
    return float(x[1] + 0.5 * (rise * right - fall * left) / bend) if bend > 0 else float(x[1])
