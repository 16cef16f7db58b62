from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster.daily import daily_means, weekday_shares
from forecaster.errors import PanelError

TRUE = np.array([0.10, 0.09, 0.10, 0.12, 0.16, 0.25, 0.18])


def sold_by_day(rng, *, weeks=20, series=12, rate=8.0, stock=None, shares=TRUE, common=0.0) -> pd.DataFrame:
    """Daily sales of a category; with ``stock`` each series gets that much every Monday and sells out."""
    date = pd.date_range("2025-01-06", periods=7 * weeks, freq="D")
    parts = []
    weather = rng.gamma(1 / common, common, len(date)) if common else np.ones(len(date))
    for number in range(series):
        season = np.repeat(np.exp(rng.normal(0, 0.4, weeks)), 7)
        wanted = rng.poisson(rate * season * np.tile(shares, weeks) * weather)
        units, exposure = wanted.astype(float), np.ones(len(date))
        if stock is not None:
            before = (np.cumsum(wanted.reshape(weeks, 7), axis=1) - wanted.reshape(weeks, 7)).ravel()
            left = np.maximum(stock - before, 0)
            units = np.minimum(wanted, left).astype(float)
            exposure = np.where(left == 0, 0.0, np.where(wanted >= left, 0.5, 1.0))
        parts.append(
            pd.DataFrame(
                {
                    "store": f"s{number}",
                    "sku": "trunk",
                    "category": "swim",
                    "date": date,
                    "units": units,
                    "exposure": exposure,
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def shares_of(daily: pd.DataFrame) -> np.ndarray:
    return weekday_shares(daily)["share"].to_numpy()


def test_the_shares_of_a_category_are_found():
    told = weekday_shares(sold_by_day(np.random.default_rng(1), weeks=60))
    assert told["weekday"].tolist() == list(range(7))
    np.testing.assert_allclose(told["share"], TRUE, atol=0.01)


def test_days_after_a_sell_out_are_not_taken_for_quiet_days():
    daily = sold_by_day(np.random.default_rng(2), weeks=60, series=60, rate=4.0, stock=3)
    sold = daily.groupby(daily["date"].dt.day_of_week)["units"].sum().to_numpy()
    assert np.abs(sold / sold.sum() - TRUE).max() > 0.08
    assert np.abs(shares_of(daily) - TRUE).max() < 0.03


def test_a_big_series_on_the_floor_only_late_in_the_week_is_not_taken_for_a_late_week():
    daily = sold_by_day(np.random.default_rng(3), weeks=60, shares=np.full(7, 1 / 7))
    daily["units"] *= np.where(daily["store"] == "s0", 20, 1)
    only_late = (daily["store"] == "s0") & (daily["date"].dt.day_of_week < 4)
    daily.loc[only_late, "exposure"] = 0
    daily.loc[only_late, "units"] = 0
    np.testing.assert_allclose(shares_of(daily), 1 / 7, atol=0.02)


def test_a_few_sales_are_drawn_to_flat_and_many_are_not():
    few = shares_of(sold_by_day(np.random.default_rng(4), weeks=4, series=1, rate=3.0))
    many = shares_of(sold_by_day(np.random.default_rng(4), weeks=60))
    assert np.abs(few - 1 / 7).max() < np.abs(many - 1 / 7).max()


def test_common_good_days_are_noise_and_not_a_thousand_sales():
    flat = np.full(7, 1 / 7)
    off = [
        np.abs(
            shares_of(
                sold_by_day(np.random.default_rng(seed), weeks=8, series=40, rate=20, shares=flat, common=0.5)
            )
            - flat
        ).max()
        for seed in range(8)
    ]
    unshrunk = []
    for seed in range(8):
        daily = sold_by_day(np.random.default_rng(seed), weeks=8, series=40, rate=20, shares=flat, common=0.5)
        sold = daily.groupby(daily["date"].dt.day_of_week)["units"].sum()
        unshrunk.append((sold / sold.sum() - 1 / 7).abs().max())
    assert np.mean(off) < 0.6 * np.mean(unshrunk)


def test_one_week_tells_nothing():
    np.testing.assert_allclose(shares_of(sold_by_day(np.random.default_rng(5), weeks=1)), 1 / 7)


def test_no_sales_at_all_are_flat():
    daily = sold_by_day(np.random.default_rng(5), weeks=4).assign(units=0.0)
    np.testing.assert_allclose(shares_of(daily), 1 / 7)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1000), st.integers(1, 6), st.sampled_from([None, 2, 5]))
def test_shares_sum_to_one_whatever_was_sold(seed, weeks, stock):
    daily = sold_by_day(np.random.default_rng(seed), weeks=weeks, series=2, stock=stock)
    share = shares_of(daily)
    assert share.sum() == pytest.approx(1)
    assert (share >= 0).all()
    # The rows' order does not matter, nor do days on which nothing could be bought.
    blind = daily[daily["exposure"] > 0].sample(frac=1, random_state=seed)
    if len(blind):
        np.testing.assert_allclose(shares_of(blind), share, atol=1e-9)


def test_a_weekday_never_exposed_gets_the_mean_of_the_others():
    daily = sold_by_day(np.random.default_rng(6), weeks=40)
    share = shares_of(daily[daily["date"].dt.day_of_week != 6])
    assert share[6] == pytest.approx(1 / 7)
    assert share[5] > share[0]


FORECAST = pd.DataFrame(
    {
        "store": ["a", "a", "b"],
        "sku": ["x", "x", "y"],
        "week": pd.to_datetime(["2026-06-14", "2026-06-21", "2026-06-15"]),
        "mean": [7.0, 14.0, 3.0],
    }
)
SERIES = pd.DataFrame({"store": ["a", "b"], "sku": ["x", "y"], "category": ["swim", "unheard of"]})
SHARES = pd.DataFrame({"category": "swim", "weekday": range(7), "share": TRUE})


def test_the_days_of_a_week_add_up_to_it_and_fall_on_their_weekdays():
    told = daily_means(FORECAST, SERIES, SHARES)
    assert len(told) == 21
    np.testing.assert_allclose(told["mean"].to_numpy().reshape(3, 7).sum(axis=1), FORECAST["mean"])
    saturdays = told[(told["store"] == "a") & (told["date"].dt.day_of_week == 5)]
    np.testing.assert_allclose(saturdays["mean"], [7 * 0.25, 14 * 0.25])
    assert told["date"].iloc[:7].tolist() == pd.date_range("2026-06-14", periods=7).tolist()


def test_a_category_without_shares_is_flat():
    told = daily_means(FORECAST, SERIES, SHARES)
    np.testing.assert_allclose(told.loc[told["store"] == "b", "mean"], 3 / 7)


def test_a_store_that_never_trades_on_sunday_sells_its_week_on_the_other_days():
    closed = pd.DataFrame({"store": ["a", "elsewhere"], "weekday": [6, 0]})
    told = daily_means(FORECAST, SERIES, SHARES, closed)
    of_a = told[told["store"] == "a"]
    assert (of_a.loc[of_a["date"].dt.day_of_week == 6, "mean"] == 0).all()
    np.testing.assert_allclose(of_a["mean"].to_numpy().reshape(2, 7).sum(axis=1), [7, 14])


def test_shares_on_closed_days_only_are_spread_over_the_open_ones():
    sundays = SHARES.assign(share=[0, 0, 0, 0, 0, 0, 1.0])
    told = daily_means(FORECAST, SERIES, sundays, pd.DataFrame({"store": ["a"], "weekday": [6]}))
    np.testing.assert_allclose(told["mean"].iloc[1:7], 7 / 6)


def test_what_cannot_be_told_by_day_is_refused():
    with pytest.raises(PanelError, match="no row for"):
        daily_means(FORECAST, SERIES.iloc[:1], SHARES)
    with pytest.raises(PanelError, match="all seven"):
        daily_means(FORECAST, SERIES, SHARES, pd.DataFrame({"store": "a", "weekday": range(7)}))
    with pytest.raises(PanelError, match="missing values"):
        weekday_shares(sold_by_day(np.random.default_rng(1), weeks=2).assign(category=None))
