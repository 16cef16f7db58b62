"""The negative binomial by mean and size: quantiles, expected shortfall and sums, without loops over rows.

D ~ NB(mean m, size r): variance m + m^2 / r; r = inf is the Poisson. All functions broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special, stats

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_POISSON_SIZE = 1e9
"""From this size on the Poisson is exact to double precision and its formulas are the stable ones."""

_SMALL_MEAN = 40.0
"""Up to this mean, adding up probabilities from zero beats inverting the incomplete beta function."""


def survival(mean: npt.ArrayLike, size: npt.ArrayLike, units: npt.ArrayLike) -> Floats:
    """P(D > units) for whole units >= -1.

    P(D <= k) is the regularised incomplete beta function I_p(r, k + 1) with p = r / (r + m)
    (Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., eq. 5.31).
    """
    m, r, k = np.broadcast_arrays(*(np.asarray(x, dtype=np.float64) for x in (mean, size, units)))
    poisson = r >= _POISSON_SIZE
    finite_size = np.where(poisson, 1.0, r)
    steps = np.maximum(k, 0.0) + 1.0
    tail = np.where(
        poisson,
        special.gammainc(steps, m),
        special.betainc(steps, finite_size, m / (m + finite_size)),
    )
    return np.asarray(np.where(k < 0, 1.0, tail), dtype=np.float64)


def expected_shortfall(mean: npt.ArrayLike, size: npt.ArrayLike, stock: npt.ArrayLike) -> Floats:
    """E[max(0, D - stock)]: units asked for and not found when ``stock`` can be sold.

    For whole x >= 0, since k p_r(k) = m p'_{r+1}(k - 1) with NB' of mean m (r + 1) / r and size r + 1,

        E[max(0, D - x)] = m P(D' >= x) - x P(D > x),

    the negative binomial form of the Poisson loss function (Hadley and Whitin, Analysis of Inventory
    Systems, 1963, appendix 3). Between whole x the loss is linear, so a stock of 2.5 is exact too. A
    negative stock is demand already owed.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        stock: units.

    Returns:
        Units, between max(0, mean - stock) and mean (for stock >= 0).
    """
    m, r, x = np.broadcast_arrays(*(np.asarray(v, dtype=np.float64) for v in (mean, size, stock)))
    below = np.floor(np.maximum(x, 0.0))
    share = np.maximum(x, 0.0) - below
    beyond = survival(m, r, below)
    # The step to the next whole unit is the loss's slope: L(x) - L(x + 1) = P(D > x).
    loss = m * survival(m * _shifted(r), r + 1.0, below - 1.0) - below * beyond - share * beyond
    loss = np.maximum(loss, np.maximum(m - x, 0.0))
    return np.asarray(np.where(x < 0, m - x, np.minimum(loss, m)), dtype=np.float64)


def _shifted(size: Floats) -> Floats:
    """(r + 1) / r, 1 in the Poisson limit."""
    return 1.0 + 1.0 / size


def quantiles(mean: npt.ArrayLike, size: npt.ArrayLike, probabilities: Sequence[float]) -> list[Floats]:
    """Smallest whole k with P(D <= k) >= q, for each q, in the order given.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        probabilities: each in (0, 1).

    Returns:
        One array of units per probability, shaped like mean and size broadcast.
    """
    m, r = np.broadcast_arrays(np.asarray(mean, dtype=np.float64), np.asarray(size, dtype=np.float64))
    flat_mean, flat_size = m.ravel(), np.minimum(r.ravel(), _POISSON_SIZE)
    small = flat_mean <= _SMALL_MEAN
    answers = [np.zeros(flat_mean.size) for _ in probabilities]
    for answer, found in zip(
        answers, _by_adding_up(flat_mean[small], flat_size[small], probabilities), strict=True
    ):
        answer[small] = found
    if not small.all():
        large_mean, large_size = flat_mean[~small], flat_size[~small]
        success = large_size / (large_size + large_mean)
        for answer, q in zip(answers, probabilities, strict=True):
            answer[~small] = stats.nbinom.ppf(q, large_size, success)
    return [answer.reshape(m.shape) for answer in answers]


def _by_adding_up(mean: Floats, size: Floats, probabilities: Sequence[float]) -> list[Floats]:
    """Quantiles by the recursion p(k + 1) = p(k) (k + r) / (k + 1) * m / (m + r), dropping finished rows."""
    targets = np.asarray(probabilities, dtype=np.float64)
    answers = [np.zeros(mean.size) for _ in probabilities]
    rows = np.arange(mean.size)
    growth = mean / (mean + size)
    weight = np.exp(-size * np.log1p(mean / size))
    total = weight.copy()
    k = 0
    while rows.size:
        for answer, target in zip(answers, targets, strict=True):
            answer[rows[total < target]] = k + 1
        # Rounding may keep the sum a hair below a target close to 1: stop when terms no longer count.
        open_rows = (total < targets.max()) & ((weight > np.finfo(float).tiny) | (k < mean[rows]))
        rows, weight, total = rows[open_rows], weight[open_rows], total[open_rows]
        weight = weight * growth[rows] * (k + size[rows]) / (k + 1)
        total = total + weight
        k += 1
    return answers


def size_of_sum(
    total: npt.ArrayLike, sum_of_squares: npt.ArrayLike, level_shape: npt.ArrayLike, dispersion: npt.ArrayLike
) -> Floats:
    """Size of the negative binomial matched to a sum of weeks that share one uncertain level.

    Weeks D_t | L ~ NB(L s_t, r) are independent given the level L ~ Gamma(shape a), mu_t = E[L] s_t:

        M = sum mu_t,   Var = M + M^2 / a + (1 + 1/a) sum mu_t^2 / r,   size = M^2 / (Var - M)

    Args:
        total: M, units.
        sum_of_squares: sum of mu_t^2.
        level_shape: a > 0, inf when the level is known.
        dispersion: r > 0, inf for Poisson weeks.

    Returns:
        Size > 0; inf where nothing is overdispersed or M = 0.
    """
    big, squares, a, r = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (total, sum_of_squares, level_shape, dispersion))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(big > 0, squares / (big * big), 0.0)
    inverse = 1.0 / a + (1.0 + 1.0 / a) * share / r
    with np.errstate(divide="ignore"):
        return np.where(inverse > 0, 1.0 / inverse, np.inf)
