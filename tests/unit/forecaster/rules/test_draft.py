from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from forecaster import DraftCalendar, RulePolicy, check_calendar, group_findings

AS_OF = date(2026, 6, 14)


@pytest.fixture
def draft(year):
    """Swimwear wanted in summer, and a draft for next year that clears it on the fourth of July."""

    def calendar(opens="2027-02-01", closes="2027-07-04", course="summer", markdowns=None, **changes):
        night = year(
            course=course, policy=changes.pop("policy", None), products=changes.pop("products", None)
        )
        pairs = night.forecast[["store", "sku"]].drop_duplicates()
        windows = pd.concat(
            [
                pairs.assign(season_code="swim", floor_set="2026-02-02", exit="2026-07-05", status="current"),
                pairs.assign(season_code="swim", floor_set=opens, exit=closes, status="draft"),
            ]
        )
        if markdowns:
            markdowns = pairs.assign(
                season_code="swim", effective_from=pd.Timestamp(markdowns), percent_off=30.0
            )
        return DraftCalendar(
            as_of=AS_OF,
            forecast=night.forecast,
            windows=windows.astype({"floor_set": "datetime64[s]", "exit": "datetime64[s]"}),
            products=night.products,
            stores=night.stores,
            policies=night.policies,
            markdowns=markdowns,
            elasticity={"swimwear": 1.5},
            **changes,
        )

    return calendar


def test_an_early_exit_is_told_a_year_ahead_with_the_day_on_which_the_calendar_is_locked(draft):
    found = check_calendar(draft())
    assert found["rule"].tolist() == ["exit_before_demand_ends"]
    told = found.iloc[0]
    assert told["season_code"] == "draft:swim-2027"
    assert told["exit"] == pd.Timestamp("2027-07-04")
    assert told["act_by"] == pd.Timestamp("2027-06-20")
    assert told["figures"]["draft"] is True
    assert pd.Timestamp("2027-08-20") < told["demand_ends"] < pd.Timestamp("2027-10-31")


def test_what_has_not_been_bought_yet_can_be_ordered_for(draft):
    told = check_calendar(draft()).iloc[0]
    assert told["reorderable_units"] == pytest.approx(told["units_lost"])
    unknown = check_calendar(draft(products={"lead_time_days": float("nan")})).iloc[0]
    assert unknown["reorderable_units"] == pytest.approx(unknown["units_lost"])
    assert check_calendar(draft(products={"lead_time_days": 700.0})).empty


def test_a_late_floor_set_is_told_too(draft):
    found = check_calendar(draft(opens="2027-06-07", closes="2027-10-31"))
    assert found["rule"].tolist() == ["floor_set_after_demand_starts"]
    assert found["act_by"].iloc[0] == pd.Timestamp("2027-05-24")


def test_a_window_round_the_whole_of_demand_is_right(draft):
    assert check_calendar(draft(opens="2027-02-01", closes="2027-10-31")).empty


def test_only_drafts_are_told(draft):
    found = check_calendar(draft(closes="2027-10-31"))
    assert found.empty


def test_a_cut_before_the_peak_is_told(draft):
    early = check_calendar(draft(closes="2027-10-31", markdowns="2027-06-07"))
    assert early["rule"].tolist() == ["markdown_before_peak"]
    assert early["act_by"].iloc[0] == pd.Timestamp("2027-05-31")
    late = check_calendar(draft(closes="2027-10-31", markdowns="2027-09-06"))
    assert late.empty


def test_a_draft_that_is_locked_is_told_no_more(draft):
    open_still, locked = (
        check_calendar(draft(opens="2026-06-15", closes=closes)) for closes in ("2026-06-29", "2026-06-28")
    )
    assert "exit_before_demand_ends" in set(open_still["rule"])
    assert "exit_before_demand_ends" not in set(locked["rule"])


def test_thresholds_of_the_policy_hold_for_drafts(draft):
    assert check_calendar(draft(policy=RulePolicy(min_units=10_000.0))).empty


def test_drafts_are_gathered_by_zone_under_their_own_name(draft):
    grouped = group_findings(check_calendar(draft()))
    zone = grouped[grouped["scope"] == "zone"]
    assert zone["identity"].tolist() == ["exit_before_demand_ends|zone:south|swimwear|draft:swim-2027"]


def test_no_draft_is_no_finding(draft):
    calendar = draft()
    current = calendar.windows[calendar.windows["status"] == "current"]
    assert check_calendar(DraftCalendar(**{**vars(calendar), "windows": current})).empty
