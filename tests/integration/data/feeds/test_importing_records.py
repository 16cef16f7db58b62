"""Stores, products, prices, ranging, climate and the calendar from files into the records."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from data.feeds.reports import Changes
from data.records import (
    CalendarVersion,
    ClimateNormal,
    MarkdownStep,
    Price,
    PriceKind,
    Product,
    Ranging,
    Run,
    SellingWindow,
    Store,
    StoreKind,
    WindowStatus,
)


def test_a_store_is_created_with_what_blanks_mean(empty_chain):
    report = empty_chain.import_text("stores", "store_id,kind,latitude,longitude\n007,,33.5,-112\n")

    assert report.changes == Changes(created=1, changed=0, unchanged=0, removed=0)
    with empty_chain.database.read() as session:
        store = session.get_one(Store, "007")
    assert (store.name, store.kind, store.climate_zone, store.timezone) == ("007", StoreKind.STORE, "", None)
    assert (store.latitude, store.longitude) == (33.5, -112.0)


def test_a_column_that_the_file_lacks_is_left_and_a_blank_cell_clears(chain):
    report = chain.import_text("stores", "store_id,timezone\n1,\n2,America/Los_Angeles\n")

    assert report.changes == Changes(created=0, changed=1, unchanged=1, removed=0)
    assert chain.rows(
        select(Store.name, Store.timezone, Store.climate_zone).where(Store.store_id == "1")
    ) == [("Phoenix", None, "hot")]


def test_a_product_keeps_its_price_to_the_cent(chain):
    chain.import_text("products", "sku,style_id,category,regular_price\nC,C,c,1234567.89\n")

    assert chain.rows(select(Product.regular_price, Product.pack_size).where(Product.sku == "C")) == [
        (Decimal("1234567.89"), 1)
    ]


def test_more_products_than_fit_one_transaction_are_all_there(chain):
    rows = "".join(f"P{number},S,c\n" for number in range(1000))

    created = chain.import_text("products", f"sku,style_id,category\n{rows}").changes
    again = chain.import_text("products", f"sku,style_id,category\n{rows}").changes

    assert (created.created, again.unchanged) == (1000, 1000)
    assert len(chain.rows(select(Product.sku))) == 1003


def test_mended_products_are_taken_from_the_list_of_rejected_ones(chain):
    rejects = chain.import_text(
        "products", "sku,style_id,category,pack_size\nC,C,c,none\nD,D,d,2\n"
    ).rejects_path
    mended = rejects.read_text().rpartition("none")
    rejects.write_text(mended[0] + "6" + mended[2])

    report = chain.import_file("products", rejects)

    assert report.rows_rejected == 0
    assert chain.rows(
        select(Product.sku, Product.pack_size).where(Product.sku.in_(["C", "D"])).order_by(Product.sku)
    ) == [
        ("C", 6),
        ("D", 2),
    ]


def test_the_prices_of_a_sku_are_replaced_and_those_of_others_left(chain):
    header = "sku,effective_from,price,kind\n"
    chain.import_text(
        "prices", header + "A-S,2026-02-01,19.99,\nA-S,2026-06-01,9.99,markdown\nB,2026-02-01,9.99,\n"
    )

    report = chain.import_text("prices", header + "A-S,2026-02-01,17.99,\nA-S,2026-07-01,5,promotion\n")

    assert report.changes == Changes(created=1, changed=1, unchanged=0, removed=1)
    assert chain.rows(
        select(Price.sku, Price.effective_from, Price.price, Price.kind).order_by(
            Price.sku, Price.effective_from
        )
    ) == [
        ("A-S", date(2026, 2, 1), Decimal("17.99"), PriceKind.REGULAR),
        ("A-S", date(2026, 7, 1), Decimal("5.00"), PriceKind.PROMOTION),
        ("B", date(2026, 2, 1), Decimal("9.99"), PriceKind.REGULAR),
    ]


def test_ranging_is_replaced_by_store_and_style(chain):
    chain.import_text("ranging", "store_id,style_id,from,to\n1,A,2026-01-01,2026-07-01\n1,B,,\n")

    report = chain.import_text("ranging", "store_id,style_id\n1,A\n")

    assert report.changes == Changes(created=1, changed=0, unchanged=0, removed=1)
    assert chain.rows(
        select(Ranging.style_id, Ranging.valid_from, Ranging.valid_to).order_by(Ranging.style_id)
    ) == [
        ("A", date.min, None),
        ("B", date.min, None),
    ]


def test_climate_is_replaced_by_zone_or_store(chain):
    header = "climate_zone,store_id,week,normal_temperature\n"
    chain.import_text("climate", header + "hot,,1,55.5\nhot,,2,56\n,1,1,57\n")

    report = chain.import_text("climate", header + "hot,,1,55.5\n")

    assert report.changes == Changes(created=0, changed=0, unchanged=1, removed=1)
    assert len(chain.rows(select(ClimateNormal.week))) == 2


CALENDAR = "category,season_code,floor_set,exit,status,climate_zone\n"


def windows(chain, version):
    asked = select(SellingWindow.category, SellingWindow.exit).where(SellingWindow.version_id == version)
    return chain.rows(asked.order_by(SellingWindow.category, SellingWindow.exit))


def versions(chain):
    return [
        row[0] for row in chain.rows(select(CalendarVersion.version_id).order_by(CalendarVersion.version_id))
    ]


def test_a_calendar_file_makes_a_version_with_its_seasons_replaced_and_the_others_kept(chain):
    chain.import_text(
        "calendar",
        CALENDAR + "swim trunks,SU,2026-02-01,2026-07-01,,\nswim trunks,SU,2026-02-01,2026-08-01,,hot\n"
        "gloves,WI,2026-10-01,2027-02-01,,\n",
    )

    report = chain.import_text("calendar", CALENDAR + "swim trunks,SU,2026-02-01,2026-09-01,draft,\n")

    assert report.changes == Changes(created=1, unchanged=1, removed=2)
    first, second = versions(chain)
    assert len(windows(chain, first)) == 3
    assert windows(chain, second) == [("gloves", date(2027, 2, 1)), ("swim trunks", date(2026, 9, 1))]
    drafts = select(SellingWindow.category).where(SellingWindow.status == WindowStatus.DRAFT)
    assert chain.rows(drafts) == [("swim trunks",)]


def test_a_calendar_file_that_says_nothing_new_makes_no_version(chain):
    text = CALENDAR + "swim trunks,SU,2026-02-01,2026-07-01,,\n"
    chain.import_text("calendar", text)

    report = chain.import_text("calendar", text)

    assert len(versions(chain)) == 1
    assert report.changes == Changes(created=0, unchanged=1, removed=0)


def test_markdowns_and_windows_of_a_season_are_replaced_apart(chain):
    chain.import_text("calendar", CALENDAR + "swim trunks,SU,2026-02-01,2026-07-01,,\n")
    chain.import_text(
        "markdowns", "category,season_code,effective_from,percent_off\nswim trunks,SU,2026-06-01,30\n"
    )
    chain.import_text("calendar", CALENDAR + "swim trunks,SU,2026-02-01,2026-08-01,,\n")

    newest = versions(chain)[-1]
    assert windows(chain, newest) == [("swim trunks", date(2026, 8, 1))]
    steps = select(MarkdownStep.percent_off).where(MarkdownStep.version_id == newest)
    assert chain.rows(steps) == [(30.0,)]
    with chain.database.read() as session:
        version = session.get_one(CalendarVersion, newest)
    assert (version.author, version.reason) == ("import", "calendar from calendar.csv")


DAYS = st.sampled_from(["2026-01-01", "2026-02-01", "", "2026-13-01"])
TABLES = {
    "products": (
        Product,
        "sku,style_id,category,pack_size,replaces_sku\n",
        ["ABC", "AB", "c", ["1", "2", "", "x"], "AB"],
    ),
    "prices": (
        Price,
        "sku,effective_from,price,store_id\n",
        [["A-S", "B", "Z"], DAYS, ["1", "2.50", "-1"], ["", "1"]],
    ),
    "ranging": (Ranging, "store_id,style_id,from,to\n", ["123", "AB", DAYS, DAYS]),
    "calendar": (SellingWindow, CALENDAR, [["gloves", "x"], "SW", DAYS, DAYS, ["draft", ""], ["hot", ""]]),
}


def rows_of(cells):
    chosen = [cell if isinstance(cell, st.SearchStrategy) else st.sampled_from(list(cell)) for cell in cells]
    return st.lists(st.tuples(*chosen), min_size=1, max_size=8)


@pytest.mark.parametrize("kind", TABLES)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_loaded_twice_changes_nothing(chain, kind, data):
    record, header, cells = TABLES[kind]
    text = header + "".join(",".join(row) + "\n" for row in data.draw(rows_of(cells)))

    first = chain.import_text(kind, text)
    before = sorted(chain.rows(select(record.__table__)), key=repr)
    again = chain.import_text(kind, text)

    assert sorted(chain.rows(select(record.__table__)), key=repr) == before
    changes = again.changes
    assert {changes.created, changes.changed, changes.removed} <= {0, None}
    assert (again.rows_loaded, again.rows_rejected) == (first.rows_loaded, first.rows_rejected)
    assert first.rows_loaded + first.rows_rejected == first.rows_read


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=rows_of([["2026-06-01", "2026-05-02"], "12", ["A-S", "B"], ["1", "-2", "x"]]))
def test_sales_loaded_twice_are_the_same_sales(chain, rows):
    text = "business_date,store_id,sku,units\n" + "".join(",".join(row) + "\n" for row in rows)

    chain.import_text("sales", text)
    before = chain.fact_rows("sales", "business_date, store_id, sku, units")
    chain.import_text("sales", text)

    assert chain.fact_rows("sales", "business_date, store_id, sku, units") == before


@time_machine.travel("2026-11-20T08:00:00Z", tick=False)
def test_an_import_is_dated_by_the_machine_while_the_services_clock_stands_still(chain):
    still = replace(chain, settings=chain.settings.model_copy(update={"today": date(2026, 6, 14)}))
    text = (
        "category,season_code,floor_set,exit\nswim trunks,S26,2026-03-01,2026-08-31\ngloves,W26,soon,later\n"
    )

    report = still.import_text("calendar", text)

    machine = datetime(2026, 11, 20, 8, tzinfo=UTC)
    assert chain.rows(select(Run.started_at, Run.finished_at).where(Run.run_id == report.run_id)) == [
        (machine, machine)
    ]
    assert chain.rows(select(CalendarVersion.created_at)) == [(machine,)]
    assert report.rejects_path.name == "calendar-20261120T080000Z.csv"


def test_the_name_of_a_store_is_one_line(empty_chain):
    report = empty_chain.import_text("stores", 'store_id,name\n1,"Phoenix\nMall"\n2,"Tuc\x07son"\n')

    assert report.rows_rejected == 1
    assert empty_chain.rows(select(Store.store_id, Store.name)) == [("1", "Phoenix Mall")]
