"""Addresses at which a calendar program reads the dates: made and revoked here, read without a log-in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Response, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select, update

from data.calendar_versions import calendar_of, newest_version_id
from data.errors import InSeasonError, NotYoursError
from data.records import CalendarAddress, CalendarVersion
from data.records.calendar_addresses import hashed, refuse_too_many
from web.access import current_person
from web.calendar.rooms import calendar, text
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

_LONGEST_TOKEN: Final = 64
_CONTENT_TYPE: Final = "text/calendar; charset=utf-8"


@calendar.get("/calendar/addresses")
def addresses() -> ResponseReturnValue:
    """The person's addresses, with when each was last read."""
    return _page()


@calendar.post("/calendar/addresses")
def add_address() -> ResponseReturnValue:
    """Make an address; it is shown in this answer and never again."""
    person = current_person()
    try:
        with services().database.write() as records:
            refuse_too_many(records.scalars(_own(person.person_id)).all())
            address, token = CalendarAddress.made(person, text("name"), services().clock.now())
            records.add(address)
    except NotYoursError:
        raise
    except InSeasonError as refusal:
        return _page(trouble=str(refusal)), HTTPStatus.BAD_REQUEST
    return _page(address=_address(token)), HTTPStatus.CREATED


@calendar.post("/calendar/addresses/<int:address_id>/revoke")
def revoke_address(address_id: int) -> ResponseReturnValue:
    """From now on nobody reads anything at an address."""
    with services().database.write() as records:
        query = _own(current_person().person_id).where(CalendarAddress.address_id == address_id)
        address = records.scalars(query.with_for_update(of=CalendarAddress)).one_or_none()
        if address is None:
            abort(HTTPStatus.NOT_FOUND)
        address.revoke(services().clock.now())
    flash("Revoked. Nobody reads anything at that address any more.", "success")
    return redirect(url_for("calendar.addresses"), HTTPStatus.SEE_OTHER)


@calendar.get("/calendar/feed/<token>.ics")
def feed(token: str) -> ResponseReturnValue:
    """The dates in force, cut to what the address's person may see now."""
    # The library of calendar files is loaded by whoever reads one.
    from web.ics import calendar_file  # noqa: PLC0415

    address = _address_of(token)
    newest = newest_version_id(reading())
    version = reading().get(CalendarVersion, newest) if newest is not None else None
    whole = None
    if version is not None:
        whole = calendar_of(reading(), version.version_id, address.person.category_names)
    told = calendar_file(whole, version, services().today, services().settings.base_url)
    answer = Response(told, content_type=_CONTENT_TYPE)
    answer.headers["Content-Disposition"] = 'inline; filename="inseason.ics"'
    if version is not None:
        answer.last_modified = version.created_at
    answer.add_etag()
    _note_use(address)
    # By its content alone: the version's instant knows nothing of categories given to somebody or taken away.
    return answer.make_conditional(request) if request.if_none_match else answer


def _address(token: str) -> str:
    """The whole address, as it is typed into a calendar program."""
    return f"{services().settings.base_url.rstrip('/')}{url_for('calendar.feed', token=token)}"


def _address_of(token: str) -> CalendarAddress:
    """The address that a secret opens; nothing is there for a revoked one or a closed account."""
    if len(token) > _LONGEST_TOKEN or not token.isascii():
        abort(HTTPStatus.NOT_FOUND)
    query = select(CalendarAddress).where(CalendarAddress.token_hash == hashed(token))
    address = reading().scalars(query).one_or_none()
    if address is None or not address.is_open:
        abort(HTTPStatus.NOT_FOUND)
    return address


def _note_use(address: CalendarAddress) -> None:
    now = services().clock.machine_now()
    if not address.is_use_worth_noting(now):
        return
    with services().database.write() as records:
        records.execute(
            update(CalendarAddress)
            .where(CalendarAddress.address_id == address.address_id)
            .values(last_used_at=now)
        )


def _own(person_id: int) -> Select[CalendarAddress]:
    return select(CalendarAddress).where(CalendarAddress.person_id == person_id)


def _page(address: str = "", trouble: str = "") -> str:
    query = _own(current_person().person_id).order_by(CalendarAddress.address_id.desc())
    rows: Sequence[CalendarAddress] = reading().scalars(query).all()
    return render_template(
        "calendar/addresses.html",
        rows=rows,
        address=address,
        trouble=trouble,
        name=text("name") if trouble else "",
    )
