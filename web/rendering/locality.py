"""Where somebody reads: how numbers, days and hours are written there, and by which clock.

The texts are English; a place decides the order of a date, the hours of a day and the marks in a number.
"""

from __future__ import annotations

from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from babel import Locale

from data.records import Store

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy.orm import Session

    from data.records import Person
    from data.settings import Settings

_UTC: Final = ZoneInfo("UTC")


@dataclass(frozen=True)
class Locality:
    """A place: an English locale of the CLDR such as en_US, an ISO currency, and a time zone."""

    name: str = "en_GB"
    currency: str = "USD"
    zone: ZoneInfo = _UTC

    @classmethod
    def of_chain(cls, settings: Settings) -> Locality:
        """Where the chain is at home."""
        return cls(settings.locale, settings.currency, settings.timezone)

    def at(self, store: Store) -> Locality:
        """The place of a store, which is the chain's in whatever the store does not say."""
        zone = ZoneInfo(store.timezone) if store.timezone else self.zone
        return Locality(store.locale or self.name, self.currency, zone)

    @cached_property
    def locale(self) -> Locale:
        """The rules of writing."""
        return Locale.parse(self.name)

    @cached_property
    def currency_sign(self) -> str:
        """The shortest sign under which the currency is known here: one chain has one currency."""
        known = (self.locale.currency_symbols, Locale.parse("en").currency_symbols)
        return min((str(signs.get(self.currency, self.currency)) for signs in known), key=len)


def locality_of(person: Person | None, session: Session, settings: Settings) -> Locality:
    """Where a person works: a store manager at the first of the own stores, others where the chain is.

    Args:
        person: who reads; None for somebody who has not logged in.
        session: for reading.
        settings: for the chain's own place.
    """
    chain = Locality.of_chain(settings)
    own = sorted(person.store_ids or ()) if person else []
    store = session.get(Store, own[0]) if own else None
    return chain.at(store) if store else chain


_CHAIN_UNKNOWN: Final = Locality()
_here: ContextVar[Locality] = ContextVar("locality", default=_CHAIN_UNKNOWN)


def here() -> Locality:
    """The place for which something is being written."""
    return _here.get()


@contextmanager
def written_for(locality: Locality) -> Iterator[None]:
    """Write for somebody in that place."""
    before = _here.set(locality)
    try:
        yield
    finally:
        _here.reset(before)
