from __future__ import annotations

import math
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import PanelError, Verdict, design_keep_open_test, read_keep_open_test

AS_OF = date(2026, 5, 10)
EXIT = date(2026, 7, 5)
HISTORY = pd.date_range("2024-02-05", "2026-05-04", freq="7D")
AHEAD = pd.date_range("2026-05-11", "2026-12-28", freq="7D")
PRICES = pd.DataFrame({"regular_price": [20.0], "salvage": [5.0]})
SIZES = ("S", "M")


@dataclass(frozen=True)
class Chain:
    """Twelve stores in three zones that sell from February to the exit, with a peak in July."""

    stores: int = 12
    zones: int = 3
    level: float = 10.0
    apart: float = 0.2
    evidence: str = "unknown"
    seed: int = 5

    def rhythm(self, weeks: pd.DatetimeIndex) -> np.ndarray:
        return np.exp(1.6 * (np.cos(2 * np.pi * (weeks.day_of_year.to_numpy() - 190) / 365.25) - 1))

    def levels(self) -> np.ndarray:
        return self.level * np.exp(np.linspace(-0.8, 0.8, self.stores))

    def names(self) -> list[str]:
        return [f"store-{number:03}" for number in range(self.stores)]

    def attributes(self) -> pd.DataFrame:
        zones = [f"zone-{number % self.zones}" for number in range(self.stores)]
        return pd.DataFrame({"store": self.names(), "climate_zone": zones})

    def rows(self, weeks: pd.DatetimeIndex, mean: np.ndarray) -> pd.DataFrame:
        """Rows of store x size x week from a (stores, weeks) mean per size."""
        index = pd.MultiIndex.from_product([self.names(), SIZES, weeks], names=["store", "sku", "week"])
        return index.to_frame(index=False).assign(mean=np.repeat(mean, len(SIZES), axis=0).ravel())

    def forecast(self) -> pd.DataFrame:
        frame = self.rows(AHEAD, self.levels()[:, None] * self.rhythm(AHEAD)[None, :])
        return frame.assign(evidence=np.where(frame["week"] > pd.Timestamp(EXIT), self.evidence, "observed"))

    def panel(self) -> pd.DataFrame:
        rng = np.random.default_rng(self.seed)
        late = self.apart * rng.normal(size=self.stores)[:, None] * (HISTORY.month.to_numpy() > 4)[None, :]
        mean = self.levels()[:, None] * self.rhythm(HISTORY)[None, :] * np.exp(late)
        frame = self.rows(HISTORY, mean)
        shown = (frame["week"].dt.month.between(2, 6)).astype(float)
        units = rng.poisson(frame["mean"] * shown).astype(float)
        return frame.drop(columns="mean").assign(
            category="swim", units=units, exposure=shown, price_ratio=1.0
        )

    def design(self, **changes: object):
        asked = {
            "forecast": self.forecast(), "panel": self.panel(), "stores": self.attributes(), "prices": PRICES,
            "category": "swim", "as_of": AS_OF, "exit_day": EXIT,
        } | changes  # fmt: skip
        frames = [asked.pop(name) for name in ("forecast", "panel", "stores", "prices")]
        return design_keep_open_test(*frames, **asked)

    def sales(self, test, *, dark: float = 1.0, trading: float = 1.0, exact: bool = True, seed: int = 0):
        """What the stores of a test sell when its dark demand is ``dark`` times the forecast."""
        forecast = self.forecast()
        after = (forecast["week"] > pd.Timestamp(EXIT)).to_numpy()
        mean = forecast["mean"].to_numpy() * trading * np.where(after, dark, 1.0)
        units = mean if exact else np.random.default_rng(seed).poisson(mean).astype(float)
        open_ = ~after | forecast["store"].isin(test.stores).to_numpy()
        rows = forecast.drop(columns=["mean", "evidence"]).assign(
            category="swim", units=units * open_, exposure=open_.astype(float), price_ratio=1.0
        )
        return rows[rows["store"].isin({name for pair in test.controls for name in pair})]


CHAIN = Chain()


@pytest.fixture(scope="module")
def five():
    return CHAIN.design(precision=0.0)


def read(test, sales, **changes):
    return read_keep_open_test(test, sales, **({"as_of": test.reads_on} | changes))


# Designing


