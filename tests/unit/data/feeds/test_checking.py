"""Good rows and rejected ones: bounds, references, rules across columns, weeks and repeats."""

from __future__ import annotations

from datetime import date

import pytest

from data.errors import FileRefusedError
from data.feeds.checking import check
from data.feeds.reading import read_feed
from data.feeds.references import References
from data.feeds.specs import FEEDS
from data.settings import Weekday, load_settings

TODAY = date(2026, 6, 15)
KNOWN = References(
    timezones={"1": "America/Chicago", "2": None},
    skus=frozenset("AB"),
    styles=frozenset("ab"),
    categories=frozenset({"swim trunks"}),
    climate_zones=frozenset({"hot"}),
)


@pytest.fixture
def checked(tmp_path):
    def check_text(kind, text, week_starts_on=Weekday.SUNDAY):
        path = tmp_path / f"{kind}.csv"
        path.write_text(text)
        settings = load_settings(var=tmp_path, week_starts_on=week_starts_on)
        return check(FEEDS[kind], read_feed(FEEDS[kind], path), KNOWN, settings=settings, today=TODAY)

    return check_text


def reasons(result):
    return dict(zip(result.rejects["line"].to_list(), result.rejects["reason"].to_list(), strict=True))


@pytest.mark.parametrize(
    ("kind", "header", "row", "reason"),
    [
        (
            "stores",
            "store_id,opened_on,closed_on",
            "1,2020-01-01,2019-01-01",
            "closed_on: '2019-01-01' is before",
        ),
        ("stores", "store_id,latitude,longitude", "1,33.4,", "longitude: '' is missing beside a latitude"),
        ("stores", "store_id,latitude,longitude", "1,,33.4", "latitude: '' is missing beside a longitude"),
        ("stores", "store_id,latitude,longitude", "1,91,0", "latitude: '91' is more than 90"),
        ("stores", "store_id,kind", "1,shop", "kind: 'shop' is not one of store, dc, online, outlet"),
        ("products", "sku,style_id,category", "A,,x", "style_id: is missing"),
        ("products", "sku,style_id,category,replaces_sku", "A,a,x,A", "replaces_sku: 'A' is the sku itself"),
        ("products", "sku,style_id,category,pack_size", "A,a,x,0", "pack_size: '0' is less than 1"),
        ("products", "sku,style_id,category,regular_price", "A,a,x,-1", "regular_price: '-1' is less than 0"),
        (
            "calendar",
            "category,season_code,floor_set,exit",
            "x,S,2026-07-01,2026-02-01",
            "exit: '2026-02-01' is bef",
        ),
        (
            "calendar",
            "category,season_code,floor_set,exit,style_id",
            "x,S,2026-01-01,2026-02-01,z",
            "no known style",
        ),
        (
            "markdowns",
            "category,season_code,effective_from,percent_off",
            "x,S,2026-07-01,0.3",
            "looks like a share",
        ),
        (
            "markdowns",
            "category,season_code,effective_from,percent_off",
            "x,S,2026-07-01,101",
            "more than 100",
        ),
        ("prices", "sku,effective_from,price", "A,2026-07-01,-1", "price: '-1' is less than 0"),
        (
            "ranging",
            "store_id,style_id,from,to",
            "1,a,2026-02-01,2026-01-01",
            "to: '2026-01-01' is before from",
        ),
        ("climate", "climate_zone,week,normal_temperature", "hot,53,70", "week: '53' is more than 52"),
        (
            "climate",
            "climate_zone,store_id,week,normal_temperature",
            "hot,1,5,70",
            "a row is about one of them",
        ),
        (
            "climate",
            "climate_zone,store_id,week,normal_temperature",
            ",,5,70",
            "needs climate_zone or store_id",
        ),
        ("receipts", "expected_date,store_id,sku,units", "2026-07-01,1,A,-1", "units: '-1' is less than 0"),
        (
            "receipts",
            "expected_date,store_id,sku,units,received_date",
            "2026-06-01,1,A,1,2026-06-16",
            "in the future",
        ),
        (
            "sales",
            "business_date,store_id,sku,units",
            "2026-06-16,1,A,1",
            "business_date: '2026-06-16' is in the fut",
        ),
        (
            "sales",
            "business_date,store_id,sku,units",
            "0206-06-16,1,A,1",
            "'0206-06-16' is before 1990-01-01",
        ),
        ("sales", "business_date,store_id,sku,units", "2026-06-01,3,A,1", "store_id: '3' is no known store"),
        ("sales", "business_date,store_id,sku,units", "2026-06-01,1,C,1", "sku: 'C' is no known sku"),
        (
            "sales",
            "business_date,store_id,sku,units",
            "2026-06-01,1,A,4006381333931",
            "is more than 10000000",
        ),
        (
            "sales",
            "business_date,store_id,sku,units,unit_price",
            "2026-06-01,1,A,1,-4.99",
            "'-4.99' is less than 0",
        ),
        (
            "sales",
            "business_date,store_id,sku,units,fulfilled_by",
            "2026-06-01,1,A,1,9",
            "'9' is no known store",
        ),
        (
            "sales",
            "business_date,store_id,sku,units,sold_on",
            "2026-06-01,1,A,-1,2026-06-02",
            "sold_on: '2026-06-02' is after the business_date on which it came back",
        ),
        (
            "sales",
            "business_date,store_id,sku,units,sold_on,period",
            "2026-05-31,1,A,-1,2026-06-07,week",
            "sold_on: '2026-06-07' is after the business_date on which it came back",
        ),
        (
            "sales",
            "business_date,store_id,sku,units,sold_on,sold_by",
            "2026-06-01,1,A,-1,2026-05-01,9",
            "sold_by: '9' is no known store",
        ),
        (
            "stock",
            "business_date,store_id,sku,in_stock",
            "2026-06-01,1,A,1.5",
            "in_stock: '1.5' is more than 1",
        ),
        (
            "stock",
            "business_date,store_id,sku,on_hand,in_stock",
            "2026-06-01,1,A,,",
            "needs on_hand or in_stock",
        ),
        (
            "requests",
            "requested_at,store_id,sku,text",
            "2026-06-16,1,A,",
            "requested_at: '2026-06-16' is in the",
        ),
        (
            "requests",
            "requested_at,store_id,style_id,size,text",
            "2026-06-01,1,a,,",
            "sku: a row needs sku or style_id",
        ),
        ("requests", "requested_at,store_id,sku,units", "2026-06-01,1,A,0", "units: '0' is less than 1"),
    ],
)
def test_a_row_that_breaks_a_rule_is_rejected_with_the_reason(checked, kind, header, row, reason):
    result = checked(kind, f"{header}\n{row}\n")

    assert len(result.good) == 0
    assert result.rejects["line"].to_list() == [2]
    assert reason in result.rejects["reason"].iloc[0]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("stores", "store_id,closed_on,opened_on,latitude,longitude\n1,,1898-01-02,,\n"),
        ("calendar", "category,season_code,floor_set,exit\nswim trunks,S,2026-02-01,2026-02-01\n"),
        ("ranging", "store_id,style_id\n1,a\n"),
        ("climate", "climate_zone,store_id,week,normal_temperature\nelsewhere,,52,-4\n"),
        ("receipts", "expected_date,store_id,sku,units\n2027-01-01,1,A,5\n"),
        ("sales", "business_date,store_id,sku,units\n2026-06-15,1,A,-2\n"),
        ("sales", "business_date,store_id,sku,units,sold_on\n2026-06-15,1,A,-2,2026-06-15\n"),
        ("sales", "business_date,store_id,sku,units,sold_on,period\n2026-05-31,1,A,-2,2026-06-06,week\n"),
        ("stock", "business_date,store_id,sku,on_hand\n2026-06-15,1,A,-2\n"),
        ("requests", "requested_at,store_id,style_id,size\n2026-06-15T09:00,1,a,XL\n"),
        ("requests", "requested_at,store_id,text\n2026-06-15T09:00,1,a red hat\n"),
    ],
)
def test_a_row_at_the_edge_of_the_rules_is_good(checked, kind, text):
    result = checked(kind, text)

    assert reasons(result) == {}
    assert len(result.good) == 1


