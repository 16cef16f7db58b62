from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from forecaster import Alternative, Markdown, PanelError, Plan, compare_plans
from forecaster.plan_alternatives import COMPARED_COLUMNS, Change
from tests.unit.forecaster.planning import AS_OF, TODAY, Category, summer

HOLD, AFTER_PEAK = Alternative(Change.HOLD_MARKDOWN, 2), Alternative(Change.AFTER_PEAK)
ADVANCE, EXTEND = Alternative(Change.ADVANCE_MARKDOWN, 1), Alternative(Change.EXTEND_EXIT, 6)


def windows(category, plan=TODAY, season_code="SS26"):
    keys = category.series[["store", "sku"]]
    return keys.assign(
        season_code=season_code, floor_set=pd.Timestamp(plan.floor_set), exit=pd.Timestamp(plan.exit)
    )


def markdowns(category, plan=TODAY, season_code="SS26"):
    cuts = pd.DataFrame(
        [(season_code, pd.Timestamp(cut.day), cut.percent_off) for cut in plan.markdowns],
        columns=["season_code", "effective_from", "percent_off"],
    )
    return category.series[["store", "sku"]].merge(cuts, how="cross")


def compare(category=None, plan=TODAY, *alternatives, **options):
    category = category or Category()
    given = {"as_of": AS_OF, "alternatives": alternatives or (HOLD, AFTER_PEAK, ADVANCE, EXTEND)} | options
    shown = given.pop("windows", None)
    cuts = given.pop("markdowns", None)
    return compare_plans(
        category.forecast,
        category.series,
        category.supply,
        windows(category, plan) if shown is None else shown,
        markdowns(category, plan) if cuts is None else cuts,
        **given,
    )


def row(compared, alternative, store="north-1"):
    chosen = compared[(compared["alternative"] == alternative) & (compared["store"] == store)]
    assert len(chosen) == 1
    return chosen.iloc[0]


def test_it_tells_what_weighing_each_plan_by_itself_tells():
    category = Category(receipts=(("north-1", "trunk-M", 2, 9.0), ("south-1", "trunk-S", 4, 5.0)))
    held = replace(TODAY, markdowns=(replace(TODAY.markdowns[0], day=date(2026, 6, 29)),))
    longer = replace(TODAY, exit=date(2026, 8, 16))
    report = category.weigh(held, longer, season_ends=date(2027, 3, 13))

    compared = compare(category)

    for place, name in enumerate(("today", "hold_markdown", "extend_exit")):
        told = compared[compared["alternative"] == name].sum(numeric_only=True)
        for figure in ("full_price_units", "markdown_units", "leftover_units", "margin", "markdown_cost",
                       "turned_away_during"):  # fmt: skip
            assert told[figure] == pytest.approx(report.plans[figure][place], rel=1e-9), (name, figure)


def test_every_store_and_style_begins_with_todays_plan():
    compared = compare()

    assert list(compared.columns) == COMPARED_COLUMNS
    firsts = compared.drop_duplicates(["store", "style", "season_code"])
    assert (firsts["alternative"] == "today").all()
    assert (firsts[["margin_won", "customers_won", "leftover_less"]] == 0).all(axis=None)
    assert firsts["store"].tolist() == sorted(Category().stores)


def test_units_add_up_to_the_stock():
    compared = compare()

    total = compared[["full_price_units", "markdown_units", "leftover_units"]].sum(axis=1)
    np.testing.assert_allclose(total, compared["stock"])


def test_holding_moves_every_markdown_and_drops_what_then_lies_past_the_exit():
    held = row(compare(), "hold_markdown")

    assert held["first_markdown"] == pd.Timestamp("2026-06-29")
    assert held["weeks"] == 2
    assert held["full_price_units"] > row(compare(), "today")["full_price_units"]


def test_the_markdown_waits_until_the_week_of_highest_demand_is_over():
    # Most of all is wanted after the exit; while it hangs, in its last whole week: no markdown is left.
    waiting = row(compare(), "after_peak")

    assert waiting["peak_week"] == pd.Timestamp("2026-06-28")
    assert waiting["weeks"] == 3
    assert pd.isna(waiting["first_markdown"])
    assert waiting["markdown_units"] == 0
    assert row(compare(), "today")["marked_down_before_peak"] > 0
    assert waiting["marked_down_before_peak"] == 0


def all_year(peak: int) -> np.ndarray:
    """A year of weekly demand with its peak so many weeks from now, below 0 for weeks ago."""
    return 4.0 * np.exp(-((((np.arange(52) - peak + 26) % 52 - 26) / 7.0) ** 2))


def test_a_peak_of_the_window_that_is_behind_us_is_its_peak_all_the_same():
    compared = compare(Category(mean=all_year(-3)))

    assert set(compared["peak_week"]) == {pd.Timestamp("2026-05-17")}
    assert "after_peak" not in set(compared["alternative"])
    assert (compared["marked_down_before_peak"] == 0).all()


def test_a_peak_before_the_floor_set_is_not_of_the_window():
    # It is set on Monday, 4 May.
    assert row(compare(Category(mean=all_year(-12))), "today")["peak_week"] == pd.Timestamp("2026-05-03")