def test_three_to_five_stores_are_chosen_and_each_has_its_own_control(five):
    assert len(five.stores) == 5
    assert [store for store, _ in five.controls] == list(five.stores)
    assert len({name for pair in five.controls for name in pair}) == 10


def test_the_fewest_stores_that_are_precise_enough_are_taken():
    test = CHAIN.design(precision=10.0)
    assert len(test.stores) == 3
    assert test.reason.startswith("precise_enough:")


def test_where_no_number_is_precise_enough_the_most_are_taken(five):
    assert five.reason.startswith("most_stores:")


def test_the_weeks_are_dark_after_the_exit_and_end_when_demand_does(five):
    assert min(five.weeks) == date(2026, 7, 6)
    assert len(CHAIN.design(most_weeks=4).weeks) == 4
    demand = CHAIN.forecast().groupby("week")["mean"].sum()
    dark = demand[demand.index > pd.Timestamp(EXIT)]
    asked = dark.index.isin(pd.to_datetime(list(CHAIN.design(most_weeks=52).weeks)))
    assert dark[asked].min() >= 0.1 * dark.max() > dark[~asked].max()


def test_it_is_read_the_day_after_its_last_week(five):
    assert five.reads_on == max(five.weeks) + timedelta(days=7)


def test_weeks_that_somebody_has_seen_need_no_test():
    test = Chain(evidence="observed").design()
    assert test.stores == ()
    assert test.reason.startswith("no_dark_weeks:")


def test_borrowed_weeks_can_be_tested():
    assert Chain(evidence="borrowed").design().stores


def test_a_chain_of_five_stores_is_too_small_for_three_and_their_controls():
    test = Chain(stores=5).design()
    assert test.stores == ()
    assert test.reason.startswith("too_few_stores:can_test=5;sold=5")
    assert test.standard_error == math.inf


def test_a_cap_below_the_three_cheapest_stores_leaves_no_design_and_says_what_they_cost():
    test = CHAIN.design(cost_cap=1.0)
    assert test.stores == ()
    assert test.reason.startswith("cap_too_low:cheapest=")


@settings(max_examples=15, deadline=None)
@given(
    cap=st.floats(50.0, 6000.0),
    space=st.lists(st.floats(0.0, 60.0), min_size=12, max_size=12),
    precision=st.sampled_from([0.0, 0.2]),
)
def test_the_cost_is_never_above_the_cap(cap, space, precision):
    test = CHAIN.design(cost_cap=cap, precision=precision, stores=CHAIN.attributes().assign(space_cost=space))
    assert test.expected_cost <= cap
    assert len(test.stores) in {0, 3, 4, 5}


@settings(max_examples=10, deadline=None)
@given(
    stores=st.integers(10, 24),
    zones=st.integers(1, 6),
    apart=st.floats(0.0, 0.6),
    seed=st.integers(0, 99),
    money=st.floats(1.0, 3.0),
)
def test_more_stores_are_never_less_precise_and_controls_are_never_test_stores(
    stores, zones, apart, seed, money
):
    chain = Chain(stores=stores, zones=zones, apart=apart, seed=seed)
    cap = money * chain.design(precision=10.0).expected_cost
    few, many = (chain.design(precision=precision, cost_cap=cap) for precision in (10.0, 0.0))
    assert many.standard_error <= few.standard_error
    for test in (few, many):
        assert not {control for _, control in test.controls} & set(test.stores)


def test_the_same_chain_in_any_order_gives_the_same_test(five):
    shuffled = CHAIN.design(
        precision=0.0,
        forecast=CHAIN.forecast().sample(frac=1, random_state=1),
        panel=CHAIN.panel().sample(frac=1, random_state=2),
        stores=CHAIN.attributes().sample(frac=1, random_state=3),
    )
    assert (shuffled.stores, shuffled.controls) == (five.stores, five.controls)
    assert shuffled.standard_error == pytest.approx(five.standard_error, rel=1e-9)
    pd.testing.assert_frame_equal(shuffled.shipments, five.shipments)
    pd.testing.assert_frame_equal(shuffled.forecast, five.forecast)


def test_sales_after_as_of_do_not_change_the_test(five):
    later = CHAIN.panel().assign(week=lambda row: row["week"] + pd.Timedelta(days=7 * 200), units=99.0)
    assert CHAIN.design(precision=0.0, panel=pd.concat([CHAIN.panel(), later])) == five


