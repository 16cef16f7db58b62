"""How much a series sells: a discounted gamma-Poisson level, shrunk to its size run, style and store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from forecaster.pooling import Prior, pooled_prior

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.kinship import Kinship

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

DISCOUNTS = (0.9, 0.94, 0.97, 0.985, 0.995)
"""Weekly memory: half of what is known is forgotten in 7, 11, 23, 46 or 138 weeks."""

DISPERSIONS = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1e6)
_NEARER = (0.35, 0.5, 0.7, 1.0, 1.4)

PRIOR_MEMORY = 0.985
"""What kin say of each other (sizes, stores, styles) is forgotten by half in 46 weeks: last year's season is
still heard when this year's begins, and last year's style when its successor does."""

_LEARNING_CELLS = 10_000
_BURN_IN = 8


@dataclass(frozen=True)
class Levels:
    """Gamma posterior of every series' level at as_of.

    Attributes:
        mean: (n,) units a week at season 1, regular price, full exposure.
        shape: (n,) gamma shape, > 0.
        discount: weekly memory chosen for the category.
        dispersion: negative binomial size r of a week given its mean.
        prior: what each level would be without its own sales.
    """

    mean: Floats
    shape: Floats
    discount: float
    dispersion: float
    prior: Prior


def discounted_sum(values: Floats, age: Floats, discount: float) -> Floats:
    """Sum over weeks of discount ** age x values: (series, weeks) x (weeks,) -> (series,)."""
    return np.asarray(values @ discount**age, dtype=np.float64)


def fit_levels(
    units: Floats,
    base: Floats,
    age: Floats,
    sku: Indices,
    store: Indices,
    *,
    kinship: Kinship | None = None,
) -> Levels:
    """Levels of all series of a category at as_of, with memory and dispersion chosen by likelihood.

    The recursion a_t = delta a_{t-1} + y_t, b_t = delta b_{t-1} + e_t s_t rho_t^-beta (Harvey and Fernandes,
    Time series models for count or qualitative observations, JBES 7, 1989; y is already thinned by e, so it
    is not weighted again) has the closed form a_T = sum delta^(T-t) y_t. The prior (`pooling.pooled_prior`,
    from what is known with `PRIOR_MEMORY`) is added undiscounted: what is forgotten falls back to it, not to
    nothing.

        level ~ Gamma(a0 + a_T, a0 / m + b_T)

    Args:
        units: (series, weeks) units sold, 0 where exposure is 0.
        base: (series, weeks) exposure x season x price_ratio ** -beta.
        age: (weeks,) weeks between each week and as_of, ascending time = descending age.
        sku: (series,) index of the sku.
        store: (series,) index of the store.
        kinship: what is known of skus and stores beside their names (`kinship.kinship`).

    Returns:
        Levels; what its kin sell where a series tells nothing.
    """
    y, b = discounted_sum(units, age, PRIOR_MEMORY), discounted_sum(base, age, PRIOR_MEMORY)
    prior = pooled_prior(y, b, sku, store, kinship=kinship)
    discount, dispersion = _chosen(units, base, age, prior)
    y, b = discounted_sum(units, age, discount), discounted_sum(base, age, discount)
    mean, shape = posterior(y, b, prior)
    return Levels(mean, shape, discount, dispersion, prior)


def posterior(units: Floats, base: Floats, prior: Prior) -> tuple[Floats, Floats]:
    """Mean and shape of the gamma posterior, (n,) each.

    A prior of mean 0 (a category nobody ever had) stays 0.

    Args:
        units: (n,) discounted units.
        base: (n,) discounted exposure x season x price effect.
        prior: of the n series.
    """
    shape = prior.shape + units
    rate = base + np.divide(prior.shape, prior.mean, out=np.full(len(base), np.inf), where=prior.mean > 0)
    return shape / rate, shape


def settled_levels(
    units: Floats, base: Floats, sku: Indices, store: Indices, *, kinship: Kinship | None = None
) -> Floats:
    """One level per series over the whole history (n,): what the season is fitted against."""
    y, b = units.sum(axis=1), base.sum(axis=1)
    return posterior(y, b, pooled_prior(y, b, sku, store, kinship=kinship))[0]


def _chosen(units: Floats, base: Floats, age: Floats, prior: Prior) -> tuple[float, float]:
    """Memory and dispersion with the highest likelihood of each week given the weeks before it."""
    told = np.flatnonzero(base.any(axis=1))
    if len(told) == 0 or not units.any():
        return DISCOUNTS[-1], DISPERSIONS[-2]
    # An even stride over the sorted series is a fair sample and the same one every night.
    rows = told[:: max(1, len(told) * units.shape[1] // _LEARNING_CELLS)]
    own = Prior(prior.mean[rows], prior.shape[rows])
    foretold = {discount: _one_step(units[rows], base[rows], age, discount, own) for discount in DISCOUNTS}
    discount = DISCOUNTS[len(DISCOUNTS) // 2]
    # One after the other: the likelihood has a single ridge, and half the grid need not be walked.
    dispersion = max(DISPERSIONS, key=lambda r: _log_likelihood(*foretold[discount], r))
    discount = max(DISCOUNTS, key=lambda d: _log_likelihood(*foretold[d], dispersion))
    nearer = [dispersion * step for step in _NEARER]
    return discount, max(nearer, key=lambda r: _log_likelihood(*foretold[discount], r))


def _one_step(
    units: Floats, base: Floats, age: Floats, discount: float, prior: Prior
) -> tuple[Floats, Floats, Floats]:
    """Exposed weeks' units with the mean and gamma shape foretold from the weeks before each."""
    # Column t holds what each earlier week still weighs in week t.
    past = np.triu(discount ** np.maximum(age[:, None] - age[None, :], 0.0), 1)
    shapes = units @ past + prior.shape[:, None]
    rates = base @ past + (prior.shape / np.maximum(prior.mean, 1e-12))[:, None]
    exposed = base > 0
    exposed[:, : min(_BURN_IN, exposed.shape[1] // 2)] = False
    shape = shapes[exposed]
    return units[exposed], base[exposed] * shape / rates[exposed], shape


def _log_likelihood(units: Floats, mean: Floats, shape: Floats, dispersion: float) -> float:
    """Negative binomial log likelihood, level uncertainty and weekly dispersion taken together.

    Without the term log(units!), which no choice changes.
    """
    size = 1.0 / (1.0 / shape + (1.0 + 1.0 / shape) / dispersion)
    mu = np.maximum(mean, 1e-12)
    # In weeks without sales, which are most, all but the first term vanish.
    sold = units > 0
    y, n, m = units[sold], size[sold], mu[sold]
    beyond = special.gammaln(y + n) - special.gammaln(n) - y * np.log1p(n / m)
    return float(beyond.sum() - size @ np.log1p(mu / size))
