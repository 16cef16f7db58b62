"""The notes for the next buy, as lists ask for them: newest season first, most units first."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from sqlalchemy import and_, or_, select, tuple_

from data.records import BuyNote

if TYPE_CHECKING:
    from sqlalchemy import Select

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")


class NotePlace(NamedTuple):
    """Where a page of notes ended: end of the season (None: wanted all year), units and id of its last."""

    season_ends: date | None
    units: float
    note_id: int

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{self.season_ends or ''}_{self.units!r}_{self.note_id}"


def notes_of(category: str | None = None) -> Select[BuyNote]:
    """The notes of a category or of all, in order."""
    query = newest_first(select(BuyNote))
    return query if category is None else query.where(BuyNote.category == category)


def newest_first(query: Q) -> Q:
    """Newest season first, what is wanted all year last; within a season most units first."""
    return query.order_by(
        BuyNote.season_ends.desc().nulls_last(), BuyNote.units.desc(), BuyNote.note_id.desc()
    )


def notes_after(query: Q, last: NotePlace | None) -> Q:
    """Cut notes to those that follow one, in that order."""
    if last is None:
        return query
    fewer = tuple_(BuyNote.units, BuyNote.note_id) < (last.units, last.note_id)
    if last.season_ends is None:
        return query.where(BuyNote.season_ends.is_(None), fewer)
    same = and_(BuyNote.season_ends == last.season_ends, fewer)
    return query.where(or_(BuyNote.season_ends < last.season_ends, BuyNote.season_ends.is_(None), same))


def note_place(text: str) -> NotePlace | None:
    """The place that a part of an address names; none when it is broken."""
    try:
        ends, units, number = text.split("_")
        place = NotePlace(date.fromisoformat(ends) if ends else None, float(units), int(number))
    except ValueError:
        return None
    return place if math.isfinite(place.units) else None
