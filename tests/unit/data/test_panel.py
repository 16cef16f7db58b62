"""The panel: what the records make of the weekly facts."""

from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.facts.panel import Trade, build_panel

SUNDAY, SATURDAY = date(2026, 5, 31), date(2026, 6, 6)

# The week of 31 May 2026, nothing unusual about it.

WEEK = {
    "store_id": "PHX", "sku": "A", "week": pd.Timestamp("2026-05-31"), "sold": 3, "returned": 0,
    "revenue": np.nan, "priced_units": np.nan, "days_known": 7, "days_counted": 7, "days_available": 7.0,
    "days_stocked": 7.0, "days_sold_empty": 0, "closing": 1.0, "on_hand": 5.0, "days_held": 7,
    "shown_2": 14, "shown_4": 28, "sold_from": pd.Timestamp("2026-05-03"),
    "sold_to": pd.Timestamp("2026-06-06"),
}  # fmt: skip
PRODUCTS = pd.DataFrame(
    [
        ("A", "SWT", "swim trunks", 20.0),
        ("B", "SWT", "swim trunks", 20.0),
        ("X", "BEA", "swim trunks", np.nan),
    ],
    columns=["sku", "style_id", "category", "regular_price"],
)
STORES = pd.DataFrame(
    {"store_id": ["PHX", "TUS"], "climate_zone": "hot", "opened_on": pd.NaT, "closed_on": pd.NaT}
)
STORES = STORES.astype({"opened_on": "datetime64[us]", "closed_on": "datetime64[us]"})
NO_STEPS = pd.DataFrame(
    columns=[
        "category",
        "season_code",
        "effective_from",
        "percent_off",
        "climate_zone",
        "store_id",
        "style_id",
    ]
).astype({"effective_from": "datetime64[us]", "percent_off": "float64"})
NO_WINDOWS = pd.DataFrame(columns=["store_id", "style_id", "season_code", "floor_set", "exit"]).astype(
    {"floor_set": "datetime64[us]", "exit": "datetime64[us]"}
)
QUARTER_OFF = pd.DataFrame({
    "category": ["swim trunks"], "season_code": "SS26", "effective_from": pd.Timestamp("2026-05-31"),
    "percent_off": 25.0, "climate_zone": "", "store_id": "", "style_id": "SWT",
})  # fmt: skip


def window(floor_set, leaves):
    span = {"floor_set": pd.Timestamp(floor_set), "exit": pd.Timestamp(leaves)}
    return pd.DataFrame([{"store_id": "PHX", "style_id": "SWT", "season_code": "SS26"} | span])


def presentation(minimum, style="SWT"):
    return pd.DataFrame({"store_id": ["PHX"], "style_id": [style], "presentation_minimum": [minimum]})


FULL_WITH_ONE = presentation(1)


def panel(*rows, stores=STORES, steps=NO_STEPS, windows=NO_WINDOWS, minimums=FULL_WITH_ONE, as_of=SATURDAY):
    days = dict.fromkeys(("week", "sold_from", "sold_to"), "datetime64[us]")
    facts = pd.DataFrame([WEEK | row for row in rows]).astype(days)
    trade = Trade(PRODUCTS, stores, NO_STEPS, steps, minimums)
    return build_panel(facts, trade, windows, as_of=as_of)


def only(frame):
    [row] = frame.to_dict("records")
    return row


BLIND = {
    "days_known": 0, "days_counted": 0, "days_available": 0.0, "days_stocked": 0.0, "closing": np.nan,
    "on_hand": np.nan, "days_held": 0, "shown_2": 0, "shown_4": 0,
}  # fmt: skip


def exposure(*rows, **options):
    return panel(*(rows or ({},)), **options)["exposure"].tolist()


def test_a_row_of_the_panel_says_what_was_sold_where_and_when():
    assert only(panel({})) == {
        "store_id": "PHX", "sku": "A", "category": "swim trunks", "climate_zone": "hot",
        "week": pd.Timestamp("2026-05-31"), "units": 3, "exposure": 1, "price_ratio": 1, "on_hand": 5,
        "sold_out": 0, "fullness": 1, "stocked": 1,
    }  # fmt: skip


