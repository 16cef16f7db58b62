"""Tokens with which a person's programs speak to the API: made once, shown once, kept as a fingerprint."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import InSeasonError
from data.records.base import Record
from data.records.people import Person, Role

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping


class TokenScope(StrEnum):
    """What a token may be used for; reading and changing are granted apart."""

    ALERTS_READ = "alerts:read"
    ALERTS_WRITE = "alerts:write"
    FORECASTS_READ = "forecasts:read"
    CALENDAR_READ = "calendar:read"
    REQUESTS_READ = "requests:read"
    REQUESTS_WRITE = "requests:write"
    FEEDS_READ = "feeds:read"
    FEEDS_WRITE = "feeds:write"


_S = TokenScope
_OF_A_STORE: Final = (
    _S.ALERTS_READ, _S.ALERTS_WRITE, _S.FORECASTS_READ, _S.REQUESTS_READ, _S.REQUESTS_WRITE,
)  # fmt: skip
GRANTABLE: Final[Mapping[Role, tuple[TokenScope, ...]]] = MappingProxyType(
    {
        Role.STORE_MANAGER: _OF_A_STORE,
        Role.MERCHANDISER: (*_OF_A_STORE, _S.CALENDAR_READ, _S.FEEDS_READ, _S.FEEDS_WRITE),
        Role.ADMIN: tuple(TokenScope),
    }
)
"""What each role may grant; which stores and categories that reaches is the person's, whatever the token."""

LASTS: Final = (30, 90, 365)
"""Days for which a token may be made."""

LONGEST_NAME: Final = 60
# So that a token found in a text can be told for what it is, by people and by scanners for leaked secrets.
_MARK: Final = "inseason_"
_BYTES: Final = 32
_SHOWN: Final = 6


class ApiToken(Record):
    """A token of a person: a name, what it may do, until when, and when it was last used.

    The token itself is never stored, only its SHA-256. A password needs a slow hash with a salt, because
    people choose it and it can be guessed; a token is 256 random bits, which nobody can search through
    however fast the hash, and no two of which are alike. A fast hash without salt can be looked up by an
    index, so that every request costs microseconds. The first few characters stay readable, so that people
    can tell their tokens apart.
    """

    __tablename__ = "api_tokens"
    __table_args__ = (Index(None, "person_id"),)

    token_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    scopes: Mapped[list[str]] = mapped_column(JSON, default=list)
    prefix: Mapped[str] = mapped_column(String(20))
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    # The e-mail of whoever has revoked it.
    revoked_by: Mapped[str] = mapped_column(String(254), default="")
    person: Mapped[Person] = relationship(lazy="raise")

    @classmethod
    def issue(
        cls, person: Person, *, name: str, scopes: Collection[str], days: int, now: datetime
    ) -> tuple[ApiToken, str]:
        """A new token of a person, and the secret to show them this once.

        Args:
            person: whose programs will use it.
            name: what it is for, in the person's words.
            scopes: some of `TokenScope` that the person's role may grant.
            days: one of `LASTS`.
            now: the machine's time.

        Raises:
            InSeasonError: when it has no name, may do nothing, more than the role, or lasts otherwise.
        """
        name = " ".join(name.split())
        if not name or len(name) > LONGEST_NAME or not name.isprintable():
            raise InSeasonError(f"Give the token a name of at most {LONGEST_NAME} characters.")
        if not scopes:
            raise InSeasonError("Tick at least one thing that the token may do.")
        if strange := sorted(set(scopes) - set(GRANTABLE[person.role])):
            raise InSeasonError(f"Your role cannot grant {strange[0]}.")
        if days not in LASTS:
            raise InSeasonError("Choose how long the token lasts.")
        secret = _MARK + secrets.token_urlsafe(_BYTES)
        token = cls(
            person_id=person.person_id,
            name=name,
            scopes=[str(scope) for scope in TokenScope if scope in scopes],
            prefix=secret[: len(_MARK) + _SHOWN],
            digest=digest_of(secret),
            created_at=now,
            expires_at=now + timedelta(days=days),
            revoked_by="",
        )
        return token, secret

    def is_open(self, now: datetime) -> bool:
        """Whether it still works, as far as the token itself says: its person must be active as well."""
        return self.revoked_at is None and now < self.expires_at

    def grants(self, scope: TokenScope, role: Role) -> bool:
        """Whether it may be used for something by a person who has that role now."""
        return str(scope) in self.scopes and scope in GRANTABLE[role]

    def revoke(self, by: Person, now: datetime) -> None:
        """It works no more; revoking it twice is revoking it once."""
        if self.revoked_at is None:
            self.revoked_at, self.revoked_by = now, by.email

    def __repr__(self) -> str:
        return f"<ApiToken {self.token_id} {self.prefix}…>"


def digest_of(secret: str) -> str:
    """The fingerprint under which a token is kept."""
    return hashlib.sha256(secret.encode()).hexdigest()


def looks_like_a_token(text: Any) -> bool:
    """Whether a text can be a token at all, so that nothing else is looked up."""
    length = len(_MARK) + -(-_BYTES * 4 // 3)
    return isinstance(text, str) and text.startswith(_MARK) and text.isascii() and len(text) == length
