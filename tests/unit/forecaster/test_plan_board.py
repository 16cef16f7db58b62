from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import forecaster.plan_rolling
from forecaster import PanelError, PlanBoard, PlanRules, Stakes
from forecaster.plan_rolling import stock_ahead
from tests.unit.forecaster.planning import AS_OF, FLOOR_SET, TODAY, Category

LONGER = replace(TODAY, exit=date(2026, 8, 16))
NO_MARKDOWN = replace(TODAY, markdowns=())
RECEIPT = (("north-1", "trunk-M", 2, 9.0),)


def board_of(category: Category, elasticity: float = 1.5) -> PlanBoard:
    return PlanBoard.read(
        category.forecast, category.series, category.supply, elasticity=elasticity, as_of=AS_OF
    )


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"stakes": Stakes(customer_value=5.0, rail_week_value=40.0, substitution=0.3)},
        {"rules": PlanRules(markdown_budget=300.0)},
        {"per_zone": True, "season_ends": date(2026, 10, 31)},
    ],
)
def test_a_board_weighs_what_plan_markdowns_weighs(options):
    category = Category(receipts=RECEIPT)
    plans = [LONGER, NO_MARKDOWN, replace(LONGER, sizes=frozenset({"S"})), replace(LONGER, rails=1.0)]

    at_once = category.weigh(*plans, **options)
    board = board_of(category)
    board.weigh([NO_MARKDOWN], today=TODAY)
    later = board.weigh(plans, today=TODAY, **options)

    pd.testing.assert_frame_equal(later.plans, at_once.plans)
    assert later.tried == at_once.tried
    assert later.refused == at_once.refused


def test_one_board_weighs_against_any_plan_in_force():
    category = Category()
    board = board_of(category)

    of_longer = board.weigh([TODAY], today=LONGER)

    pd.testing.assert_frame_equal(of_longer.plans, category.weigh(TODAY, today=LONGER).plans)


def test_a_few_plans_of_many_series_are_weighed_without_a_table(monkeypatch):
    def refuse(*_args, **_named):
        raise AssertionError("a table was laid out for four plans")

    monkeypatch.setattr(forecaster.plan_rolling, "_EXACT_UP_TO", 0)
    monkeypatch.setattr(forecaster.plan_rolling.TabledSales, "__init__", refuse)
    board = board_of(Category())

    assert len(board.weigh([LONGER, NO_MARKDOWN], today=TODAY).plans) == 3
    many = [replace(LONGER, exit=date.fromordinal(TODAY.exit.toordinal() + day)) for day in range(1, 60)]
    with pytest.raises(AssertionError, match="a table was laid out"):
        board.weigh(many, today=TODAY)


def test_plans_for_sizes_need_a_board_that_knows_them():
    category = Category()
    board = PlanBoard.read(
        category.forecast,
        category.series.drop(columns="size"),
        category.supply,
        elasticity=1.5,
        as_of=AS_OF,
    )

    board.weigh([LONGER], today=TODAY)
    with pytest.raises(PanelError, match="size"):
        board.weigh([replace(LONGER, sizes=frozenset({"S"}))], today=TODAY)


@pytest.mark.parametrize("elasticity", [-0.5, np.nan, np.inf])
def test_an_elasticity_that_is_no_number_from_0_on_is_refused(elasticity):
    with pytest.raises(PanelError, match="from 0 on"):
        board_of(Category(), elasticity)


def test_a_board_says_what_room_it_takes():
    few, many = (board_of(Category(stores=tuple(f"store-{n}" for n in range(count)))) for count in (10, 100))

    assert 5 < many.megabytes / few.megabytes < 15


class TestStockAhead:
    def test_it_ends_at_what_the_report_leaves_over(self):
        category = Category(receipts=RECEIPT)
        board = board_of(category)
        last = replace(TODAY, exit=date(2026, 8, 1))

        left = stock_ahead(board.shelves, last, elasticity=1.5)
        report = board.weigh([last, replace(last, exit=date(2026, 7, 25))], today=TODAY)

        # A plan that leaves a week sooner leaves over what the other one starts that week with.
        sooner = report.plans["leftover_units"].to_numpy()[2]
        assert left[7] == pytest.approx(sooner, rel=1e-9)
        assert np.isnan(left[8:]).all()

    def test_a_receipt_is_there_from_its_week_on(self):
        plain, more = (
            stock_ahead(board_of(Category(stock=400.0, receipts=some)).shelves, TODAY, elasticity=1.5)
            for some in ((), RECEIPT)
        )

        assert (more - plain)[:4] == pytest.approx([0.0, 0.0, 9.0, 9.0])

    def test_a_markdown_empties_the_floor_sooner(self):
        shelves = board_of(Category()).shelves

        marked, regular = (stock_ahead(shelves, plan, elasticity=1.5) for plan in (TODAY, NO_MARKDOWN))

        assert marked[1] == pytest.approx(regular[1])
        assert marked[4] < regular[4]

    def test_before_the_floor_set_nothing_is_on_the_floor(self):
        plan = replace(TODAY, floor_set=date(2026, 6, 22), markdowns=())

        left = stock_ahead(board_of(Category()).shelves, plan, elasticity=1.5)

        assert np.isnan(left[:3]).all()
        assert plan.floor_set > FLOOR_SET
        assert np.isfinite(left[3])
