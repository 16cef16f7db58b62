"""A mail server that refuses, hangs or dies, and senders that are killed: none is lost, none is doubled."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from data.clock import Clock
from data.database import Database
from data.records import LEASE, MailState, OutboxMail, Person, Role
from jobs import outbox
from jobs.outbox import Delivered, deliver_due
from tests.ground.services import REPOSITORY

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.ground.mail import MailServer

NOON = datetime(2026, 6, 7, 12, tzinfo=UTC)
MANY = 500
# A process that is killed at the one moment at which nobody can know whether its mail has left.
KILLED = """
import os, signal, sys
from datetime import datetime
from data.clock import Clock
from data.database import Database
from data.records import OutboxMail
from jobs.outbox import deliver_due

class StillClock(Clock):
    def __init__(self):
        pass
    def machine_now(self):
        return datetime.fromisoformat(sys.argv[3])

left = int(sys.argv[4])
mark = OutboxMail.sent

def mark_or_die(mail, now):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    mark(mail, now)

OutboxMail.sent = mark_or_die
database, url = Database(sys.argv[1]), sys.argv[2]
deliver_due(database, smtp_url=url, sender="night@shop.example", key="k" * 48, clock=StillClock())
"""


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
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A sender that waits a moment where the real one waits for a minute."""
    for name in ("_CONNECT_SECONDS", "_REPLY_SECONDS", "_TAKING_SECONDS"):
        monkeypatch.setattr(outbox, name, 0.4)


def write(database: Database, number: int, *addresses: str) -> None:
    """Mails that are due, to the addresses in turn."""
    given = addresses or ("a@shop.example",)
    with database.write() as session:
        person = Person(email="a@shop.example", name="A", role=Role.ADMIN, created_at=NOON, password_hash="x")
        session.add(person)
        session.flush()
        session.add_all(
            OutboxMail(
                person_id=person.person_id,
                business_date=date(2020, 1, 1) + timedelta(days=n),
                kind="digest",
                dedup_key=str(n),
                to_address=given[n % len(given)],
                subject=f"{n} new",
                text="plain",
                html="<p>rich</p>",
                message_id=f"<digest.{n}@shop.example>",
                created_at=NOON,
                due_at=NOON,
            )
            for n in range(number)
        )


def send(
    database: Database, server: MailServer | str, clock: Clock, *, budget: timedelta = outbox.BUDGET
) -> Delivered:
    url = server if isinstance(server, str) else server.url
    return deliver_due(
        database, smtp_url=url, sender="night@shop.example", key="k" * 48, clock=clock, budget=budget
    )


def states(database: Database) -> Counter[MailState]:
    with database.read() as session:
        return Counter(session.scalars(select(OutboxMail.state)))


def copies(server: MailServer) -> Counter[str]:
    """How often the server was given each mail."""
    return Counter(message["Message-ID"] for message in server.messages)


def killed(database: Database, server: MailServer, clock: StillClock, *, at: int) -> None:
    """Send in a process of its own that is killed as it marks its so-manyth mail."""
    url = database.url.render_as_string(hide_password=False)
    arguments = [url, server.url, clock.instant.isoformat(), str(at)]
    process = subprocess.run(
        [sys.executable, "-c", KILLED, *arguments], cwd=REPOSITORY, timeout=60, check=False
    )
    assert process.returncode == -signal.SIGKILL


@contextmanager
def listener(*says: bytes, pause: float = 0.0) -> Iterator[str]:
    """Whoever connects is told this, piece by piece, and nothing more."""
    stopped = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as door:
        door.settimeout(0.1)

        def serve() -> None:
            while not stopped.is_set():
                try:
                    guest, _ = door.accept()
                except TimeoutError:
                    continue
                with guest:
                    try:
                        for piece in says:
                            guest.sendall(piece)
                            stopped.wait(pause)
                        guest.settimeout(5)
                        while guest.recv(1024):
                            pass
                    except OSError:
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"smtp://127.0.0.1:{door.getsockname()[1]}"
        finally:
            stopped.set()
            thread.join()


