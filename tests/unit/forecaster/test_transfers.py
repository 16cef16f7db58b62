from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.distances import StoreMap
from forecaster.distribution import expected_shortfall
from forecaster.errors import PanelError
from forecaster.terms import ActionTerms
from forecaster.transfers import (
    LINE_COLUMNS,
    arrival,
    needs_after,
    plan_releases,
    plan_transfers,
    stock_after,
    supply_after,
)

AS_OF = date(2026, 6, 6)
FREE = ActionTerms(minimum_units=1, per_shipment=0.0, handling_per_unit=0.1, per_unit_mile=0.001)
"""Terms under which every unit may travel by itself."""


def stores(*places, **columns) -> pd.DataFrame:
    """Stores a, b, c ... a degree of longitude apart at the equator (69 miles), as many times as told."""
    names = [chr(ord("a") + number) for number in range(len(places))]
    return pd.DataFrame({"store": names, "latitude": 0.0, "longitude": places, "kind": "store"} | columns)


def products(**packs) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "sku": list(packs),
            "style": "s",
            "regular_price": 30.0,
            "unit_cost": 10.0,
            "pack_size": packs.values(),
        }
    )


def needs(*rows, ends="2026-07-31") -> pd.DataFrame:
    """store, sku, units certainly wanted and not there."""
    told = pd.DataFrame(list(rows), columns=["store", "sku", "mean"])
    return told.assign(size=np.inf, stock=0.0, ends=pd.Timestamp(ends))


def spare(*rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["store", "sku", "spare"])


def planned(short, able, places, *, terms=FREE, packs=None, **changes) -> pd.DataFrame:
    return plan_transfers(
        short,
        able,
        packs if packs is not None else products(M=1, L=1),
        places,
        as_of=AS_OF,
        terms=terms,
        **changes,
    )


def sent(lines) -> dict[tuple[str, str, str], int]:
    return lines.set_index(["from_store", "to_store", "sku"])["units"].to_dict()


def test_the_nearest_store_with_any_to_spare_gives():
    lines = planned(needs(("a", "M", 8.0)), spare(("b", "M", 4), ("c", "M", 9)), stores(0, 2, 1))
    assert sent(lines)[("c", "a", "M")] == lines["units"].sum()


def test_of_two_takers_of_one_giver_the_one_with_the_dearer_other_way_is_served_by_it():
    # b has 3: a could ask c (1 degree away), d nobody else.
    able = spare(("b", "M", 3), ("c", "M", 3))
    short = needs(("a", "M", 3.0), ("d", "M", 3.0))
    lines = planned(short, able, stores(0, 0.5, -1, 1.4), terms=replace(FREE, givers=1))
    assert sent(lines)[("b", "d", "M")] > 0


def test_units_won_are_what_the_taker_lacks_less_with_them_than_without():
    lines = planned(needs(("a", "M", 3.0)), spare(("b", "M", 2)), stores(0, 1))
    assert lines["units"].tolist() == [2]
    less = expected_shortfall(3.0, np.inf, 0.0) - expected_shortfall(3.0, np.inf, 2.0)
    assert lines["wins"].tolist() == pytest.approx([float(less)])
    assert lines["benefit"].tolist() == pytest.approx([20 * float(less)])


def test_a_unit_that_would_hardly_sell_stays_where_it_is():
    # Poisson of 1: the second unit is asked for with probability 0.26.
    assert planned(needs(("a", "M", 1.0)), spare(("b", "M", 9)), stores(0, 1))["units"].tolist() == [1]


def test_a_line_says_what_it_costs_when_it_must_be_asked_for_and_when_it_arrives():
    terms = ActionTerms(minimum_units=1, per_shipment=6.0)
    lines = planned(
        needs(("a", "M", 9.0), ("a", "L", 9.0)),
        spare(("b", "M", 4), ("b", "L", 2)),
        stores(0, 1),
        terms=terms,
    )
    assert list(lines.columns) == list(LINE_COLUMNS)
    miles = lines["miles"].iloc[0]
    assert miles == pytest.approx(69.09, abs=0.01)
    assert lines["cost"].sum() == pytest.approx(6.0 + 6 * (0.75 + 0.002 * miles))
    assert lines.set_index("sku").loc["M", "cost"] == pytest.approx(4 * (0.75 + 0.002 * miles + 1.0))
    assert lines["arrives_on"].unique().tolist() == [pd.Timestamp(arrival(AS_OF, terms))]
    assert lines["ships_by"].unique().tolist() == [pd.Timestamp("2026-07-27")]


