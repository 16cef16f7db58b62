"""A chain's dark over its seen demand, told by a few stores that stayed open and their controls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

if TYPE_CHECKING:
    import numpy.typing as npt

    from forecaster.store_spread import CountNoise

    Floats = npt.NDArray[np.float64]

COMMON_VARIANCE = 2.0**2
"""Of the chain's own log ratio before the test: wide, so that the test and not the forecast decides."""

LEVEL_SPREADS = (0.2, 0.08, 0.15)
"""Standard deviations of log trading level against the forecast: shared by the chain, by a pair, one store's
own. In four departments of 45 stores, eight weeks ahead, they were 0.07, 0.05 and 0.12; chains forecast less
steadily than those, so all are wider."""

SPREAD_FREEDOM = 4.0
"""How far the spread measured in seen weeks may be trusted for dark ones, as degrees of freedom: over 80 dark
seasons of four departments the log of true over measured spread had a standard deviation of 0.41."""

COVERAGE = 0.8
_TURNS = 50
_LONGEST_STEP, _SETTLED = 2.0, 1e-8


@dataclass(frozen=True)
class ChainLink:
    """Prior covariance of the stores' log ratios, the chain's common one left out.

    Attributes:
        chain: variance of the chain's mean log ratio, weighted by forecast.
        with_stores: (n,) covariance of that mean with each test store.
        between: (n, n) covariance of the test stores.
        within: mean variance of a store about the chain; half of it lies between the log of the mean ratio
            and the mean of the logs.
    """

    chain: float
    with_stores: tuple[float, ...]
    between: tuple[tuple[float, ...], ...]
    within: float

    def of(self, kept: npt.NDArray[np.intp]) -> ChainLink:
        """The link of some of the test stores only."""
        return ChainLink(
            self.chain,
            tuple(self.with_stores[store] for store in kept),
            tuple(tuple(self.between[row][column] for column in kept) for row in kept),
            self.within,
        )

    def scaled(self, by: float) -> ChainLink:
        """All variances multiplied by one factor."""
        return ChainLink(
            self.chain * by,
            tuple(by * value for value in self.with_stores),
            tuple(tuple(by * value for value in row) for row in self.between),
            self.within * by,
        )


@dataclass(frozen=True)
class Counts:
    """What stores sold in a stretch of weeks.

    Attributes:
        units: sold.
        expected: units by forecast and exposure.
        share: sum of squared expected weeks over their squared sum.
    """

    units: Floats
    expected: Floats
    share: Floats

    def of(self, kept: npt.NDArray[np.intp]) -> Counts:
        """The counts of some of the stores."""
        return Counts(self.units[kept], self.expected[kept], self.share[kept])


@dataclass(frozen=True)
class RatioEstimate:
    """Dark over forecast demand of the chain, its trading level taken out.

    Attributes:
        ratio: median.
        low, high: 80% interval.
        standard_error: of the log ratio.
        level: (2 n,) trading level of test stores and controls, actual over forecast in seen weeks.
    """

    ratio: float
    low: float
    high: float
    standard_error: float
    level: Floats


def half_width(standard_error: float, n_stores: int) -> float:
    """Half the 80% interval of a log ratio read from n stores, by Student's t (see ``estimate_ratio``)."""
    return float(stats.t.ppf((1 + COVERAGE) / 2, SPREAD_FREEDOM + n_stores - 1) * standard_error)


def promised_error(link: ChainLink, seen: Counts, dark: Counts, noise: CountNoise) -> float:
    """Standard error of the log ratio to be expected from a test, were the forecast right.

    Args:
        link: of the n test stores.
        seen: (2 n,) of test stores, then of their controls, in weeks when both are open.
        dark: (n,) of the test stores while the others are dark.
        noise: of counts.
    """
    counts = _together(seen, dark)
    covariance = _covariance(link, noise.information(counts.expected, counts.share))
    return float(np.sqrt(_chain_variance(link, covariance)))


def estimate_ratio(link: ChainLink, seen: Counts, dark: Counts, noise: CountNoise) -> RatioEstimate:
    """Estimate the chain's ratio from counts, difference in differences on actual over forecast.

    With l the log trading level of each store and d the log dark/seen ratio of each test store, relative to
    the forecast,

        E[seen_s] = E_s exp(l_s),   E[dark_s] = E'_s exp(l_s + d_s),   variances lump m + dispersion m^2
        l ~ N(0, chain + pair + own),   d ~ N(0, common + zone + size + own)

    fitted to its mode by Fisher scoring, with the curvature there as inverse variance (Laplace; the negative
    binomial's where lump is 1). A control shares its pair's part of l, and all stores the chain's: what
    trades above forecast before the exit is not taken for demand after it. The chain's log ratio follows
    from d by the covariances in ``link`` (kriging). The variances of d are multiplied by
    (nu + Q) / (nu + n - 1), Q the squared standardised scatter of the test stores about their mean and nu
    ``SPREAD_FREEDOM``; the interval is Student's with nu + n - 1 degrees of freedom.

    Args:
        link: of the n test stores.
        seen: (2 n,) of test stores, then of their controls.
        dark: (n,) of the test stores.
        noise: of counts.
    """
    n = len(dark.units)
    mode, _ = _mode(link, seen, dark, noise)
    adjusted = link.scaled(_scatter_scale(link, mode[: 2 * n], seen, dark, noise))
    mode, covariance = _mode(adjusted, seen, dark, noise)
    weight = _chain_weights(adjusted)
    centre = float(weight @ mode[2 * n :]) + adjusted.within / 2
    error = float(np.sqrt(_chain_variance(adjusted, covariance)))
    half = half_width(error, n)
    low, middle, high = np.exp([centre - half, centre, centre + half])
    return RatioEstimate(float(middle), float(low), float(high), error, np.exp(mode[: 2 * n]))


