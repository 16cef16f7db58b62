from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from forecaster import Markdown, Plan, PlanRules
from tests.unit.forecaster.planning import AS_OF, FLOOR_SET, TODAY

RULES = PlanRules()


def plan(*cuts: tuple[int, int, float], exit_: date = date(2026, 7, 5), **change: object) -> Plan:
    return Plan(
        FLOOR_SET, tuple(Markdown(date(2026, month, day), off) for month, day, off in cuts), exit_, **change
    )


def refusal(tried: Plan, rules: PlanRules = RULES, today: Plan = TODAY, **options: object) -> str | None:
    return rules.refusal(tried, today, as_of=AS_OF, **options)


@pytest.mark.parametrize(
    "tried",
    [
        TODAY,
        plan(),
        plan((6, 22, 30.0)),
        plan((6, 15, 30.0), exit_=date(2026, 8, 2)),
        plan((6, 15, 30.0), exit_=date(2026, 8, 2), rails=2.0),
        plan((6, 15, 30.0), (6, 29, 30.0)),
    ],
)
def test_a_plan_that_keeps_to_the_rules_is_not_refused(tried):
    assert refusal(tried) is None


@pytest.mark.parametrize(
    ("tried", "reason"),
    [
        (plan((6, 15, 50.0), (6, 29, 30.0)), "puts the price up on 2026-06-29, from 50% off to 30% off"),
        (plan((6, 15, 30.0), (6, 20, 50.0)), "again 5 days later: 7 days lie between"),
        (plan((7, 1, 30.0)), "cuts the price on 2026-07-01 and leaves on 2026-07-05"),
        (plan((6, 13, 30.0)), "changes the price of 2026-06-13: the price file is closed up to 2026-06-13"),
        (plan((6, 15, 33.0)), "takes 33% off on 2026-06-15: allowed are 20, 25, 30"),
        (plan(exit_=date(2026, 6, 6)), "leaves the floor on 2026-06-06, which is past"),
        (replace(TODAY, floor_set=date(2026, 5, 11)), "moves the floor-set from 2026-05-04 to 2026-05-11"),
        (plan(stores=frozenset({"north-1"})), "names who stays after 2026-07-05"),
    ],
)
def test_a_plan_that_breaks_a_rule_is_refused_with_the_reason(tried, reason):
    assert reason in refusal(tried)


def test_a_markdown_in_force_cannot_be_taken_back():
    today = plan((6, 1, 30.0), (6, 29, 50.0))

    assert "changes the price of 2026-06-01" in refusal(plan((6, 29, 50.0)), today=today)
    assert refusal(plan((6, 1, 30.0)), today=today) is None


def test_todays_own_cuts_are_allowed_whatever_the_list_says():
    today = plan((6, 15, 33.0))

    assert refusal(plan((6, 22, 33.0)), today=today) is None


def test_todays_own_spacing_is_nobodys_fault():
    today = plan((6, 15, 30.0), (6, 18, 50.0))

    assert refusal(replace(today, exit=date(2026, 7, 12)), today=today) is None
    assert refusal(plan((6, 22, 30.0), (6, 25, 50.0)), today=today) is not None


def test_prices_that_are_no_price_points_are_refused():
    rules = PlanRules(price_points=(19.99, 14.99))
    today = plan()

    assert refusal(plan((6, 22, 50.0)), rules, today, regular_prices=[29.98]) is None
    assert "takes 30% off $29.98, which makes $20.99" in refusal(
        plan((6, 22, 30.0)), rules, today, regular_prices=[29.98]
    )


@pytest.mark.parametrize(("cost", "refused"), [(1000.0, False), (1001.0, True)])
def test_a_budget_is_an_upper_bound(cost, refused):
    reason = PlanRules(markdown_budget=1000.0).refusal_of_cost(cost)

    assert (reason is not None) == refused
    assert not refused or reason == "gives $1,001 away in markdowns, $1 above the budget of $1,000"


def test_without_a_budget_nothing_is_too_dear():
    assert RULES.refusal_of_cost(1e9) is None
