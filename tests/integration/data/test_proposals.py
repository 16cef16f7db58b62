"""Proposals on real records: who may do what, what an approval changes, and who comes second."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from threading import Barrier, Thread
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import DatabaseError

from data import proposals as proposing
from data.calendar_changes import CalendarChange, ChangeKind, change_calendar, newest_calendar
from data.calendar_rows import Scope
from data.calendar_versions import calendar_of, difference, newest_version_id
from data.errors import ConflictError, InSeasonError, NotYoursError, TransitionError
from data.proposals import Weighed
from data.records import (
    CalendarVersion,
    MarkdownStep,
    Person,
    PersonCategory,
    Product,
    Proposal,
    ProposalAct,
    ProposalEvent,
    ProposalState,
    Role,
    SellingWindow,
    Store,
)
from forecaster.plans import Markdown, Plan

if TYPE_CHECKING:
    from data.database import Database

TODAY = date(2026, 6, 14)
NOW = datetime(2026, 6, 14, 12, tzinfo=UTC)
FLOOR_SET, EXIT, LATER = date(2026, 2, 16), date(2026, 7, 5), date(2026, 8, 31)
IN_FORCE = Plan(FLOOR_SET, (Markdown(date(2026, 6, 29), 30.0),), EXIT)
LATE = Plan(FLOOR_SET, (Markdown(date(2026, 8, 3), 30.0),), LATER)


@dataclass
class Desk:
    """A chain whose swim trunks leave in July, and the people who may have a say in that."""

    database: Database

    def __post_init__(self) -> None:
        with self.database.write() as records:
            records.add_all(
                Store(store_id=store, name=store, climate_zone=zone)
                for store, zone in (("PHX", "hot"), ("SEA", "cool"))
            )
            records.add_all(
                Product(sku=category, style_id=category, category=category) for category in ("swim", "boots")
            )
            windows = [
                SellingWindow(category=category, season_code="SS26", floor_set=FLOOR_SET, exit=EXIT)
                for category in ("swim", "boots")
            ]
            step = MarkdownStep(
                category="swim", season_code="SS26", effective_from=date(2026, 6, 29), percent_off=30.0
            )
            records.add(
                CalendarVersion(
                    created_at=NOW, author="import", reason="first", windows=windows, markdown_steps=[step]
                )
            )
            self.jonas = _person("jonas", Role.MERCHANDISER, "swim")
            self.kim = _person("kim", Role.MERCHANDISER, "swim")
            self.bea = _person("bea", Role.MERCHANDISER, "boots")
            self.ada = _person("ada", Role.ADMIN)
            self.maya = _person("maya", Role.STORE_MANAGER)
            records.add_all([self.jonas, self.kim, self.bea, self.ada, self.maya])

    def weighed(self, *zones: str, today: Plan = IN_FORCE) -> Weighed:
        with self.database.read() as records:
            newest = newest_version_id(records)
        assert newest
        return Weighed("SS26", dict.fromkeys(zones or ("",), today), {"today": {}, "plan": {}}, TODAY, newest)

    def proposed(self, *zones: str, plan: Plan = LATE, forward: bool = True, **changes: Any) -> int:
        """A proposal of Jonas, put forward unless it is to stay a draft."""
        with self.database.write() as records:
            made = proposing.propose(
                records, category="swim", zones=zones, plan=plan, weighed=self.weighed(*zones),
                by=self.jonas, reason="they swim until September", now=NOW, **changes,
            )  # fmt: skip
            if forward:
                made.put_forward(self.jonas, NOW)
            return made.proposal_id

    def does(self, number: int, act: str, by: Person, **said: Any) -> Any:
        with self.database.write() as records:
            made = records.scalars(
                proposing.whole_proposals().where(Proposal.proposal_id == number).with_for_update()
            ).one()
            if act == "approve":
                return proposing.approve(records, made, by=by, now=NOW, today=TODAY, **said).version_id
            return getattr(made, act)(by, NOW, **said)

    def of(self, number: int) -> Proposal:
        with self.database.read() as records:
            return records.scalars(proposing.whole_proposals().where(Proposal.proposal_id == number)).one()

    def changes(self, category: str = "swim", **said: Any) -> None:
        """Somebody moves a date of the calendar in between."""
        change = CalendarChange(ChangeKind.EXTEND_EXIT, category, "SS26", date(2026, 7, 19), **said)
        with self.database.write() as records:
            change_calendar(records, change, author="kim", reason="a test", now=NOW, today=TODAY)


def _person(name: str, role: Role, *categories: str) -> Person:
    return Person(
        email=f"{name}@shop.example", name=name.title(), role=role, password_hash="x", created_at=NOW,
        is_active=True, stores=[], categories=[PersonCategory(category=each) for each in categories],
    )  # fmt: skip


@pytest.fixture
def desk(database: Database) -> Desk:
    return Desk(database)


def test_an_approved_proposal_is_a_new_version_of_the_calendar_for_its_zones_only(desk: Desk) -> None:
    number = desk.proposed("hot")
    made = desk.does(number, "approve", desk.kim, note="agreed on Monday")

    with desk.database.read() as records:
        before, after = calendar_of(records, 1), newest_calendar(records)
        version = records.get_one(CalendarVersion, made)
    assert after.version_id == made
    assert {(row.scope, row.what) for row in difference(before, after)} == {
        (Scope(climate_zone="hot"), "exit"),
        (Scope(climate_zone="hot"), "markdown"),
    }
    assert version.author == "kim@shop.example"
    assert version.reason == f"Proposal {number}: they swim until September"
    assert (desk.of(number).state, desk.of(number).calendar_version_id) == (ProposalState.APPROVED, made)


def test_who_did_what_and_why_is_written_down(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.does(number, "refuse", desk.ada, reason="  the set for school   needs the rails ")

    assert [
        (event.act, event.who, event.from_state, event.to_state, event.reason)
        for event in desk.of(number).events
    ] == [
        ("save", "jonas@shop.example", None, "draft", ""),
        ("forward", "jonas@shop.example", "draft", "proposed", ""),
        ("refuse", "ada@shop.example", "proposed", "refused", "the set for school needs the rails"),
    ]


def test_a_merchandiser_may_approve_their_own_proposal(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.does(number, "approve", desk.jonas)

    assert [event.who for event in desk.of(number).events] == ["jonas@shop.example"] * 3


@pytest.mark.parametrize("act", ["approve", "refuse", "withdraw"])
@pytest.mark.parametrize("who", ["bea", "maya"])
def test_nobody_decides_about_a_category_that_is_not_theirs(desk: Desk, act: str, who: str) -> None:
    number = desk.proposed("hot")
    with pytest.raises(NotYoursError):
        desk.does(number, act, getattr(desk, who), **({} if act == "approve" else {"reason": "no"}))


def test_nobody_proposes_for_a_category_that_is_not_theirs(desk: Desk) -> None:
    for who in (desk.bea, desk.maya):
        with desk.database.write() as records, pytest.raises(NotYoursError):
            proposing.propose(
                records, category="swim", zones=("hot",), plan=LATE, weighed=desk.weighed("hot"), by=who,
                reason="why not", now=NOW,
            )  # fmt: skip


def test_a_draft_belongs_to_who_wrote_it(desk: Desk) -> None:
    number = desk.proposed("hot", forward=False)

    with pytest.raises(NotYoursError, match="Only who wrote it"):
        desk.does(number, "put_forward", desk.kim)
    desk.does(number, "put_forward", desk.ada)


def test_what_is_decided_stays_decided(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.does(number, "withdraw", desk.jonas)

    with pytest.raises(TransitionError, match="withdrawn"):
        desk.does(number, "approve", desk.jonas)
    assert newest(desk) == 1


def test_a_draft_cannot_be_approved(desk: Desk) -> None:
    number = desk.proposed("hot", forward=False)

    with pytest.raises(TransitionError, match="a draft"):
        desk.does(number, "approve", desk.jonas)


def test_a_reason_is_needed_to_propose_and_to_refuse(desk: Desk) -> None:
    number = desk.proposed("hot")
    with pytest.raises(InSeasonError, match="Say why"):
        desk.does(number, "refuse", desk.jonas, reason="   ")


def test_a_calendar_that_changed_meanwhile_makes_the_figures_stale(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.changes(climate_zones=("cool",))

    with desk.database.read() as records:
        moved = proposing.stale(records, desk.of(number))
    assert [(row.scope.climate_zone, row.what, row.after) for row in moved] == [
        ("cool", "exit", date(2026, 7, 19))
    ]
    with pytest.raises(ConflictError, match=r"the exit is 19 July 2026 now.*Weigh it again"):
        desk.does(number, "approve", desk.jonas)
    assert desk.of(number).state is ProposalState.PROPOSED


def test_a_change_of_another_category_makes_nothing_stale(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.changes("boots")
    desk.does(number, "approve", desk.jonas)

    with desk.database.read() as records:
        exits = {(row.category, row.scope.climate_zone): row.exit for row in newest_calendar(records).windows}
    assert exits == {("swim", ""): EXIT, ("swim", "hot"): LATER, ("boots", ""): date(2026, 7, 19)}


def test_weighed_again_it_can_be_approved(desk: Desk) -> None:
    number = desk.proposed("hot")
    desk.changes(climate_zones=("cool",))
    with desk.database.write() as records:
        made = records.scalars(proposing.whole_proposals().where(Proposal.proposal_id == number)).one()
        proposing.weigh_again(made, desk.weighed("hot"), by=desk.kim, now=NOW)
    desk.does(number, "approve", desk.kim)

    assert [event.act for event in desk.of(number).events] == ["save", "forward", "weigh", "approve"]


def test_a_price_file_that_has_closed_meanwhile_is_respected(desk: Desk) -> None:
    soon = replace(LATE, markdowns=(Markdown(date(2026, 6, 16), 30.0),))
    number = desk.proposed("hot", plan=soon)

    with pytest.raises(InSeasonError, match="price file is closed"):
        desk.does(number, "approve", desk.jonas)


@pytest.mark.parametrize(
    ("plan", "told"),
    [
        (replace(LATE, rails=2.0), "one date for all"),
        (replace(IN_FORCE, exit=date(2026, 6, 10), markdowns=()), "past"),
    ],
)
def test_what_the_calendar_cannot_say_is_refused(desk: Desk, plan: Plan, told: str) -> None:
    number = desk.proposed("hot", plan=plan)

    with pytest.raises(InSeasonError, match=told):
        desk.does(number, "approve", desk.jonas)


def test_a_zone_without_stores_is_refused(desk: Desk) -> None:
    number = desk.proposed("nowhere")

    with pytest.raises(InSeasonError, match="No store lies in the climate zone 'nowhere'"):
        desk.does(number, "approve", desk.jonas)


def test_of_two_who_approve_at_the_same_moment_the_second_is_told(desk: Desk) -> None:
    numbers = [desk.proposed("hot"), desk.proposed("cool")]
    told: list[str] = []
    together = Barrier(2)

    def approves(number: int) -> None:
        together.wait()
        try:
            desk.does(number, "approve", desk.jonas)
            told.append("approved")
        except ConflictError:
            told.append("conflict")

    threads = [Thread(target=approves, args=(number,)) for number in numbers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["approved", "conflict"]
    assert newest(desk) == 2


def test_one_pressed_twice_at_the_same_moment_is_approved_once(desk: Desk) -> None:
    number = desk.proposed("hot")
    told: list[str] = []
    together = Barrier(2)

    def approves() -> None:
        together.wait()
        try:
            desk.does(number, "approve", desk.jonas)
            told.append("approved")
        except (TransitionError, ConflictError):
            told.append("told")

    threads = [Thread(target=approves) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(told) == ["approved", "told"]
    assert newest(desk) == 2


@pytest.mark.parametrize("change", [update(ProposalEvent).values(who="nobody"), delete(ProposalEvent)])
def test_the_history_is_never_rewritten(desk: Desk, change: Any) -> None:
    desk.proposed("hot")

    with pytest.raises(DatabaseError, match="never rewritten"), desk.database.write() as records:
        records.execute(change)


def test_the_states_are_found_by_an_index(desk: Desk) -> None:
    desk.proposed("hot")
    with desk.database.read() as records:
        waiting = select(Proposal).where(
            Proposal.state == ProposalState.PROPOSED, Proposal.category.in_(["swim"])
        )
        assert len(records.scalars(waiting).all()) == 1
        if desk.database.is_sqlite:
            plan = records.execute(
                text(
                    "EXPLAIN QUERY PLAN SELECT * FROM proposals "
                    "WHERE state = 'proposed' AND category = 'swim'"
                )
            ).all()
            assert "ix_proposals_state_category_proposal_id" in str(plan)


def test_what_may_be_pressed_follows_the_state(desk: Desk) -> None:
    draft, waiting = desk.of(desk.proposed("hot", forward=False)), desk.of(desk.proposed("hot"))

    assert {act for act in ProposalAct if draft.may(desk.jonas, act)} == {
        "change",
        "weigh",
        "forward",
        "withdraw",
    }
    assert {act for act in ProposalAct if waiting.may(desk.jonas, act)} == {
        "weigh", "approve", "refuse", "withdraw",
    }  # fmt: skip
    assert {act for act in ProposalAct if waiting.may(desk.kim, act)} == {"weigh", "approve", "refuse"}
    assert not {act for act in ProposalAct if waiting.may(desk.maya, act)}


def newest(desk: Desk) -> int | None:
    with desk.database.read() as records:
        return newest_version_id(records)
