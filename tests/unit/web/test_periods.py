"""Which weeks an address asks for: whole ones, few enough, and never a day that cannot be."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.datastructures import MultiDict

from data.settings import Weekday
from web.periods import MOST_WEEKS, Period

TODAY = date(2026, 6, 10)  # a Wednesday


def period(**asked: str) -> Period:
    return Period.of(MultiDict(asked), TODAY, Weekday.SUNDAY)


@pytest.mark.parametrize(
    ("asked", "first", "weeks"),
    [
        ({}, date(2026, 3, 15), 13),
        ({"weeks": "4"}, date(2026, 5, 17), 4),
        ({"weeks": "52"}, date(2025, 6, 15), 52),
        ({"weeks": "7"}, date(2026, 3, 15), 13),
        ({"weeks": "soon"}, date(2026, 3, 15), 13),
    ],
)
def test_the_last_weeks_end_with_the_one_that_runs(asked: dict[str, str], first: date, weeks: int) -> None:
    found = period(**asked)

    assert (found.first, found.last, found.weeks) == (first, date(2026, 6, 13), weeks)
    assert found.last_week == date(2026, 6, 7)
    assert len(found.spans) * found.step == weeks


def test_days_are_widened_to_whole_weeks_and_kept_as_they_were_typed() -> None:
    found = period(**{"from": "2026-05-05", "to": "2026-05-06"})

    assert (found.first, found.last) == (date(2026, 5, 3), date(2026, 5, 9))
    assert found.in_address == {"from": "2026-05-05", "to": "2026-05-06"}
    assert period(**{"from": "2026-06-01"}).last == date(2026, 6, 13)


def test_the_chosen_weeks_come_back_from_the_address() -> None:
    for asked in ({}, {"weeks": "4"}, {"from": "2026-05-05"}):
        found = period(**asked)
        assert period(**{name: str(value) for name, value in found.in_address.items()}) == found


def test_a_long_time_is_drawn_in_spans_of_four_weeks() -> None:
    year = period(weeks="52")

    assert year.step == 4
    assert year.spans[1] - year.spans[0] == timedelta(weeks=4)
    assert year.span_of(year.first + timedelta(days=27)) == year.first
    assert year.span_of(year.first + timedelta(days=28)) == year.spans[1]


@given(st.text(max_size=12), st.text(max_size=12))
def test_no_text_breaks_a_period(start: str, end: str) -> None:
    found = period(**{"from": start, "to": end})

    assert found.first <= found.last
    assert found.error or not (start.strip() or end.strip()) or found.weeks == 0


@given(st.dates(), st.dates())
def test_any_two_days_give_whole_weeks_or_say_why_not(start: date, end: date) -> None:
    found = period(**{"from": start.isoformat(), "to": end.isoformat()})

    assert (found.last - found.first).days % 7 == 6
    assert (found.last - found.first).days < 7 * (MOST_WEEKS + 2)
    if not found.error:
        assert found.first <= start <= end <= found.last
        assert all(found.span_of(day) in found.spans for day in (start, end))
