from __future__ import annotations

from datetime import date
from functools import cache

import numpy as np
import pytest

from benchmarks.worlds import seasons, shelves
from benchmarks.worlds.customers import SIZES, STORES, STYLES, Customers
from benchmarks.worlds.records import Records, write_down
from benchmarks.worlds.shelves import Days, trade_days
from benchmarks.worlds.trade import WORLDS, Floor, last_day, lay_out

SEED = 1
SWIM, BOOTS, RAIN, TEES = range(4)


@cache
def customers(number: int = SWIM) -> Customers:
    return Customers.draw(SEED, number, last_day(seasons.CATEGORIES[number].name))


@cache
def floor(world: str, number: int = SWIM) -> Floor:
    return lay_out(WORLDS[world], customers(number))


@cache
def days(world: str, number: int = SWIM) -> Days:
    return trade_days(WORLDS[world], customers(number), floor(world, number))


@cache
def known(world: str) -> Records:
    return write_down(WORLDS[world], customers())


def per_series(by_store: np.ndarray) -> np.ndarray:
    return np.repeat(by_store, STYLES * SIZES, axis=1)


def weekly(daily: np.ndarray) -> np.ndarray:
    return daily.reshape(-1, 7, daily.shape[1]).sum(axis=1)


def by_week_of_zone(number: int, zone: int) -> np.ndarray:
    """Expected demand of a zone against its highest week, by the week ahead."""
    told = customers(number)
    series = np.repeat(told.shops.zone == zone, STYLES * SIZES)
    total = told.expected[series].sum(axis=0)
    return total / total.max()


def month_of(number: int, week: int) -> int:
    return customers(number).weeks_ahead[week].astype(object).month


def test_the_same_seed_draws_the_same_chain_and_another_seed_another() -> None:
    again = Customers.draw(SEED, SWIM, last_day("swim"))
    other = Customers.draw(SEED + 1, SWIM, last_day("swim"))

    assert np.array_equal(again.wanted, customers().wanted)
    assert not np.array_equal(other.wanted, customers().wanted)


def test_years_that_may_come_average_to_the_expected_demand() -> None:
    told = customers()
    came = told.futures(40, part=9).mean(axis=0)

    assert came.sum() == pytest.approx(told.expected.sum(), rel=0.03)
    by_week = came.sum(axis=0)[told.expected.sum(axis=0) > 500]
    expected = told.expected.sum(axis=0)[told.expected.sum(axis=0) > 500]
    assert np.abs(by_week / expected - 1).max() < 0.15


def test_demand_is_more_spread_than_a_poisson() -> None:
    draws = customers().futures(60, part=9)
    mean, variance = draws.mean(axis=0), draws.var(axis=0)
    busy = mean > 5

    assert np.median(variance[busy] / mean[busy]) > 1.5


@pytest.mark.parametrize("zone", range(5))
def test_people_swim_in_summer_and_long_after_the_trade_has_stopped(zone: int) -> None:
    curve = by_week_of_zone(SWIM, zone)
    exits = np.datetime64("2026-07-05")
    after = customers().weeks_ahead > exits

    assert month_of(SWIM, int(curve.argmax())) in {6, 7, 8}
    assert 0.35 < curve[after & (customers().weeks_ahead < exits + 150)].sum() / curve.sum() < 0.75


def test_boots_are_wanted_in_winter_and_rainwear_twice_a_year() -> None:
    rain = by_week_of_zone(RAIN, 3)
    april, july, october = (
        rain[[month_of(RAIN, week) == month for week in range(52)]].max() for month in (4, 7, 10)
    )

    assert month_of(BOOTS, int(by_week_of_zone(BOOTS, 4).argmax())) in {12, 1, 2}
    assert min(april, october) > 4 * july


def test_tees_have_no_season() -> None:
    curve = by_week_of_zone(TEES, 2)

    assert curve.min() > 0.85


