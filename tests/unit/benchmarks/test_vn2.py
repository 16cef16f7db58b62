"""The game's books are kept as its rules say, and no method sees what it could not know."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from benchmarks import vn2
from benchmarks._vn2_game import (
    ROUNDS,
    WEEKS,
    Block,
    Decision,
    Played,
    Record,
    Stock,
    one_week,
    play,
    wape,
)
from benchmarks._vn2_policies import (
    PATIENT_SERVICE,
    SERVICE,
    InSeason,
    challenge_benchmark,
    seasonal_naive,
    simulated_need,
)
from benchmarks.vn2_feeds import KEYS, SourceError, read_source
from forecaster import DemandModel

if TYPE_CHECKING:
    from pathlib import Path

MONDAY = np.datetime64("2021-01-04", "D")
HISTORY_WEEKS = 104


def record_of(sales: np.ndarray, in_stock: np.ndarray | None = None) -> Record:
    flags = np.ones(sales.shape, dtype=bool) if in_stock is None else in_stock
    week = MONDAY + np.arange(sales.shape[1]) * np.timedelta64(7, "D")
    return Record(week, sales.astype(np.float64), flags.astype(np.float64), ~flags)


def block_of(demand: list[list[float]], stock: Stock, record: Record | None = None) -> Block:
    wanted = np.array(demand, dtype=np.float64)
    known = record or record_of(np.ones((len(wanted), 20)))
    return Block("block", known, stock, wanted, np.ones(wanted.shape, dtype=bool))


def stock_of(on_hand: float, first: float, second: float) -> Stock:
    return Stock(np.array([on_hand]), np.array([[first, second]]))


class OrdersInTurn:
    """Places given orders, and remembers what it was shown."""

    def __init__(self, *orders: float) -> None:
        self.orders = list(orders)
        self.seen: list[tuple[Record, Stock]] = []

    def __call__(self, record: Record, stock: Stock) -> Decision:
        self.seen.append((record, stock))
        return Decision(np.array([self.orders[len(self.seen) - 1]]), np.zeros((1, 3)))


def test_eight_weeks_cost_what_they_cost_by_hand() -> None:
    """Start 3 on hand, 1 coming in week 1; one order of 4 first, one of 2 last.

    week  arrives  had  asked  left  lost  cost
       1        1    4      1     3     0   0.6
       2        0    3      5     0     2   2.0
       3        4    4      1     3     0   0.6
       4        0    3      3     0     0   0.0
       5        0    0      1     0     1   1.0
       6        0    0      0     0     0   0.0
       7        0    0      2     0     2   2.0
       8        2    2      1     1     0   0.2
    """
    block = block_of([[1, 5, 1, 3, 1, 0, 2, 1]], stock_of(3, 1, 0))

    played = play(block, OrdersInTurn(4, 0, 0, 0, 0, 2))

    assert played.costs == pytest.approx([0.6, 2.0, 0.6, 0.0, 1.0, 0.0, 2.0, 0.2])


def test_an_order_arrives_at_the_start_of_the_third_week_from_its_own() -> None:
    block = block_of([[0] * WEEKS], stock_of(0, 0, 0))

    for round_ in range(ROUNDS):
        orders = [0.0] * ROUNDS
        orders[round_] = 5.0
        held = play(block, OrdersInTurn(*orders)).costs > 0
        assert int(np.argmax(held)) + 1 == round_ + 3


def test_a_missed_sale_is_lost_and_not_owed() -> None:
    stock, sold, cost = one_week(stock_of(1, 0, 6), np.zeros(1), np.array([4.0]))
    after, _, _ = one_week(stock, np.zeros(1), np.array([2.0]))

    assert (sold[0], cost) == (1.0, pytest.approx(3.0))
    assert after.on_hand[0] == 4.0


def test_six_orders_are_asked_for_and_each_knows_the_weeks_before_it_only() -> None:
    policy = OrdersInTurn(*([1.0] * ROUNDS))

    play(block_of([[2] * WEEKS], stock_of(1, 1, 1)), policy)

    assert [record.sales.shape[1] for record, _ in policy.seen] == [20 + number for number in range(ROUNDS)]
    assert [record.week[-1] for record, _ in policy.seen] == [
        MONDAY + (19 + number) * np.timedelta64(7, "D") for number in range(ROUNDS)
    ]


def test_a_shop_sees_its_sales_and_that_it_sold_out_never_what_it_missed() -> None:
    policy = OrdersInTurn(*([0.0] * ROUNDS))

    play(block_of([[1, 9, 9, 0, 0, 0, 0, 0]], stock_of(3, 0, 0)), policy)
    record = policy.seen[-1][0]

    assert record.sales[0, 20:].tolist() == [1, 2, 0, 0, 0]
    assert record.sold_out[0, 20:].tolist() == [False, True, True, True, True]
    assert record.exposure[0, 20:].tolist() == [1.0, 0.5, 0.0, 0.0, 0.0]


@pytest.mark.parametrize("policy", [challenge_benchmark, seasonal_naive])
def test_what_comes_later_changes_no_order(policy: vn2.Policy) -> None:
    generator = np.random.default_rng(5)
    known = record_of(generator.poisson(3.0, (6, HISTORY_WEEKS)))
    demand = generator.poisson(3.0, (6, WEEKS)).astype(np.float64)
    stock = Stock(np.full(6, 4.0), np.full((6, 2), 3.0))
    block = Block("block", known, stock, demand, np.ones(demand.shape, dtype=bool))
    later = demand.copy()
    later[:, 5:] += 7.0

    told, otherwise = play(block, policy), play(replace(block, demand=later), policy)

    assert np.array_equal(told.forecasts, otherwise.forecasts)
    assert np.array_equal(told.costs[:5], otherwise.costs[:5])


def test_errors_are_scored_in_stock_only_and_h_weeks_ahead() -> None:
    demand = np.array([[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]])
    scored = np.ones((1, WEEKS), dtype=bool)
    scored[0, 3] = False
    block = replace(block_of(demand.tolist(), stock_of(0, 0, 0)), scored=scored)
    forecasts = np.zeros((ROUNDS, 1, 3))
    forecasts[:, 0, 1] = 4.0
    played = Played(np.zeros(WEEKS), forecasts, 0.0)

    # Two weeks ahead of weeks 0..5 are weeks 2..7: errors 2, 1, (week 4 not scored), 1, 2, 3 over 2+3+5+6+7.
    assert wape(played, block, 2) == pytest.approx(9 / 23)
    assert wape(played, block, 1) == pytest.approx(1.0)


def test_the_challenge_benchmark_orders_up_to_four_weeks_of_its_average() -> None:
    sales = np.full((2, HISTORY_WEEKS), 2.0)
    flags = np.ones(sales.shape, dtype=bool)
    sales[1, -5:], flags[1, -5:] = 0.0, False
    stock = Stock(np.array([1.0, 0.0]), np.array([[2.0, 0.0], [0.0, 0.0]]))

    decision = challenge_benchmark(record_of(sales, flags), stock)

    assert decision.forecast == pytest.approx(np.full((2, 3), 2.0))
    assert decision.order.tolist() == [5.0, 8.0]


def test_the_challenge_benchmark_moves_with_the_week_of_the_year() -> None:
    sales = np.full((1, HISTORY_WEEKS), 2.0)
    sales[0, [1, 53]] = 6.0  # the second week ahead of the history's end
    stock = Stock(np.zeros(1), np.zeros((1, 2)))

    forecast = challenge_benchmark(record_of(sales), stock).forecast

    assert forecast[0, 1] / forecast[0, 0] == pytest.approx(3.0)


def test_the_seasonal_naive_tells_last_year_and_fills_what_was_out_of_stock() -> None:
    sales = np.full((1, HISTORY_WEEKS), 3.0)
    flags = np.ones(sales.shape, dtype=bool)
    sales[0, 52:56] = [7.0, 0.0, 5.0, 4.0]
    flags[0, 53] = False

    decision = seasonal_naive(record_of(sales, flags), Stock(np.zeros(1), np.zeros((1, 2))))

    assert decision.forecast[0].tolist() == [7.0, 3.0, 5.0]
    assert decision.order.tolist() == [19.0]


def model_of(shape: float, size: float) -> DemandModel:
    return DemandModel(pd.DataFrame({"level_shape": [shape], "dispersion": [size]}), {})


def test_what_is_missed_on_the_way_is_not_part_of_the_need() -> None:
    busy_first_week = np.array([[50.0, 0.0, 0.0]])

    need = simulated_need(model_of(5.0, 2.0), busy_first_week, stock_of(3, 0, 4))

    assert need.max() == -4.0


def test_the_need_of_a_bare_shelf_is_the_third_weeks_demand() -> None:
    mean, shape, size = 8.0, 20.0, 4.0

    need = simulated_need(model_of(shape, size), np.array([[0.0, 0.0, mean]]), stock_of(0, 0, 0))[:, 0]

    variance = mean + mean**2 * (1 / shape + (1 + 1 / shape) / size)
    assert need.mean() == pytest.approx(mean, rel=0.1)
    assert need.var() == pytest.approx(variance, rel=0.2)


def test_the_level_is_the_same_in_all_three_weeks() -> None:
    """Stock for the two weeks before is short exactly where the third week asks for much."""
    mean = np.full((1, 3), 40.0)
    certain = simulated_need(model_of(1e9, 1e9), mean, stock_of(80, 0, 0))
    unsure = simulated_need(model_of(4.0, 1e9), mean, stock_of(80, 0, 0))

    # With levels drawn anew each week the spread could not reach three weeks' worth of one level's spread.
    assert certain.std() < 12
    assert unsure.std() > 35


def test_ours_orders_whole_units_and_keeps_the_series_in_their_order() -> None:
    generator = np.random.default_rng(3)
    rates = np.array([1.0, 30.0, 4.0, 12.0])
    known = record_of(generator.poisson(rates[:, None], (4, HISTORY_WEEKS)))
    series = pd.DataFrame(
        {
            "store": ["1", "10", "2", "2"],
            "sku": ["7", "7", "7", "8"],
            "category": "all",
            "climate_zone": "all",
        }
    )

    decision = InSeason(series)(known, Stock(rates, np.column_stack([rates, rates])))

    assert decision.forecast == pytest.approx(np.column_stack([rates] * 3), rel=0.35, abs=1.0)
    assert (decision.order >= 0).all()
    assert np.array_equal(decision.order, np.round(decision.order))


def test_who_counts_longer_holding_orders_no_more() -> None:
    known = record_of(np.random.default_rng(4).poisson(6.0, (3, HISTORY_WEEKS)))
    series = pd.DataFrame({"store": ["1", "2", "3"], "sku": "7", "category": "all", "climate_zone": "all"})
    bare = Stock(np.zeros(3), np.zeros((3, 2)))

    orders = [InSeason(series, service)(known, bare).order for service in (SERVICE, PATIENT_SERVICE, 0.5)]

    assert (orders[0] >= orders[1]).all()
    assert (orders[1] >= orders[2]).all()
    assert (orders[0] > orders[2]).all()


def write_source(folder: Path, n: int = 4, weeks: int = HISTORY_WEEKS) -> None:
    generator = np.random.default_rng(8)
    keys = pd.DataFrame({"Store": np.arange(n)[::-1] + 8, "Product": 100})
    dates = pd.date_range("2022-01-03", periods=weeks + WEEKS, freq="7D").strftime("%Y-%m-%d")
    sales = pd.DataFrame(generator.poisson(4.0, (n, weeks)).astype(float), columns=dates[:weeks])
    flags = pd.DataFrame(np.ones((n, weeks + WEEKS), dtype=bool), columns=dates)
    flags.loc[0, dates[weeks + 1]] = False
    pd.concat([keys, sales], axis=1).to_csv(folder / "sales.csv", index=False)
    pd.concat([keys, flags], axis=1).to_csv(folder / "in_stock.csv", index=False)
    levels = {"DepartmentGroup": 1, "Department": 1, "Division": 1, "ProductGroup": 1}
    keys.assign(**levels).to_csv(folder / "master.csv", index=False)
    state = {"End Inventory": np.arange(n), "In Transit W+1": 0, "In Transit W+2": 5}
    keys.assign(**state).to_csv(folder / "initial_state.csv", index=False)


def write_actuals(path: Path, n: int = 4) -> pd.DataFrame:
    rows = pd.DataFrame(
        [(store, 100, week, 10 * store + week) for store in range(8, 8 + n) for week in range(1, WEEKS + 1)],
        columns=[*KEYS, "week", "actual_demand"],
    )
    rows.sample(frac=1.0, random_state=1).to_csv(path, index=False)
    return rows


def tables_of(folder: Path) -> dict[str, pd.DataFrame]:
    return vn2._sorted(read_source(folder))


def test_three_earlier_blocks_are_the_last_of_the_history_and_begin_where_their_record_ends(
    tmp_path: Path,
) -> None:
    write_source(tmp_path)

    blocks = vn2.earlier_blocks(tables_of(tmp_path))

    lengths = [block.record.sales.shape[1] for block in blocks]
    assert lengths == [HISTORY_WEEKS - 24, HISTORY_WEEKS - 16, HISTORY_WEEKS - 8]
    for earlier, later in pairwise(blocks):
        assert np.array_equal(later.record.sales[:, -WEEKS:], earlier.demand)
    for block in blocks:
        assert str(block.record.ahead(1)[0]) == block.name


def test_the_start_state_of_an_earlier_block_looks_at_weeks_in_stock_only() -> None:
    sales, flags = np.full((1, 20), 3.0), np.ones((1, 20), dtype=bool)
    sales[0, -4:], flags[0, -4:] = 0.0, False

    start = vn2.start_like_published(record_of(sales, flags))

    assert start.on_hand.tolist() == [4.0]
    assert start.coming.tolist() == [[0.0, 3.0]]


def test_the_challenges_own_block_takes_its_start_state_and_the_file_told(tmp_path: Path) -> None:
    write_source(tmp_path)
    write_actuals(tmp_path / "actuals.csv")

    block = vn2.actual_block(tables_of(tmp_path), tmp_path / "actuals.csv")

    # Stores sort as text, as the forecaster sorts them: 10, 11, 8, 9; in the files they stand 11, 10, 9, 8.
    assert block.start.on_hand.tolist() == [1.0, 0.0, 3.0, 2.0]
    assert block.start.coming.tolist() == [[0.0, 5.0]] * 4
    assert block.demand[:, 0].tolist() == [101.0, 111.0, 81.0, 91.0]
    assert np.argwhere(~block.scored).tolist() == [[1, 1]]
    assert block.name == "2024-01-01"


def test_actuals_that_lack_a_week_are_refused(tmp_path: Path) -> None:
    write_source(tmp_path)
    rows = write_actuals(tmp_path / "actuals.csv")
    rows[rows["week"] < WEEKS].to_csv(tmp_path / "actuals.csv", index=False)

    with pytest.raises(SourceError, match="lacks 4 of 32 series x weeks"):
        vn2.actual_block(tables_of(tmp_path), tmp_path / "actuals.csv")


def test_tables_of_different_series_are_refused(tmp_path: Path) -> None:
    write_source(tmp_path)
    pd.read_csv(tmp_path / "master.csv").iloc[1:].to_csv(tmp_path / "master.csv", index=False)

    with pytest.raises(SourceError, match=r"master\.csv does not hold the same"):
        tables_of(tmp_path)


def test_the_command_prints_one_row_per_method_and_ends_with_json(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_source(tmp_path)
    write_actuals(tmp_path / "actuals.csv")

    assert vn2.main(["--data", str(tmp_path), "--actuals", str(tmp_path / "actuals.csv"), "--json"]) == 0

    lines = capsys.readouterr().out.splitlines()
    rows = json.loads(lines[-1])
    assert [row["method"] for row in rows] == [
        "inseason",
        "inseason_patient",
        "challenge_benchmark",
        "seasonal_naive",
    ]
    assert list(rows[0]) == ["method", "block", "wape_1", "wape_2", "wape_3", "cost", "seconds"]
    assert lines[0].startswith("Total cost of 1 x 8 weeks: inseason ")
    assert "4,677" in lines[1]


def test_a_missing_folder_ends_the_command_with_a_plain_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stopped:
        vn2.main(["--data", str(tmp_path / "nowhere")])

    assert stopped.value.code == 2
    assert "nowhere lacks sales.csv" in capsys.readouterr().err