def _scatter_scale(link: ChainLink, level: Floats, seen: Counts, dark: Counts, noise: CountNoise) -> float:
    """(nu + Q) / (nu + n - 1): how far apart the test stores lie, beside how far they were expected to."""
    n = len(dark.units)
    expected = dark.expected * np.exp(level[:n])
    ratio = np.log((dark.units + 0.5) / (expected + 0.5))
    counted = noise.information(seen.expected[:n] * np.exp(level[:n]), seen.share[:n])
    own = 1.0 / (1.0 / LEVEL_SPREADS[2] ** 2 + counted)
    apart = np.array(link.between) + np.diag(noise.relative(dark.units + 0.5, dark.share) + own)
    inverse = np.linalg.inv(apart)
    about = ratio - (inverse @ ratio).sum() / inverse.sum()
    return float((SPREAD_FREEDOM + about @ inverse @ about) / (SPREAD_FREEDOM + n - 1))


def _mode(link: ChainLink, seen: Counts, dark: Counts, noise: CountNoise) -> tuple[Floats, Floats]:
    """Posterior mode and covariance of (levels of test stores and controls, log ratios of test stores)."""
    counts = _together(seen, dark)
    design, precision = _design(len(dark.units)), np.linalg.inv(_prior(link))
    state = np.zeros(len(design))
    for _ in range(_TURNS):
        mean = counts.expected * np.exp(design @ state)
        pull = (counts.units - mean) / (noise.lump + noise.dispersion * counts.share * mean)
        step = _covariance(link, noise.information(mean, counts.share)) @ (
            design.T @ pull - precision @ state
        )
        step *= _LONGEST_STEP / max(float(np.abs(step).max()), _LONGEST_STEP)
        state = state + step
        if np.abs(step).max() < _SETTLED:
            break
    mean = counts.expected * np.exp(design @ state)
    return state, _covariance(link, noise.information(mean, counts.share))


def _together(seen: Counts, dark: Counts) -> Counts:
    """Seen counts, then dark ones: (3 n,)."""
    pairs = ((seen.units, dark.units), (seen.expected, dark.expected), (seen.share, dark.share))
    return Counts(*(np.concatenate(pair) for pair in pairs))


def _design(n: int) -> Floats:
    """Rows: seen counts of test stores and controls, dark counts; columns: their levels, the log ratios."""
    design = np.zeros((3 * n, 3 * n))
    design[: 2 * n, : 2 * n] = np.eye(2 * n)
    design[2 * n :, :n] = np.eye(n)
    design[2 * n :, 2 * n :] = np.eye(n)
    return design


def _prior(link: ChainLink) -> Floats:
    """Prior covariance of levels and log ratios."""
    n = len(link.with_stores)
    chain, pair, own = (spread**2 for spread in LEVEL_SPREADS)
    prior = np.zeros((3 * n, 3 * n))
    prior[: 2 * n, : 2 * n] = chain + own * np.eye(2 * n) + pair * np.tile(np.eye(n), (2, 2))
    prior[2 * n :, 2 * n :] = np.array(link.between) + COMMON_VARIANCE
    return prior


def _covariance(link: ChainLink, information: Floats) -> Floats:
    """Posterior covariance of levels and log ratios for given information of each count."""
    design = _design(len(link.with_stores))
    precision = np.linalg.inv(_prior(link)) + design.T @ (information[:, None] * design)
    return np.asarray(np.linalg.inv(precision))


def _chain_weights(link: ChainLink) -> Floats:
    """(n,) weight of each test store's log ratio in the chain's."""
    between = np.array(link.between) + COMMON_VARIANCE
    return np.asarray(np.linalg.solve(between, np.array(link.with_stores) + COMMON_VARIANCE))


def _chain_variance(link: ChainLink, covariance: Floats) -> float:
    """Variance of the chain's log ratio: what the test stores leave open, and what is open about them."""
    n = len(link.with_stores)
    weight = _chain_weights(link)
    left_open = link.chain + COMMON_VARIANCE - float(weight @ (np.array(link.with_stores) + COMMON_VARIANCE))
    return max(left_open, 0.0) + float(weight @ covariance[2 * n :, 2 * n :] @ weight)
