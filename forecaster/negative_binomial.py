"""The negative binomial over millions of rows: added up from zero for small counts, else in closed form.

D ~ NB(mean m, size r): variance m + m^2 / r. All functions take flat arrays of one length.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_POISSON_SIZE = 1e15
"""From this size on the Poisson is exact to double precision."""

_BLOCK = 1 << 17
"""Rows worked on at once: few enough to stay near the processor, many enough to forget Python's own cost."""

_ADDED_UP_TO = 200.0
"""Up to this many units, adding up probabilities costs less than one incomplete beta function."""

_CERTAIN = 35.0
"""A probability below exp(-35) is lost in the rounding of 1."""

_NO_MORE = 1e-17
"""A term this small beside its sum no longer changes it."""

_NOTHING = 1e-150
_ALMOST_MINUS_ONE = -1.0 + 1e-16
"""Stand for 0 and -1 where a quotient or a logarithm is taken."""

_LOOK_EVERY = 4
"""Steps between two looks at which rows are finished."""

_FURTHEST = 32_000.0
"""Rows are put in order by whole numbers of 16 bits, which sort quickest."""

_NODE_STEP = 0.2
_NEGLIGIBLE = 1e-12
"""Distance of the nodes of `half_mean_difference`, and the share of the sum at which they stop."""


class _Running:
    """Weight p(k) = P(D = k) and total P(D <= k) of a block of rows, from k = 0 on.

    p(k) = p(k - 1) (k - 1 + r) / k * m / (m + r)
    """

    def __init__(self, mean: Floats, size: Floats) -> None:
        self._growth = mean / (mean + size)
        self._lift = self._growth * (size - 1.0)
        self.weight = np.exp(-size * np.log1p(mean / size))
        self.total = self.weight.copy()
        self._factor = np.empty_like(self.weight)

    def step(self, k: int, rows: slice) -> None:
        """Move these rows on to k."""
        factor = np.multiply(self._lift[rows], 1.0 / k, out=self._factor[rows])
        factor += self._growth[rows]
        self.weight[rows] *= factor
        self.total[rows] += self.weight[rows]


def in_blocks(function: Callable[..., Floats], *rows: Floats) -> Floats:
    """What ``function`` makes of flat arrays of one length, some rows at a time; rows are its last axis."""
    starts = range(0, max(len(rows[0]), 1), _BLOCK)
    return np.concatenate(
        [function(*(values[start : start + _BLOCK] for values in rows)) for start in starts], axis=-1
    )


def at_most_and_left(mean: Floats, size: Floats, units: Floats) -> tuple[Floats, Floats]:
    """P(D <= x) and E[max(0, x - D)], what is left of x units, for whole x >= 0.

    Exact to rounding: absolutely for the probability, against m + x for the units.
    """
    r = np.minimum(size, _POISSON_SIZE)
    at_most = (units >= mean).astype(np.float64)
    left = np.maximum(units - mean, 0.0)
    open_rows = np.flatnonzero(_rate(mean, r, units) <= _CERTAIN)
    few = units[open_rows] <= _ADDED_UP_TO
    for rows, method in ((open_rows[few], _added_up), (open_rows[~few], _in_closed_form)):
        if len(rows):
            at_most[rows], left[rows] = method(mean[rows], r[rows], units[rows])
    return at_most, left


def _rate(mean: Floats, size: Floats, units: Floats) -> Floats:
    """Chernoff's exponent I(x): exp(-I) bounds P(D >= x) above the mean and P(D <= x) below it.

        I(x) = x log(x / m) - (x + r) log((x + r) / (m + r))

    The units short (above) or left (below) are at most |x - m| exp(-I) / (e I), by (d - x)+ <=
    exp(t (d - x)) / (e t) with t = I'(x) and |x - m| |I'| >= I.
    """
    apart = (units - mean) / np.maximum(mean, _NOTHING)
    return np.asarray(
        units * np.log1p(np.maximum(apart, _ALMOST_MINUS_ONE))
        + (units + size) * np.log1p((mean - units) / (units + size))
    )


