from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from data.facts import TABLES, FactsStore, Snapshot
from data.facts.panel import Trade, build_panel, weekly_facts
from data.facts.store import write_rows
from data.settings import Weekday

SUNDAY, SATURDAY = date(2026, 5, 31), date(2026, 6, 6)


@pytest.fixture
def weekly(tmp_path):
    """The weekly facts of a few sales and stock records."""

    def of(*records, as_of=SATURDAY, first_week=SUNDAY, week_starts_on=Weekday.SUNDAY):
        uri = str(tmp_path / str(len(list(tmp_path.iterdir()))))
        FactsStore(uri, None).prepare()
        for name in ("sales", "stock"):
            rows = pd.DataFrame([row for table, row in records if table == name])
            if len(rows):
                write_rows(uri, TABLES[name], rows, run_id=1, mode="overwrite")
        versions = {name: int(any(table == name for table, _ in records)) for name in ("sales", "stock")}
        snapshot = Snapshot(uri, versions)
        return weekly_facts(snapshot, first_week=first_week, as_of=as_of, week_starts_on=week_starts_on)

    return of


def sale(day, units, price=None, period="day", **changes):
    row = {"store_id": "PHX", "sku": "A", "business_date": pd.Timestamp(day), "units": units}
    return "sales", row | {"unit_price": price, "period": period, "month": str(day)[:7]} | changes


def count(day, on_hand=None, in_stock=None, period="day", **changes):
    row = {"store_id": "PHX", "sku": "A", "business_date": pd.Timestamp(day), "on_hand": on_hand}
    return "stock", row | {"in_stock": in_stock, "period": period, "month": str(day)[:7]} | changes


def only(frame):
    [row] = frame.to_dict("records")
    return row


# Weekly facts: what the days of a week say.


def test_a_day_that_closed_with_stock_was_available(weekly):
    row = only(weekly(count("2026-06-01", 3), count("2026-06-02", 1), sale("2026-06-02", 2)))
    assert (row["days_known"], row["days_available"], row["units"]) == (2, 2, 2)


def test_a_day_that_ended_sold_out_after_selling_counts_half(weekly):
    row = only(weekly(count("2026-06-01", 0), sale("2026-06-01", 4), count("2026-06-02", 0)))
    assert (row["days_known"], row["days_available"]) == (2, 0.5)


def test_a_return_to_an_empty_shelf_does_not_make_the_day_half_available(weekly):
    row = only(weekly(count("2026-06-01", 0), sale("2026-06-01", -1)))
    assert row["days_available"] == 0


def test_negative_stock_on_the_books_is_no_stock(weekly):
    assert only(weekly(count("2026-06-01", -2)))["days_available"] == 0


def test_a_share_in_stock_counts_for_its_day(weekly):
    assert only(weekly(count("2026-06-01", None, 0.25)))["days_available"] == 0.25


def test_a_weekly_share_in_stock_counts_for_its_seven_days(weekly):
    row = only(weekly(count("2026-05-31", None, 0.5, period="week"), sale("2026-05-31", 6, period="week")))
    assert (row["days_known"], row["days_available"], row["units"]) == (7, 3.5, 6)


def test_a_weekly_count_with_stock_is_a_week_available(weekly):
    assert only(weekly(count("2026-05-31", 4, period="week")))["days_available"] == 7


def test_a_weekly_record_is_known_only_when_its_week_is_over(weekly):
    records = (count("2026-05-31", 5, period="week"), sale("2026-05-31", 6, period="week"))
    assert weekly(*records, as_of=date(2026, 6, 5)).empty
    assert only(weekly(*records, as_of=SATURDAY))["units"] == 6


def test_days_after_the_business_date_and_before_the_first_week_are_not_seen(weekly):
    days = ("2026-05-30", "2026-05-31", "2026-06-04", "2026-06-05")
    found = weekly(*(sale(day, 1) for day in days), as_of=date(2026, 6, 4))
    assert only(found)["units"] == 2


def test_the_first_week_is_a_whole_one_whatever_day_is_named(weekly):
    assert only(weekly(sale("2026-05-31", 1), first_week=date(2026, 6, 3)))["units"] == 1


def test_returns_are_netted_and_never_make_a_week_negative(weekly):
    row = only(weekly(sale("2026-06-01", 5), sale("2026-06-02", -2)))
    assert row["units"] == 3
    assert only(weekly(sale("2026-06-01", 1), sale("2026-06-02", -4)))["units"] == 0


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


def test_sales_of_a_series_that_no_stock_record_tells_of_are_kept(weekly):
    found = weekly(count("2026-06-01", 3), sale("2026-06-01", 2, sku="B")).set_index("sku")
    assert found["days_known"].to_dict() == {"A": 1, "B": 0}
    assert found["units"].to_dict() == {"A": 0, "B": 2}


def test_series_of_two_stores_are_kept_apart(weekly):
    found = weekly(count("2026-06-01", 3), sale("2026-06-01", 2, store_id="SEA")).set_index("store_id")
    assert found["units"].to_dict() == {"PHX": 0, "SEA": 2}


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
    assert found["units"].sum() == 2


def test_weekly_sales_beside_daily_stock_make_one_week(weekly):
    days = pd.date_range("2026-05-31", "2026-06-06")
    records = [count(day.date(), 5 if day.day != 6 else 0) for day in days]
    row = only(weekly(*records, sale("2026-05-31", 9, period="week")))
    assert (row["units"], row["days_known"], row["days_available"]) == (9, 7, 6)


