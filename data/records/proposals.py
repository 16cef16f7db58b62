"""Proposed dates for a season: a plan for some zones or the chain, weighed, put forward and decided upon."""

from __future__ import annotations

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Never

from sqlalchemy import JSON, ForeignKey, Index, String, Text, event
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import InSeasonError, NotYoursError, TransitionError
from data.records.base import Record, choice
from data.records.decisions import answers_for
from data.records.people import Role

if TYPE_CHECKING:
    from collections.abc import Mapping

    from data.records.people import Person

LONGEST_REASON: Final = 500


class ProposalState(StrEnum):
    """Where a proposal stands."""

    DRAFT = "draft"
    PROPOSED = "proposed"
    APPROVED = "approved"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class ProposalAct(StrEnum):
    """What somebody does to a proposal."""

    SAVE = "save"
    CHANGE = "change"
    WEIGH = "weigh"
    FORWARD = "forward"
    APPROVE = "approve"
    REFUSE = "refuse"
    WITHDRAW = "withdraw"


class OwnDates(StrEnum):
    """What becomes of the stores and styles inside a proposal's zones that have other dates than most."""

    KEEP = "keep"
    SET = "set"


OPEN: Final = (ProposalState.DRAFT, ProposalState.PROPOSED)
_AFTER: Final = {
    (ProposalState.DRAFT, ProposalAct.CHANGE): ProposalState.DRAFT,
    (ProposalState.DRAFT, ProposalAct.WEIGH): ProposalState.DRAFT,
    (ProposalState.PROPOSED, ProposalAct.WEIGH): ProposalState.PROPOSED,
    (ProposalState.DRAFT, ProposalAct.FORWARD): ProposalState.PROPOSED,
    (ProposalState.PROPOSED, ProposalAct.APPROVE): ProposalState.APPROVED,
    (ProposalState.PROPOSED, ProposalAct.REFUSE): ProposalState.REFUSED,
    (ProposalState.DRAFT, ProposalAct.WITHDRAW): ProposalState.WITHDRAWN,
    (ProposalState.PROPOSED, ProposalAct.WITHDRAW): ProposalState.WITHDRAWN,
}
# What the author does to their own; the rest is for whoever answers for the category, the author too.
_AUTHORS: Final = frozenset({ProposalAct.CHANGE, ProposalAct.FORWARD, ProposalAct.WITHDRAW})


class ProposalEvent(Record):
    """One turn of a proposal: who, when, from where to where, why. Never changed afterwards."""

    __tablename__ = "proposal_events"
    __table_args__ = (Index(None, "proposal_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposals.proposal_id"))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(254))
    act: Mapped[ProposalAct] = mapped_column(choice(ProposalAct))
    from_state: Mapped[ProposalState | None] = mapped_column(choice(ProposalState))
    to_state: Mapped[ProposalState] = mapped_column(choice(ProposalState))
    reason: Mapped[str] = mapped_column(Text, default="")


