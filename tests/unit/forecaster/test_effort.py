from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import expected_gap
from forecaster.distances import EARTH_RADIUS_MILES
from forecaster.effort import (
    Search,
    chance_ahead,
    customer_effort,
    effort_of_findings,
    mean_effort,
    shelf_chance,
    wanted_now,
)
from forecaster.errors import ForecasterError
from forecaster.transfers import stock_after

DEGREE = np.radians(1.0) * EARTH_RADIUS_MILES
FAR = Search(most_stores=10, most_miles=10_000)
PRODUCTS = pd.DataFrame(
    {
        "sku": ["navy-M", "red-M", "navy-L", "fancy-M", "navy-S"],
        "style": ["navy", "red", "navy", "fancy", "navy"],
        "category": "swim",
        "gender_age": "men",
        "size": ["M", "M", "L", "M", "S"],
        "regular_price": [30.0, 29.0, 30.0, 90.0, 30.0],
    }
)
STORES = pd.DataFrame(
    {"store": ["a", "b", "c", "d"], "latitude": 0.0, "longitude": [0.0, 1.0, 3.0, -1.5], "kind": "store"}
)


def chance(*rows) -> pd.DataFrame:
    return pd.DataFrame(list(rows), columns=["store", "sku", "chance"])


def effort(store, sku, there, *, stores=STORES, search=FAR) -> tuple[float, float, float]:
    """Stores, miles in degrees, and share found, of one customer."""
    wanted = pd.DataFrame({"store": [store], "sku": [sku]})
    told = customer_effort(wanted, there, PRODUCTS, stores, search=search).iloc[0]
    return told["stores"], round(told["miles"] / DEGREE, 6), told["found"]


def test_who_finds_it_at_home_visits_one_store_and_goes_no_mile():
    assert effort("a", "navy-M", chance(("a", "navy-M", 1.0))) == (1, 0, 1)


def test_who_does_not_goes_to_the_nearest_store_and_counts_the_home_store_too():
    assert effort("a", "navy-M", chance(("b", "navy-M", 1.0))) == (2, 1, 1)


def test_from_each_store_the_way_leads_on_to_the_nearest_one_left():
    # From a to b (1 degree), from b to c (2; d is 2.5 away, though nearer to home), from c to d (4.5).
    assert effort("a", "navy-M", chance(("c", "navy-M", 1.0))) == (3, 3, 1)
    assert effort("a", "navy-M", chance(("d", "navy-M", 1.0))) == (4, 7.5, 1)


def test_another_style_of_the_same_need_ends_the_search():
    assert effort("a", "navy-M", chance(("a", "red-M", 1.0), ("b", "navy-M", 1.0))) == (1, 0, 1)


@pytest.mark.parametrize("other", ["navy-L", "fancy-M"])
def test_another_size_or_a_much_dearer_style_does_not(other):
    assert effort("a", "navy-M", chance(("a", other, 1.0), ("b", "navy-M", 1.0))) == (2, 1, 1)


def test_what_is_nowhere_is_told_as_not_found_after_the_stores_and_miles_gone_in_vain():
    assert effort("a", "navy-M", chance()) == (4, 7.5, 0)


def test_a_customer_gives_up_after_so_many_stores():
    there = chance(("c", "navy-M", 1.0))
    assert effort("a", "navy-M", there, search=Search(2, 10_000)) == (2, 1, 0)
    assert effort("a", "navy-M", there, search=Search(1, 10_000)) == (1, 0, 0)


def test_a_store_beyond_the_miles_a_customer_goes_is_not_visited():
    there = chance(("c", "navy-M", 1.0))
    assert effort("a", "navy-M", there, search=Search(10, 2.9 * DEGREE)) == (2, 1, 0)
    assert effort("a", "navy-M", there, search=Search(10, 3.1 * DEGREE)) == (3, 3, 1)


def test_nobody_walks_into_a_distribution_centre_or_an_online_store():
    stores = STORES.assign(kind=["store", "dc", "store", "online"])
    there = chance(("b", "navy-M", 1.0), ("d", "navy-M", 1.0), ("c", "navy-M", 1.0))
    assert effort("a", "navy-M", there, stores=stores) == (2, 3, 1)


def test_a_store_that_is_not_on_the_map_has_no_effort():
    stores = STORES.assign(latitude=[np.nan, 0, 0, 0])
    assert np.isnan(effort("a", "navy-M", chance(("b", "navy-M", 1.0)), stores=stores)).all()
    assert np.isnan(effort("elsewhere", "navy-M", chance(("b", "navy-M", 1.0)))).all()


