"""The penalised Poisson regression against the equations its solution has to meet."""

from __future__ import annotations

import numpy as np
import statsmodels.api as sm

from forecaster.penalised import Regression, Term
from forecaster.splines import YearSpline


def counts(seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    fraction = np.tile((np.arange(52) + 0.5) / 52, 3)
    base = rng.uniform(1, 4, len(fraction))
    units = rng.poisson(base * np.exp(1 + np.cos(2 * np.pi * fraction))).astype(float)
    return units, base, fraction


def regression(knots: int = 12) -> Regression:
    units, base, fraction = counts()
    spline = YearSpline(knots)
    term = Term("calendar", spline.basis(fraction), spline.penalty())
    return Regression(units, np.ones((len(units), 1)), [term], np.log(base))


def test_the_penalised_score_is_zero_at_the_fit():
    # Wood, Generalized Additive Models (2nd ed.), eq. 4.2: X'(y - mu) = w S b.
    asked = regression()
    fit = asked.converged(asked.fit(None, rounds=8))
    term = asked.terms[0]
    design = np.hstack([asked.parametric, term.design])
    score = design.T @ (asked.units - np.exp(asked.offset + design @ fit.coefficients))
    pull = np.concatenate([[0.0], fit.weights[0] * term.penalty @ fit.coefficients[1:]])
    np.testing.assert_allclose(score, pull, atol=1e-4)


def test_our_steps_end_where_statsmodels_does():
    asked = regression(52)
    ours = asked.fit(None, rounds=40)
    theirs = asked.converged(ours)
    np.testing.assert_allclose(ours.coefficients, theirs.coefficients, atol=1e-4)
    np.testing.assert_allclose(ours.covariance, theirs.covariance, rtol=1e-3, atol=1e-6)


def test_a_vanishing_penalty_gives_the_ordinary_poisson_regression():
    units, base, fraction = counts()
    term = Term("wave", np.column_stack([np.cos(2 * np.pi * fraction)]), np.eye(1), precision=1e-12)
    ones = np.ones((len(units), 1))
    fit = Regression(units, ones, [term], np.log(base)).fit(None, rounds=20)
    plain = sm.GLM(
        units, np.hstack([ones, term.design]), family=sm.families.Poisson(), offset=np.log(base)
    ).fit()
    np.testing.assert_allclose(fit.coefficients, plain.params, atol=1e-6)


def test_a_dispersion_known_from_elsewhere_smooths_more():
    units, base, fraction = counts()
    spline = YearSpline(52)
    term = Term("calendar", spline.basis(fraction), spline.penalty())
    ones = np.ones((len(units), 1))
    plain = Regression(units, ones, [term], np.log(base)).fit(None, rounds=20)
    wary = Regression(units, ones, [term], np.log(base), least_scale=10.0).fit(None, rounds=20)
    assert wary.weights[0] > 3 * plain.weights[0]
    assert np.trace(wary.covariance) > np.trace(plain.covariance)