def test_a_peak_ahead_is_found_by_a_forecast_of_less_than_a_year_as_well():
    short = Category(mean=all_year(2)[:8])
    assert row(compare(short), "today")["peak_week"] == pd.Timestamp("2026-06-21")


def test_a_markdown_after_the_peak_has_nothing_to_wait_for():
    compared = compare(Category(mean=summer(peak=0)))

    assert "after_peak" not in set(compared["alternative"])
    assert row(compared, "today")["marked_down_before_peak"] == 0


def test_a_markdown_comes_no_sooner_than_the_price_file_allows():
    far = row(compare(None, TODAY, Alternative(Change.ADVANCE_MARKDOWN, 3)), "advance_markdown")
    near = compare(None, TODAY, Alternative(Change.ADVANCE_MARKDOWN, 3), lock_days=7)

    assert far["first_markdown"] == pd.Timestamp("2026-06-08")
    assert far["weeks"] == -1
    assert set(near["alternative"]) == {"today"}


def test_a_markdown_in_force_or_locked_stays_where_it_is():
    begun = Plan(TODAY.floor_set, (Markdown(date(2026, 5, 25), 30.0), TODAY.markdowns[1]), TODAY.exit)

    held = row(compare(None, begun, HOLD), "hold_markdown")
    assert held["full_price_units"] == 0
    assert pd.isna(held["first_markdown"])
    assert row(compare(None, begun, HOLD), "today")["first_markdown"] == pd.Timestamp("2026-06-29")
    assert set(compare(None, TODAY, HOLD, lock_days=60)["alternative"]) == {"today"}


def test_a_later_exit_serves_who_came_after_it():
    longer, today = row(compare(), "extend_exit"), row(compare(), "today")

    assert longer["exit"] == pd.Timestamp("2026-08-16")
    assert longer["turned_away_after"] < today["turned_away_after"]
    assert longer["customers_won"] > 0
    assert longer["leftover_less"] > 0


def test_a_later_exit_may_take_the_markdowns_with_it():
    both = row(compare(None, TODAY, Alternative(Change.EXTEND_AND_HOLD, 6)), "extend_and_hold")

    assert both["exit"] == pd.Timestamp("2026-08-16")
    assert both["first_markdown"] == pd.Timestamp("2026-07-27")
    assert both["margin_won"] > row(compare(), "extend_exit")["margin_won"]


def test_where_nothing_is_marked_down_nothing_can_be_held():
    plan = replace(TODAY, markdowns=())

    assert set(compare(None, plan)["alternative"]) == {"today", "extend_exit"}


def test_last_years_markdowns_of_the_same_code_do_not_count():
    category = Category()
    old = markdowns(category).assign(
        effective_from=lambda cuts: cuts["effective_from"] - pd.Timedelta(weeks=52)
    )

    assert row(compare(category, TODAY, HOLD, markdowns=old), "today")["markdown_units"] == 0


def test_the_window_whose_exit_is_next_counts():
    category = Category()
    last_year = replace(TODAY, floor_set=date(2025, 5, 5), exit=date(2025, 7, 6), markdowns=())
    next_year = replace(TODAY, floor_set=date(2027, 5, 3), exit=date(2027, 7, 4), markdowns=())
    shown = pd.concat([windows(category, plan) for plan in (next_year, last_year, TODAY)])

    pd.testing.assert_frame_equal(compare(category, windows=shown), compare(category))


def test_a_style_whose_exit_is_past_has_no_rows():
    category = Category()
    past = windows(category, replace(TODAY, exit=AS_OF, markdowns=()))

    assert compare(category, windows=past).empty
    assert list(compare(category, windows=past).columns) == COMPARED_COLUMNS


def test_every_series_may_have_a_window_of_its_own():
    category = Category()
    shown = windows(category)
    shown.loc[shown["store"] == "south-1", "exit"] = pd.Timestamp("2026-08-16")

    compared = compare(category, windows=shown)

    assert row(compared, "today", "south-1")["exit"] == pd.Timestamp("2026-08-16")
    assert row(compared, "today")["exit"] == pd.Timestamp("2026-07-05")
    assert row(compared, "today", "south-1")["leftover_units"] < row(compared, "today")["leftover_units"]


def test_shares_of_nothing_are_unknown():
    nothing = row(compare(Category(stock=0.0)), "today")

    assert np.isnan(nothing["full_price_share"])
    assert np.isnan(nothing["leftover_share"])


def test_shares_lie_between_nothing_and_all():
    some = row(compare(), "today")

    assert some["full_price_share"] == pytest.approx(
        some["full_price_units"] / (some["full_price_units"] + some["markdown_units"])
    )
    assert some["leftover_share"] == pytest.approx(some["leftover_units"] / some["stock"])


def test_an_exit_before_its_floor_set_is_refused():
    category = Category()
    shown = windows(category).assign(exit=pd.Timestamp("2026-05-01"))

    with pytest.raises(PanelError, match="before their floor_set"):
        compare(category, windows=shown)
