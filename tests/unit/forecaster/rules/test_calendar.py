from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from forecaster import RulePolicy, Situation, find_alerts
from forecaster.rules.seasons import season_identity

BACK_TO_SCHOOL = ("BTS26", "2026-07-06", "2026-07-26")


def alerts_of(situation: Situation) -> pd.DataFrame:
    """What somebody is told; weak findings only keep what is open."""
    found = find_alerts(situation)
    return found[~found["weak"].astype(bool)].reset_index(drop=True)


def of(found: pd.DataFrame, rule: str) -> pd.DataFrame:
    return found[(found["rule"] == rule) & ~found["weak"].astype(bool)]


def test_the_worked_example_of_an_exit_comes_out_as_on_paper(leaving):
    told = leaving.only()
    assert told["rule"] == "exit_before_demand_ends"
    assert told["units_lost"] == pytest.approx(12.0)
    assert told["after_units"] == pytest.approx(12.0)
    assert told["demand_units"] == pytest.approx(29.0)
    assert told["recoverable_units"] == pytest.approx(4.0)
    assert told["reorderable_units"] == pytest.approx(4 / 7 + 3)
    assert told["next_buy_units"] == pytest.approx(1 + 4 * 6 / 7)
    assert told["money_lost"] == pytest.approx(240.0)
    assert told["margin_lost"] == pytest.approx(144.0)
    assert told["winnable_money"] == pytest.approx(20 * (4 + 4 / 7 + 3))
    assert told["first_week"] == pd.Timestamp("2026-07-06")
    assert told["demand_ends"] == pd.Timestamp("2026-07-26")
    assert told["season_code"] == "swim-2026"
    assert told["floor_set"] == pd.Timestamp("2026-02-02")
    assert told["figures"] == {"own_stock": 4.0, "from_elsewhere": 0.0, "lead_days": 35.0}


def test_whom_an_exit_turns_away_later_is_not_counted_this_week(leaving):
    told = leaving.only()
    assert told["customers_lost"] > 0
    assert told["customers_this_week"] == 0.0


def test_an_exit_is_to_be_moved_before_the_calendar_is_locked(leaving):
    assert leaving.only()["act_by"] == pd.Timestamp("2026-06-21")


def test_an_order_that_must_go_out_earlier_sets_the_day(leaving):
    # 12 units wanted after the exit, four there: eight to be ordered 14 days before the sixth of July.
    told = leaving.but(products={"lead_time_days": 18.0}).only()
    assert told["act_by"] == pd.Timestamp("2026-06-17")


def test_an_order_too_late_for_the_first_loss_does_not_hide_the_day_of_the_exit(leaving):
    told = leaving.but(products={"lead_time_days": 30.0}).only()
    assert told["reorderable_units"] >= 3.0
    assert told["act_by"] == pd.Timestamp("2026-06-21")


def test_weeks_in_which_hardly_anybody_comes_are_no_demand(leaving):
    assert leaving.only()["demand_ends"] == pd.Timestamp("2026-07-26")
    wide = leaving.but(policy=RulePolicy(material_week_share=0.01)).only()
    assert wide["demand_ends"] == pd.Timestamp("2026-08-02")
    assert wide["units_lost"] == pytest.approx(12.2)


def test_an_exit_of_which_nothing_can_be_won_is_silent(leaving, shelf):
    bare = shelf(season=(6.0, 6.0, 5.0), after=(5.0, 4.0, 3.0))
    assert leaving.but(shelves=(bare,), products={"lead_time_days": 150.0}).findings().empty


def test_money_below_the_minimum_is_silent_too(leaving):
    assert leaving.but(products={"regular_price": 2.5, "lead_time_days": 35.0}).findings().empty
    unpriced = leaving.but(products={"regular_price": float("nan"), "lead_time_days": 35.0}).only()
    assert unpriced["money_lost"] == 0.0
    assert pd.isna(unpriced["margin_lost"])


