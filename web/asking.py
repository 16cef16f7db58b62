"""Asked for and not found: recorded in one step, the nearest store that has it, and what was done then."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import joinedload

from data.errors import InSeasonError
from data.nearby import gone_on, whereabouts
from data.records import (
    CONTACT_LASTS,
    LONGEST_WORDS,
    MOST_UNITS,
    CustomerRequest,
    RequestOutcome,
    Store,
    Wanted,
)
from data.requests import find_styles, name_of, names_of, record_once, require_known
from web.access import current_person, one_or_404, visible_requests
from web.places import clock_of, place_meant, places_of, tidied
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.records import Person
    from data.requests import StyleFound
    from web.places import Place

asking = Blueprint("asking", __name__)

RECENT: Final = timedelta(days=7)
MOST_RECENT: Final = 8


@dataclass(frozen=True)
class Found:
    """The styles that were found: those that somebody has, and those that nobody has now."""

    at_hand: tuple[StyleFound, ...]
    gone: tuple[StyleFound, ...]

    @classmethod
    def of(cls, styles: Sequence[StyleFound]) -> Found:
        """Sort what was found."""
        return cls(
            tuple(style for style in styles if style.units),
            tuple(style for style in styles if not style.units),
        )

    @property
    def any(self) -> bool:
        """Whether anything was found."""
        return bool(self.at_hand or self.gone)


@asking.app_template_global("new_form_key")
def new_form_key() -> str:
    """A key for one form, so that sending it twice is sending it once."""
    return secrets.token_urlsafe(12)


@asking.app_template_filter("dial")
def dial(phone: str) -> str:
    """A telephone number as a telephone takes it."""
    return "".join(letter for letter in phone if letter.isdigit() or letter == "+")


@asking.get("/ask")
def index() -> ResponseReturnValue:
    """Type three letters, press the size: what was found, and what was recorded lately."""
    person, typed = current_person(), tidied(request.args.get("q", ""))
    places = places_of(person)
    place = place_meant(places, request.args.get("store"))
    found: list[StyleFound] = []
    if place and typed:
        found = find_styles(reading(), typed, store_id=place.store_id, categories=person.category_names)
    return render_template(
        "asking/index.html",
        places=places,
        place=place,
        typed=typed,
        found=Found.of(found),
        recent=_recent(person, place),
        at=clock_of(place.store_id if place else ""),
        longest=LONGEST_WORDS,
        most_units=MOST_UNITS,
        units=min(max(request.args.get("units", 1, type=int), 1), MOST_UNITS),
    )


@asking.post("/ask")
def record() -> ResponseReturnValue:
    """Somebody asked for a thing that is not there."""
    person, sent = current_person(), request.form
    wanted = Wanted(
        sku=sent.get("sku", ""),
        style_id="" if sent.get("sku") else sent.get("style", ""),
        size=sent.get("size", ""),
        text=tidied(sent.get("text", "")),
    )
    place = place_meant(places_of(person), sent.get("store", ""))
    if place is None:
        abort(HTTPStatus.NOT_FOUND)
    require_known(reading(), wanted, categories=person.category_names)
    request_id = _record(person, place, wanted, sent.get("units", 1, type=int))
    return redirect(url_for("asking.show", request_id=request_id), HTTPStatus.SEE_OTHER)


@asking.get("/ask/<int:request_id>")
def show(request_id: int) -> ResponseReturnValue:
    """One request: where the thing is, and what can be done for the customer."""
    asked = one_or_404(_one(request_id).options(joinedload(CustomerRequest.contact)))
    stores = _names(asked.store_id, asked.holding_store_id)
    return render_template(
        "asking/show.html",
        asked=asked,
        name=name_of(reading(), asked.wanted),
        store_name=stores[asked.store_id],
        holding=stores.get(asked.holding_store_id or "", ""),
        at=clock_of(asked.store_id),
        where=whereabouts(reading(), asked.wanted, store_id=asked.store_id, now=services().clock.now()),
        may_write=bool(services().settings.smtp_url.get_secret_value()),
        contact_days=CONTACT_LASTS.days,
    )


@asking.post("/ask/<int:request_id>/outcome")
def settle(request_id: int) -> ResponseReturnValue:
    """What was done for the customer: a hold, a ship-to-home, a saved sale, or nothing."""
    told = request.form.get("outcome", "")
    with services().database.write() as records:
        asked = _to_change(records, request_id)
        if told not in set(RequestOutcome):
            raise InSeasonError("That is no outcome of a request.")
        holding = request.form.get("holding_store", "")
        if holding and records.get(Store, holding) is None:
            raise InSeasonError("There is no such store to hold it.")
        asked.settle(RequestOutcome(told), services().clock.now(), holding_store_id=holding)
    return _back(request_id, "")


@asking.post("/ask/<int:request_id>/undo")
def undo(request_id: int) -> ResponseReturnValue:
    """It was recorded by mistake."""
    with services().database.write() as records:
        _to_change(records, request_id).undo(services().clock.now())
    flash("Undone: it counts for nothing now.")
    return redirect(url_for("asking.index"), HTTPStatus.SEE_OTHER)


@asking.post("/ask/<int:request_id>/contact")
def leave_contact(request_id: int) -> ResponseReturnValue:
    """Keep the customer's address for one mail, with their consent."""
    with services().database.write() as records:
        asked = _to_change(records, request_id)
        if not services().settings.smtp_url.get_secret_value():
            raise InSeasonError("No mail server is set, so no address is kept: nobody could be written to.")
        asked.leave_contact(
            request.form.get("email", "").strip(),
            consent=request.form.get("consent") == "yes",
            now=services().clock.now(),
            today=services().today,
            gone_on=gone_on(records, asked.wanted, store_id=asked.store_id),
        )
    return _back(request_id, "The address is kept for one mail.")


