from __future__ import annotations

import pandas as pd
import pytest

from forecaster import group_findings, identity_of, muted_stores, mutes


def newest(**days: str) -> pd.DataFrame:
    rows = [(*name.split("_"), day) for name, day in days.items()]
    return pd.DataFrame(rows, columns=["feed", "store", "last_day"])


@pytest.fixture
def three(leaving, shelf):
    """The exit's example in three stores."""
    first = leaving.shelves[0]
    shelves = tuple(
        shelf(store=name, season=first.season, after=first.after, available=first.available,
              recoverable=first.recoverable)
        for name in ("s1", "s2", "s3")
    )  # fmt: skip
    return leaving.but(shelves=shelves, held=dict.fromkeys([(n, "swim-M") for n in ("s1", "s2", "s3")], 21.0))


def test_a_late_feed_of_one_store_is_told_and_silences_the_store(three):
    late = newest(stock_s1="2026-06-05", stock_s2="2026-06-14", stock_s3="2026-06-14")
    found = three.but(more={"newest_days": late}).findings()
    told = found[found["rule"] == "feed_late"].iloc[0]
    assert (told["scope"], told["store"], told["season_code"]) == ("store", "s1", "stock")
    assert told["figures"]["days_late"] == 9
    assert set(found.loc[found["rule"] != "feed_late", "store"]) == {"s2", "s3"}


def test_a_feed_is_late_the_day_after_its_days_of_grace(three):
    late = newest(stock_s1="2026-06-06", stock_s2="2026-06-14", stock_s3="2026-06-14")
    assert "feed_late" not in set(three.but(more={"newest_days": late}).findings()["rule"])


def test_most_stores_late_is_one_finding_for_the_chain(three):
    late = newest(stock_s1="2026-06-01", stock_s2="2026-06-02", stock_s3="2026-06-14")
    found = three.but(more={"newest_days": late}).findings()
    told = found[found["rule"] == "feed_late"]
    assert identity_of(told).tolist() == ["feed_late|chain||stock"]
    assert told["figures"].iloc[0]["stores"] == 2
    assert told["severity"].iloc[0] == "high"


def test_two_late_feeds_of_a_store_are_two_findings(three):
    late = newest(
        stock_s1="2026-06-01", sales_s1="2026-06-01", stock_s2="2026-06-14", sales_s2="2026-06-14",
        stock_s3="2026-06-14", sales_s3="2026-06-14",
    )  # fmt: skip
    found = three.but(more={"newest_days": late}).findings()
    told = identity_of(found[found["rule"] == "feed_late"])
    assert told.is_unique
    assert len(told) == 2


def test_a_live_alert_of_a_late_store_is_muted_with_the_reason(three):
    live = three.findings()
    situation = three.but(
        more={"newest_days": newest(stock_s1="2026-06-01", stock_s2="2026-06-14", stock_s3="2026-06-14")}
    ).situation()
    muted = mutes(live, situation)
    assert muted["identity"].tolist() == ["exit_before_demand_ends|s1|swim|swim-2026"]
    assert muted["reason"].tolist() == ["feed_late:feed=stock;last_day=2026-06-01"]


def test_a_zone_is_muted_only_when_all_of_its_stores_are(three):
    live = group_findings(three.findings())
    some = newest(stock_s1="2026-06-01", stock_s2="2026-06-01", stock_s3="2026-06-14")
    every = newest(stock_s1="2026-06-01", stock_s2="2026-06-01", stock_s3="2026-06-01")
    partly, wholly = (
        mutes(live, three.but(more={"newest_days": late}).situation()) for late in (some, every)
    )
    zone = "exit_before_demand_ends|zone:south|swimwear|swim-2026"
    assert zone not in set(partly["identity"])
    assert zone in set(wholly["identity"])


def test_a_closed_store_is_silent_and_says_why(three):
    closed = {
        "store": "s2",
        "climate_zone": "south",
        "kind": "store",
        "closed_on": pd.Timestamp("2026-06-10"),
    }
    night = three.but(stores=(closed,))
    assert set(night.findings()["store"]) == {"s1", "s3"}
    assert muted_stores(night.situation()) == {"s2": "store_closed:closed_on=2026-06-10"}


def test_a_store_that_closes_next_month_is_not_muted(three):
    closing = {
        "store": "s2",
        "climate_zone": "south",
        "kind": "store",
        "closed_on": pd.Timestamp("2026-07-10"),
    }
    assert set(three.but(stores=(closing,)).findings()["store"]) == {"s1", "s2", "s3"}


@pytest.mark.parametrize(
    ("told", "now"),
    [("stockout_in_season", "broken_size_run"), ("broken_size_run", "stockout_in_season")],
)
def test_a_shortage_that_is_now_told_by_another_rule_has_not_recovered(three, told, now):
    live = three.findings().head(1).assign(rule=told)
    found = live.assign(rule=now)
    muted = mutes(live, three.situation(), found)
    assert muted["reason"].tolist() == [f"told_as:rule={now}"]
    assert mutes(live, three.situation(), found.assign(store="s9")).empty


def test_a_shortage_that_is_still_told_by_its_own_rule_is_not_muted(three):
    live = three.findings().head(1).assign(rule="broken_size_run")
    assert mutes(live, three.situation(), live).empty


def test_what_customers_ask_for_rests_on_no_feed_of_the_store(three):
    live = three.findings().head(1).assign(rule="asked_not_found")
    late = newest(stock_s1="2026-06-01", stock_s2="2026-06-14", stock_s3="2026-06-14")
    assert mutes(live, three.but(more={"newest_days": late}).situation()).empty