def test_a_row_with_two_faults_is_listed_once_for_each(checked):
    result = checked("sales", "business_date,store_id,sku,units\n2026-06-01,9,A,three\n2026-06-01,1,A,3\n")

    assert result.rejects[["line", "column", "value"]].to_numpy().tolist() == [
        [2, "units", "three"],
        [2, "store_id", "9"],
    ]
    assert result.good.index.to_list() == [3]


def test_tickets_of_one_day_may_repeat(checked):
    row = "2026-06-01,1,A,1\n"

    assert len(checked("sales", f"business_date,store_id,sku,units\n{row}{row}").good) == 2


def test_a_second_count_of_one_day_is_rejected_naming_the_first(checked):
    header = "business_date,store_id,sku,on_hand,period\n"
    result = checked("stock", header + "2026-06-01,1,A,4,\n2026-06-01,1,B,4,\n2026-06-01,1,A,5,day\n")

    assert result.good.index.to_list() == [2, 3]
    assert reasons(result) == {
        4: "business_date: the row repeats the business_date + store_id + sku + period of line 2"
    }


def test_a_row_does_not_repeat_one_that_was_rejected(checked):
    result = checked("stock", "business_date,store_id,sku,on_hand\n2026-06-01,1,A,x\n2026-06-01,1,A,5\n")

    assert result.good.index.to_list() == [3]


