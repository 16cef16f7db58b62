from __future__ import annotations

import pytest

from forecaster import Policies, PolicyError, RulePolicy


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("min_units", -1.0),
        ("min_money", float("nan")),
        ("min_lost_share", 1.5),
        ("core_share", -0.1),
        ("daily_cap", 0),
        ("exit_weeks_ahead", -2),
        ("max_stockout_weeks", 2),
        ("confidence", "hunch"),
    ],
)
def test_a_threshold_no_rule_can_work_with_is_refused_by_name(name, value):
    with pytest.raises(PolicyError) as refused:
        RulePolicy(**{name: value})
    assert refused.value.name == name


def test_what_nobody_can_know_may_never_fire():
    with pytest.raises(PolicyError, match="raises no alert"):
        RulePolicy(confidence="unknown")


def test_a_category_without_its_own_policy_has_the_chains():
    strict = RulePolicy(min_units=20.0)
    policies = Policies(by_category={"swimwear": strict})
    assert policies.of("swimwear") is strict
    assert policies.of("boots") == RulePolicy()
    assert policies.of("") == RulePolicy()
