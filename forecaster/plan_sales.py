"""Expected sales of stock under a price plan, exactly or off a table, for all plans and series at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from scipy.interpolate import PchipInterpolator

from forecaster.distribution import expected_shortfall, size_of_sum

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from forecaster.plan_shelves import Shelves

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Columns = slice | Indices

NODES = 24
"""Pieces of each series' curve of sales over demand."""

_FEW_WEEKS, _MANY_WEEKS = 0.7, 2.0
_NOTHING = 1e-9


class Sales(Protocol):
    """Expected sales out of stock when so much is wanted."""

    def sold(self, total: Floats, squares: Floats, before: Indices, columns: Columns) -> Floats:
        """E[min(D, x)].

        Args:
            total: (p, m) expected demand so far.
            squares: (p, m) sum of the squares of its weekly means.
            before: (p, 1) or (p, m) rows of `Shelves.supplied`: how much had become available.
            columns: the m series.
        """
        ...


class ExactSales:
    """The closed form, worked out anew for every plan and series."""

    def __init__(self, shelves: Shelves) -> None:
        self._shelves = shelves

    def sold(self, total: Floats, squares: Floats, before: Indices, columns: Columns) -> Floats:
        """E[min(D, x)] = m - E[max(0, D - x)], D of the size that the sum of the weeks has."""
        shelves = self._shelves
        stock = _taken(shelves.supplied, before, columns)
        size = size_of_sum(total, squares, shelves.level_shape[columns], shelves.dispersion[columns])
        return total - expected_shortfall(total, size, stock)


class TabledSales:
    """The closed form at the nodes of one table for all plans, and cubics between them.

    What is sold out of x units depends on a plan through the demand m, and, less, through the share
    sum mu_t^2 / m^2 that says over how few weeks it is spread. Per series and level of supply two curves
    h(m) = E[min(D, x)] are laid out: for the share of the weeks at regular price by the time that they reach
    m, times 0.7 and times 2; between these h is straight in the share. The nodes are even steps of
    m / (m + x + 1), half of them below the knee at m = x; between them a curve rises as they do (monotone
    cubics, Fritsch and Butland, SIAM Journal on Scientific and Statistical Computing 5, 1984).
    """

    def __init__(self, shelves: Shelves, *, opens: float, growth: float) -> None:
        """Lay it out for plans that start at position ``opens`` and lift demand by ``growth`` at most."""
        state, series, before = _levels_of_supply(shelves)
        stock = shelves.supplied[before, series]
        scale = stock + 1.0
        reach = (shelves.wanted[-1] - shelves.at(shelves.wanted, np.array([[opens]]))[0])[series] * growth
        # A series without demand has a table too: any reach above zero will do.
        furthest = np.maximum(reach / (reach + scale), _NOTHING)
        part = furthest * (np.arange(NODES + 1.0)[:, None] / NODES)
        mean = scale * part / (1.0 - part)
        share = _share_on_the_way(shelves, opens, mean, series)
        few, many = _FEW_WEEKS * share, np.minimum(_MANY_WEEKS * share, 1.0)
        shape, dispersion = shelves.level_shape[series], shelves.dispersion[series]
        low, high = (
            mean - expected_shortfall(mean, size_of_sum(1.0, spread, shape, dispersion), stock)
            for spread in (few, many)
        )
        slope = (high - low) / (many - few)
        nodes = np.arange(NODES + 1.0)
        curve = PchipInterpolator(nodes, low - slope * few, axis=0).c
        slopes = np.stack([np.diff(slope, axis=0), slope[:-1]])
        self._pieces = np.ascontiguousarray(np.concatenate([curve, slopes]).transpose(2, 1, 0)).reshape(-1, 6)
        # Laid out by week and series, so that plans take whole rows of them.
        self._scale, self._steps, self._first = scale[state], (NODES / furthest)[state], state * NODES

    @staticmethod
    def values(n: int) -> int:
        """How many values of the closed form the table of n series is made of, at the least."""
        return 2 * (NODES + 1) * n

    def sold(self, total: Floats, squares: Floats, before: Indices, columns: Columns) -> Floats:
        """E[min(D, x)] off the table."""
        scale, steps, first = (
            _taken(table, before, columns) for table in (self._scale, self._steps, self._first)
        )
        step = total / (total + scale)
        step *= steps
        node = np.minimum(step.astype(np.intp), NODES - 1)
        step -= node
        node += first
        piece = self._pieces[node]
        share = squares / np.maximum(total * total, _NOTHING)
        curve = ((piece[..., 0] * step + piece[..., 1]) * step + piece[..., 2]) * step + piece[..., 3]
        return np.asarray(curve + share * (piece[..., 4] * step + piece[..., 5]), dtype=np.float64)


