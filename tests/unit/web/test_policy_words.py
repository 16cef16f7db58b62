"""Every threshold is told in words with its unit, in one group, and read back as it was typed."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from data.policies import THRESHOLDS
from forecaster.policy import RulePolicy
from web.rendering.policy_words import GROUPS, WORDINGS, Unit, read, refusal, shown, typed
from web.rendering.sentences import rule_codes


def test_every_threshold_has_words_and_stands_in_one_group() -> None:
    assert set(WORDINGS) == set(THRESHOLDS)
    grouped = [name for group in GROUPS for name in group.names]
    assert sorted(grouped) == sorted(THRESHOLDS)


def test_every_rule_is_named_by_a_group() -> None:
    assert {rule for group in GROUPS for rule in group.rules} == set(rule_codes())


def test_shares_are_told_in_percent_and_no_other() -> None:
    told = {name for name, wording in WORDINGS.items() if wording.unit is Unit.PERCENT}
    assert told == {name for name in THRESHOLDS if name.endswith("_share")}


@pytest.mark.parametrize("name", THRESHOLDS)
def test_what_is_shown_in_a_field_is_read_back_as_it_was(name: str) -> None:
    value = asdict(RulePolicy())[name]
    back = read(name, typed(name, value))
    assert (back if isinstance(value, str) else float(back or 0)) == value
    assert shown(name, value)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("min_money", 30.0, "$30"),
        ("min_money", 29.5, "$29.5"),
        ("min_units", 1.0, "1 unit"),
        ("daily_cap", 1, "1 alert"),
        ("late_days", 8, "8 days"),
        ("core_share", 0.125, "12.5 %"),
        ("confidence", "observed", "Seen: it was on the shelf in these weeks"),
    ],
)
def test_values_carry_their_unit(name: str, value: object, told: str) -> None:
    assert shown(name, value) == told


def test_what_is_no_number_comes_back_for_the_policy_to_refuse() -> None:
    assert read("core_share", "half") == "half"
    assert read("core_share", "50 %") == 0.5
    assert read("min_units", "many") == "many"
    assert read("min_units", "  ") is None


def test_a_refusal_is_told_in_the_unit_that_was_typed() -> None:
    assert refusal("core_share", "1.5 is more than 1") == "Give a number of percent between 0 and 100."
    assert refusal("min_units", "'x' is not a number.") == "'x' is not a number."
