"""The continuous ranked probability score against figures of others and forms without a sum.

Figures: tests of the R package scoringRules (Jordan, Krueger and Lerch, Evaluating probabilistic forecasts
with scoringRules, Journal of Statistical Software 90(12), 2019), file test_crps_nbinom.R.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from forecaster.distribution import crps


@pytest.mark.parametrize(
    ("observed", "size", "success", "published"),
    [
        (5, 100.0, 0.95, 0.53215257681),
        (44, 200.1, 0.82, 1.70859687251),
        (41, 200.1, 0.83, 1.63833674721),
        (222, 2000.1, 0.9, 3.66926727576),
        (2222, 20000.1, 0.9, 11.6114812752),
        (1_999_797_667, 200000.1, 0.0001, 1045062.81311),
    ],
)
def test_published_scores_of_the_negative_binomial(observed, size, success, published):
    mean = size * (1 - success) / success
    assert float(crps(mean, size, observed)) == pytest.approx(published, rel=1e-8)


@pytest.mark.parametrize("mean", [1e-3, 0.7, 12.0, 4000.0])
def test_the_score_of_a_poisson_seen_at_nothing(mean):
    # E|D - 0| = m; E|D - D'| / 2 = m e^-2m (I0(2m) + I1(2m)) (Wei and Held, TEST 23, 2014).
    half = mean * (special.ive(0, 2 * mean) + special.ive(1, 2 * mean))
    assert float(crps(mean, np.inf, 0)) == pytest.approx(mean - half, rel=1e-8)


@pytest.mark.parametrize("mean", [1e-3, 0.7, 12.0, 4000.0])
def test_the_score_of_a_geometric_seen_at_nothing(mean):
    # The difference of two geometrics is geometric on both sides: E|D - D'| / 2 = m (1 + m) / (1 + 2 m).
    half = mean * (1 + mean) / (1 + 2 * mean)
    assert float(crps(mean, 1.0, 0)) == pytest.approx(mean - half, rel=1e-8)
