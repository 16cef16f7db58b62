"""Who sends how much to whom: the transportation problem, many of them at once, solved exactly by HiGHS."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np
from scipy import optimize, sparse

from forecaster.credibility import sums_by
from forecaster.errors import ForecasterError

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Indices = npt.NDArray[np.intp]
    Flags = npt.NDArray[np.bool_]

_WHOLE: Final = 1e-6
"""How far from a whole number a solution may lie by rounding; beyond it something is wrong."""

_BATCH_ARCS: Final = 4_000
"""Arcs given to HiGHS at once: fewer and calling it costs more than solving, more and the simplex slows down
(measured by `benchmarks.transfers`)."""


@dataclass(frozen=True)
class Transport:
    """Transportation problems of which no two share a giver or a taker; counts are packs.

    Attributes:
        giver, taker: (a,) whom each arc joins.
        cost: (a,) money per pack sent along it, > 0.
        spare: (g,) whole packs each giver can spare.
        step_taker: (s,) whose step it is; a taker's steps stand together, takers in their order.
        step_packs: (s,) whole packs in the step.
        step_worth: (s,) money each pack of the step wins; never more than a pack of the step before.
    """

    giver: Indices
    taker: Indices
    cost: Floats
    spare: Floats
    step_taker: Indices
    step_packs: Floats
    step_worth: Floats

    @property
    def n_takers(self) -> int:
        """How many takers there may be: the highest number, plus one."""
        return int(max(self.taker.max(initial=-1), self.step_taker.max(initial=-1))) + 1

    def only(self, kept: Flags | Indices) -> Transport:
        """The problem with some of its arcs, (a,)."""
        return replace(self, giver=self.giver[kept], taker=self.taker[kept], cost=self.cost[kept])

    def rest(self, flow: Floats) -> Transport:
        """What is left of the problem once some packs have been sent, (a,): spare packs and steps."""
        left = self.step_packs - _steps_used(self, flow)
        open_ones = left > 0
        return replace(
            self,
            spare=self.spare - sums_by(self.giver, flow, len(self.spare)),
            step_taker=self.step_taker[open_ones],
            step_packs=left[open_ones],
            step_worth=self.step_worth[open_ones],
        )


def solve_transport(problem: Transport) -> Floats:
    """Whole packs along each arc, (a,), that win the most.

        maximise    sum_s worth_s y_s - sum_a cost_a x_a
        subject to  sum of x over a giver's arcs <= spare
                    sum of y over a taker's steps <= sum of x over its arcs
                    0 <= y_s <= packs_s,  x >= 0

    Each column has at most one +1 and one -1, or one of them: the matrix is totally unimodular, so a vertex
    is whole when spare and packs are (Hoffman and Kruskal, Integral boundary points of convex polyhedra,
    1956), and the simplex ends at a vertex: no integer programme is needed. Worth falls with each step, so
    that steps fill in their order.

    Arcs that no best answer needs are left out, and where then the cheapest giver of every taker of a
    connected part can serve all who would choose it, that is the answer, and no programme is solved.

    Raises:
        ForecasterError: HiGHS gave up, or its answer was not whole.
    """
    flow = np.zeros(len(problem.giver))
    useful = np.flatnonzero(_useful(problem))
    if len(useful):
        flow[useful] = _solve_parts(problem.only(useful))
    return flow


def _solve_parts(problem: Transport) -> Floats:
    """As `solve_transport`, of arcs that may all be of use."""
    part, part_of_step = _parts(problem)
    flow = _cheapest_first(problem)
    over = sums_by(problem.giver, flow, len(problem.spare)) > problem.spare
    contested = np.zeros(int(part.max()) + 1, dtype=bool)
    contested[part[over[problem.giver]]] = True
    for arcs, steps in _batches(part, part_of_step, contested):
        flow[arcs] = _solve(problem, arcs, steps)
    return flow


def _useful(problem: Transport) -> Flags:
    """Arcs that some best answer may use, (a,).

    Not those that cost more than what they bring is worth; nor, where a taker can have all it wants from a
    giver whom even all of its takers together cannot exhaust, the dearer ones of that taker. Without them
    other givers have fewer takers, and so on until nothing changes.
    """
    n, spare = problem.n_takers, problem.spare
    first = np.flatnonzero(np.diff(problem.step_taker, prepend=-1))
    most = np.zeros(n)
    most[problem.step_taker[first]] = problem.step_worth[first]
    useful = (problem.cost < most[problem.taker]) & (spare[problem.giver] > 0)
    wanted = _wanted(problem, _cheapest(problem, useful))[problem.taker]
    while True:
        asked = sums_by(problem.giver[useful], wanted[useful], len(spare))
        ample = useful & (asked <= spare)[problem.giver]
        fewer = useful & (problem.cost <= _cheapest(problem, ample)[problem.taker])
        if fewer.sum() == useful.sum():
            return useful
        useful = fewer


def _cheapest(problem: Transport, arcs: Flags) -> Floats:
    """Cost of each taker's cheapest of some arcs, (takers,); infinite without any."""
    price = np.full(problem.n_takers, np.inf)
    np.minimum.at(price, problem.taker[arcs], problem.cost[arcs])
    return price


