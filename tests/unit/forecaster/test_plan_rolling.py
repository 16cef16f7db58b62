from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import forecaster.plan_rolling
from forecaster import Markdown, PanelError, Plan, PlanRules, Stakes, plan_markdowns
from tests.unit.forecaster.planning import AS_OF, FLOOR_SET, TODAY, Category

UNITS = ["full_price_units", "markdown_units", "leftover_units"]
AWAY = ["turned_away_before", "turned_away_during", "turned_away_after"]
NO_MARKDOWN = replace(TODAY, markdowns=())
LONGER = replace(TODAY, exit=date(2026, 8, 16))


@st.composite
def plans(draw):
    """Any plan around today's, lawful or not."""
    days = draw(st.lists(st.integers(0, 100), max_size=3, unique=True))
    percents = draw(
        st.lists(st.sampled_from([20.0, 30.0, 50.0, 70.0]), min_size=len(days), max_size=len(days))
    )
    cuts = tuple(Markdown(AS_OF + timedelta(days=day), off) for day, off in zip(days, percents, strict=True))
    leaving = date(2026, 6, 14) + timedelta(days=draw(st.integers(0, 120)))
    floor_set = FLOOR_SET + timedelta(days=draw(st.integers(0, 40)))
    some = frozenset(draw(st.sets(st.sampled_from(Category().stores), min_size=1)))
    sizes = frozenset(draw(st.sets(st.sampled_from(Category().sizes), min_size=1)))
    return Plan(
        floor_set,
        cuts,
        max(leaving, floor_set),
        stores=draw(st.sampled_from([None, some])),
        sizes=draw(st.sampled_from([None, sizes])),
        rails=draw(st.sampled_from([None, 1.0])),
    )


@given(
    st.lists(plans(), min_size=1, max_size=5),
    st.integers(0, 60),
    st.lists(st.tuples(st.sampled_from(["S", "M"]), st.integers(1, 8), st.integers(1, 15)), max_size=3),
)
@settings(max_examples=25, deadline=None)
def test_a_plan_sells_no_more_than_there_is_and_its_units_add_up(tried, stock, receipts):
    category = Category(
        stock=float(stock),
        receipts=tuple(("north-1", f"trunk-{size}", week, float(units)) for size, week, units in receipts),
    )

    rows = category.weigh(*tried, stakes=Stakes(units_per_rail=10.0)).plans

    assert (rows[UNITS] >= -1e-9).all(axis=None)
    np.testing.assert_allclose(rows[UNITS].sum(axis=1), rows["stock"], rtol=1e-9, atol=1e-9)
    assert (rows["stock"] == category.supply["units"].sum()).all()


@given(st.lists(plans(), min_size=1, max_size=5), st.integers(0, 60))
@settings(max_examples=20, deadline=None)
def test_every_customer_of_the_season_is_served_or_turned_away(tried, stock):
    category = Category(stock=float(stock))
    ends = date(2027, 1, 30)

    # Without elasticity every unit sold is a customer at regular price.
    rows = category.weigh(*tried, elasticity=0.0, season_ends=ends).plans

    wanted = category.forecast.loc[category.forecast["week"] <= pd.Timestamp(ends), "mean"].sum()
    sold = rows[["full_price_units", "markdown_units"]].sum(axis=1)
    np.testing.assert_allclose(rows[AWAY].sum(axis=1) + sold, wanted, rtol=1e-6)


@given(plans(), st.integers(0, 40), st.integers(1, 20))
@settings(max_examples=20, deadline=None)
def test_more_stock_turns_fewer_away(plan, stock, more):
    plan = replace(plan, rails=None)
    few, many = (
        Category(stock=float(units)).weigh(plan).plans["turned_away"] for units in (stock, stock + more)
    )

    assert (many <= few + 1e-9).all()


def test_a_deeper_cut_sells_more_pieces():
    cuts = [replace(TODAY, markdowns=(Markdown(date(2026, 6, 15), off),)) for off in (20.0, 40.0, 60.0)]

    left = Category(stock=80.0).weigh(*cuts).plans["leftover_units"].to_numpy()[1:]

    assert (np.diff(left) < 0).all()


def test_without_elasticity_a_markdown_only_gives_money_away():
    report = Category().weigh(NO_MARKDOWN, elasticity=0.0)

    today, without = report.plans.iloc[0], report.plans.iloc[1]
    assert today["leftover_units"] == pytest.approx(without["leftover_units"])
    assert without["margin_won"] == pytest.approx(today["markdown_cost"])


def test_a_receipt_after_the_exit_is_left_over_and_before_it_is_sold():
    early = Category(stock=1.0, receipts=(("north-1", "trunk-M", 1, 10.0),)).weigh()
    late = Category(stock=1.0, receipts=(("north-1", "trunk-M", 9, 10.0),)).weigh()
    without = Category(stock=1.0).weigh()

    left = [report.today()["leftover_units"] for report in (without, early, late)]
    assert left[2] == pytest.approx(left[0] + 10.0)
    assert left[1] < left[0] + 5.0


