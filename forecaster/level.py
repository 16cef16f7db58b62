"""How much a series sells: a discounted gamma-Poisson level, shrunk to its sku, store and category."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

DISCOUNTS = (0.9, 0.94, 0.97, 0.985, 0.995)
"""Weekly memory: half of what is known is forgotten in 7, 11, 23, 46 or 138 weeks."""

DISPERSIONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1e6)

_SKU_SHAPE = 0.5
_STORE_SHAPE = 5.0
_POOLING_TURNS = 5
_SHAPE_RANGE = (0.3, 30.0)
_LEARNING_CELLS = 20_000
_BURN_IN = 8


@dataclass(frozen=True)
class Prior:
    """Gamma prior of every series: mean (n,) in units a week at season 1, one shape for the category."""

    mean: Floats
    shape: float


@dataclass(frozen=True)
class Levels:
    """Gamma posterior of every series' level at as_of.

    Attributes:
        mean: (n,) units a week at season 1, regular price, full exposure.
        shape: (n,) gamma shape, > 0.
        discount: weekly memory chosen for the category.
        dispersion: negative binomial size r of a week given its mean.
    """

    mean: Floats
    shape: Floats
    discount: float
    dispersion: float


def pooled_prior(units: Floats, base: Floats, sku: Indices, store: Indices) -> Prior:
    """Prior of each series from what its sku sells elsewhere and what its store sells of others.

        m_sk = m_k f_s
        m_k = (Y_k + c) / (sum_s f_s B_sk + c / m_g)
        f_s = (Y_s + c') / (sum_k m_k B_sk + c')

    in turn, as the margins of a two-way table are fitted, with Y and B the discounted sums of units and base;
    an unseen sku gets the category's mean, an unseen store the factor 1. The shape comes from how far series
    lie from m_sk beyond chance (moments).

    Args:
        units: (n,) discounted units per series.
        base: (n,) discounted exposure x season x price effect per series.
        sku: (n,) index of the sku.
        store: (n,) index of the store.
    """
    if units.sum() <= 0:
        everywhere = base.sum()
        mean = 0.5 / (everywhere + 1.0) if everywhere > 0 else 0.0
        return Prior(np.full(len(units), mean), _SHAPE_RANGE[0])
    category = units.sum() / base.sum()
    sku_units, store_units = np.bincount(sku, units), np.bincount(store, units)
    factor = np.ones(len(store_units))
    for _ in range(_POOLING_TURNS):
        seen = np.bincount(sku, base * factor[store])
        sku_mean = (sku_units + _SKU_SHAPE) / (seen + _SKU_SHAPE / category)
        expected = np.bincount(store, base * sku_mean[sku])
        factor = (store_units + _STORE_SHAPE) / (expected + _STORE_SHAPE)
    mean = sku_mean[sku] * factor[store]
    return Prior(mean, _prior_shape(units, base * mean))


def _prior_shape(units: Floats, expected: Floats) -> float:
    """Moments: E[(Y - mu)^2] = mu + mu^2 / a, each series weighted by what it can tell about a."""
    telling = expected > 1.0
    if telling.sum() < 3:  # noqa: PLR2004 - fewer than three series say nothing about their spread
        return 1.0
    y, mu = units[telling], expected[telling]
    weight = mu / (1.0 + mu)
    spread = float(np.average(((y - mu) ** 2 - mu) / mu**2, weights=weight))
    return float(np.clip(1.0 / spread if spread > 0 else np.inf, *_SHAPE_RANGE))


def discounted_sum(values: Floats, age: Floats, discount: float) -> Floats:
    """Sum over weeks of discount ** age x values: (series, weeks) x (weeks,) -> (series,)."""
    return np.asarray(values @ discount**age, dtype=np.float64)


def fit_levels(units: Floats, base: Floats, age: Floats, sku: Indices, store: Indices) -> Levels:
    """Levels of all series of a category at as_of, with memory and dispersion chosen by likelihood.

    The recursion a_t = delta a_{t-1} + y_t, b_t = delta b_{t-1} + e_t s_t rho_t^-beta (Harvey and Fernandes,
    Time series models for count or qualitative observations, JBES 7, 1989; y is already thinned by e, so it
    is not weighted again) has the closed form a_T = sum delta^(T-t) y_t. The prior is added undiscounted:
    what is forgotten falls back to it, not to nothing.

        level ~ Gamma(a0 + a_T, a0 / m + b_T)

    Args:
        units: (series, weeks) units sold, 0 where exposure is 0.
        base: (series, weeks) exposure x season x price_ratio ** -beta.
        age: (weeks,) weeks between each week and as_of, ascending time = descending age.
        sku: (series,) index of the sku.
        store: (series,) index of the store.

    Returns:
        Levels; the category's mean where a series tells nothing.
    """
    discount, dispersion = _chosen(units, base, age, sku, store)
    y, b = discounted_sum(units, age, discount), discounted_sum(base, age, discount)
    prior = pooled_prior(y, b, sku, store)
    mean, shape = _posterior(y, b, prior)
    return Levels(mean, shape, discount, dispersion)


def _posterior(units: Floats, base: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Mean and shape of the gamma posterior; a prior of mean 0 (a category nobody ever had) stays 0."""
    shape = prior.shape + units
    rate = base + np.divide(prior.shape, prior.mean, out=np.full(len(base), np.inf), where=prior.mean > 0)
    return shape / rate, shape


