from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import RulePolicy, Situation, find_alerts
from forecaster.rules.shelf import core_sizes

ALL_YEAR = {"window": None}


def alerts_of(situation: Situation) -> pd.DataFrame:
    """What somebody is told; weak findings only keep what is open."""
    found = find_alerts(situation)
    return found[~found["weak"].astype(bool)].reset_index(drop=True)


@pytest.fixture
def short(night, shelf):
    """The worked example of `stockout_in_season`: eighteen wanted, four there, twelve on another shelf."""
    bare = shelf(
        season=(3.0,) * 6, lost=(0.2, 1.8, 3.0, 3.0, 3.0, 3.0), available=(4.0, 1.2, 0, 0, 0, 0), **ALL_YEAR
    )
    held = {("s1", "swim-M"): 4.0, ("s2", "swim-M"): 12.0}
    return night((bare,), held=held, products={"lead_time_days": 150.0})


def test_the_worked_example_of_a_stockout_comes_out_as_on_paper(short):
    told = short.only()
    assert told["rule"] == "stockout_in_season"
    assert told["units_lost"] == told["in_season_units"] == pytest.approx(14.0)
    assert told["demand_units"] == pytest.approx(18.0)
    # Of the week that begins tomorrow two tenths are missed; the others come later.
    assert told["customers_this_week"] == pytest.approx(0.2)
    # A piece asked for tomorrow is there on Friday: three days of the first week are too early to be helped.
    assert told["recoverable_units"] == pytest.approx(12.0)
    assert told["reorderable_units"] == 0.0
    assert told["next_buy_units"] == pytest.approx(2.0)
    assert told["on_hand"] == 4.0
    assert told["horizon_ends"] == pd.Timestamp("2026-07-26")
    assert told["season_code"] == "all-year"
    assert pd.isna(told["demand_ends"])
    assert pd.isna(told["exit"])
    assert told["act_by"] == pd.Timestamp("2026-06-15")


def test_without_stock_anywhere_and_without_time_to_order_nothing_is_told(short):
    assert short.but(held={("s1", "swim-M"): 4.0}).findings().empty


def test_what_sells_in_its_own_store_is_not_given_away(short, shelf):
    wanted = shelf(store="s2", season=(3.0,) * 6, available=(30.0,) * 6, **ALL_YEAR)
    assert short.but(shelves=(*short.shelves, wanted)).findings().empty


def test_one_piece_is_never_promised_to_two_stores(short, shelf):
    bare = short.shelves[0]
    two = (bare, shelf(store="s3", season=bare.season, lost=bare.lost, **ALL_YEAR))
    found = short.but(shelves=two, held=short.held | {("s3", "swim-M"): 4.0}).findings()
    assert len(found) == 2
    assert found["recoverable_units"].sum() == pytest.approx(12.0)
    assert found["recoverable_units"].iloc[0] == pytest.approx(found["recoverable_units"].iloc[1])


def test_those_who_want_it_now_are_served_before_those_who_want_it_after_an_exit(short, shelf):
    window = ("swim", "2026-02-02", "2026-07-26")
    now = replace(short.shelves[0], window=window)
    later = shelf(store="s3", season=(0.0,) * 6, after=(40.0,) * 3, window=window)
    kept = shelf(
        store="s2", season=(0.0,) * 6, after=(40.0,) * 3, available=(12.0,) * 9,
        recoverable=(0.0,) * 6 + (12.0, 0.0, 0.0), window=window,
    )  # fmt: skip
    found = short.but(shelves=(now, later, kept)).weak_or_not().set_index("store")
    assert found.loc["s1", "rule"] == "stockout_in_season"
    # As if nobody wanted it after the exit, though twelve would serve s2 then.
    assert found.loc["s1", "recoverable_units"] == pytest.approx(12.0)
    assert not found.loc["s1", "weak"]
    assert found.loc[["s2", "s3"], "recoverable_units"].tolist() == [0.0, 0.0]