def test_a_receipt_serves_nobody_who_came_before_it():
    # All demand is in the first two weeks; what comes in the fourth finds nobody.
    mean = np.zeros(40)
    mean[:2] = 5.0
    before = Category(mean=mean, stock=3.0).weigh()
    after = Category(mean=mean, stock=3.0, receipts=(("north-1", "trunk-M", 3, 10.0),)).weigh()

    assert after.today()["turned_away_during"] == pytest.approx(before.today()["turned_away_during"])
    assert after.today()["leftover_units"] == pytest.approx(before.today()["leftover_units"] + 10.0)


def test_only_the_stores_and_sizes_named_sell_after_todays_exit():
    some = replace(LONGER, stores=frozenset({"south-1"}), sizes=frozenset({"M"}))
    alone = Category(stores=("south-1",), sizes=("M",)).weigh(LONGER)
    report = Category().weigh(some, LONGER)

    won = report.plans.set_index("plan")["leftover_less"]
    assert won[1] == pytest.approx(alone.plans.set_index("plan")["leftover_less"][1])
    assert 0 < won[1] < won[2]


def test_rails_hold_no_more_than_their_pieces():
    stakes = Stakes(units_per_rail=10.0)
    report = Category(stock=60.0).weigh(replace(LONGER, rails=1.0), LONGER, stakes=stakes)

    one, whole = report.plans.iloc[1], report.plans.iloc[2]
    # Three stores, ten pieces each: whatever was left beyond them leaves with today's exit. Nearly all of
    # the ten sell, since those who come in six weeks of July and August would take far more.
    assert 25.0 < one["leftover_less"] <= 30.0 + 1e-9
    assert one["leftover_less"] < whole["leftover_less"]
    assert one["rail_weeks"] == pytest.approx(3 * 6)


def test_pieces_that_nobody_asks_for_do_not_sell_on_fewer_rails_either():
    # A rail of 60 holds most of what is left, and most of those who come in July and August find a piece.
    quiet = {"today": NO_MARKDOWN, "stakes": Stakes(units_per_rail=60.0)}
    longer = replace(NO_MARKDOWN, exit=LONGER.exit)
    report = Category(stock=40.0).weigh(replace(longer, rails=1.0), longer, **quiet)

    one, whole = (
        report.plans["full_price_units"][place] - report.today()["full_price_units"] for place in (1, 2)
    )
    assert 0.6 * whole < one < 0.98 * whole


def test_rail_weeks_are_the_rails_that_the_stock_left_fills_times_the_weeks():
    report = Category(stock=60.0).weigh(LONGER, stakes=Stakes(units_per_rail=1000.0))

    assert report.plans["rail_weeks"].tolist() == pytest.approx([0.0, 3 * 6])


def test_leaving_sooner_gives_rail_weeks_back():
    report = Category(stock=60.0).weigh(
        replace(TODAY, exit=date(2026, 6, 21)), stakes=Stakes(units_per_rail=1000.0)
    )

    assert report.plans["rail_weeks"].tolist() == pytest.approx([0.0, -3 * 2])


def test_zones_add_up_to_the_chain():
    report = Category().weigh(LONGER, NO_MARKDOWN, per_zone=True)

    chain, north, south = (report.of_zone(zone) for zone in ("", "north", "south"))
    for name in (*UNITS, *AWAY, "margin", "rail_weeks", "markdown_cost"):
        np.testing.assert_allclose(north[name] + south[name], chain[name], rtol=1e-9, atol=1e-9)


def test_weeks_that_nobody_knows_are_planned_without_demand():
    # The week of 28 June, in which today's plan ends on 5 July, is the last one known.
    known = tuple("observed" if week < 4 else "unknown" for week in range(40))
    report = Category(evidence=known).weigh(replace(TODAY, exit=date(2026, 7, 4)), LONGER)

    assert report.plans["margin_won"].tolist() == pytest.approx([0.0, 0.0, 0.0])
    assert report.plans["turned_away_after"].tolist() == pytest.approx([0.0, 0.0, 0.0])


def test_the_evidence_is_told_of_the_days_that_a_plan_adds():
    evidence = tuple("observed" if week < 7 else "borrowed" for week in range(40))
    report = Category(evidence=evidence, mean=np.full(40, 2.0)).weigh(LONGER)

    assert np.isnan(report.today()["evidence"])
    # Six weeks from 6 July: week numbers 4 (6 of its days) to 10; three of them have been seen.
    assert report.plans["evidence"][1] == pytest.approx((6 / 7 + 2) / 6)


def test_customers_who_take_another_piece_are_served_and_pay_for_it():
    none, half = (
        Category(stock=20.0).weigh(today=NO_MARKDOWN, stakes=Stakes(substitution=share)).today()
        for share in (0.0, 0.5)
    )

    served = none["turned_away_during"] - half["turned_away_during"]
    assert served > 0.1
    assert half["turned_away_after"] == none["turned_away_after"]
    assert none["leftover_units"] - half["leftover_units"] == pytest.approx(served)
    # A piece at $30 that would else have brought $3.
    assert half["margin"] - none["margin"] == pytest.approx(27.0 * served)


