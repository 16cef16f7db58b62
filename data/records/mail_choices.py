"""What each person wants to be told by mail: how often, and of which stores and categories."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from data.errors import InSeasonError
from data.records.base import Record, choice
from data.records.people import Role

if TYPE_CHECKING:
    from collections.abc import Collection

    from sqlalchemy.orm import Session

    from data.records.people import Person


class Pace(StrEnum):
    """Which mornings bring a mail."""

    NIGHTLY = "nightly"
    MONDAY = "monday"
    ONLY_SEVERE = "only_severe"
    GIVEN_UP = "given_up"
    OFF = "off"


_OF_READERS: Final = (Pace.NIGHTLY, Pace.MONDAY, Pace.ONLY_SEVERE, Pace.OFF)
# What a role may choose among; the first is what it begins with.
PACES: Final = {
    Role.STORE_MANAGER: _OF_READERS,
    Role.MERCHANDISER: (Pace.MONDAY, Pace.NIGHTLY, Pace.ONLY_SEVERE, Pace.OFF),
    Role.ADMIN: (Pace.GIVEN_UP, Pace.OFF),
}


class MailChoices(Record):
    """What one person chose; who has no row yet has what the role begins with.

    Stores and categories narrow what the person may see and never widen it; none chosen means all.
    """

    __tablename__ = "mail_choices"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    pace: Mapped[Pace] = mapped_column(choice(Pace))
    stores: Mapped[list[str]] = mapped_column(JSON, default=list)
    categories: Mapped[list[str]] = mapped_column(JSON, default=list)
    changed_at: Mapped[datetime]
    changed_by: Mapped[str] = mapped_column(String(254))

    @classmethod
    def to_begin_with(cls, person: Person) -> MailChoices:
        """What a person has before choosing anything; not stored."""
        return cls(
            person_id=person.person_id,
            pace=PACES[person.role][0],
            stores=[],
            categories=[],
            changed_at=person.created_at,
            changed_by="",
        )

    @classmethod
    def of(cls, session: Session, person: Person) -> MailChoices:
        """A person's choices, as stored or as the role begins."""
        return session.get(cls, person.person_id) or cls.to_begin_with(person)

    def choose(
        self,
        pace: Pace,
        *,
        person: Person,
        stores: Collection[str],
        categories: Collection[str],
        by: str,
        now: datetime,
    ) -> None:
        """Take a person's new choices.

        Raises:
            InSeasonError: the role has no such pace, or a store is not the person's.
        """
        if pace not in PACES[person.role]:
            raise InSeasonError(f"A {person.role.replace('_', ' ')} cannot choose {pace!r}.")
        if person.store_ids is not None and (strange := set(stores) - person.store_ids):
            raise InSeasonError(f"The store {min(strange)} is not one of {person.name}'s.")
        if person.category_names is not None and (strange := set(categories) - person.category_names):
            raise InSeasonError(f"The category {min(strange)} is not one of {person.name}'s.")
        self.pace, self.stores, self.categories = pace, sorted(set(stores)), sorted(set(categories))
        self.changed_at, self.changed_by = now, by

    def stop(self, *, by: str, now: datetime) -> None:
        """No more mails; what was chosen besides stays for the day they are wanted again."""
        self.pace, self.changed_at, self.changed_by = Pace.OFF, now, by
