"""Files that people bring to the app, looked at before they are loaded; and how fresh each feed is."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.errors import TransitionError
from data.records.base import Record, choice
from data.records.people import Person, Role

UPLOAD_LASTS: Final = timedelta(days=1)
"""How long a file that was looked at may still be loaded."""


class UploadState(StrEnum):
    """What became of a file that somebody brought."""

    CHECKED = "checked"
    LOADED = "loaded"
    THROWN_AWAY = "thrown_away"


class Upload(Record):
    """A file that was looked at: what it would change, told before anything does.

    `stored_as` is a name the service chose; `file_name` what the person's computer calls it, only to be
    shown. `basis` names what the preview was held against; `rejects` the file of its rejected rows.
    """

    __tablename__ = "uploads"
    __table_args__ = (Index(None, "state", "expires_at"),)

    upload_id: Mapped[int] = mapped_column(primary_key=True)
    feed: Mapped[str] = mapped_column(String(32))
    file_name: Mapped[str] = mapped_column(String(200))
    stored_as: Mapped[str] = mapped_column(String(64))
    sha256: Mapped[str] = mapped_column(String(64))
    size: Mapped[int]
    state: Mapped[UploadState] = mapped_column(choice(UploadState), default=UploadState.CHECKED)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    uploaded_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    preview: Mapped[dict[str, Any]] = mapped_column(JSON)
    basis: Mapped[dict[str, Any]] = mapped_column(JSON)
    rejects: Mapped[str | None] = mapped_column(String(300))
    run_id: Mapped[int | None] = mapped_column(ForeignKey("runs.run_id"))
    version: Mapped[int] = mapped_column(default=1)
    person: Mapped[Person] = relationship(lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    def is_of(self, person: Person) -> bool:
        """Whether the person may see it and decide about it: who brought it, and any admin."""
        return person.role is Role.ADMIN or self.person_id == person.person_id

    def has_expired(self, now: datetime) -> bool:
        """Whether it was looked at too long ago."""
        return self.state is UploadState.CHECKED and self.expires_at <= now

    def require_open(self, now: datetime) -> None:
        """Make sure that it may still be loaded or thrown away.

        Raises:
            TransitionError: with what has become of it.
        """
        if self.state is UploadState.LOADED:
            raise TransitionError("This file is loaded already.")
        if self.state is UploadState.THROWN_AWAY:
            raise TransitionError("This file was thrown away; upload it again.")
        if self.has_expired(now):
            raise TransitionError("This file was looked at more than a day ago; upload it again.")

    def loaded(self, run_id: int | None, now: datetime) -> None:
        """It is in the records or the facts now."""
        self.require_open(now)
        self.state, self.run_id = UploadState.LOADED, run_id

    def throw_away(self, now: datetime) -> None:
        """Somebody does not want it after all."""
        self.require_open(now)
        self.state = UploadState.THROWN_AWAY


class FeedDay(Record):
    """The newest day a store has sent of a feed, as the newest night saw it, and whether that is late."""

    __tablename__ = "feed_days"

    feed: Mapped[str] = mapped_column(String(32), primary_key=True)
    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"), primary_key=True)
    newest: Mapped[date]
    is_late: Mapped[bool]
    business_date: Mapped[date]