WEEKS = "business_date,store_id,sku,units,period\n"


def test_a_chain_whose_weeks_all_start_on_another_day_is_told_the_setting(checked):
    monday_weeks = WEEKS + "2026-06-01,1,A,1,week\n2026-06-08,1,A,1,week\n"

    with pytest.raises(FileRefusedError, match="INSEASON_WEEK_STARTS_ON=monday"):
        checked("sales", monday_weeks)
    assert len(checked("sales", monday_weeks, Weekday.MONDAY).good) == 2


def test_a_wrong_week_among_days_is_rejected_alone(checked):
    result = checked("sales", WEEKS + "2026-06-01,1,A,1,day\n2026-06-08,1,A,1,week\n2026-06-09,1,A,1,\n")

    assert len(result.good) == 2
    assert reasons(result) == {
        3: "business_date: '2026-06-08' is no Sunday, on which the chain's weeks start"
    }


def test_a_moment_beyond_all_calendars_rejects_its_row_alone(checked):
    header = "requested_at,store_id,sku\n"
    result = checked("requests", header + "9999-12-31T23:59-12:00,1,A\n2026-06-01,1,A\n")

    assert len(result.good) == 1
    assert set(result.rejects["line"]) == {2}
    assert "requested_at: '9999-12-31T23:59-12:00' is after 2099-12-31" in set(result.rejects["reason"])


def test_a_single_week_that_starts_on_another_day_is_rejected(checked):
    result = checked("sales", WEEKS + "2026-06-01,1,A,1,week\n2026-06-07,1,A,1,week\n")

    assert result.good.index.to_list() == [3]
    assert reasons(result) == {
        2: "business_date: '2026-06-01' is no Sunday, on which the chain's weeks start"
    }


def test_names_that_nobody_has_yet_are_remarked_upon_and_taken(checked):
    header = "category,season_code,floor_set,exit,climate_zone\n"
    result = checked("calendar", header + "swim trunk,S,2026-02-01,2026-07-01,cold\n")

    assert result.notes == (
        "No product has the category 'swim trunk' yet.",
        "No store has the climate zone 'cold' yet.",
    )
    assert len(result.good) == 1


def test_a_file_without_a_readable_row_is_all_rejects(checked):
    result = checked("sales", "business_date,store_id,sku,units\n1,2\n")

    assert len(result.good) == 0
    assert reasons(result) == {2: "the row has 2 cells, the header has 4 columns"}


def test_many_wrong_rows_are_checked_as_fast_as_good_ones(checked):
    rows = "2026-06-01,1,A,1,-1\n" * 20_000

    result = checked("sales", f"business_date,store_id,sku,units,unit_price\n{rows}")

    assert len(result.rejects) == 20_000
