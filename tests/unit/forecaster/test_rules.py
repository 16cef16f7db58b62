from __future__ import annotations

from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import PanelError, RulePolicy, expected_gap, find_gaps
from forecaster.evidence import Evidence
from forecaster.findings import severity, weakest_bulk
from forecaster.rules import season_identity

AS_OF = date(2026, 6, 14)
SIZES = {"S": 0.5, "M": 1.0, "L": 2.0}
SWIM = ("swim", "2026-02-01", "2026-07-05")


def summer(first: str) -> np.ndarray:
    weeks = pd.date_range(first, periods=52, freq="7D")
    return np.exp(2 * (np.cos(2 * np.pi * (weeks.day_of_year - 195) / 365) - 1))


def winter(first: str) -> np.ndarray:
    weeks = pd.date_range(first, periods=52, freq="7D")
    return np.exp(2 * (np.cos(2 * np.pi * (weeks.day_of_year - 12) / 365) - 1))


def night(
    season=summer,
    rate=8.0,
    on_hand=50.0,
    in_transit=0.0,
    window=SWIM,
    as_of=AS_OF,
    evidence="observed",
    stores=("s1",),
):
    first = pd.Timestamp(as_of) + pd.Timedelta(days=1)
    weeks = pd.date_range(first, periods=52, freq="7D")
    held = on_hand if isinstance(on_hand, dict) else dict.fromkeys(stores, on_hand)
    keys = [(store, f"swim-{size}", share) for store in stores for size, share in SIZES.items()]
    forecast = pd.concat(
        pd.DataFrame(
            {
                "store": store,
                "sku": sku,
                "week": weeks,
                "mean": rate * share * season(str(first.date())),
                "evidence": evidence,
            }
        )
        for store, sku, share in keys
    )
    pairs = pd.DataFrame([(store, sku) for store, sku, _ in keys], columns=["store", "sku"])
    stock = pairs.assign(on_hand=pairs["store"].map(held), in_transit=in_transit)
    supply = stock.assign(week=first, units=stock["on_hand"] + stock["in_transit"])
    windows = pairs.iloc[:0].assign(season_code="", floor_set=pd.NaT, exit=pd.NaT)
    if window:
        code, opens, closes = window
        windows = pairs.assign(season_code=code, floor_set=pd.Timestamp(opens), exit=pd.Timestamp(closes))
    gap = expected_gap(forecast, pairs.assign(level_shape=8.0, dispersion=4.0), supply, windows, as_of=as_of)
    return gap, stock


PRODUCTS = pd.DataFrame(
    [
        {
            "sku": f"swim-{size}", "style": "swim", "category": "swimwear", "size": size, "color": "navy",
            "season_code": "swim", "regular_price": 20.0, "lead_time_days": 21,
        }
        for size in SIZES
    ]
)  # fmt: skip


def findings(policy=None, as_of=AS_OF, **changes) -> pd.DataFrame:
    gap, stock = night(as_of=as_of, **changes)
    return find_gaps(gap, PRODUCTS, stock, as_of=as_of, policy=policy)


def only(found: pd.DataFrame) -> pd.Series:
    assert len(found) == 1
    return found.iloc[0]


def test_swimwear_that_leaves_in_early_july_is_told_in_june():
    told = only(findings(on_hand=500.0))
    assert told["rule"] == "exit_before_demand_ends"
    assert told["exit"] == pd.Timestamp("2026-07-05")
    assert told["act_by"] == told["exit"]
    assert told["first_week"] == pd.Timestamp("2026-07-06")
    assert pd.Timestamp("2026-08-20") < told["demand_ends"] < pd.Timestamp("2026-10-31")
    assert told["units_lost"] == pytest.approx(told["recoverable_units"])
    assert told["money_lost"] == pytest.approx(20.0 * told["units_lost"])
    assert told["demand_units"] > told["units_lost"]
    assert told["season_code"] == "swim-2026"
    assert told["category"] == "swimwear"


def test_the_sizes_are_told_from_the_largest_loss_down():
    told = only(findings(on_hand=500.0))
    assert [line["size"] for line in told["sizes"]] == ["L", "M", "S"]
    assert set(told["sizes"][0]) == {"sku", "size", "color", "demand", "on_hand", "in_transit", "lost"}
    assert sum(line["lost"] for line in told["sizes"]) == pytest.approx(told["units_lost"])
    assert told["on_hand"] == 1500.0


def test_an_exit_further_away_than_the_look_ahead_is_not_told_yet():
    assert findings(on_hand=500.0, policy=RulePolicy(exit_weeks_ahead=2)).empty


def test_an_exit_that_has_passed_is_told_while_demand_lasts():
    told = only(findings(on_hand=500.0, as_of=date(2026, 7, 26)))
    assert told["act_by"] == told["demand_ends"]
    assert findings(on_hand=500.0, as_of=date(2026, 11, 1)).empty


def test_the_gap_left_shrinks_as_the_season_runs_out():
    early = only(findings(on_hand=500.0, as_of=date(2026, 7, 12)))
    late = only(findings(on_hand=500.0, as_of=date(2026, 8, 9)))
    assert late["units_lost"] < early["units_lost"]
    assert late["season_code"] == early["season_code"]


