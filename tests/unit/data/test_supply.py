from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from data.facts import TABLES, FactsStore, Snapshot
from data.facts.store import write_rows
from data.facts.supply import arrivals, last_stocked, newest_days, stock_on, supply

# A Saturday; the week in which the day after lies begins on that day.
AS_OF, FIRST_WEEK = date(2026, 6, 6), date(2026, 6, 7)
PHX = {"store_id": "PHX", "sku": "A"}


@pytest.fixture
def facts(tmp_path):
    """A snapshot of a few facts, rows of several tables."""

    def of(*records):
        uri = str(tmp_path / str(len(list(tmp_path.iterdir()))))
        FactsStore(uri, None).prepare()
        tables = {table for table, _ in records}
        for name in tables:
            rows = pd.DataFrame([row for table, row in records if table == name])
            write_rows(uri, TABLES[name], rows, run_id=1, mode="overwrite")
        return Snapshot(uri, dict.fromkeys(tables, 1))

    return of


def count(day, on_hand=None, in_transit=None, in_stock=None, period="day", **changes):
    row = PHX | {"business_date": pd.Timestamp(day), "month": str(day)[:7], "period": period}
    return "stock", row | {"on_hand": on_hand, "in_transit": in_transit, "in_stock": in_stock} | changes


def sale(day, units, period="day", **changes):
    row = PHX | {"business_date": pd.Timestamp(day), "month": str(day)[:7], "period": period}
    return "sales", row | {"units": units} | changes


def order(expected, units, number=None, received=None, load=1, **changes):
    row = PHX | {"expected_date": pd.Timestamp(expected), "month": str(expected)[:7], "units": units}
    return "receipts", row | {
        "received_date": pd.Timestamp(received), "order_number": number, "loaded_by": load,
    } | changes  # fmt: skip


def held(snapshot, as_of=AS_OF):
    """{(store, sku): (on_hand, in_transit)}."""
    rows = stock_on(snapshot, as_of=as_of).itertuples()
    return {(row.store_id, row.sku): (row.on_hand, row.in_transit) for row in rows}


def by_week(frame):
    """{first day of the week: units} of the Phoenix trunks."""
    chosen = frame[(frame["store_id"] == "PHX") & (frame["sku"] == "A")]
    return dict(zip(chosen["week"].dt.strftime("%Y-%m-%d"), chosen["units"], strict=True))


def coming(snapshot, as_of=AS_OF):
    return by_week(arrivals(snapshot, as_of=as_of, first_week=FIRST_WEEK))


# What a store has.


def test_a_store_s_newest_count_says_what_it_has(facts):
    snapshot = facts(count("2026-06-04", 9), count("2026-06-05", 7, 2))
    assert held(snapshot) == {("PHX", "A"): (7, 2)}


def test_a_series_that_is_missing_from_its_store_s_newest_count_has_no_stock(facts):
    snapshot = facts(count("2026-06-05", 9), count("2026-06-05", 4, sku="B"), count("2026-06-06", 4, sku="B"))
    assert held(snapshot) == {("PHX", "B"): (4, 0)}


def test_a_recount_of_a_few_shelves_corrects_them_and_leaves_the_others_as_they_were(facts):
    whole = [count("2026-06-04", 5, sku=sku) for sku in "ABCDE"]
    snapshot = facts(*whole, count("2026-06-05", 1, sku="A"))
    assert held(snapshot) == {("PHX", "A"): (1, 0)} | {("PHX", sku): (5, 0) for sku in "BCDE"}


def test_a_count_too_old_to_say_anything_is_not_looked_for(facts):
    assert held(facts(count("2026-04-01", 5))) == {}


def test_each_store_has_its_own_newest_count(facts):
    snapshot = facts(count("2026-06-06", 9), count("2026-06-03", 4, store_id="SEA"))
    assert held(snapshot) == {("PHX", "A"): (9, 0), ("SEA", "A"): (4, 0)}
    counted = stock_on(snapshot, as_of=AS_OF).set_index("store_id")["counted_on"]
    assert counted.to_dict() == {"PHX": pd.Timestamp("2026-06-06"), "SEA": pd.Timestamp("2026-06-03")}


def test_counts_after_the_business_date_are_not_known_yet(facts):
    snapshot = facts(count("2026-06-05", 9), count("2026-06-06", 1))
    assert held(snapshot, as_of=date(2026, 6, 5)) == {("PHX", "A"): (9, 0)}


