from __future__ import annotations

import pytest

from forecaster import RulePolicy
from forecaster.evidence import Evidence
from forecaster.findings import severity, weakest_bulk


def test_evidence_is_the_weakest_that_carries_the_bulk():
    assert weakest_bulk({"observed": 6.0, "borrowed": 4.0}) is Evidence.OBSERVED
    assert weakest_bulk({"observed": 4.0, "borrowed": 6.0}) is Evidence.BORROWED


@pytest.mark.parametrize(
    ("units", "money", "days", "evidence", "told"),
    [
        (50, 0, 3, Evidence.OBSERVED, "high"),
        (50, 0, 40, Evidence.OBSERVED, "medium"),
        (5, 50, 40, Evidence.OBSERVED, "low"),
        (5, 1000, 40, Evidence.OBSERVED, "medium"),
        (5, 50, 3, Evidence.OBSERVED, "medium"),
        (50, 0, 3, Evidence.BORROWED, "medium"),
        (50, 0, 3, Evidence.REQUESTED, "medium"),
    ],
)
def test_much_to_be_won_and_little_time_are_severe(units, money, days, evidence, told):
    assert severity(units, money, days, evidence, RulePolicy()) == told
