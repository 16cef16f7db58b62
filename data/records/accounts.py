"""What belongs to an account besides the person: sessions, links that set a password, and its history."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, ForeignKey, Index, String, event
from sqlalchemy.orm import Mapped, mapped_column

from data.errors import InSeasonError
from data.records.base import Record, choice

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection
    from sqlalchemy.orm import Mapper

_HASH_LENGTH: Final = 64


class AccountChange(StrEnum):
    """What was done to an account."""

    ADDED = "added"
    CHANGED = "changed"
    DEACTIVATED = "deactivated"
    REACTIVATED = "reactivated"
    LINK_SENT = "link_sent"
    LINK_SHOWN = "link_shown"
    PASSWORD_SET = "password_set"  # noqa: S105  # the name of a change
    SESSIONS_ENDED = "sessions_ended"


class LinkKind(StrEnum):
    """What a link is for; both let somebody set the password of an account."""

    INVITATION = "invitation"
    RESET = "password_reset"

    @property
    def lasts(self) -> timedelta:
        """For how long it is good."""
        return timedelta(days=7) if self is LinkKind.INVITATION else timedelta(hours=1)


class PersonEvent(Record):
    """One change of an account; rows are only ever added.

    `details` holds what was changed by field, as [before, after]. `who` is an e-mail, or where no person did
    it, the name of what did.
    """

    __tablename__ = "person_events"
    __table_args__ = (Index(None, "person_id", "event_id"),)

    event_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    at: Mapped[datetime]
    who: Mapped[str] = mapped_column(String(254))
    what: Mapped[AccountChange] = mapped_column(choice(AccountChange))
    details: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class PersonSession(Record):
    """That somebody is logged in with one browser; gone when they log out, whoever has a copy of the cookie.

    `seal` is of the password with which it began: another password ends it.
    """

    __tablename__ = "person_sessions"
    __table_args__ = (Index(None, "person_id"), Index(None, "ends_at"))

    session_id: Mapped[int] = mapped_column(primary_key=True)
    key_hash: Mapped[str] = mapped_column(String(_HASH_LENGTH), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    seal: Mapped[str] = mapped_column(String(_HASH_LENGTH))
    device: Mapped[str] = mapped_column(String(100))
    began_at: Mapped[datetime]
    ends_at: Mapped[datetime]


class AccountLink(Record):
    """A link with which somebody sets the password of an account, once.

    Only the hash of its token is kept. The token itself is made of `nonce` with the service's key, so that
    the mail can be completed when it leaves, and nobody who reads the records can use it.
    """

    __tablename__ = "account_links"
    __table_args__ = (Index(None, "person_id"),)

    link_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    kind: Mapped[LinkKind] = mapped_column(choice(LinkKind))
    nonce: Mapped[str] = mapped_column(String(_HASH_LENGTH))
    token_hash: Mapped[str] = mapped_column(String(_HASH_LENGTH), unique=True)
    made_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]

    def is_good(self, now: datetime) -> bool:
        """Whether it can still be used."""
        return self.closed_at is None and now < self.expires_at


@event.listens_for(PersonEvent, "before_update")
@event.listens_for(PersonEvent, "before_delete")
def _refuse_rewriting(_mapper: Mapper[Any], _connection: Connection, _event: PersonEvent) -> None:
    raise InSeasonError("The history of an account is never rewritten.")
