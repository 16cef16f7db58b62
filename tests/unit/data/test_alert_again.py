"""A night that looks at an alert several times counts once, and its last word counts."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal

from hypothesis import given, settings
from hypothesis import strategies as st

from data.records import Alert, Condition, Happening, Status
from tests.ground.findings import trunks_leave_early

Look = Literal["fires", "clears", "unknown"]

FIRST = date(2026, 6, 6)
NOW = datetime(2026, 6, 7, 4, tzinfo=UTC)
FINDING = trunks_leave_early()
LOOKS = st.sampled_from(["fires", "clears", "unknown"])


def found(*, status: Status = Status.PENDING) -> Alert:
    alert = Alert.found(FINDING, business_date=FIRST, now=NOW, enough=None)
    if status is not Status.PENDING:
        alert.status, alert.opened_on = status, FIRST
    return alert


def look(alert: Alert, what: Look, night: int, *, may_open: bool = True) -> None:
    on = FIRST + timedelta(days=night)
    if what == "fires":
        alert.fires(FINDING, business_date=on, now=NOW, may_open=may_open)
    elif what == "clears":
        alert.clears(business_date=on, now=NOW)
    else:
        alert.becomes_unknown(now=NOW, reason="feed_late")


@settings(deadline=None)
@given(st.lists(st.lists(LOOKS, min_size=1, max_size=4), max_size=6))
def test_the_last_word_of_each_night_counts_alone(nights: list[list[Look]]) -> None:
    often, once = found(status=Status.OPEN), found(status=Status.OPEN)
    for night, looks in enumerate(nights, start=1):
        for what in looks:
            look(often, what, night)
        words = [what for what in looks if what != "unknown"]
        for what in words[-1:]:
            look(once, what, night)
        if looks[-1] == "unknown":
            look(once, "unknown", night)

    assert (often.fired_nights, often.clear_nights) == (once.fired_nights, once.clear_nights)
    assert often.condition == once.condition


def test_late_figures_in_between_do_not_make_a_night_count_twice() -> None:
    alert = found(status=Status.OPEN)
    for what in ("clears", "unknown", "clears", "unknown", "clears"):
        look(alert, what, 1)

    assert (alert.status, alert.clear_nights) == (Status.OPEN, 1)


def test_what_the_first_look_missed_does_not_break_the_row_of_nights() -> None:
    alert = found()
    look(alert, "clears", 1)
    look(alert, "fires", 1)

    assert (alert.status, alert.fired_nights) == (Status.OPEN, 2)


def test_what_this_very_night_resolved_is_open_again_when_it_is_found_after_all() -> None:
    alert = found(status=Status.OPEN)
    look(alert, "clears", 1)
    look(alert, "clears", 2)
    assert alert.status is Status.RESOLVED

    look(alert, "fires", 2)

    assert (alert.status, alert.fired_nights, alert.closed_on) == (Status.OPEN, 1, None)
    assert alert.events[-1].reason == "found after all, on corrected figures"
    # It never went away, so this is no return that makes it harder to open next time.
    for night in (3, 4, 5):
        look(alert, "clears", night)
        look(alert, "fires", night)
    assert alert.enough(FINDING, NOW) == 2
    # A resolution of an earlier night stands until enough nights have found it again.
    look(alert, "clears", 6)
    look(alert, "clears", 7)
    look(alert, "fires", 8)
    assert (alert.status, alert.condition) == (Status.RESOLVED, Condition.FIRING)


def test_what_was_kept_back_for_want_of_room_opens_when_the_night_has_room_after_all() -> None:
    alert = found()
    look(alert, "fires", 1, may_open=False)
    assert alert.status is Status.PENDING
    assert alert.opens_next(FINDING, business_date=FIRST + timedelta(days=1), now=NOW)

    look(alert, "fires", 1)

    assert alert.status is Status.OPEN
    assert [event.what for event in alert.events].count(Happening.FIRES) == 2


def test_of_an_alert_whose_earlier_nights_nobody_kept_a_second_look_adds_none() -> None:
    alert = found(status=Status.OPEN)
    alert.fired_nights, alert.fired_before, alert.clear_before = 5, None, None

    look(alert, "fires", 0)

    assert alert.fired_nights == 5
