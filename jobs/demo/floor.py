"""The demo retailer's shop floor, day by day: stock, sales, returns and disappointed customers."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from jobs.demo.assortment import CATEGORIES
from jobs.demo.buying import places_by_day
from jobs.demo.customers import DAYS_A_WEEK, DISPERSION
from jobs.demo.trade import LONGEST_LOOK, markdown_table, promotions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from jobs.demo.buying import OrderBook, Spells
    from jobs.demo.customers import Cells, Wishes
    from jobs.demo.world import Timeline

RETURN_SHARE = 0.04
RETURN_AFTER_DAYS = (3, 20)
ASKED_SHARE = 0.06  # of the customers who leave with nothing, those whose wish is written down
RATE_MEMORY = 1 / 21  # the weight of the last day in the replenishment's rate of sale
SAFETY_DAYS = 8
LAST_ORDER_DAYS = 21  # nothing is replenished to arrive later than this before the exit
PRESENTATION_UNITS = 2


class Day(NamedTuple):
    """Rows of one day: the day, the cells concerned, and columns of equal length."""

    day: int
    cells: NDArray[np.int64]
    columns: tuple[NDArray[np.int64], ...]


@dataclass
class Ledger:
    """What the days left on paper, one entry per day.

    stock: on_hand, in_transit, on_order at closing. sales: units (negative for returns), price in cents.
    wishes: units asked for and not found, and whether anything of that category and size hung on the floor.
    """

    stock: list[Day] = field(default_factory=list)
    sales: list[Day] = field(default_factory=list)
    wishes: list[Day] = field(default_factory=list)


class ShopFloor:
    """The state of every cell between two days, and what happens to it in one."""

    def __init__(
        self,
        rng: np.random.Generator,
        cells: Cells,
        wishes: Wishes,
        spells: Spells,
        orders: OrderBook,
        cents: NDArray[np.int64],
        replenished: NDArray[np.bool_],
        timeline: Timeline,
    ) -> None:
        """Everything empty; `cents` is each cell's regular price, `replenished` whether it is reordered."""
        count = len(cells)
        self._rng, self._cells, self._wishes = rng, cells, wishes
        self._spells, self._orders, self._cents = spells, orders, cents
        self._replenished, self._timeline = replenished, timeline
        self.on_hand, self.in_transit, self.on_order = (np.zeros(count, dtype=np.int64) for _ in range(3))
        self._present = np.zeros(count, dtype=bool)
        self._floor, self._exit, self._pack = (np.full(count, -1, dtype=np.int64) for _ in range(3))
        self._rate = np.zeros(count)
        self._fortune = np.ones(count)
        self._alive = np.arange(0)
        self._beginning = places_by_day(spells.begins)
        self._returns: dict[int, list[tuple[NDArray[np.int64], NDArray[np.int64]]]] = defaultdict(list)
        self._markdown, self._promotion = markdown_table(), promotions(timeline)
        self._elasticity = np.array([item.elasticity for item in CATEGORIES])
        self._substitution = np.array([item.substitution for item in CATEGORIES])
        self._lead = np.array([item.lead_time_days for item in CATEGORIES])
        self._pack_size = np.array([item.pack_size for item in CATEGORIES])

    def trade(self) -> Ledger:
        """Every day from the first to the day before today."""
        ledger = Ledger()
        for day in range(self._timeline.traded_days):
            if day % DAYS_A_WEEK == 0:
                self._begin_week(day)
            self._begin_spells(day)
            self._move_goods(day)
            sold = self._serve(day, ledger)
            self._take_returns(day, sold, ledger)
            if day % DAYS_A_WEEK == 1:
                self._reorder(day)
            self._close(day, ledger)
        return ledger

    def _begin_week(self, day: int) -> None:
        """Who wants what this week: a gamma shock per cell makes weekly counts negative binomial."""
        self._alive = np.flatnonzero((self._cells.born <= day) & (self._cells.gone >= day))
        self._fortune = self._rng.gamma(DISPERSION, 1 / DISPERSION, len(self._cells))

    def _begin_spells(self, day: int) -> None:
        places = self._beginning.get(day)
        if places is None:
            return
        spells = self._spells
        cells = spells.cell[places]
        self._present[cells] = True
        self._floor[cells], self._exit[cells] = spells.floor[places], spells.exit[places]
        self._pack[cells] = spells.pack[places]
        soon = np.minimum(spells.floor[places], len(self._wishes.normal) - 1)
        store, category = self._cells.store[cells], self._cells.category[cells]
        self._rate[cells] = self._wishes.normal[soon, store, category] * self._cells.taste[cells]

    def _move_goods(self, day: int) -> None:
        for cells, units in self._orders.ordered.pop(day, ()):
            np.add.at(self.on_order, cells, units)
        for cells, units in self._orders.shipped.pop(day, ()):
            np.add.at(self.on_order, cells, -units)
            np.add.at(self.in_transit, cells, units)
        for cells, units in self._orders.received.pop(day, ()):
            np.add.at(self.in_transit, cells, -units)
            np.add.at(self.on_hand, cells, units)

    def _serve(self, day: int, ledger: Ledger) -> NDArray[np.int64]:
        """Customers buy what is there, take another style, ask or leave; returns the units sold per cell."""
        alive, cells = self._alive, self._cells
        category = cells.category[alive]
        off = self._percent_off(day, alive)
        on_floor = self._present[alive] & (self._floor[alive] <= day)
        mean = (
            self._wishes.came[day, cells.store[alive], category] * cells.taste[alive] * self._fortune[alive]
        )
        mean = np.where(on_floor, mean * (1 - off / 100) ** -self._elasticity[category], mean)
        wanted = self._rng.poisson(mean)
        shelf = np.where(on_floor, self.on_hand[alive], 0)
        sold = np.minimum(wanted, shelf)
        missed = wanted - sold
        willing = self._rng.binomial(missed, self._substitution[category])
        taken, given = _substitute(self._rng, cells.group[alive], willing, shelf - sold)
        sold = sold + given
        asked = self._rng.binomial(missed - taken, ASKED_SHARE)
        self.on_hand[alive] -= sold
        bought, told = np.flatnonzero(sold), np.flatnonzero(asked)
        cents = np.rint(self._cents[alive[bought]] * (100 - off[bought]) / 100).astype(np.int64)
        ledger.sales.append(Day(day, alive[bought], (sold[bought], cents)))
        ledger.wishes.append(Day(day, alive[told], (asked[told], on_floor[told].astype(np.int64))))
        self._expect_returns(day, alive[bought], sold[bought], cents)
        counted = alive[on_floor]
        self._rate[counted] += RATE_MEMORY * (sold[on_floor] - self._rate[counted])
        total = np.zeros(len(cells), dtype=np.int64)
        total[alive] = sold
        return total

    def _percent_off(self, day: int, alive: NDArray[np.int64]) -> NDArray[np.int64]:
        category = self._cells.category[alive]
        late = np.clip(day - self._exit[alive], -LONGEST_LOOK, LONGEST_LOOK) + LONGEST_LOOK
        off: NDArray[np.int64] = np.maximum(self._markdown[category, late], self._promotion[day, category])
        return off

    def _expect_returns(
        self, day: int, cells: NDArray[np.int64], units: NDArray[np.int64], cents: NDArray[np.int64]
    ) -> None:
        coming = np.flatnonzero(self._rng.random(len(cells)) < RETURN_SHARE * units)
        after = self._rng.integers(*RETURN_AFTER_DAYS, len(coming))
        for place, days in zip(coming, after, strict=True):
            self._returns[day + int(days)].append((cells[place : place + 1], cents[place : place + 1]))

    def _take_returns(self, day: int, sold: NDArray[np.int64], ledger: Ledger) -> None:
        """One return per cell, and tomorrow if the cell sold today: a day has one row of sales per cell."""
        due = self._returns.pop(day, None)
        if not due:
            return
        cells = np.concatenate([each for each, _ in due])
        cents = np.concatenate([each for _, each in due])
        here = self._present[cells] & (self._floor[cells] <= day)
        cells, cents = cells[here], cents[here]
        first = np.zeros(len(cells), dtype=bool)
        first[np.unique(cells, return_index=True)[1]] = True
        now = first & (sold[cells] == 0)
        self._returns[day + 1].append((cells[~now], cents[~now]))
        self.on_hand[cells[now]] += 1
        ledger.sales.append(Day(day, cells[now], (np.full(int(now.sum()), -1, dtype=np.int64), cents[now])))

    def _reorder(self, day: int) -> None:
        """Order replenished styles up to what the lead time, a week and a little safety will sell."""
        lead = self._lead[self._cells.category]
        cells = np.flatnonzero(
            self._present
            & self._replenished
            & (self._floor <= day)
            & (day + lead <= self._exit - LAST_ORDER_DAYS)
        )
        lead, pack = lead[cells], self._pack_size[self._cells.category[cells]]
        target = self._rate[cells] * (lead + DAYS_A_WEEK + SAFETY_DAYS) + PRESENTATION_UNITS
        position = self.on_hand[cells] + self.in_transit[cells] + self.on_order[cells]
        packs = np.maximum(np.ceil((target - position) / pack - 0.5), 0).astype(np.int64)
        wanted = packs > 0
        cells, units = cells[wanted], (packs * pack)[wanted]
        self._orders.place(cells, units, np.full(len(cells), day), day + lead[wanted])
        self._move_ordered(day)

    def _move_ordered(self, day: int) -> None:
        for cells, units in self._orders.ordered.pop(day, ()):
            np.add.at(self.on_order, cells, units)

    def _close(self, day: int, ledger: Ledger) -> None:
        """Count the stock; after the exit, what is sold out leaves the books and the rest is packed away."""
        counted = np.flatnonzero(self._present)
        columns = (self.on_hand[counted], self.in_transit[counted], self.on_order[counted])
        ledger.stock.append(Day(day, counted, columns))
        over = (self._exit[counted] <= day) & (self.on_hand[counted] == 0)
        packed = counted[over | (self._pack[counted] <= day + 1)]
        self._present[packed] = False
        self.on_hand[packed] = 0


def _substitute(
    rng: np.random.Generator, group: NDArray[np.int64], willing: NDArray[np.int64], left: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Give the willing another style of their group (store, category, size), the best stocked more likely.

    Returns, per cell, how many of its disappointed customers took one, and how many units it gave to them.
    """
    taken, given = np.zeros_like(willing), np.zeros_like(left)
    order = np.lexsort((left * rng.random(len(left)), group))
    last = np.append(group[order][1:] != group[order][:-1], True)
    best = np.full(int(group.max(initial=0)) + 1, -1)
    best[group[order][last]] = order[last]
    asking = np.flatnonzero(willing)
    asking = asking[rng.permutation(len(asking))]
    source = best[group[asking]]
    # Only the first to ask in each group is served, so that nothing is given twice; the rest leave.
    first = np.unique(source, return_index=True)[1]
    asking, source = asking[first], source[first]
    amount = np.minimum(willing[asking], left[source])
    taken[asking] = amount
    given[source] = amount
    return taken, given
