"""Find: a style or a sku and a size, the nearest stores that have it, and what it takes to get there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, render_template, request

from data.nearby import search_of, usual_effort, whereabouts
from data.records import LONGEST_WORDS, Wanted
from data.requests import colors_of, find_styles, name_of, style_named
from web.access import current_person
from web.exports import asked_kind, table_answer
from web.places import place_meant, places_of, tidied
from web.rendering import ways
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from werkzeug.datastructures import MultiDict

    from data.nearby import Search, Whereabouts
    from data.records import Person, StoreEffort
    from data.requests import StyleFound
    from web.places import Place

find = Blueprint("find", __name__)

MOST_SHOWN: Final = 5
_COLUMNS: Final = (
    "sku", "style", "size", "store", "name", "phone", "miles", "on_hand", "held", "promised", "counted_on",
)  # fmt: skip
_EVERY: Final = 100_000


@dataclass(frozen=True)
class Asked:
    """What the address asks for; a size that is not in it (None) has not been chosen yet."""

    words: str
    style_id: str
    size: str | None
    sku: str

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Asked:
        """Read an address."""
        return cls(
            tidied(asked.get("q", "")), asked.get("style", ""), asked.get("size"), asked.get("sku", "")
        )


@dataclass(frozen=True)
class Answer:
    """Where one thing is, seen from one store."""

    wanted: Wanted
    name: str
    where: Whereabouts
    search: Search | None
    usual: StoreEffort | None

    @property
    def is_nowhere(self) -> bool:
        """Whether no store and no place that ships has a piece to give away."""
        return not (self.where.here or self.where.stores or self.where.ships_from)


@find.app_context_processor
def _words() -> dict[str, object]:
    return {"ways": ways}


@find.get("/find")
def index() -> ResponseReturnValue:
    """Type three letters, press a size: who has it, how far away, and how far one would go unaware."""
    person, asked = current_person(), Asked.of(request.args)
    places = places_of(person)
    place = place_meant(places, request.args.get("store"))
    styles = _styles(person, asked, place)
    wanted = _wanted(asked, styles)
    kind = asked_kind()
    if kind and place and wanted:
        return table_answer("find", _COLUMNS, _rows(wanted, place), kind)
    return render_template(
        "find/index.html",
        places=places,
        place=place,
        asked=asked,
        styles=styles,
        answer=_answer(wanted, place) if place and wanted else None,
        colors=colors_of(reading(), styles[0].style_id, wanted.size) if wanted and wanted.size else [],
        longest=LONGEST_WORDS,
    )


def _styles(person: Person, asked: Asked, place: Place | None) -> Sequence[StyleFound]:
    """The style that was chosen, or those that the words may mean."""
    if place is None:
        return ()
    if asked.style_id:
        categories = person.category_names
        chosen = style_named(reading(), asked.style_id, store_id=place.store_id, categories=categories)
        return [chosen] if chosen else ()
    if not asked.words:
        return ()
    return find_styles(reading(), asked.words, store_id=place.store_id, categories=person.category_names)


def _wanted(asked: Asked, styles: Sequence[StyleFound]) -> Wanted | None:
    """The one thing that is meant, once style and size are clear."""
    if len(styles) != 1:
        return None
    style = styles[0]
    if style.sku:
        return Wanted(sku=style.sku)
    sizes = {each.size for each in style.sizes}
    if asked.size is not None:
        if asked.size not in sizes:
            return None
        own = {sku for _, sku in colors_of(reading(), style.style_id, asked.size)}
        return Wanted(sku=asked.sku) if asked.sku in own else Wanted(style_id=style.style_id, size=asked.size)
    if len(style.asked_sizes) == 1:
        return Wanted(style_id=style.style_id, size=style.asked_sizes[0].size)
    return None


def _answer(wanted: Wanted, place: Place) -> Answer:
    session, now = reading(), services().clock.now()
    where = whereabouts(session, wanted, store_id=place.store_id, now=now, limit=MOST_SHOWN)
    return Answer(
        wanted=wanted,
        name=name_of(session, wanted),
        where=where,
        search=search_of(session, wanted, store_id=place.store_id, today=services().today),
        usual=usual_effort(session, store_id=place.store_id),
    )


def _rows(wanted: Wanted, place: Place) -> Sequence[tuple[Any, ...]]:
    """Every place that has it, as the file tells it."""
    session, now = reading(), services().clock.now()
    where = whereabouts(session, wanted, store_id=place.store_id, now=now, limit=_EVERY)
    name = name_of(session, wanted)
    return [
        (
            wanted.sku,
            name,
            wanted.size,
            each.store_id,
            each.name,
            each.phone,
            None if each.miles is None else round(each.miles, 1),
            each.units,
            each.held,
            each.promised,
            each.counted_on,
        )
        for each in (*where.stores, *where.ships_from)
    ]
