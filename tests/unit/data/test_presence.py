"""Weeks that no record names, and records that say nothing."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.facts.presence import known_weeks

AS_OF = date(2026, 6, 6)
FIRST = pd.Timestamp("2026-05-03")  # the first of five weeks
NOBODY_COUNTED = {
    "days_known": 0, "days_counted": 0, "days_available": 0.0, "days_stocked": 0.0, "closing": np.nan,
    "on_hand": np.nan, "days_held": 0,
}  # fmt: skip
GONE = {"sold": 0, "days_available": 0.0, "days_stocked": 0.0, "closing": 0.0, "on_hand": 0.0, "days_held": 0}
NOT_NAMED = NOBODY_COUNTED | {"days_counted": 7}
EMPTY_AT_CLOSE = {"closing": 0.0, "on_hand": 0.0}
BUSY = [{"sku": "Z", "week": number, "sold": 100} for number in range(5)]


def week(number, **changes):
    usual = {
        "store_id": "PHX", "sku": "A", "week": number, "sold": 3, "returned": 0, "revenue": np.nan,
        "priced_units": np.nan, "days_known": 7, "days_counted": 7, "days_available": 7.0,
        "days_stocked": 7.0, "days_sold_empty": 0, "closing": 1.0, "on_hand": 5.0, "days_held": 7,
        "sold_from": FIRST, "sold_to": pd.Timestamp(AS_OF),
    }  # fmt: skip
    return usual | changes


def known(*rows, as_of=AS_OF, others=()):
    """The known weeks of the first series named, by number."""
    facts = pd.DataFrame(
        [*rows, *(week(**({"number": other.pop("week")} | other)) for other in map(dict, others))]
    )
    facts = facts.assign(week=FIRST + pd.to_timedelta(7 * facts["week"], unit="D"), units=facts["sold"])
    days = dict.fromkeys(("week", "sold_from", "sold_to"), "datetime64[us]")
    found = known_weeks(facts.astype(days), as_of=as_of)
    named = found[(found["sku"] == rows[0]["sku"]) & (found["store_id"] == rows[0]["store_id"])]
    numbers = ((named["week"] - FIRST).dt.days // 7).rename("number")
    return named.set_index(numbers).sort_index()


def available(*rows, **options):
    """The share of its known days on which the series was there, by week."""
    found = known(*rows, **options)
    share = found["days_available"] / found["days_known"].where(found["days_known"] > 0)
    return share.where(found["stock_feed"], 1.0).fillna(0).to_dict()


# Before the launch.


def test_weeks_before_the_first_stock_are_no_weeks_of_the_series():
    found = known(week(0, **GONE), week(1, **GONE), week(2), week(3, **GONE))
    assert found.index.tolist() == [2, 3]


def test_a_sale_launches_a_series_whatever_its_books_say():
    assert known(week(0, **GONE), week(1, **(GONE | {"sold": 1})), week(2)).index.tolist() == [1, 2]


def test_what_came_back_where_it_never_sold_launches_nothing():
    back = NOBODY_COUNTED | {"sold": 0, "returned": 2}
    assert known(week(1, **back), others=BUSY).empty


def test_a_series_that_never_had_stock_or_a_sale_has_no_weeks():
    assert known(week(0, **GONE), week(1, **GONE), others=BUSY).empty


# Days that the store counted, and the item was not among what it counted.


def test_on_days_that_the_store_counted_without_the_item_it_was_not_there():
    left = {"days_known": 3, "days_counted": 7, "days_available": 3.0}
    found = known(week(0), week(1, **left))
    assert found.loc[1, ["days_known", "days_available"]].to_list() == [7, 3]


def test_on_days_on_which_the_store_counted_nothing_it_is_not_known_to_be_gone():
    late = {"days_known": 3, "days_counted": 3, "days_available": 3.0}
    assert known(week(0), week(1, **late)).loc[1, "days_known"] == 3


def test_a_week_that_the_store_counted_without_the_item_is_not_made_up():
    assert known(week(0), week(3), others=BUSY).index.tolist() == [0, 3]


# Weeks in which a store sold things and counted nothing.

UNCOUNTED = [row | ({"days_known": 0, "days_counted": 0} if row["week"] in {1, 2} else {}) for row in BUSY]


def test_uncounted_weeks_between_weeks_with_stock_are_weeks_with_stock():
    assert available(week(0), week(3), others=UNCOUNTED) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_an_uncounted_week_before_or_after_an_empty_shelf_is_left_out():
    assert available(week(0, **EMPTY_AT_CLOSE), week(3), others=UNCOUNTED) == {0: 1, 1: 0, 2: 0, 3: 1}
    assert available(week(0), week(3, **GONE), others=UNCOUNTED) == {0: 1, 1: 0, 2: 0, 3: 0}


def test_a_sale_shows_that_the_item_was_there_until_then():
    sold = week(2, **(NOBODY_COUNTED | {"sold": 1}))
    assert available(week(0), sold, week(3, **GONE), others=UNCOUNTED) == {0: 1, 1: 1, 2: 1, 3: 0}


def test_a_sale_does_not_fill_a_shelf_before_it_that_was_found_empty():
    sold = week(2, **(NOBODY_COUNTED | {"sold": 1}))
    found = known(week(0, **EMPTY_AT_CLOSE), sold, week(3), others=UNCOUNTED)
    assert found["days_known"].tolist() == [7, 0, 7, 7]


def test_sales_from_before_the_first_count_have_their_weeks_without_sales_too():
    early = [row | ({"days_known": 0, "days_counted": 0} if row["week"] < 3 else {}) for row in BUSY]
    assert available(week(0, **NOBODY_COUNTED), week(3), others=early) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_a_week_in_which_a_store_neither_sold_nor_counted_is_not_made_up():
    closed = [row for row in BUSY if row["week"] not in {1, 2}]
    assert known(week(0), week(3), others=closed).index.tolist() == [0, 3]
    assert known(week(0), week(3)).index.tolist() == [0, 3]


def test_one_series_does_not_lend_its_stock_to_the_next():
    other = [{"sku": "B", "week": 0} | GONE | {"sold": 1}, {"sku": "B", "week": 3}]
    found = known(week(0), week(3, **GONE), others=[*other, *UNCOUNTED])
    assert found["days_known"].to_dict() == {0: 7, 1: 0, 2: 0, 3: 7}
    back = week(1, **(NOBODY_COUNTED | {"sold": 0, "returned": 1}))
    found = known(week(0), back, others=[{"sku": "B", "week": 0}, *UNCOUNTED])
    assert found["days_known"].to_dict() == {0: 7, 1: 0}


# Series without books.


def blind(number, **changes):
    return week(number, **(NOBODY_COUNTED | changes))


def test_a_series_without_a_stock_feed_has_its_weeks_without_sales_too():
    found = known(blind(1), blind(4), others=BUSY)
    assert found["sold"].to_dict() == {1: 3, 2: 0, 3: 0, 4: 3}
    assert found["days"].tolist() == [7, 7, 7, 7]
    assert not found["stock_feed"].any()


def test_a_series_without_a_stock_feed_goes_on_to_the_week_that_has_not_ended():
    found = known(blind(3), as_of=date(2026, 6, 2))
    assert found["days"].to_dict() == {3: 7, 4: 3}


def test_books_out_of_which_more_weeks_sold_than_had_stock_are_not_believed():
    unbooked = GONE | {"sold": 2, "days_available": 0.5, "days_sold_empty": 1}
    assert not known(week(0), week(1, **unbooked), week(3, **unbooked))["stock_feed"].any()
    assert known(week(0), week(1, **unbooked), week(2))["stock_feed"].all()


def test_what_is_sold_out_at_the_end_of_every_week_has_books_all_the_same():
    by_week = GONE | {"sold": 2, "days_available": 3.5}
    assert known(week(0, **by_week), week(1, **by_week))["stock_feed"].all()


# Days of which the sales are known.


def days(*rows, **options):
    return known(*rows, **options)["days"].to_dict()


def test_a_week_in_which_a_busy_store_sold_nothing_tells_nothing():
    silent = [row | {"sold": 0 if row["week"] == 2 else 100} for row in BUSY]
    rows = [week(number, sold=0 if number == 2 else 3) for number in range(5)]
    assert days(*rows, others=silent) == {0: 7, 1: 7, 2: 0, 3: 7, 4: 7}


def test_a_week_in_which_a_quiet_store_sold_nothing_is_a_week_without_sales():
    assert days(*[week(number, sold=0 if number == 2 else 3) for number in range(5)])[2] == 7


def test_days_before_a_busy_store_s_first_sale_and_after_its_last_are_not_known():
    span = {"sold_from": FIRST + pd.Timedelta(days=2), "sold_to": FIRST + pd.Timedelta(days=22)}
    rows = [week(number, **span) for number in range(4)]
    busy = [row | span for row in BUSY[:4]]
    # Its last sale was on the second day of the fourth week; three days of silence are nothing unusual.
    assert days(*rows, others=busy) == {0: 5, 1: 7, 2: 7, 3: 5}


def test_of_a_series_nobody_counts_no_weeks_are_made_up_after_a_busy_store_fell_silent():
    span = {"sold_to": FIRST + pd.Timedelta(days=13)}
    assert days(blind(0, **span), others=[row | span for row in BUSY[:2]]) == {0: 7, 1: 7}


def test_another_store_s_silence_is_its_own():
    silent = [row | {"store_id": "SEA", "sold": 0 if row["week"] == 2 else 100} for row in BUSY]
    assert set(days(*[week(number) for number in range(5)], others=[*BUSY, *silent]).values()) == {7}


@pytest.mark.parametrize("column", ["series", "number"])
def test_what_is_only_for_reckoning_is_not_handed_on(column):
    assert column not in known(week(0))