def test_a_cap_that_buys_more_stores_only_by_worse_ones_buys_fewer():
    chain = Chain(level=0.5)
    three = chain.design(precision=10.0)
    cap = 1.02 * three.expected_cost
    test = chain.design(precision=0.0, cost_cap=cap)
    assert test.standard_error <= three.standard_error
    assert test.reason.startswith(("no_better_with_more:", "most_affordable:"))


def test_every_zone_has_a_test_store_when_zones_are_as_many_as_stores():
    test = CHAIN.design(precision=10.0)
    zone = CHAIN.attributes().set_index("store")["climate_zone"]
    assert {zone[store] for store in test.stores} == {"zone-0", "zone-1", "zone-2"}


def test_a_control_is_sought_in_the_zone_of_its_store(five):
    zone = CHAIN.attributes().set_index("store")["climate_zone"]
    assert [zone[store] for store, _ in five.controls] == [zone[control] for _, control in five.controls]


def test_stores_that_cannot_take_part_are_not_chosen_but_may_be_controls(five):
    able = ~CHAIN.attributes()["store"].isin(five.stores)
    test = CHAIN.design(precision=0.0, stores=CHAIN.attributes().assign(can_test=able))
    assert not set(test.stores) & set(five.stores)
    assert {control for _, control in test.controls} & set(five.stores)


def test_dear_floor_space_is_avoided_where_another_store_tells_nearly_as_much():
    three = CHAIN.design(precision=10.0)
    dear = CHAIN.attributes()["store"].isin(three.stores).map({True: 500.0, False: 0.0})
    test = CHAIN.design(precision=10.0, stores=CHAIN.attributes().assign(space_cost=dear))
    assert not set(test.stores) & set(three.stores)
    assert test.standard_error < 1.5 * three.standard_error


def test_stores_that_differ_more_promise_less():
    assert Chain(apart=0.6).design().standard_error > 1.2 * Chain(apart=0.1).design().standard_error


def test_a_store_gets_more_than_its_forecast_and_what_is_there_is_not_sent(five):
    wanted = five.shipments["units"].sum()
    assert five.expected_units < wanted < 2 * five.expected_units
    there = five.shipments[["store", "sku"]].assign(units=[3.0, *[0.0] * 9])
    assert CHAIN.design(precision=0.0, stock=there).shipments["to_send"].sum() == wanted - 3


def test_the_cost_is_what_stays_unsold_and_the_space(five):
    free = CHAIN.design(precision=0.0, stores=CHAIN.attributes().assign(space_cost=0.0))
    assert free.expected_cost == five.expected_cost
    assert 15.0 * (five.shipments["units"].sum() - five.expected_units) < five.expected_cost
    charged = CHAIN.design(precision=0.0, stores=CHAIN.attributes().assign(space_cost=7.0))
    assert charged.expected_cost == pytest.approx(five.expected_cost + 5 * 7.0 * len(five.weeks), rel=0.3)


def test_what_is_salvaged_at_full_price_costs_nothing():
    even = PRICES.assign(salvage=20.0)
    assert CHAIN.design(prices=even).expected_cost == 0.0


def test_prices_may_differ_by_sku():
    by_sku = pd.DataFrame({"sku": SIZES, "regular_price": [20.0, 20.0], "salvage": [5.0, 5.0]})
    assert CHAIN.design(prices=by_sku) == CHAIN.design()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"prices": pd.DataFrame({"sku": ["S"], "regular_price": [9.0], "salvage": [1.0]})}, "no price for"),
        ({"prices": pd.concat([PRICES, PRICES])}, "one row tells all"),
        ({"prices": PRICES.assign(salvage=21.0)}, "above the regular price"),
        ({"stores": CHAIN.attributes().iloc[1:]}, "no row for 1 stores, such as store-000"),
        ({"forecast": CHAIN.forecast().drop(columns="evidence")}, "missing"),
    ],
)
def test_a_frame_that_cannot_be_worked_with_is_refused(changes, problem):
    with pytest.raises(PanelError, match=problem):
        CHAIN.design(**changes)


