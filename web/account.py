"""The own account: name, password, and the browsers in which one is logged in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from data.errors import FieldsError, InSeasonError
from data.passwords import LONGEST_PASSWORD, hash_password
from data.people import change_password, end_other_sessions, rename
from data.records import MailChoices
from data.sessions import sessions_of
from web.access import current_person, visible_stores
from web.auth import MOST_PER_EMAIL, WINDOW, may_try, password_typed, wait_told
from web.rendering.account_words import mails_told, role_told
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from flask.typing import ResponseReturnValue

account = Blueprint("account", __name__)

_WRONG: Final = "This is not your password now."


@account.get("/account")
def index() -> ResponseReturnValue:
    """What the person may change about their own account."""
    return _page({}, HTTPStatus.OK)


@account.post("/account/name")
def change_name() -> ResponseReturnValue:
    """Take another name."""
    try:
        with services().database.write() as records:
            changed = rename(records, current_person().person_id, request.form.get("name", ""), now=_now())
    except FieldsError as error:
        return _page(error.problems, HTTPStatus.BAD_REQUEST)
    flash("Your name is changed." if changed else "Nothing was changed.", "success")
    return _back()


@account.post("/account/password")
def change_own_password() -> ResponseReturnValue:
    """Take another password; whoever else is logged in with this account is logged out."""
    person = current_person()
    given = request.form.get("current", "")
    # Somebody who finds a phone unlocked may not guess on, either.
    tried = may_try({f"current:{person.person_id}": MOST_PER_EMAIL}, WINDOW)
    if tried.wait is not None:
        return _page({"current": wait_told(tried.wait)}, HTTPStatus.TOO_MANY_REQUESTS)
    if len(given) > LONGEST_PASSWORD or not person.has_password(given):
        return _page({"current": _WRONG}, HTTPStatus.BAD_REQUEST)
    try:
        chosen = password_typed(person)
    except InSeasonError as error:
        return _page({"password": str(error)}, HTTPStatus.BAD_REQUEST)
    if chosen == given:
        return _page({"password": "This is your password already."}, HTTPStatus.BAD_REQUEST)
    hashed = hash_password(chosen)
    with services().database.write() as records:
        change_password(
            records,
            person.person_id,
            before=person.password_hash,
            password_hash=hashed,
            keep=current_user.session_id,
            now=_now(),
        )
    flash("Your password is changed. Wherever else you were logged in, you are logged out.", "success")
    return _back()


@account.post("/account/sessions/end")
def end_others() -> ResponseReturnValue:
    """Log out everywhere else."""
    with services().database.write() as records:
        end_other_sessions(records, current_person(), keep=current_user.session_id, now=_now())
    flash("You are logged out everywhere but here.", "success")
    return _back()


def _page(problems: Mapping[str, str], status: HTTPStatus) -> ResponseReturnValue:
    person = current_person()
    page = render_template(
        "account/index.html",
        problems=problems,
        name=request.form.get("name", person.name),
        sessions=sessions_of(reading(), person, _now()),
        this_session=current_user.session_id,
        stores=reading().execute(visible_stores(person)).all() if person.store_ids is not None else [],
        role=role_told(person.role),
        mails=mails_told(MailChoices.of(reading(), person).pace),
    )
    return page, status


def _back() -> ResponseReturnValue:
    return redirect(url_for("account.index"), HTTPStatus.SEE_OTHER)


def _now() -> datetime:
    return services().clock.machine_now()
