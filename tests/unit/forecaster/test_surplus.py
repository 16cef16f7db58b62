from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.distribution import quantiles
from forecaster.errors import ForecasterError
from forecaster.surplus import own_demand, spare_units
from forecaster.terms import ActionTerms, pack_sizes, unit_margins

AS_OF = date(2026, 6, 6)
STORES = pd.DataFrame(
    {
        "store": ["a", "b", "dc"],
        "kind": ["store", "store", "dc"],
        "closed_on": [pd.NaT, pd.Timestamp("2026-05-31"), pd.NaT],
    }
)
SIZES = ("S", "M", "L", "XL")
PRODUCTS = pd.DataFrame({"sku": SIZES, "style": "trunk", "color": "navy"})


def frame(store, **units) -> pd.DataFrame:
    return pd.DataFrame({"store": store, "sku": list(units), "on_hand": [float(u) for u in units.values()]})


def wants(store, **means) -> pd.DataFrame:
    return pd.DataFrame({"store": store, "sku": list(means), "mean": list(means.values()), "size": np.inf})


def spared(stock, demand, **changes):
    found = spare_units(stock, demand, PRODUCTS, STORES, as_of=AS_OF, **changes)
    return found.set_index(["store", "sku"])


def test_a_store_keeps_what_its_own_demand_will_not_exceed_four_times_in_five():
    # Poisson of mean 4: P(D <= 5) = 0.785, P(D <= 6) = 0.889.
    told = spared(frame("a", M=10), wants("a", M=4.0)).loc["a", "M"]
    assert (told["keep"], told["spare"], told["kept_for"]) == (6, 4, "own_demand")


def test_it_keeps_its_presentation_minimum_while_the_style_still_sells():
    least = pd.DataFrame({"store": ["a"], "style": ["trunk"], "presentation_minimum": [3]})
    selling = spared(frame("a", M=10), wants("a", M=0.6), minimums=least).loc["a", "M"]
    over = spared(frame("a", M=10), wants("a", M=0.1), minimums=least).loc["a", "M"]
    assert (selling["keep"], selling["kept_for"]) == (3, "presentation_minimum")
    assert over["keep"] == 0


def test_the_last_piece_of_a_core_size_stays_while_the_style_sells_though_nobody_may_want_it():
    # Each size alone is expected to sell nothing four times in five; M and L together carry the run.
    told = spared(frame("a", S=2, M=2, L=2), wants("a", S=0.05, M=0.2, L=0.2, XL=0.15))
    assert told["keep"].to_dict() == {("a", "S"): 0, ("a", "M"): 1, ("a", "L"): 1}
    assert told.loc[("a", "M"), "kept_for"] == "size_run"
    assert told.loc[("a", "S"), "spare"] == 2


def test_a_size_that_is_wanted_but_gone_counts_among_the_core_sizes():
    there = spared(frame("a", S=2), wants("a", S=0.2)).loc["a", "S"]
    beside = spared(frame("a", S=2), wants("a", S=0.2, M=3.0, L=3.0)).loc["a", "S"]
    assert (there["keep"], beside["keep"]) == (0, 0)
    alone = spared(frame("a", M=2), wants("a", S=0.2, M=0.22, L=0.2)).loc["a", "M"]
    assert alone["kept_for"] == "size_run"


def test_a_style_that_no_longer_sells_is_given_whole():
    assert spared(frame("a", M=5), wants("a", M=0.0)).loc[("a", "M"), "spare"] == 5
    assert spared(frame("a", M=5), wants("b", M=9.0)).loc[("a", "M"), "spare"] == 5


def test_a_distribution_centre_gives_all_it_holds_in_whole_units():
    told = spared(frame("dc", M=7.5), wants("dc", M=30.0)).loc["dc", "M"]
    assert (told["keep"], told["spare"], told["kept_for"]) == (0, 7, "")


def test_a_closed_store_gives_nothing():
    told = spared(frame("b", M=9), wants("b", M=0.0)).loc["b", "M"]
    assert (told["spare"], told["kept_for"]) == (0, "closed")


def test_a_store_that_closes_later_still_gives():
    stores = STORES.assign(closed_on=pd.Timestamp("2026-06-30"))
    told = spare_units(frame("b", M=9), wants("b"), PRODUCTS, stores, as_of=AS_OF)
    assert told["spare"].tolist() == [9]


def test_a_store_whose_figures_are_late_gives_nothing():
    told = spared(frame("a", M=9), wants("a", M=0.0), late_stores=["a"]).loc["a", "M"]
    assert (told["spare"], told["kept_for"]) == (0, "late_feed")


def test_a_shelf_whose_stock_is_doubted_gives_nothing():
    doubted = pd.DataFrame({"store": ["a"], "sku": ["M"]})
    told = spared(frame("a", M=9, L=9), wants("a"), doubted=doubted)
    assert told["spare"].to_dict() == {("a", "M"): 0, ("a", "L"): 9}
    assert told.loc[("a", "M"), "kept_for"] == "doubted"