class Proposal(Record):
    """A plan for one season of a category, for some zones or the chain, with its figures as weighed.

    `zones` are climate zones, none of them meaning the chain. `plan` and what `today` says of each zone (''
    is the chain) are plans as `data.planning.details` writes them; `figures` those of today's and the plan,
    by name. They were weighed on the night `weighed_on` and on the calendar `based_on`. `version` makes every
    change a compare-and-swap: of two people who change it at the same moment, the second is told.
    """

    __tablename__ = "proposals"
    __table_args__ = (
        Index(None, "state", "category", "proposal_id"),
        Index(None, "category", "season_code"),
    )

    proposal_id: Mapped[int] = mapped_column(primary_key=True)
    category: Mapped[str] = mapped_column(String(100))
    season_code: Mapped[str] = mapped_column(String(32))
    zones: Mapped[list[str]] = mapped_column(JSON)
    plan: Mapped[dict[str, Any]] = mapped_column(JSON)
    today: Mapped[dict[str, Any]] = mapped_column(JSON)
    figures: Mapped[dict[str, Any]] = mapped_column(JSON)
    own_dates: Mapped[OwnDates] = mapped_column(choice(OwnDates))
    based_on: Mapped[int] = mapped_column(ForeignKey("calendar_versions.version_id"))
    weighed_on: Mapped[date]
    reason: Mapped[str] = mapped_column(Text)
    state: Mapped[ProposalState] = mapped_column(choice(ProposalState))
    author: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    calendar_version_id: Mapped[int | None] = mapped_column(ForeignKey("calendar_versions.version_id"))
    version: Mapped[int] = mapped_column(default=1)
    events: Mapped[list[ProposalEvent]] = relationship(
        cascade="save-update, merge", order_by="ProposalEvent.event_id", lazy="raise"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def saved(cls, values: Mapping[str, Any], *, by: Person, now: datetime, reason: str) -> Proposal:
        """Somebody saves a plan as a draft.

        Args:
            values: the columns that say what is planned and how it was weighed.
            by: who saves it.
            now: the instant.
            reason: why the dates should be these.

        Raises:
            NotYoursError: when the category is somebody else's.
            InSeasonError: without a reason.
        """
        if not answers_for(by, values["category"]):
            raise NotYoursError("Only the merchandiser of the category may propose its dates.")
        proposal = cls(
            **values,
            reason=said(reason),
            state=ProposalState.DRAFT,
            author=by.email,
            created_at=now,
            changed_at=now,
            events=[],
        )
        proposal._note(ProposalAct.SAVE, by.email, now, None, "")
        return proposal

    @property
    def is_open(self) -> bool:
        """Whether nobody has decided yet."""
        return self.state in OPEN

    def may(self, person: Person, act: ProposalAct) -> bool:
        """Whether this person may do this to it now."""
        return (self.state, act) in _AFTER and self._is_hands_of(person, act)

    def change(self, values: Mapping[str, Any], by: Person, now: datetime, *, reason: str) -> None:
        """The author changes a draft.

        Raises:
            NotYoursError: when it is somebody else's.
            TransitionError: when it is no draft any more.
            InSeasonError: without a reason.
        """
        self._turn(ProposalAct.CHANGE, by, now)
        self.reason = said(reason)
        self._set(values)

    def weigh(self, values: Mapping[str, Any], by: Person, now: datetime) -> None:
        """Its figures are made anew, on the calendar and the night of now; the plan stays.

        Raises:
            NotYoursError: when the category is somebody else's.
            TransitionError: when somebody has decided about it.
        """
        self._turn(ProposalAct.WEIGH, by, now)
        self._set(values)

    def put_forward(self, by: Person, now: datetime) -> None:
        """The author says that it is ready to be decided upon.

        Raises:
            NotYoursError: when it is somebody else's.
            TransitionError: when it is no draft any more.
        """
        self._turn(ProposalAct.FORWARD, by, now)

    def approve(self, by: Person, now: datetime, *, made: int, note: str = "") -> None:
        """Whoever answers for the category says yes; `made` is the version of the calendar that follows it.

        Raises:
            NotYoursError: when the category is somebody else's.
            TransitionError: when it does not wait for a decision.
        """
        self._turn(ProposalAct.APPROVE, by, now, short(note))
        self.calendar_version_id = made

    def refuse(self, by: Person, now: datetime, *, reason: str) -> None:
        """Whoever answers for the category says no, and why.

        Raises:
            NotYoursError: when the category is somebody else's.
            TransitionError: when it does not wait for a decision.
            InSeasonError: without a reason.
        """
        self._turn(ProposalAct.REFUSE, by, now, said(reason))

    def withdraw(self, by: Person, now: datetime, *, reason: str = "") -> None:
        """The author takes it back.

        Raises:
            NotYoursError: when it is somebody else's.
            TransitionError: when somebody has decided about it.
        """
        self._turn(ProposalAct.WITHDRAW, by, now, short(reason))

    def require(self, by: Person, act: ProposalAct) -> None:
        """Make sure that this person may do this to it now.

        Raises:
            NotYoursError: when it is not theirs to do.
            TransitionError: when it cannot be done any more, or not yet.
        """
        if not self._is_hands_of(by, act):
            who = "Only who wrote it" if act in _AUTHORS else "Only the merchandiser of the category"
            raise NotYoursError(f"{who} may do this.")
        if (self.state, act) not in _AFTER:
            raise TransitionError(f"This proposal is {_TOLD[self.state]}; that cannot be done to it now.")

    def _is_hands_of(self, person: Person, act: ProposalAct) -> bool:
        if not answers_for(person, self.category):
            return False
        return act not in _AUTHORS or person.email == self.author or person.role is Role.ADMIN

    def _turn(self, act: ProposalAct, by: Person, now: datetime, reason: str = "") -> None:
        self.require(by, act)
        before, self.state = self.state, _AFTER[self.state, act]
        self.changed_at = now
        self._note(act, by.email, now, before, reason)

    def _note(
        self, act: ProposalAct, who: str, now: datetime, before: ProposalState | None, reason: str
    ) -> None:
        self.events.append(
            ProposalEvent(at=now, who=who, act=act, from_state=before, to_state=self.state, reason=reason)
        )

    def _set(self, values: Mapping[str, Any]) -> None:
        for name, value in values.items():
            setattr(self, name, value)


@event.listens_for(ProposalEvent, "before_update")
@event.listens_for(ProposalEvent, "before_delete")
def _history_only_grows(*_: object) -> Never:
    raise InSeasonError("The history of a proposal is never rewritten; add to it.")


_TOLD: Final = {
    ProposalState.DRAFT: "a draft",
    ProposalState.PROPOSED: "put forward",
    ProposalState.APPROVED: "approved",
    ProposalState.REFUSED: "refused",
    ProposalState.WITHDRAWN: "withdrawn",
}


def said(reason: str) -> str:
    """A reason, which must be one.

    Raises:
        InSeasonError: when it says nothing.
    """
    told = short(reason)
    if not told:
        raise InSeasonError("Say why in a few words, so that the others know.")
    return told


def short(reason: str) -> str:
    """A reason on one line, cut where it becomes a letter."""
    return " ".join(reason.split())[:LONGEST_REASON]
