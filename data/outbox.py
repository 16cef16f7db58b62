"""Write a mail into the outbox, in the transaction of what causes it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from data.records.outbox import MailState, OutboxMail, chart_cid

if TYPE_CHECKING:
    from datetime import date, datetime

    from sqlalchemy.orm import Session

    from data.settings import Settings


@dataclass(frozen=True)
class Letter:
    """A mail as it is to leave.

    `kind` and `key` together make it one mail, however often it is queued. Without a person it is a
    customer's. `chart` is a PNG that the HTML shows as `<img src="cid:...">`, see `cid_of`.
    """

    kind: str
    key: str
    business_date: date
    to_address: str
    subject: str
    text: str
    html: str
    person_id: int | None = None
    chart: bytes | None = None
    unsubscribe_url: str = ""


def message_id(kind: str, key: str, settings: Settings) -> str:
    """The Message-ID of a mail: the same whenever it is written again."""
    return f"<{kind}.{key}@{urlsplit(settings.base_url).hostname}>"


def cid_of(kind: str, key: str, settings: Settings) -> str:
    """The name by which the HTML of a mail shows its chart."""
    return chart_cid(message_id(kind, key, settings))


def queue_mail(session: Session, letter: Letter, *, settings: Settings, now: datetime) -> OutboxMail | None:
    """Put a mail into the outbox; None when one of its kind and key is there already.

    Args:
        session: The writing session in which its cause is recorded.
        letter: The mail.
        settings: Whether there is a mail server (without one it is kept for reading), and the host's name.
        now: The machine's time.
    """
    mail = OutboxMail(
        person_id=letter.person_id,
        business_date=letter.business_date,
        kind=letter.kind,
        dedup_key=letter.key,
        to_address=letter.to_address,
        subject=letter.subject,
        text=letter.text,
        html=letter.html,
        chart=letter.chart,
        unsubscribe_url=letter.unsubscribe_url,
        message_id=message_id(letter.kind, letter.key, settings),
        state=MailState.PENDING if settings.smtp_url.get_secret_value() else MailState.KEPT,
        created_at=now,
        due_at=now,
    )
    try:
        with session.begin_nested():
            session.add(mail)
    except IntegrityError:
        if _is_queued(session, letter):
            return None
        raise
    return mail


def _is_queued(session: Session, letter: Letter) -> bool:
    same = select(OutboxMail.mail_id).where(
        OutboxMail.kind == letter.kind, OutboxMail.dedup_key == letter.key
    )
    return session.scalar(same) is not None


def forget_addresses(session: Session, *, before: datetime, now: datetime) -> int:
    """Take the addresses off customers' mails written before an instant; returns how many had one.

    A mail that still waits for its server is given up.
    """
    old = select(OutboxMail).where(
        OutboxMail.person_id.is_(None), OutboxMail.to_address != "", OutboxMail.created_at < before
    )
    mails = session.scalars(old).all()
    for mail in mails:
        mail.forget_address(now)
    return len(mails)
