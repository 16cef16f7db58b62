"""The rules of the VN2 game: who holds what, what a week costs, and what a shop may know when it orders."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Weeks = npt.NDArray[np.datetime64]

    Policy = Callable[["Record", "Stock"], "Decision"]

HOLDING, SHORTAGE = 0.2, 1.0
"""Cost of a unit left at a week's end, and of a unit asked for and not found."""

ROUNDS, WEEKS, AHEAD = 6, 8, 3
"""Orders placed, weeks scored, and weeks from an order to the week it serves."""

_SOLD_OUT_WEEK = 0.5
"""A week that sold something and ended empty could, on average, be bought from for half of it."""

_ONE_WEEK = np.timedelta64(7, "D")


@dataclass(frozen=True)
class Record:
    """What a shop knows of n series at the end of a week: t weeks up to it.

    Attributes:
        week: (t,) first days, one after the other.
        sales: (n, t) units sold; never what was asked for and not found.
        exposure: (n, t) share of the week in which the item could be bought.
        sold_out: (n, t) whether the week ended with an empty shelf.
    """

    week: Weeks
    sales: Floats
    exposure: Floats
    sold_out: Flags

    @property
    def in_stock(self) -> Flags:
        """(n, t) weeks that never lacked stock, so that sales were demand."""
        return self.exposure >= 1.0

    def ahead(self, weeks: int) -> Weeks:
        """First days of the weeks that follow."""
        return np.asarray(self.week[-1] + np.arange(1, weeks + 1) * _ONE_WEEK)

    def followed_by(self, had: Floats, sold: Floats) -> Record:
        """The record one week later, that week's stock and sales added."""
        empty = sold >= had
        exposure = np.where(empty, np.where(sold > 0, _SOLD_OUT_WEEK, 0.0), 1.0)
        return Record(
            np.append(self.week, self.ahead(1)),
            np.column_stack([self.sales, sold]),
            np.column_stack([self.exposure, exposure]),
            np.column_stack([self.sold_out, empty]),
        )


@dataclass(frozen=True)
class Stock:
    """Units of n series at the end of a week: on hand (n,), and coming (n, 2) in the next two weeks."""

    on_hand: Floats
    coming: Floats

    @property
    def position(self) -> Floats:
        """On hand and coming together, (n,)."""
        return np.asarray(self.on_hand + self.coming.sum(axis=1), dtype=np.float64)


@dataclass(frozen=True)
class Decision:
    """One round: whole units ordered (n,), and units foretold for the next three weeks (n, 3)."""

    order: Floats
    forecast: Floats


@dataclass(frozen=True)
class Block:
    """Eight weeks to play.

    Attributes:
        name: first day of the first week.
        record: what is known before it.
        start: stock at the end of the week before it.
        demand: (n, 8) units customers ask for.
        scored: (n, 8) whether a forecast of that demand is scored.
    """

    name: str
    record: Record
    start: Stock
    demand: Floats
    scored: Flags


@dataclass(frozen=True)
class Played:
    """A block played by one policy.

    Attributes:
        costs: (8,) of each week.
        forecasts: (6, n, 3) of each round.
        seconds: of processor time, the six rounds together.
    """

    costs: Floats
    forecasts: Floats
    seconds: float


def one_week(stock: Stock, order: Floats, demand: Floats) -> tuple[Stock, Floats, float]:
    """A week after an order: goods arrive, customers come, what is missed is lost, what is left is held.

    Args:
        stock: at the end of the week before, when the order is placed.
        order: (n,) units, arriving at the start of the third week from then.
        demand: (n,) units asked for in the week.

    Returns:
        The stock at the week's end, units sold (n,), cost of the week.
    """
    had = stock.on_hand + stock.coming[:, 0]
    sold = np.minimum(had, demand)
    left = had - sold
    cost = HOLDING * left.sum() + SHORTAGE * (demand - sold).sum()
    return Stock(left, np.column_stack([stock.coming[:, 1], order])), sold, float(cost)


def play(block: Block, policy: Policy) -> Played:
    """Play a block: six orders, then two weeks in which the last of them arrive.

    The policy sees its own shop only: sales as limited by its own stock, week by week.
    """
    record, stock = block.record, block.start
    costs, forecasts, seconds = [], [], 0.0
    for week in range(WEEKS):
        order = np.zeros_like(stock.on_hand)
        if week < ROUNDS:
            began = time.process_time()
            decision = policy(record, stock)
            seconds += time.process_time() - began
            order = decision.order
            forecasts.append(decision.forecast)
        had = stock.on_hand + stock.coming[:, 0]
        stock, sold, cost = one_week(stock, order, block.demand[:, week])
        record = record.followed_by(had, sold)
        costs.append(cost)
    return Played(np.array(costs), np.array(forecasts), seconds)


def wape(played: Played, block: Block, ahead: int) -> float:
    """Absolute errors over demand of the forecasts ``ahead`` (1 to 3) weeks ahead, all rounds together."""
    weeks = np.arange(ROUNDS) + ahead - 1
    demand, scored = block.demand[:, weeks].T, block.scored[:, weeks].T
    errors = np.abs(played.forecasts[:, :, ahead - 1] - demand)
    return float(errors[scored].sum() / demand[scored].sum())
