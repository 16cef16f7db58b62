"""What can be done about an alert tonight, what people decided, and every turn that took since."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final, Never

from sqlalchemy import JSON, ForeignKey, Index, String, Text, UniqueConstraint, event, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import InSeasonError, NotYoursError, TransitionError
from data.records.assortment import MONEY, Store, StoreKind
from data.records.base import Record, choice
from data.records.decision_life import OPEN, Act, DecisionState, Flow, after, can, joint_state
from data.records.people import Role
from forecaster.codes import (
    BRING_FLOOR_SET_FORWARD,
    COUNT_SHELF,
    EXTEND_EXIT,
    HOLD_MARKDOWN,
    KEEP_OPEN_TEST,
    RELEASE_FROM_DC,
    REORDER,
    TRANSFER,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from data.records.alerts import Alert
    from data.records.people import Person

UNDO_WITHIN: Final = timedelta(minutes=1)

# What the history of the alert calls each kind once it counts as acted on.
DECISION_NAMES: Final = {
    TRANSFER: "transfer_requested",
    RELEASE_FROM_DC: "released_from_dc",
    REORDER: "reordered",
    HOLD_MARKDOWN: "markdown_held",
    EXTEND_EXIT: "exit_extended",
    BRING_FLOOR_SET_FORWARD: "floor_set_moved",
    KEEP_OPEN_TEST: "test_kept_open",
    COUNT_SHELF: "shelf_counted",
}
# A store does these by itself; all others need the merchandiser's word.
_IN_THE_STORE: Final = frozenset({COUNT_SHELF})
UNDONE: Final = "undo"
_OPEN_SQL = text("state IN ('requested', 'approved', 'accepted', 'shipped')")
_LONGEST_REASON: Final = 500


class AlertAction(Record):
    """One thing that can still be done about an alert, as the last night worked it out."""

    __tablename__ = "alert_actions"
    __table_args__ = (UniqueConstraint("alert_id", "rank"),)

    action_id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"))
    rank: Mapped[int]
    kind: Mapped[str] = mapped_column(String(32))
    units: Mapped[float]
    cost: Mapped[Decimal | None] = mapped_column(MONEY)
    benefit: Mapped[Decimal | None] = mapped_column(MONEY)
    act_by: Mapped[date | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    evaluated_on: Mapped[date]

    @property
    def lines(self) -> Sequence[Mapping[str, Any]]:
        """The goods it moves or orders, one mapping per store and sku; none where it moves no goods."""
        return self.details.get("lines") or ()

    @property
    def flow(self) -> Flow:
        """Whether it sends goods from store to store."""
        return Flow.GOODS if any(line.get("from_store") for line in self.lines) else Flow.STEP


class Consignment(Record):
    """The part of a transfer that one store gives to another: accepted, shipped and received by itself."""

    __tablename__ = "consignments"
    __table_args__ = (Index(None, "decision_id"), Index(None, "from_store", "state"), Index(None, "to_store"))

    consignment_id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.decision_id"))
    from_store: Mapped[str] = mapped_column(ForeignKey("stores.store_id"))
    to_store: Mapped[str] = mapped_column(ForeignKey("stores.store_id"))
    state: Mapped[DecisionState] = mapped_column(choice(DecisionState))
    ships_by: Mapped[date | None]
    arrives_on: Mapped[date | None]
    miles: Mapped[float | None]
    shipped_on: Mapped[date | None]
    received_on: Mapped[date | None]
    decision: Mapped[Decision] = relationship(back_populates="consignments", lazy="raise_on_sql")
    giver: Mapped[Store] = relationship(foreign_keys=[from_store], lazy="joined", innerjoin=True)
    taker: Mapped[Store] = relationship(foreign_keys=[to_store], lazy="joined", innerjoin=True)
    lines: Mapped[list[ConsignmentLine]] = relationship(
        cascade="all, delete-orphan", order_by="ConsignmentLine.sku", lazy="selectin"
    )

    @property
    def units(self) -> int:
        """Pieces that were asked for."""
        return sum(line.units for line in self.lines)

    @property
    def received_units(self) -> int:
        """Pieces that arrived, as far as somebody has said."""
        return sum(line.received or 0 for line in self.lines)

    def may(self, person: Person, act: Act) -> bool:
        """Whether it is this person's turn to do this now."""
        return can(Flow.GOODS, self.state, act) and self.is_hands_of(person, act)

    def is_hands_of(self, person: Person, act: Act) -> bool:
        """Whether this person does this to it: the taking store receives, the giving one does the rest.

        A distribution centre has no manager: whoever answers for the category speaks for it.
        """
        store = self.to_store if act is Act.RECEIVE else self.from_store
        if act is not Act.RECEIVE and self.giver.kind is StoreKind.DC and self.decision.is_decided_by(person):
            return True
        return _runs(person, store)


