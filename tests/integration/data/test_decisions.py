"""Decisions in the database: who may do what, what follows, what is promised, and nothing twice."""

from __future__ import annotations

import threading
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import selectinload

from data.calendar_changes import (
    CalendarChange,
    ChangeKind,
    calendar_of,
    change_calendar,
    difference,
    roll_back,
)
from data.decisions import approve, decide, lapse_decisions, refuse, undo, whole_decisions, withdraw
from data.errors import ConflictError, InSeasonError, NotYoursError, TransitionError
from data.promises import coming_units, promised_units
from data.records import (
    Alert,
    AlertAction,
    CalendarVersion,
    Decision,
    DecisionState,
    KeepOpenRecord,
    MarkdownStep,
    Person,
    PersonCategory,
    PersonStore,
    Product,
    Role,
    Scope,
    SellingWindow,
    Status,
    Store,
    StoreKind,
    TestState,
)
from tests.unit.web.making import make_alert

TODAY = date(2026, 6, 14)
NIGHT = date(2026, 6, 13)
LATER = date(2026, 9, 6)
S = DecisionState


def person(
    name: str, role: Role, *, stores: tuple[str, ...] = (), categories: tuple[str, ...] = ()
) -> Person:
    return Person(
        email=f"{name.lower()}@example.com",
        name=name,
        role=role,
        stores=[PersonStore(store_id=store) for store in stores],
        categories=[PersonCategory(category=category) for category in categories],
    )


MAYA = person("Maya", Role.STORE_MANAGER, stores=("PHX1",))
NOOR = person("Noor", Role.STORE_MANAGER, stores=("SEA1",))
LEO = person("Leo", Role.STORE_MANAGER, stores=("LAX1",))
JONAS = person("Jonas", Role.MERCHANDISER, categories=("Swim trunks",))
OTHER = person("Olga", Role.MERCHANDISER, categories=("Snow boots",))
ADA = person("Ada", Role.ADMIN)


def line(giver: str, sku: str, units: int, **changes: Any) -> dict[str, Any]:
    plain = {
        "from_store": giver,
        "to_store": "PHX1",
        "sku": sku,
        "units": units,
        "miles": 12.5,
        "cost": 3.0,
        "ships_by": "2026-06-18",
        "arrives_on": "2026-06-22",
    }
    return plain | changes


OFFERS = {
    "transfer": {"lines": [line("SEA1", "TIDE-M", 3), line("SEA1", "TIDE-L", 2), line("LAX1", "TIDE-M", 4)]},
    "release_from_dc": {"lines": [line("DC1", "TIDE-M", 6)]},
    "reorder": {"sizes": [{"sku": "TIDE-M", "units": 12, "packs": 2, "pack_size": 6}]},
    "extend_exit": {"until": LATER.isoformat()},
    "hold_markdown": {"markdown": "2026-06-21", "weeks": 3.0},
    "bring_floor_set_forward": {"new_floor_set": "2026-06-20"},
    "count_shelf": {"skus": ["TIDE-M"]},
    "keep_open_test": {"stores": ["LAX1", "PHX1"], "until": "2026-08-16"},
}
RANKS = {kind: rank for rank, kind in enumerate(OFFERS, start=1)}


@pytest.fixture
def alert_id(database) -> int:
    """An open alert with one offer of every kind, stores around it, and a calendar."""
    with database.write() as session:
        session.add_all(
            Store(store_id=store, name=name, climate_zone=zone, kind=kind)
            for store, name, zone, kind in (
                ("PHX1", "Phoenix", "hot", StoreKind.STORE),
                ("SEA1", "Seattle", "cool", StoreKind.STORE),
                ("LAX1", "Los Angeles", "hot", StoreKind.STORE),
                ("DC1", "The centre", "", StoreKind.DC),
            )
        )
        session.add_all(
            Product(sku=f"TIDE-{size}", style_id="TIDE", category="Swim trunks", size=size) for size in "SML"
        )
        session.add(
            CalendarVersion(
                created_at=make_alert().events[0].at,
                author="calendar.csv",
                reason="imported",
                windows=[
                    SellingWindow(
                        category="Swim trunks",
                        season_code="SS26",
                        floor_set=date(2026, 2, 15),
                        exit=date(2026, 7, 5),
                    )
                ],
                markdown_steps=[
                    MarkdownStep(
                        category="Swim trunks",
                        season_code="SS26",
                        effective_from=date(2026, 6, 21),
                        percent_off=25,
                    )
                ],
            )
        )
        session.flush()
        alert = make_alert(None)
        alert.status = Status.OPEN
        session.add(alert)
        session.flush()
        offer(session, alert.alert_id)
        return alert.alert_id


