"""From a retailer's files to the weekly panel and the weekly requests that the forecast learns from."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from data.assortment import presentation_frame, products_frame, stores_frame
from data.facts.panel import Trade, build_panel, weekly_facts
from data.facts.requests import weekly_requests
from data.records import Run
from data.selling_windows import calendar_frame, markdown_frame, resolve

AS_OF = date(2026, 6, 6)
WEEKS = {"first_week": date(2026, 5, 10), "as_of": AS_OF}
MAY_10, MAY_17, MAY_24, MAY_31 = pd.date_range("2026-05-10", periods=4, freq="7D")

STORES = "store_id,kind,climate_zone,opened_on\n1,store,hot,\n2,store,mild,2026-05-20\n3,online,,\n"
PRODUCTS = (
    "sku,style_id,category,size,color,regular_price,gender_age,department\n"
    "AS-R,A,swim trunks,S,red,20.00,men,beach\n"
    "AS-B,A,swim trunks,S,blue,20.00,men,beach\n"
    "AM-R,A,swim trunks,M,red,20.00,men,beach\n"
    "B,B,gloves,,,10.00,,\n"
)


@pytest.fixture
def chain(empty_chain):
    empty_chain.import_text("stores", STORES)
    empty_chain.import_text("products", PRODUCTS)
    return empty_chain


def stock(*rows):
    """Daily counts from (first day, last day, store, sku, on_hand)."""
    lines = [
        f"{day:%Y-%m-%d},{store},{sku},{on_hand}"
        for first, last, store, sku, on_hand in rows
        for day in pd.date_range(f"2026-{first}", f"2026-{last}")
    ]
    return "\n".join(["business_date,store_id,sku,on_hand", *lines]) + "\n"


def sales(*rows):
    lines = [f"2026-{row}" for row in rows]
    header = "business_date,store_id,sku,units,unit_price,fulfilled_by,sold_on,sold_by"
    return "\n".join([header, *lines]) + "\n"


def panel(chain):
    with chain.database.read() as session:
        trade = Trade(
            products_frame(session, as_of=AS_OF),
            stores_frame(session),
            calendar_frame(session),
            markdown_frame(session),
            presentation_frame(session, as_of=AS_OF),
        )
    starts_on = chain.settings.week_starts_on
    facts = weekly_facts(chain.facts.snapshot(), **WEEKS, week_starts_on=starts_on, minimums=trade.minimums)
    ranged = facts[["store_id", "sku"]].drop_duplicates().merge(trade.products).merge(trade.stores)
    windows = resolve(trade.calendar, ranged)
    return build_panel(facts, trade, windows, as_of=AS_OF)


def of(frame, store, sku, *columns):
    """A series' weeks: {week: value}, or {week: values}."""
    rows = frame[(frame["store_id"] == store) & (frame["sku"] == sku)].set_index("week")
    if len(columns) == 1:
        return rows[columns[0]].to_dict()
    return {week: tuple(row) for week, row in zip(rows.index, rows[list(columns)].to_numpy(), strict=True)}


def test_a_return_is_taken_off_the_week_and_the_place_of_its_sale(chain):
    chain.import_text("stock", stock(("05-10", "06-06", 1, "AS-R", 5)))
    chain.import_text(
        "sales",
        sales(
            "05-12,1,AS-R,6,20.00,,,",
            "05-13,3,AS-R,4,20.00,,,",
            # Bought online, brought back to the store, with and without the receipt.
            "06-02,1,AS-R,-3,20.00,,2026-05-13,3",
            "06-02,1,AS-R,2,20.00,,,",
            "06-03,1,AS-R,-1,15.00,,,",
        ),
    )
    found = panel(chain)
    share = 1 - 1 / (6 + 1 + 2)
    assert of(found, "1", "AS-R", "units") == {
        MAY_10: pytest.approx(6 * share), MAY_17: 0, MAY_24: 0, MAY_31: pytest.approx(2 * share),
    }  # fmt: skip
    assert of(found, "3", "AS-R", "units")[MAY_10] == pytest.approx(1 * share)
    assert found["units"].sum() == pytest.approx(6 + 4 + 2 - 3 - 1)


