"""Tokens of the API in the records: given out, recognised, and marked as used without a write per request."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import func, or_, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import joinedload

from data.errors import InSeasonError
from data.records import ApiToken
from data.records.tokens import digest_of, looks_like_a_token

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

    from sqlalchemy.orm import Session

    from data.database import Database
    from data.records import Person

_LOG = logging.getLogger(__name__)

MOST_OPEN: Final = 20
"""A person has so many tokens that work; who needs more has forgotten some."""

USED_EVERY: Final = timedelta(minutes=1)
"""That a token is used is written down so often at most: reading the API should not write."""


def give_token(
    session: Session, person: Person, *, name: str, scopes: Collection[str], days: int, now: datetime
) -> tuple[ApiToken, str]:
    """Make a token for a person, and give the secret to show them this once.

    Args:
        session: a session that writes.
        person: whose it is.
        name: what it is for.
        scopes: what it may do.
        days: how long it lasts.
        now: the machine's time.

    Raises:
        InSeasonError: as `ApiToken.issue` does, and when the person has too many that work.
    """
    working = select(func.count()).where(
        ApiToken.person_id == person.person_id, ApiToken.revoked_at.is_(None), ApiToken.expires_at > now
    )
    if (session.scalar(working) or 0) >= MOST_OPEN:
        raise InSeasonError(f"You have {MOST_OPEN} tokens that work; revoke one you no longer need first.")
    token, secret = ApiToken.issue(person, name=name, scopes=scopes, days=days, now=now)
    session.add(token)
    session.flush()
    return token, secret


def token_of(session: Session, secret: str, now: datetime) -> ApiToken | None:
    """The token with that secret, its person loaded, if both the token and the account are open."""
    if not looks_like_a_token(secret):
        return None
    query = select(ApiToken).where(ApiToken.digest == digest_of(secret)).options(joinedload(ApiToken.person))
    token = session.scalars(query).one_or_none()
    return token if token is not None and token.is_open(now) and token.person.is_active else None


def mark_used(database: Database, token: ApiToken, now: datetime) -> None:
    """Write down that a token is in use, unless that was done a moment ago.

    It is a convenience for whoever tidies up: when somebody else is writing for long, it is left out rather
    than that a reader fails.
    """
    stale = now - USED_EVERY
    if token.last_used_at is not None and token.last_used_at > stale:
        return
    # In one statement, so that many requests at the same moment write once.
    note = (
        update(ApiToken)
        .where(
            ApiToken.token_id == token.token_id,
            or_(ApiToken.last_used_at.is_(None), ApiToken.last_used_at <= stale),
        )
        .values(last_used_at=now)
    )
    try:
        with database.write() as session:
            session.execute(note)
    except OperationalError as error:
        _LOG.warning("that token %s is in use could not be written down: %s", token.token_id, error.orig)