def offer(session, alert_id: int) -> None:
    session.add_all(
        AlertAction(
            alert_id=alert_id,
            rank=RANKS[kind],
            kind=kind,
            units=9.0,
            cost=Decimal(30),
            benefit=Decimal(180),
            act_by=date(2026, 6, 18),
            details=details,
            evaluated_on=NIGHT,
        )
        for kind, details in OFFERS.items()
    )


def load_alert(session, alert_id: int) -> Alert:
    return session.scalars(
        select(Alert).where(Alert.alert_id == alert_id).options(selectinload(Alert.events))
    ).one()


def load(session, decision_id: int) -> Decision:
    return session.scalars(whole_decisions().where(Decision.decision_id == decision_id)).one()


def act(database, alert_id: int, kind: str, by: Person, now, **changes: Any) -> int:
    given = {"today": TODAY, "offered_on": NIGHT} | changes
    with database.write() as session:
        return decide(
            session, load_alert(session, alert_id), RANKS[kind], by=by, now=now, **given
        ).decision_id


def state_of(database, decision_id: int) -> tuple[DecisionState, list[DecisionState]]:
    with database.read() as session:
        decision = load(session, decision_id)
        return decision.state, [part.state for part in decision.consignments]


def turn(database, decision_id: int, act, *arguments: Any, **options: Any) -> None:
    """Do something to a decision, or with a store's name first, to the part that this store gives."""
    with database.write() as session:
        decision = load(session, decision_id)
        if isinstance(act, tuple):
            name, giver = act
            part = next(part for part in decision.consignments if part.from_store == giver)
            getattr(decision, name)(part, *arguments, **options)
        elif act is approve:
            act(session, decision, today=TODAY, **options)
        else:
            act(session, decision, **options)


def reasons(database, alert_id: int) -> list[str]:
    with database.read() as session:
        return [event.reason for event in load_alert(session, alert_id).events]


def version_count(database) -> int:
    with database.read() as session:
        return len(session.scalars(select(CalendarVersion.version_id)).all())


def windows(database) -> list[tuple[str, date, date]]:
    with database.read() as session:
        newest = max(session.scalars(select(CalendarVersion.version_id)))
        return sorted(
            (row.scope.store_id or row.scope.climate_zone, row.floor_set, row.exit)
            for row in calendar_of(session, newest).windows
        )


def test_a_manager_asks_the_merchandiser_approves_givers_send_and_the_taker_receives(
    database, alert_id, noon
):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)
    assert state_of(database, decision_id) == (S.REQUESTED, [S.REQUESTED] * 2)
    turn(database, decision_id, approve, by=JONAS, now=noon)
    assert state_of(database, decision_id) == (S.APPROVED, [S.APPROVED] * 2)
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    assert state_of(database, decision_id) == (S.APPROVED, [S.APPROVED, S.ACCEPTED])
    turn(database, decision_id, ("decline", "LAX1"), LEO, noon, reason="sold yesterday")
    assert state_of(database, decision_id) == (S.ACCEPTED, [S.DECLINED, S.ACCEPTED])
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)
    turn(database, decision_id, ("receive", "SEA1"), MAYA, noon, on=TODAY, units={"TIDE-M": 2})
    assert state_of(database, decision_id) == (S.RECEIVED, [S.DECLINED, S.RECEIVED])

    with database.read() as session:
        decision = load(session, decision_id)
        arrived = {row.sku: (row.units, row.received) for row in decision.consignments[1].lines}
        told = [(event.act, event.who, event.reason) for event in decision.events]
    assert arrived == {"TIDE-L": (2, 2), "TIDE-M": (3, 2)}
    assert ("decline", "leo@example.com", "sold yesterday") in told
    assert ("receive", "maya@example.com", "4 of 5 arrived") in told


def test_acting_takes_the_alert_on_and_is_written_into_its_history(database, alert_id, noon):
    act(database, alert_id, "transfer", MAYA, noon)

    with database.read() as session:
        alert = load_alert(session, alert_id)
    assert (alert.status, alert.owner) == (Status.ACKNOWLEDGED, "maya@example.com")
    assert reasons(database, alert_id)[-1] == "transfer_requested"