def test_negative_counts_are_no_stock(facts):
    assert held(facts(count("2026-06-06", -3, -1))) == {("PHX", "A"): (0, 0)}


def test_a_weekly_count_is_that_of_its_last_day_and_known_then(facts):
    snapshot = facts(count("2026-05-24", 9, period="week"), count("2026-05-31", 4, period="week"))
    assert held(snapshot, as_of=date(2026, 6, 5)) == {("PHX", "A"): (9, 0)}
    assert held(snapshot) == {("PHX", "A"): (4, 0)}
    assert stock_on(snapshot, as_of=AS_OF)["counted_on"].tolist() == [pd.Timestamp("2026-06-06")]


def test_shares_in_stock_without_a_count_leave_the_last_count_standing(facts):
    snapshot = facts(count("2026-05-24", 9, period="week"), count("2026-05-31", in_stock=1.0, period="week"))
    assert held(snapshot) == {("PHX", "A"): (9, 0)}


def test_a_weekly_count_is_newer_than_the_daily_ones_inside_its_week(facts):
    snapshot = facts(count("2026-05-31", 4, period="week"), count("2026-06-02", 8))
    assert held(snapshot) == {("PHX", "A"): (4, 0)}
    assert held(snapshot, as_of=date(2026, 6, 5)) == {("PHX", "A"): (8, 0)}


def test_a_weekly_and_a_daily_count_of_one_day_are_one_stock(facts):
    snapshot = facts(count("2026-05-31", 4, 3, period="week"), count("2026-06-06", 4, 3))
    assert stock_on(snapshot, as_of=AS_OF)[["on_hand", "in_transit"]].to_numpy().tolist() == [[4, 3]]


def test_a_series_was_last_stocked_when_it_had_stock_or_sold(facts):
    snapshot = facts(
        count("2026-06-01", 5),
        count("2026-06-03", 0),
        sale("2026-06-02", 1, sku="B"),
        sale("2026-06-04", -1, sku="B"),
        count("2026-06-02", in_stock=0.2, sku="C"),
        count("2026-06-05", in_stock=0.0, sku="C"),
        count("2026-06-07", 5, sku="D"),
    )
    last = last_stocked(snapshot, as_of=AS_OF).set_index("sku")["last_stocked"].dt.strftime("%Y-%m-%d")
    assert last.to_dict() == {"A": "2026-06-01", "B": "2026-06-02", "C": "2026-06-02"}


def test_the_newest_day_of_each_store_s_feeds_is_told(facts):
    snapshot = facts(
        sale("2026-06-01", 1),
        sale("2026-06-05", 1),
        sale("2026-06-07", 1),
        count("2026-05-31", 1, period="week"),
        count("2026-06-03", 1, store_id="SEA"),
    )
    rows = newest_days(snapshot, as_of=AS_OF).itertuples()
    assert {(row.store_id, row.feed): str(row.newest.date()) for row in rows} == {
        ("PHX", "sales"): "2026-06-05",
        ("PHX", "stock"): "2026-06-06",
        ("SEA", "stock"): "2026-06-03",
    }


def test_the_longest_silence_of_a_year_is_told_with_the_newest_day(facts):
    snapshot = facts(
        sale("2025-01-01", 1),
        sale("2026-05-01", 1),
        sale("2026-05-04", 1),
        sale("2026-05-24", 1),
        sale("2026-06-05", 1),
        count("2026-06-06", 1),
    )
    rows = newest_days(snapshot, as_of=AS_OF).itertuples()
    # The silence that ended a year ago and more lies before the oldest day that counts, but it ended in May.
    assert {row.feed: row.longest_gap for row in rows} == {"sales": 485, "stock": 0}


# What is on its way.


def test_receipts_to_come_are_summed_by_the_week_they_arrive_in(facts):
    snapshot = facts(
        order("2026-06-07", 1), order("2026-06-13", 2), order("2026-06-14", 4), order("2026-07-01", 8)
    )
    assert coming(snapshot) == {"2026-06-07": 3, "2026-06-14": 4, "2026-06-28": 8}


def test_an_order_loaded_twice_counts_as_it_was_loaded_last(facts):
    snapshot = facts(order("2026-06-10", 12, "7"), order("2026-06-17", 10, "7", load=2))
    assert coming(snapshot) == {"2026-06-14": 10}


def test_an_order_cancelled_by_a_later_load_is_gone(facts):
    assert coming(facts(order("2026-06-10", 12, "7"), order("2026-06-11", 0, "7", load=2))) == {}


