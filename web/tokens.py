"""Tokens: what a person's programs may do in their name; made here, shown once, revoked here."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, abort, flash, make_response, redirect, render_template, request, url_for
from sqlalchemy import select

from data.errors import InSeasonError
from data.records import ApiToken, Person, Role, TokenScope
from data.records.tokens import GRANTABLE, LASTS, LONGEST_NAME
from data.tokens import give_token
from web.access import current_person, visible_tokens
from web.addresses import id_in
from web.exports import MOST_ROWS, asked_kind, table_answer
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from flask import Response
    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

tokens = Blueprint("tokens", __name__)

PAGE: Final = 50
_USUAL_DAYS: Final = 90
_COLUMNS: Final = (
    "name", "begins_with", "person", "may", "made_at", "last_used_at", "ends_at", "revoked_at", "revoked_by",
)  # fmt: skip

TOLD: Final = {
    TokenScope.ALERTS_READ: ("Read alerts", "And what was decided about them."),
    TokenScope.ALERTS_WRITE: ("Act on alerts", "Take them on, put them off, dismiss them, ask for goods."),
    TokenScope.FORECASTS_READ: ("Read forecasts", ""),
    TokenScope.CALENDAR_READ: ("Read the calendar", ""),
    TokenScope.REQUESTS_READ: ("Read what customers asked for", "Never their addresses."),
    TokenScope.REQUESTS_WRITE: ("Record what customers asked for", ""),
    TokenScope.FEEDS_READ: ("See how fresh the feeds are", "And what the nights and imports did."),
    TokenScope.FEEDS_WRITE: ("Load feeds", "Those that you may load yourself."),
}
"""What each scope is called on the page, and what more there is to say."""


@dataclass(frozen=True)
class Form:
    """The form of a new token, as it was filled in."""

    name: str = ""
    scopes: tuple[str, ...] = ()
    days: int = _USUAL_DAYS

    @classmethod
    def sent(cls) -> Form:
        """What was sent."""
        days = request.form.get("days", "")
        return cls(
            request.form.get("name", ""),
            tuple(request.form.getlist("scope")),
            int(days) if days in {str(each) for each in LASTS} else 0,
        )


@tokens.get("/tokens")
def index() -> ResponseReturnValue:
    """The person's tokens, newest first, and the form for a new one; an admin sees everybody's."""
    if (kind := asked_kind()) is not None:
        rows = reading().execute(_query(current_person()).limit(MOST_ROWS + 1))
        return table_answer("tokens", _COLUMNS, _lines(rows), kind)
    return _page(Form())


@tokens.post("/tokens")
def make() -> ResponseReturnValue:
    """Make a token and show it, this once: its address never leads to it again."""
    form = Form.sent()
    try:
        with services().database.write() as records:
            token, secret = give_token(
                records,
                current_person(),
                name=form.name,
                scopes=form.scopes,
                days=form.days,
                now=services().clock.machine_now(),
            )
            name = token.name
    except InSeasonError as error:
        return _page(form, refused=str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    read_afresh()
    return _page(Form(), made=name, secret=secret), HTTPStatus.CREATED


@tokens.post("/tokens/<int:token_id>/revoke")
def revoke(token_id: int) -> ResponseReturnValue:
    """End a token: whatever uses it is refused from now on."""
    with services().database.write() as records:
        query = visible_tokens(select(ApiToken).where(ApiToken.token_id == token_id), current_person())
        token = records.scalars(query).one_or_none()
        if token is None:
            abort(HTTPStatus.NOT_FOUND)
        token.revoke(current_person(), services().clock.machine_now())
        name = token.name
    flash(f"{name} is revoked. Whatever used it is refused from now on.", "success")
    return redirect(url_for("tokens.index"), HTTPStatus.SEE_OTHER)


def _page(form: Form, *, refused: str = "", made: str = "", secret: str = "") -> Response:
    person, now = current_person(), services().clock.machine_now()
    query, before = _query(person), request.args.get("before", type=id_in)
    if before:
        query = query.where(ApiToken.token_id < before)
    found = reading().execute(query.limit(PAGE + 1)).all()
    rows = [(token, owner, _standing(token, now)) for token, owner in found[:PAGE]]
    return make_response(
        render_template(
            "tokens/list.html",
            rows=rows,
            older=found[PAGE - 1][0].token_id if len(found) > PAGE else None,
            continued=before is not None,
            of_all=person.role is Role.ADMIN,
            form=form,
            refused=refused,
            made=made,
            secret=secret,
            scopes=[(scope, *TOLD[scope]) for scope in GRANTABLE[person.role]],
            told={str(scope): name for scope, (name, _) in TOLD.items()},
            lasts=LASTS,
            longest=LONGEST_NAME,
        )
    )


def _query(person: Person) -> Select[ApiToken, str]:
    query = select(ApiToken, Person.name).join(Person, Person.person_id == ApiToken.person_id)
    return visible_tokens(query, person).order_by(ApiToken.token_id.desc())


def _standing(token: ApiToken, now: datetime) -> str:
    """Whether it works, in a word."""
    if token.revoked_at is not None:
        return "revoked"
    return "works" if token.is_open(now) else "ended"


def _lines(rows: Iterator[tuple[ApiToken, str]]) -> Iterator[Sequence[object]]:
    for token, owner in rows:
        yield (
            token.name,
            token.prefix,
            owner,
            ", ".join(token.scopes),
            token.created_at,
            token.last_used_at,
            token.expires_at,
            token.revoked_at,
            token.revoked_by,
        )
