"""A plan as it is typed: what is read, what is refused and with which sentence."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from forecaster.plans import Markdown, Plan
from web.season_forms import (
    MOST_BESIDE,
    Hand,
    UnreadablePlanError,
    compact,
    fallen_away,
    fields_of,
    hand_of,
    plan_from,
    plan_in,
    step_places,
)

AS_OF = date(2026, 6, 13)
TODAY = Plan(date(2026, 2, 15), (Markdown(date(2026, 6, 22), 30.0),), date(2026, 7, 5))
MOVED = {"floor_set": "2026-02-15", "exit": "2026-08-31"}
names = st.text(min_size=1, max_size=6).map(str.strip).filter(bool)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any plan that can stand in an address."""
    floor_set = AS_OF + timedelta(days=draw(st.integers(-200, 100)))
    leaves = floor_set + timedelta(days=draw(st.integers(0, 300)))
    days = draw(st.lists(st.integers(0, 300), max_size=4, unique=True))
    percents = draw(st.lists(st.sampled_from([20.0, 33.5, 70.0]), min_size=len(days), max_size=len(days)))
    cuts = [Markdown(floor_set + timedelta(days=day), off) for day, off in zip(days, percents, strict=True)]
    some = st.none() | st.frozensets(names, min_size=1, max_size=3)
    return Plan(
        floor_set, tuple(cuts), leaves, draw(some), draw(some), draw(st.sampled_from([None, 1.0, 2.5]))
    )


def read(**typed: str) -> Plan:
    return plan_from(MultiDict(typed), today=TODAY, as_of=AS_OF)


def refused(**typed: str) -> dict[str, str]:
    with pytest.raises(UnreadablePlanError) as caught:
        read(**typed)
    return dict(caught.value.problems)


def hand(*pairs: tuple[str, str]) -> Hand:
    return hand_of(MultiDict(list(pairs)), today=TODAY, as_of=AS_OF)


@given(plans())
def test_a_plan_comes_out_of_an_address_as_it_went_in(plan: Plan) -> None:
    assert plan_in(compact(plan), as_of=AS_OF) == plan


@given(st.text(max_size=60) | st.from_regex(r"[0-9:~\-]{0,60}"))
def test_no_word_of_an_address_breaks_the_page(word: str) -> None:
    plan = plan_in(word, as_of=AS_OF)
    assert plan is None or isinstance(plan, Plan)


@pytest.mark.parametrize(
    "word", ["1926-02-15~2026-08-31", "2026-02-15~2126-08-31", "2026-02-15~2026-08-31~1926-07-01:30"]
)
def test_a_plan_of_another_century_is_none(word: str) -> None:
    assert plan_in(word, as_of=AS_OF) is None


def test_a_plan_comes_out_of_a_form_as_it_went_in() -> None:
    plan = Plan(
        TODAY.floor_set, TODAY.markdowns, date(2026, 8, 2), frozenset({"A", "B"}), frozenset({"S"}), 2.0
    )
    assert read(**fields_of(plan)) == plan


def test_an_address_without_a_plan_means_todays() -> None:
    assert read() == TODAY
    assert hand(("zone", "hot")).plan == TODAY


def test_a_date_that_is_not_named_stays_todays() -> None:
    assert read(exit="2026-08-31") == Plan(TODAY.floor_set, (), date(2026, 8, 31))


def test_percents_and_money_may_carry_their_signs() -> None:
    plan = read(**MOVED, markdown_day_1="2026-07-10", percent_off_1="30%")
    assert plan.markdowns == (Markdown(date(2026, 7, 10), 30.0),)
    given_stakes = hand(("customer_value", " $1,250.50"), ("rail_week_value", "12")).stakes
    assert (given_stakes.customer_value, given_stakes.rail_week_value) == (1250.5, 12.0)


@pytest.mark.parametrize("field", ["floor_set", "exit"])
@pytest.mark.parametrize(
    "typed", ["", "31.8.2026", "2026-02-30", "2026-W10-1", "20260831", "soon", "٢٠٢٦-٠٨-٣١"]
)
def test_what_is_no_day_is_asked_for_again(field: str, typed: str) -> None:
    told = refused(**(MOVED | {field: typed}))
    assert told == {field: f"Choose a day for the {'exit' if field == 'exit' else 'floor-set'}."}


