"""Which few stores speak for a chain, and which other stores are most like them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import optimize

from forecaster.dark_ratio import COMMON_VARIANCE, ChainLink

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from forecaster.store_spread import Spread

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]

THRIFT = 0.5
"""A set of stores that costs as much as an average one is charged half its squared error again: half the cost
is worth a fifth more squared error, a tenth more standard error. A judgement."""

_EXCHANGES = 20
_OTHER_ZONE, _LEVEL_WEIGHT = 4.0, 0.5


@dataclass(frozen=True)
class Representation:
    """How well any few of S stores tell the chain's log ratio.

    Attributes:
        weight: (S,) shares of the chain's demand, summing to 1.
        zone: (S,) index of the climate zone.
        size: (S,) standardised log size.
        noise: (S,) variance of each store's own log ratio from counting.
        spread: variances over stores.
    """

    weight: Floats
    zone: Indices
    size: Floats
    noise: Floats
    spread: Spread

    def covariance(self, left: Indices, right: Indices) -> Floats:
        """Prior covariance of the log ratios of stores, the common one left out; broadcasts."""
        spread = self.spread
        shared = spread.zone * (self.zone[left] == self.zone[right])
        return np.asarray(
            shared
            + spread.size * self.size[left] * self.size[right]
            + spread.own(self.size[left]) * (left == right)
        )

    def with_chain(self) -> Floats:
        """(S,) prior covariance of each store's log ratio with the chain's."""
        spread = self.spread
        of_zone = np.bincount(self.zone, self.weight)[self.zone]
        of_size = spread.size * self.size * float(self.weight @ self.size)
        return np.asarray(spread.zone * of_zone + of_size + spread.own(self.size) * self.weight)

    def squared_error(self, sets: Indices) -> Floats:
        """Expected squared error of the chain's log ratio told by each set of stores (best linear predictor).

        Args:
            sets: (m, n) store indices.

        Returns:
            (m,).
        """
        towards = self.with_chain()
        between = self.covariance(sets[:, :, None], sets[:, None, :]) + COMMON_VARIANCE
        heard = between + self.noise[sets][:, :, None] * np.eye(sets.shape[1])
        known = towards[sets] + COMMON_VARIANCE
        told = np.einsum("mi,mi->m", known, np.linalg.solve(heard, known[:, :, None])[:, :, 0])
        return np.asarray(np.maximum(float(self.weight @ towards) + COMMON_VARIANCE - told, 0.0))

    def link(self, chosen: Indices) -> ChainLink:
        """What the chosen stores' ratios say about the chain's."""
        towards = self.with_chain()
        every = np.arange(len(self.weight))
        chain = float(self.weight @ towards)
        return ChainLink(
            chain,
            tuple(map(float, towards[chosen])),
            tuple(tuple(map(float, row)) for row in self.covariance(chosen[:, None], chosen[None, :])),
            float(self.weight @ self.covariance(every, every)) - chain,
        )


def affordable_sets(
    stores: Representation, candidates: Indices, cost: Floats, sizes: range, cap: float
) -> Iterator[Indices]:
    """The best affordable set of stores of each size, smallest first; sizes that cannot be paid are left out.

    Minimises squared error x (1 + THRIFT x cost / cost of as many average stores), by adding the best store
    in turn and then exchanging single stores while that helps (Fedorov, Theory of Optimal Experiments, 1972).
    Each set starts from the one before it, where that leaves money for another store.

    Args:
        stores: the whole chain.
        candidates: indices of stores that may be chosen.
        cost: (S,) expected cost of each.
        sizes: numbers of stores.
        cap: highest total cost, inf for none.
    """
    before = np.zeros(0, dtype=np.intp)
    for size in sizes:
        cheapest = np.sort(cost[candidates])[:size]
        if len(cheapest) < size or cheapest.sum() > cap:
            return
        for start in (before, np.zeros(0, dtype=np.intp)):
            grown = _grow(stores, candidates, cost, start, size, cap)
            if grown is not None:
                before = _exchange(stores, candidates, cost, grown, cap)
                yield before
                break


def _price(stores: Representation, candidates: Indices, cost: Floats, sets: Indices, cap: float) -> Floats:
    """What is minimised, inf for sets that are too dear."""
    total = cost[sets].sum(axis=1)
    average = sets.shape[1] * cost[candidates].mean()
    charge = 1.0 + THRIFT * total / average if average > 0 else np.ones(len(sets))
    return np.where(total <= cap, stores.squared_error(sets) * charge, np.inf)


def _grow(
    stores: Representation, candidates: Indices, cost: Floats, start: Indices, size: int, cap: float
) -> Indices | None:
    """Add the best store in turn, keeping enough money for the cheapest that must still follow."""
    chosen = start
    while len(chosen) < size:
        rest = np.setdiff1d(candidates, chosen)
        reserve = _cheapest_of_others(cost[rest], size - len(chosen) - 1)
        sets = np.column_stack([np.tile(chosen, (len(rest), 1)), rest]).astype(np.intp)
        payable = cost[sets].sum(axis=1) + reserve <= cap
        if not payable.any():
            return None
        price = np.where(payable, _price(stores, candidates, cost, sets, np.inf), np.inf)
        chosen = sets[int(np.argmin(price))]
    return chosen


def _cheapest_of_others(cost: Floats, count: int) -> Floats:
    """For each store, what the cheapest ``count`` of the others cost together."""
    ordered = np.sort(cost)
    total = ordered[:count].sum()
    if count == 0 or count >= len(cost):
        return np.full(len(cost), total)
    among = np.argsort(np.argsort(cost, kind="stable"), kind="stable") < count
    return np.asarray(np.where(among, total - cost + ordered[count], total))


def _exchange(
    stores: Representation, candidates: Indices, cost: Floats, chosen: Indices, cap: float
) -> Indices:
    """Replace one store at a time by whatever lowers the price most, until nothing does."""
    best = float(_price(stores, candidates, cost, chosen[None, :], cap)[0])
    for _ in range(_EXCHANGES):
        rest = np.setdiff1d(candidates, chosen)
        sets = np.tile(chosen, (len(chosen) * len(rest), 1))
        sets[np.arange(len(sets)), np.repeat(np.arange(len(chosen)), len(rest))] = np.tile(rest, len(chosen))
        if not len(sets):
            break
        price = _price(stores, candidates, cost, sets, cap)
        at = int(np.argmin(price))
        if not price[at] < best * (1 - 1e-9):
            break
        chosen, best = sets[at], float(price[at])
    return np.sort(chosen)


def matched_controls(rate: Floats, zone: Indices, chosen: Indices, others: Indices) -> Indices:
    """For each chosen store another one, all different, that sells like it in season.

    The sum over pairs of 1 - correlation of weekly profiles + half the difference of log levels + a charge
    for another climate zone is as small as it can be (linear assignment).

    Args:
        rate: (S, t) units a full week sold.
        zone: (S,) index of the climate zone.
        chosen: (n,) test stores.
        others: stores that may serve as controls, at least n, none of them chosen.

    Returns:
        (n,) indices.
    """
    level = np.log(np.maximum(rate.mean(axis=1), 1e-9))
    centred = rate - rate.mean(axis=1, keepdims=True)
    length = np.sqrt((centred**2).sum(axis=1))
    profile = centred / np.where(length > 0, length, 1.0)[:, None]
    distance = 1.0 - profile[chosen] @ profile[others].T
    distance += _LEVEL_WEIGHT * np.abs(level[chosen][:, None] - level[others][None, :])
    distance += _OTHER_ZONE * (zone[chosen][:, None] != zone[others][None, :])
    row, column = optimize.linear_sum_assignment(distance)
    return np.asarray(others[column[np.argsort(row)]])
