"""The negative binomial by mean and size: quantiles, shortfall, sums, samples and scores, all rows at once.

D ~ NB(mean m, size r): variance m + m^2 / r; r = inf is the Poisson. All functions broadcast.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from forecaster.errors import ForecasterError
from forecaster.negative_binomial import (
    at_most_and_left,
    half_mean_difference,
    in_blocks,
    quantiles_of_rows,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def survival(mean: npt.ArrayLike, size: npt.ArrayLike, units: npt.ArrayLike) -> Floats:
    """P(D > units) for whole units >= -1, exact to the rounding of 1."""
    rows, shape = _rows(mean, size, units)
    return in_blocks(_survival, *rows).reshape(shape)


def _survival(mean: Floats, size: Floats, units: Floats) -> Floats:
    at_most, _ = at_most_and_left(mean, size, np.maximum(units, 0.0))
    return np.where(units < 0, 1.0, 1.0 - at_most)


def expected_shortfall(mean: npt.ArrayLike, size: npt.ArrayLike, stock: npt.ArrayLike) -> Floats:
    """E[max(0, D - stock)]: units asked for and not found when ``stock`` can be sold.

    For whole x >= 0 what is asked for, less what is sold, is what is missed:

        E[max(0, D - x)] = m - x + E[max(0, x - D)]

    (Hadley and Whitin, Analysis of Inventory Systems, 1963, appendix 3, for the Poisson; Zipkin, Foundations
    of Inventory Management, 2000, appendix C.2.3, for the negative binomial). Between whole x the loss is
    linear, so a stock of 2.5 is exact too. A negative stock is demand already owed.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        stock: units.

    Returns:
        Units, between max(0, mean - stock) and mean (for stock >= 0).
    """
    rows, shape = _rows(mean, size, stock)
    return in_blocks(_shortfall, *rows).reshape(shape)


def _shortfall(mean: Floats, size: Floats, stock: Floats) -> Floats:
    below = np.floor(np.maximum(stock, 0.0))
    share = np.maximum(stock, 0.0) - below
    at_most, left = at_most_and_left(mean, size, below)
    # The step to the next whole unit is the loss's slope: L(x) - L(x + 1) = P(D > x).
    loss = mean - below + left - share * (1.0 - at_most)
    loss = np.minimum(np.maximum(loss, np.maximum(mean - stock, 0.0)), mean)
    return np.where(stock < 0, mean - stock, loss)


def quantiles(mean: npt.ArrayLike, size: npt.ArrayLike, probabilities: Sequence[float]) -> list[Floats]:
    """Smallest whole k with P(D <= k) >= q, for each q, in the order given.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        probabilities: each in (0, 1).

    Returns:
        One array of units per probability, shaped like mean and size broadcast.
    """
    rows, shape = _rows(mean, size)
    answers = in_blocks(lambda m, r: quantiles_of_rows(m, r, probabilities), *rows)
    return [answer.reshape(shape) for answer in answers]


def sample(
    mean: npt.ArrayLike, size: npt.ArrayLike, rng: np.random.Generator, n: int
) -> npt.NDArray[np.int64]:
    """Draws of D: a Poisson whose rate is gamma with mean m and shape r.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        rng: where chance comes from.
        n: draws of each.

    Returns:
        (n, ...) units, the rest shaped like mean and size broadcast.
    """
    (m, r), shape = _rows(mean, size)
    poisson = np.isinf(r)
    rate = np.broadcast_to(m, (n, m.size)).copy()
    finite = r[~poisson]
    rate[:, ~poisson] *= rng.gamma(finite, 1.0 / finite, (n, finite.size))
    return rng.poisson(rate).reshape(n, *shape)


def crps(mean: npt.ArrayLike, size: npt.ArrayLike, observed: npt.ArrayLike) -> Floats:
    """Continuous ranked probability score of NB(mean, size) against what was observed, in units.

        CRPS = E|D - y| - E|D - D'| / 2,   E|D - y| = 2 E[max(0, D - y)] + y - m

    (Gneiting and Raftery, Strictly proper scoring rules, JASA 102, 2007, eq. 21), exact for any y, whole or
    not. Lower is better; for a forecast that is certain it is the absolute error.

    Args:
        mean: units, >= 0.
        size: > 0, inf for Poisson.
        observed: units or money.

    Returns:
        Units, >= 0, shaped like the arguments broadcast.
    """
    rows, shape = _rows(mean, size, observed)
    return in_blocks(_crps, *rows).reshape(shape)


def _crps(mean: Floats, size: Floats, observed: Floats) -> Floats:
    distance = 2.0 * _shortfall(mean, size, observed) + observed - mean
    return np.maximum(distance - half_mean_difference(mean, size), 0.0)


def pinball(quantile: npt.ArrayLike, observed: npt.ArrayLike, probability: npt.ArrayLike) -> Floats:
    """Loss of a quantile told for ``probability`` q: q (y - k) where y >= k, (1 - q) (k - y) below it.

    Koenker and Bassett, Regression quantiles, Econometrica 46, 1978. Lower is better.
    """
    missed = np.asarray(observed, dtype=np.float64) - np.asarray(quantile, dtype=np.float64)
    q = np.asarray(probability, dtype=np.float64)
    return np.asarray(np.maximum(q * missed, (q - 1.0) * missed))


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
        Size > 0; inf where nothing is overdispersed.
    """
    big, squares, a, r = np.broadcast_arrays(
        *(np.asarray(v, dtype=np.float64) for v in (total, sum_of_squares, level_shape, dispersion))
    )
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(big > 0, squares / (big * big), 0.0)
    inverse = 1.0 / a + (1.0 + 1.0 / a) * share / r
    with np.errstate(divide="ignore"):
        return np.where(inverse > 0, 1.0 / inverse, np.inf)


def over_lead_time(
    means: npt.ArrayLike, level_shape: npt.ArrayLike, dispersion: npt.ArrayLike, weeks: npt.ArrayLike
) -> tuple[Floats, Floats]:
    """Mean and size of demand summed over a lead time that starts with the first week.

    A part of a week has its share of the week's mean, and shares its good or bad luck.

    Args:
        means: (n, t) or (t,) units of each coming week.
        level_shape: scalar or (n,), as for `size_of_sum`.
        dispersion: scalar or (n,), as for `size_of_sum`.
        weeks: scalar or (n,) length of the lead time, such as 2.5; between 0 and t.

    Returns:
        Mean (units) and size of the sum, (n,) each; scalars for means (t,).

    Raises:
        ForecasterError: a lead time is negative or reaches past the last week.
    """
    coming = np.asarray(means, dtype=np.float64)
    length = np.asarray(weeks, dtype=np.float64)
    if not ((length >= 0) & (length <= coming.shape[-1])).all():
        raise ForecasterError(
            f"lead times of {length.min():g} to {length.max():g} weeks against means of {coming.shape[-1]}: "
            "give the means of every week they touch"
        )
    within = coming * np.clip(length[..., None] - np.arange(coming.shape[-1]), 0.0, 1.0)
    total = within.sum(axis=-1)
    return total, size_of_sum(total, (within**2).sum(axis=-1), level_shape, dispersion)


def _rows(*values: npt.ArrayLike) -> tuple[list[Floats], tuple[int, ...]]:
    """The arguments broadcast and laid out flat, and the shape to give back."""
    arrays = np.broadcast_arrays(*(np.asarray(value, dtype=np.float64) for value in values))
    return [array.ravel() for array in arrays], arrays[0].shape