def test_a_forecast_without_sizes_is_one_series_per_store(five):
    whole = CHAIN.forecast().groupby(["store", "week", "evidence"], as_index=False)["mean"].sum()
    test = CHAIN.design(precision=0.0, forecast=whole)
    assert test.stores == five.stores
    assert list(test.shipments.columns) == ["store", "units", "to_send"]
    assert read(test, CHAIN.sales(test, dark=0.5)).ratio == pytest.approx(0.5, rel=0.1)


# Reading


@pytest.mark.parametrize("dark", [0.25, 1.0, 3.0])
def test_the_ratio_of_dark_demand_to_forecast_is_read(five, dark):
    told = read(five, CHAIN.sales(five, dark=dark))
    assert told.ratio == pytest.approx(dark, rel=0.1)
    assert told.low < dark < told.high


def test_trade_above_forecast_before_the_exit_is_not_taken_for_demand_after_it(five):
    assert read(five, CHAIN.sales(five, trading=1.5)).ratio == pytest.approx(1.0, rel=0.1)


def test_a_control_that_trades_well_tells_that_its_test_store_does():
    test = Chain(level=0.2).design(precision=0.0)
    sales = Chain(level=0.2).sales(test)
    before = read(test, sales).ratio
    controls = {control for _, control in test.controls}
    better = sales.assign(units=sales["units"] * np.where(sales["store"].isin(controls), 2.0, 1.0))
    assert read(test, better).ratio < 0.97 * before


def test_a_control_that_was_closed_leaves_its_pair_unread_before_the_exit(five):
    controls = {control for _, control in five.controls}
    boom = CHAIN.sales(five, trading=1.5)
    closed = boom.assign(exposure=boom["exposure"].where(~boom["store"].isin(controls), 0.0))
    told = read(five, closed)
    assert told.ratio > 1.3
    assert told.standard_error > read(five, boom).standard_error


def test_the_verdict_follows_the_interval(five):
    assert read(five, CHAIN.sales(five)).verdict is Verdict.THERE
    assert read(five, CHAIN.sales(five, dark=0.2)).verdict is Verdict.NOT_THERE
    between = read(five, CHAIN.sales(five, dark=0.5))
    assert between.verdict is Verdict.CANNOT_TELL
    assert between.reason.startswith("interval:low=")
    assert read(five, CHAIN.sales(five, dark=0.5), worthwhile=0.2).verdict is Verdict.THERE


def test_no_sales_at_all_say_that_demand_is_not_there(five):
    told = read(five, CHAIN.sales(five, dark=0.0))
    assert told.verdict is Verdict.NOT_THERE
    assert 0 < told.ratio < 0.1


def test_nobody_concludes_before_the_day_it_is_read(five):
    early = read(five, CHAIN.sales(five), as_of=five.reads_on - timedelta(days=2))
    assert early.verdict is Verdict.CANNOT_TELL
    assert early.reason == f"read_too_early:reads_on={five.reads_on}"


def test_on_its_day_it_is_read_from_the_business_date_before(five):
    told = read(five, CHAIN.sales(five), as_of=five.reads_on - timedelta(days=1))
    assert told.verdict is Verdict.THERE
    assert told == read(five, CHAIN.sales(five))


def test_sales_after_as_of_are_not_read(five):
    early = five.weeks[3]
    sales = CHAIN.sales(five, dark=0.5)
    boom = sales.assign(units=sales["units"].where(sales["week"] < pd.Timestamp(early), 1e3))
    assert read(five, boom, as_of=early).ratio == pytest.approx(0.5, rel=0.1)


def dark_rows(test, sales, stores, first: int = 0) -> pd.Series:
    """Rows of some stores from the given week of the test on."""
    return sales["store"].isin(stores) & (sales["week"] >= pd.Timestamp(test.weeks[first]))


def test_a_store_that_sold_out_counts_for_the_weeks_it_had_stock(five):
    sales = CHAIN.sales(five, dark=2.0)
    gone = dark_rows(five, sales, five.stores[:1], first=3)
    sold = sales.assign(units=sales["units"].where(~gone, 0.0), exposure=sales["exposure"].where(~gone, 0.0))
    few = five.shipments.assign(units=five.shipments["units"] / 2)
    told = read(replace(five, shipments=few), sold)
    assert told.ratio == pytest.approx(2.0, rel=0.1)
    assert list(told.by_store["status"]) == ["sold_out", "read", "read", "read", "read"]
    # What is gone although it was not sold was packed away.
    assert read(five, sold).by_store["status"].iloc[0] == "stock_gone"


