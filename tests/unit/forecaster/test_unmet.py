from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from forecaster import expected_gap
from forecaster.claims import claims_of
from forecaster.unmet import further_packs, unmet_demand

AS_OF = date(2026, 6, 6)
WEEKS = pd.date_range("2026-06-07", periods=12, freq="7D")
EXIT = pd.Timestamp("2026-08-01")
SERIES = pd.DataFrame({"store": ["a"], "sku": ["M"], "level_shape": [20.0], "dispersion": [4.0]})


def gap_of(mean, supply, *, exit_day=EXIT) -> pd.DataFrame:
    forecast = pd.DataFrame({"store": "a", "sku": "M", "week": WEEKS, "mean": mean, "evidence": "observed"})
    there = pd.DataFrame(supply, columns=["week", "units"]).assign(store="a", sku="M")
    window = pd.DataFrame(
        {
            "store": ["a"],
            "sku": ["M"],
            "season_code": ["SS26"],
            "floor_set": ["2026-02-15"],
            "exit": [exit_day],
        }
    )
    there = there.assign(week=pd.to_datetime(there["week"]))
    window = window.assign(floor_set=pd.to_datetime(window["floor_set"]))
    return expected_gap(forecast, SERIES, there, window, as_of=AS_OF)


def claim(arrives, *, phase="in_season", until=None) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "store": ["a"], "sku": ["M"], "phase": [phase], "exit": [EXIT],
            "arrives": [pd.Timestamp(arrives)], "until": [pd.Timestamp(until) if until else pd.NaT],
        }
    )  # fmt: skip


def lacking(gap, arrives, **changes):
    return unmet_demand(claim(arrives, **changes), gap, SERIES, as_of=AS_OF)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(0.5, 9), min_size=12, max_size=12),
    st.integers(0, 40),
    st.integers(0, 20),
    st.integers(1, 7),
)
def test_what_is_lacking_from_tomorrow_on_is_what_the_gap_loses(mean, on_hand, coming, weeks):
    later = AS_OF + timedelta(days=1 + 7 * weeks)
    gap = gap_of(mean, [("2026-06-07", on_hand), (later, coming)])
    told = lacking(gap, "2026-06-07")
    lost = gap.loc[gap["phase"] == "in_season", "lost"].sum()
    # The gap bounds a week's loss by its demand, so that it may lie below the closed form.
    assert told["units"].sum() == pytest.approx(lost, rel=0.02, abs=1e-6)


def test_what_is_lost_before_the_goods_arrive_cannot_be_won():
    gap = gap_of(np.full(12, 4.0), [])
    now, later = lacking(gap, "2026-06-07"), lacking(gap, "2026-06-21")
    assert now["units"].tolist() == pytest.approx([32])
    assert later["units"].tolist() == pytest.approx([24])
    assert later["mean"].tolist() == pytest.approx([24])


def test_of_the_week_of_arrival_only_its_remaining_days_count():
    gap = gap_of(np.full(12, 7.0), [])
    assert lacking(gap, "2026-06-11")["mean"].tolist() == pytest.approx([56 - 4])


def test_goods_that_arrive_after_the_exit_meet_no_demand():
    assert lacking(gap_of(np.full(12, 4.0), []), "2026-08-02").empty


def test_its_demand_ends_with_the_exit_or_with_the_last_week_that_counts():
    gap = gap_of(np.full(12, 4.0), [])
    assert lacking(gap, "2026-06-07")["ends"].tolist() == [EXIT]
    short = lacking(gap, "2026-06-07", until="2026-06-20")
    assert short["ends"].tolist() == [pd.Timestamp("2026-06-20")]
    assert short["units"].tolist() == pytest.approx([8])


def test_a_late_delivery_does_not_serve_those_who_asked_before_it():
    # 20 wanted up to the week of the delivery, 16 there: what comes in the last week is too late for them.
    gap = gap_of(np.full(12, 4.0), [("2026-06-07", 16), ("2026-07-26", 500)])
    told = lacking(gap, "2026-06-07")
    assert told["stock"].tolist() == pytest.approx([16])
    assert told["mean"].tolist() == pytest.approx([28])


def test_after_an_exit_the_stock_left_at_it_is_what_there_is():
    gap = gap_of(np.linspace(5.0, 3.0, 12), [("2026-06-07", 36)])
    after = gap[gap["phase"] == "after_exit"]
    told = lacking(gap, "2026-08-02", phase="after_exit")
    assert told["stock"].tolist() == pytest.approx([after["available"].iloc[0]])
    assert told["mean"].tolist() == pytest.approx([after["demand"].sum()])


def needs(mean, stock, size=np.inf) -> pd.DataFrame:
    return pd.DataFrame({"mean": [mean], "size": [size], "stock": [stock]})


def test_each_further_pack_wins_the_chance_that_it_is_asked_for():
    row, wins = further_packs(needs(2.0, 0.0), 1, 0.1)
    # P(D > 0), P(D > 1), P(D > 2), P(D > 3) of a Poisson of mean 2.
    assert wins.tolist() == pytest.approx([0.8647, 0.5940, 0.3233, 0.1429], abs=5e-5)
    assert row.tolist() == [0, 0, 0, 0]


def test_a_pack_that_sells_too_seldom_is_not_worth_it():
    _, wins = further_packs(needs(2.0, 0.0), 1, 0.5)
    assert len(wins) == 2
    _, packs = further_packs(needs(2.0, 0.0), 2, 0.5)
    assert packs.tolist() == pytest.approx([0.8647 + 0.5940], abs=5e-5)


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 30), st.floats(0, 20), st.integers(1, 6), st.floats(0.05, 0.9))
def test_packs_win_less_and_less_and_never_more_than_is_lacking(mean, stock, pack, least):
    _, wins = further_packs(needs(mean, stock, 3.0), pack, least)
    assert (np.diff(wins) <= 1e-9).all()
    assert wins.sum() <= mean + 1e-9
    assert (wins >= least * pack - 1e-12).all()


def test_nothing_lacking_is_no_pack():
    row, wins = further_packs(needs(2.0, 50.0).iloc[:0], 1, 0.4)
    assert len(row) == len(wins) == 0


def finding(rule, **changes) -> dict[str, object]:
    line = {"sku": "M", "lost": 3.0}
    return {
        "rule": rule, "store": "a", "exit": EXIT, "horizon_ends": pd.NaT,
        "demand_ends": pd.Timestamp("2026-09-01"), "sizes": [line, {"sku": "L", "lost": 0.0}],
    } | changes  # fmt: skip


def test_a_finding_claims_the_sizes_it_loses_in_its_own_part_of_the_season():
    findings = pd.DataFrame(
        [
            finding("exit_before_demand_ends"),
            finding("floor_set_after_demand_starts"),
            finding("stockout_in_season", horizon_ends=pd.Timestamp("2026-07-01")),
            finding("exit_before_demand_ends", store=""),
            finding("feed_late", sizes=[]),
        ]
    )
    told = claims_of(findings)
    assert told["finding"].tolist() == [0, 1, 2]
    assert told["phase"].tolist() == ["after_exit", "before_floor_set", "in_season"]
    assert told["until"].dt.month.tolist() == [9, 9, 7]
    assert told["sku"].tolist() == ["M"] * 3


def test_no_findings_claim_nothing():
    assert claims_of(pd.DataFrame([finding("feed_late", sizes=[])])).empty
    assert claims_of(pd.DataFrame([finding("feed_late")]).iloc[:0]).empty