def test_only_what_is_there_is_told():
    told = spared(frame("a", M=0, L=1), wants("a", M=3.0, S=3.0))
    assert told.index.tolist() == [("a", "L")]


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.integers(0, 30), min_size=4, max_size=4),
    st.lists(st.floats(0, 20), min_size=4, max_size=4),
    st.integers(0, 6),
)
def test_what_a_giver_keeps_covers_each_of_its_three_reasons(on_hand, means, minimum):
    least = pd.DataFrame({"store": ["a"], "style": ["trunk"], "presentation_minimum": [minimum]})
    stock = frame("a", **dict(zip(SIZES, on_hand, strict=True)))
    demand = wants("a", **dict(zip(SIZES, means, strict=True)))
    told = spared(stock, demand, minimums=least)
    kept = told["on_hand"] - told["spare"]
    p80 = quantiles(np.array(means), np.inf, [0.8])[0]
    wanted = pd.Series(p80, pd.MultiIndex.from_product([["a"], SIZES])).reindex(told.index)
    assert (kept >= np.minimum(wanted, told["on_hand"])).all()
    if sum(means) >= 0.5:
        assert (kept >= np.minimum(minimum, told["on_hand"])).all()
    assert ((told["spare"] >= 0) & (told["spare"] == np.floor(told["spare"]))).all()


def gap_rows(*rows) -> pd.DataFrame:
    """week, phase, demand, floor_set, exit."""
    columns = ["week", "phase", "demand", "floor_set", "exit"]
    told = pd.DataFrame(list(rows), columns=columns).assign(store="a", sku="M")
    return told.assign(**{day: pd.to_datetime(told[day]) for day in ("week", "floor_set", "exit")})


SERIES = pd.DataFrame({"store": ["a"], "sku": ["M"], "level_shape": [np.inf], "dispersion": [4.0]})
TRUNKS = ("2026-02-15", "2026-09-27")


def own(gap, **product) -> float:
    products = pd.DataFrame({"sku": ["M"], **{name: [value] for name, value in product.items()}})
    told = own_demand(gap, SERIES, products, as_of=AS_OF)
    return float(told["mean"].sum())


def test_a_giver_keeps_for_the_rest_of_its_season_and_not_for_what_comes_after():
    gap = gap_rows(
        ("2026-06-07", "in_season", 5.0, *TRUNKS),
        ("2026-09-20", "in_season", 2.0, *TRUNKS),
        ("2026-09-27", "after_exit", 3.0, *TRUNKS),
        ("2027-02-14", "in_season", 9.0, "2027-02-14", "2027-09-26"),
    )
    assert own(gap) == 7
    assert own(gap, buy_type="one_buy", lead_time_days=21) == 7


def test_of_what_can_be_ordered_again_it_keeps_for_the_coming_weeks_only():
    gap = gap_rows(("2026-06-07", "in_season", 5.0, *TRUNKS), ("2026-09-20", "in_season", 2.0, *TRUNKS))
    assert own(gap, buy_type="replenished", lead_time_days=10) == 5
    assert own(gap, buy_type="replenished", lead_time_days=90) == 7
    assert own(gap, buy_type="replenished", lead_time_days=None) == 7


def test_of_what_is_sold_all_year_it_keeps_for_the_coming_weeks_only():
    gap = gap_rows(("2026-06-07", "in_season", 5.0, None, None), ("2026-10-04", "in_season", 5.0, None, None))
    assert own(gap) == 5


def test_a_season_about_to_begin_is_kept_for_whole():
    gap = gap_rows(
        ("2026-07-05", "in_season", 4.0, "2026-07-05", "2026-12-27"),
        ("2026-12-20", "in_season", 4.0, "2026-07-05", "2026-12-27"),
    )
    assert own(gap) == 8


def test_weeks_that_share_a_level_add_up_to_one_negative_binomial():
    gap = gap_rows(("2026-06-07", "in_season", 3.0, *TRUNKS), ("2026-06-14", "in_season", 1.0, *TRUNKS))
    told = own_demand(gap, SERIES, PRODUCTS, as_of=AS_OF)
    # M^2 / (sum of mu^2 / r) with M = 4 and r = 4.
    assert told["size"].tolist() == pytest.approx([16 / (10 / 4)])


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("keep_probability", 1.0, "keep_probability is 1.0: it must lie between 0 and 1"),
        ("handling_per_unit", -1.0, "handling_per_unit is -1.0: it must not be negative"),
        ("minimum_units", 0, "minimum_units is 0: it must be at least 1"),
        ("space_per_rail_week", float("nan"), "must not be negative"),
    ],
)
def test_terms_that_make_no_sense_are_refused(name, value, said):
    with pytest.raises(ForecasterError, match=said):
        ActionTerms(**{name: value})


def test_the_margin_of_an_unknown_cost_is_the_usual_one_and_said_so():
    products = pd.DataFrame(
        {"sku": ["x", "y", "z"], "regular_price": [10.0, 10.0, None], "unit_cost": [7, None, 3]}
    )
    told = unit_margins(products, ActionTerms())
    assert told["margin"].tolist() == pytest.approx([3, 6, 0])
    assert told["cost_assumed"].tolist() == [False, True, False]


def test_a_product_without_a_pack_comes_in_single_pieces():
    assert pack_sizes(pd.DataFrame({"sku": ["x", "y"], "pack_size": [6, None]})).tolist() == [6, 1]
    assert pack_sizes(pd.DataFrame({"sku": ["x"]})).tolist() == [1]