def test_stock_in_the_backroom_before_the_floor_set_is_not_exposed():
    assert exposure({"sold": 0}, windows=window("2026-06-08", "2026-09-01")) == [0]


def test_the_week_of_the_floor_set_is_exposed_for_its_days():
    assert exposure(windows=window("2026-06-04", "2026-09-01")) == [pytest.approx(3 / 7)]


def test_stock_on_the_clearance_rail_after_the_exit_is_exposed():
    assert exposure(windows=window("2026-02-09", "2026-05-20")) == [1]


def test_a_week_that_has_not_ended_is_exposed_for_its_days():
    observed = {"days_known": 2, "days_counted": 2, "days_available": 2.0}
    assert exposure(observed, as_of=date(2026, 6, 1)) == [pytest.approx(2 / 7)]


@pytest.mark.parametrize(
    ("opened", "closed", "days"),
    [
        ("2026-06-03", None, 4),
        (None, "2026-06-01", 2),
        ("2026-06-02", "2026-06-03", 2),
        ("2026-05-31", "2026-06-06", 7),
        ("2027-01-01", None, 0),
        (None, "2026-01-01", 0),
    ],
)
def test_a_store_is_exposed_while_it_is_open(opened, closed, days):
    stores = STORES.assign(opened_on=pd.Timestamp(opened), closed_on=pd.Timestamp(closed))
    stores = stores.astype({"opened_on": "datetime64[us]", "closed_on": "datetime64[us]"})
    assert exposure({"sold": 0}, stores=stores) == [pytest.approx(days / 7)]


def test_a_sku_or_a_store_that_the_records_do_not_know_is_dropped():
    found = panel({}, {"sku": "UNKNOWN"}, {"store_id": "UNKNOWN"})
    assert found[["store_id", "sku"]].to_numpy().tolist() == [["PHX", "A"]]


def ratios(*rows, **options):
    return [pytest.approx(ratio) for ratio in panel(*rows, **options)["price_ratio"]]


PAID_16 = {"revenue": 48.0, "priced_units": 3.0}


def test_the_price_paid_here_comes_before_the_planned_one():
    assert ratios(PAID_16, steps=QUARTER_OFF) == [0.8]


def test_the_planned_price_comes_before_the_one_paid_in_the_zone():
    assert ratios({}, {"store_id": "TUS"} | PAID_16, steps=QUARTER_OFF) == [0.75, 0.8]


def test_the_price_paid_in_the_zone_comes_before_the_regular_one():
    cheap = {"store_id": "TUS", "revenue": 10.0, "priced_units": 1.0}
    # In the zone four units of $20 went for $58.
    assert ratios({}, {"sku": "B"} | PAID_16, cheap) == [58 / 80, 0.8, 0.5]


def test_another_week_or_zone_says_nothing_about_the_price():
    elsewhere = STORES.assign(climate_zone=["hot", "cool"])
    earlier = PAID_16 | {"sku": "B", "week": pd.Timestamp("2026-05-24")}
    assert ratios({}, earlier, {"store_id": "TUS"} | PAID_16, stores=elsewhere) == [1, 0.8, 0.8]


def test_what_has_no_regular_price_says_nothing_about_the_zone_s():
    beach = {"sku": "X", "revenue": 500.0, "priced_units": 5.0}
    assert ratios({}, beach, {"sku": "B"} | PAID_16) == [0.8, 0.8, 0.8]
    assert ratios({}, beach) == [1, 1]


def test_absurd_prices_are_held_within_bounds():
    free = {"revenue": 0.0, "priced_units": 1.0}
    assert ratios(free, {"sku": "B", "revenue": 900.0, "priced_units": 1.0}) == [0.05, 1.5]


# What the week ended like, how full the shelf was, and what the books said.


def told(column, *rows, **options):
    return panel(*(rows or ({},)), **options)[column].tolist()


EMPTY = {"days_available": 2.5, "days_stocked": 2.0, "closing": 0.0, "on_hand": 0.0, "days_held": 2}