def _taken(table: npt.NDArray[Any], before: Indices, columns: Columns) -> npt.NDArray[Any]:
    """Rows `before` (p, 1) or (p, m) of a table (t + 1, n), of some columns."""
    if before.shape[-1] == 1 and isinstance(columns, slice):
        return table[before[:, 0], columns]
    return table[before, np.arange(table.shape[1])[columns]]


def _levels_of_supply(shelves: Shelves) -> tuple[Indices, Indices, Indices]:
    """Levels of supply: which one holds (t + 1, n); of each its series, and a row of `supplied` with it."""
    rises = np.diff(shelves.supplied, axis=0) > 0
    # What is there in the first week is no receipt: it is the level that a series starts at.
    rises[0] = False
    level = np.zeros(shelves.supplied.shape, dtype=np.intp)
    np.cumsum(rises, axis=0, out=level[1:])
    first = np.concatenate([[0], np.cumsum(level[-1] + 1)[:-1]])
    state = level + first
    state[0] = state[1]
    series = np.repeat(np.arange(len(first)), level[-1] + 1)
    before = np.zeros(len(series), dtype=np.intp)
    row = np.broadcast_to(np.arange(len(state))[:, None], state.shape)
    np.maximum.at(before, state.ravel(), row.ravel())
    return state, series, before


def _share_on_the_way(shelves: Shelves, opens: float, mean: Floats, series: Indices) -> Floats:
    """The share sum mu_t^2 / m^2 of the weeks at regular price by the time they have reached ``mean``.

    When a series reaches a part of its demand is told from all of them together.
    """
    chain = shelves.wanted.sum(axis=1)
    begun = float(np.interp(opens, np.arange(len(chain)), chain))
    whole = max(float(chain[-1]) - begun, _NOTHING)
    start = np.array([[opens]])
    own = (shelves.wanted[-1] - shelves.at(shelves.wanted, start)[0])[series]
    reached = begun + whole * np.minimum(mean / np.maximum(own, _NOTHING), 1.0)
    position = np.interp(reached, chain, np.arange(len(chain), dtype=np.float64))
    # At the first node nothing has been asked for: half a week stands for it.
    position = np.clip(position, min(opens + 0.5, shelves.ends), shelves.ends)
    total = shelves.at(shelves.wanted, position, series) - shelves.at(shelves.wanted, start, series)
    squares = shelves.at(shelves.squared, position, series) - shelves.at(shelves.squared, start, series)
    return np.clip(squares / np.maximum(total * total, _NOTHING), 1.0 / len(chain), 1.0)


@dataclass(frozen=True)
class Stretch:
    """A stretch of time at one price, of plans that may share what came before it.

    Attributes:
        start, end: (p, 1) or (p, m) positions.
        lift: (p, 1) or (p, m) what the price does to demand, rho ** -beta.
        parent: (p,) rows of the stretch before that these go on from; the same rows if None.
    """

    start: Floats
    end: Floats
    lift: Floats
    parent: Indices | None = None