def test_a_loss_that_lasts_is_weak_when_too_little_of_it_can_be_won(leaving):
    # Twelve are lost, 7.6 of them can be won.
    told = leaving.but(policy=RulePolicy(min_units=10.0)).weak_or_not()
    assert told["weak"].tolist() == [True]
    assert leaving.but(policy=RulePolicy(min_units=17.0)).weak_or_not()["weak"].tolist() == [True]
    assert leaving.but(policy=RulePolicy(min_units=18.0)).weak_or_not().empty
    assert not leaving.only()["weak"]


@pytest.mark.parametrize(
    ("evidence", "leaves", "weak"),
    [
        ("borrowed", "2026-06-14", True),
        ("borrowed", "2026-06-07", True),
        ("borrowed", "2026-07-05", False),
        ("requested", "2026-06-07", False),
        ("observed", "2026-06-07", False),
    ],
)
def test_goods_that_are_gone_are_brought_back_only_where_such_weeks_were_seen_or_asked_for(
    leaving, shelf, evidence, leaves, weak
):
    gone = shelf(after=(5.0, 4.0, 3.0), evidence=evidence, window=("swim", "2026-02-02", leaves))
    told = leaving.but(shelves=(gone,), products={"lead_time_days": 0.0}).weak_or_not()
    assert told["rule"].tolist() == ["exit_before_demand_ends"]
    assert told["weak"].tolist() == [weak]


def test_what_nobody_can_mend_any_more_has_not_recovered(leaving, shelf):
    bare = shelf(season=(6.0, 6.0, 5.0), after=(5.0, 4.0, 3.0))
    night = leaving.but(shelves=(bare,), held={}, products={"lead_time_days": 150.0})
    told = night.weak_or_not().iloc[0]
    assert told["weak"]
    assert told["next_buy_units"] == pytest.approx(12.0)
    assert pd.isna(told["act_by"])


def test_swimwear_that_leaves_in_early_july_is_told_in_june(year):
    found = of(alerts_of(year(on_hand=500.0)), "exit_before_demand_ends")
    assert len(found) == 1
    told = found.iloc[0]
    assert told["exit"] == pd.Timestamp("2026-07-05")
    assert pd.Timestamp("2026-08-20") < told["demand_ends"] < pd.Timestamp("2026-10-31")
    assert told["recoverable_units"] == pytest.approx(told["units_lost"])
    assert [line["size"] for line in told["sizes"]] == ["L", "M", "S"]
    assert sum(line["lost"] for line in told["sizes"]) == pytest.approx(told["units_lost"])


def test_an_exit_further_away_than_the_look_ahead_is_not_told_yet(year):
    assert alerts_of(year(on_hand=500.0, policy=RulePolicy(exit_weeks_ahead=2))).empty


def test_an_exit_that_has_passed_is_told_while_demand_lasts(year):
    told = of(alerts_of(year(on_hand=500.0, as_of=date(2026, 7, 26))), "exit_before_demand_ends").iloc[0]
    assert told["act_by"] == told["demand_ends"]
    assert alerts_of(year(on_hand=500.0, as_of=date(2026, 11, 1))).empty


def test_the_gap_left_shrinks_as_the_season_runs_out(year):
    early, late = (
        of(alerts_of(year(on_hand=500.0, as_of=day)), "exit_before_demand_ends").iloc[0]
        for day in (date(2026, 7, 12), date(2026, 8, 9))
    )
    assert late["units_lost"] < early["units_lost"]
    assert late["season_code"] == early["season_code"]


def test_coats_taken_in_february_raise_nothing_in_june(year):
    old = year(course="winter", window=("FW25", "2025-08-01", "2026-02-15"), on_hand=500.0)
    assert alerts_of(old).empty


def test_coats_taken_before_christmas_are_told_in_december(year):
    cold = year(
        course="winter",
        window=("FW26", "2026-08-01", "2026-12-27"),
        on_hand=500.0,
        as_of=date(2026, 12, 6),
    )
    told = of(alerts_of(cold), "exit_before_demand_ends").iloc[0]
    assert told["season_code"] == "FW26"


def test_a_style_without_a_window_never_leaves(year):
    assert alerts_of(year(window=None, on_hand=500.0)).empty


