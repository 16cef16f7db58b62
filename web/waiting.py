"""What waits for a person by what they have to do, what others are at work on, and what was settled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import aliased, selectinload

from data.records import Act, Consignment, Decision, DecisionState, Role, Store, StoreKind
from data.records.decision_life import OPEN
from web.access import visible_decisions
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import ColumnElement, Select

    from data.records import Person

MOST_TO_DO: Final = 50
"""More than anybody does in a day; as they are done, the others come up."""

MOST_UNDER_WAY: Final = 20
# Enough for a busy week; what is older is found through its alert.
MOST_SETTLED: Final = 20
_ENDED: Final = tuple(state for state in DecisionState if state not in OPEN)
_SENT_FROM: Final = (DecisionState.APPROVED, DecisionState.ACCEPTED)


@dataclass(frozen=True)
class Waiting:
    """What waits for a person, by what they have to do, and what they only watch.

    `more` says that more waits than is told: the most urgent come first.
    """

    to_approve: Sequence[Decision]
    to_accept: Sequence[Consignment]
    to_ship: Sequence[Consignment]
    to_receive: Sequence[Consignment]
    under_way: Sequence[Decision]
    settled: Sequence[Decision]
    more: bool
    more_under_way: bool

    @property
    def number(self) -> int:
        """How many things wait for this person."""
        return sum(map(len, (self.to_approve, self.to_accept, self.to_ship, self.to_receive)))


def waiting_for(person: Person) -> Waiting:
    """What waits for a person: their own turns, those of others, and the newest that are settled."""
    turns = _turns_of(person)
    mine = _some(person, MOST_TO_DO, Decision.state.in_(OPEN), turns)
    others = _some(person, MOST_UNDER_WAY, Decision.state.in_(OPEN), ~turns)
    settled = reading().scalars(
        visible_decisions(_with_parts(), person)
        .where(Decision.state.in_(_ENDED))
        .order_by(Decision.changed_at.desc(), Decision.decision_id.desc())
        .limit(MOST_SETTLED)
    )
    urgent = mine[:MOST_TO_DO]
    parts = [part for decision in urgent for part in decision.consignments]
    own = {
        # An admin may stand in for everybody, so nothing is theirs to do.
        act: [part for part in parts if part.may(person, act) and person.role is not Role.ADMIN]
        for act in (Act.ACCEPT, Act.SHIP, Act.RECEIVE)
    }
    return Waiting(
        to_approve=[decision for decision in urgent if decision.may(person, Act.APPROVE)],
        to_accept=own[Act.ACCEPT],
        to_ship=own[Act.SHIP],
        to_receive=own[Act.RECEIVE],
        under_way=others[:MOST_UNDER_WAY],
        settled=settled.all(),
        more=len(mine) > MOST_TO_DO,
        more_under_way=len(others) > MOST_UNDER_WAY,
    )


def every_decision(person: Person) -> Select[*tuple[Any, ...]]:
    """A query over all decisions a person may see as the file of the list tells them, newest first."""
    columns = (
        Decision.decision_id, Decision.kind, Decision.state, Decision.store_id, Decision.climate_zone,
        Decision.category, Decision.style_id, Decision.style_name, Decision.season_code, Decision.units,
        Decision.cost, Decision.benefit, Decision.act_by, Decision.until, Decision.requested_by,
        Decision.requested_at, Decision.changed_at,
    )  # fmt: skip
    query: Select[*tuple[Any, ...]] = visible_decisions(select(*columns), person)
    return query.order_by(Decision.decision_id.desc())


def _some(person: Person, most: int, *wanted: ColumnElement[bool]) -> Sequence[Decision]:
    """The most urgent, and one more where there are more."""
    query = visible_decisions(_with_parts(), person).where(*wanted)
    return reading().scalars(query.order_by(Decision.act_by, Decision.decision_id).limit(most + 1)).all()


def _with_parts() -> Select[Decision]:
    # A part holds on to its decision, which is in the session already: no further question is asked.
    parts = selectinload(Decision.consignments).immediateload(Consignment.decision)
    return select(Decision).options(parts)


def _turns_of(person: Person) -> ColumnElement[bool]:
    """What must hold of an open decision for something of it to be this person's to do."""
    if person.role is Role.STORE_MANAGER:
        own = sorted(person.store_ids or ())
        sends = and_(
            Consignment.from_store.in_(own),
            Consignment.state.in_(_SENT_FROM),
        )
        takes = and_(Consignment.to_store.in_(own), Consignment.state == DecisionState.SHIPPED)
        return Decision.consignments.any(or_(sends, takes))
    asked = Decision.state == DecisionState.REQUESTED
    if person.role is Role.ADMIN:
        return asked
    # A distribution centre has no manager: whoever answers for the category speaks for it.
    centre = aliased(Store)
    from_centre = select(centre.store_id).where(centre.kind == StoreKind.DC)
    sends = and_(Consignment.from_store.in_(from_centre), Consignment.state.in_(_SENT_FROM))
    return or_(asked, Decision.consignments.any(sends))
