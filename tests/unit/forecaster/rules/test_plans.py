from __future__ import annotations

import pandas as pd
import pytest

from forecaster import RulePolicy

COLUMNS = [
    "alternative", "weeks", "first_markdown", "full_price_units", "leftover_units", "margin_won",
    "customers_won",
]  # fmt: skip


def plans(*rows: tuple[object, ...], peak="2026-07-13", stock=100.0) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=COLUMNS)
    return frame.assign(
        store="s1",
        style="swim",
        season_code="swim",
        floor_set=pd.Timestamp("2026-02-02"),
        exit=pd.Timestamp("2026-08-09"),
        first_markdown=pd.to_datetime(frame["first_markdown"]).astype("datetime64[s]"),
        peak_week=pd.Timestamp(peak),
        leftover_share=frame["leftover_units"] / stock,
        leftover_less=frame["leftover_units"].iloc[0] - frame["leftover_units"],
        marked_down_before_peak=0.0,
    )


TOO_SOON = (
    ("today", 0, "2026-06-29", 40.0, 0.0, 0.0, 0.0),
    ("hold_markdown", 2, "2026-07-13", 48.0, 0.0, 60.0, 2.0),
    ("after_peak", 3, "2026-07-20", 52.0, 0.0, 90.0, 3.0),
)
TOO_MUCH = (
    ("today", 0, "2026-07-20", 60.0, 40.0, 0.0, 0.0),
    ("extend_exit", 8, "2026-07-20", 62.0, 30.0, 10.0, 0.0),
    ("advance_markdown", -2, "2026-07-06", 50.0, 22.0, 60.0, 0.0),
)


@pytest.fixture
def season(night, shelf):
    window = ("swim", "2026-02-02", "2026-08-09")
    wanted = shelf(season=(10.0,) * 8, available=(100.0,) * 8, window=window)
    return night((wanted,), held={("s1", "swim-M"): 100.0})


def test_the_worked_example_of_a_markdown_before_the_peak_comes_out_as_on_paper(season):
    told = season.but(more={"plans": plans(*TOO_SOON)}).only()
    assert told["rule"] == "markdown_before_peak"
    assert told["units_lost"] == told["recoverable_units"] == pytest.approx(12.0)
    assert told["customers_lost"] == pytest.approx(3.0)
    assert told["margin_lost"] == told["winnable_money"] == pytest.approx(90.0)
    assert told["money_lost"] == pytest.approx(240.0)
    assert told["act_by"] == pd.Timestamp("2026-06-22")
    assert told["figures"]["plan"] == "after_peak"
    assert told["figures"]["first_markdown"] == "2026-06-29"
    assert told["season_code"] == "swim-2026"
    assert told["sizes"][0]["lost"] == pytest.approx(12.0)


def test_a_cut_after_the_peak_is_no_alert(season):
    assert season.but(more={"plans": plans(*TOO_SOON, peak="2026-06-15")}).findings().empty


def test_a_cut_that_earns_more_than_waiting_is_no_alert(season):
    worse = [(*row[:5], min(row[5], 0.0) - 1.0, row[6]) for row in TOO_SOON]
    assert season.but(more={"plans": plans(*worse)}).findings().empty


def test_a_cut_whose_price_file_is_closed_is_told_no_more(season):
    soon = [(*row[:2], "2026-06-21", *row[3:]) for row in TOO_SOON]
    assert season.but(more={"plans": plans(*soon)}).findings().empty


def test_a_cut_further_away_than_the_look_ahead_is_not_told_yet(season):
    narrow = season.but(more={"plans": plans(*TOO_SOON)}, policy=RulePolicy(markdown_weeks_ahead=2))
    assert narrow.findings().empty


def test_the_worked_example_of_stock_that_outlasts_its_season_comes_out_as_on_paper(season):
    told = season.but(more={"plans": plans(*TOO_MUCH)}).only()
    assert told["rule"] == "stock_outlasts_season"
    assert told["units_lost"] == told["after_units"] == pytest.approx(30.0)
    assert told["recoverable_units"] == pytest.approx(18.0)
    assert told["next_buy_units"] == pytest.approx(12.0)
    assert told["customers_lost"] == 0.0
    assert told["act_by"] == pd.Timestamp("2026-06-29")


def test_stock_that_sells_once_it_may_stay_does_not_outlast_its_season(season):
    enough = (TOO_MUCH[0], ("extend_exit", 8, "2026-07-20", 90.0, 4.0, 90.0, 0.0), TOO_MUCH[2])
    assert season.but(more={"plans": plans(*enough)}).findings().empty


def test_without_plans_the_rules_of_the_plan_are_silent(season):
    assert season.findings().empty


def test_weeks_nobody_knows_raise_no_plan(season, shelf):
    dark = shelf(season=(10.0,) * 8, evidence="unknown", window=("swim", "2026-02-02", "2026-08-09"))
    assert season.but(shelves=(dark,), more={"plans": plans(*TOO_SOON)}).findings().empty


@pytest.mark.parametrize(("cut", "told"), [("2026-06-21", 0), ("2026-06-22", 1)])
def test_nothing_is_told_of_a_cut_once_the_price_file_is_closed_not_even_as_weak(season, cut, told):
    soon = [(*row[:2], cut, *row[3:]) for row in TOO_SOON]
    assert len(season.but(more={"plans": plans(*soon)}).weak_or_not()) == told


def test_nothing_is_told_of_a_cut_that_is_made(season):
    made = plans(("today", 0, None, 40.0, 0.0, 0.0, 0.0)).assign(marked_down_before_peak=25.0)
    assert season.but(more={"plans": made}).weak_or_not().empty


def test_a_cut_that_no_longer_gains_by_waiting_keeps_what_is_open(season):
    worse = [(*row[:5], min(row[5], 0.0) - 1.0, row[6]) for row in TOO_SOON]
    kept = season.but(more={"plans": plans(*worse).assign(marked_down_before_peak=25.0)})
    kept = kept.weak_or_not().iloc[0]
    assert kept["weak"]
    assert kept["units_lost"] == pytest.approx(25.0)
    assert kept["recoverable_units"] == 0.0
    assert kept["act_by"] == pd.Timestamp("2026-06-22")
    assert kept["demand_ends"] == pd.Timestamp("2026-07-19")


def test_the_peak_that_is_told_is_that_of_the_plan(season):
    assert season.but(more={"plans": plans(*TOO_SOON)}).only()["figures"]["peak_week"] == "2026-07-13"


def test_stock_that_no_cut_can_move_any_more_is_still_left_over(season):
    kept = season.but(more={"plans": plans(*TOO_MUCH[:2])}).weak_or_not().iloc[0]
    assert kept["rule"] == "stock_outlasts_season"
    assert kept["weak"]
    assert kept["next_buy_units"] == pytest.approx(30.0)
    assert kept["demand_ends"] == kept["exit"]
