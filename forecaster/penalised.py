"""Penalised Poisson regression whose smoothing weights come from the data, not from a hand."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import statsmodels.api as sm
from scipy.linalg import cho_factor, cho_solve
from statsmodels.gam.api import GLMGam
from statsmodels.gam.smooth_basis import GenericSmoothers, UnivariateGenericSmoother
from statsmodels.tools.sm_exceptions import PerfectSeparationError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

_WEIGHT_RANGE = (1e-6, 1e8)
_FIRST_WEIGHT = 1.0
_TINY = 1e-9
_MAX_LOG = 30.0
_MAX_STEP = 4.0


@dataclass(frozen=True)
class Term:
    """One smooth term: its name, design matrix (n, k) and penalty matrix (k, k) of full rank.

    `precision` is what is known beforehand of its coefficients (the penalty is scaled by it); None lets the
    data choose.
    """

    name: str
    design: Floats
    penalty: Floats
    precision: float | None = None


@dataclass(frozen=True)
class Fit:
    """A fitted regression.

    Attributes:
        coefficients: (parametric columns, then the terms in order).
        covariance: of the coefficients, scaled by the dispersion (Bayesian: penalty as prior precision).
        scale: dispersion, at least 1.
        weights: one smoothing weight per term, relative to a scale of 1.
    """

    coefficients: Floats
    covariance: Floats
    scale: float
    weights: list[float]


@dataclass(frozen=True)
class Regression:
    """Counts with log link, quasi-likelihood dispersion and penalties.

    Attributes:
        units: counts (n,).
        parametric: unpenalised columns (n, p), the first all ones.
        terms: smooth terms.
        offset: log expected units at zero linear predictor (n,).
        least_scale: a dispersion known from elsewhere, below which the cells' own is not believed.
    """

    units: Floats
    parametric: Floats
    terms: list[Term]
    offset: Floats
    least_scale: float = 1.0

    @property
    def _design(self) -> Floats:
        return np.hstack([self.parametric, *(term.design for term in self.terms)])

    @property
    def _edges(self) -> list[int]:
        widths = [self.parametric.shape[1], *(term.design.shape[1] for term in self.terms)]
        return [int(edge) for edge in np.cumsum(widths)]

    def fit(self, start: Fit | None, *, rounds: int) -> Fit:
        """Fit with smoothing weights chosen by the data.

        After each step of penalised iteratively reweighted least squares, every term's weight is moved by the
        generalised Fellner-Schall step, which climbs the restricted likelihood (Wood and Fasiolo, A
        generalized Fellner-Schall method for smoothing parameter optimization, Biometrics 73, 2017, eq. 4):

            w_j <- phi (rank S_j - w_j tr(V S_j)) / (b' S_j b)

        with V the inverse penalised information at scale 1 and phi the dispersion.

        Args:
            start: an earlier fit of the same layout to start from.
            rounds: how often the weights are moved.
        """
        design, edges = self._design, self._edges
        weights = list(start.weights) if start else [_FIRST_WEIGHT] * len(self.terms)
        coefficients = start.coefficients if start else self._flat(design.shape[1])
        scale = start.scale if start else self.least_scale
        covariance = np.eye(design.shape[1])
        for _ in range(rounds):
            coefficients, covariance = self._step(design, edges, coefficients, weights)
            scale = self._scale(design, edges, coefficients, covariance, weights)
            weights = [
                _moved(weight, term, coefficients[low:high], covariance[low:high, low:high], scale)
                for weight, term, low, high in zip(weights, self.terms, edges[:-1], edges[1:], strict=True)
            ]
        return Fit(coefficients, covariance * scale, scale, weights)

    def converged(self, start: Fit) -> Fit:
        """The fit at the weights of ``start``, taken to the end by ``statsmodels.gam.GLMGam``."""
        model = self._gam()
        # statsmodels adds twice its alpha to the information matrix.
        model.alpha = [weight / 2 for weight in start.weights]
        # The deviance is compared absolutely: per cell, a millionth is beyond what any forecast shows.
        try:
            found = model.fit(start_params=start.coefficients, tol=1e-6 * len(self.units), scale=1.0)
        except PerfectSeparationError:
            # Every cell foretold to the unit: dull, not wrong, and our own steps have arrived.
            return start
        coefficients = np.asarray(found.params, dtype=np.float64)
        covariance = np.asarray(found.normalized_cov_params, dtype=np.float64)
        scale = self._scale(self._design, self._edges, coefficients, covariance, start.weights)
        return Fit(coefficients, covariance * scale, scale, start.weights)

    def _gam(self) -> GLMGam:
        n = len(self.units)
        smooths = [
            UnivariateGenericSmoother(np.zeros(n), term.design, None, None, term.penalty)
            for term in self.terms
        ]
        smoother = GenericSmoothers(np.zeros((n, len(self.terms))), smooths)
        return GLMGam(
            self.units,
            self.parametric,
            smoother,
            alpha=[_FIRST_WEIGHT] * len(self.terms),
            family=sm.families.Poisson(),
            offset=self.offset,
        )

    def _flat(self, n_columns: int) -> Floats:
        """Flat season at the overall rate: the first parametric column is the intercept."""
        coefficients = np.zeros(n_columns)
        coefficients[0] = np.log(max(float(self.units.sum()), _TINY) / np.exp(self.offset).sum())
        return coefficients

    def _step(
        self, design: Floats, edges: list[int], coefficients: Floats, weights: list[float]
    ) -> tuple[Floats, Floats]:
        """One Newton step of the penalised likelihood, and the inverse information at scale 1."""
        predictor = np.clip(design @ coefficients, -_MAX_LOG, _MAX_LOG)
        mu = np.maximum(np.exp(predictor + self.offset), _TINY)
        # A week with sales where almost none were expected would throw the step off the map.
        working = predictor + np.clip((self.units - mu) / mu, -1.0, _MAX_STEP)
        information = (design.T * mu) @ design
        for weight, term, low, high in zip(weights, self.terms, edges[:-1], edges[1:], strict=True):
            information[low:high, low:high] += weight * term.penalty
        information[np.diag_indices_from(information)] += _TINY
        factor = cho_factor(information)
        moved = cho_solve(factor, design.T @ (mu * working))
        return np.asarray(moved), np.asarray(cho_solve(factor, np.eye(len(moved))))

    def _scale(
        self, design: Floats, edges: list[int], coefficients: Floats, covariance: Floats, weights: list[float]
    ) -> float:
        """Pearson chi-square over residual degrees of freedom, never below what is known."""
        mu = np.exp(np.clip(design @ coefficients, -_MAX_LOG, _MAX_LOG) + self.offset)
        used = float(self.parametric.shape[1])
        for weight, term, low, high in zip(weights, self.terms, edges[:-1], edges[1:], strict=True):
            used += len(term.penalty) - weight * float(np.sum(covariance[low:high, low:high] * term.penalty))
        spare = max(len(self.units) - used, 1.0)
        pearson = float(np.sum((self.units - mu) ** 2 / np.maximum(mu, _TINY))) / spare
        return max(1.0, self.least_scale, pearson)


def _moved(weight: float, term: Term, coefficients: Floats, covariance: Floats, scale: float) -> float:
    """One Fellner-Schall step for one term, kept in a sane range; a known precision only takes the scale."""
    if term.precision is not None:
        return term.precision * scale
    free = len(term.penalty) - weight * float(np.sum(covariance * term.penalty))
    bend = float(coefficients @ term.penalty @ coefficients)
    return float(np.clip(scale * max(free, 1e-8) / max(bend, 1e-12), *_WEIGHT_RANGE))
