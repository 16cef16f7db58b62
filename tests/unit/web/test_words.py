from __future__ import annotations

import doctest
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from web.rendering import words


def test_the_examples_in_the_docstrings_hold() -> None:
    assert doctest.testmod(words, extraglobs={"date": date, "timedelta": timedelta}).failed == 0


def test_an_instant_is_told_by_the_clock_on_the_wall() -> None:
    at = datetime(2026, 6, 14, 6, 30, tzinfo=UTC)
    assert words.instant(at, ZoneInfo("America/Phoenix")) == "13 June 2026, 23:30 MST"


@pytest.mark.parametrize(
    ("amount", "told"),
    [
        ("0", "$0"),
        ("999.4", "$999"),
        ("999.60", "$1.0k"),
        ("99949", "$99.9k"),
        ("123456", "$123k"),
        ("999600", "$1.0m"),
        ("-12.40", "-$12"),
    ],
)
def test_short_money_never_jumps_a_unit(amount: str, told: str) -> None:
    assert words.short_money(Decimal(amount)) == told


def test_what_is_small_but_there_counts_as_one() -> None:
    assert [words.whole(units) for units in (0, 0.1, 0.6, 1.4, 38.6)] == [0, 1, 1, 1, 39]


@pytest.mark.parametrize(
    ("days", "told"), [(0, "today"), (1, "tomorrow"), (-1, "yesterday"), (9, "in 9 days")]
)
def test_near_days_have_names(days: int, told: str) -> None:
    assert words.days_away(date(2026, 6, 14) + timedelta(days=days), date(2026, 6, 14)) == told


def test_a_length_of_time_is_told_in_its_two_largest_units() -> None:
    assert words.lasting(timedelta(seconds=95)) == "1 min 35 s"
