"""Send what waits in the outbox: each mail is leased, handed over, marked; a failing server only delays."""

from __future__ import annotations

import logging
import smtplib
import ssl
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy import or_, select, update

from data.records import LEASE, MailState, OutboxMail

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from data.clock import Clock
    from data.database import Database

_TIMEOUT_SECONDS: Final = 20
_FOR_GOOD: Final = 500
_log = logging.getLogger(__name__)


@dataclass
class Delivered:
    """How many mails left, and how many could not yet or not at all."""

    sent: int = 0
    delayed: int = 0
    dead: int = 0


def deliver_due(database: Database, *, smtp_url: str, sender: str, clock: Clock) -> Delivered:
    """Send every mail that is due.

    A mail whose process died after handing it over is sent again under the same Message-ID when its lease is
    over; in every other case it leaves once. When the server cannot be reached, the rest waits.

    Args:
        database: the records.
        smtp_url: smtp://user:password@host:port, smtps:// for TLS from the start, ?starttls=true to switch.
        sender: the From address.
        clock: tells now.
    """
    result = Delivered()
    mail = _lease_next(database, clock.machine_now())
    while mail is not None:
        try:
            with _connected(smtp_url) as server:
                while mail is not None:
                    _hand_over(database, server, mail, sender, clock, result)
                    mail = _lease_next(database, clock.machine_now())
        except (OSError, smtplib.SMTPException) as error:
            _mark_delayed(database, mail, clock, error, result)
            break
    return result


def _lease_next(database: Database, now: datetime) -> OutboxMail | None:
    """Claim one due mail by compare-and-swap, so that two senders never hold the same one."""
    free = or_(OutboxMail.leased_until.is_(None), OutboxMail.leased_until < now)
    due = (OutboxMail.state == MailState.PENDING, OutboxMail.due_at <= now, free)
    while True:
        with database.read() as session:
            mail = session.scalars(
                select(OutboxMail).where(*due).order_by(OutboxMail.mail_id).limit(1)
            ).first()
        if mail is None:
            return None
        claim = (
            update(OutboxMail)
            .where(OutboxMail.mail_id == mail.mail_id, *due)
            .values(leased_until=now + LEASE)
        )
        with database.write() as session:
            claimed = session.scalar(claim.returning(OutboxMail.mail_id))
        if claimed:
            return mail


def _hand_over(
    database: Database, server: smtplib.SMTP, mail: OutboxMail, sender: str, clock: Clock, result: Delivered
) -> None:
    """Give one mail to the server; what is wrong with this mail alone stops no other."""
    try:
        message = _message(mail, sender)
    except Exception as error:  # noqa: BLE001  # the library has no error of its own for a malformed header
        _mark_refused(database, mail, clock, f"{type(error).__name__}: {error}", final=True, result=result)
        return
    try:
        server.send_message(message)
    except smtplib.SMTPRecipientsRefused as error:
        code = max((code for code, _ in error.recipients.values()), default=0)
        _mark_refused(database, mail, clock, str(error), final=code >= _FOR_GOOD, result=result)
        _reset(server)
    except (smtplib.SMTPSenderRefused, smtplib.SMTPDataError) as error:
        _mark_refused(database, mail, clock, str(error), final=error.smtp_code >= _FOR_GOOD, result=result)
        _reset(server)
    else:
        with database.write() as session:
            session.get_one(OutboxMail, mail.mail_id).sent(clock.machine_now())
        result.sent += 1


def _reset(server: smtplib.SMTP) -> None:
    with suppress(smtplib.SMTPException):
        server.rset()


def _mark_refused(
    database: Database, mail: OutboxMail, clock: Clock, reason: str, *, final: bool, result: Delivered
) -> None:
    with database.write() as session:
        kept = session.get_one(OutboxMail, mail.mail_id)
        kept.refused(clock.machine_now(), reason, final=final)
        result.dead += kept.state is MailState.DEAD
        result.delayed += kept.state is not MailState.DEAD


def _mark_delayed(
    database: Database, mail: OutboxMail | None, clock: Clock, error: Exception, result: Delivered
) -> None:
    _log.warning("mail server: %s", type(error).__name__)
    if mail is None:
        return
    with database.write() as session:
        session.get_one(OutboxMail, mail.mail_id).delayed(
            clock.machine_now(), f"{type(error).__name__}: {error}"
        )
    result.delayed += 1


def _message(mail: OutboxMail, sender: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = mail.subject
    message["From"] = sender
    message["To"] = mail.to_address
    message["Message-ID"] = mail.message_id
    message["Date"] = mail.created_at
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    message.add_alternative(mail.html, subtype="html")
    return message


@contextmanager
def _connected(smtp_url: str) -> Iterator[smtplib.SMTP]:
    address = urlsplit(smtp_url)
    secure = address.scheme == "smtps"
    host = address.hostname or "localhost"
    port = address.port or (465 if secure else 25)
    tls = ssl.create_default_context()
    server = (
        smtplib.SMTP_SSL(host, port, timeout=_TIMEOUT_SECONDS, context=tls)
        if secure
        else smtplib.SMTP(host, port, timeout=_TIMEOUT_SECONDS)
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
