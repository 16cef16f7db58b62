from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import Markdown, Plan, PlanRules, candidate_plans
from forecaster.plan_candidates import Span, Stay
from tests.unit.forecaster.planning import AS_OF, FLOOR_SET, TODAY


@st.composite
def any_today(draw):
    """A plan that keeps to the default rules, at any stage of its season."""
    starts = sorted(draw(st.sets(st.integers(-6, 10), max_size=3)))
    percents = sorted(
        draw(st.lists(st.sampled_from([20.0, 33.0, 50.0]), min_size=len(starts), max_size=len(starts)))
    )
    cuts = tuple(
        Markdown(AS_OF + timedelta(weeks=week), off) for week, off in zip(starts, percents, strict=True)
    )
    return Plan(FLOOR_SET, cuts, AS_OF + timedelta(weeks=draw(st.integers(1, 12))))


@given(any_today(), st.integers(0, 21), st.sampled_from([7, 14]))
@settings(max_examples=60, deadline=None)
def test_candidates_never_go_upward_or_break_another_rule(today, lock_days, days_between):
    rules = PlanRules(lock_days=lock_days, days_between=days_between)

    found = candidate_plans(today, as_of=AS_OF, rules=rules)

    assert found[0] == today
    assert len(set(found)) == len(found)
    for plan in found[1:]:
        assert rules.refusal(plan, today, as_of=AS_OF) is None
        assert all(later.percent_off >= earlier.percent_off for earlier, later in pairwise(plan.markdowns))
        closed = AS_OF + timedelta(days=lock_days)
        assert [cut for cut in plan.markdowns if cut.day <= closed] == [
            cut for cut in today.markdowns if cut.day <= closed and cut.day <= plan.exit
        ]


def test_the_changes_a_merchandiser_would_think_of_are_among_them():
    found = candidate_plans(TODAY, as_of=AS_OF)

    first, second = TODAY.markdowns
    later = timedelta(weeks=2)
    assert replace(TODAY, markdowns=()) in found
    assert replace(TODAY, markdowns=(first,)) in found
    assert replace(TODAY, exit=date(2026, 8, 2)) in found
    assert Plan(FLOOR_SET, (replace(first, day=first.day + later),), TODAY.exit) in found
    assert (
        replace(TODAY, markdowns=(replace(first, percent_off=25.0), replace(second, percent_off=40.0)))
        in found
    )


def test_only_later_exits_are_tried_for_a_part():
    stays = (Stay(stores=frozenset({"north-1"})), Stay(rails=1.0))

    found = candidate_plans(TODAY, as_of=AS_OF, span=Span(stays=stays))

    partial = [plan for plan in found if plan.is_partial]
    assert {(plan.stores, plan.rails) for plan in partial} == {(frozenset({"north-1"}), None), (None, 1.0)}
    assert all(plan.exit > TODAY.exit for plan in partial)


def test_no_exit_lies_after_the_latest_day():
    latest = date(2026, 7, 26)

    assert max(plan.exit for plan in candidate_plans(TODAY, as_of=AS_OF, latest_exit=latest)) <= latest


def test_where_no_markdown_is_planned_one_is_tried():
    today = replace(TODAY, markdowns=())

    found = candidate_plans(today, as_of=AS_OF)

    assert replace(today, markdowns=(Markdown(date(2026, 6, 22), 20.0),)) in found


def test_no_more_than_the_number_asked_for():
    assert len(candidate_plans(TODAY, as_of=AS_OF, span=Span(most=7))) == 7