class ConsignmentLine(Record):
    """Pieces of one sku in a consignment: how many were asked for, and how many arrived."""

    __tablename__ = "consignment_lines"
    __table_args__ = (Index(None, "sku"),)

    consignment_id: Mapped[int] = mapped_column(ForeignKey("consignments.consignment_id"), primary_key=True)
    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    units: Mapped[int]
    received: Mapped[int | None]


class DecisionEvent(Record):
    """One turn of a decision or of a part of it: who, how, from, to and why. Rows are only ever added.

    What one press of a button changed shares a `stroke`.
    """

    __tablename__ = "decision_events"
    __table_args__ = (Index(None, "decision_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    decision_id: Mapped[int] = mapped_column(ForeignKey("decisions.decision_id"))
    consignment_id: Mapped[int | None] = mapped_column(ForeignKey("consignments.consignment_id"))
    stroke: Mapped[int]
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(254), default="")
    how: Mapped[str] = mapped_column(String(16))
    act: Mapped[str] = mapped_column(String(16))
    from_state: Mapped[DecisionState | None] = mapped_column(choice(DecisionState))
    to_state: Mapped[DecisionState] = mapped_column(choice(DecisionState))
    reason: Mapped[str] = mapped_column(Text, default="")


class Decision(Record):
    """Somebody acts on an alert: asked for, approved, carried out, with its whole history.

    Every method that changes it names who does it, refuses whoever may not, checks the table of
    `decision_life`, and leaves its trace. Pressing the same button twice is once. `version` makes every
    change a compare-and-swap: of two people who change it at the same moment, the second is told.
    """

    __tablename__ = "decisions"
    __table_args__ = (
        Index("uq_decisions_open", "alert_id", "kind", unique=True, sqlite_where=_OPEN_SQL,
              postgresql_where=_OPEN_SQL),
        Index(None, "alert_id"),
        Index(None, "store_id", "state"),
        Index(None, "state", "category"),
        Index(None, "changed_at"),
    )  # fmt: skip

    decision_id: Mapped[int] = mapped_column(primary_key=True)
    alert_id: Mapped[int] = mapped_column(ForeignKey("alerts.alert_id"))
    kind: Mapped[str] = mapped_column(String(32))
    state: Mapped[DecisionState] = mapped_column(choice(DecisionState))
    # Who is helped: the taking store; nothing when it is about a whole zone.
    store_id: Mapped[str | None] = mapped_column(ForeignKey("stores.store_id"))
    climate_zone: Mapped[str] = mapped_column(String(64), default="")
    category: Mapped[str] = mapped_column(String(100))
    style_id: Mapped[str] = mapped_column(String(64))
    style_name: Mapped[str] = mapped_column(String(200))
    season_code: Mapped[str] = mapped_column(String(64))
    units: Mapped[float]
    cost: Mapped[Decimal | None] = mapped_column(MONEY)
    benefit: Mapped[Decimal | None] = mapped_column(MONEY)
    act_by: Mapped[date | None]
    # The day that somebody chose for a change of the calendar.
    until: Mapped[date | None]
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    offered_on: Mapped[date]
    requested_by: Mapped[str] = mapped_column(String(254))
    requested_at: Mapped[datetime]
    changed_at: Mapped[datetime]
    calendar_version_id: Mapped[int | None] = mapped_column(ForeignKey("calendar_versions.version_id"))
    version: Mapped[int] = mapped_column(default=1)
    consignments: Mapped[list[Consignment]] = relationship(
        cascade="all, delete-orphan",
        back_populates="decision",
        order_by="Consignment.consignment_id",
        lazy="raise",
    )
    events: Mapped[list[DecisionEvent]] = relationship(
        cascade="save-update, merge", order_by="DecisionEvent.event_id", lazy="raise"
    )

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def asked_for(
        cls,
        action: AlertAction,
        alert: Alert,
        details: Mapping[str, Any],
        *,
        by: Person,
        now: datetime,
        until: date | None = None,
    ) -> Decision:
        """Somebody wants what the night has offered; `ask` it once it has its identity.

        Args:
            action: the offer.
            alert: what it is about.
            details: of the offer, with what the records add to it.
            by: who wants it.
            now: the instant.
            until: the day chosen for a change of the calendar.
        """
        return cls(
            alert_id=action.alert_id,
            kind=action.kind,
            state=DecisionState.REQUESTED,
            store_id=alert.store_id,
            climate_zone=alert.climate_zone,
            category=alert.category,
            style_id=alert.style_id,
            style_name=str((alert.details or {}).get("style_name") or alert.style_id or alert.category),
            season_code=alert.season_code,
            units=action.units,
            cost=action.cost,
            benefit=action.benefit,
            act_by=action.act_by,
            until=until,
            details=dict(details),
            offered_on=action.evaluated_on,
            requested_by=by.email,
            requested_at=now,
            changed_at=now,
            consignments=_consignments_of(action.lines, alert.store_id),
            events=[],
        )

    @property
    def flow(self) -> Flow:
        """Whether goods travel, or one step does it. Needs its consignments loaded."""
        return Flow.GOODS if self.consignments else Flow.STEP

    @property
    def is_open(self) -> bool:
        """Whether somebody still has to do something."""
        return self.state in OPEN

    def is_decided_by(self, person: Person) -> bool:
        """Whether this person answers for the category: its merchandiser, or the admin in their place."""
        return answers_for(person, self.category)

    def may(self, person: Person, act: Act) -> bool:
        """Whether this person may do this to the whole of it now; its parts have rights of their own."""
        if act is Act.WITHDRAW:
            parts = [part.state for part in self.consignments if part.state is not DecisionState.DECLINED]
            return all(can(self.flow, state, act) for state in [self.state, *parts]) and (
                self._is_asker(person) or self.is_decided_by(person)
            )
        return can(self.flow, self.state, act) and self.is_decided_by(person)

    def ask(self, by: Person, now: datetime, *, how: str = "web", reason: str = "") -> None:
        """Write down who asks, and go on at once where the asker may decide alone.

        Raises:
            NotYoursError: when the person neither runs the store nor answers for the category.
        """
        if not (self.is_decided_by(by) or (self.store_id and _runs(by, self.store_id))):
            raise NotYoursError("Only the store itself or the merchandiser of the category may ask for this.")
        stroke = self._next_stroke()
        for part in (None, *self.consignments):
            self._note(now, by.email, how, "request", None, stroke=stroke, part=part, reason=reason)
        if self.is_decided_by(by) or self.kind in _IN_THE_STORE:
            self._go_on(now, by.email, how, reason="", stroke=stroke)

    def approve(self, by: Person, now: datetime, *, how: str = "web", reason: str = "") -> None:
        """The merchandiser says yes: goods then wait for their givers, one step is done with that."""
        self._check(by, Act.APPROVE)
        if self._has_just(by, Act.APPROVE):
            return
        stroke = self._next_stroke()
        self._go_on(now, by.email, how, reason=reason, stroke=stroke)
        self._accept_what_was_offered(now, how, stroke=stroke)

    def refuse(self, by: Person, now: datetime, *, reason: str, how: str = "web") -> None:
        """The merchandiser says no, and why.

        Raises:
            InSeasonError: without a reason.
        """
        self._check(by, Act.REFUSE)
        if not self._has_just(by, Act.REFUSE):
            self._turn_all(Act.REFUSE, now, by.email, how, reason=_said(reason), stroke=self._next_stroke())

    def withdraw(self, by: Person, now: datetime, *, reason: str = "", how: str = "web") -> None:
        """Who asked, or the merchandiser, takes it back before anything has left."""
        self._check(by, Act.WITHDRAW)
        if not self._has_just(by, Act.WITHDRAW):
            self._turn_all(
                Act.WITHDRAW, now, by.email, how, reason=_short(reason), stroke=self._next_stroke()
            )

    def accept(self, part: Consignment, by: Person, now: datetime, *, how: str = "web") -> None:
        """A giving store will send its part."""
        self._turn_part(Act.ACCEPT, part, by, now, how, reason="")

    def decline(self, part: Consignment, by: Person, now: datetime, *, reason: str, how: str = "web") -> None:
        """A giving store will not send its part, and why.

        Raises:
            InSeasonError: without a reason.
        """
        self._turn_part(Act.DECLINE, part, by, now, how, reason=_said(reason))

    def ship(self, part: Consignment, by: Person, now: datetime, *, on: date, how: str = "web") -> None:
        """A giving store has sent its part."""
        if self._turn_part(Act.SHIP, part, by, now, how, reason=""):
            part.shipped_on = on

    def receive(
        self,
        part: Consignment,
        by: Person,
        now: datetime,
        *,
        on: date,
        units: Mapping[str, int],
        how: str = "web",
    ) -> None:
        """The taking store has unpacked a part; what arrived may differ from what was asked for.

        Args:
            part: the consignment.
            by: who says so.
            now: when.
            on: the trading day from which the pieces are in the store's books.
            units: pieces that arrived, by sku; a sku left out arrived as asked.
            how: through which door.
        """
        counted = {line.sku: units.get(line.sku, line.units) for line in part.lines}
        if any(number < 0 for number in counted.values()):
            raise InSeasonError("Units received cannot be below zero.")
        told = f"{sum(counted.values())} of {part.units} arrived"
        if self._turn_part(Act.RECEIVE, part, by, now, how, reason=told):
            part.received_on = on
            for line in part.lines:
                line.received = counted[line.sku]

    def lapses(self, now: datetime, *, reason: str) -> None:
        """Nobody answered in time: what has not left is given free again; what is on its way stays."""
        stroke = self._next_stroke()
        gone = {DecisionState.SHIPPED, DecisionState.RECEIVED}
        if not any(part.state in gone for part in self.consignments):
            self._turn_all(Act.WITHDRAW, now, "", "night", reason=reason, stroke=stroke)
            return
        for part in self.consignments:
            if can(Flow.GOODS, part.state, Act.DECLINE):
                before, part.state = part.state, DecisionState.DECLINED
                self._note(now, "", "night", Act.DECLINE, before, stroke=stroke, part=part, reason=reason)
        self._settle(now)

    def may_undo(self, person: Person, now: datetime) -> bool:
        """Whether this person did the last thing to it, less than a minute ago."""
        last = self.events[-1] if self.events else None
        return (
            last is not None
            and last.who == person.email
            and last.act != UNDONE
            and now - last.at <= UNDO_WITHIN
        )

    def undo(self, by: Person, now: datetime, *, how: str = "web") -> None:
        """Take the last stroke back, within the minute, if nobody has done anything since.

        Raises:
            TransitionError: when the minute is over or the last stroke was somebody else's.
        """
        if not self.may_undo(by, now):
            raise TransitionError("This can no longer be undone: a minute has passed, or somebody went on.")
        last = [turn for turn in self.events if turn.stroke == self.events[-1].stroke]
        first: dict[int | None, DecisionEvent] = {}
        for turn in last:
            first.setdefault(turn.consignment_id, turn)
        parts = {part.consignment_id: part for part in self.consignments}
        stroke = self._next_stroke()
        for part_id, turn in first.items():
            part = None if part_id is None else parts[part_id]
            self._put_back(turn, part, now, by.email, how, stroke=stroke)
        self._settle(now)

    def _put_back(
        self,
        event: DecisionEvent,
        part: Consignment | None,
        now: datetime,
        who: str,
        how: str,
        *,
        stroke: int,
    ) -> None:
        whole: Decision | Consignment = part or self
        before, whole.state = whole.state, event.from_state or DecisionState.WITHDRAWN
        if part is not None and event.act == Act.SHIP:
            part.shipped_on = None
        if part is not None and event.act == Act.RECEIVE:
            part.received_on = None
            for line in part.lines:
                line.received = None
        self._note(now, who, how, UNDONE, before, stroke=stroke, part=part, reason="undone")

    def _go_on(self, now: datetime, who: str, how: str, *, reason: str, stroke: int) -> None:
        """Approve it; where one step is all there is, that is done as well."""
        self._turn_all(Act.APPROVE, now, who, how, reason=_short(reason), stroke=stroke)
        if self.flow is Flow.STEP:
            self._turn_all(Act.COMPLETE, now, who, how, reason="", stroke=stroke)

    def _accept_what_was_offered(self, now: datetime, how: str, *, stroke: int) -> None:
        """A store that has asked to send its own goods away has said yes to its part already."""
        for part in self.consignments:
            if part.from_store == self.store_id and part.state is DecisionState.APPROVED:
                before, part.state = part.state, after(Flow.GOODS, part.state, Act.ACCEPT)
                self._note(
                    now, self.requested_by, how, Act.ACCEPT, before, stroke=stroke, part=part, reason=""
                )
        self._settle(now)

    def _turn_all(self, act: Act, now: datetime, who: str, how: str, *, reason: str, stroke: int) -> None:
        """Turn the whole and every part that was not declined; all of them can, or nothing changes."""
        parts = [part for part in self.consignments if part.state is not DecisionState.DECLINED]
        wholes: tuple[Decision | Consignment, ...] = (self, *parts)
        turns = [(whole, after(self.flow, whole.state, act)) for whole in wholes]
        for whole, state in turns:
            before, whole.state = whole.state, state
            part = whole if isinstance(whole, Consignment) else None
            self._note(now, who, how, act, before, stroke=stroke, part=part, reason=reason)
        self.changed_at = now

    def _turn_part(
        self, act: Act, part: Consignment, by: Person, now: datetime, how: str, *, reason: str
    ) -> bool:
        """Turn one part, and the whole with it; False when this person has just done exactly that."""
        if not part.is_hands_of(by, act):
            raise NotYoursError("Only the store itself may say this.")
        if self._has_just(by, act, part):
            return False
        before, part.state = part.state, after(Flow.GOODS, part.state, act)
        self._note(now, by.email, how, act, before, stroke=self._next_stroke(), part=part, reason=reason)
        self._settle(now)
        return True

    def _settle(self, now: datetime) -> None:
        """The whole stands where its parts stand; a change of a part is a change of the whole."""
        if self.consignments:
            self.state = joint_state(part.state for part in self.consignments)
        self.changed_at = now

    def _check(self, by: Person, act: Act) -> None:
        asker = act is Act.WITHDRAW and self._is_asker(by)
        if not (asker or self.is_decided_by(by)):
            raise NotYoursError("Only the merchandiser of the category may decide this.")

    def _is_asker(self, person: Person) -> bool:
        return bool(self.store_id and _runs(person, self.store_id))

    def _has_just(self, by: Person, act: Act, part: Consignment | None = None) -> bool:
        """Whether the last stroke was this person's very act: a button pressed twice."""
        if not self.events:
            return False
        stroke, part_id = self.events[-1].stroke, part and part.consignment_id
        return any(
            event.act == act and event.who == by.email and event.consignment_id == part_id
            for event in self.events
            if event.stroke == stroke
        )

    def _next_stroke(self) -> int:
        return self.events[-1].stroke + 1 if self.events else 1

    def _note(
        self,
        now: datetime,
        who: str,
        how: str,
        act: str,
        before: DecisionState | None,
        *,
        stroke: int,
        part: Consignment | None,
        reason: str,
    ) -> None:
        whole = part or self
        self.events.append(
            DecisionEvent(
                consignment_id=part.consignment_id if part else None,
                stroke=stroke,
                at=now,
                who=who,
                how=how,
                act=str(act),
                from_state=before,
                to_state=whole.state,
                reason=reason,
            )
        )


@event.listens_for(DecisionEvent, "before_update")
@event.listens_for(DecisionEvent, "before_delete")
def _history_only_grows(*_: object) -> Never:
    raise InSeasonError("The history of a decision is never rewritten; add to it.")


def answers_for(person: Person, category: str) -> bool:
    """Whether a person decides about a category: its merchandiser, or the admin in their place."""
    if person.role is Role.STORE_MANAGER:
        return False
    own = person.category_names
    return own is None or category in own


def _runs(person: Person, store_id: str) -> bool:
    """Whether a person speaks for a store: its manager, or the admin in their place."""
    return person.role is Role.ADMIN or store_id in (person.store_ids or frozenset())


def _consignments_of(lines: Iterable[Mapping[str, Any]], taker: str | None) -> list[Consignment]:
    """The lines of an offer, gathered by who gives to whom."""
    parts: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for line in lines:
        if line.get("from_store"):
            parts.setdefault((line["from_store"], line.get("to_store") or taker or ""), []).append(line)
    return [_consignment(giver, to, own) for (giver, to), own in sorted(parts.items())]


def _consignment(giver: str, taker: str, lines: Sequence[Mapping[str, Any]]) -> Consignment:
    units: dict[str, int] = {}
    for line in lines:
        units[line["sku"]] = units.get(line["sku"], 0) + round(line["units"])
    days = {name: [line[name] for line in lines if line.get(name)] for name in ("ships_by", "arrives_on")}
    return Consignment(
        from_store=giver,
        to_store=taker,
        state=DecisionState.REQUESTED,
        ships_by=date.fromisoformat(min(days["ships_by"])) if days["ships_by"] else None,
        arrives_on=date.fromisoformat(max(days["arrives_on"])) if days["arrives_on"] else None,
        miles=next((float(line["miles"]) for line in lines if line.get("miles") is not None), None),
        lines=[ConsignmentLine(sku=sku, units=number) for sku, number in sorted(units.items())],
    )


def _said(reason: str) -> str:
    """A reason, which must be one."""
    if not reason.strip():
        raise InSeasonError("Say why in a few words, so that the others know.")
    return _short(reason)


def _short(reason: str) -> str:
    return " ".join(reason.split())[:_LONGEST_REASON]