def test_chances_in_between_give_the_mean_way_worked_by_hand():
    # Found at a with 1/2, else at b with 1/2 (1 degree), else at c with certainty (2 more).
    there = chance(("a", "navy-M", 0.5), ("b", "navy-M", 0.5), ("c", "navy-M", 1.0))
    assert effort("a", "navy-M", there) == pytest.approx((1 + 0.5 + 0.25, 0.5 * 1 + 0.25 * 2, 1))


def test_styles_of_one_need_miss_a_customer_only_together():
    there = chance(("a", "navy-M", 0.5), ("a", "red-M", 0.5))
    assert effort("a", "navy-M", there, search=Search(1, 0)) == pytest.approx((1, 0, 0.75))


def test_a_sku_that_is_no_product_meets_a_need_of_its_own():
    assert effort("a", "unknown", chance(("b", "unknown", 1.0), ("a", "navy-M", 1.0))) == (2, 1, 1)


def test_weeks_are_told_apart():
    weeks = pd.to_datetime(["2026-06-07", "2026-06-14"])
    wanted = pd.DataFrame({"store": "a", "sku": "navy-M", "week": weeks})
    there = pd.DataFrame({"store": ["a", "b"], "sku": "navy-M", "week": weeks, "chance": 1.0})
    assert customer_effort(wanted, there, PRODUCTS, STORES, search=FAR)["stores"].tolist() == [1, 2]


def test_nobody_wanting_anything_goes_nowhere():
    told = customer_effort(pd.DataFrame({"store": [], "sku": []}), chance(), PRODUCTS, STORES)
    assert told.empty
    assert {"stores", "miles", "found"} <= set(told.columns)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=4, max_size=4),
    st.integers(0, 3),
    st.floats(0, 1),
    st.integers(1, 5),
    st.floats(0, 900),
)
def test_more_on_the_shelves_never_makes_the_way_longer(there, where, more, most_stores, most_miles):
    search = Search(most_stores, most_miles)
    before = chance(*((store, "navy-M", p) for store, p in zip("abcd", there, strict=True)))
    better = before.assign(chance=[max(p, more) if i == where else p for i, p in enumerate(there)])
    stores, miles, found = effort("a", "navy-M", before, search=search)
    stores_after, miles_after, found_after = effort("a", "navy-M", better, search=search)
    assert stores_after <= stores + 1e-9
    assert miles_after <= miles + 1e-9
    assert found_after >= found - 1e-9
    assert 1 <= stores <= most_stores
    assert 0 <= miles * DEGREE <= most_miles + 1e-3


@pytest.mark.parametrize(("stores", "miles"), [(0, 10), (3, -1), (3, float("nan"))])
def test_a_search_that_cannot_begin_is_refused(stores, miles):
    with pytest.raises(ForecasterError, match="it visits at least the home store"):
        Search(stores, miles)


# What is on the shelf


AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=8, freq="7D")


def gap(on_hand, *, floor_set="2026-02-15", leaves="2026-07-11", mean=5.0) -> pd.DataFrame:
    """The gap of navy-M in stores a (with so much on hand) and b (with plenty)."""
    pairs = pd.DataFrame({"store": ["a", "b"], "sku": "navy-M"})
    forecast = pairs.merge(pd.DataFrame({"week": WEEKS}), how="cross").assign(mean=mean, evidence="observed")
    series = pairs.assign(level_shape=1e6, dispersion=1e6)
    supply = pairs.assign(week=WEEKS[0], units=[float(on_hand), 500.0])
    window = pairs.assign(season_code="SS26", floor_set=pd.Timestamp(floor_set), exit=pd.Timestamp(leaves))
    return expected_gap(forecast, series, supply, window, as_of=AS_OF)


STOCK = pd.DataFrame({"store": ["a", "b", "c"], "sku": "navy-M", "on_hand": [0.0, 3.0, 0.5]})


def test_today_a_piece_on_the_floor_is_found_and_none_is_not():
    assert shelf_chance(STOCK)["chance"].tolist() == [0, 1, 0]


def test_stock_that_waits_in_the_back_for_its_floor_set_is_not_found():
    assert shelf_chance(STOCK, gap(0, floor_set="2026-06-21"))["chance"].tolist() == [0, 0, 0]
    assert shelf_chance(STOCK, gap(0))["chance"].tolist() == [0, 1, 0]