@pytest.mark.parametrize("stock", [1.0, 5.0, 20.0])
def test_no_more_customers_are_served_than_there_are_pieces(stock):
    stakes = Stakes(substitution=0.9)
    rows = (
        Category(stock=stock).weigh(LONGER, NO_MARKDOWN, stakes=stakes, season_ends=date(2027, 1, 30)).plans
    )
    wanted = Category().forecast.query("week <= '2027-01-24'")["mean"].sum()

    assert (wanted - rows["turned_away"] <= rows["stock"] + 1e-6).all()


def test_with_empty_shelves_there_is_nothing_else_to_take():
    lost = [Category(stock=0.0).weigh(stakes=Stakes(substitution=share)).today() for share in (0.0, 0.5)]

    assert lost[1]["turned_away_during"] == pytest.approx(lost[0]["turned_away_during"])


def test_the_table_tells_what_the_closed_form_tells(monkeypatch):
    receipts = (
        ("north-1", "trunk-M", 2, 9.0),
        ("south-1", "trunk-S", 3, 4.0),
        ("south-1", "trunk-S", 5, 4.0),
    )
    tried = [
        LONGER,
        NO_MARKDOWN,
        replace(LONGER, stores=frozenset({"south-1"})),
        replace(NO_MARKDOWN, exit=LONGER.exit),
    ]
    for stock in (0.0, 2.0, 15.0, 90.0, 600.0):
        category = Category(stock=stock, receipts=receipts)
        exact = category.weigh(*tried).plans
        with monkeypatch.context() as patch:
            patch.setattr(forecaster.plan_rolling, "_EXACT_UP_TO", 0)
            patch.setattr(forecaster.plan_rolling.TabledSales, "values", lambda n: 0 * n)
            tabled = category.weigh(*tried).plans
        assert stock == 0.0 or not tabled[UNITS].equals(exact[UNITS])
        for name in (*UNITS, "turned_away"):
            np.testing.assert_allclose(
                tabled[name], exact[name], atol=0.005 * exact["stock"].max(), err_msg=name
            )


def test_a_block_of_one_series_tells_the_same_as_all_at_once(monkeypatch):
    some = replace(LONGER, stores=frozenset({"south-1"}))
    whole = Category().weigh(LONGER, some).plans
    monkeypatch.setattr(forecaster.plan_rolling, "_BLOCK", 1)

    pd.testing.assert_frame_equal(Category().weigh(LONGER, some).plans, whole)


def test_the_order_of_the_rows_does_not_matter():
    category = Category(receipts=(("north-1", "trunk-M", 2, 9.0),))
    shuffled = plan_markdowns(
        category.forecast.sample(frac=1.0, random_state=1),
        category.series.sample(frac=1.0, random_state=2),
        category.supply.sample(frac=1.0, random_state=3),
        [LONGER],
        today=TODAY,
        elasticity=1.5,
        as_of=AS_OF,
    )

    pd.testing.assert_frame_equal(shuffled.plans, category.weigh(LONGER).plans)


def test_an_unlawful_plan_is_refused_with_its_reason_and_todays_never():
    upward = replace(TODAY, markdowns=(Markdown(date(2026, 6, 15), 50.0), Markdown(date(2026, 6, 29), 30.0)))
    rules = PlanRules(percents=(40.0,), markdown_budget=1.0)

    report = Category(stock=60.0).weigh(upward, NO_MARKDOWN, LONGER, rules=rules)

    assert report.tried == (TODAY, NO_MARKDOWN)
    reasons = dict(report.refused)
    assert "puts the price up on 2026-06-29" in reasons[upward]
    assert "above the budget of $1" in reasons[LONGER]


def test_a_plan_that_names_sizes_needs_to_know_them():
    category = Category()

    with pytest.raises(PanelError, match="size"):
        plan_markdowns(
            category.forecast,
            category.series.drop(columns="size"),
            category.supply,
            [replace(LONGER, sizes=frozenset({"M"}))],
            today=TODAY,
            elasticity=1.5,
            as_of=AS_OF,
        )


@pytest.mark.parametrize("elasticity", [-0.1, np.nan])
def test_an_elasticity_below_zero_is_refused(elasticity):
    with pytest.raises(PanelError, match="elasticity"):
        Category().weigh(elasticity=elasticity)


def test_a_forecast_with_a_hole_is_refused():
    category = Category()

    with pytest.raises(PanelError, match="need one each"):
        plan_markdowns(
            category.forecast.iloc[1:],
            category.series,
            category.supply,
            [],
            today=TODAY,
            elasticity=1.5,
            as_of=AS_OF,
        )


def test_a_forecast_that_begins_after_tomorrow_is_refused():
    with pytest.raises(PanelError, match="do not follow as_of"):
        Category().weigh(as_of=date(2026, 5, 1))
