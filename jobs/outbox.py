"""Send what waits in the outbox: each mail is leased, handed over, marked; a failing server only delays."""

from __future__ import annotations

import logging
import smtplib
import socket
import ssl
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import func, or_, select

from data.account_links import words_to_send
from data.records import MailState, OutboxMail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import ColumnElement

    from data.clock import Clock
    from data.database import Database

# All together well below the lease: a sender at work never loses a mail to another one.
_CONNECT_SECONDS: Final = 20.0
_REPLY_SECONDS: Final = 20.0
_TAKING_SECONDS: Final = 60.0
BUDGET: Final = timedelta(minutes=10)

_SEND_ON: Final = 354
_CLOSING: Final = 421
_FOR_GOOD: Final = 500
_TOO_LARGE: Final = 552
# A header is one line, however long: folded and encoded, no program would find the address in it.
_LONGEST_LINE: Final = 998
_LATE: Final = "The link in it was out of date, used or replaced before it could leave"
_log = logging.getLogger(__name__)


@dataclass
class Delivered:
    """How many mails left, could not yet, or not at all; and how many still wait for their first try."""

    sent: int = 0
    delayed: int = 0
    dead: int = 0
    waiting: int = 0

    @property
    def sentence(self) -> str:
        """For the night's record."""
        told = f"{self.sent} sent, {self.delayed} delayed, {self.dead} given up"
        return f"{told}, {self.waiting} wait for the next round" if self.waiting else told


def deliver_due(
    database: Database, *, smtp_url: str, sender: str, key: str, clock: Clock, budget: timedelta = BUDGET
) -> Delivered:
    """Send every mail that is due, for as long as the server answers and the budget lasts.

    Every mail leaves once, with one exception: where the server had all of it and said nothing, or the
    process died before it could write the answer down, it is sent once more under the same Message-ID, and
    never a third time. When the server cannot be reached, all wait.

    Args:
        database: the records.
        smtp_url: smtp://user:password@host:port, smtps:// for TLS from the start, ?starttls=true to switch.
        sender: the From address.
        key: the service's secret key, with which the links that set a password are completed.
        clock: tells now.
        budget: no further mail is begun when this has passed.
    """
    result, until = Delivered(), time.monotonic() + budget.total_seconds()
    first = _first_due(database, clock.machine_now())
    if first is None:
        return result
    try:
        with _connected(smtp_url) as server:
            while time.monotonic() < until and (mail := _lease_next(database, clock, result)):
                words = _words(database, mail, key, clock, result)
                if words and not _hand_over(database, server, mail, words, sender, clock, result):
                    break
    except (OSError, smtplib.SMTPException) as error:
        _mark_unreached(database, first, clock, error, result)
    result.waiting = _due_now(database, clock.machine_now())
    return result


def _due(now: datetime) -> tuple[ColumnElement[bool], ...]:
    free = or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until < now)
    return OutboxMail.state == MailState.PENDING, OutboxMail.due_at <= now, free


def _first_due(database: Database, now: datetime) -> int | None:
    with database.read() as session:
        return session.scalar(select(func.min(OutboxMail.mail_id)).where(*_due(now)))


def _due_now(database: Database, now: datetime) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(OutboxMail).where(*_due(now))) or 0


def _lease_next(database: Database, clock: Clock, result: Delivered) -> OutboxMail | None:
    """Take one due mail in hand; a row that another sender holds is passed over, not waited for.

    What went wrong before comes last: a mail on which the server chokes holds up no other.
    """
    while True:
        now = clock.machine_now()
        due = select(OutboxMail).where(*_due(now)).limit(1).with_for_update(skip_locked=True)
        with database.write() as session:
            mail = session.scalars(due.order_by(OutboxMail.unconfirmed, OutboxMail.mail_id)).first()
            if mail is None or mail.lease(now):
                return mail
            result.dead += 1