def test_an_online_order_is_demand_of_the_online_store_and_empties_the_one_that_sent_it(chain):
    chain.import_text("stock", stock(("05-10", "05-12", 1, "AS-R", 2), ("05-13", "05-16", 1, "AS-R", 0)))
    chain.import_text("sales", sales("05-13,3,AS-R,2,20.00,1,,"))
    found = panel(chain)
    assert of(found, "1", "AS-R", "units", "exposure", "on_hand", "sold_out", "stocked") == {
        MAY_10: (0, 3.5 / 7, 0, 1, 3 / 7)
    }
    assert of(found, "3", "AS-R", "units")[MAY_10] == 2


def test_zeros_before_the_first_delivery_are_neither_sold_out_nor_dark(chain):
    # The books list the sku from the day it was ordered; it came on a Wednesday and sold out on the Friday.
    chain.import_text(
        "stock",
        stock(
            ("05-10", "05-26", 1, "AS-R", 0),
            ("05-27", "05-28", 1, "AS-R", 3),
            ("05-29", "06-06", 1, "AS-R", 0),
        ),
    )
    chain.import_text("sales", sales("05-29,1,AS-R,3,20.00,,,"))
    assert of(panel(chain), "1", "AS-R", "exposure", "sold_out") == {MAY_24: (2.5 / 7, 1), MAY_31: (0, 0)}


def test_leftovers_count_until_they_are_packed_away_and_the_books_no_longer_name_them(chain):
    chain.import_text(
        "calendar", "category,season_code,floor_set,exit\nswim trunks,SS26,2026-02-09,2026-05-16\n"
    )
    chain.import_text("stock", stock(("05-10", "05-27", 1, "AS-R", 3), ("05-10", "06-06", 1, "B", 3)))
    chain.import_text("sales", sales("05-12,1,AS-R,1,20.00,,,"))
    found = panel(chain)
    assert of(found, "1", "AS-R", "exposure") == {MAY_10: 1, MAY_17: 1, MAY_24: pytest.approx(4 / 7)}
    assert of(found, "1", "AS-R", "sold_out") == {MAY_10: 0, MAY_17: 0, MAY_24: 0}


def test_a_store_is_exposed_from_the_day_it_opened(chain):
    chain.import_text("stock", stock(("05-18", "06-06", 2, "AS-R", 3)))
    chain.import_text("sales", sales("05-22,2,AS-R,1,20.00,,,"))
    found = of(panel(chain), "2", "AS-R", "exposure")
    assert found == {MAY_17: pytest.approx(4 / 7), MAY_24: 1, MAY_31: 1}


def test_weekly_shares_flags_and_counts_are_read_side_by_side(chain):
    chain.import_text(
        "stock",
        "business_date,store_id,sku,on_hand,in_stock,period\n"
        "2026-05-10,1,AS-R,,0.75,week\n2026-05-17,1,AS-R,,0,week\n2026-05-24,1,AS-R,,1,week\n"
        "2026-05-10,1,AS-B,4,,week\n2026-05-17,1,AS-B,0,,week\n",
    )
    chain.import_text(
        "sales",
        "business_date,store_id,sku,units,period\n2026-05-10,1,AS-R,6,week\n2026-05-17,1,AS-B,3,week\n",
    )
    found = panel(chain)
    columns = ("units", "exposure", "sold_out", "stocked")
    assert of(found, "1", "AS-R", *columns) == {
        MAY_10: (6, 0.75, 0.25, 0.75), MAY_17: (0, 0, 0, 0), MAY_24: (0, 1, 0, 1),
    }  # fmt: skip
    assert of(found, "1", "AS-B", *columns) == {MAY_10: (0, 1, 0, 1), MAY_17: (3, 0.5, 1, 0)}


def test_the_presentation_minimum_comes_from_the_ranging_in_force(chain):
    chain.import_text(
        "ranging",
        "store_id,style_id,from,presentation_minimum\n1,A,2025-01-01,9\n1,A,2026-05-01,4\n1,A,2026-09-01,2\n1,B,,\n",
    )
    chain.import_text(
        "stock",
        stock(
            ("05-10", "05-13", 1, "AS-R", 8), ("05-14", "05-15", 1, "AS-R", 1), ("05-10", "05-16", 1, "B", 1)
        ),
    )
    found = panel(chain)
    assert of(found, "1", "AS-R", "fullness") == {MAY_10: pytest.approx((4 * 1 + 2 * 0.25) / 6)}
    assert of(found, "1", "B", "fullness") == {MAY_10: 1}