@asking.post("/ask/<int:request_id>/forget")
def forget_contact(request_id: int) -> ResponseReturnValue:
    """Delete the customer's address at once."""
    with services().database.write() as records:
        _to_change(records, request_id).forget_contact()
    return _back(request_id, "The address is deleted.")


def _record(person: Person, place: Place, wanted: Wanted, units: int) -> int:
    asked = CustomerRequest.asked(
        wanted,
        store_id=place.store_id,
        person_id=person.person_id,
        units=units,
        now=services().clock.now(),
        form_key=_form_key(person, place, wanted),
    )
    request_id, _ = record_once(services().database, asked)
    return request_id


def _form_key(person: Person, place: Place, wanted: Wanted) -> str:
    """The key of a form for one thing: a page of results has one form key and many things to press."""
    sent = request.form.get("once") or new_form_key()
    parts = (
        str(person.person_id),
        place.store_id,
        wanted.sku,
        wanted.style_id,
        wanted.size,
        wanted.text,
        sent,
    )
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def _one(request_id: int) -> Select[CustomerRequest]:
    return visible_requests(
        select(CustomerRequest).where(CustomerRequest.request_id == request_id), current_person()
    )


def _to_change(records: Session, request_id: int) -> CustomerRequest:
    query = _one(request_id).options(joinedload(CustomerRequest.contact))
    asked = records.scalars(query).one_or_none()
    if asked is None:
        abort(HTTPStatus.NOT_FOUND)
    return asked


def _back(request_id: int, message: str) -> ResponseReturnValue:
    if message:
        flash(message, "success")
    return redirect(url_for("asking.show", request_id=request_id), HTTPStatus.SEE_OTHER)


def _recent(person: Person, place: Place | None) -> list[tuple[CustomerRequest, str]]:
    """What was recorded there lately, newest first, with what to call it."""
    if place is None:
        return []
    query = (
        visible_requests(select(CustomerRequest), person)
        .where(
            CustomerRequest.store_id == place.store_id,
            CustomerRequest.undone_at.is_(None),
            CustomerRequest.asked_at >= services().clock.now() - RECENT,
        )
        .order_by(CustomerRequest.asked_at.desc(), CustomerRequest.request_id.desc())
        .limit(MOST_RECENT)
    )
    found = reading().scalars(query).all()
    names = names_of(reading(), {asked.wanted for asked in found})
    return [(asked, names[asked.wanted]) for asked in found]


def _names(*store_ids: str | None) -> dict[str, str]:
    known = [store_id for store_id in store_ids if store_id]
    query = select(Store.store_id, Store.name).where(Store.store_id.in_(known))
    return dict(reading().execute(query).all())
