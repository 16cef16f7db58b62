"""The door: log in, log out, and slowing down whoever guesses."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, login_user, logout_user
from sqlalchemy import delete, func, select

from data.records import LoginAttempt, Person, spend_a_password_check
from web.access import person_or_none
from web.services import reading, services

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue
    from sqlalchemy.orm import Session

auth = Blueprint("auth", __name__)

WINDOW: Final = timedelta(minutes=15)
# A shop shares one address among its people, so an address may fail more often than an account.
MOST_PER_EMAIL: Final = 10
MOST_PER_ADDRESS: Final = 60
_LONGEST_EMAIL: Final = 254
_LONGEST_PASSWORD: Final = 1000
_SEAL: Final = "seal"


@dataclass(frozen=True)
class SignedIn:
    """A person as the log-in library wants to see one."""

    person: Person
    is_authenticated: bool = True
    is_anonymous: bool = False

    @property
    def is_active(self) -> bool:
        """Whether the account is open."""
        return self.person.is_active

    def get_id(self) -> str:
        """What stands in the session."""
        return str(self.person.person_id)


def attach_login(app: Flask) -> None:
    """Let the app know people by their session."""
    manager = LoginManager()
    manager.user_loader(_person_of_session)
    manager.init_app(app)
    app.register_blueprint(auth)


@auth.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """The log-in page, and what it sends."""
    onward = safe_path(request.args.get("next", ""))
    if person_or_none() is not None:
        return redirect(onward)
    if request.method == "GET":
        return render_template("login.html", email="")
    email = request.form.get("email", "").strip().lower()
    password = request.form.get("password", "")
    if len(email) > _LONGEST_EMAIL or len(password) > _LONGEST_PASSWORD:
        abort(HTTPStatus.BAD_REQUEST)
    if not _may_try(email):
        return _again(email, f"Too many tries. Wait {WINDOW.seconds // 60} minutes, then try again.", 429)
    person = _person_with(email, password)
    if person is None:
        return _again(email, "E-mail and password do not match an open account.", 401)
    _forget_tries(email)
    _begin_session(person)
    return redirect(onward, HTTPStatus.SEE_OTHER)


@auth.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session."""
    logout_user()
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)


def safe_path(wanted: str) -> str:
    """Where to go after the log-in: a path of this app, or its first page.

    Browsers read a backslash as a slash and drop control characters, so neither may stand in it.
    """
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or not wanted.isprintable():
        return url_for("alerts.index")
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return url_for("alerts.index")
    return url_for("alerts.index") if parts.scheme or parts.netloc else wanted


def _person_of_session(person_id: str) -> SignedIn | None:
    person = reading().get(Person, int(person_id))
    if person is None or not person.is_active or session.get(_SEAL) != _seal(person):
        return None
    return SignedIn(person)


def _begin_session(person: Person) -> None:
    # Nothing from before the log-in lives on in the session, the form token included.
    session.clear()
    session.permanent = True
    session[_SEAL] = _seal(person)
    login_user(SignedIn(person))


def _seal(person: Person) -> str:
    """Changes with the password, so that a new password ends the sessions of the old one."""
    return hashlib.sha256(person.password_hash.encode()).hexdigest()[:16]


def _person_with(email: str, password: str) -> Person | None:
    """The open account with that e-mail and password; takes as long when there is none."""
    person = reading().scalars(select(Person).where(Person.email == email)).one_or_none()
    if person is None:
        spend_a_password_check(password)
        return None
    return person if person.has_password(password) and person.is_active else None


def _may_try(email: str) -> bool:
    """Count this try before it is checked, so that tries at the same moment count as well."""
    now = services().clock.machine_now()
    with services().database.write() as records:
        records.execute(delete(LoginAttempt).where(LoginAttempt.at < now - WINDOW))
        limits = {_email_subject(email): MOST_PER_EMAIL, _address_subject(): MOST_PER_ADDRESS}
        if any(_tries(records, subject) >= most for subject, most in limits.items()):
            return False
        records.add_all(LoginAttempt(subject=subject, at=now) for subject in limits)
    return True


def _forget_tries(email: str) -> None:
    """After a log-in that worked, what failed before does not count any more for the account."""
    with services().database.write() as records:
        records.execute(delete(LoginAttempt).where(LoginAttempt.subject == _email_subject(email)))
        last = select(func.max(LoginAttempt.attempt_id)).where(LoginAttempt.subject == _address_subject())
        records.execute(delete(LoginAttempt).where(LoginAttempt.attempt_id == last.scalar_subquery()))


def _tries(records: Session, subject: str) -> int:
    found = records.scalar(select(func.count()).where(LoginAttempt.subject == subject))
    return found or 0


def _email_subject(email: str) -> str:
    return f"email:{email}"


def _address_subject() -> str:
    return f"address:{request.remote_addr}"


def _again(email: str, sentence: str, status: int) -> ResponseReturnValue:
    flash(sentence, "warning")
    return render_template("login.html", email=email), status