def test_the_panel_s_new_columns_are_kept_in_its_table(chain):
    chain.import_text("stock", stock(("05-10", "05-12", 1, "AS-R", 2), ("05-13", "05-16", 1, "AS-R", 0)))
    rows = panel(chain)
    report = chain.import_text("sales", sales("05-12,1,AS-R,6,20.00,,,"))
    version = chain.facts.replace_all("panel", rows, run_id=report.run_id)
    with chain.database.write() as session:
        chain.facts.publish(session, session.get_one(Run, report.run_id), {"panel": version})
    kept = chain.fact_rows("panel", "sku, sold_out, fullness, stocked")
    assert kept == [["AS-R", 1, 1, pytest.approx(3 / 7)]]


# What customers asked for.


def requests(chain, carried, category="swim trunks", **changes):
    with chain.database.read() as session:
        products = products_frame(session, as_of=AS_OF)
    products = products[products["category"] == category]
    held = pd.DataFrame(carried, columns=["store_id", "sku"])
    options = WEEKS | {"week_starts_on": chain.settings.week_starts_on} | changes
    found = weekly_requests(chain.facts.snapshot(), products, held, **options)
    return {(row.store, row.sku, row.week): row.units for row in found.itertuples(index=False)}


HEADER = "requested_at,store_id,sku,style_id,size,text,units\n"


def test_requests_for_a_sku_are_summed_by_the_chain_s_week(chain):
    asked = ("2026-05-30T21:30,1,AM-R,,,,1", "2026-05-31,1,AM-R,,,,2", "2026-06-06,1,AM-R,,,,4")
    chain.import_text("requests", HEADER + "\n".join([*asked, "2026-05-09,1,AM-R,,,,8"]) + "\n")
    assert requests(chain, []) == {("1", "AM-R", MAY_24): 1, ("1", "AM-R", MAY_31): 6}
    assert requests(chain, [], as_of=date(2026, 6, 5)) == {("1", "AM-R", MAY_24): 1, ("1", "AM-R", MAY_31): 2}


def test_a_request_for_a_style_and_size_is_shared_by_the_colours_that_the_store_carries(chain):
    chain.import_text(
        "requests", HEADER + "2026-06-01,1,,A,s,,3\n2026-06-01,2,,A,S,,3\n2026-06-02,3,,A,S,,1\n"
    )
    carried = [("1", "AS-R"), ("1", "AS-B"), ("1", "AM-R"), ("2", "AS-B"), ("2", "AM-R"), ("2", "AS-B")]
    assert requests(chain, carried) == {
        ("1", "AS-R", MAY_31): 1.5,
        ("1", "AS-B", MAY_31): 1.5,
        ("2", "AS-B", MAY_31): 3,
        # A store that carries neither: customers there know the style from elsewhere.
        ("3", "AS-R", MAY_31): 0.5,
        ("3", "AS-B", MAY_31): 0.5,
    }


def test_requests_in_words_or_for_a_size_that_does_not_exist_are_left_out(chain):
    chain.import_text("requests", HEADER + "2026-06-01,1,,,,a red hat,1\n2026-06-01,1,,A,XXL,,1\n")
    assert requests(chain, [("1", "AS-R")]) == {}


def test_only_requests_for_the_skus_asked_about_are_told(chain):
    chain.import_text("requests", HEADER + "2026-06-01,1,B,,,,1\n2026-06-01,1,AS-R,,,,2\n")
    assert requests(chain, []) == {("1", "AS-R", MAY_31): 2}
    assert requests(chain, [], category="gloves") == {("1", "B", MAY_31): 1}


def test_a_request_that_names_a_sku_and_its_style_counts_once(chain):
    chain.import_text("requests", HEADER + "2026-06-01,1,AS-R,A,S,,2\n")
    assert requests(chain, [("1", "AS-R"), ("1", "AS-B")]) == {("1", "AS-R", MAY_31): 2}


def test_without_requests_there_is_an_empty_frame_with_its_columns(chain):
    with chain.database.read() as session:
        products = products_frame(session, as_of=AS_OF)
    starts_on = chain.settings.week_starts_on
    nobody = pd.DataFrame({"store_id": [], "sku": []}, dtype="str")
    found = weekly_requests(chain.facts.snapshot(), products, nobody, **WEEKS, week_starts_on=starts_on)
    assert (len(found), list(found.columns)) == (0, ["store", "sku", "week", "units"])
