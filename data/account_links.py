"""Links that set a password: good once, for a while, for one account; only the hash of a token is kept."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from data.errors import InSeasonError
from data.records import AccountLink, LinkKind, MailState, OutboxMail, Person

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy.orm import Session

MAIL_KINDS: Final = tuple(str(kind) for kind in LinkKind)
TOKEN_MARK: Final = "only-in-the-mail-that-was-sent"  # noqa: S105  # what stands in a mail where the token will
"""What stands in a mail in place of the token, from when it is written until it leaves."""

GONE: Final = "This link is used, out of date, or replaced by a newer one. Ask for a new one."


@dataclass(frozen=True)
class NewLink:
    """A link that was just made, and the token that opens it, which is kept nowhere."""

    link: AccountLink
    token: str


def make_link(session: Session, person: Person, kind: LinkKind, *, key: str, now: datetime) -> NewLink:
    """Make a link for an account; those made before are good no more, and their mails are not sent.

    Args:
        session: a writing session.
        person: whose password it will set.
        kind: what it is for, and so how long it is good.
        key: the service's secret key.
        now: the machine's time.
    """
    close_links(session, person.person_id, now)
    nonce = secrets.token_hex(32)
    token = _token(nonce, key)
    link = AccountLink(
        person_id=person.person_id,
        kind=kind,
        nonce=nonce,
        token_hash=_hash(token),
        made_at=now,
        expires_at=now + kind.lasts,
    )
    session.add(link)
    session.flush()
    return NewLink(link, token)


def person_of_link(session: Session, token: str, now: datetime) -> tuple[Person, AccountLink]:
    """Whose password a token sets, and the link.

    Raises:
        InSeasonError: the link is no longer good, or never was.
    """
    query = (
        select(Person, AccountLink)
        .join(AccountLink, AccountLink.person_id == Person.person_id)
        .where(AccountLink.token_hash == _hash(token), Person.is_active)
    )
    found = session.execute(query).one_or_none()
    if found is None or not found[1].is_good(now):
        raise InSeasonError(GONE)
    return found[0], found[1]


def close_links(session: Session, person_id: int, now: datetime) -> None:
    """Let no link of an account be good any more; a mail with one that has not left yet never will."""
    session.execute(
        update(AccountLink)
        .where(AccountLink.person_id == person_id, AccountLink.closed_at.is_(None))
        .values(closed_at=now)
    )
    session.execute(
        delete(OutboxMail).where(
            OutboxMail.person_id == person_id,
            OutboxMail.kind.in_(MAIL_KINDS),
            OutboxMail.state == MailState.PENDING,
            OutboxMail.leased_until.is_(None),
        )
    )


def words_to_send(session: Session, mail: OutboxMail, *, key: str, now: datetime) -> tuple[str, str] | None:
    """Text and HTML of a mail as they leave, its token in place; None when its link is no longer good."""
    if mail.kind not in MAIL_KINDS:
        return mail.text, mail.html
    link = session.get(AccountLink, int(mail.dedup_key))
    if link is None or not link.is_good(now):
        return None
    token = _token(link.nonce, key)
    return mail.text.replace(TOKEN_MARK, token), mail.html.replace(TOKEN_MARK, token)


def _token(nonce: str, key: str) -> str:
    made = hmac.digest(key.encode(), b"inseason.account-link:" + nonce.encode(), "sha256")
    return urlsafe_b64encode(made).rstrip(b"=").decode()


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