def test_acting_on_what_somebody_else_has_taken_on_leaves_it_theirs(database, alert_id, noon):
    with database.write() as session:
        load_alert(session, alert_id).acknowledge("jonas@example.com", noon)
    act(database, alert_id, "transfer", MAYA, noon)

    with database.read() as session:
        assert load_alert(session, alert_id).owner == "jonas@example.com"


def test_a_merchandiser_who_acts_himself_is_approved_at_once(database, alert_id, noon):
    assert state_of(database, act(database, alert_id, "transfer", JONAS, noon))[0] is S.APPROVED
    assert state_of(database, act(database, alert_id, "reorder", JONAS, noon))[0] is S.DONE
    assert reasons(database, alert_id)[-1] == "reordered"


def test_a_store_counts_its_own_shelf_without_asking(database, alert_id, noon):
    assert state_of(database, act(database, alert_id, "count_shelf", MAYA, noon))[0] is S.DONE
    assert reasons(database, alert_id)[-1] == "shelf_counted"


@pytest.mark.parametrize("kind", ["transfer", "reorder", "extend_exit"])
@pytest.mark.parametrize("stranger", [NOOR, OTHER], ids=["another store", "another category"])
def test_nobody_asks_for_others(database, alert_id, noon, kind, stranger):
    with pytest.raises(NotYoursError):
        act(database, alert_id, kind, stranger, noon)
    assert promised(database) == {}
    assert reasons(database, alert_id)[-1] != "transfer_requested"


@pytest.mark.parametrize("stranger", [MAYA, NOOR, OTHER])
def test_only_the_merchandiser_of_the_category_approves_or_refuses(database, alert_id, noon, stranger):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(NotYoursError):
        turn(database, decision_id, approve, by=stranger, now=noon)
    with pytest.raises(NotYoursError):
        turn(database, decision_id, refuse, by=stranger, now=noon, reason="no")
    assert state_of(database, decision_id)[0] is S.REQUESTED


@pytest.mark.parametrize(
    ("name", "stranger", "options"),
    [
        ("accept", MAYA, {}),
        ("accept", LEO, {}),
        ("accept", JONAS, {}),
        ("decline", LEO, {"reason": "no"}),
        ("ship", MAYA, {"on": TODAY}),
        ("receive", NOOR, {"on": TODAY, "units": {}}),
    ],
)
def test_nobody_speaks_for_another_store(database, alert_id, noon, name, stranger, options):
    decision_id = act(database, alert_id, "transfer", JONAS, noon)

    with pytest.raises(NotYoursError):
        turn(database, decision_id, (name, "SEA1"), stranger, noon, **options)


def test_the_merchandiser_speaks_for_the_distribution_centre(database, alert_id, noon):
    decision_id = act(database, alert_id, "release_from_dc", MAYA, noon)
    turn(database, decision_id, approve, by=JONAS, now=noon)
    turn(database, decision_id, ("accept", "DC1"), JONAS, noon)
    turn(database, decision_id, ("ship", "DC1"), JONAS, noon, on=TODAY)

    assert state_of(database, decision_id)[0] is S.SHIPPED
    assert reasons(database, alert_id)[-2:] == ["asked: release_from_dc", "released_from_dc"]


def test_a_refusal_needs_a_reason_and_the_alert_tells_it(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)
    with pytest.raises(InSeasonError, match="Say why"):
        turn(database, decision_id, refuse, by=JONAS, now=noon, reason="  ")
    turn(database, decision_id, refuse, by=JONAS, now=noon, reason="the others need it")

    assert state_of(database, decision_id) == (S.REFUSED, [S.REFUSED] * 2)
    assert reasons(database, alert_id)[-1] == "refused: transfer: the others need it"
    assert promised(database) == {}


def test_what_has_left_cannot_be_taken_back(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", JONAS, noon)
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)

    with pytest.raises(TransitionError, match="the goods are on their way"):
        turn(database, decision_id, withdraw, by=JONAS, now=noon)
    assert state_of(database, decision_id)[1] == [S.APPROVED, S.SHIPPED]


