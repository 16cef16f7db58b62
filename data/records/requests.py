"""What customers asked for and did not find, as store staff record it, and the stock they look it up in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from data.addresses import is_address
from data.errors import InSeasonError, TransitionError
from data.records.base import Record, choice

APP_SOURCE: Final = "app"
LONGEST_WORDS: Final = 200
MOST_UNITS: Final = 99
CONTACT_LASTS: Final = timedelta(days=60)


class RequestOutcome(StrEnum):
    """What could still be done for the customer."""

    NONE = "none"
    HOLD = "hold"
    SHIP_TO_HOME = "ship_to_home"
    SAVED_SALE = "saved_sale"


@dataclass(frozen=True)
class Wanted:
    """What was asked for: a sku, or a style in a size, or words.

    Raises:
        InSeasonError: when it is none of them, or more than one.
    """

    sku: str = ""
    style_id: str = ""
    size: str = ""
    text: str = ""

    def __post_init__(self) -> None:
        if [bool(self.sku), bool(self.style_id), bool(self.text)].count(True) != 1:
            raise InSeasonError("A request names a sku, or a style in a size, or is in the customer's words.")
        if len(self.text) > LONGEST_WORDS:
            raise InSeasonError(f"The words may be {LONGEST_WORDS} characters long; leave some of them out.")

    @property
    def is_carried(self) -> bool:
        """Whether it is a thing of the assortment, which can be in stock, and not words only."""
        return not self.text


class CustomerRequest(Record):
    """One customer's request, from the moment somebody records it to what was done for the customer.

    It is demand at its store (asked for there, and not there) unless it is undone, or the customer did not
    leave without: what a saved sale rang up at the till is counted by the till.
    """

    __tablename__ = "customer_requests"
    __table_args__ = (
        CheckConstraint(f"units BETWEEN 1 AND {MOST_UNITS}", name="units"),
        Index(None, "store_id", "asked_at"),
        # What is set aside anywhere, lately.
        Index(None, "outcome", "outcome_at"),
    )

    request_id: Mapped[int] = mapped_column(primary_key=True)
    asked_at: Mapped[datetime]
    store_id: Mapped[str] = mapped_column(ForeignKey("stores.store_id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.person_id"))
    sku: Mapped[str | None] = mapped_column(String(64))
    style_id: Mapped[str | None] = mapped_column(String(64))
    size: Mapped[str | None] = mapped_column(String(32))
    text: Mapped[str | None] = mapped_column(String(LONGEST_WORDS))
    units: Mapped[int] = mapped_column(default=1)
    source: Mapped[str] = mapped_column(String(16), default=APP_SOURCE)
    outcome: Mapped[RequestOutcome] = mapped_column(choice(RequestOutcome), default=RequestOutcome.NONE)
    holding_store_id: Mapped[str | None] = mapped_column(ForeignKey("stores.store_id"))
    outcome_at: Mapped[datetime | None]
    undone_at: Mapped[datetime | None]
    # A form that is sent twice, by a second tap or a slow line, is one request.
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    version: Mapped[int] = mapped_column(default=1)
    contact: Mapped[RequestContact | None] = relationship(cascade="all, delete-orphan", lazy="raise")

    __mapper_args__ = {"version_id_col": version}  # noqa: RUF012  # read by SQLAlchemy as is

    @classmethod
    def asked(
        cls, wanted: Wanted, *, store_id: str, person_id: int, units: int, now: datetime, form_key: str
    ) -> CustomerRequest:
        """A new request.

        Raises:
            InSeasonError: when nobody can want so many.
        """
        if not 1 <= units <= MOST_UNITS:
            raise InSeasonError(f"One customer wants between 1 and {MOST_UNITS} pieces.")
        return cls(
            asked_at=now,
            store_id=store_id,
            person_id=person_id,
            sku=wanted.sku or None,
            style_id=wanted.style_id or None,
            size=wanted.size if wanted.style_id else None,
            text=wanted.text or None,
            units=units,
            source=APP_SOURCE,
            outcome=RequestOutcome.NONE,
            form_key=form_key,
            contact=None,
        )

    @property
    def wanted(self) -> Wanted:
        """What was asked for."""
        return Wanted(self.sku or "", self.style_id or "", self.size or "", self.text or "")

    @property
    def is_undone(self) -> bool:
        """Whether it was recorded by mistake."""
        return self.undone_at is not None

    @property
    def counts_as_demand(self) -> bool:
        """Whether it goes into the facts."""
        return not self.is_undone and self.outcome is not RequestOutcome.SAVED_SALE

    def settle(self, outcome: RequestOutcome, now: datetime, *, holding_store_id: str = "") -> None:
        """Record what was done for the customer; a later word replaces an earlier one.

        Raises:
            TransitionError: when the request was undone.
            InSeasonError: when a hold names no store, or the store where the thing is missing.
        """
        self._require_standing()
        if outcome is RequestOutcome.HOLD and holding_store_id in ("", self.store_id):
            raise InSeasonError("A hold needs the other store that puts the piece aside.")
        self.outcome = outcome
        self.holding_store_id = holding_store_id if outcome is RequestOutcome.HOLD else None
        self.outcome_at = None if outcome is RequestOutcome.NONE else now
        if outcome is RequestOutcome.SAVED_SALE:
            # Whoever has the thing waits for it no more.
            self.contact = None

    def undo(self, now: datetime) -> None:
        """It was recorded by mistake: it stays, and counts for nothing. Doing so twice is doing it once."""
        if not self.is_undone:
            self.undone_at, self.contact = now, None

    def leave_contact(
        self, email: str, *, consent: bool, now: datetime, today: date, gone_on: date | None
    ) -> None:
        """Keep an address for one mail when the thing is back, with the customer's consent.

        Args:
            email: the customer's address.
            consent: whether the customer said that it may be kept for this.
            now: when they said so.
            today: the day on the chain's calendar, from which the address is kept for `CONTACT_LASTS`.
            gone_on: the day of the store's newest count, if it shows none of the thing.

        Raises:
            TransitionError: when the request was undone or the customer has the thing.
            InSeasonError: without consent, without an address, or where nothing could tell that it is back.
        """
        self._require_standing()
        if self.outcome is RequestOutcome.SAVED_SALE:
            raise TransitionError("This customer did not leave without; there is nothing to write about.")
        if not self.wanted.is_carried:
            raise InSeasonError("Nobody can tell when words are back in stock; no address is kept for them.")
        if not consent:
            raise InSeasonError("Without the customer's consent no address is kept.")
        if not is_address(email):
            raise InSeasonError("That is not an e-mail address; look at it again.")
        self.contact = RequestContact(
            request_id=self.request_id,
            email=email,
            consent_at=now,
            expires_on=today + CONTACT_LASTS,
            gone_on=gone_on,
        )

    def forget_contact(self) -> None:
        """The customer, or whoever recorded it, takes the address back."""
        self.contact = None

    def _require_standing(self) -> None:
        if self.is_undone:
            raise TransitionError("This request was undone; record it again if it was right after all.")


class RequestContact(Record):
    """A customer's address, apart from everything else, until one mail is written or its days are over."""

    __tablename__ = "request_contacts"
    __table_args__ = (Index(None, "expires_on"),)

    request_id: Mapped[int] = mapped_column(ForeignKey("customer_requests.request_id"), primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    consent_at: Mapped[datetime]
    expires_on: Mapped[date]
    # The last count that showed none of it: only what was gone can be back.
    gone_on: Mapped[date | None]


class NewestStock(Record):
    """Pieces of a sku at a store's newest whole count, where there are any: written by the night."""

    __tablename__ = "newest_stock"
    # Both ways of asking are answered by an index alone: who has it, and what is there.
    __table_args__ = (Index(None, "sku", "store_id", "on_hand"), Index(None, "store_id", "sku", "on_hand"))

    sku: Mapped[str] = mapped_column(String(64), primary_key=True)
    store_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    on_hand: Mapped[int]


class NewestCount(Record):
    """The day of a store's newest whole count: a store without one cannot be said to have none of a thing."""

    __tablename__ = "newest_counts"

    store_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    counted_on: Mapped[date]