def _added_up(mean: Floats, size: Floats, units: Floats) -> tuple[Floats, Floats]:
    """E[max(0, x - D)] = sum over k < x of P(D <= k), with rows in order of x so that the rest is a slice."""
    order = np.argsort(units.astype(np.int16), kind="stable")
    running = _Running(mean[order], size[order])
    left = np.zeros(len(mean))
    going_on = np.searchsorted(units[order], np.arange(1.0, units.max() + 1.0))
    for k, first in enumerate(going_on.tolist(), start=1):
        rows = slice(first, None)
        left[rows] += running.total[rows]
        running.step(k, rows)
    back = np.empty_like(order)
    back[order] = np.arange(len(order))
    return running.total[back], left[back]


def _in_closed_form(mean: Floats, size: Floats, units: Floats) -> tuple[Floats, Floats]:
    """E[max(0, x - D)] = (x - m) P(D <= x) + m (1 + x / r) p(x).

    From k p(k) = (k - 1 + r) p(k - 1) m / (m + r), summed over k <= x.
    """
    at_most = _beta_or_gamma(mean, size, units)
    bend = mean * (1.0 + units / size) * np.exp(_log_probability(mean, size, units))
    return at_most, np.maximum((units - mean) * at_most + bend, np.maximum(units - mean, 0.0))


def _beta_or_gamma(mean: Floats, size: Floats, units: Floats) -> Floats:
    """P(D <= k) = 1 - I_q(k + 1, r), q = m / (m + r), the regularised incomplete beta function.

    Johnson, Kemp and Kotz, Univariate Discrete Distributions, 3rd ed., eq. 5.31.
    """
    poisson = size >= _POISSON_SIZE
    at_most = np.empty(len(mean))
    at_most[poisson] = special.gammaincc(units[poisson] + 1.0, mean[poisson])
    m, r, k = mean[~poisson], size[~poisson], units[~poisson]
    at_most[~poisson] = 1.0 - special.betainc(k + 1.0, r, m / (m + r))
    return at_most


def _log_probability(mean: Floats, size: Floats, units: Floats) -> Floats:
    """The log of P(D = x), without the cancellation of large log gammas.

        log p = -I(x) + log(r / (2 pi x (x + r))) / 2 + d(x + r) - d(x) - d(r)

    with d the error of Stirling's formula (Loader, Fast and accurate computation of binomial probabilities,
    2000).
    """
    x = np.maximum(units, _NOTHING)
    spread = np.log(size / (x + size)) - np.log(2.0 * np.pi * x)
    error = _stirling_error(x + size) - _stirling_error(x) - _stirling_error(size)
    return np.asarray(-_rate(mean, size, units) + 0.5 * spread + error)


def _stirling_error(value: Floats) -> Floats:
    """What Stirling's formula leaves: log gamma(z + 1) - (z + 1/2) log z + z - log(2 pi) / 2."""
    z = np.maximum(value, 16.0)
    inverse = 1.0 / (z * z)
    series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680 - inverse / 1188)))) / z
    small = np.flatnonzero(value < 16.0)  # noqa: PLR2004 - where the five terms are exact
    low = value[small]
    series[small] = special.gammaln(low + 1.0) - (low + 0.5) * np.log(low) + low - 0.5 * np.log(2.0 * np.pi)
    return np.asarray(series)


def quantiles_of_rows(mean: Floats, size: Floats, probabilities: Sequence[float]) -> Floats:
    """Smallest whole k with P(D <= k) >= q: (probabilities, rows)."""
    r = np.minimum(size, _POISSON_SIZE)
    answers = np.empty((len(probabilities), len(mean)))
    # Rows that take equally many steps stand together, those with many first, so that open rows lead.
    reach = np.minimum(mean + 2.0 * np.sqrt(mean + mean * mean / r), _FURTHEST)
    order = np.argsort((_FURTHEST - reach).astype(np.int16), kind="stable")
    few = mean[order] <= _ADDED_UP_TO
    small, large = order[few], order[~few]
    answers[:, small] = _counted_up(mean[small], r[small], probabilities)
    for index, q in enumerate(probabilities):
        answers[index, large] = _searched(mean[large], r[large], q)
    return answers