def test_pressing_twice_is_once(database, alert_id, noon):
    first = act(database, alert_id, "transfer", MAYA, noon)
    assert act(database, alert_id, "transfer", MAYA, noon) == first
    for _ in range(2):
        turn(database, first, approve, by=JONAS, now=noon)
    for _ in range(2):
        turn(database, first, ("accept", "SEA1"), NOOR, noon)

    with database.read() as session:
        acts = [event.act for event in load(session, first).events if event.consignment_id is None]
        accepted = [event for event in load(session, first).events if event.act == "accept"]
    assert (acts, len(accepted)) == (["request", "approve"], 1)
    assert reasons(database, alert_id).count("transfer_requested") == 1


def test_what_one_has_asked_for_another_cannot_ask_for_again(database, alert_id, noon):
    act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(ConflictError, match=r"maya@example.com has asked for this already"):
        act(database, alert_id, "transfer", JONAS, noon)


def test_an_offer_of_an_older_night_is_not_taken(database, alert_id, noon):
    with pytest.raises(ConflictError, match="the offers are new"):
        act(database, alert_id, "transfer", MAYA, noon, offered_on=NIGHT - timedelta(days=1))


def test_a_day_too_late_is_too_late(database, alert_id, noon):
    with pytest.raises(TransitionError, match="last day on which this helps is past"):
        act(database, alert_id, "transfer", MAYA, noon, today=date(2026, 6, 19))


def test_an_alert_that_is_over_is_not_acted_on(database, alert_id, noon):
    with database.write() as session:
        load_alert(session, alert_id).status = Status.RESOLVED

    with pytest.raises(TransitionError, match="nothing left to do"):
        act(database, alert_id, "transfer", MAYA, noon)


def test_pieces_offered_by_two_alerts_are_sent_once(database, alert_id, noon):
    with database.write() as session:
        second = make_alert(None, rule="stockout_in_season")
        second.status = Status.OPEN
        session.add(second)
        session.flush()
        offer(session, second.alert_id)
        other = second.alert_id
    act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(ConflictError, match="promised these pieces to Phoenix through another alert"):
        act(database, other, "transfer", MAYA, noon)


def promised(database, **options: Any) -> dict[tuple[str, str], int]:
    with database.read() as session:
        frame = promised_units(session, **options)
    assert list(frame.columns) == ["store", "sku", "units"]
    assert frame["units"].dtype == "int64"
    return {(row.store, row.sku): row.units for row in frame.itertuples()}


def test_what_is_asked_for_is_promised_until_it_has_left_the_books(database, alert_id, noon):
    assert promised(database) == {}
    decision_id = act(database, alert_id, "transfer", JONAS, noon)
    asked = {("LAX1", "TIDE-M"): 4, ("SEA1", "TIDE-L"): 2, ("SEA1", "TIDE-M"): 3}
    assert promised(database) == asked
    turn(database, decision_id, ("decline", "LAX1"), LEO, noon, reason="gone")
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    of_seattle = {key: units for key, units in asked.items() if key[0] == "SEA1"}
    assert promised(database) == of_seattle
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)

    assert promised(database) == {}
    assert promised(database, as_of=NIGHT) == of_seattle
    assert promised(database, as_of=TODAY) == {}


def test_what_comes_is_told_until_it_is_in_the_takers_books(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", JONAS, noon)
    turn(database, decision_id, ("decline", "LAX1"), LEO, noon, reason="gone")
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)
    with database.read() as session:
        coming = coming_units(session)
    assert coming.to_dict("records") == [
        {
            "store": "PHX1",
            "sku": "TIDE-L",
            "units": 2,
            "state": "shipped",
            "arrives_on": date_of("2026-06-22"),
        },
        {
            "store": "PHX1",
            "sku": "TIDE-M",
            "units": 3,
            "state": "shipped",
            "arrives_on": date_of("2026-06-22"),
        },
    ]
    turn(database, decision_id, ("receive", "SEA1"), MAYA, noon, on=TODAY, units={"TIDE-M": 1})
    with database.read() as session:
        assert coming_units(session).empty
        assert coming_units(session, as_of=NIGHT)["units"].tolist() == [2, 1]


def date_of(text: str):
    import pandas as pd

    return pd.Timestamp(text)


def test_what_nobody_answers_in_time_gives_the_stock_free_again(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)
    with database.write() as session:
        assert lapse_decisions(session, business_date=date(2026, 6, 18), now=noon) == 0
    with database.write() as session:
        assert lapse_decisions(session, business_date=date(2026, 6, 19), now=noon) == 1

    assert state_of(database, decision_id)[0] is S.WITHDRAWN
    assert promised(database) == {}
    assert reasons(database, alert_id)[-1] == "lapsed: transfer: nobody approved it in time"


