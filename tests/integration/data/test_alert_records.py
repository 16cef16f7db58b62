"""Alerts in the database: one live alert per fingerprint, and no lost change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import selectinload

from data.errors import ConflictError, InSeasonError, TransitionError
from data.records import LIVE, Alert, AlertEvent, DismissReason, Status


def open_alert(database, finding, now, **changes):
    with database.write() as session:
        alert = Alert.found(finding(**changes), business_date=date(2026, 6, 13), now=now)
        session.add(alert)
        session.flush()
        return alert.alert_id


def load(session, alert_id):
    return session.scalars(
        select(Alert).where(Alert.alert_id == alert_id).options(selectinload(Alert.events))
    ).one()


@pytest.mark.parametrize("status", LIVE)
def test_a_second_live_alert_about_the_same_thing_is_refused(database, finding, noon, status):
    first = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, first).status = status

    with pytest.raises(IntegrityError):
        open_alert(database, finding, noon)


@pytest.mark.parametrize("status", [status for status in Status if status not in LIVE])
def test_an_alert_that_is_over_makes_room_for_the_next(database, finding, noon, status):
    first = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, first).status = status

    assert open_alert(database, finding, noon) != first


def test_the_same_style_in_another_season_is_another_alert(database, finding, noon):
    assert open_alert(database, finding, noon) != open_alert(database, finding, noon, season_code="SU27")


def test_how_bad_it_is_does_not_make_it_another_alert(database, finding, noon):
    open_alert(database, finding, noon)

    with pytest.raises(IntegrityError):
        open_alert(database, finding, noon, units_lost=99.0)


def test_of_two_people_who_change_an_alert_at_once_the_second_is_told(database, finding, noon):
    alert_id = open_alert(database, finding, noon)

    def acknowledge_while_another_does() -> None:
        with database.write() as session:
            mine = load(session, alert_id)
            session.execute(
                Alert.__table__.update().where(Alert.__table__.c.alert_id == alert_id).values(version=2)
            )
            mine.acknowledge("ana@example.com", noon)

    with pytest.raises(ConflictError, match="Somebody else has changed this meanwhile"):
        acknowledge_while_another_does()

    with database.read() as session:
        assert [event.reason for event in load(session, alert_id).events] == ["found"]


def test_an_alert_read_in_one_block_and_changed_elsewhere_is_not_overwritten(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    with database.read() as session:
        stale = load(session, alert_id)
    with database.write() as session:
        load(session, alert_id).acknowledge("ana@example.com", noon)

    def acknowledge_what_was_read_before() -> None:
        with database.write() as session:
            session.add(stale)
            stale.acknowledge("bo@example.com", noon)

    with pytest.raises(ConflictError):
        acknowledge_what_was_read_before()

    with database.read() as session:
        assert load(session, alert_id).owner == "ana@example.com"


def test_every_change_leaves_its_trace_in_order(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, alert_id).acknowledge("ana@example.com", noon + timedelta(hours=1))
    with database.write() as session:
        load(session, alert_id).decided("reordered", "ana@example.com", noon + timedelta(hours=2), note="24")
    for days in (1, 2):
        with database.write() as session:
            on = date(2026, 6, 13) + timedelta(days=days)
            load(session, alert_id).clears(business_date=on, now=noon + timedelta(days=days))

    with database.read() as session:
        history = session.scalars(select(AlertEvent).order_by(AlertEvent.event_id)).all()

    assert [(e.what, e.from_status, e.to_status, e.who, e.how, e.reason) for e in history] == [
        ("fires", None, Status.OPEN, "", "night", "found"),
        ("acknowledge", Status.OPEN, Status.ACKNOWLEDGED, "ana@example.com", "web", "taken on"),
        ("decide", Status.ACKNOWLEDGED, Status.ACKNOWLEDGED, "ana@example.com", "web", "reordered: 24"),
        ("clears", Status.ACKNOWLEDGED, Status.ACKNOWLEDGED, "", "night", "not found"),
        ("clears", Status.ACKNOWLEDGED, Status.RESOLVED, "", "night", "not found 2 nights in a row"),
    ]


@pytest.mark.parametrize(
    "statement", ["UPDATE alert_events SET reason = 'nothing happened'", "DELETE FROM alert_events"]
)
def test_the_database_refuses_to_rewrite_the_history(database, finding, noon, statement):
    open_alert(database, finding, noon)

    with pytest.raises(DBAPIError, match="never rewritten"), database.write() as session:
        session.execute(text(statement))


def rewrite(session, alert):
    alert.events[0].reason = "nothing happened"


def drop(session, alert):
    session.delete(alert.events[0])


def empty(session, alert):
    alert.events.clear()


@pytest.mark.parametrize("change", [rewrite, drop, empty])
def test_no_session_rewrites_or_drops_the_history(database, finding, noon, change):
    alert_id = open_alert(database, finding, noon)

    def try_to_change() -> None:
        with database.write() as session:
            alert = load(session, alert_id)
            change(session, alert)

    with pytest.raises(InSeasonError, match="never rewritten"):
        try_to_change()


def test_a_decision_keeps_an_alert_with_its_owner_for_longer(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, alert_id).acknowledge("ana@example.com", noon)
    with database.write() as session:
        load(session, alert_id).decided("reordered", "bo@example.com", noon + timedelta(days=9))

    with database.read() as session:
        alert = load(session, alert_id)
        assert (alert.owner, alert.acknowledged_until) == ("ana@example.com", date(2026, 7, 7))


def test_what_was_put_off_twice_is_put_off_to_its_first_day_when_the_second_is_taken_back(
    database, finding, noon
):
    alert_id = open_alert(database, finding, noon)
    first, second = date(2026, 6, 20), date(2026, 7, 20)
    with database.write() as session:
        load(session, alert_id).snooze("ana@example.com", noon, first)
    with database.write() as session:
        load(session, alert_id).snooze("bo@example.com", noon + timedelta(hours=1), second)
    with database.write() as session:
        load(session, alert_id).undo("bo@example.com", noon + timedelta(hours=1, seconds=60))

    with database.read() as session:
        alert = load(session, alert_id)
        assert (alert.status, alert.snoozed_until) == (Status.SNOOZED, first)


@pytest.mark.parametrize(("by", "seconds"), [("ana@example.com", 61), ("bo@example.com", 1)])
def test_only_the_own_last_change_is_taken_back_and_only_within_a_minute(
    database, finding, noon, by, seconds
):
    alert_id = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, alert_id).acknowledge("ana@example.com", noon)

    with pytest.raises(TransitionError), database.write() as session:
        load(session, alert_id).undo(by, noon + timedelta(seconds=seconds))


def test_what_is_taken_back_from_somebody_who_had_it_is_theirs_again(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    with database.write() as session:
        load(session, alert_id).acknowledge("ana@example.com", noon)
    with database.write() as session:
        load(session, alert_id).dismiss("bo@example.com", noon, DismissReason.DUPLICATE)
    with database.write() as session:
        load(session, alert_id).undo("bo@example.com", noon)

    with database.read() as session:
        alert = load(session, alert_id)
        assert (alert.status, alert.owner, alert.closed_on) == (
            Status.ACKNOWLEDGED,
            "ana@example.com",
            None,
        )
        assert alert.acknowledged_until == date(2026, 6, 28)


def test_an_alert_put_off_to_a_day_that_has_been_or_beyond_a_year_is_refused(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    for until in (date(2026, 6, 14), date(2062, 6, 14)):
        with pytest.raises(InSeasonError, match="Choose a day"), database.write() as session:
            load(session, alert_id).snooze("ana@example.com", noon, until)


def test_a_resolved_alert_is_opened_by_nobody_but_the_night(database, finding, noon):
    alert_id = open_alert(database, finding, noon)
    with database.write() as session:
        alert = load(session, alert_id)
        for day in (14, 15):
            alert.clears(business_date=date(2026, 6, day), now=noon)

    with pytest.raises(TransitionError, match="opens by itself"), database.write() as session:
        load(session, alert_id).reopen("ana@example.com", noon)
