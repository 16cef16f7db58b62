from __future__ import annotations

from datetime import date

import pytest

from forecaster import ForecasterError, Markdown, Plan, Stakes

FLOOR_SET, EXIT = date(2026, 2, 16), date(2026, 7, 5)
FIRST, SECOND = Markdown(date(2026, 6, 15), 30.0), Markdown(date(2026, 6, 29), 50.0)


def test_markdowns_come_in_the_order_of_their_days():
    assert Plan(FLOOR_SET, (SECOND, FIRST), EXIT) == Plan(FLOOR_SET, (FIRST, SECOND), EXIT)


def test_a_markdown_after_the_exit_is_no_part_of_the_plan():
    clearance = Markdown(date(2026, 7, 6), 70.0)

    assert Plan(FLOOR_SET, (FIRST, clearance), EXIT) == Plan(FLOOR_SET, (FIRST,), EXIT)


@pytest.mark.parametrize(
    ("day", "percent"), [((6, 14), 0.0), ((6, 15), 30.0), ((6, 28), 30.0), ((6, 29), 50.0)]
)
def test_the_last_markdown_before_a_day_holds_on_it(day, percent):
    assert Plan(FLOOR_SET, (FIRST, SECOND), EXIT).percent_off(date(2026, *day)) == percent


@pytest.mark.parametrize("percent", [0.0, 100.0, -5.0])
def test_a_markdown_takes_something_off_and_not_all(percent):
    with pytest.raises(ForecasterError, match="between 0 and 100"):
        Markdown(date(2026, 6, 15), percent)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"exit": date(2026, 2, 1)}, "before floor_set"),
        ({"markdowns": (FIRST, Markdown(FIRST.day, 40.0))}, "two markdowns on one day"),
        ({"rails": 0.0}, "more than none"),
    ],
)
def test_a_plan_that_makes_no_sense_is_refused(change, problem):
    with pytest.raises(ForecasterError, match=problem):
        Plan(**{"floor_set": FLOOR_SET, "markdowns": (), "exit": EXIT} | change)


@pytest.mark.parametrize(
    "change",
    [{"units_per_rail": 0.0}, {"substitution": 1.5}, {"customer_value": -1.0}, {"rail_week_value": -1.0}],
)
def test_stakes_that_make_no_sense_are_refused(change):
    with pytest.raises(ForecasterError):
        Stakes(**change)