def _wanted(problem: Transport, price: Floats) -> Floats:
    """Packs each taker would send for at its price, (takers,): those of its steps that are worth it."""
    pays = problem.step_worth > price[problem.step_taker]
    return sums_by(problem.step_taker, np.where(pays, problem.step_packs, 0.0), problem.n_takers)


def won(problem: Transport, flow: Floats) -> Floats:
    """Money that each taker's packs win before cost, (takers,)."""
    worth = _steps_used(problem, flow) * problem.step_worth
    return sums_by(problem.step_taker, worth, problem.n_takers)


def _steps_used(problem: Transport, flow: Floats) -> Floats:
    """How much of each step the packs sent fill, (s,)."""
    received = sums_by(problem.taker, flow, problem.n_takers)
    before = np.cumsum(problem.step_packs) - problem.step_packs
    begins = np.flatnonzero(np.diff(problem.step_taker, prepend=-1))
    count = np.diff(begins, append=len(before))
    of_taker = before - np.repeat(before[begins], count)
    return np.clip(received[problem.step_taker] - of_taker, 0.0, problem.step_packs)


def _cheapest_first(problem: Transport) -> Floats:
    """What each taker would send for if no giver ever ran out, from its cheapest one."""
    price = _cheapest(problem, np.ones(len(problem.giver), dtype=bool))
    # Of several that cost the same, the first.
    cheapest = np.flatnonzero(problem.cost == price[problem.taker])
    taker, place = np.unique(problem.taker[cheapest], return_index=True)
    flow = np.zeros(len(problem.giver))
    flow[cheapest[place]] = _wanted(problem, price)[taker]
    return flow


def _parts(problem: Transport) -> tuple[Indices, Indices]:
    """The connected part of each arc, numbered in order of first appearance, and that of each step or -1."""
    n_givers = len(problem.spare)
    joined = sparse.coo_array(
        (np.ones(len(problem.giver)), (problem.giver, n_givers + problem.taker)),
        shape=(n_givers + problem.n_takers,) * 2,
    )
    _, label = sparse.csgraph.connected_components(joined, directed=False)
    used, of_arc = np.unique(label[problem.giver], return_inverse=True)
    place = np.minimum(np.searchsorted(used, label[n_givers + problem.step_taker]), len(used) - 1)
    of_step = np.where(used[place] == label[n_givers + problem.step_taker], place, -1)
    return of_arc.astype(np.intp), of_step.astype(np.intp)


def _batches(part: Indices, part_of_step: Indices, contested: Flags) -> list[tuple[Indices, Indices]]:
    """Arcs and steps of contested parts, as many parts together as make a batch."""
    size = np.where(contested, np.bincount(part, minlength=len(contested)), 0)
    batch = np.where(contested, np.cumsum(size) // _BATCH_ARCS, -1)
    of_arc, of_step = batch[part], np.where(part_of_step >= 0, batch[part_of_step], -1)
    return list(zip(_members(of_arc), _members(of_step), strict=True))


def _members(group: Indices) -> list[Indices]:
    """Positions of the members of each group that occurs, in order of the groups; -1 is none."""
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    starts = np.flatnonzero(np.diff(ordered, prepend=-1))
    return (
        np.split(order[len(group) - int((group >= 0).sum()) :], starts[1:] - starts[0]) if len(starts) else []
    )


def _solve(problem: Transport, arcs: Indices, steps: Indices) -> Floats:
    """Packs along some arcs, whose givers and takers have no others."""
    givers, row = np.unique(problem.giver[arcs], return_inverse=True)
    takers, place = np.unique(problem.taker[arcs], return_inverse=True)
    step_place = np.searchsorted(takers, problem.step_taker[steps])
    n_arcs, n_givers = len(arcs), len(givers)
    column = np.arange(n_arcs)
    rows = np.concatenate([row, n_givers + place, n_givers + step_place])
    columns = np.concatenate([column, column, n_arcs + np.arange(len(steps))])
    signs = np.concatenate([np.ones(n_arcs), -np.ones(n_arcs), np.ones(len(steps))])
    shape = (n_givers + len(takers), n_arcs + len(steps))
    # The stubs know no sparse matrix.
    answer = optimize.linprog(  # type: ignore[call-overload]
        np.concatenate([problem.cost[arcs], -problem.step_worth[steps]]),
        A_ub=sparse.csr_array((signs, (rows, columns)), shape=shape),
        b_ub=np.concatenate([problem.spare[givers], np.zeros(len(takers))]),
        bounds=np.column_stack([
            np.zeros(shape[1]), np.concatenate([np.full(n_arcs, np.inf), problem.step_packs[steps]])
        ]),
        # The dual simplex ends at a vertex; presolving such small blocks costs more than it saves.
        method="highs-ds",
        options={"presolve": False},
    )  # fmt: skip
    if answer.status != 0:
        raise ForecasterError(f"the transfers of {len(takers)} takers could not be solved: {answer.message}")
    return _whole(answer.x[:n_arcs])


def _whole(packs: Floats) -> Floats:
    """The packs, rounded where only rounding has made them uneven."""
    rounded = np.rint(packs)
    apart = float(np.abs(packs - rounded).max(initial=0.0))
    if apart > _WHOLE:
        raise ForecasterError(f"a solution of whole packs is {apart:.2g} away from whole numbers")
    return rounded