def test_nothing_is_sent_that_would_arrive_after_the_season():
    on_the_day = arrival(AS_OF, FREE)
    short, able = needs(("a", "M", 5.0), ends=on_the_day), spare(("b", "M", 5))
    assert planned(short, able, stores(0, 1))["units"].sum() > 0
    assert planned(short, able, stores(0, 1), terms=replace(FREE, transit_days=5)).empty


def test_a_parcel_with_too_few_units_is_not_made_up():
    able = spare(("b", "M", 3))
    assert planned(needs(("a", "M", 9.0)), able, stores(0, 1), terms=replace(FREE, minimum_units=4)).empty
    assert len(planned(needs(("a", "M", 9.0)), able, stores(0, 1), terms=replace(FREE, minimum_units=3)))


def test_the_fewest_units_count_over_all_skus_of_a_parcel():
    short = needs(("a", "M", 9.0), ("a", "L", 9.0))
    lines = planned(
        short, spare(("b", "M", 2), ("b", "L", 2)), stores(0, 1), terms=replace(FREE, minimum_units=4)
    )
    assert lines["units"].sum() == 4


def test_what_was_in_a_small_parcel_is_asked_of_another_giver():
    # b is nearest with 2; c has plenty a little farther off.
    terms = replace(FREE, minimum_units=4)
    lines = planned(
        needs(("a", "M", 6.0)), spare(("b", "M", 2), ("c", "M", 9)), stores(0, 1, 1.2), terms=terms
    )
    assert set(lines["from_store"]) == {"c"}
    assert lines["units"].sum() >= 5


def test_a_parcel_that_wins_less_than_it_costs_is_not_sent():
    able, dear = spare(("b", "M", 4)), replace(FREE, per_shipment=90.0)
    assert planned(needs(("a", "M", 9.0)), able, stores(0, 1), terms=dear).empty
    assert (
        planned(needs(("a", "M", 9.0)), able, stores(0, 1), terms=replace(FREE, per_shipment=70.0))[
            "units"
        ].sum()
        == 4
    )


def test_miles_that_cost_more_than_the_margin_are_not_driven():
    assert planned(
        needs(("a", "M", 9.0)), spare(("b", "M", 4)), stores(0, 90), terms=replace(FREE, per_unit_mile=0.01)
    ).empty


def test_only_the_nearest_givers_are_asked():
    lines = planned(
        needs(("a", "M", 20.0)),
        spare(("b", "M", 1), ("c", "M", 9)),
        stores(0, 1, 2),
        terms=replace(FREE, givers=1),
    )
    assert sent(lines) == {("b", "a", "M"): 1}


def test_packs_stay_whole_where_packs_are_sent():
    terms = replace(FREE, whole_packs=True)
    lines = planned(
        needs(("a", "M", 9.0)),
        spare(("b", "M", 8), ("c", "M", 2)),
        stores(0, 1, 2),
        terms=terms,
        packs=products(M=3),
    )
    assert sent(lines) == {("b", "a", "M"): 6}


def test_a_giver_with_less_than_a_pack_does_not_take_the_place_of_one_with_a_pack():
    terms = replace(FREE, whole_packs=True, givers=1)
    lines = planned(
        needs(("a", "M", 9.0)),
        spare(("b", "M", 2), ("c", "M", 3)),
        stores(0, 1, 2),
        terms=terms,
        packs=products(M=3),
    )
    assert sent(lines) == {("c", "a", "M"): 3}


def test_who_lacks_a_sku_does_not_give_it():
    lines = planned(
        needs(("a", "M", 9.0), ("b", "M", 9.0)), spare(("b", "M", 5), ("c", "M", 20)), stores(0, 1, 2)
    )
    assert set(lines["from_store"]) == {"c"}


@pytest.mark.parametrize(
    "changes",
    [
        {"late_stores": ["a"]},
        {"closed": "2026-06-08"},
        {"kind": ["dc", "store"]},
        {"latitude": [np.nan, 0.0]},
    ],
)
def test_a_store_that_is_late_closing_a_centre_or_not_on_the_map_takes_nothing(changes):
    late = changes.pop("late_stores", [])
    closed = pd.to_datetime([changes.pop("closed", None), None])
    places = stores(0, 1, closed_on=closed, **changes)
    assert planned(needs(("a", "M", 9.0)), spare(("b", "M", 9)), places, late_stores=late).empty


