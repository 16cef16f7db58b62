"""The first account: made by whoever has the setup code, once; afterwards this page is shut for good."""

from __future__ import annotations

from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import Blueprint, flash, redirect, render_template, request, url_for

from data.errors import ConflictError, FieldsError, InSeasonError
from data.passwords import hash_password
from data.people import Account, first_admin, has_accounts
from data.records import Person, Role
from data.setup_code import code_file, forget_setup_code, is_setup_code, setup_code
from web.auth import enter, may_try, password_typed, wait_told
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from flask.typing import ResponseReturnValue

setup = Blueprint("setup", __name__)

WINDOW: Final = timedelta(minutes=15)
# Nobody needs more, and the code is not guessed with so many, from however many addresses.
MOST_CODES: Final = 30
_LONGEST_CODE: Final = 100


@setup.get("/setup")
def index() -> ResponseReturnValue:
    """What is asked of whoever sets the service up."""
    if has_accounts(reading()):
        return redirect(url_for("auth.login"))
    # Made here too, for a service that was not started by its own command.
    setup_code(services().settings)
    return _page({}, HTTPStatus.OK)


@setup.post("/setup")
def begin() -> ResponseReturnValue:
    """Make the admin's account, and log them in."""
    if has_accounts(reading()):
        return _done("This service is set up already. Log in, or ask an admin for an account.")
    tried = may_try({"setup": MOST_CODES}, WINDOW)
    if tried.wait is not None:
        return _page({"code": wait_told(tried.wait)}, HTTPStatus.TOO_MANY_REQUESTS)
    if not is_setup_code(services().settings, request.form.get("code", "")[:_LONGEST_CODE]):
        problem = "This is not the setup code. It was shown when the service was started."
        return _page({"code": problem}, HTTPStatus.FORBIDDEN)
    try:
        person = _make_admin()
    except ConflictError as error:
        return _done(str(error))
    except FieldsError as error:
        return _page(error.problems, HTTPStatus.BAD_REQUEST)
    forget_setup_code(services().settings)
    enter(person)
    flash("InSeason is yours. Next: bring in the feeds, then add the people who work with it.", "success")
    return redirect(url_for("alerts.home"), HTTPStatus.SEE_OTHER)


def _make_admin() -> Person:
    account = Account(request.form.get("email", ""), request.form.get("name", ""), Role.ADMIN)
    try:
        hashed = hash_password(password_typed(Person(email=account.email, name=account.name)))
    except InSeasonError as error:
        raise FieldsError({"password": str(error)}) from error
    with services().database.write() as records:
        return first_admin(records, account, password_hash=hashed, now=services().clock.machine_now())


def _page(problems: Mapping[str, str], status: HTTPStatus) -> ResponseReturnValue:
    page = render_template(
        "setup/index.html", given=request.form, problems=problems, file=code_file(services().settings).name
    )
    return page, status


def _done(sentence: str) -> ResponseReturnValue:
    flash(sentence, "warning")
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)
