"""Texts into values: what is understood, and what is said of the rest."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from data.feeds.coercion import coerce, coerce_instants
from data.feeds.columns import Column, ColumnKind
from data.feeds.specs import FEEDS

LINES = (5, 9)


def coerced(kind, *texts, **options):
    lines = range(LINES[0], LINES[0] + len(texts))
    column = Column("c", kind, "", **options)
    return coerce(pd.Series(texts, index=lines, dtype="str", name="c"), column)


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (ColumnKind.TEXT, "007", "007"),
        (ColumnKind.INTEGER, "3", 3),
        (ColumnKind.INTEGER, "-3", -3),
        (ColumnKind.INTEGER, "+3", 3),
        (ColumnKind.INTEGER, "3.00", 3),
        (ColumnKind.NUMBER, ".5", 0.5),
        (ColumnKind.NUMBER, "1e-3", 0.001),
        (ColumnKind.MONEY, "19.99", 19.99),
        (ColumnKind.MONEY, "19.990", 19.99),
        (ColumnKind.MONEY, "-5", -5.0),
        (ColumnKind.DATE, "2024-02-29", pd.Timestamp("2024-02-29")),
        (ColumnKind.CHOICE, "Week", "week"),
        (ColumnKind.TIMEZONE, "America/Chicago", "America/Chicago"),
        (ColumnKind.EMAIL, "ann@example.com", "ann@example.com"),
    ],
)
def test_a_plain_cell_is_understood(kind, text, value):
    values, reasons = coerced(kind, text)

    assert values.to_list() == [value]
    assert reasons.empty


@pytest.mark.parametrize("kind", [kind for kind in ColumnKind if kind is not ColumnKind.INSTANT])
def test_a_blank_cell_is_missing_and_not_wrong(kind):
    values, reasons = coerced(kind, "", "")

    assert values.isna().all()
    assert reasons.empty


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        (ColumnKind.INTEGER, "three", "c: 'three' is not a whole number"),
        (ColumnKind.INTEGER, "2.5", "c: '2.5' is not a whole number"),
        (ColumnKind.INTEGER, "1,000", "c: '1,000' is not a whole number"),
        (ColumnKind.NUMBER, "nan", "c: 'nan' is not a number"),
        (ColumnKind.NUMBER, "inf", "c: 'inf' is not a number"),
        (ColumnKind.NUMBER, "\u0661", "c: '\u0661' is not a number"),
        (ColumnKind.MONEY, "$9", "c: '$9' is not an amount; write digits and a decimal point, such as 19.99"),
        (ColumnKind.MONEY, "9.999", "c: '9.999' has more than two decimals"),
        (ColumnKind.DATE, "06/01/2026", "c: '06/01/2026' is not a date written YYYY-MM-DD"),
        (ColumnKind.DATE, "2026-6-1", "c: '2026-6-1' is not a date written YYYY-MM-DD"),
        (ColumnKind.DATE, "2026-06-31", "c: '2026-06-31' is not a day of the calendar"),
        (ColumnKind.TIMEZONE, "Chicago", "c: 'Chicago' is not a time zone such as America/Chicago"),
        (ColumnKind.EMAIL, "ann", "c: 'ann' is not a mail address such as ann@example.com"),
    ],
)
def test_a_wrong_cell_is_missing_and_its_line_has_a_reason(kind, text, reason):
    values, reasons = coerced(kind, "", text, "", text)

    assert values.isna().all()
    assert reasons.to_dict() == {6: reason, 8: reason}


def test_a_text_that_is_too_long_to_be_kept_is_wrong():
    values, reasons = coerced(ColumnKind.TEXT, "ab", "abc", length=2)

    assert values.isna().to_list() == [False, True]
    assert reasons.to_dict() == {6: "c: 'abc' is longer than 2 characters"}


@pytest.mark.parametrize(
    "text", ["Fifth\nAvenue", "Fifth \r\n\t Avenue", "Fifth  Avenue", "Fifth\u2028Avenue", "Fifth\xa0Avenue"]
)
def test_line_breaks_and_runs_of_white_space_in_a_text_are_one_space(text):
    values, reasons = coerced(ColumnKind.TEXT, "Fifth Avenue", text, "")

    assert values.to_list()[:2] == ["Fifth Avenue", "Fifth Avenue"]
    assert reasons.empty


@pytest.mark.parametrize("character", ["\0", "\x07", "\x1b", "\x7f", "\x9b"])
def test_a_text_with_another_control_character_is_wrong_and_shown_without_it(character):
    values, reasons = coerced(ColumnKind.TEXT, "ab", f"a{character}b")

    assert values.isna().to_list() == [False, True]
    assert reasons.to_dict() == {6: "c: 'a\ufffdb' holds a control character"}


def test_letters_of_all_alphabets_are_no_control_characters():
    values, _ = coerced(ColumnKind.TEXT, "Caf\u00e9 \u6771\u4eac")

    assert values.to_list() == ["Caf\u00e9 \u6771\u4eac"]


def test_a_long_value_is_cut_where_it_is_quoted():
    _, reasons = coerced(ColumnKind.INTEGER, "x" * 5000)

    assert len(reasons.iloc[0]) < 120


def test_a_number_beyond_all_bounds_is_left_to_the_bounds():
    values, reasons = coerced(ColumnKind.INTEGER, "9" * 30)

    assert values.iloc[0] > 10**15
    assert reasons.empty


def moments(zone, *texts):
    lines = range(2, 2 + len(texts))
    cells = pd.Series(texts, index=lines, dtype="str", name="requested_at")
    zones = pd.Series([zone] * len(texts), index=lines, dtype="str")
    return coerce_instants(cells, zones, FEEDS["requests"].column("requested_at"))


@pytest.mark.parametrize(
    ("text", "instant", "day"),
    [
        ("2026-06-01T23:30", "2026-06-02T04:30Z", date(2026, 6, 1)),
        ("2026-06-01 23:30:15.25", "2026-06-02T04:30:15Z", date(2026, 6, 1)),
        ("2026-06-02T03:00:00Z", "2026-06-02T03:00Z", date(2026, 6, 1)),
        ("2026-06-02T10:00+0200", "2026-06-02T08:00Z", date(2026, 6, 2)),
        ("2026-06-02T10:00-05:30", "2026-06-02T15:30Z", date(2026, 6, 2)),
        ("2026-06-01", "2026-06-01T17:00Z", date(2026, 6, 1)),
        ("2026-03-08T02:30", "2026-03-08T08:00Z", date(2026, 3, 8)),
        ("2026-11-01T01:30", "2026-11-01T06:30Z", date(2026, 11, 1)),
    ],
    ids=["local", "seconds", "UTC", "east", "west", "day", "hour skipped", "hour repeated"],
)
def test_a_moment_is_told_in_the_time_of_its_store(text, instant, day):
    told, reasons = moments("America/Chicago", text)

    assert told["instant"].iloc[0] == pd.Timestamp(instant)
    assert told["day"].iloc[0].date() == day
    assert reasons.empty


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "2026-06-01T25:00", "1/2/2026"])
def test_what_is_no_moment_is_wrong(text):
    told, reasons = moments("America/Chicago", "", text)

    assert told["instant"].isna().all()
    assert list(reasons.index) == [3]
    assert reasons.iloc[0].startswith(f"requested_at: '{text}' is not a date or moment")


@pytest.mark.parametrize(
    ("text", "outside"),
    [
        ("9999-12-31T23:59-12:00", "after"),
        ("9999-12-31T23:59", "after"),
        ("2100-01-01T00:00+99:59", "after"),
        ("0001-01-01T00:00+14:00", "before"),
        ("0001-01-01", "before"),
    ],
)
@pytest.mark.parametrize("zone", ["America/Chicago", "Pacific/Kiritimati"])
def test_a_moment_that_no_time_zone_can_tell_is_left_to_the_bounds(zone, text, outside):
    told, reasons = moments(zone, "2026-06-01", text)
    column = FEEDS["requests"].column("requested_at")

    least, most = (pd.Timestamp(bound, tz="UTC") for bound in (column.minimum, column.maximum))
    assert (told["instant"].iloc[1] > most) == (outside == "after")
    assert (told["instant"].iloc[1] < least) == (outside == "before")
    assert told["instant"].iloc[0] < most
    assert reasons.empty
