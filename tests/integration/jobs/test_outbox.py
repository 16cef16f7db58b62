"""Mails leave through a real server: once each, later when it fails, never lost."""

from __future__ import annotations

import socket
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from data.clock import Clock
from data.records import MailState, OutboxMail, Person, Role
from jobs.outbox import deliver_due

if TYPE_CHECKING:
    from data.database import Database
    from tests.ground.mail import MailServer

NOON = datetime(2026, 6, 7, 12, tzinfo=UTC)


class StillClock(Clock):
    """A clock that tells one instant until it is set."""

    def __init__(self, instant: datetime) -> None:
        self.instant = instant

    def machine_now(self) -> datetime:
        return self.instant


@pytest.fixture
def clock() -> StillClock:
    return StillClock(NOON)


@pytest.fixture
def unused_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def mails(database: Database) -> list[int]:
    """Three mails that are due."""
    with database.write() as session:
        person = Person(email="a@shop.example", name="A", role=Role.ADMIN, created_at=NOON, password_hash="x")
        session.add(person)
        session.flush()
        rows = [
            OutboxMail(
                person_id=person.person_id,
                business_date=date(2026, 6, number),
                kind="digest",
                dedup_key=str(number),
                to_address="a@shop.example",
                subject=f"3 new: Phönix {number}",
                text="plain and text",
                html="<p>rich and text</p>",
                message_id=f"<digest.{number}@shop.example>",
                created_at=NOON,
                due_at=NOON,
            )
            for number in (1, 2, 3)
        ]
        session.add_all(rows)
        session.flush()
        return [row.mail_id for row in rows]


def send(database: Database, server: MailServer | str, clock: Clock) -> tuple[int, int, int]:
    url = server if isinstance(server, str) else server.url
    result = deliver_due(
        database, smtp_url=url, sender="InSeason <night@shop.example>", key="k" * 48, clock=clock
    )
    return result.sent, result.delayed, result.dead


def states(database: Database) -> list[MailState]:
    with database.read() as session:
        return list(session.scalars(select(OutboxMail.state).order_by(OutboxMail.mail_id)))


def test_every_due_mail_leaves_once(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    assert send(database, smtp_server, clock) == (3, 0, 0)
    assert send(database, smtp_server, clock) == (0, 0, 0)
    assert len(smtp_server.messages) == len(mails)
    assert states(database) == [MailState.SENT] * 3


def test_a_mail_is_told_as_text_and_as_html_under_a_fixed_id(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    send(database, smtp_server, clock)

    message = smtp_server.messages[0]
    assert message["Message-ID"] == "<digest.1@shop.example>"
    assert message["Subject"] == "3 new: Phönix 1"
    assert message["From"] == "InSeason <night@shop.example>"
    assert smtp_server.recipients[0] == ["a@shop.example"]
    assert message.get_body(["plain"]).get_content().strip() == "plain and text"
    assert "rich and text" in message.get_body(["html"]).get_content()


def test_a_server_that_fails_for_a_time_delays_mail_and_loses_none(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    smtp_server.fail()
    assert send(database, smtp_server, clock)[0] == 0
    smtp_server.recover()
    clock.instant += timedelta(hours=1)
    send(database, smtp_server, clock)

    assert states(database) == [MailState.SENT] * 3
    assert len({message["Message-ID"] for message in smtp_server.messages}) == len(smtp_server.messages) == 3


def test_a_server_that_is_not_there_is_tried_again_with_growing_waits(
    database: Database, mails: list[int], clock: StillClock, unused_port: int
) -> None:
    waits = []
    for _ in range(5):
        send(database, f"smtp://127.0.0.1:{unused_port}", clock)
        with database.read() as session:
            mail = session.get_one(OutboxMail, mails[0])
        waits.append(mail.due_at - clock.instant)
        clock.instant = mail.due_at
        with database.write() as session:
            session.execute(
                update(OutboxMail).where(OutboxMail.mail_id != mails[0]).values(due_at=clock.instant)
            )

    assert waits == [
        timedelta(minutes=1),
        timedelta(minutes=5),
        timedelta(minutes=30),
        timedelta(hours=2),
        timedelta(hours=6),
    ]
    assert states(database) == [MailState.PENDING] * 3


def test_after_the_last_wait_a_mail_is_given_up_and_says_why(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    smtp_server.fail("451 greylisted")
    for _ in range(6 * len(mails)):
        send(database, smtp_server, clock)
        clock.instant += timedelta(hours=7)

    assert states(database) == [MailState.DEAD] * 3
    with database.read() as session:
        assert "greylisted" in session.get_one(OutboxMail, mails[0]).last_error


def test_an_address_refused_for_good_is_not_tried_again_and_stops_nobody_else(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    smtp_server.refuse()

    assert send(database, smtp_server, clock) == (0, 0, 3)
    assert states(database) == [MailState.DEAD] * 3


def test_a_mail_that_cannot_be_written_is_given_up_and_stops_nobody_else(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    with database.write() as session:
        session.get_one(OutboxMail, mails[0]).subject = "two\nlines"

    assert send(database, smtp_server, clock) == (2, 0, 1)
    assert states(database) == [MailState.DEAD, MailState.SENT, MailState.SENT]


def test_a_server_that_is_away_for_days_loses_no_mail(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock, unused_port: int
) -> None:
    for _ in range(30):
        send(database, f"smtp://127.0.0.1:{unused_port}", clock)
        clock.instant += timedelta(hours=7)

    assert send(database, smtp_server, clock) == (3, 0, 0)


def test_a_mail_leased_by_a_sender_at_work_is_left_to_it(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    with database.write() as session:
        session.get_one(OutboxMail, mails[0]).leased_until = NOON + timedelta(minutes=1)

    assert send(database, smtp_server, clock) == (2, 0, 0)

    clock.instant += timedelta(minutes=2)
    assert send(database, smtp_server, clock) == (1, 0, 0)


def test_the_picture_travels_inside_the_mail_beside_the_html_that_shows_it(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    with database.write() as session:
        mail = session.get_one(OutboxMail, mails[0])
        mail.chart = b"\x89PNG and the rest"
        mail.html = f'<p>rich</p><img src="cid:{mail.chart_cid}">'
    send(database, smtp_server, clock)

    message = smtp_server.messages[0]
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == ["multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png"]
    [*_, picture] = message.walk()
    assert picture["Content-ID"] == "<chart.digest.1@shop.example>"
    assert picture.get_content_disposition() == "inline"
    assert picture.get_content() == b"\x89PNG and the rest"
    assert [part.get_content_type() for part in smtp_server.messages[1].walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]


def test_a_mail_can_be_stopped_from_the_program_that_shows_it(
    database: Database, mails: list[int], smtp_server: MailServer, clock: StillClock
) -> None:
    address = f"https://inseason.shop.example/a/long/way/mails/stop/{'x' * 90}.{'y' * 27}"
    with database.write() as session:
        session.get_one(OutboxMail, mails[0]).unsubscribe_url = address
    send(database, smtp_server, clock)

    # As it stands on the wire: no program looks for an address in encoded words or across lines.
    headers = dict(smtp_server.messages[0].raw_items())
    assert headers["List-Unsubscribe"] == f"<{address}>"
    assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert "List-Unsubscribe" not in smtp_server.messages[1]
    assert max(len(line) for line in smtp_server.messages[0].as_bytes().splitlines()) <= 998
