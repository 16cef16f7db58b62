"""The life of a decision, cell by cell: every act in every state of both flows."""

from __future__ import annotations

from itertools import product

import pytest

from data.errors import TransitionError
from data.records.decision_life import LIFE, OPEN, PROMISED, Act, DecisionState, Flow, after, can, joint_state

# One row per state, one column per act; a dot is a refusal.
GOODS = """
state      approve   refuse   accept    decline   ship     receive   complete  withdraw
requested  approved  refused  .         .         .        .         .         withdrawn
approved   .         .        accepted  declined  .        .         .         withdrawn
refused    .         .        .         .         .        .         .         .
accepted   .         .        .         declined  shipped  .         .         withdrawn
declined   .         .        .         .         .        .         .         .
shipped    .         .        .         .         .        received  .         .
received   .         .        .         .         .        .         .         .
done       .         .        .         .         .        .         .         .
withdrawn  .         .        .         .         .        .         .         .
"""
STEP = """
state      approve   refuse   accept    decline   ship     receive   complete  withdraw
requested  approved  refused  .         .         .        .         .         withdrawn
approved   .         .        .         .         .        .         done      withdrawn
refused    .         .        .         .         .        .         .         .
accepted   .         .        .         .         .        .         .         .
declined   .         .        .         .         .        .         .         .
shipped    .         .        .         .         .        .         .         .
received   .         .        .         .         .        .         .         .
done       .         .        .         .         .        .         .         .
withdrawn  .         .        .         .         .        .         .         .
"""


def cells(flow: Flow, grid: str) -> list[tuple[Flow, DecisionState, Act, str]]:
    head, *rows = (line.split() for line in grid.strip().splitlines())
    return [
        (flow, DecisionState(row[0]), Act(act), to)
        for row in rows
        for act, to in zip(head[1:], row[1:], strict=True)
    ]


CELLS = cells(Flow.GOODS, GOODS) + cells(Flow.STEP, STEP)


def test_the_grids_leave_no_cell_out() -> None:
    assert {cell[:3] for cell in CELLS} == set(product(Flow, DecisionState, Act))


@pytest.mark.parametrize(("flow", "state", "act", "to"), CELLS)
def test_every_cell_leads_where_the_grid_says(flow, state, act, to) -> None:
    if to == ".":
        assert not can(flow, state, act)
        with pytest.raises(TransitionError):
            after(flow, state, act)
    else:
        assert can(flow, state, act)
        assert after(flow, state, act) is DecisionState(to)


def test_a_refused_turn_says_where_the_decision_stands() -> None:
    with pytest.raises(TransitionError, match="cannot be shipped: it has been taken back"):
        after(Flow.GOODS, DecisionState.WITHDRAWN, Act.SHIP)


def test_what_is_over_stays_over() -> None:
    ended = set(DecisionState) - set(OPEN)
    assert {state for _, state, _ in LIFE}.isdisjoint(ended)


def test_what_is_promised_still_waits_for_somebody() -> None:
    assert set(PROMISED) < set(OPEN)


S = DecisionState


@pytest.mark.parametrize(
    ("parts", "whole"),
    [
        ([S.REQUESTED, S.REQUESTED], S.REQUESTED),
        ([S.APPROVED, S.ACCEPTED], S.APPROVED),
        ([S.ACCEPTED, S.ACCEPTED], S.ACCEPTED),
        ([S.SHIPPED, S.ACCEPTED], S.ACCEPTED),
        ([S.DECLINED, S.ACCEPTED], S.ACCEPTED),
        ([S.DECLINED, S.DECLINED], S.DECLINED),
        ([S.RECEIVED, S.SHIPPED], S.SHIPPED),
        ([S.RECEIVED, S.DECLINED], S.RECEIVED),
        ([S.WITHDRAWN, S.DECLINED], S.WITHDRAWN),
        ([S.REFUSED, S.REFUSED], S.REFUSED),
    ],
)
def test_a_transfer_stands_where_its_slowest_part_stands(parts, whole) -> None:
    assert joint_state(parts) is whole