def test_a_store_that_was_not_open_is_left_out(five):
    sales = CHAIN.sales(five, dark=0.6)
    shut = dark_rows(five, sales, five.stores[:2])
    told = read(five, sales[~shut])
    assert list(told.by_store["status"][:2]) == ["not_open", "not_open"]
    assert told.ratio == pytest.approx(0.6, rel=0.1)
    assert told.standard_error > read(five, sales).standard_error


def test_one_store_does_not_tell_of_the_chain(five):
    sales = CHAIN.sales(five)
    told = read(five, sales[~dark_rows(five, sales, five.stores[:4])])
    assert told.verdict is Verdict.CANNOT_TELL
    assert told.reason == "not_open:stores=4"
    assert math.isnan(told.ratio)


def test_stock_that_ran_out_early_leaves_the_question_open(five):
    sales = CHAIN.sales(five)
    gone = dark_rows(five, sales, five.stores, first=2)
    told = read(five, sales[~gone])
    assert told.verdict is Verdict.CANNOT_TELL
    assert told.reason.startswith("stock_ran_out:open_share=")


def test_stock_that_ran_out_because_everybody_came_is_an_answer(five):
    sales = CHAIN.sales(five, dark=4.0)
    told = read(five, sales[~dark_rows(five, sales, five.stores, first=2)])
    assert told.verdict is Verdict.THERE
    assert told.reason.startswith("sold_out:sold=")


def test_what_a_markdown_sells_is_not_demand(five):
    sales = CHAIN.sales(five)
    cut = dark_rows(five, sales, five.stores, first=6)
    cheap = sales.assign(units=sales["units"] * np.where(cut, 3.0, 1.0), price_ratio=np.where(cut, 0.5, 1.0))
    assert read(five, cheap).ratio == pytest.approx(1.0, rel=0.1)


def test_a_test_sold_at_half_price_tells_nothing_and_says_why(five):
    sales = CHAIN.sales(five)
    cut = dark_rows(five, sales, five.stores)
    told = read(five, sales.assign(price_ratio=np.where(cut, 0.5, 1.0)))
    assert told.verdict is Verdict.CANNOT_TELL
    assert told.reason.startswith("marked_down:open_share=0.00")
    assert set(told.by_store["status"]) == {"marked_down"}


def test_zones_of_stores_that_were_open_have_seen_those_weeks_and_the_others_borrow():
    south = CHAIN.attributes()["climate_zone"] == "zone-0"
    test = CHAIN.design(precision=10.0, stores=CHAIN.attributes().assign(can_test=south))
    told = read(test, CHAIN.sales(test))
    labels = told.evidence.groupby("climate_zone")["evidence"].unique().map(list).to_dict()
    assert labels == {"zone-0": ["observed"], "zone-1": ["borrowed"], "zone-2": ["borrowed"]}
    assert sorted(told.evidence["week"].dt.date.unique()) == list(test.weeks)


def test_weeks_nobody_saw_keep_their_label(five):
    sales = CHAIN.sales(five)
    told = read(five, sales[~dark_rows(five, sales, five.stores, first=6)])
    assert sorted(told.evidence["week"].dt.date.unique()) == list(five.weeks[:6])


def test_a_test_that_was_never_designed_has_nothing_to_read():
    told = read_keep_open_test(CHAIN.design(cost_cap=1.0), CHAIN.panel(), as_of=AS_OF)
    assert told.verdict is Verdict.CANNOT_TELL
    assert told.reason.startswith("no_design:cap_too_low:")


def test_the_interval_holds_the_truth_about_four_times_in_five():
    covered = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chain = Chain(stores=20, apart=0.2, seed=seed)
        test = chain.design(precision=0.0)
        own = pd.Series(np.exp(0.2 * rng.normal(size=20)), index=chain.names())
        sales = chain.sales(test, dark=0.7)
        dark = sales["week"] > pd.Timestamp(EXIT)
        mean = sales["units"] * np.where(dark, sales["store"].map(own), 1.0)
        told = read(test, sales.assign(units=rng.poisson(mean).astype(float)))
        truth = 0.7 * np.average(own, weights=chain.levels())
        covered.append(told.low <= truth <= told.high)
    assert 0.68 <= np.mean(covered) <= 0.95
