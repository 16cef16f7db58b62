"""The penalised Poisson regression against the equations its solution has to meet."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm

from forecaster.penalised import Term, fit_penalised
from forecaster.splines import YearSpline


def counts(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fraction = np.tile((np.arange(52) + 0.5) / 52, 3)
    base = rng.uniform(1, 4, len(fraction))
    units = rng.poisson(base * np.exp(1 + np.cos(2 * np.pi * fraction))).astype(float)
    return units, base, fraction


def test_the_penalised_score_is_zero_at_the_fit():
    # Wood, Generalized Additive Models (2nd ed.), eq. 4.2: X'(y - mu) = w S b.
    units, base, fraction = counts()
    spline = YearSpline(12)
    term = Term(spline.basis(fraction), spline.penalty())
    ones = np.ones((len(units), 1))
    fit = fit_penalised(units, ones, [term], np.log(base), start=None, rounds=4)
    design = np.hstack([ones, term.design])
    score = design.T @ (units - base * np.exp(design @ fit.coefficients))
    pull = np.concatenate([[0.0], fit.weights[0] * term.penalty @ fit.coefficients[1:]])
    np.testing.assert_allclose(score, pull, atol=1e-4)


def test_a_vanishing_penalty_gives_the_ordinary_poisson_regression():
    units, base, fraction = counts()
    term = Term(np.column_stack([np.cos(2 * np.pi * fraction)]), np.eye(1) * 1e-12)
    ones = np.ones((len(units), 1))
    fit = fit_penalised(units, ones, [term], np.log(base), start=None, rounds=0)
    plain = sm.GLM(
        units, np.hstack([ones, term.design]), family=sm.families.Poisson(), offset=np.log(base)
    ).fit()
    np.testing.assert_allclose(fit.coefficients, plain.params, atol=1e-6)