def test_a_giver_that_is_on_no_list_gives_nothing():
    assert planned(needs(("a", "M", 9.0)), spare(("elsewhere", "M", 9)), stores(0, 1)).empty


def test_a_product_without_a_price_is_not_moved():
    unpriced = products(M=1).assign(regular_price=np.nan)
    assert planned(needs(("a", "M", 9.0)), spare(("b", "M", 9)), stores(0, 1), packs=unpriced).empty


def test_a_night_without_needs_or_surplus_moves_nothing():
    lines = planned(needs(), spare(("b", "M", 9)), stores(0, 1))
    assert lines.empty
    assert list(lines.columns) == list(LINE_COLUMNS)
    assert planned(needs(("a", "M", 9.0)), spare(), stores(0, 1)).empty


def test_two_needs_of_one_store_for_one_sku_are_refused():
    with pytest.raises(PanelError, match=r"needs\.store\+sku: 1 repeated rows"):
        planned(needs(("a", "M", 9.0), ("a", "M", 2.0)), spare(("b", "M", 9)), stores(0, 1))


# Whatever the chain


@st.composite
def chains(draw):
    n = draw(st.integers(2, 6))
    skus = draw(st.sampled_from([("M",), ("M", "L"), ("M", "L", "S")]))
    places = stores(*draw(st.lists(st.floats(-40, 40), min_size=n, max_size=n)))
    pairs = [(store, sku) for store in places["store"] for sku in skus]
    short = [
        (s, k, draw(st.floats(0.2, 9)))
        for s, k in draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True))
    ]
    able = [
        (s, k, draw(st.integers(0, 9)))
        for s, k in draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True))
    ]
    packs = products(**{sku: draw(st.integers(1, 4)) for sku in skus})
    terms = ActionTerms(
        minimum_units=draw(st.integers(1, 6)),
        per_shipment=draw(st.sampled_from([0.0, 6.0, 40.0])),
        whole_packs=draw(st.booleans()),
        givers=draw(st.integers(1, 4)),
        per_unit_mile=draw(st.sampled_from([0.0, 0.002, 0.01])),
    )
    return needs(*short), spare(*able), places, packs, terms


def worth(lines) -> float:
    return float(lines["benefit"].sum() - lines["cost"].sum())


@settings(max_examples=50, deadline=None)
@given(chains())
def test_a_plan_obeys_every_limit(chain):
    short, able, places, packs, terms = chain
    lines = planned(short, able, places, terms=terms, packs=packs)
    given_away = lines.groupby(["from_store", "sku"])["units"].sum()
    most = able.set_index(["store", "sku"])["spare"].reindex(given_away.index)
    assert (given_away <= most).all()
    pack = lines["sku"].map(packs.set_index("sku")["pack_size"]).astype(float)
    size = pack if terms.whole_packs else 1
    assert (lines["units"] % size == 0).all()
    parcels = lines.groupby(["from_store", "to_store"])[["units", "cost", "benefit"]].sum()
    assert (parcels["units"] >= terms.minimum_units).all()
    assert (parcels["benefit"] > parcels["cost"]).all()
    assert (lines.groupby(["to_store", "sku"])["from_store"].nunique() <= terms.givers).all()
    assert (lines["from_store"] != lines["to_store"]).all()
    assert (pd.to_datetime(lines["arrives_on"]) <= pd.Timestamp("2026-07-31")).all()
    assert (lines["wins"] <= lines["units"] + 1e-9).all()


@settings(max_examples=30, deadline=None)
@given(chains())
def test_no_plan_beats_the_linear_programme_without_fewest_units_and_fixed_costs(chain):
    short, able, places, packs, terms = chain
    bound = planned(short, able, places, terms=replace(terms, minimum_units=1, per_shipment=0.0), packs=packs)
    assert worth(planned(short, able, places, terms=terms, packs=packs)) <= worth(bound) + 1e-6


@settings(max_examples=25, deadline=None)
@given(chains())
def test_more_to_spare_never_wins_less_where_parcels_may_be_small(chain):
    short, able, places, packs, terms = chain
    free = replace(terms, minimum_units=1, per_shipment=0.0, givers=9)
    more = able.assign(spare=able["spare"] + 4)
    less = planned(short, able[able["spare"] > 0], places, terms=free, packs=packs)
    assert worth(planned(short, more, places, terms=free, packs=packs)) >= worth(less) - 1e-6