def settled_levels(units: Floats, base: Floats, sku: Indices, store: Indices) -> Floats:
    """One level per series over the whole history (n,): what the season is fitted against."""
    y, b = units.sum(axis=1), base.sum(axis=1)
    return _posterior(y, b, pooled_prior(y, b, sku, store))[0]


def _chosen(units: Floats, base: Floats, age: Floats, sku: Indices, store: Indices) -> tuple[float, float]:
    """Memory and dispersion with the highest likelihood of each week given the weeks before it."""
    told = np.flatnonzero(base.sum(axis=1) > 0)
    if len(told) == 0 or units.sum() <= 0:
        return DISCOUNTS[-1], DISPERSIONS[-2]
    # An even stride over the sorted series is a fair sample and the same one every night.
    rows = told[:: max(1, len(told) * units.shape[1] // _LEARNING_CELLS)]
    foretold = {}
    for discount in DISCOUNTS:
        everything = discounted_sum(units, age, discount), discounted_sum(base, age, discount)
        prior = pooled_prior(*everything, sku, store)
        own = Prior(prior.mean[rows], prior.shape)
        foretold[discount] = _one_step(units[rows], base[rows], age, discount, own)
    discount = DISCOUNTS[len(DISCOUNTS) // 2]
    # One after the other: the likelihood has a single ridge, and half the grid need not be walked.
    dispersion = max(DISPERSIONS, key=lambda r: _log_likelihood(*foretold[discount], r))
    discount = max(DISCOUNTS, key=lambda d: _log_likelihood(*foretold[d], dispersion))
    dispersion = max(DISPERSIONS, key=lambda r: _log_likelihood(*foretold[discount], r))
    return discount, dispersion


def _one_step(
    units: Floats, base: Floats, age: Floats, discount: float, prior: Prior
) -> tuple[Floats, Floats, Floats]:
    """Exposed weeks' units with the mean and gamma shape foretold from the weeks before each."""
    a, b = np.zeros(len(units)), np.zeros(len(units))
    rate = prior.shape / np.maximum(prior.mean, 1e-12)
    steps = -np.diff(age, prepend=age[:1])
    means, shapes = np.empty_like(units), np.empty_like(units)
    for week, step in enumerate(steps):
        a, b = a * discount**step, b * discount**step
        shapes[:, week] = a + prior.shape
        means[:, week] = base[:, week] * shapes[:, week] / (b + rate)
        a, b = a + units[:, week], b + base[:, week]
    exposed = base > 0
    exposed[:, : min(_BURN_IN, exposed.shape[1] // 2)] = False
    return units[exposed], means[exposed], shapes[exposed]


def _log_likelihood(units: Floats, mean: Floats, shape: Floats, dispersion: float) -> float:
    """Negative binomial log likelihood, level uncertainty and weekly dispersion taken together.

    Without the term log(units!), which no choice changes.
    """
    if len(units) == 0:
        return 0.0
    size = 1.0 / (1.0 / shape + (1.0 + 1.0 / shape) / dispersion)
    mu = np.maximum(mean, 1e-12)
    terms = (
        special.gammaln(units + size)
        - special.gammaln(size)
        - size * np.log1p(mu / size)
        - units * np.log1p(size / mu)
    )
    return float(terms.sum())
