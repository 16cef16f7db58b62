"""Penalised Poisson regression whose smoothing weights come from the data, not from a hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import statsmodels.api as sm
from statsmodels.gam.api import GLMGam
from statsmodels.gam.smooth_basis import GenericSmoothers, UnivariateGenericSmoother

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_WEIGHT_RANGE = (1e-6, 1e8)
_FIRST_WEIGHT = 1.0


@dataclass(frozen=True)
class Term:
    """One smooth term: its design matrix (n, k) and penalty matrix (k, k).

    `precision` is what is known beforehand of its coefficients (the penalty is scaled by it); None lets the
    data choose.
    """

    design: Floats
    penalty: Floats
    precision: float | None = None


@dataclass(frozen=True)
class Fit:
    """A fitted regression.

    Attributes:
        coefficients: (parametric columns, then the terms in order).
        covariance: of the coefficients, scaled by the dispersion (Bayesian: penalty as prior precision).
        scale: Pearson dispersion of the cells, at least 1.
        weights: one smoothing weight per term, relative to a scale of 1.
    """

    coefficients: Floats
    covariance: Floats
    scale: float
    weights: list[float]


def fit_penalised(
    units: Floats, parametric: Floats, terms: list[Term], offset: Floats, *, start: Fit | None, rounds: int
) -> Fit:
    """Poisson regression of counts with log link, quasi-likelihood dispersion and data-chosen penalties.

    Between fits by ``statsmodels.gam.GLMGam`` (penalised IRLS), every term's weight is moved by the
    generalised Fellner-Schall step, which climbs the restricted likelihood (Wood and Fasiolo, A generalized
    Fellner-Schall method for smoothing parameter optimization, Biometrics 73, 2017, eq. 4):

        w_j <- phi (rank S_j - w_j tr(V S_j)) / (b' S_j b)

    with V the inverse penalised information at scale 1 and phi the Pearson dispersion.

    Args:
        units: counts (n,).
        parametric: unpenalised columns (n, p).
        terms: smooth terms.
        offset: log expected units at zero linear predictor (n,).
        start: an earlier fit of the same layout to start from.
        rounds: how often the weights are moved.

    Returns:
        The fit after the last round.
    """
    weights = list(start.weights) if start else [_FIRST_WEIGHT] * len(terms)
    coefficients = start.coefficients if start else _start(units, parametric, terms, offset)
    model = _model(units, parametric, terms, offset)
    edges = np.cumsum([parametric.shape[1]] + [term.design.shape[1] for term in terms])
    scale, covariance = 1.0, np.eye(len(coefficients))
    for turn in range(rounds + 1):
        # statsmodels adds twice its alpha to the information matrix.
        model.alpha = [weight / 2 for weight in weights]
        # The deviance is compared absolutely: per cell, a millionth is beyond what any forecast shows.
        result = model.fit(
            start_params=coefficients, maxiter=2 if turn < rounds else 25, tol=1e-6 * len(units), scale=1.0
        )
        coefficients = np.asarray(result.params, dtype=np.float64)
        covariance = np.asarray(result.normalized_cov_params, dtype=np.float64)
        scale = _pearson_scale(units, model.mu, parametric, terms, covariance, weights, edges)
        if turn < rounds:
            weights = [
                _moved(weight, term, coefficients[low:high], covariance[low:high, low:high], scale)
                for weight, term, low, high in zip(weights, terms, edges[:-1], edges[1:], strict=True)
            ]
    return Fit(coefficients, covariance * scale, scale, weights)


def _model(units: Floats, parametric: Floats, terms: list[Term], offset: Floats) -> GLMGam:
    smooths = [
        UnivariateGenericSmoother(np.zeros(len(units)), term.design, None, None, term.penalty)
        for term in terms
    ]
    smoother = GenericSmoothers(np.zeros((len(units), len(terms))), smooths)
    return GLMGam(
        units, parametric, smoother, alpha=[1.0] * len(terms), family=sm.families.Poisson(), offset=offset
    )


def _start(units: Floats, parametric: Floats, terms: list[Term], offset: Floats) -> Floats:
    """Flat season at the overall rate: the first parametric column is the intercept."""
    coefficients = np.zeros(parametric.shape[1] + sum(term.design.shape[1] for term in terms))
    coefficients[0] = np.log(max(float(units.sum()), 1e-9) / np.exp(offset).sum())
    return coefficients


def _pearson_scale(
    units: Floats,
    mu: Floats,
    parametric: Floats,
    terms: list[Term],
    covariance: Floats,
    weights: list[float],
    edges: npt.NDArray[np.int_],
) -> float:
    """Pearson chi-square over residual degrees of freedom, never below Poisson."""
    used = float(parametric.shape[1])
    for weight, term, low, high in zip(weights, terms, edges[:-1], edges[1:], strict=True):
        used += term.penalty.shape[0] - weight * float(np.sum(covariance[low:high, low:high] * term.penalty))
    spare = max(len(units) - used, 1.0)
    return max(1.0, float(np.sum((units - mu) ** 2 / np.maximum(mu, 1e-9))) / spare)


def _moved(weight: float, term: Term, coefficients: Floats, covariance: Floats, scale: float) -> float:
    """One Fellner-Schall step for one term, kept in a sane range; a known precision only takes the scale."""
    if term.precision is not None:
        return term.precision * scale
    free = term.penalty.shape[0] - weight * float(np.sum(covariance * term.penalty))
    bend = float(coefficients @ term.penalty @ coefficients)
    return float(np.clip(scale * max(free, 1e-8) / max(bend, 1e-12), *_WEIGHT_RANGE))
