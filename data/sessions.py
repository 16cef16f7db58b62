"""Who is logged in, with what, until when: kept in the records, so that a session that is ended is over."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import delete, select, update

from data.records import Person, PersonSession

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from sqlalchemy.orm import Session

SESSION_LASTS: Final = timedelta(hours=12)
"""From the log-in on, whatever happens in between: a shift, and no longer."""


def begin_session(session: Session, person: Person, *, device: str, now: datetime) -> str:
    """Begin a session; returns its key, which nobody but the browser keeps.

    Args:
        session: a writing session.
        person: who has logged in.
        device: what the person will know the browser by.
        now: the machine's time.
    """
    session.execute(delete(PersonSession).where(PersonSession.ends_at <= now))
    key = secrets.token_urlsafe(32)
    session.add(
        PersonSession(
            key_hash=_hash(key),
            person_id=person.person_id,
            seal=_seal(person.password_hash),
            device=device,
            began_at=now,
            ends_at=now + SESSION_LASTS,
        )
    )
    # Not a change of the account: nobody who edits it at this moment has to be told.
    came = update(Person).where(Person.person_id == person.person_id).values(last_login_at=now)
    session.execute(came.execution_options(synchronize_session=False))
    return key


def find_session(session: Session, key: str, now: datetime) -> tuple[Person, PersonSession] | None:
    """Whose session a key opens, and the session; None when it has ended, by whatever way."""
    query = (
        select(Person, PersonSession)
        .join(PersonSession, PersonSession.person_id == Person.person_id)
        .where(PersonSession.key_hash == _hash(key), PersonSession.ends_at > now, Person.is_active)
    )
    found = session.execute(query).one_or_none()
    if found is None or not hmac.compare_digest(found[1].seal, _seal(found[0].password_hash)):
        return None
    return found[0], found[1]


def sessions_of(session: Session, person: Person, now: datetime) -> Sequence[PersonSession]:
    """The sessions of a person that go on, the newest first."""
    query = (
        select(PersonSession)
        .where(
            PersonSession.person_id == person.person_id,
            PersonSession.ends_at > now,
            PersonSession.seal == _seal(person.password_hash),
        )
        .order_by(PersonSession.session_id.desc())
    )
    return session.scalars(query).all()


def end_session(session: Session, key: str) -> None:
    """End one session."""
    session.execute(delete(PersonSession).where(PersonSession.key_hash == _hash(key)))


def end_sessions(session: Session, person_id: int, *, but: int | None = None) -> None:
    """End the sessions of a person, all or all but one."""
    ended = delete(PersonSession).where(PersonSession.person_id == person_id)
    if but is not None:
        ended = ended.where(PersonSession.session_id != but)
    session.execute(ended)


def reseal(session: Session, session_id: int, password_hash: str) -> None:
    """Let a session go on under a new password."""
    mine = update(PersonSession).where(PersonSession.session_id == session_id)
    session.execute(mine.values(seal=_seal(password_hash)).execution_options(synchronize_session=False))


def _hash(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()


def _seal(password_hash: str) -> str:
    return hashlib.sha256(b"seal:" + password_hash.encode()).hexdigest()
