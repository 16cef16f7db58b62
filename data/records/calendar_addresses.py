"""Addresses at which a calendar program reads the trade's calendar: secret, one person's, and revocable."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Final

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import InSeasonError, NotYoursError
from data.records.base import Record
from data.records.people import Person, Role

if TYPE_CHECKING:
    from collections.abc import Sequence

_TOKEN_BYTES: Final = 32
# A program asks every few minutes; when it last did is kept to the hour, so that reading writes seldom.
_USE_NOTED_EVERY: Final = timedelta(hours=1)
LONGEST_NAME: Final = 60


class CalendarAddress(Record):
    """One address of one person. Only a hash of its secret is kept: the address itself is shown once."""

    __tablename__ = "calendar_addresses"
    __table_args__ = (Index(None, "person_id"),)

    address_id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    name: Mapped[str] = mapped_column(String(LONGEST_NAME))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    made_at: Mapped[datetime]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    person: Mapped[Person] = relationship(lazy="joined", innerjoin=True)

    @classmethod
    def made(cls, person: Person, name: str, now: datetime) -> tuple[CalendarAddress, str]:
        """A new address of a person, and its secret, which nobody can tell afterwards.

        Raises:
            NotYoursError: for who does not read the calendar.
            InSeasonError: without a name.
        """
        if person.role is Role.STORE_MANAGER:
            raise NotYoursError("The calendar belongs to the merchandisers.")
        called = " ".join(name.split())[:LONGEST_NAME]
        if not called:
            raise InSeasonError("Give the address a name, such as the program that will read it.")
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        address = cls(person_id=person.person_id, name=called, token_hash=hashed(token), made_at=now)
        return address, token

    @property
    def is_open(self) -> bool:
        """Whether it answers: not revoked, and its person still works here and reads the calendar."""
        return (
            self.revoked_at is None and self.person.is_active and self.person.role is not Role.STORE_MANAGER
        )

    def revoke(self, now: datetime) -> None:
        """From now on nobody reads anything there; pressing twice is once."""
        self.revoked_at = self.revoked_at or now

    def is_use_worth_noting(self, now: datetime) -> bool:
        """Whether it was last read so long ago that this time should be written down."""
        return self.last_used_at is None or now - self.last_used_at >= _USE_NOTED_EVERY


def hashed(token: str) -> str:
    """What is kept of a secret of 256 random bits: nobody guesses those, so no salt is needed."""
    return hashlib.sha256(token.encode()).hexdigest()


def refuse_too_many(addresses: Sequence[CalendarAddress], most: int = 10) -> None:
    """Make sure that a person does not keep more addresses than they can look after.

    Raises:
        InSeasonError: when there are too many already.
    """
    if sum(address.revoked_at is None for address in addresses) >= most:
        raise InSeasonError(f"You have {most} addresses already; revoke one that nobody reads any more.")