def test_an_order_in_two_parts_of_one_load_counts_both(facts):
    assert coming(facts(order("2026-06-10", 12, "7"), order("2026-06-17", 10, "7"))) == {
        "2026-06-07": 12,
        "2026-06-14": 10,
    }


def test_a_later_load_of_an_order_leaves_its_other_skus_and_stores_as_they_were(facts):
    snapshot = facts(
        order("2026-06-10", 12, "7"),
        order("2026-06-17", 3, "7", load=2, sku="B"),
        order("2026-06-17", 3, "7", load=2, store_id="SEA"),
    )
    assert coming(snapshot) == {"2026-06-07": 12}


def test_orders_without_a_number_do_not_take_each_other_s_place(facts):
    assert coming(facts(order("2026-06-10", 12), order("2026-06-17", 10, load=2))) == {
        "2026-06-07": 12,
        "2026-06-14": 10,
    }


def test_what_was_received_is_no_longer_on_its_way(facts):
    assert coming(facts(order("2026-06-10", 12, received="2026-06-06"))) == {}


def test_what_was_received_after_the_business_date_was_still_on_its_way(facts):
    assert coming(facts(order("2026-06-10", 12, received="2026-06-09"))) == {"2026-06-07": 12}


def test_what_is_overdue_is_expected_in_the_first_week(facts):
    assert coming(facts(order("2026-06-01", 12), order("2026-05-17", 5))) == {"2026-06-07": 17}


def test_what_is_three_weeks_overdue_is_not_expected_any_more(facts):
    assert coming(facts(order("2026-05-16", 12))) == {}


def test_nothing_on_order_gives_no_rows(facts):
    assert coming(facts()) == {}


# Stock and arrivals together.


def stock(on_hand, in_transit, **changes):
    return pd.DataFrame([PHX | {"on_hand": on_hand, "in_transit": in_transit} | changes])


def arriving(**units):
    weeks = {"first": "2026-06-07", "second": "2026-06-14", "third": "2026-06-21"}
    rows = [PHX | {"week": pd.Timestamp(weeks[name]), "units": number} for name, number in units.items()]
    frame = pd.DataFrame(rows, columns=["store_id", "sku", "week", "units"])
    return frame.astype({"week": "datetime64[us]", "units": "int64"})


def supplied(on_hand, in_transit, **units):
    return by_week(supply(stock(on_hand, in_transit), arriving(**units), first_week=FIRST_WEEK))


def test_stock_is_there_at_once_and_arrivals_in_their_weeks():
    assert supplied(5, 0, first=2, third=7) == {"2026-06-07": 7, "2026-06-21": 7}


def test_in_transit_units_that_no_receipt_explains_arrive_in_the_second_week():
    assert supplied(5, 10) == {"2026-06-07": 5, "2026-06-14": 10}


def test_in_transit_units_are_not_counted_twice_when_receipts_tell_of_them():
    assert supplied(5, 10, third=10) == {"2026-06-07": 5, "2026-06-21": 10}
    assert supplied(5, 10, first=4) == {"2026-06-07": 9, "2026-06-14": 6}
    assert supplied(5, 10, third=25) == {"2026-06-07": 5, "2026-06-21": 25}


def test_weeks_in_which_nothing_comes_have_no_row():
    assert supplied(0, 0) == {}


def test_receipts_of_a_store_explain_nothing_of_another_s_transit():
    both = pd.concat([stock(1, 10), stock(1, 10, store_id="SEA")])
    found = supply(both, arriving(third=10), first_week=FIRST_WEEK)
    assert by_week(found) == {"2026-06-07": 1, "2026-06-21": 10}
    seattle = found[found["store_id"] == "SEA"]
    assert seattle["units"].tolist() == [1, 10]


def test_receipts_for_a_series_that_was_never_counted_are_supply_too():
    found = supply(stock(5, 0, sku="B"), arriving(second=3), first_week=FIRST_WEEK)
    assert by_week(found) == {"2026-06-14": 3}


def test_stock_and_arrivals_of_the_facts_fit_together(facts):
    snapshot = facts(count("2026-06-06", 5, 12), order("2026-06-18", 12, "7"))
    held_now = stock_on(snapshot, as_of=AS_OF)
    open_orders = arrivals(snapshot, as_of=AS_OF, first_week=FIRST_WEEK)
    found = supply(held_now, open_orders, first_week=FIRST_WEEK)
    assert by_week(found) == {"2026-06-07": 5, "2026-06-14": 12}
