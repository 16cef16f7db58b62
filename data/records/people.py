"""People, their roles, and what each may see."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.passwords import hash_password, is_password, require_good_password
from data.records.base import Record, choice


class Role(StrEnum):
    """What a person is here for."""

    STORE_MANAGER = "store_manager"
    MERCHANDISER = "merchandiser"
    ADMIN = "admin"


class Person(Record):
    """Somebody who logs in and gets mail. Without a password they have been invited and not come yet."""

    __tablename__ = "people"
    __table_args__ = (Index(None, "name", "person_id"),)

    person_id: Mapped[int] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[Role] = mapped_column(choice(Role))
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]
    last_login_at: Mapped[datetime | None]
    version: Mapped[int] = mapped_column()
    stores: Mapped[list[PersonStore]] = relationship(cascade="all, delete-orphan", lazy="selectin")
    categories: Mapped[list[PersonCategory]] = relationship(cascade="all, delete-orphan", lazy="selectin")

    # Two people who change an account at once are told: the second finds another version than it has read.
    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    def set_password(self, password: str) -> None:
        """Keep only the argon2id hash of a password.

        Raises:
            InSeasonError: it would be guessed.
        """
        require_good_password(password, email=self.email, name=self.name)
        self.password_hash = hash_password(password)

    def has_password(self, password: str) -> bool:
        """Whether this is the person's password."""
        return is_password(password, self.password_hash)

    @property
    def has_come(self) -> bool:
        """Whether the person has set a password, and so can log in."""
        return bool(self.password_hash)

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
    """A try of a log-in, a link or a code, kept to slow down guessing, whatever the number of processes."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "subject", "at"), Index(None, "at"))

    attempt_id: Mapped[int] = mapped_column(primary_key=True)
    subject: Mapped[str] = mapped_column(String(300))
    at: Mapped[datetime]
