"""The clock: standing still or running, and which business dates are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
import time_machine

from data.clock import Clock
from data.settings import load_settings

NEW_YORK, LOS_ANGELES, TOKYO = "America/New_York", "America/Los_Angeles", "Asia/Tokyo"


@pytest.fixture
def clock(settings):
    del settings  # it makes the environment that load_settings reads
    return lambda **changes: Clock(load_settings(**changes))


def test_a_clock_that_stands_still_shows_noon_of_its_date_in_the_chains_time_zone(clock):
    still = clock(today=date(2026, 6, 14), timezone=NEW_YORK)

    assert still.now() == datetime(2026, 6, 14, 16, tzinfo=UTC)
    assert still.now().tzinfo is UTC


def test_on_a_clock_that_stands_still_the_day_before_is_the_last_one_closed(clock):
    assert clock(today=date(2026, 6, 14)).last_closed_date([None]) == date(2026, 6, 13)


@time_machine.travel("2026-06-14T05:00:00Z", tick=False)
def test_a_running_clock_shows_the_machines_time_in_utc(clock):
    assert clock().now() == datetime(2026, 6, 14, 5, tzinfo=UTC)


def test_a_day_closes_when_its_westernmost_store_has_closed(clock):
    closing = clock().last_closing(date(2026, 6, 13), [NEW_YORK, LOS_ANGELES])

    assert closing == datetime(2026, 6, 14, 6, tzinfo=UTC)


def test_a_store_without_a_time_zone_keeps_the_chains(clock):
    closing = clock(timezone=LOS_ANGELES).last_closing(date(2026, 6, 13), [NEW_YORK, None])

    assert closing == datetime(2026, 6, 14, 6, tzinfo=UTC)


def test_a_chain_without_stores_keeps_its_own_time_zone(clock):
    assert clock(timezone=NEW_YORK).last_closing(date(2026, 6, 13), []) == datetime(
        2026, 6, 14, 3, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("instant", "zones", "closed"),
    [
        ("2026-06-14T05:59:59Z", [NEW_YORK, LOS_ANGELES], date(2026, 6, 12)),
        ("2026-06-14T06:00:00Z", [NEW_YORK, LOS_ANGELES], date(2026, 6, 13)),
        ("2026-06-14T14:00:00Z", [TOKYO], date(2026, 6, 14)),
        ("2026-06-14T09:00:00Z", ["Pacific/Kiritimati"], date(2026, 6, 14)),
        ("2026-06-14T08:59:59Z", ["Pacific/Kiritimati"], date(2026, 6, 13)),
        # Clocks go back an hour on 1 November 2026: the evening's closing moves in UTC.
        ("2026-11-02T04:00:00Z", [NEW_YORK], date(2026, 11, 1)),
        ("2026-11-02T03:59:59Z", [NEW_YORK], date(2026, 10, 31)),
    ],
)
def test_the_last_closed_date_is_the_newest_on_which_every_store_has_closed(clock, instant, zones, closed):
    with time_machine.travel(instant, tick=False):
        assert clock().last_closed_date(zones) == closed


def test_a_closing_time_after_midnight_is_one_of_the_next_morning(clock):
    late = clock(timezone=NEW_YORK, closing_time=time(2, 0))

    assert late.last_closing(date(2026, 6, 13), [None]) == datetime(2026, 6, 14, 6, tzinfo=UTC)
    with time_machine.travel("2026-06-14T05:59:59Z", tick=False):
        assert late.last_closed_date([None]) == date(2026, 6, 12)
    with time_machine.travel("2026-06-14T06:00:00Z", tick=False):
        assert late.last_closed_date([None]) == date(2026, 6, 13)


def test_midnight_is_the_end_of_the_day_and_noon_is_within_it(clock):
    midnight, noon = (clock(timezone=NEW_YORK, closing_time=time(hour)) for hour in (0, 12))

    assert midnight.last_closing(date(2026, 6, 13), []) == datetime(2026, 6, 14, 4, tzinfo=UTC)
    assert noon.last_closing(date(2026, 6, 13), []) == datetime(2026, 6, 13, 16, tzinfo=UTC)
