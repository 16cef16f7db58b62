"""The life of a decision as a table: what may follow what, and what the parts of a transfer make together."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from data.errors import TransitionError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping


class DecisionState(StrEnum):
    """How far a decision, or the part of it that one giving store has in hand, has come."""

    REQUESTED = "requested"
    APPROVED = "approved"
    REFUSED = "refused"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    SHIPPED = "shipped"
    RECEIVED = "received"
    DONE = "done"
    WITHDRAWN = "withdrawn"


class Act(StrEnum):
    """What a person does to a decision."""

    APPROVE = "approve"
    REFUSE = "refuse"
    ACCEPT = "accept"
    DECLINE = "decline"
    SHIP = "ship"
    RECEIVE = "receive"
    COMPLETE = "complete"
    WITHDRAW = "withdraw"


class Flow(StrEnum):
    """How a decision comes true: goods travel from store to store, or one step does it."""

    GOODS = "goods"
    STEP = "step"


_S, _A = DecisionState, Act
_ASKED: Final = {
    (_S.REQUESTED, _A.APPROVE): _S.APPROVED,
    (_S.REQUESTED, _A.REFUSE): _S.REFUSED,
    (_S.REQUESTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.APPROVED, _A.WITHDRAW): _S.WITHDRAWN,
}
# A giver who has said yes and then does not find the goods may still decline; what has left stays a fact.
_GOODS: Final = _ASKED | {
    (_S.APPROVED, _A.ACCEPT): _S.ACCEPTED,
    (_S.APPROVED, _A.DECLINE): _S.DECLINED,
    (_S.ACCEPTED, _A.DECLINE): _S.DECLINED,
    (_S.ACCEPTED, _A.SHIP): _S.SHIPPED,
    (_S.ACCEPTED, _A.WITHDRAW): _S.WITHDRAWN,
    (_S.SHIPPED, _A.RECEIVE): _S.RECEIVED,
}
_STEP: Final = _ASKED | {(_S.APPROVED, _A.COMPLETE): _S.DONE}

LIFE: Final[Mapping[tuple[Flow, DecisionState, Act], DecisionState]] = MappingProxyType(
    {(Flow.GOODS, *cell): state for cell, state in _GOODS.items()}
    | {(Flow.STEP, *cell): state for cell, state in _STEP.items()}
)
# What still keeps somebody waiting; the database holds at most one of these per alert and kind.
OPEN: Final = (_S.REQUESTED, _S.APPROVED, _S.ACCEPTED, _S.SHIPPED)
# Stock of these is still in the giver's books and already promised.
PROMISED: Final = (_S.REQUESTED, _S.APPROVED, _S.ACCEPTED)

_PROGRESS: Final = (_S.REQUESTED, _S.APPROVED, _S.ACCEPTED, _S.SHIPPED, _S.RECEIVED)
_STANDS: Final = {
    _S.REQUESTED: "it still waits for the merchandiser",
    _S.APPROVED: "it is approved and waits for the giving store",
    _S.REFUSED: "the merchandiser has refused it",
    _S.ACCEPTED: "the giving store has accepted it and has not shipped yet",
    _S.DECLINED: "the giving store has declined it",
    _S.SHIPPED: "the goods are on their way",
    _S.RECEIVED: "the goods have arrived",
    _S.DONE: "it is done",
    _S.WITHDRAWN: "it has been taken back",
}
_PARTICIPLES: Final = {
    _A.APPROVE: "approved",
    _A.REFUSE: "refused",
    _A.ACCEPT: "accepted",
    _A.DECLINE: "declined",
    _A.SHIP: "shipped",
    _A.RECEIVE: "received",
    _A.COMPLETE: "carried out",
    _A.WITHDRAW: "taken back",
}


def can(flow: Flow, state: DecisionState, act: Act) -> bool:
    """Whether an act is possible in a state."""
    return (flow, state, act) in LIFE


def after(flow: Flow, state: DecisionState, act: Act) -> DecisionState:
    """The state that an act leads to.

    Raises:
        TransitionError: when the act is not possible in that state; its text says where the decision stands.
    """
    try:
        return LIFE[flow, state, act]
    except KeyError:
        raise TransitionError(f"This cannot be {_PARTICIPLES[act]}: {_STANDS[state]}.") from None


def joint_state(parts: Iterable[DecisionState]) -> DecisionState:
    """Where a transfer of several parts stands: at the part that is furthest behind.

    A part that was declined holds nobody up; when all are declined, so is the whole. Parts are refused and
    taken back all at once, so either word of one part is the word of the whole.

    Args:
        parts: the states of the parts, at least one.
    """
    found = set(parts)
    for ended in (_S.REFUSED, _S.WITHDRAWN):
        if ended in found:
            return ended
    return next((state for state in _PROGRESS if state in found), _S.DECLINED)