def _counted_up(mean: Floats, size: Floats, probabilities: Sequence[float]) -> Floats:
    """The quantile of q is the number of k with P(D <= k) < q."""
    running = _Running(mean, size)
    counts = np.zeros((len(probabilities), len(mean)), dtype=np.int32)
    highest, end, k = max(probabilities), len(mean), 0
    while end:
        total = running.total[:end]
        for count, q in zip(counts, probabilities, strict=True):
            count[:end] += total < q
        k += 1
        if k % _LOOK_EVERY == 0:
            adds = (running.weight[:end] > _NO_MORE * total) | (k < mean[:end])
            still = np.flatnonzero((total < highest) & adds)
            end = int(still[-1]) + 1 if len(still) else 0
        running.step(k, slice(end))
    return counts.astype(np.float64)


def _searched(mean: Floats, size: Floats, q: float) -> Floats:
    """Quantiles of large means: a guess from three moments, then exact probabilities until it is the one.

    Newton's steps are kept between the largest k known to be too low and the smallest known to reach q.
    """
    low, high = np.full(len(mean), -1.0), np.full(len(mean), np.inf)
    guess = _matched_gamma(mean, size, q)
    rows = np.arange(len(mean))
    while len(rows):
        m, r, k = mean[rows], size[rows], guess[rows]
        at_most = _beta_or_gamma(m, r, k)
        chance = np.exp(_log_probability(m, r, k))
        reached = at_most >= q
        low[rows] = np.where(reached, np.where(at_most - chance < q, k - 1.0, low[rows]), k)
        high[rows] = np.where(reached, k, high[rows])
        target = k + np.ceil((q - at_most) / np.maximum(chance, _NOTHING))
        above, below = np.minimum(high[rows], 2.0 * k + 3.0), low[rows]
        inside = (target > below) & (target < above)
        guess[rows] = np.where(inside, target, np.ceil((below + above) / 2.0))
        rows = rows[high[rows] - low[rows] > 1.0]
    return high


def _matched_gamma(mean: Floats, size: Floats, q: float) -> Floats:
    """Quantile of the shifted gamma with the mean, variance and skewness of D, as a whole number >= 0."""
    deviation = np.sqrt(mean + mean * mean / size)
    scale = 0.5 * (1.0 + 2.0 * mean / size)
    shape = (deviation / scale) ** 2
    return np.maximum(np.rint(mean + scale * (special.gammaincinv(shape, q) - shape) - 0.5), 0.0)


def half_mean_difference(mean: Floats, size: Floats) -> Floats:
    """E|D - D'| / 2 of two independent demands, in units.

    It is m (1 + m / r) F(r + 1, 1/2; 2; -4 m (m + r) / r^2) (Wei and Held, Calibration tests for count data,
    TEST 23, 2014). Euler's integral of the hypergeometric function, taken over s = tan(phi), is

        (4 / pi) m (1 + m / r) / (1 + 2 m / r) int_0^oo (1 - w sin^2 phi)^(r - 1) cos^4 phi ds,
        w = 4 m (m + r) / (r + 2 m)^2

    which the trapezoidal rule in v, s = c sinh v, sums up to rounding in some forty nodes, c being the width
    of the integrand; it also holds in the Poisson limit, where the series does not.
    """
    r = np.minimum(size, _POISSON_SIZE)
    return (4.0 / np.pi) * mean * (1.0 + mean / r) / (1.0 + 2.0 * mean / r) * _integral(mean, r)


def _integral(mean: Floats, size: Floats) -> Floats:
    w = 4.0 * mean * (mean + size) / (size + 2.0 * mean) ** 2
    width = 1.0 / np.sqrt((size - 1.0) * w + 2.0)
    total, node = np.full(len(mean), 0.5), 0
    added = total
    while (added > _NEGLIGIBLE * total).any():
        node += 1
        v = node * _NODE_STEP
        squared = (width * np.sinh(v)) ** 2
        cosine = 1.0 / (1.0 + squared)
        added = np.exp((size - 1.0) * np.log1p(-w * squared * cosine)) * cosine * cosine * np.cosh(v)
        total = total + added
    return np.asarray(total * width * _NODE_STEP)