def test_coats_taken_in_february_raise_nothing_in_june():
    assert findings(season=winter, window=("FW25", "2025-08-01", "2026-02-15"), on_hand=500.0).empty


def test_coats_taken_before_christmas_are_told_in_december():
    told = only(
        findings(
            season=winter, window=("FW26", "2026-08-01", "2026-12-27"), on_hand=500.0, as_of=date(2026, 12, 6)
        )
    )
    assert told["rule"] == "exit_before_demand_ends"
    assert told["season_code"] == "FW26"


def test_a_style_without_a_window_never_leaves():
    assert findings(window=None, on_hand=500.0).empty


def test_unknown_weeks_raise_nothing():
    assert findings(on_hand=0.0, evidence="unknown").empty


def test_borrowed_weeks_are_told_as_such_and_never_as_high():
    told = findings(on_hand=0.0, evidence="borrowed", rate=40.0)
    assert set(told["evidence"]) == {"borrowed"}
    assert "high" not in set(told["severity"])


def test_a_stockout_in_season_names_only_the_sizes_that_run_short():
    found = findings(on_hand=20.0, window=None)
    told = only(found)
    assert told["rule"] == "stockout_in_season"
    assert [line["size"] for line in told["sizes"]] == ["L", "M"]
    assert told["season_code"] == "all-year"
    assert pd.isna(told["exit"])


def test_receipts_on_their_way_are_counted_as_stock():
    assert findings(on_hand=0.0, in_transit=500.0, window=None).empty


def test_a_stockout_must_be_acted_on_a_lead_time_before_and_never_yesterday():
    told = only(findings(on_hand=1.0, window=None))
    assert told["act_by"] == pd.Timestamp("2026-06-15")
    assert told["severity"] == "high"


def test_what_other_stores_hold_too_much_of_is_recoverable():
    found = findings(on_hand={"s1": 0.0, "s2": 5000.0}, window=None, stores=("s1", "s2"))
    told = only(found)
    assert told["store"] == "s1"
    assert told["recoverable_units"] == pytest.approx(told["units_lost"])


def test_a_trifle_is_not_worth_an_alert():
    assert findings(rate=0.05, on_hand=0.0).empty


def test_no_gap_gives_an_empty_frame_with_its_columns():
    assert list(findings(rate=0.0).columns)[:5] == ["rule", "store", "style", "category", "season_code"]


def test_the_reason_carries_its_figures():
    reason = only(findings(on_hand=500.0))["reason"]
    assert reason.startswith("exit_before_demand_ends:exit=2026-07-05;demand_ends=2026-")


@pytest.mark.parametrize(
    ("code", "opens", "closes", "identity"),
    [
        ("SS26", "2026-02-01", "2026-07-05", "SS26"),
        ("FW26", "2026-08-01", "2027-01-31", "FW26"),
        ("swim", "2026-02-01", "2026-07-05", "swim-2026"),
        ("swim", "2027-02-01", "2027-07-05", "swim-2027"),
        ("SUMMER-2026", "2026-02-01", "2026-07-05", "SUMMER-2026"),
        ("", "2026-02-01", "2026-07-05", "season-2026"),
        ("", None, None, "all-year"),
    ],
)
def test_a_season_is_named_alike_every_night_and_apart_every_year(code, opens, closes, identity):
    opens, closes = (day and pd.Timestamp(day) for day in (opens, closes))
    assert season_identity(code, opens, closes) == identity


def test_evidence_is_the_weakest_that_carries_the_bulk():
    assert weakest_bulk({"observed": 6.0, "borrowed": 4.0}) is Evidence.OBSERVED
    assert weakest_bulk({"observed": 4.0, "borrowed": 6.0}) is Evidence.BORROWED


def test_many_units_and_little_time_are_severe():
    policy = RulePolicy()
    assert severity(50, 3, Evidence.OBSERVED, policy) == "high"
    assert severity(50, 40, Evidence.OBSERVED, policy) == "medium"
    assert severity(5, 40, Evidence.OBSERVED, policy) == "low"
    assert severity(50, 3, Evidence.BORROWED, policy) == "medium"


def test_a_sku_without_a_product_is_named():
    gap, stock = night()
    with pytest.raises(PanelError, match="swim-L"):
        find_gaps(gap, PRODUCTS.iloc[:2], stock, as_of=AS_OF)


def test_a_season_beyond_the_horizon_is_no_stockout_today_however_long_the_lead_time():
    gap, stock = night(on_hand=0.0, window=("swim", "2026-08-01", "2026-12-31"))
    slow = PRODUCTS.assign(lead_time_days=180)
    found = find_gaps(gap, slow, stock, as_of=AS_OF, policy=RulePolicy())
    assert "stockout_in_season" not in set(found["rule"])
    far = find_gaps(gap, slow, stock, as_of=AS_OF, policy=RulePolicy(max_stockout_weeks=30))
    assert "stockout_in_season" in set(far["rule"])


def test_a_stockout_says_how_far_it_looked_and_what_sells_all_year_has_no_end():
    told = only(findings(on_hand=2.0, window=None))
    assert told["horizon_ends"] == pd.Timestamp(AS_OF) + pd.Timedelta(weeks=4)
    assert pd.isna(told["demand_ends"])
    assert "demand_ends=never" in told["reason"]