def test_a_distribution_centre_gives_all_it_has(short, shelf):
    dc = ({"store": "dc", "climate_zone": "", "kind": "dc", "closed_on": pd.NaT},)
    told = short.but(stores=dc, held={("s1", "swim-M"): 4.0, ("dc", "swim-M"): 9.0}).only()
    assert told["recoverable_units"] == pytest.approx(9.0)


def test_a_closed_store_gives_nothing(short):
    closed = ({"store": "s2", "climate_zone": "", "kind": "store", "closed_on": pd.Timestamp("2026-06-01")},)
    assert short.but(stores=closed).findings().empty


def test_a_store_that_does_not_count_its_stock_cannot_run_out(short):
    situation = short.situation()
    uncounted = situation.stock[situation.stock["store"] != "s1"]
    assert alerts_of(type(situation)(**{**vars(situation), "stock": uncounted})).empty


@pytest.mark.parametrize(
    ("lead_days", "ends", "lost"),
    [(21.0, "2026-07-12", 8.0), (24.0, "2026-07-12", 8.0), (10.0, "2026-06-28", 2.0)],
)
def test_what_is_reordered_as_it_sells_is_looked_at_up_to_the_week_an_order_of_tonight_serves(
    short, lead_days, ends, lost
):
    routine = {"buy_type": "replenished", "lead_time_days": lead_days}
    told = short.but(products=routine, policy=RulePolicy(min_units=1.0)).only()
    assert told["horizon_ends"] == pd.Timestamp(ends)
    assert told["units_lost"] == pytest.approx(lost)


def test_an_order_of_tonight_serves_the_last_week_looked_at(short):
    routine = {"buy_type": "replenished", "lead_time_days": 21.0}
    told = short.but(held={("s1", "swim-M"): 4.0}, products=routine).only()
    # It is there on the fifth of July, the last day of the third week.
    assert told["reorderable_units"] == pytest.approx(3.0 + 3.0 / 7)
    assert told["next_buy_units"] == pytest.approx(5.0 - 3.0 / 7)


def test_without_a_lead_time_the_shortest_look_ahead_counts(short):
    told = short.but(products={"lead_time_days": float("nan")}).only()
    assert told["horizon_ends"] == pd.Timestamp("2026-07-05")


def test_receipts_on_their_way_are_counted_as_stock(year):
    found = alerts_of(year(on_hand=500.0, window=None))
    assert found.empty


def test_a_trifle_is_not_worth_an_alert(year):
    assert alerts_of(year(rate=0.05, on_hand=0.0)).empty


def test_a_season_beyond_the_horizon_is_no_stockout_today_however_long_the_lead_time(year):
    far = year(on_hand=0.0, window=("swim", "2026-08-01", "2026-12-31"), products={"lead_time_days": 180.0})
    assert "stockout_in_season" not in set(alerts_of(far)["rule"])


def test_dead_weeks_raise_nothing_even_on_an_empty_shelf(year):
    # Some forty are wanted in six weeks of the dead season: many, but few beside the height of summer.
    chain = {"on_hand": {"s1": 0.0, "s2": 50_000.0}, "stores": ("s1", "s2"), "window": None, "rate": 80.0}
    winter = alerts_of(year(as_of=date(2026, 12, 20), **chain))
    summer = alerts_of(year(**chain))
    assert winter.empty
    assert set(summer["store"]) == {"s1"}


@pytest.fixture
def broken(night, shelf):
    """The worked example of `broken_size_run`: M is half of what is wanted and gone, S and L are there."""
    wanted = {"S": 1.0, "M": 3.0, "L": 2.0}
    shelves = tuple(
        shelf(
            sku=f"swim-{size}", season=(rate,) * 4, window=None,
            lost=(rate,) * 4 if size == "M" else (0.0,) * 4,
            available=(0.0,) * 4 if size == "M" else (9.0, 8.0, 7.0, 6.0),
        )
        for size, rate in wanted.items()
    )  # fmt: skip
    held = {("s1", "swim-S"): 4.0, ("s1", "swim-L"): 9.0, ("s2", "swim-M"): 12.0}
    return night(shelves, held=held, products={"lead_time_days": 150.0})


