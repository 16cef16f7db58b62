"""People, their roles, and what each may see."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import InSeasonError
from data.records.base import Record, choice

_HASHER = PasswordHasher()
SHORTEST_PASSWORD = 10


class Role(StrEnum):
    """What a person is here for."""

    STORE_MANAGER = "store_manager"
    MERCHANDISER = "merchandiser"
    ADMIN = "admin"


class Person(Record):
    """Somebody who logs in and gets mail."""

    __tablename__ = "people"

    person_id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(choice(Role))
    password_hash: Mapped[str] = mapped_column(String(200))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    stores: Mapped[list[PersonStore]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    categories: Mapped[list[PersonCategory]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    def set_password(self, password: str) -> None:
        """Keep only the argon2id hash of a password.

        Raises:
            InSeasonError: when it is too short.
        """
        if len(password) < SHORTEST_PASSWORD:
            raise InSeasonError(f"A password needs at least {SHORTEST_PASSWORD} characters.")
        self.password_hash = _HASHER.hash(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the person's password."""
        try:
            return _HASHER.verify(self.password_hash, password)
        except (Argon2Error, InvalidHashError):
            return False

    @property
    def store_ids(self) -> frozenset[str] | None:
        """The stores whose records the person may see; None means all of them."""
        if self.role is not Role.STORE_MANAGER:
            return None
        return frozenset(link.store_id for link in self.stores)

    @property
    def category_names(self) -> frozenset[str] | None:
        """The categories the person is responsible for; None means all of them."""
        if self.role is not Role.MERCHANDISER or not self.categories:
            return None
        return frozenset(link.category for link in self.categories)

    def may_see(self, *, store_id: str | None, category: str) -> bool:
        """Whether a record of that store and category is within the person's view.

        Without a store it is about a zone or the chain, which no store manager looks after; without a
        category it is seen by whoever looks after any.
        """
        stores, categories = self.store_ids, self.category_names
        mine = categories is None or category == "" or category in categories
        return mine and (stores is None or store_id in stores)


class PersonStore(Record):
    """That a person works in a store."""

    __tablename__ = "person_stores"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"), primary_key=True)


class PersonCategory(Record):
    """That a person is responsible for a category."""

    __tablename__ = "person_categories"

    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"), primary_key=True)
    category: Mapped[str] = mapped_column(String(100), primary_key=True)


class LoginAttempt(Record):
    """A failed log-in, kept to slow down guessing whatever the number of web processes."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "subject", "at"),)

    attempt_id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]


def spend_a_password_check(password: str) -> None:
    """Take as long as a real check, so that an unknown address cannot be told from a wrong password."""
    _HASHER.hash(password)