def test_a_week_that_closed_empty_after_the_item_had_been_there_ended_sold_out():
    assert told("sold_out", EMPTY) == [1]


def test_a_week_that_closed_with_stock_did_not_end_sold_out_however_long_it_was_empty():
    assert told("sold_out", EMPTY | {"closing": 1.0, "on_hand": 9.0}) == [0]


def test_a_week_in_which_nothing_was_there_and_nothing_sold_did_not_sell_out():
    gone = EMPTY | {"sold": 0, "days_available": 0.0, "days_stocked": 0.0, "days_held": 0}
    later = {"week": pd.Timestamp("2026-05-24")}
    assert told("sold_out", later, gone) == [0, 0]


def test_of_a_weekly_share_in_stock_the_rest_is_sold_out():
    share = {"days_available": 5.25, "days_stocked": 5.25, "closing": 0.75, "on_hand": np.nan, "days_held": 0}
    assert told("sold_out", share) == [0.25]
    assert told("stocked", share) == [0.75]
    assert told("fullness", share, minimums=presentation(4)) == [1]


def test_a_shelf_with_less_than_its_presentation_minimum_is_not_full():
    counts = {"days_held": 5, "shown_4": 12, "shown_2": 9}
    assert told("fullness", counts, minimums=presentation(4)) == [pytest.approx(12 / 20)]
    assert told("fullness", counts, minimums=presentation(2)) == [pytest.approx(9 / 10)]


def test_a_shelf_whose_presentation_minimum_is_not_known_counts_as_full():
    counts = {"days_held": 5, "shown_4": 12, "shown_2": 9}
    assert told("fullness", counts, minimums=presentation(4, style="BEA")) == [1]
    assert told("fullness", counts, minimums=presentation(0)) == [1]


def test_an_empty_week_has_no_shelf_to_be_less_than_full():
    gone = EMPTY | {"days_held": 0, "shown_4": 0}
    assert told("fullness", gone, minimums=presentation(4)) == [1]


def test_only_minimums_of_two_and_more_can_be_fallen_short_of():
    levels = pd.concat([presentation(level) for level in (0, 1, 4, 2, 4)])
    assert Trade(PRODUCTS, STORES, NO_STEPS, NO_STEPS, levels).minimums == [2, 4]
    assert Trade(PRODUCTS, STORES, NO_STEPS, NO_STEPS, levels[:0]).minimums == []


def test_the_books_show_stock_whatever_calendar_and_sales_say():
    backroom = {"sold": 0, "days_available": 7.0, "days_stocked": 7.0}
    assert told("stocked", backroom, windows=window("2026-06-08", "2026-09-01")) == [1]
    assert told("stocked", EMPTY) == [pytest.approx(2 / 7)]


def test_the_books_of_a_store_that_is_closed_show_nothing():
    stores = STORES.assign(closed_on=pd.Timestamp("2026-06-01")).astype({"closed_on": "datetime64[us]"})
    assert told("stocked", stores=stores) == [pytest.approx(2 / 7)]


def test_without_a_stock_feed_no_books_show_stock_and_nothing_ends_sold_out():
    row = only(panel(BLIND))
    assert (row["exposure"], row["stocked"], row["sold_out"], row["fullness"]) == (1, 0, 0, 1)


def test_a_return_lowers_what_was_sold_before_it_and_not_its_own_week():
    sold = {"week": pd.Timestamp("2026-05-24"), "sold": 8}
    found = panel(sold, {"sold": 0, "returned": 2})
    assert found["units"].tolist() == [6, 0]
    found = panel(sold, {"sold": 2, "returned": 5})
    assert found["units"].tolist() == [pytest.approx(4), pytest.approx(1)]


def test_what_was_brought_back_later_was_there_to_be_sold():
    early = window("2026-06-08", "2026-09-01")
    found = panel({"sold": 3, "returned": 3}, windows=early)
    assert (found["units"].tolist(), found["exposure"].tolist()) == ([0], [1])


def test_facts_of_nobody_known_make_an_empty_panel():
    found = panel({"sku": "UNKNOWN"})
    assert found.empty
    assert list(found.columns) == list(panel({}).columns)
