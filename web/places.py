"""Where a customer stands: the stores a person may ask in, which one is meant, and the clock on its wall."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from zoneinfo import ZoneInfo

from flask import abort, session
from sqlalchemy import select

from data.records import LONGEST_WORDS, Store, StoreKind
from web.access import visible_stores
from web.rendering.words import instant
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import datetime

    from data.records import Person

_STORE: Final = "asking_store"


@dataclass(frozen=True)
class Place:
    """A store where customers ask."""

    store_id: str
    name: str


def places_of(person: Person) -> list[Place]:
    """The person's stores that customers walk into and that have not closed for good."""
    query = visible_stores(person).where(Store.kind != StoreKind.DC)
    open_ = (Store.closed_on.is_(None)) | (Store.closed_on >= services().today)
    return [Place(*row) for row in reading().execute(query.where(open_)).all()]


def place_meant(places: Sequence[Place], asked: str | None) -> Place | None:
    """The store that is asked in: the one named, else the only one, else the one of last time."""
    own = {place.store_id: place for place in places}
    if asked:
        if asked not in own:
            abort(HTTPStatus.NOT_FOUND)
        session[_STORE] = asked
        return own[asked]
    return places[0] if len(places) == 1 else own.get(session.get(_STORE, ""))


def clock_of(store_id: str) -> Callable[[datetime], str]:
    """How an instant is told in a store: by the clock on its wall."""
    name = reading().scalar(select(Store.timezone).where(Store.store_id == store_id))
    zone = ZoneInfo(name) if name else services().settings.timezone
    return lambda at: instant(at, zone)


def tidied(words: str) -> str:
    """What was typed, on one line and without what cannot be printed."""
    return "".join(letter for letter in " ".join(words.split()) if letter.isprintable())[:LONGEST_WORDS]