def test_ahead_the_share_of_demand_served_is_the_chance_and_none_is_off_the_floor():
    told = chance_ahead(gap(0)).set_index(["store", "week"])["chance"]
    assert told.loc["a"].tolist() == [0] * 8
    assert told.loc["b"].tolist() == pytest.approx([1] * 5 + [0] * 3)


def test_of_those_who_come_now_the_ones_who_come_too_late_or_too_soon_count_as_well():
    for rows in (gap(0), gap(0, leaves="2026-06-09"), gap(0, floor_set="2026-06-10")):
        assert wanted_now(rows).to_dict("list") == {
            "store": ["a", "b"], "sku": ["navy-M"] * 2, "demand": pytest.approx([5, 5]),
        }  # fmt: skip


def finding(rule="stockout_in_season", **changes) -> dict[str, object]:
    return {
        "rule": rule, "scope": "store", "store": "a", "climate_zone": "hot", "category": "swim",
        "season_code": "SS26", "exit": pd.Timestamp("2026-07-11"), "horizon_ends": pd.Timestamp("2026-07-04"),
        "demand_ends": pd.Timestamp("2026-08-01"), "sizes": [{"sku": "navy-M", "lost": 20.0}],
    } | changes  # fmt: skip


def told_of(*findings, there, on_hand=0):
    rows = pd.DataFrame(list(findings))
    return effort_of_findings(rows, gap(on_hand), there, PRODUCTS, STORES, search=FAR)


def test_the_effort_of_an_alert_is_that_of_the_customers_it_speaks_of():
    told = told_of(finding(), there=shelf_chance(STOCK))
    assert told[["finding", "demand", "stores"]].to_numpy().tolist() == [[0, 20, 2]]
    assert told["miles"].tolist() == pytest.approx([DEGREE])


def test_moving_stock_spares_the_customers_the_way():
    lines = pd.DataFrame({"from_store": ["b"], "to_store": ["a"], "sku": ["navy-M"], "units": [2]})
    told = told_of(finding(), there=shelf_chance(stock_after(STOCK, lines)))
    assert told[["stores", "miles", "found"]].to_numpy().tolist() == [[1, 0, 1]]


def test_after_the_exit_of_all_stores_nobody_finds_it():
    told = told_of(finding("exit_before_demand_ends", horizon_ends=pd.NaT), there=chance_ahead(gap(500)))
    assert told[["stores", "found"]].to_numpy().tolist() == [[4, 0]]


def test_a_zone_has_the_mean_of_its_stores_weighted_by_demand():
    zone = finding(scope="zone", store="", sizes=[])
    there = shelf_chance(STOCK)
    told = told_of(finding(), finding(store="b"), zone, finding(climate_zone="cold"), there=there)
    assert told["finding"].tolist() == [0, 1, 2, 3]
    assert told["stores"].tolist() == [2, 1, 1.5, 2]
    assert told["demand"].tolist() == pytest.approx([20, 20, 40, 20])


def test_means_are_weighted_by_demand_and_leave_out_who_is_on_no_map():
    rows = pd.DataFrame(
        {
            "store": ["a", "a", "b", "x"], "demand": [3.0, 1.0, 2.0, 9.0], "stores": [1, 5, 2, np.nan],
            "miles": [0, 40, 10, np.nan], "found": [1, 0, 1, np.nan],
        }
    )  # fmt: skip
    told = mean_effort(rows, ["store"])
    assert told[["stores", "miles", "found"]].to_numpy().tolist() == [[2, 10, 0.75], [2, 10, 1]]
    chain = mean_effort(rows, [])
    assert chain.to_dict("records") == [
        {"demand": 6, "stores": 2, "miles": 10, "found": pytest.approx(5 / 6)}
    ]


def test_a_chain_whose_stores_have_no_place_on_the_map_has_no_efforts() -> None:
    stores = pd.DataFrame({"store": ["a"], "latitude": [np.nan], "longitude": [np.nan], "kind": ["store"]})
    wanted = pd.DataFrame({"store": ["a"], "sku": ["t-m"], "demand": [3.0]})
    chance = pd.DataFrame({"store": ["a"], "sku": ["t-m"], "chance": [1.0]})
    products = pd.DataFrame(
        {"sku": ["t-m"], "style": ["t"], "category": ["trunks"], "gender_age": ["men"], "size": ["M"],
         "regular_price": [20.0]}
    )  # fmt: skip
    told = customer_effort(wanted, chance, products, stores)
    assert told["stores"].isna().all()
    assert mean_effort(told, ["store"]).empty