def test_a_part_nobody_ships_lapses_alone_when_another_is_on_its_way(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", JONAS, noon)
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)
    with database.write() as session:
        assert lapse_decisions(session, business_date=date(2026, 6, 26), now=noon) == 1

    assert state_of(database, decision_id) == (S.SHIPPED, [S.DECLINED, S.SHIPPED])


def test_the_last_thing_done_can_be_undone_within_a_minute(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)
    turn(database, decision_id, approve, by=JONAS, now=noon)
    turn(database, decision_id, undo, by=JONAS, now=noon + timedelta(seconds=60))
    assert state_of(database, decision_id) == (S.REQUESTED, [S.REQUESTED] * 2)
    turn(database, decision_id, approve, by=JONAS, now=noon)
    turn(database, decision_id, ("accept", "SEA1"), NOOR, noon)
    turn(database, decision_id, ("ship", "SEA1"), NOOR, noon, on=TODAY)
    turn(database, decision_id, undo, by=NOOR, now=noon)

    assert state_of(database, decision_id) == (S.APPROVED, [S.APPROVED, S.ACCEPTED])
    assert promised(database, as_of=NIGHT)["SEA1", "TIDE-M"] == 3
    with database.read() as session:
        assert [part.shipped_on for part in load(session, decision_id).consignments] == [None, None]


@pytest.mark.parametrize(
    ("by", "later"), [(MAYA, timedelta(seconds=61)), (JONAS, timedelta(0))], ids=["too late", "not theirs"]
)
def test_no_more_can_be_undone_than_ones_own_last_minute(database, alert_id, noon, by, later):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(TransitionError, match="can no longer be undone"):
        turn(database, decision_id, undo, by=by, now=noon + later)


def test_asking_undone_is_taken_back_and_may_be_asked_again(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)
    turn(database, decision_id, undo, by=MAYA, now=noon)
    assert state_of(database, decision_id)[0] is S.WITHDRAWN
    with pytest.raises(TransitionError):
        turn(database, decision_id, undo, by=MAYA, now=noon)

    assert act(database, alert_id, "transfer", MAYA, noon) != decision_id


def test_extending_the_exit_makes_a_version_of_the_calendar_and_keeps_the_old(database, alert_id, noon):
    decision_id = act(database, alert_id, "extend_exit", MAYA, noon)
    assert version_count(database) == 1
    assert reasons(database, alert_id)[-1] == "asked: extend_exit"
    turn(database, decision_id, approve, by=JONAS, now=noon, until=date(2026, 8, 30))

    assert windows(database) == [
        ("", date(2026, 2, 15), date(2026, 7, 5)),
        ("PHX1", date(2026, 2, 15), date(2026, 8, 30)),
    ]
    assert reasons(database, alert_id)[-1] == "exit_extended"
    with database.read() as session:
        old, new = session.scalars(select(CalendarVersion).order_by(CalendarVersion.version_id))
        assert (new.author, new.reason) == ("Jonas", "exit extended: Swim trunks")
        rows = difference(calendar_of(session, old.version_id), calendar_of(session, new.version_id))
    assert [(row.scope.store_id, row.what, row.before, row.after) for row in rows] == [
        ("PHX1", "exit", date(2026, 7, 5), date(2026, 8, 30))
    ]


@pytest.mark.parametrize(
    ("kind", "name"), [("extend_exit", "exit_extended"), ("hold_markdown", "markdown_held")]
)
def test_a_change_of_the_calendar_can_be_undone_with_its_decision(database, alert_id, noon, kind, name):
    before = windows(database)
    decision_id = act(database, alert_id, kind, JONAS, noon)
    assert reasons(database, alert_id)[-1] == name
    with database.read() as session:
        old, new = (calendar_of(session, version) for version in session.scalars(
            select(CalendarVersion.version_id).order_by(CalendarVersion.version_id)))  # fmt: skip
        assert difference(old, new) != []
    turn(database, decision_id, undo, by=JONAS, now=noon)

    assert state_of(database, decision_id)[0] is S.WITHDRAWN
    assert version_count(database) == 3
    assert windows(database) == before
    with database.read() as session:
        newest = calendar_of(session, max(session.scalars(select(CalendarVersion.version_id))))
        assert difference(old, newest) == []