def brute_force(short, able, places) -> float:
    """The most that any whole units of one sku, between two givers and two takers, win under `FREE`."""
    miles = StoreMap.of(places).miles
    number = {store: place for place, store in enumerate(places["store"])}
    pairs = list(itertools.product(able.itertuples(), short.itertuples()))
    each = [0.1 + 0.001 * miles[number[taker.store], number[giver.store]] for giver, taker in pairs]
    wins = {
        t.store: 20 * (t.mean - expected_shortfall(t.mean, np.inf, np.arange(7))) for t in short.itertuples()
    }
    best = 0.0
    for units in itertools.product(range(4), repeat=len(pairs)):
        sent, got = Counter(), Counter()
        for (giver, taker), n in zip(pairs, units, strict=True):
            sent[giver.store] += n
            got[taker.store] += n
        if all(sent[giver.store] <= giver.spare for giver in able.itertuples()):
            won = sum(float(wins[store][n]) for store, n in got.items())
            best = max(best, won - sum(n * cost for n, cost in zip(units, each, strict=True)))
    return best


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0.3, 3.0), min_size=2, max_size=2),
    st.lists(st.integers(1, 3), min_size=2, max_size=2),
    st.lists(st.floats(-20, 20), min_size=4, max_size=4),
)
def test_no_other_whole_units_win_more(means, held, where):
    places = stores(*where)
    short = needs(("a", "M", means[0]), ("b", "M", means[1]))
    able = spare(("c", "M", held[0]), ("d", "M", held[1]))
    # Every unit that pays its way may go, however seldom it sells.
    lines = planned(short, able, places, terms=replace(FREE, least_chance=1e-6))
    assert worth(lines) == pytest.approx(brute_force(short, able, places), abs=1e-6)


# Distribution centres


CENTRE = stores(0, 1, np.nan, kind=["store", "store", "dc"])


def released(short, able, places=CENTRE, *, packs=None):
    return plan_releases(short, able, packs if packs is not None else products(M=1), places, as_of=AS_OF)


def test_a_centre_gives_what_it_holds_to_who_lacks_it_though_it_is_on_no_map():
    lines = released(needs(("a", "M", 8.0)), spare(("c", "M", 5), ("b", "M", 9)))
    assert sent(lines) == {("c", "a", "M"): 5}
    assert lines["miles"].isna().all()
    assert lines["cost"].tolist() == pytest.approx([5 * 0.4])


def test_a_centre_sends_whole_packs_and_no_parcel_is_too_small():
    lines = released(needs(("a", "M", 2.0)), spare(("c", "M", 7)), packs=products(M=2))
    assert sent(lines) == {("c", "a", "M"): 2}


def test_stores_never_send_for_a_centre_and_centres_are_no_stores():
    assert planned(needs(("a", "M", 8.0)), spare(("c", "M", 5)), CENTRE).empty
    assert released(needs(("a", "M", 8.0)), spare(("b", "M", 5))).empty


# What is so once it is done


LINES = planned(needs(("a", "M", 3.0)), spare(("b", "M", 2)), stores(0, 1))


def test_what_is_sent_for_is_stock_to_the_next_who_asks():
    after = needs_after(needs(("a", "M", 3.0), ("a", "L", 3.0)), LINES)
    assert after["stock"].tolist() == [2, 0]
    assert needs_after(needs(("a", "M", 3.0)), LINES.iloc[:0])["stock"].tolist() == [0]


def test_moving_stock_loses_and_makes_none():
    stock = pd.DataFrame({"store": ["b", "c"], "sku": ["M", "M"], "on_hand": [5.0, 1.0]})
    after = stock_after(stock, LINES).set_index("store")["on_hand"]
    assert after.to_dict() == {"a": 2, "b": 3, "c": 1}


def test_moved_supply_leaves_at_once_and_counts_from_the_week_after_it_arrives():
    supply = pd.DataFrame(
        {"store": ["b"], "sku": ["M"], "week": [pd.Timestamp("2026-06-07")], "units": [5.0]}
    )
    after = supply_after(supply, LINES)
    weeks = pd.date_range("2026-06-07", periods=3, freq="7D")
    column = np.searchsorted(weeks, after["week"], side="right") - 1
    assert list(zip(after["store"], column.tolist(), after["units"], strict=True)) == [
        ("b", 0, 5), ("b", 0, -2), ("a", 1, 2),
    ]  # fmt: skip
