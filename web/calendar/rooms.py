"""What all pages of the calendar share: who may open them, and what they have in common."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, request
from sqlalchemy import select

from data.records import Person, Product, Role, Store
from web.access import PUBLIC, current_person
from web.addresses import id_in
from web.rendering import calendar_words
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.calendar_rows import Difference

calendar = Blueprint("calendar", __name__)

PAGE: Final = 25


@calendar.before_request
def _for_planners() -> None:
    """The calendar is the merchandisers'; a calendar program that has an address needs no log-in."""
    if request.endpoint not in PUBLIC and current_person().role is Role.STORE_MANAGER:
        abort(HTTPStatus.FORBIDDEN)


@calendar.context_processor
def _words() -> dict[str, object]:
    return {"said": calendar_words}


def require_category(category: str) -> None:
    """A category that is not the person's is not there."""
    own = current_person().category_names
    if own is not None and category not in own:
        abort(HTTPStatus.NOT_FOUND)


def names_in(rows: Iterable[Difference]) -> dict[str, str]:
    """The names of the stores and styles that differences speak of; two statements at most."""
    scopes = [row.scope for row in rows]
    return names_of({scope.store_id for scope in scopes}, {scope.style_id for scope in scopes})


def names_of(stores: Iterable[str], styles: Iterable[str]) -> dict[str, str]:
    """The names of stores and styles by their ids; two statements at most."""
    wanted_stores, wanted_styles = ({each for each in ids if each} for ids in (stores, styles))
    found: dict[str, str] = {}
    if wanted_stores:
        query = select(Store.store_id, Store.name).where(Store.store_id.in_(sorted(wanted_stores)))
        found |= dict(reading().execute(query).all())
    if wanted_styles:
        by_style = select(Product.style_id, Product.style_name).where(
            Product.style_id.in_(sorted(wanted_styles))
        )
        named = reading().execute(by_style.distinct()).all()
        found |= {style: name or style for style, name in named}
    return found


def people(emails: Iterable[str]) -> dict[str, str]:
    """The names of people by their e-mail; one statement."""
    known = sorted({email for email in emails if email})
    query = select(Person.email, Person.name).where(Person.email.in_(known))
    return dict(reading().execute(query).all())


def text(name: str) -> str:
    """A field of the form."""
    return request.form.get(name, "").strip()


def id_after() -> int | None:
    """Where the page before ended, from the address; none when it is broken."""
    return request.args.get("after", None, type=id_in)