def test_the_worked_example_of_a_broken_size_run_comes_out_as_on_paper(broken):
    told = broken.only()
    assert told["rule"] == "broken_size_run"
    assert told["units_lost"] == pytest.approx(12.0)
    assert told["recoverable_units"] == pytest.approx(12.0 - 3 * 4 / 7)
    assert told["figures"]["core"] == ["M"]
    assert told["figures"]["gone"] == ["M"]
    assert told["figures"]["left_units"] == 13.0
    assert [line["size"] for line in told["sizes"]] == ["M"]


def test_a_run_with_nothing_left_is_not_broken_but_sold_out(broken):
    told = broken.but(held={("s2", "swim-M"): 12.0}).only()
    assert told["rule"] == "stockout_in_season"


def test_two_sizes_are_no_run(broken):
    found = broken.but(shelves=broken.shelves[1:]).only()
    assert found["rule"] == "stockout_in_season"


def test_a_size_that_few_want_does_not_break_a_run(broken, shelf):
    edge = tuple(
        shelf(sku=each.sku, season=each.season, lost=each.season if "S" in each.sku else (0.0,) * 4,
              available=(0.0,) * 4, window=None)
        for each in broken.shelves
    )  # fmt: skip
    held = {("s1", "swim-M"): 20.0, ("s1", "swim-L"): 9.0, ("s2", "swim-S"): 12.0}
    assert broken.but(shelves=edge, held=held).only()["rule"] == "stockout_in_season"


def test_core_sizes_are_the_fewest_that_make_up_the_share():
    run = np.array([0, 0, 0, 1, 1, 1])
    wanted = np.array([1.0, 3.0, 2.0, 1.0, 1.0, 1.0])
    assert core_sizes(run, wanted, np.full(6, 0.5)).tolist() == [False, True, False, True, True, False]
    assert core_sizes(run, wanted, np.full(6, 0.6)).tolist() == [False, True, True, True, True, False]
    assert not core_sizes(run, np.zeros(6), np.full(6, 0.5)).any()


@pytest.fixture
def silent(night, shelf):
    """The worked example of `phantom_stock`: six in the books, one a week wanted, none sold in eight."""
    quiet = shelf(season=(1.0,) * 20, available=tuple(max(6.0 - n, 0) for n in range(20)), window=None)
    phantoms = pd.DataFrame(
        [("s1", "swim-M", "2026-04-20", "2026-06-08", 8, 7.5)],
        columns=["store", "sku", "first_week", "last_week", "weeks", "expected"],
    )
    return night((quiet,), held={("s1", "swim-M"): 6.0}, more={"phantoms": phantoms})


def test_the_worked_example_of_phantom_stock_comes_out_as_on_paper(silent):
    told = silent.but(products={"lead_time_days": 150.0}).only()
    assert told["rule"] == "phantom_stock"
    assert told["units_lost"] == pytest.approx(13.0)
    assert told["recoverable_units"] == pytest.approx(6.0)
    assert told["next_buy_units"] == pytest.approx(7.0)
    assert told["act_by"] == pd.Timestamp("2026-06-15")
    assert told["figures"]["quiet_weeks"] == 8
    assert told["figures"]["unsold"] == 7.5
    assert told["figures"]["books"] == 6.0


def test_a_silence_that_is_over_raises_no_count(silent):
    old = silent.more["phantoms"].assign(last_week="2026-05-11")
    assert silent.but(more={"phantoms": old}).findings().empty


def test_an_empty_shelf_needs_no_count(silent):
    found = silent.but(held={("s1", "swim-M"): 0.0}).findings()
    assert "phantom_stock" not in set(found["rule"])


def test_doubted_stock_is_promised_to_nobody(short, shelf):
    doubt = pd.DataFrame(
        [("s2", "swim-M", "2026-04-20", "2026-06-08", 8, 7.5)],
        columns=["store", "sku", "first_week", "last_week", "weeks", "expected"],
    )
    assert short.but(more={"phantoms": doubt}).findings().empty


def test_a_policy_of_one_category_leaves_the_others_alone(short):
    assert short.but(policy=RulePolicy(min_units=50.0)).findings().empty