def test_seasons_are_lopsided_and_differ_between_stores_of_a_zone() -> None:
    told = customers()
    weekly_of_store = told.expected.reshape(STORES, -1, 52).sum(axis=1)
    month = np.array([month_of(SWIM, week) for week in range(52)])
    ends = weekly_of_store[:, month == 9].sum(axis=1) / weekly_of_store.sum(axis=1)
    in_zone = ends[told.shops.zone == 1]

    assert in_zone.max() > 1.3 * in_zone.min()


def test_moving_feasts_are_held_on_their_own_day_each_year() -> None:
    memorial = seasons.SWIM.pulses[1].feast
    black_friday = seasons.BOOTS.pulses[0].feast

    assert [memorial(year) for year in (2024, 2025, 2026)] == [
        date(2024, 5, 27), date(2025, 5, 26), date(2026, 5, 25),
    ]  # fmt: skip
    assert black_friday(2024) == date(2024, 11, 29)


@pytest.mark.parametrize("world", ["a", "b", "d30", "f"])
def test_nothing_is_sold_off_the_floor_or_from_an_empty_shelf(world: str) -> None:
    shown = per_series(floor(world).open | floor(world).rail)
    traded = days(world)

    assert traded.sold[~shown].sum() == 0
    assert traded.sold[traded.hidden].sum() == 0
    assert traded.sold.sum() > 10_000
    assert traded.books.min() >= 0


def test_world_b_is_dark_after_the_exit_and_one_store_in_ten_of_world_a_is_not() -> None:
    late = (customers().days >= np.datetime64("2025-07-25")) & (
        customers().days < np.datetime64("2025-09-20")
    )
    sold = {world: days(world).sold[late].reshape(late.sum(), STORES, -1).sum(axis=(0, 2)) for world in "ab"}

    assert sold["b"].sum() == 0
    assert (sold["a"] > 0).sum() == STORES // 10


def test_what_is_left_at_an_exit_hangs_at_a_deep_price_except_in_world_b() -> None:
    rail = per_series(floor("a").rail)

    assert 0 < days("a").sold[rail].sum() < 0.05 * days("a").sold.sum()
    assert days("a").price[rail].max() <= 0.4
    assert not floor("b").rail.any()


def test_zones_exit_at_five_dates_in_world_c() -> None:
    exits = {int(zone): set() for zone in range(5)}
    for _, window in floor("c").usual:
        for zone, leaves in zip(customers().shops.zone, window[:, 1], strict=True):
            if leaves.astype(object).year == 2025:
                exits[int(zone)].add(leaves)

    assert all(len(days_of_zone) == 1 for days_of_zone in exits.values())
    assert len({next(iter(days_of_zone)) for days_of_zone in exits.values()}) == 5


@pytest.mark.parametrize(("world", "share"), [("a", 0.0), ("d10", 0.1), ("d30", 0.3)])
def test_the_share_of_phantom_weeks_is_as_asked_and_the_books_do_not_show_it(
    world: str, share: float
) -> None:
    shelf = per_series(floor(world).open)
    hidden = days(world).hidden

    assert hidden[shelf].mean() == pytest.approx(share, abs=0.03)
    assert (days(world).books[hidden & shelf] > 0).all()
    exposure = known(world).panel["exposure"].to_numpy().reshape(-1, 130).T
    whole = weekly(hidden & shelf) == 7
    assert not whole.any() or exposure[whole].min() == 1.0


def test_phantom_stock_lasts_for_weeks() -> None:
    hidden = days("d30").hidden[::7]
    begins = hidden[1:] & ~hidden[:-1]

    assert hidden.sum() / begins.sum() > 4


def test_a_flag_says_all_or_nothing_and_brings_no_counts() -> None:
    panel = known("e").panel
    inside = weekly(per_series(floor("e").open)).T.ravel() == 7

    assert set(panel["exposure"][inside]) == {0.0, 1.0}
    assert (panel["fullness"] == 1).all()
    assert (panel["sold_out"] == 0).all()


