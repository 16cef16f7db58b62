"""Notes for the next buy: what neither the chain's stock nor an order in time could serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import render_template, request
from sqlalchemy import func, select

from data.buy_notes import NotePlace, newest_first, note_place, notes_after
from data.records import BuyNote, Role, Store
from web.access import current_person, require_role
from web.exports import asked_kind, table_answer
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from sqlalchemy.orm import InstrumentedAttribute

    from data.records import Person

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

NOTES: Final = 50
_AT_ONCE: Final = 500
_NOTE_COLUMNS: Final = (
    "season_code", "season_ends", "category", "gender_age", "size", "price_band", "need", "climate_zone",
    "stores", "units", "customers", "money", "in_season_units", "after_units", "demand_units", "evidence",
    "noted_on",
)  # fmt: skip
# Every zone with a store, since there are few stores and many notes.
_ZONES: Final = select(Store.climate_zone).distinct().order_by(Store.climate_zone)
_CHOSEN: Final = {"season": BuyNote.season_code, "category": BuyNote.category, "zone": BuyNote.climate_zone}


@require_role(Role.MERCHANDISER, Role.ADMIN)
def buy_notes() -> ResponseReturnValue:
    """What neither the chain's stock nor an order in time could serve, newest season first."""
    asked = {name: request.args.get(name, "") for name in ("season", "category", "zone")}
    query = _notes(select(BuyNote), asked, current_person())
    if kind := asked_kind():
        found = reading().execute(
            newest_first(query.with_only_columns(*(getattr(BuyNote, name) for name in _NOTE_COLUMNS)))
            .execution_options(yield_per=_AT_ONCE)
        )  # fmt: skip
        return table_answer("buy-notes", _NOTE_COLUMNS, found, kind)
    after = note_place(request.args.get("after", ""))
    rows = reading().scalars(newest_first(notes_after(query, after)).limit(NOTES + 1)).all()
    sums = (func.count(), func.sum(BuyNote.units), func.sum(BuyNote.customers), func.sum(BuyNote.money))
    return render_template(
        "outcomes/buy_notes.html",
        rows=rows[:NOTES],
        after=_after(rows[NOTES - 1]) if len(rows) > NOTES else "",
        continued=after is not None,
        total=reading().execute(query.with_only_columns(*sums)).one(),
        asked=asked,
        filters={name: value for name, value in asked.items() if value},
        choices={
            "season": _distinct(BuyNote.season_code),
            "category": _distinct(BuyNote.category),
            "zone": reading().scalars(_ZONES).all(),
        },
    )


def _notes(query: Q, asked: dict[str, str], person: Person) -> Q:
    """Cut a query over notes to the person's categories and to what is asked for."""
    if (own := person.category_names) is not None:
        query = query.where(BuyNote.category.in_(sorted(own)))
    for name, column in _CHOSEN.items():
        if asked[name]:
            query = query.where(column == asked[name])
    return query


def _after(note: BuyNote) -> str:
    return str(NotePlace(note.season_ends, note.units, note.note_id))


def _distinct(column: InstrumentedAttribute[str]) -> Sequence[str]:
    query = select(column).distinct().order_by(column)
    if (own := current_person().category_names) is not None:
        query = query.where(BuyNote.category.in_(sorted(own)))
    return reading().scalars(query).all()
