"""The life of an alert, cell by cell: what each happening makes of each status, or what refuses it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from data.records.alert_life import (
    FIRINGS_TO_OPEN,
    FIRINGS_WHEN_FLAPPING,
    LIVE,
    REOPENS_WITHIN,
    TABLE,
    Condition,
    Happening,
    Life,
    Refused,
    Status,
    after,
    firings_needed,
    is_worse,
)
from tests.ground.services import REPOSITORY

PENDING, OPEN, TAKEN, ASLEEP = "pending", "open", "acknowledged", "snoozed"
RESOLVED, DISMISSED, EXPIRED = "resolved", "dismissed", "expired"
NO = "refused"

# What becomes of each status when the happening is enough by itself; undo goes back to `pending` here.
EXPECTED = {
    #                   pending    open       acknowl.   snoozed    resolved   dismissed  expired
    "fires":           (OPEN,      OPEN,      TAKEN,     ASLEEP,    RESOLVED,  DISMISSED, NO),
    "clears":          (RESOLVED,  RESOLVED,  RESOLVED,  RESOLVED,  RESOLVED,  DISMISSED, NO),
    "becomes_unknown": (PENDING,   OPEN,      TAKEN,     ASLEEP,    RESOLVED,  DISMISSED, NO),
    "season_ends":     (EXPIRED,   EXPIRED,   EXPIRED,   EXPIRED,   RESOLVED,  DISMISSED, NO),
    "wake":            (NO,        NO,        NO,        OPEN,      NO,        NO,        NO),
    "ack_expires":     (NO,        NO,        OPEN,      NO,        NO,        NO,        NO),
    "reopen":          (NO,        NO,        OPEN,      OPEN,      OPEN,      OPEN,      NO),
    "acknowledge":     (TAKEN,     TAKEN,     NO,        TAKEN,     NO,        NO,        NO),
    "snooze":          (ASLEEP,    ASLEEP,    ASLEEP,    ASLEEP,    NO,        NO,        NO),
    "dismiss":         (DISMISSED, DISMISSED, DISMISSED, DISMISSED, NO,        NO,        NO),
    "undo":            (NO,        NO,        PENDING,   PENDING,   NO,        PENDING,   NO),
    "decide":          (PENDING,   OPEN,      TAKEN,     ASLEEP,    RESOLVED,  DISMISSED, EXPIRED),
}  # fmt: skip
CELLS = [
    (Status(status), Happening(what), expected)
    for what, row in EXPECTED.items()
    for status, expected in zip(Status, row, strict=True)
]
SEES = {
    Happening.FIRES: Condition.FIRING,
    Happening.CLEARS: Condition.CLEAR,
    Happening.BECOMES_UNKNOWN: Condition.UNKNOWN,
    Happening.SEASON_ENDS: Condition.CLEAR,
}


def lived(status: Status, condition: Condition = Condition.FIRING, fired: int = 1, clear: int = 0) -> Life:
    return Life(status, condition, fired, clear)


def went(life: Life, what: Happening, **options: object) -> Life:
    then = after(life, what, **options)
    assert isinstance(then, Life), then
    return then


def test_the_table_has_a_cell_for_everything_that_can_happen_in_every_status() -> None:
    assert {(s, w) for s, row in TABLE.items() for w in row} == set(product(Status, Happening))
    assert {(s, w) for s, w, _ in CELLS} == set(product(Status, Happening))


def test_the_documented_table_is_the_one_that_holds() -> None:
    page = (REPOSITORY / "docs" / "explanation" / "life-of-an-alert.md").read_text()
    rows = [line.strip("| ").split(" | ") for line in page.splitlines() if line.startswith("| ")]
    told = [[cell.replace(", on the 2nd night", "") for cell in row[1:]] for row in rows[1:]]
    assert told == [
        ["as before" if what == "undo" and cell == PENDING else cell for cell in row]
        for what, row in EXPECTED.items()
        if what != "decide"
    ]


@pytest.mark.parametrize(("status", "what", "expected"), CELLS, ids=str)
def test_each_cell_goes_where_it_should_or_refuses_with_a_sentence(
    status: Status, what: Happening, expected: str
) -> None:
    then = after(lived(status), what, back_to=Status.PENDING)
    if expected == NO:
        assert isinstance(then, Refused)
        assert then.sentence[0].isupper()
        assert then.sentence.endswith(".")
        assert len(then.sentence.split()) > 3
    else:
        assert isinstance(then, Life)
        assert then.status == expected
        assert then.condition is SEES.get(what, Condition.FIRING)


def test_what_only_people_do_leaves_what_the_machine_sees_alone() -> None:
    for status, what in product(LIVE, (Happening.ACKNOWLEDGE, Happening.SNOOZE, Happening.DISMISS)):
        for condition in Condition:
            then = after(lived(status, condition, 3, 1), what)
            assert isinstance(then, Refused) or replace(then, status=status) == lived(status, condition, 3, 1)


def test_it_opens_only_when_so_many_nights_in_a_row_have_found_it() -> None:
    first = went(lived(Status.PENDING, fired=0), Happening.FIRES, enough=2)
    assert (first.status, first.fired_nights) == (Status.PENDING, 1)
    assert went(first, Happening.FIRES, enough=2).status is Status.OPEN


def test_a_night_without_it_begins_the_count_anew() -> None:
    missed = went(lived(Status.PENDING, fired=1), Happening.CLEARS, enough=2)
    assert (missed.status, missed.fired_nights, missed.clear_nights) == (Status.PENDING, 0, 1)
    again = went(missed, Happening.FIRES, enough=2)
    assert (again.status, again.fired_nights, again.clear_nights) == (Status.PENDING, 1, 0)


def test_however_often_it_fires_it_may_be_kept_back() -> None:
    kept = went(lived(Status.PENDING, fired=9), Happening.FIRES, enough=None)
    assert (kept.status, kept.fired_nights) == (Status.PENDING, 10)


@pytest.mark.parametrize("status", LIVE)
def test_it_is_resolved_by_two_clear_nights_and_not_by_one(status: Status) -> None:
    once = went(lived(status), Happening.CLEARS, enough=2)
    assert (once.status, once.condition) == (status, Condition.CLEAR)
    assert went(once, Happening.CLEARS, enough=2).status is Status.RESOLVED


@pytest.mark.parametrize("status", LIVE)
def test_missing_figures_prove_nothing_between_two_nights(status: Status) -> None:
    once = went(lived(status), Happening.CLEARS, enough=2)
    dark = went(once, Happening.BECOMES_UNKNOWN)
    assert (dark.status, dark.clear_nights, dark.fired_nights) == (status, 1, 0)
    fired = went(lived(Status.PENDING, fired=1), Happening.BECOMES_UNKNOWN)
    assert went(fired, Happening.FIRES, enough=2).status is Status.OPEN


@pytest.mark.parametrize("what", [Happening.SEASON_ENDS, Happening.WAKE, Happening.ACK_EXPIRES])
@pytest.mark.parametrize("status", LIVE)
def test_nothing_changes_by_itself_while_the_figures_are_late(status: Status, what: Happening) -> None:
    assert isinstance(after(lived(status, Condition.UNKNOWN), what), Refused)


@pytest.mark.parametrize("what", [Happening.ACKNOWLEDGE, Happening.SNOOZE, Happening.DISMISS])
def test_people_may_act_while_the_figures_are_late(what: Happening) -> None:
    assert went(lived(Status.OPEN, Condition.UNKNOWN), what).status is not Status.OPEN


def test_without_a_change_before_there_is_nothing_to_take_back() -> None:
    assert isinstance(after(lived(Status.SNOOZED), Happening.UNDO), Refused)


def test_what_runs_out_needs_one_night_what_flaps_needs_a_week() -> None:
    assert firings_needed(is_out_of_stock=True, reopenings=0) == 1
    assert firings_needed(is_out_of_stock=False, reopenings=1) == FIRINGS_TO_OPEN == 2
    assert firings_needed(is_out_of_stock=True, reopenings=2) == FIRINGS_WHEN_FLAPPING == 7


def test_a_return_is_the_same_alert_for_fourteen_days() -> None:
    assert timedelta(days=14) == REOPENS_WITHIN


@pytest.mark.parametrize(
    ("units", "baseline", "worse"),
    [(10, 10, False), (12.4, 10, False), (13, 10, True), (2, 0, False), (3, 0, True), (124, 100, False)],
)
def test_worse_is_a_quarter_more_and_three_units_at_least(units: float, baseline: float, worse: bool) -> None:
    assert is_worse(units, baseline) is worse