def test_counts_tell_how_full_the_shelf_was_and_whether_the_week_ended_sold_out() -> None:
    panel = known("a").panel
    ended = panel["sold_out"] == 1

    assert 0.02 < ended.mean() < 0.2
    assert (panel["exposure"][ended] < 1).all()
    assert panel["fullness"].min() >= 0.5
    assert panel["fullness"].nunique() > 3


def test_most_weeks_of_world_f_close_empty_and_most_of_world_a_do_not() -> None:
    empty = {world: (days(world).books == 0)[per_series(floor(world).open)].mean() for world in "af"}

    assert empty["f"] > 0.6
    assert empty["a"] < 0.2


@pytest.mark.parametrize("number", [SWIM, BOOTS, TEES])
def test_at_full_price_sales_are_exposure_times_demand(number: int) -> None:
    told = write_down(WORLDS["a"], customers(number)).panel
    rate = weekly(customers(number).rate).T.ravel()
    full = told["price_ratio"] == 1

    ratio = told["units"][full].sum() / (told["exposure"] * rate)[full].sum()
    assert ratio == pytest.approx(1.0, abs=0.06)


def test_lower_prices_bring_more_customers_and_styles_differ() -> None:
    habits = shelves._Habits.draw(np.random.default_rng(3))
    prices = np.broadcast_to(np.array([1.0, 0.8, 0.5])[:, None, None], (3, 1, STYLES))
    answer = habits.more_customers(prices)[:, 0]

    assert np.allclose(answer[0], 1.0)
    assert (np.diff(answer, axis=0) > 0).all()
    assert np.ptp(answer[2]) > 0.05


def test_requests_come_from_those_who_found_nothing_at_an_unknown_but_steady_share() -> None:
    asked, wanted = days("b").asked, customers().wanted
    dark = per_series(~floor("b").open)

    assert (asked <= wanted).all()
    assert asked[~dark & (days("b").books > 0) & (days("b").sold == 0)].sum() == 0
    habits = shelves._Habits.draw(np.random.default_rng([SEED, 5, SWIM]))
    assert asked[dark].sum() / wanted[dark].sum() == pytest.approx(habits.captured, rel=0.15)
    assert known("b").requests["units"].sum() == asked.sum()


def test_who_finds_her_style_gone_may_take_another_in_her_size() -> None:
    looking, left = (np.zeros((STORES, STYLES, SIZES), dtype=np.int64) for _ in range(2))
    looking[0, 0, 1] = 5
    left[0, 2, 1], left[0, 3, 1], left[0, 3, 2] = 1, 2, 9

    taken = shelves._switch(np.random.default_rng(0), looking, left)

    assert 1 <= taken.sum() <= 3
    assert taken[0, :, 1].sum() == taken.sum()
    assert (taken <= left).all()


def test_goods_in_the_back_room_are_on_the_books_and_have_no_exposure() -> None:
    panel = known("a").panel
    before = (customers().days >= np.datetime64("2026-02-07")) & (
        customers().days < np.datetime64("2026-02-16")
    )
    waiting = panel[(panel["week"] >= "2026-02-09") & (panel["week"] < "2026-02-16")]

    assert days("a").books[before].sum() > 0
    assert (waiting["exposure"] == 0).all()


def test_the_draft_calendar_keeps_some_styles_longer_and_never_shorter() -> None:
    usual, coming = known("b").usual, known("b").coming
    key = ["store", "sku", "season_code", "floor_set"]
    both = coming.merge(usual, on=key, suffixes=("", "_usual"))
    longer = (both["exit"] - both["exit_usual"]).dt.days

    assert len(both) == len(coming)
    assert set(longer) == {0, 42, 70}
    assert (both["floor_set"][longer > 0].dt.year == 2026).all()


def test_every_store_has_a_normal_temperature_for_every_week() -> None:
    climate = known("a").climate
    july = climate[climate["week"] == 29].set_index("store")["normal_temperature"]
    january = climate[climate["week"] == 3].set_index("store")["normal_temperature"]

    assert len(climate) == STORES * 52
    assert (july > january + 10).all()