def test_a_markdown_is_held_by_the_weeks_that_were_offered(database, alert_id, noon):
    decision_id = act(database, alert_id, "hold_markdown", JONAS, noon)
    with database.read() as session:
        made = load(session, decision_id).calendar_version_id
        steps = {
            (row.scope.store_id, row.effective_from, row.percent_off)
            for row in calendar_of(session, made).steps
        }
    assert ("PHX1", date(2026, 7, 12), 25.0) in steps


def test_a_test_is_started_in_its_stores_and_can_be_taken_back(database, alert_id, noon):
    with database.write() as session:
        session.add(
            KeepOpenRecord(
                category="Swim trunks",
                season_code="SS26",
                exit=date(2026, 7, 5),
                state=TestState.PROPOSED,
                proposed_on=NIGHT,
                reads_on=date(2026, 8, 17),
                expected_units=20.0,
                expected_cost=Decimal(300),
                margin_at_stake=Decimal(900),
                standard_error=0.2,
                design={"stores": ["LAX1", "PHX1"]},
            )
        )
    decision_id = act(database, alert_id, "keep_open_test", JONAS, noon)
    assert [row for row in windows(database) if row[0]] == [
        ("LAX1", date(2026, 2, 15), date(2026, 8, 16)),
        ("PHX1", date(2026, 2, 15), date(2026, 8, 16)),
    ]
    assert state_of_test(database) == TestState.RUNNING
    turn(database, decision_id, undo, by=JONAS, now=noon)
    assert state_of_test(database) == TestState.PROPOSED
    assert [row for row in windows(database) if row[0]] == []


def state_of_test(database) -> TestState | None:
    with database.read() as session:
        return session.scalar(select(KeepOpenRecord.state))


@pytest.mark.parametrize(
    ("stores", "rows"),
    [
        (["LAX1"], [("LAX1", LATER)]),
        (["LAX1", "PHX1"], [("hot", LATER)]),
    ],
    ids=["some of the zone's stores", "all of them"],
)
def test_an_exit_is_extended_wholly_or_in_part(database, alert_id, noon, stores, rows):
    with database.write() as session:
        zone = make_alert(None, store_id="", style_id="", scope=Scope.ZONE, climate_zone="hot")
        zone.status = Status.OPEN
        session.add(zone)
        session.flush()
        details = {"until": LATER.isoformat(), "stores": [{"store": store, "wins": 4.0} for store in stores]}
        session.add(
            AlertAction(
                alert_id=zone.alert_id,
                rank=4,
                kind="extend_exit",
                units=8.0,
                details=details,
                evaluated_on=NIGHT,
            )
        )
        session.flush()
        other = zone.alert_id
    act(database, other, "extend_exit", JONAS, noon)

    assert [(where, leaves) for where, _, leaves in windows(database) if where] == rows


def test_a_day_that_is_past_changes_nothing(database, alert_id, noon):
    with pytest.raises(InSeasonError, match="13 June 2026 is past"):
        act(database, alert_id, "extend_exit", JONAS, noon, until=NIGHT)
    assert version_count(database) == 1
    assert reasons(database, alert_id)[-1] != "exit_extended"


def change(**changes: Any) -> CalendarChange:
    plain = {"kind": ChangeKind.EXTEND_EXIT, "category": "Swim trunks", "season_code": "SS26", "to": LATER}
    return CalendarChange(**(plain | changes))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"store_ids": ("NOWHERE",)}, "There is no store 'NOWHERE'"),
        ({"climate_zones": ("lunar",)}, "No store lies in the climate zone 'lunar'"),
        ({"style_ids": ("BOOT",)}, "There is no style 'BOOT' in Swim trunks"),
        ({"season_code": "SS99"}, "The calendar has no season 'SS99' of Swim trunks"),
    ],
)
def test_a_scope_that_does_not_exist_is_refused(database, alert_id, noon, changes, told):
    with pytest.raises(InSeasonError, match=told), database.write() as session:
        change_calendar(session, change(**changes), author="Jonas", reason="try", now=noon, today=TODAY)
    assert version_count(database) == 1


def test_who_has_seen_an_older_calendar_is_told_who_changed_it(database, alert_id, noon):
    with database.write() as session:
        change_calendar(session, change(), author="Jonas", reason="people swim", now=noon, today=TODAY)

    stale = change(store_ids=("PHX1",), to=date(2026, 10, 1), based_on=1)
    with (
        pytest.raises(ConflictError, match=r"Jonas has changed the calendar meanwhile \(people swim\)"),
        database.write() as session,
    ):
        change_calendar(session, stale, author="Olga", reason="me too", now=noon, today=TODAY)