def sold_by_stretch(
    shelves: Shelves, stretches: Sequence[Stretch], sales: Sales, columns: Columns = slice(None)
) -> list[Floats]:
    """Expected units sold up to the end of each stretch of each plan.

    With C_u the demand on the floor up to u at the plan's prices and S_u the supply up to then, the units
    missed by T are max over u <= T of E[max(0, C_u - S_u)] (`forecaster.gap`). Between receipts it grows, so
    that only the ends of the stretches and the moments before a receipt need be looked at.

    Args:
        shelves: n series.
        stretches: one after the other.
        sales: exact or tabled.
        columns: the m series.

    Returns:
        For each stretch (p, m) units since the first began; no step is negative or above what was asked for.
    """
    path = _Path(shelves, sales, columns)
    receipts = _receipts(shelves, sales, columns)
    sold, found = np.zeros_like(path.total), []
    for stretch in stretches:
        asked = path.move(stretch)
        so_far = path.sold(np.ceil(stretch.end).astype(np.intp))
        for receipt in receipts:
            receipt.move(stretch)
            some = receipt.columns
            so_far[:, some] = np.minimum(so_far[:, some], path.total[:, some] - receipt.missed)
        before = _branched(sold, stretch.parent)
        sold = np.clip(so_far, before, before + asked)
        found.append(sold)
    return found


class _Path:
    """What m series have been asked for so far, under each plan."""

    def __init__(self, shelves: Shelves, sales: Sales, columns: Columns) -> None:
        self._shelves, self._sales, self._columns = shelves, sales, columns
        numbers = np.arange(len(shelves.level_shape))[columns]
        self.total = np.zeros((1, len(numbers)))
        self._squares = self.total

    def move(self, stretch: Stretch) -> Floats:
        """Go on along a stretch; returns what is asked for on the way, (p, m)."""
        asked = stretch.lift * self._between(self._shelves.wanted, stretch)
        self.total = _branched(self.total, stretch.parent) + asked
        squares = stretch.lift**2 * self._between(self._shelves.squared, stretch)
        self._squares = _branched(self._squares, stretch.parent) + squares
        return asked

    def sold(self, before: Indices, rows: slice | Indices = slice(None)) -> Floats:
        """Units sold so far under some plans, of what had become available by then."""
        return self._sales.sold(self.total[rows], self._squares[rows], before, self._columns)

    def _between(self, table: Floats, stretch: Stretch) -> Floats:
        at = self._shelves.at
        return at(table, stretch.end, self._columns) - at(table, stretch.start, self._columns)


class _Receipt:
    """A week in which some series get stock, and what they had missed by then under each plan.

    Attributes:
        columns: which of the m series get some.
        missed: (p, columns) units, 0 for plans that have not come so far.
    """

    def __init__(self, shelves: Shelves, sales: Sales, week: int, columns: Indices, number: Indices) -> None:
        self.columns, self._week = columns, week
        self._path = _Path(shelves, sales, number)
        self.missed = np.zeros((1, len(columns)))

    def move(self, stretch: Stretch) -> None:
        """Go on along the part of a stretch before the receipt."""
        week = float(self._week)
        self.missed = _branched(self.missed, stretch.parent)
        if not (stretch.start <= week).any():
            return
        start, end = (self._own(np.minimum(edge, week)) for edge in (stretch.start, stretch.end))
        self._path.move(Stretch(start, end, self._own(stretch.lift), stretch.parent))
        passed = self._own((stretch.start <= week) & (stretch.end > week))
        rows = np.flatnonzero(passed.any(axis=1))
        if len(rows):
            upto = np.full((len(rows), 1), self._week, dtype=np.intp)
            missed = self._path.total[rows] - self._path.sold(upto, rows)
            self.missed[rows] = np.where(passed[rows], missed, self.missed[rows])

    def _own(self, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """Values (p, m) of the series that get some; (p, 1) are of all."""
        return values if values.shape[-1] == 1 else values[:, self.columns]


def _receipts(shelves: Shelves, sales: Sales, columns: Columns) -> list[_Receipt]:
    """The weeks still ahead in which any of the m series get stock."""
    arriving = np.diff(shelves.supplied[:, columns], axis=0) > 0
    number = np.arange(shelves.supplied.shape[1])[columns]
    found = []
    for week in np.flatnonzero(arriving.any(axis=1)).tolist():
        if week > shelves.begins:
            some = np.flatnonzero(arriving[week])
            found.append(_Receipt(shelves, sales, week, some, number[some]))
    return found


def _branched(values: Floats, parent: Indices | None) -> Floats:
    """The rows that a stretch goes on from."""
    return values.copy() if parent is None else values[parent]