def test_unknown_weeks_raise_nothing(year):
    assert alerts_of(year(on_hand=0.0, evidence="unknown")).empty


def test_unknown_weeks_count_in_no_figure(leaving, shelf):
    doubtful = shelf(
        sku="swim-L", season=(6.0, 6.0, 5.0), after=(5.0, 4.0, 3.0), evidence="unknown",
        recoverable=(0, 0, 0, 5.0, 4.0, 3.0),
    )  # fmt: skip
    told = leaving.but(shelves=(*leaving.shelves, doubtful)).only()
    assert told["units_lost"] == pytest.approx(12.0)
    assert [line["sku"] for line in told["sizes"]] == ["swim-M"]


def test_evidence_weaker_than_the_policy_asks_for_is_silent(year):
    borrowed = alerts_of(year(on_hand=500.0, evidence="borrowed", rate=40.0))
    assert set(borrowed["evidence"]) == {"borrowed"}
    assert "high" not in set(borrowed["severity"])
    strict = year(on_hand=500.0, evidence="borrowed", rate=40.0, policy=RulePolicy(confidence="observed"))
    assert alerts_of(strict).empty


@pytest.fixture
def opening(night, shelf):
    """The worked example of `floor_set_after_demand_starts`: seven wanted before, four there by then."""
    shelves = shelf(
        sku="pack-M", before=(1.0, 2.0, 4.0), season=(8.0, 8.0, 6.0), window=BACK_TO_SCHOOL,
        available=(0, 0, 10.0, 30.0, 22.0, 14.0),
    )  # fmt: skip
    return night((shelves,), products={"lead_time_days": float("nan")})


def test_the_worked_example_of_a_floor_set_comes_out_as_on_paper(opening):
    told = opening.only()
    assert told["rule"] == "floor_set_after_demand_starts"
    assert told["units_lost"] == told["before_units"] == pytest.approx(7.0)
    assert told["recoverable_units"] == pytest.approx(4.0)
    assert told["reorderable_units"] == 0.0
    assert told["next_buy_units"] == pytest.approx(3.0)
    assert told["demand_units"] == pytest.approx(29.0)
    assert told["first_week"] == pd.Timestamp("2026-06-15")
    assert told["demand_ends"] == pd.Timestamp("2026-07-05")
    assert told["act_by"] == pd.Timestamp("2026-06-15")
    assert told["season_code"] == "BTS26"


def test_goods_that_the_season_itself_will_need_are_no_gain_before_it(opening, shelf):
    scarce = shelf(
        sku="pack-M", before=(1.0, 2.0, 4.0), season=(8.0, 8.0, 6.0), window=BACK_TO_SCHOOL,
        available=(0, 0, 10.0, 10.0, 2.0, 0.0), lost=(1.0, 2.0, 4.0, 0.0, 6.0, 6.0),
    )  # fmt: skip
    found = opening.but(shelves=(scarce,)).findings()
    assert "floor_set_after_demand_starts" not in set(found["rule"])


def test_a_floor_set_that_has_come_is_told_no_more(opening, shelf):
    past = shelf(
        sku="pack-M", before=(8.0, 8.0, 8.0), season=(8.0,), window=("BTS26", "2026-06-15", "2026-07-26"),
        available=(20.0,) * 4,
    )  # fmt: skip
    assert opening.but(shelves=(past,)).findings().empty


def test_a_floor_set_further_away_than_the_look_ahead_is_not_told_yet(opening):
    assert opening.but(policy=RulePolicy(floor_set_weeks_ahead=2)).findings().empty


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


def test_doubted_stock_does_not_serve_those_who_come_after_the_exit(leaving):
    doubt = pd.DataFrame(
        [("s1", "swim-M", "2026-04-20", "2026-06-08", 8, 7.5)],
        columns=["store", "sku", "first_week", "last_week", "weeks", "expected"],
    )
    found = leaving.but(more={"phantoms": doubt}).weak_or_not()
    told = found[found["rule"] == "exit_before_demand_ends"].iloc[0]
    assert told["recoverable_units"] == 0.0
    assert told["reorderable_units"] > 0.0
