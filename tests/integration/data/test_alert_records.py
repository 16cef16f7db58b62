"""Alerts in the database: one live alert per fingerprint, and no lost change."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import selectinload

from data.errors import ConflictError
from data.records import LIVE, Alert, AlertEvent, Status


def open_alert(database, finding, now, **changes):
    with database.write() as session:
        alert = Alert.opened(finding(**changes), business_date=date(2026, 6, 13), now=now)
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
        assert [event.reason for event in load(session, alert_id).events] == ["opened"]


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
        load(session, alert_id).clears(business_date=date(2026, 6, 14), now=noon + timedelta(days=1))

    with database.read() as session:
        history = session.scalars(select(AlertEvent).order_by(AlertEvent.event_id)).all()

    assert [(event.from_status, event.to_status, event.who) for event in history] == [
        (None, Status.OPEN, ""),
        (Status.OPEN, Status.ACKNOWLEDGED, "ana@example.com"),
        (Status.ACKNOWLEDGED, Status.RESOLVED, ""),
    ]