@pytest.mark.parametrize("keeping", [False, True])
def test_a_server_that_dies_halfway_through_500_mails_loses_none_and_doubles_at_most_the_one_in_its_hands(
    database: Database, smtp_server: MailServer, clock: StillClock, keeping: bool
) -> None:
    write(database, MANY)
    smtp_server.die_after(200, keeping=keeping)

    first = send(database, smtp_server, clock)
    assert (first.sent, first.delayed, first.dead, first.waiting) == (200, 1, 0, MANY - 201)

    smtp_server.stop()
    smtp_server.come_back()
    smtp_server.recover()
    assert send(database, smtp_server, clock).sent == MANY - 201
    clock.instant += timedelta(hours=1)
    assert send(database, smtp_server, clock).sent == 1

    assert states(database) == {MailState.SENT: MANY}
    given = copies(smtp_server)
    assert len(given) == MANY
    assert sorted(given.values(), reverse=True)[:2] == [2 if keeping else 1, 1]


def test_two_senders_at_once_send_500_mails_once_each(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, MANY)
    results: list[Delivered] = []
    other = Database(database.url.render_as_string(hide_password=False))
    senders = [
        threading.Thread(target=lambda records=records: results.append(send(records, smtp_server, clock)))
        for records in (database, other)
    ]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    other.dispose()

    assert sum(result.sent for result in results) == MANY
    # Both had a hand in it.
    assert min(result.sent for result in results) > 0
    assert set(copies(smtp_server).values()) == {1}
    assert states(database) == {MailState.SENT: MANY}


def test_a_sender_killed_before_it_could_mark_a_mail_doubles_that_one_and_no_other(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 20)
    killed(database, smtp_server, clock, at=8)
    assert states(database) == {MailState.SENT: 7, MailState.PENDING: 13}

    # Another sender leaves it alone until its lease is over.
    assert send(database, smtp_server, clock).sent == 12
    clock.instant += LEASE + timedelta(seconds=1)
    assert send(database, smtp_server, clock).sent == 1

    assert states(database) == {MailState.SENT: 20}
    assert Counter(copies(smtp_server).values()) == {1: 19, 2: 1}


def test_a_mail_over_which_two_senders_died_is_given_up_and_never_sent_a_third_time(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 1)
    for _ in range(2):
        killed(database, smtp_server, clock, at=1)
        clock.instant += LEASE + timedelta(seconds=1)

    result = send(database, smtp_server, clock)

    assert (result.sent, result.dead) == (0, 1)
    assert copies(smtp_server) == {"<digest.0@shop.example>": 2}
    with database.read() as session:
        mail = session.scalars(select(OutboxMail)).one()
    assert mail.state is MailState.DEAD
    assert "handed over twice" in mail.last_error
    assert mail.given_up_at == clock.instant


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("keeping", [False, True])
def test_a_server_that_takes_a_mail_and_says_nothing_is_left_and_asked_again_once(
    database: Database, smtp_server: MailServer, clock: StillClock, keeping: bool
) -> None:
    write(database, 3)
    smtp_server.hang(keeping=keeping)
    started = time.monotonic()
    first = send(database, smtp_server, clock)
    assert time.monotonic() - started < 5
    assert (first.sent, first.delayed, first.waiting) == (0, 1, 2)

    smtp_server.recover()
    # It may still be thinking about the first: that one waits longest.
    clock.instant += timedelta(minutes=10)
    assert send(database, smtp_server, clock).sent == 2
    clock.instant += timedelta(minutes=21)
    assert send(database, smtp_server, clock).sent == 1

    assert max(copies(smtp_server).values()) == (2 if keeping else 1)
    assert states(database) == {MailState.SENT: 3}


