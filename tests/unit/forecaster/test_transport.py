from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize

from forecaster.errors import ForecasterError
from forecaster.transport import Transport, solve_transport, won


def problem(arcs, spare, steps) -> Transport:
    """arcs: (giver, taker, cost); steps: (taker, packs, worth)."""
    giver, taker, cost = zip(*arcs, strict=True)
    step_taker, packs, worth = zip(*steps, strict=True)
    return Transport(
        np.array(giver), np.array(taker), np.array(cost, dtype=float), np.array(spare, dtype=float),
        np.array(step_taker), np.array(packs, dtype=float), np.array(worth, dtype=float),
    )  # fmt: skip


def net(given_problem: Transport, flow) -> float:
    return float(won(given_problem, np.asarray(flow, dtype=float)).sum() - flow @ given_problem.cost)


@st.composite
def small_problems(draw):
    givers, takers = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    pairs = list(itertools.product(range(givers), range(takers)))
    joined = draw(st.lists(st.sampled_from(pairs), min_size=1, max_size=6, unique=True))
    money = st.integers(1, 40).map(lambda tenths: tenths / 10)
    arcs = [(g, t, draw(money)) for g, t in joined]
    spare = draw(st.lists(st.integers(0, 3), min_size=givers, max_size=givers))
    steps = []
    for taker in range(takers):
        worth = sorted(draw(st.lists(money, min_size=0, max_size=3)), reverse=True)
        steps += [(taker, 1, w) for w in worth]
    return problem(arcs, spare, steps or [(0, 1, 0.5)])


def brute_force(asked: Transport) -> float:
    """The most that any whole flow wins."""
    best = 0.0
    for flow in itertools.product(range(4), repeat=len(asked.giver)):
        sent = np.array(flow, dtype=float)
        if (np.bincount(asked.giver, sent, minlength=len(asked.spare)) <= asked.spare).all():
            best = max(best, net(asked, sent))
    return best


@settings(max_examples=120, deadline=None)
@given(small_problems())
def test_no_whole_flow_wins_more(asked):
    flow = solve_transport(asked)
    assert net(asked, flow) == pytest.approx(brute_force(asked))


@settings(max_examples=60, deadline=None)
@given(small_problems())
def test_the_flow_is_whole_and_no_giver_sends_more_than_it_can_spare(asked):
    flow = solve_transport(asked)
    assert (flow == np.rint(flow)).all()
    assert (flow >= 0).all()
    assert (np.bincount(asked.giver, flow, minlength=len(asked.spare)) <= asked.spare).all()


@settings(max_examples=60, deadline=None)
@given(small_problems(), small_problems())
def test_problems_side_by_side_are_solved_as_each_alone(one, other):
    both = Transport(
        np.concatenate([one.giver, other.giver + len(one.spare)]),
        np.concatenate([one.taker, other.taker + 3]),
        np.concatenate([one.cost, other.cost]),
        np.concatenate([one.spare, other.spare]),
        np.concatenate([one.step_taker, other.step_taker + 3]),
        np.concatenate([one.step_packs, other.step_packs]),
        np.concatenate([one.step_worth, other.step_worth]),
    )
    alone = net(one, solve_transport(one)) + net(other, solve_transport(other))
    assert net(both, solve_transport(both)) == pytest.approx(alone)


def test_a_transportation_problem_worked_by_hand():
    # Giver 0 is cheapest for both takers but can serve one: the one whose second-best is dearer gets it.
    asked = problem([(0, 0, 1), (1, 0, 2), (0, 1, 1), (1, 1, 6)], [1, 1], [(0, 1, 10), (1, 1, 10)])
    assert solve_transport(asked).tolist() == [0, 1, 1, 0]


def test_a_taker_for_whom_nothing_is_worth_its_cost_gets_nothing():
    asked = problem([(0, 0, 5)], [3], [(0, 2, 5)])
    assert solve_transport(asked).tolist() == [0]


def test_what_has_been_sent_is_gone_from_the_rest():
    asked = problem([(0, 0, 1), (0, 1, 1)], [5], [(0, 1, 9), (0, 1, 8), (1, 2, 7)])
    rest = asked.rest(np.array([1.0, 1.0]))
    assert rest.spare.tolist() == [3]
    assert rest.step_worth.tolist() == [8, 7]
    assert rest.step_packs.tolist() == [1, 1]


def test_what_is_won_fills_the_dearest_steps_first():
    asked = problem([(0, 0, 1), (1, 0, 1)], [9, 9], [(0, 2, 9), (0, 1, 4)])
    assert won(asked, np.array([1.0, 0.0])).tolist() == [9]
    assert won(asked, np.array([2.0, 1.0])).tolist() == [22]
    assert won(asked, np.array([5.0, 5.0])).tolist() == [22]


def test_an_answer_that_is_not_whole_is_refused(monkeypatch):
    def halves(c, **_):
        return optimize.OptimizeResult(x=np.full(len(c), 0.5), status=0, message="")

    monkeypatch.setattr(optimize, "linprog", halves)
    asked = problem([(0, 0, 1), (0, 1, 1)], [1], [(0, 1, 9), (1, 1, 9)])
    with pytest.raises(ForecasterError, match="away from whole numbers"):
        solve_transport(asked)


def test_a_programme_that_cannot_be_solved_says_so(monkeypatch):
    def gives_up(*_, **__):
        return optimize.OptimizeResult(x=None, status=4, message="numerical difficulties")

    monkeypatch.setattr(optimize, "linprog", gives_up)
    asked = problem([(0, 0, 1), (0, 1, 1)], [1], [(0, 1, 9), (1, 1, 9)])
    with pytest.raises(ForecasterError, match="2 takers could not be solved: numerical difficulties"):
        solve_transport(asked)