@pytest.mark.parametrize(
    ("typed", "field", "told"),
    [
        ({"markdown_day_1": "2026-07-10"}, "percent_off_1", "Markdown 1 has a day and no percent off."),
        ({"percent_off_2": "30"}, "markdown_day_2", "Markdown 2 has a percent off and no day."),
        (
            {"markdown_day_1": "2026-07-10", "percent_off_1": "half"},
            "percent_off_1",
            "The percent off of markdown 1 lies between 1 and 99.",
        ),
        (
            {"markdown_day_1": "2026-07-10", "percent_off_1": "nan"},
            "percent_off_1",
            "The percent off of markdown 1 lies between 1 and 99.",
        ),
        ({"exit": "2026-02-14"}, "exit", "The exit lies before the floor-set."),
        ({"exit": "2031-01-01"}, "exit", "The day of the exit is more than two years away."),
        ({"rails": "0"}, "rails", "A plan keeps more than no rails. Leave it empty to keep what is left."),
        (
            {"rails": "inf"},
            "rails",
            "The number of rails is a number from 0 to 10,000, or empty where nobody knows.",
        ),
    ],
)
def test_each_mistake_has_its_sentence_at_its_field(typed: dict[str, str], field: str, told: str) -> None:
    assert refused(**(MOVED | typed)) == {field: told}


def test_two_markdowns_on_one_day_are_told_apart_by_the_second() -> None:
    day = {"markdown_day_1": "2026-07-10", "percent_off_1": "30", "markdown_day_3": "2026-07-10"}
    assert refused(**MOVED, **day, percent_off_3="50") == {
        "markdown_day_3": "Markdown 3 has the same day as another."
    }


def test_what_was_typed_is_kept_when_it_is_no_plan() -> None:
    found = hand(("exit", "soon"), ("markdown_day_1", "2026-07-10"), ("percent_off_1", "lots"))
    assert found.plan is None
    assert set(found.problems) == {"exit", "percent_off_1"}
    assert (found.typed["exit"], found.typed["percent_off_1"]) == ("soon", "lots")


def test_a_wrong_value_of_a_customer_leaves_the_plan_as_it_is() -> None:
    found = hand(("exit", "2026-08-31"), ("customer_value", "-3"))
    assert found.plan == Plan(TODAY.floor_set, (), date(2026, 8, 31))
    assert set(found.problems) == {"customer_value"}
    assert found.typed["customer_value"] == "-3"


def test_a_step_after_the_exit_falls_away_and_is_told() -> None:
    typed = MultiDict(MOVED | {"markdown_day_1": "2026-09-10", "percent_off_1": "30"})
    plan = plan_from(typed, today=TODAY, as_of=AS_OF)
    assert plan.markdowns == ()
    assert fallen_away(typed, plan) == (date(2026, 9, 10),)


def test_plans_beside_stand_each_once_and_no_more_than_fit() -> None:
    words = [f"2026-02-15~2026-08-{day:02d}" for day in (1, 1, 2, 3, 4)]
    found = hand(*(("plan", word) for word in words), ("plan", "broken"))
    assert [plan.exit.day for plan in found.beside] == [1, 2, 3]
    assert len(found.shown(TODAY)) == MOST_BESIDE
    moved = hand(("exit", "2026-08-31"), *(("plan", word) for word in words))
    assert [plan.exit.day for plan in moved.shown(TODAY)] == [31, 1, 2]
    assert found.dropped == ("broken",)


def test_todays_plan_and_one_that_is_there_already_are_not_shown_again() -> None:
    found = hand(("plan", compact(TODAY)), ("plan", "2026-02-15~2026-08-01"), ("exit", "2026-08-01"))
    assert found.shown(TODAY) == (Plan(TODAY.floor_set, (), date(2026, 8, 1)),)
    assert not found.can_keep(TODAY)


def test_a_new_plan_may_be_kept_while_there_is_room_for_another() -> None:
    moved = ("exit", "2026-08-31")
    assert hand(moved).can_keep(TODAY)
    assert hand(moved).kept == ["2026-02-15~2026-08-31"]
    full = [("plan", f"2026-02-15~2026-08-0{day}") for day in (1, 2)]
    assert not hand(moved, *full).can_keep(TODAY)
    assert not hand(("zone", "hot")).can_keep(TODAY)


def test_the_form_has_room_for_every_step_of_today() -> None:
    steps = tuple(Markdown(AS_OF + timedelta(days=10 * place), 20.0 + place) for place in range(1, 7))
    assert list(step_places(TODAY, None)) == [1, 2, 3, 4]
    assert list(step_places(Plan(TODAY.floor_set, steps, date(2026, 12, 1)), None)) == [1, 2, 3, 4, 5, 6]
