"""Stores, products, the calendar in force and who carries what, as frames from the records."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from data.assortment import carried, climate_frame, presentation_frame, products_frame, stores_frame
from data.records import (
    BuyType,
    CalendarVersion,
    ClimateNormal,
    MarkdownStep,
    Price,
    PriceKind,
    Product,
    Ranging,
    SellingWindow,
    Store,
    WindowStatus,
)
from data.selling_windows import calendar_frame, markdown_frame, newest_version, resolve

AS_OF = date(2026, 6, 6)
UNTIL = date(2027, 6, 5)


def add(database, *records):
    with database.write() as session:
        session.add_all(records)


def product(sku, style="TEE", **changes):
    return Product(**({"sku": sku, "style_id": style, "category": "T-shirts"} | changes))


@pytest.fixture
def stores(database):
    add(
        database,
        Store(store_id="PHX", name="Phoenix", climate_zone="hot", opened_on=date(2020, 3, 1)),
        Store(store_id="SEA", name="Seattle", climate_zone="cool"),
    )


# Products and stores.


def test_the_regular_price_in_force_in_the_whole_chain_stands_above_the_products_own(database):
    def price(day, dollars, **where):
        return Price(
            sku="A", effective_from=day, kind=where.pop("kind", PriceKind.REGULAR), price=dollars, **where
        )

    add(database, product("A", regular_price=Decimal("19.99")), product("B", regular_price=Decimal(5)))
    add(
        database,
        price(date(2026, 1, 1), Decimal(21)),
        price(date(2026, 6, 1), Decimal(22)),
        price(AS_OF + timedelta(days=1), Decimal(30)),
        price(AS_OF, Decimal(11), kind=PriceKind.PROMOTION),
        price(AS_OF, Decimal(12), store_id="PHX"),
    )
    with database.read() as session:
        frame = products_frame(session, as_of=AS_OF).set_index("sku")
    assert frame["regular_price"].to_dict() == {"A": 22.0, "B": 5.0}


def test_a_price_in_dollars_and_cents_is_a_number_and_an_unknown_one_none(database):
    add(database, product("A", regular_price=Decimal("19.99"), lead_time_days=21), product("B"))
    with database.read() as session:
        frame = products_frame(session, as_of=AS_OF).set_index("sku")
    assert frame["regular_price"].to_dict() == {"A": 19.99, "B": pytest.approx(np.nan, nan_ok=True)}
    assert frame.loc["A", "lead_time_days"] == 21
    assert np.isnan(frame.loc["B", "lead_time_days"])
    assert set(frame["buy_type"]) == {"replenished"}


def test_products_say_whom_they_are_for_and_where_they_hang(database):
    add(database, product("A", gender_age="kids", department="beach"), product("B"))
    with database.read() as session:
        frame = products_frame(session, as_of=AS_OF).set_index("sku")
    assert frame["gender_age"].to_dict() == {"A": "kids", "B": ""}
    assert frame["department"].to_dict() == {"A": "beach", "B": ""}


def test_a_presentation_minimum_is_the_one_last_ranged(database, stores):
    def ranged(style, minimum, since=date.min, store="PHX"):
        return Ranging(store_id=store, style_id=style, valid_from=since, presentation_minimum=minimum)

    add(
        database,
        ranged("TEE", 3),
        ranged("TEE", 5, date(2026, 6, 1)),
        ranged("TEE", 9, AS_OF + timedelta(days=1)),
        ranged("TEE", 2, store="SEA"),
        ranged("CAP", 0),
        ranged("HAT", None),
    )
    with database.read() as session:
        frame = presentation_frame(session, as_of=AS_OF)
    found = {(row.store_id, row.style_id): row.presentation_minimum for row in frame.itertuples()}
    assert found == {("PHX", "TEE"): 5, ("SEA", "TEE"): 2, ("PHX", "CAP"): 0}
    assert frame["presentation_minimum"].dtype == "int64"


def test_stores_have_their_days_as_days(database, stores):
    with database.read() as session:
        frame = stores_frame(session).set_index("store_id")
    assert frame.loc["PHX", "opened_on"] == pd.Timestamp("2020-03-01")
    assert frame["opened_on"].isna().to_dict() == {"PHX": False, "SEA": True}
    assert frame["closed_on"].isna().all()
    assert pd.api.types.is_datetime64_any_dtype(frame["closed_on"])


def test_empty_records_give_empty_frames_with_all_columns(database):
    with database.read() as session:
        assert list(products_frame(session, as_of=AS_OF)["regular_price"]) == []
        assert presentation_frame(session, as_of=AS_OF).empty
        assert pd.api.types.is_datetime64_any_dtype(stores_frame(session)["opened_on"])
        assert climate_frame(session) is None
        windows = resolve(calendar_frame(session), pd.DataFrame([RANGED]))
        assert windows.empty
        assert markdown_frame(session).empty


# The calendar in force.

RANGED = {"store_id": "PHX", "style_id": "TEE", "category": "T-shirts", "climate_zone": "hot"}


def window(floor_set, **changes):
    span = {"floor_set": floor_set, "exit": floor_set + timedelta(days=120)}
    return SellingWindow(**({"category": "T-shirts", "season_code": "SS26"} | span | changes))


def version(*windows, steps=()):
    return CalendarVersion(
        created_at=datetime(2026, 1, 5, tzinfo=UTC),
        author="Pat",
        reason="a test",
        windows=list(windows),
        markdown_steps=list(steps),
    )


def step(percent_off):
    effective = date(2026, 6, 1)
    return MarkdownStep(
        category="T-shirts", season_code="SS26", effective_from=effective, percent_off=percent_off
    )


def test_only_the_newest_version_of_the_calendar_is_in_force(database):
    add(database, version(window(date(2026, 2, 1)), steps=[step(20)]))
    add(database, version(window(date(2026, 3, 1)), steps=[step(30)]))
    with database.read() as session:
        frame, steps = calendar_frame(session), markdown_frame(session)
        assert newest_version(session) is not None
    assert frame["floor_set"].tolist() == [pd.Timestamp("2026-03-01")]
    assert steps["percent_off"].tolist() == [30.0]
    assert steps["effective_from"].tolist() == [pd.Timestamp("2026-06-01")]


def test_a_draft_is_not_in_force_even_where_it_is_more_specific(database):
    draft = window(date(2026, 4, 1), status=WindowStatus.DRAFT, store_id="PHX")
    add(database, version(window(date(2026, 2, 1)), draft))
    with database.read() as session:
        current = calendar_frame(session)
        proposed = calendar_frame(session, WindowStatus.DRAFT)
    resolved = resolve(current, pd.DataFrame([RANGED]))
    assert resolved["floor_set"].tolist() == [pd.Timestamp("2026-02-01")]
    assert proposed["floor_set"].tolist() == [pd.Timestamp("2026-04-01")]


# The climate.


def test_a_store_s_own_temperature_wins_over_its_zone_s(database, stores):
    add(
        database,
        ClimateNormal(climate_zone="hot", week=1, normal_temperature=55.0),
        ClimateNormal(climate_zone="hot", week=2, normal_temperature=56.0),
        ClimateNormal(climate_zone="cool", week=1, normal_temperature=41.0),
        ClimateNormal(store_id="PHX", week=2, normal_temperature=60.0),
        ClimateNormal(store_id="CLOSED", week=2, normal_temperature=10.0),
    )
    with database.read() as session:
        rows = climate_frame(session).itertuples()
    found = {(row.store, row.week): row.normal_temperature for row in rows}
    assert found == {("PHX", 1): 55.0, ("PHX", 2): 60.0, ("SEA", 1): 41.0}


# Who carries what.


def weeks_before(number):
    return pd.Timestamp(AS_OF) - pd.Timedelta(weeks=number)


def history(*rows):
    """Series from (store, sku, weeks since it was last stocked)."""
    frame = pd.DataFrame(
        [(store, sku, weeks_before(weeks)) for store, sku, weeks in rows],
        columns=["store_id", "sku", "last_stocked"],
    )
    return frame.astype({"store_id": "str", "sku": "str", "last_stocked": "datetime64[us]"})


def offered(database, *rows):
    with database.read() as session:
        found = carried(
            session, history(*rows), products_frame(session, as_of=AS_OF), as_of=AS_OF, until=UNTIL
        )
    pairs = [tuple(pair) for pair in found[["store_id", "sku"]].to_numpy().tolist()]
    assert len(set(pairs)) == len(pairs)
    return set(pairs)


def test_without_ranging_what_had_stock_lately_is_carried_where_it_had_it(database, stores):
    add(database, product("A"), product("B"))
    assert offered(database, ("PHX", "A", 0), ("SEA", "B", 3)) == {("PHX", "A"), ("SEA", "B")}


@pytest.mark.parametrize(
    ("buy_type", "weeks", "is_carried"),
    [
        (BuyType.REPLENISHED, 60, True),
        (BuyType.REPLENISHED, 61, False),
        (BuyType.CARRY_OVER, 60, True),
        (BuyType.CARRY_OVER, 61, False),
        (BuyType.ONE_BUY, 26, True),
        (BuyType.ONE_BUY, 27, False),
    ],
)
def test_basics_come_round_again_and_one_buys_are_over_after_half_a_year(
    database, stores, buy_type, weeks, is_carried
):
    add(database, product("A", buy_type=buy_type))
    assert offered(database, ("PHX", "A", weeks)) == ({("PHX", "A")} if is_carried else set())


def test_a_replaced_sku_is_carried_until_the_one_that_replaces_it_has_had_stock(database, stores):
    add(database, product("OLD"), product("NEW", replaces_sku="OLD"), product("OTHER"))
    assert offered(database, ("PHX", "OLD", 1), ("PHX", "OTHER", 1)) == {("PHX", "OLD"), ("PHX", "OTHER")}
    assert offered(database, ("PHX", "OLD", 1), ("PHX", "NEW", 0), ("PHX", "OTHER", 1)) == {
        ("PHX", "NEW"),
        ("PHX", "OTHER"),
    }


def test_a_sku_that_the_records_do_not_know_is_not_carried(database, stores):
    add(database, product("A"))
    assert offered(database, ("PHX", "A", 0), ("PHX", "GONE", 0)) == {("PHX", "A")}


def ranging(valid_from=date.min, valid_to=None, store_id="PHX", style_id="TEE"):
    return Ranging(store_id=store_id, style_id=style_id, valid_from=valid_from, valid_to=valid_to)


def test_a_ranged_style_is_carried_in_all_its_sizes_without_ever_having_had_stock(database, stores):
    add(database, product("A-S"), product("A-M"), product("B", style="CAP"), ranging())
    assert offered(database) == {("PHX", "A-S"), ("PHX", "A-M")}


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "is_carried"),
    [
        (date.min, AS_OF - timedelta(days=1), False),
        (date.min, AS_OF, True),
        (UNTIL, None, True),
        (UNTIL + timedelta(days=1), None, False),
        (AS_OF + timedelta(days=90), AS_OF + timedelta(days=120), True),
    ],
)
def test_ranging_decides_whatever_was_in_stock(database, stores, valid_from, valid_to, is_carried):
    add(database, product("A"), ranging(valid_from, valid_to))
    assert offered(database, ("PHX", "A", 0)) == ({("PHX", "A")} if is_carried else set())


def test_ranging_of_a_store_and_style_decides_nothing_for_others(database, stores):
    add(database, product("A"), product("B", style="CAP"), ranging(valid_to=AS_OF - timedelta(days=1)))
    rows = [("PHX", "A", 0), ("SEA", "A", 0), ("PHX", "B", 0)]
    assert offered(database, *rows) == {("SEA", "A"), ("PHX", "B")}


def test_a_style_ranged_in_two_seasons_is_carried_once(database, stores):
    add(
        database,
        product("A"),
        ranging(date(2026, 2, 1), date(2026, 8, 1)),
        ranging(date(2027, 2, 1), date(2027, 8, 1)),
    )
    assert offered(database, ("PHX", "A", 0)) == {("PHX", "A")}