def test_of_two_who_change_the_calendar_at_once_none_is_lost(database, alert_id, noon):
    ready, told = threading.Barrier(2), []

    def move(store: str) -> None:
        ready.wait(10)
        try:
            with database.write() as session:
                change_calendar(
                    session, change(store_ids=(store,)), author=store, reason="now", now=noon, today=TODAY
                )
        except ConflictError as error:
            told.append(str(error))

    both = [threading.Thread(target=move, args=(store,)) for store in ("PHX1", "SEA1")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)

    moved = {row[0] for row in windows(database)} - {""}
    assert len(moved) + len(told) == 2
    assert len(moved) == version_count(database) - 1
    assert all("has changed the calendar meanwhile" in sentence for sentence in told)


def test_going_back_says_again_what_the_old_version_said(database, alert_id, noon):
    before = windows(database)
    with database.write() as session:
        change_calendar(session, change(), author="Jonas", reason="people swim", now=noon, today=TODAY)
    with database.write() as session:
        roll_back(session, 1, author="Jonas", reason="too early", now=noon, based_on=2)

    assert windows(database) == before
    assert version_count(database) == 3
    with pytest.raises(InSeasonError, match="no older calendar 7"), database.write() as session:
        roll_back(session, 7, author="Jonas", reason="?", now=noon)


def test_of_two_who_decide_at_once_the_second_is_told(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)

    def approve_while_another_does() -> None:
        with database.write() as session:
            mine = load(session, decision_id)
            table = Decision.__table__
            session.execute(table.update().where(table.c.decision_id == decision_id).values(version=9))
            mine.approve(JONAS, noon)

    with pytest.raises(ConflictError, match="Somebody else has changed this meanwhile"):
        approve_while_another_does()
    assert state_of(database, decision_id)[0] is S.REQUESTED


def test_two_givers_who_accept_at_once_are_both_counted(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", JONAS, noon)
    ready = threading.Barrier(2)

    def accept(giver: str, by: Person) -> None:
        ready.wait(10)
        with database.write() as session:
            query = whole_decisions().where(Decision.decision_id == decision_id)
            decision = session.scalars(query.with_for_update(of=Decision)).one()
            part = next(part for part in decision.consignments if part.from_store == giver)
            decision.accept(part, by, noon)

    both = [
        threading.Thread(target=accept, args=pair)
        for pair in (
            ("SEA1", person("Noor", Role.STORE_MANAGER, stores=("SEA1",))),
            ("LAX1", person("Leo", Role.STORE_MANAGER, stores=("LAX1",))),
        )
    ]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join(20)
    assert state_of(database, decision_id) == (S.ACCEPTED, [S.ACCEPTED] * 2)


@pytest.mark.parametrize("statement", ["UPDATE decision_events SET who = 'x'", "DELETE FROM decision_events"])
def test_the_history_is_never_rewritten(database, alert_id, noon, statement):
    act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(DBAPIError, match="never rewritten"), database.write() as session:
        session.execute(text(statement))


def test_no_event_is_changed_through_its_record(database, alert_id, noon):
    decision_id = act(database, alert_id, "transfer", MAYA, noon)

    with pytest.raises(InSeasonError, match="never rewritten"), database.write() as session:
        load(session, decision_id).events[0].who = "x"


def test_a_store_that_offers_its_own_goods_need_not_accept_them(database, alert_id, noon):
    with database.write() as session:
        given = make_alert(None, rule="stock_outlasts_season", store_id="SEA1")
        given.status = Status.OPEN
        session.add(given)
        session.flush()
        offer(session, given.alert_id)
        other = given.alert_id
    with database.write() as session:
        action = session.scalars(
            select(AlertAction).where(AlertAction.alert_id == other, AlertAction.kind == "transfer")
        ).one()
        action.details = {"lines": [line("SEA1", "TIDE-M", 3), line("SEA1", "TIDE-L", 1, to_store="LAX1")]}
    decision_id = act(database, other, "transfer", NOOR, noon)
    turn(database, decision_id, approve, by=JONAS, now=noon)

    assert state_of(database, decision_id) == (S.ACCEPTED, [S.ACCEPTED] * 2)
