"""Weekly facts: what the days and lines of a week say."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.facts import TABLES, FactsStore, Snapshot
from data.facts.store import write_rows
from data.facts.weekly import weekly_facts
from data.settings import Weekday

SUNDAY, SATURDAY = date(2026, 5, 31), date(2026, 6, 6)
MAY_24, MAY_31 = pd.Timestamp("2026-05-24"), pd.Timestamp("2026-05-31")


@pytest.fixture
def weekly(tmp_path):
    """The weekly facts of a few sales and stock records."""

    def of(*records, as_of=SATURDAY, first_week=SUNDAY, week_starts_on=Weekday.SUNDAY, minimums=()):
        uri = str(tmp_path / str(len(list(tmp_path.iterdir()))))
        FactsStore(uri, None).prepare()
        for name in ("sales", "stock"):
            rows = pd.DataFrame([row for table, row in records if table == name])
            if len(rows):
                write_rows(uri, TABLES[name], rows, run_id=1, mode="overwrite")
        versions = {name: int(any(table == name for table, _ in records)) for name in ("sales", "stock")}
        return weekly_facts(
            Snapshot(uri, versions),
            first_week=first_week,
            as_of=as_of,
            week_starts_on=week_starts_on,
            minimums=minimums,
        )

    return of


def sale(day, units, price=None, period="day", **changes):
    row = {"store_id": "PHX", "sku": "A", "business_date": pd.Timestamp(day), "units": units}
    return "sales", row | {"unit_price": price, "period": period, "month": str(day)[:7]} | changes


def returned(day, units, price=None, sold_on=None, **changes):
    return sale(day, -units, price, sold_on=pd.Timestamp(sold_on), **changes)


def count(day, on_hand=None, in_stock=None, period="day", **changes):
    row = {"store_id": "PHX", "sku": "A", "business_date": pd.Timestamp(day), "on_hand": on_hand}
    return "stock", row | {"in_stock": in_stock, "period": period, "month": str(day)[:7]} | changes


def only(frame):
    [row] = frame.to_dict("records")
    return row


# What was there.


def test_a_day_that_closed_with_stock_was_available(weekly):
    row = only(weekly(count("2026-06-01", 3), count("2026-06-02", 1), sale("2026-06-02", 2)))
    assert (row["days_known"], row["days_available"], row["sold"]) == (2, 2, 2)


def test_a_day_that_ended_sold_out_after_selling_counts_half(weekly):
    row = only(weekly(count("2026-06-01", 0), sale("2026-06-01", 4), count("2026-06-02", 0)))
    assert (row["days_known"], row["days_available"], row["days_stocked"]) == (2, 0.5, 0)


def test_a_return_to_an_empty_shelf_does_not_make_the_day_half_available(weekly):
    row = only(weekly(count("2026-06-01", 0), sale("2026-06-01", -1)))
    assert row["days_available"] == 0


def test_negative_stock_on_the_books_is_no_stock(weekly):
    assert only(weekly(count("2026-06-01", -2)))["days_available"] == 0


def test_a_share_in_stock_counts_for_its_day(weekly):
    assert only(weekly(count("2026-06-01", None, 0.25)))["days_available"] == 0.25


def test_a_weekly_share_in_stock_counts_for_its_seven_days(weekly):
    row = only(weekly(count("2026-05-31", None, 0.5, period="week"), sale("2026-05-31", 6, period="week")))
    assert (row["days_known"], row["days_available"], row["days_stocked"], row["sold"]) == (7, 3.5, 3.5, 6)


@pytest.mark.parametrize("flag", [0.0, 1.0])
def test_a_weekly_flag_is_a_whole_week_or_none(weekly, flag):
    row = only(weekly(count("2026-05-31", None, flag, period="week")))
    assert (row["days_known"], row["days_available"], row["closing"]) == (7, 7 * flag, flag)


def test_a_weekly_count_with_stock_is_a_week_available(weekly):
    assert only(weekly(count("2026-05-31", 4, period="week")))["days_available"] == 7


def test_a_weekly_record_is_known_only_when_its_week_is_over(weekly):
    records = (count("2026-05-31", 5, period="week"), sale("2026-05-31", 6, period="week"))
    assert weekly(*records, as_of=date(2026, 6, 5)).empty
    assert only(weekly(*records, as_of=SATURDAY))["sold"] == 6


def test_days_after_the_business_date_and_before_the_first_week_are_not_seen(weekly):
    days = ("2026-05-30", "2026-05-31", "2026-06-04", "2026-06-05")
    found = weekly(*(sale(day, 1) for day in days), as_of=date(2026, 6, 4))
    assert only(found)["sold"] == 2


def test_the_first_week_is_a_whole_one_whatever_day_is_named(weekly):
    assert only(weekly(sale("2026-05-31", 1), first_week=date(2026, 6, 3)))["sold"] == 1


def test_sales_of_a_series_that_no_stock_record_tells_of_are_kept(weekly):
    found = weekly(count("2026-06-01", 3), sale("2026-06-01", 2, sku="B")).set_index("sku")
    assert found["days_known"].to_dict() == {"A": 1, "B": 0}
    assert found["sold"].to_dict() == {"A": 0, "B": 2}


def test_series_of_two_stores_are_kept_apart(weekly):
    found = weekly(count("2026-06-01", 3), sale("2026-06-01", 2, store_id="SEA")).set_index("store_id")
    assert found["sold"].to_dict() == {"PHX": 0, "SEA": 2}


@pytest.mark.parametrize(
    ("first", "weeks"),
    [
        (Weekday.SUNDAY, ["2026-05-31", "2026-06-07"]),
        (Weekday.MONDAY, ["2026-06-01"]),
        (Weekday.FRIDAY, ["2026-06-05"]),
    ],
)
def test_weeks_start_on_the_chain_s_weekday(weekly, first, weeks):
    found = weekly(sale("2026-06-06", 1), sale("2026-06-07", 1), as_of=date(2026, 6, 7), week_starts_on=first)
    assert sorted(found["week"].dt.strftime("%Y-%m-%d")) == weeks
    assert found["sold"].sum() == 2


def test_weekly_sales_beside_daily_stock_make_one_week(weekly):
    days = pd.date_range("2026-05-31", "2026-06-06")
    records = [count(day.date(), 5 if day.day != 6 else 0) for day in days]
    row = only(weekly(*records, sale("2026-05-31", 9, period="week")))
    assert (row["sold"], row["days_known"], row["days_available"]) == (9, 7, 6)


def test_daily_sales_beside_weekly_stock_make_one_week(weekly):
    row = only(
        weekly(count("2026-05-31", None, 1.0, period="week"), sale("2026-06-02", 2), sale("2026-06-05", 3))
    )
    assert (row["sold"], row["days_known"], row["days_available"]) == (5, 7, 7)


def test_a_week_known_by_the_week_and_by_the_day_has_seven_days_all_the_same(weekly):
    records = [count("2026-05-31", 5, period="week"), count("2026-06-03", 0), count("2026-06-04", 4)]
    row = only(weekly(*records))
    assert row["days_known"] == 7
    assert row["days_available"] == pytest.approx(7 * 8 / 9)
    assert row["days_stocked"] == pytest.approx(7 * 8 / 9)


def test_a_week_sold_by_the_week_is_not_sold_again_by_its_days(weekly):
    days = [sale(f"2026-06-0{day}", 1) for day in (1, 2, 3)]
    assert only(weekly(sale("2026-05-31", 6, period="week"), *days))["sold"] == 6
    before = sale("2026-05-24", 6, period="week")
    found = weekly(before, *days, first_week=date(2026, 5, 24)).set_index("week")["sold"]
    assert found.to_dict() == {MAY_24: 6, MAY_31: 3}


def test_a_weekly_and_a_daily_count_of_one_day_do_not_double_what_was_sold(weekly):
    row = only(weekly(count("2026-05-31", 5, period="week"), count("2026-05-31", 4), sale("2026-05-31", 3)))
    assert (row["sold"], row["days_known"], row["days_available"]) == (3, 7, 7)


def test_a_week_s_sales_say_nothing_about_the_hour_at_which_its_first_day_sold_out(weekly):
    row = only(weekly(count("2026-05-31", 0), sale("2026-05-31", 3, period="week")))
    assert row["days_available"] == 0


def test_stock_of_a_week_is_that_of_its_last_count(weekly):
    records = [count("2026-06-03", 7), count("2026-06-01", 9), sale("2026-06-04", 1)]
    assert only(weekly(*records))["on_hand"] == 7
    assert np.isnan(only(weekly(sale("2026-06-04", 1), count("2026-06-05", None, 1.0)))["on_hand"])


@pytest.mark.parametrize("on_hand", [-10_000_000, -1, 0, 1, 10_000_000])
def test_every_count_that_a_feed_may_hold_is_read_as_it_was_written(weekly, on_hand):
    assert only(weekly(count("2026-06-06", on_hand), count("2026-05-31", 3)))["on_hand"] == on_hand


def test_a_weekly_count_is_that_of_the_week_s_last_day(weekly):
    records = [count("2026-05-31", 5, period="week"), count("2026-06-05", 2)]
    row = only(weekly(*records))
    assert (row["on_hand"], row["closing"]) == (5, 1)


@pytest.mark.parametrize(
    ("records", "closing"),
    [
        ([count("2026-06-01", 0), count("2026-06-06", 2)], 1),
        ([count("2026-06-01", 2), count("2026-06-06", 0)], 0),
        ([count("2026-06-06", None, 0.25), count("2026-06-01", 4)], 0.25),
        ([count("2026-06-06", -1)], 0),
    ],
)
def test_the_week_closes_as_its_last_record_says(weekly, records, closing):
    assert only(weekly(*records))["closing"] == closing


def test_a_week_without_stock_records_does_not_close_either_way(weekly):
    assert np.isnan(only(weekly(sale("2026-06-04", 1)))["closing"])


def test_stock_against_presentation_minimums_is_summed_over_the_days_with_stock(weekly):
    counts = [count("2026-06-01", 4), count("2026-06-02", 1), count("2026-06-03", 0), count("2026-06-04", -3)]
    row = only(weekly(*counts, minimums=(3, 2)))
    assert (row["days_held"], row["shown_2"], row["shown_3"]) == (2, 2 + 1, 3 + 1)


def test_days_of_whole_counts_are_those_on_which_a_store_named_at_least_half_of_its_skus(weekly):
    full = [count(f"2026-06-0{day}", 1, sku=sku) for day in (1, 2, 4) for sku in "ABCDE"]
    recount = [count("2026-06-03", 1, sku=sku) for sku in "AB"]
    found = weekly(*full, *recount).set_index("sku")
    assert found["days_counted"].unique().tolist() == [3]
    assert found["days_known"].to_dict() == {"A": 4, "B": 4, "C": 3, "D": 3, "E": 3}


def test_a_store_s_counts_do_not_make_another_s(weekly):
    found = weekly(count("2026-06-01", 1), sale("2026-06-01", 1, store_id="SEA")).set_index("store_id")
    assert found["days_counted"].to_dict() == {"PHX": 1, "SEA": 0}


def test_the_days_between_which_a_store_has_sold_are_told(weekly):
    records = [sale("2026-06-01", 1), sale("2026-06-04", 2, sku="B"), returned("2026-06-05", 1)]
    found = weekly(*records, count("2026-06-06", 1))
    assert set(found["sold_from"]) == {pd.Timestamp("2026-06-01")}
    assert set(found["sold_to"]) == {pd.Timestamp("2026-06-04")}


def test_a_store_that_sells_by_the_week_has_sold_until_the_week_s_last_day(weekly):
    row = only(weekly(sale("2026-05-31", 3, period="week")))
    assert (row["sold_from"], row["sold_to"]) == (MAY_31, pd.Timestamp(SATURDAY))


# What was sold, and what came back.


def test_a_return_without_reference_is_told_apart_from_what_was_sold(weekly):
    row = only(weekly(sale("2026-06-01", 5), returned("2026-06-02", 7)))
    assert (row["sold"], row["returned"]) == (5, 7)


def test_a_return_is_set_against_the_week_in_which_it_was_sold(weekly):
    records = [sale("2026-05-25", 5), sale("2026-06-01", 2), returned("2026-06-02", 3, sold_on="2026-05-25")]
    found = weekly(*records, first_week=MAY_24.date()).set_index("week")
    assert found["sold"].to_dict() == {MAY_24: 2, MAY_31: 2}
    assert found["returned"].sum() == 0


def test_a_return_is_set_against_the_store_that_sold(weekly):
    online = {"store_id": "WEB"}
    records = [sale("2026-05-25", 5, **online), sale("2026-06-01", 2)]
    back = returned("2026-06-02", 3, sold_on="2026-05-25", sold_by="WEB")
    found = weekly(*records, back, first_week=MAY_24.date()).set_index(["store_id", "week"])
    assert found["sold"].to_dict() == {("WEB", MAY_24): 2, ("PHX", MAY_31): 2}


def test_a_return_of_something_sold_before_the_first_week_reduces_nothing(weekly):
    row = only(weekly(sale("2026-06-01", 2), returned("2026-06-02", 1, sold_on="2026-05-20")))
    assert (row["sold"], row["returned"]) == (2, 0)


def test_a_return_that_names_a_week_in_which_less_was_sold_is_not_lost(weekly):
    records = [sale("2026-05-25", 1), returned("2026-06-02", 3, sold_on="2026-05-25")]
    row = only(weekly(*records, first_week=MAY_24.date()))
    assert (row["sold"], row["returned"]) == (0, 2)


def test_a_return_is_known_from_the_day_it_came_back(weekly):
    records = [sale("2026-05-25", 5), returned("2026-06-05", 3, sold_on="2026-05-25")]
    row = only(weekly(*records, first_week=MAY_24.date(), as_of=date(2026, 6, 4)))
    assert row["sold"] == 5


def test_a_sale_and_its_reversal_on_one_day_leave_no_trace(weekly):
    row = only(weekly(sale("2026-06-01", 80_995, 2.08), returned("2026-06-01", 80_995, 2.08)))
    assert (row["sold"], row["returned"]) == (0, 0)
    assert np.isnan(row["revenue"])
    again = sale("2026-05-26", 80_995, 2.08)
    found = weekly(again, sale("2026-06-01", 80_995, 2.08), returned("2026-06-01", 80_995, 2.08),
                   first_week=MAY_24.date())  # fmt: skip
    assert found.set_index("week")["sold"].to_dict() == {MAY_24: 80_995, MAY_31: 0}


def test_an_order_called_off_later_is_set_against_the_week_in_which_it_was_placed(weekly):
    order, off = sale("2026-05-25", 300, 9.0), returned("2026-06-02", 300, 9.0)
    usual = [sale("2026-05-26", 4, 9.0), sale("2026-06-01", 3, 9.0)]
    found = weekly(order, *usual, off, first_week=MAY_24.date()).set_index("week")
    assert found[["sold", "returned"]].to_dict("index") == {
        MAY_24: {"sold": 4, "returned": 0},
        MAY_31: {"sold": 3, "returned": 0},
    }


def test_of_two_orders_that_may_have_been_called_off_it_is_the_newer(weekly):
    orders = [sale("2026-05-25", 12), sale("2026-05-31", 12), sale("2026-06-04", 12)]
    found = weekly(*orders, returned("2026-06-03", 12), first_week=MAY_24.date()).set_index("week")
    assert found["sold"].to_dict() == {MAY_24: 12, MAY_31: 12}
    both = [returned("2026-06-05", 12), returned("2026-06-06", 12)]
    found = weekly(orders[0], orders[2], *both, first_week=MAY_24.date()).set_index("week")
    # There is one order of that number only which both of them may mean: the other is not forgotten.
    assert found["sold"].to_dict() == {MAY_24: 12, MAY_31: 0}
    assert found["returned"].to_dict() == {MAY_24: 0, MAY_31: 12}


@pytest.mark.parametrize(
    "back",
    [
        returned("2026-06-02", 11, 9.0),
        returned("2026-06-02", 12, 8.0),
        returned("2026-06-02", 12, None),
        returned("2026-06-02", 12, 9.0, store_id="SEA"),
        returned("2026-06-02", 12, 9.0, sku="B"),
    ],
)
def test_a_return_that_matches_no_order_is_not_taken_for_its_reversal(weekly, back):
    orders = [sale("2026-05-25", units, 9.0) for units in (11, 12)]
    found = weekly(*orders, back, first_week=MAY_24.date())
    assert found["sold"].sum() == 23
    assert found["returned"].sum() == -back[1]["units"]


def test_what_came_back_at_another_price_is_no_reversal_of_today_s_sale(weekly):
    row = only(weekly(sale("2026-06-01", 2, 14.0), returned("2026-06-01", 1, 20.0)))
    assert (row["sold"], row["returned"]) == (2, 1)


def test_a_negative_line_at_no_price_corrects_the_books_and_is_no_return(weekly):
    row = only(weekly(sale("2026-06-01", 2, 14.0), returned("2026-06-01", 9, 0.0)))
    assert (row["sold"], row["returned"]) == (2, 0)
    assert only(weekly(sale("2026-06-01", 2), returned("2026-06-02", 9)))["returned"] == 9


def test_the_price_paid_is_weighed_by_units_without_returns_or_unknown_prices(weekly):
    row = only(
        weekly(
            sale("2026-06-01", 3, 10.0),
            sale("2026-06-02", 1, 20.0),
            sale("2026-06-03", -1, 20.0),
            sale("2026-06-04", 7, None),
        )
    )
    assert (row["revenue"], row["priced_units"]) == (50, 4)


# Online orders sent from a store.


def test_an_order_sent_from_a_store_is_demand_of_the_place_that_sold(weekly):
    ordered = sale("2026-06-01", 2, store_id="WEB", fulfilled_by="PHX")
    found = weekly(count("2026-06-01", 3), ordered).set_index("store_id")
    assert found["sold"].to_dict() == {"PHX": 0, "WEB": 2}
    assert found.loc["PHX", ["days_available", "on_hand"]].to_list() == [1, 3]


def test_a_shelf_emptied_by_an_order_from_elsewhere_had_something_for_half_of_the_day(weekly):
    ordered = sale("2026-06-01", 2, store_id="WEB", fulfilled_by="PHX")
    found = weekly(count("2026-06-01", 0), ordered).set_index("store_id")
    assert found.loc["PHX", ["days_available", "closing", "sold"]].to_list() == [0.5, 0, 0]


def test_what_another_store_sent_does_not_show_that_the_seller_s_own_shelf_had_any(weekly):
    ordered = sale("2026-06-01", 2, fulfilled_by="SEA")
    assert only(weekly(count("2026-06-01", 0), ordered))["days_available"] == 0


def test_days_that_sold_out_of_books_by_the_day_are_counted(weekly):
    records = [count("2026-06-01", 0), sale("2026-06-01", 1), count("2026-06-02", 0), sale("2026-06-02", 1)]
    assert only(weekly(*records))["days_sold_empty"] == 2
    by_week = [count("2026-05-31", 0, period="week"), sale("2026-05-31", 3, period="week")]
    row = only(weekly(*by_week))
    assert (row["days_sold_empty"], row["days_available"]) == (0, 3.5)