def _words(
    database: Database, mail: OutboxMail, key: str, clock: Clock, result: Delivered
) -> tuple[str, str] | None:
    """Text and HTML as they leave; None, and the mail given up, when its link is good no more."""
    with database.read() as session:
        words = words_to_send(session, mail, key=key, now=clock.machine_now())
    if words is None:
        with database.write() as session:
            kept = session.get_one(OutboxMail, mail.mail_id, with_for_update=True)
            kept.refused(clock.machine_now(), _LATE, final=True)
        _count(kept, result)
    return words


def _hand_over(
    database: Database,
    server: _Conversation,
    mail: OutboxMail,
    words: tuple[str, str],
    sender: str,
    clock: Clock,
    result: Delivered,
) -> bool:
    """Give one mail to the server; False when the server can take no other.

    What is wrong with this mail alone stops no other.
    """
    try:
        message = _message(mail, words, sender)
    except Exception as error:  # noqa: BLE001  # the library has no error of its own for a malformed header
        _mark_refused(database, mail, clock, error, final=True, result=result)
        return True
    server.may_have_taken = False
    try:
        server.send_message(message)
    except (
        smtplib.SMTPRecipientsRefused,
        smtplib.SMTPSenderRefused,
        smtplib.SMTPDataError,
        smtplib.SMTPNotSupportedError,
    ) as error:
        return _refused(database, server, mail, clock, error, result)
    except (OSError, smtplib.SMTPException) as error:
        _mark_delayed(database, mail, clock, error, result, unanswered=server.may_have_taken)
        return False
    with database.write() as session:
        session.get_one(OutboxMail, mail.mail_id, with_for_update=True).sent(clock.machine_now())
    result.sent += 1
    return True


def _refused(
    database: Database,
    server: _Conversation,
    mail: OutboxMail,
    clock: Clock,
    error: smtplib.SMTPException,
    result: Delivered,
) -> bool:
    """The server said no: to this mail, or to us; False when it is to us."""
    code = _code(error)
    of_sender = isinstance(error, smtplib.SMTPSenderRefused) and code != _TOO_LARGE
    if code == _CLOSING or of_sender:
        _mark_delayed(database, mail, clock, error, result, unanswered=False)
        return False
    _mark_refused(database, mail, clock, error, final=code >= _FOR_GOOD, result=result)
    with suppress(smtplib.SMTPException):
        server.rset()
    return True


def _code(error: smtplib.SMTPException) -> int:
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return max((code for code, _ in error.recipients.values()), default=0)
    # A mail that needs what the server cannot do will never be taken.
    return error.smtp_code if isinstance(error, smtplib.SMTPResponseException) else _FOR_GOOD


def _mark_refused(
    database: Database,
    mail: OutboxMail,
    clock: Clock,
    error: Exception,
    *,
    final: bool,
    result: Delivered,
) -> None:
    with database.write() as session:
        kept = session.get_one(OutboxMail, mail.mail_id, with_for_update=True)
        kept.refused(clock.machine_now(), _told(error), final=final)
    _count(kept, result)


def _mark_delayed(
    database: Database,
    mail: OutboxMail,
    clock: Clock,
    error: Exception,
    result: Delivered,
    *,
    unanswered: bool,
) -> None:
    _log.warning("mail server: %s", type(error).__name__)
    with database.write() as session:
        kept = session.get_one(OutboxMail, mail.mail_id, with_for_update=True)
        # Another sender has it by now when this process was stopped for longer than its lease.
        if kept.state is not MailState.PENDING or kept.leased_until != mail.leased_until:
            return
        if unanswered:
            kept.unanswered(clock.machine_now(), _told(error))
        else:
            kept.delayed(clock.machine_now(), _told(error))
    _count(kept, result)