def test_daily_sales_beside_weekly_stock_make_one_week(weekly):
    row = only(
        weekly(count("2026-05-31", None, 1.0, period="week"), sale("2026-06-02", 2), sale("2026-06-05", 3))
    )
    assert (row["units"], row["days_known"], row["days_available"]) == (5, 7, 7)


def test_a_week_known_by_the_week_and_by_the_day_has_seven_days_all_the_same(weekly):
    records = [count("2026-05-31", 5, period="week"), count("2026-06-03", 0), count("2026-06-04", 4)]
    row = only(weekly(*records))
    assert row["days_known"] == 7
    assert row["days_available"] == pytest.approx(7 * 8 / 9)


def test_a_week_sold_by_the_week_is_not_sold_again_by_its_days(weekly):
    days = [sale(f"2026-06-0{day}", 1) for day in (1, 2, 3)]
    assert only(weekly(sale("2026-05-31", 6, period="week"), *days))["units"] == 6
    before = sale("2026-05-24", 6, period="week")
    found = weekly(before, *days, first_week=date(2026, 5, 24)).set_index("week")["units"]
    assert found.to_dict() == {pd.Timestamp("2026-05-24"): 6, pd.Timestamp("2026-05-31"): 3}


def test_a_weekly_and_a_daily_count_of_one_day_do_not_double_what_was_sold(weekly):
    row = only(weekly(count("2026-05-31", 5, period="week"), count("2026-05-31", 4), sale("2026-05-31", 3)))
    assert (row["units"], row["days_known"], row["days_available"]) == (3, 7, 7)


def test_a_week_s_sales_say_nothing_about_the_hour_at_which_its_first_day_sold_out(weekly):
    row = only(weekly(count("2026-05-31", 0), sale("2026-05-31", 3, period="week")))
    assert row["days_available"] == 0


def test_stock_of_a_week_is_that_of_its_last_count(weekly):
    records = [count("2026-06-03", 7), count("2026-06-01", 9), sale("2026-06-04", 1)]
    assert only(weekly(*records))["on_hand"] == 7
    assert np.isnan(only(weekly(sale("2026-06-04", 1), count("2026-06-05", None, 1.0)))["on_hand"])


# The panel: what the records make of the weekly facts. The week of 31 May 2026, nothing unusual about it.

WEEK = {
    "store_id": "PHX", "sku": "A", "week": pd.Timestamp("2026-05-31"), "units": 3.0, "revenue": np.nan,
    "priced_units": np.nan, "days_known": 7.0, "days_available": 7.0, "on_hand": 5.0,
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


def panel(*rows, stores=STORES, steps=NO_STEPS, windows=NO_WINDOWS, as_of=SATURDAY):
    facts = pd.DataFrame([WEEK | row for row in rows]).astype({"week": "datetime64[us]"})
    return build_panel(facts, Trade(PRODUCTS, stores, NO_STEPS, steps), windows, as_of=as_of)


def exposure(*rows, **options):
    return panel(*(rows or ({},)), **options)["exposure"].tolist()


def test_a_row_of_the_panel_says_what_was_sold_where_and_when():
    assert only(panel({})) == {
        "store_id": "PHX", "sku": "A", "category": "swim trunks", "climate_zone": "hot",
        "week": pd.Timestamp("2026-05-31"), "units": 3, "exposure": 1, "price_ratio": 1, "on_hand": 5,
    }  # fmt: skip


def test_stock_in_the_backroom_before_the_floor_set_is_not_exposed():
    assert exposure({"units": 0.0}, windows=window("2026-06-08", "2026-09-01")) == [0]


def test_the_week_of_the_floor_set_is_exposed_for_its_days():
    assert exposure(windows=window("2026-06-04", "2026-09-01")) == [pytest.approx(3 / 7)]


def test_stock_on_the_clearance_rail_after_the_exit_is_exposed():
    assert exposure(windows=window("2026-02-09", "2026-05-20")) == [1]


def test_a_week_that_has_not_ended_is_exposed_for_its_days():
    observed = {"days_known": 2.0, "days_available": 2.0}
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
    assert exposure({"units": 0.0}, stores=stores) == [pytest.approx(days / 7)]


BLIND = {"days_known": 0.0, "days_available": 0.0, "on_hand": np.nan}


def test_a_series_without_a_stock_feed_has_its_weeks_without_sales_too():
    first, last = pd.Timestamp("2026-05-10"), pd.Timestamp("2026-05-31")
    found = panel(BLIND | {"week": first}, BLIND | {"week": last}, {"sku": "B"})
    blind = found[found["sku"] == "A"].sort_values("week")
    assert blind["week"].tolist() == list(pd.date_range(first, last, freq="7D"))
    assert blind["units"].tolist() == [3, 0, 0, 3]
    assert blind["exposure"].tolist() == [1, 1, 1, 1]
    assert len(found[found["sku"] == "B"]) == 1


def test_a_series_without_a_stock_feed_goes_on_to_the_week_that_has_not_ended():
    found = panel(BLIND | {"week": pd.Timestamp("2026-05-24")}, as_of=date(2026, 6, 2))
    assert found["week"].max() == pd.Timestamp("2026-05-31")
    assert found["exposure"].tolist() == [1, pytest.approx(3 / 7)]


def test_a_week_without_a_record_in_a_series_with_a_stock_feed_is_not_made_up():
    found = panel({"week": pd.Timestamp("2026-05-10")}, {})
    assert len(found) == 2


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