@pytest.mark.usefixtures("impatient")
def test_a_server_that_always_takes_and_never_answers_gets_no_mail_a_third_time(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 2)
    smtp_server.hang(keeping=True)
    for _ in range(8):
        send(database, smtp_server, clock)
        clock.instant += timedelta(hours=7)

    assert set(copies(smtp_server).values()) == {2}
    assert states(database) == {MailState.DEAD: 2}


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("says", "pause"),
    [
        ((), 0.0),
        ((b"2", b"2", b"0", b" ", b"s", b"l", b"o", b"w", b"l", b"y", b" ", b"n", b"o", b"w"), 0.2),
        ((b"220 here\r\n",), 0.0),
        ((b"220 here\r\n", *(b"250-", *(b"x" for _ in range(20)))), 0.2),
    ],
    ids=["nothing", "a greeting byte by byte", "a greeting only", "an answer byte by byte"],
)
def test_a_server_that_hangs_holds_the_sender_no_longer_than_its_patience(
    database: Database, clock: StillClock, says: tuple[bytes, ...], pause: float
) -> None:
    write(database, 3)
    with listener(*says, pause=pause) as url:
        started = time.monotonic()
        result = send(database, url, clock)
        assert time.monotonic() - started < 3

    assert (result.sent, result.delayed, result.waiting) == (0, 1, 2)
    assert states(database) == {MailState.PENDING: 3}


def test_a_sender_stops_when_its_time_is_up_and_leaves_the_rest_for_the_next_round(
    database: Database, smtp_server: MailServer, clock: StillClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, 10)
    slow = outbox._message
    monkeypatch.setattr(outbox, "_message", lambda *given: (time.sleep(0.15), slow(*given))[1])

    result = send(database, smtp_server, clock, budget=timedelta(seconds=0.4))

    assert 1 <= result.sent < 10
    assert result.waiting == 10 - result.sent
    assert "wait for the next round" in result.sentence
    assert send(database, smtp_server, clock).sent == result.waiting
    assert set(copies(smtp_server).values()) == {1}


def test_recipients_refused_for_a_time_wait_and_those_refused_for_good_are_given_up_alone(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 6, "good@shop.example", "full@shop.example", "gone@shop.example")
    smtp_server.answer("full@shop.example", "452 Mailbox full")
    smtp_server.answer("gone@shop.example", "550 No such mailbox")

    result = send(database, smtp_server, clock)

    assert (result.sent, result.delayed, result.dead) == (2, 2, 2)
    with database.read() as session:
        errors = dict(session.execute(select(OutboxMail.to_address, OutboxMail.last_error)).all())
    assert errors["full@shop.example"] == "452 Mailbox full"
    assert errors["gone@shop.example"] == "550 No such mailbox"
    smtp_server.recover()
    clock.instant += timedelta(minutes=2)
    assert send(database, smtp_server, clock).sent == 2


def test_a_server_that_is_shutting_down_is_left_without_blaming_the_mail(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 3)
    smtp_server.fail("421 Shutting down")
    for _ in range(20):
        send(database, smtp_server, clock)
        clock.instant += timedelta(hours=7)
    assert states(database) == {MailState.PENDING: 3}

    smtp_server.recover()
    assert send(database, smtp_server, clock).sent == 3


def test_a_server_that_does_not_want_our_sender_kills_no_mail(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 3)

    async def refuse(*_: object) -> str:
        return "550 Relaying denied"

    smtp_server.handle_MAIL = refuse
    for _ in range(8):
        result = send(database, smtp_server, clock)
        assert (result.sent, result.delayed, result.dead) == (0, 1, 0)
        clock.instant += timedelta(hours=7)
    del smtp_server.handle_MAIL
    smtp_server.stop()
    smtp_server.come_back()

    assert send(database, smtp_server, clock).sent == 3


def test_a_mail_given_up_is_sent_after_all_when_somebody_asks(
    database: Database, smtp_server: MailServer, clock: StillClock
) -> None:
    write(database, 1)
    smtp_server.refuse()
    send(database, smtp_server, clock)
    smtp_server.recover()
    assert send(database, smtp_server, clock).sent == 0

    with database.write() as session:
        session.scalars(select(OutboxMail)).one().try_again(clock.instant)

    assert send(database, smtp_server, clock).sent == 1