def _mark_unreached(
    database: Database, mail_id: int, clock: Clock, error: Exception, result: Delivered
) -> None:
    """Nobody answered: the first mail waits, and says why; the next round begins with another one."""
    _log.warning("mail server: %s", type(error).__name__)
    now = clock.machine_now()
    with database.write() as session:
        same = select(OutboxMail).where(OutboxMail.mail_id == mail_id, *_due(now)).with_for_update()
        mail = session.scalars(same).one_or_none()
        if mail is None:
            return
        mail.delayed(now, _told(error))
    _count(mail, result)


def _count(mail: OutboxMail, result: Delivered) -> None:
    result.dead += mail.state is MailState.DEAD
    result.delayed += mail.state is not MailState.DEAD


def _told(error: Exception) -> str:
    """The server's words, or what became of it, for whoever looks after the mails."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return "; ".join(_answer(code, words) for code, words in error.recipients.values())
    if isinstance(error, smtplib.SMTPResponseException):
        return _answer(error.smtp_code, error.smtp_error)
    return f"{type(error).__name__}: {error}"


def _answer(code: int, words: bytes | str) -> str:
    return f"{code} {words.decode('utf-8', 'replace') if isinstance(words, bytes) else words}"


def _message(mail: OutboxMail, words: tuple[str, str], sender: str) -> EmailMessage:
    """The mail as it travels: text, HTML, and the chart that the HTML shows."""
    message = EmailMessage()
    message["Subject"] = mail.subject
    message["From"] = sender
    message["To"] = mail.to_address
    message["Message-ID"] = mail.message_id
    message["Date"] = mail.created_at
    message["Auto-Submitted"] = "auto-generated"
    if mail.unsubscribe_url:
        message["List-Unsubscribe"] = f"<{mail.unsubscribe_url}>"
        message["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    text, in_html = words
    message.set_content(text)
    message.add_alternative(in_html, subtype="html")
    if mail.chart:
        [_, html] = message.iter_parts()
        html.add_related(
            mail.chart,
            "image",
            "png",
            cid=f"<{mail.chart_cid}>",
            disposition="inline",
            filename="chart.png",
        )
    message.policy = message.policy.clone(max_line_length=_LONGEST_LINE)
    return message


class _Conversation(smtplib.SMTP):
    """A conversation in which no answer is waited for without end, not even one that comes byte by byte."""

    # Whether the server was given a whole mail and has not yet said what it makes of it.
    may_have_taken = False

    def getreply(self) -> tuple[int, bytes]:
        """The server's next answer.

        Raises:
            SMTPServerDisconnected: it did not come in time.
        """
        patience = _TAKING_SECONDS if self.may_have_taken else _REPLY_SECONDS
        with _hung_up_after(self.sock, patience):
            code, words = super().getreply()
        if code == _SEND_ON:
            self.may_have_taken = True
        return code, words


class _SecureConversation(_Conversation, smtplib.SMTP_SSL):
    """The same through TLS from the start."""


@contextmanager
def _hung_up_after(connection: socket.socket | None, seconds: float) -> Iterator[None]:
    """End a connection when a block takes longer: a timeout of its own counts from the last byte only."""
    if connection is None:
        yield
        return
    connection.settimeout(seconds)
    timer = threading.Timer(seconds, _hang_up, [connection])
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _hang_up(connection: socket.socket) -> None:
    with suppress(OSError):
        # The plain socket's way also under TLS, whose own would wait for the other side.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


@contextmanager
def _connected(smtp_url: str) -> Iterator[_Conversation]:
    address = urlsplit(smtp_url)
    secure = address.scheme == "smtps"
    host = address.hostname or "localhost"
    port = address.port or (465 if secure else 25)
    tls = ssl.create_default_context()
    server = (
        _SecureConversation(host, port, timeout=_CONNECT_SECONDS, context=tls)
        if secure
        else _Conversation(host, port, timeout=_CONNECT_SECONDS)
    )
    try:
        if parse_qs(address.query).get("starttls") == ["true"]:
            server.starttls(context=tls)
        if address.username:
            server.login(unquote(address.username), unquote(address.password or ""))
        yield server
    finally:
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
