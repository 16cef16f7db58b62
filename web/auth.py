"""The door: log in, log out, a new password by mail, and slowing down whoever guesses."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from flask import Blueprint, abort, flash, redirect, render_template, request, session, url_for
from flask_login import LoginManager, current_user, login_user, logout_user
from sqlalchemy import select

from data.account_links import person_of_link
from data.addresses import LONGEST_ADDRESS
from data.errors import InSeasonError
from data.passwords import LONGEST_PASSWORD, hash_password, require_good_password
from data.people import has_accounts, set_password_by_link
from data.records import Person, spend_a_password_check
from data.sessions import begin_session, end_session, find_session
from data.throttle import Try, count_try, forget_tries
from web.access import person_or_none
from web.links import give_link, has_mail_server
from web.rendering.devices import device_of
from web.rendering.words import count
from web.services import reading, services

if TYPE_CHECKING:
    from flask import Flask
    from flask.typing import ResponseReturnValue

auth = Blueprint("auth", __name__)

WINDOW: Final = timedelta(minutes=15)
# A shop shares one address among its people, so an address may fail more often than an account.
MOST_PER_EMAIL: Final = 10
MOST_PER_ADDRESS: Final = 60
LINK_WINDOW: Final = timedelta(hours=1)
MOST_LINKS_PER_EMAIL: Final = 3
MOST_LINKS_PER_ADDRESS: Final = 20
# Longer than it takes to write a mail, so that the time of an answer does not tell whether one was written.
ANSWER_AFTER: Final = timedelta(milliseconds=400)
_LOGIN_PAGE: Final = "log-in page"
_LINK: Final = "link"


@dataclass(frozen=True)
class SignedIn:
    """A person as the log-in library wants to see one, in one of their sessions."""

    person: Person
    key: str
    session_id: int = 0
    is_authenticated: bool = True
    is_anonymous: bool = False

    @property
    def is_active(self) -> bool:
        """Whether the account is open."""
        return self.person.is_active

    def get_id(self) -> str:
        """What stands in the cookie: the key of the session, and nothing about the person."""
        return self.key


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
    if not has_accounts(reading()):
        return redirect(url_for("setup.index"))
    if request.method == "GET":
        return render_template("login.html", email="")
    email, password = _typed_email(), request.form.get("password", "")
    if len(password) > LONGEST_PASSWORD:
        abort(HTTPStatus.BAD_REQUEST)
    tried = may_try({f"email:{email}": MOST_PER_EMAIL, _by_address(): MOST_PER_ADDRESS}, WINDOW)
    if tried.wait is not None:
        return _again(email, wait_told(tried.wait), HTTPStatus.TOO_MANY_REQUESTS)
    person = _person_with(email, password)
    if person is None:
        return _again(email, "E-mail and password do not match an open account.", HTTPStatus.UNAUTHORIZED)
    with services().database.write() as records:
        # What failed before counts no more for the account, and this try no more for the address.
        forget_tries(records, f"email:{email}", tried.attempts)
    enter(person)
    return redirect(onward, HTTPStatus.SEE_OTHER)


@auth.post("/logout")
def logout() -> ResponseReturnValue:
    """End the session, also for whoever has a copy of the cookie."""
    with services().database.write() as records:
        end_session(records, current_user.key)
    logout_user()
    session.clear()
    flash("You are logged out.")
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)


@auth.get("/forgot")
def forgot() -> ResponseReturnValue:
    """Ask for a link that sets a new password."""
    return render_template("account/forgot.html", email="", by_mail=has_mail_server(), sent_to="")


@auth.post("/forgot")
def send_link() -> ResponseReturnValue:
    """Mail a link, if the address has an open account; the answer is the same whether it has or not."""
    if not has_mail_server():
        return redirect(url_for("auth.forgot"), HTTPStatus.SEE_OTHER)
    until = time.monotonic() + ANSWER_AFTER.total_seconds()
    email = _typed_email()
    limits = {f"link:{email}": MOST_LINKS_PER_EMAIL, f"link-{_by_address()}": MOST_LINKS_PER_ADDRESS}
    tried = may_try(limits, LINK_WINDOW)
    if tried.wait is not None:
        flash(wait_told(tried.wait), "warning")
        page = render_template("account/forgot.html", email=email, by_mail=True, sent_to="")
        return page, HTTPStatus.TOO_MANY_REQUESTS
    with services().database.write() as records:
        mine = select(Person).where(Person.email == email, Person.is_active)
        if (person := records.scalars(mine).one_or_none()) is not None:
            give_link(records, person, by=_LOGIN_PAGE)
    page = render_template("account/forgot.html", email=email, by_mail=True, sent_to=email)
    time.sleep(max(0.0, until - time.monotonic()))
    return page


@auth.get("/password/<token>")
def reset(token: str) -> ResponseReturnValue:
    """A link was opened: take its token out of the address, where others could read it."""
    session[_LINK] = token
    answer = redirect(url_for("auth.new_password"))
    answer.headers["Referrer-Policy"] = "no-referrer"
    return answer


@auth.get("/password")
def new_password() -> ResponseReturnValue:
    """Choose a password with a link."""
    try:
        person, link = person_of_link(reading(), session.get(_LINK, ""), services().clock.machine_now())
    except InSeasonError as error:
        return _no_link(error)
    return render_template("account/new_password.html", account=person, kind=link.kind, problem="")


@auth.post("/password")
def set_password() -> ResponseReturnValue:
    """Set the password that was chosen with a link; the link is used then."""
    token, now = session.get(_LINK, ""), services().clock.machine_now()
    try:
        person, link = person_of_link(reading(), token, now)
    except InSeasonError as error:
        return _no_link(error)
    try:
        chosen = password_typed(person)
    except InSeasonError as error:
        page = render_template(
            "account/new_password.html", account=person, kind=link.kind, problem=str(error)
        )
        return page, HTTPStatus.BAD_REQUEST
    hashed = hash_password(chosen)
    try:
        with services().database.write() as records:
            set_password_by_link(records, token, password_hash=hashed, now=now)
    except InSeasonError as error:
        return _no_link(error)
    logout_user()
    session.clear()
    flash("Your password is set. Log in with it.", "success")
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)


def password_typed(person: Person) -> str:
    """The new password that a form sends twice.

    Raises:
        InSeasonError: the two differ, or it would be guessed.
    """
    chosen, again = request.form.get("password", ""), request.form.get("again", "")
    require_good_password(chosen, email=person.email, name=person.name)
    if chosen != again:
        raise InSeasonError("The two passwords are not the same. Type it once more.")
    return chosen


def enter(person: Person) -> None:
    """Begin a session for a person who has shown who they are."""
    with services().database.write() as records:
        device = device_of(request.headers.get("User-Agent", ""))
        key = begin_session(records, person, device=device, now=services().clock.machine_now())
    # Nothing from before the log-in lives on in the session, the form token included.
    session.clear()
    session.permanent = True
    login_user(SignedIn(person, key))


def may_try(limits: dict[str, int], window: timedelta) -> Try:
    """Count a try before it is checked, unless there were too many."""
    with services().database.write() as records:
        return count_try(records, limits, now=services().clock.machine_now(), window=window)


def wait_told(wait: timedelta) -> str:
    """What whoever has tried too often is told."""
    minutes = math.ceil(wait / timedelta(minutes=1))
    return f"Too many tries. Wait {count(minutes, 'minute')}, then try again."


def safe_path(wanted: str) -> str:
    """Where to go after the log-in: a path of this app, or its first page.

    Browsers read a backslash as a slash and drop control characters, so neither may stand in it.
    """
    if not wanted.startswith("/") or wanted.startswith("//") or "\\" in wanted or not wanted.isprintable():
        return url_for("alerts.home")
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return url_for("alerts.home")
    return url_for("alerts.home") if parts.scheme or parts.netloc else wanted


def _person_of_session(key: str) -> SignedIn | None:
    found = find_session(reading(), key, services().clock.machine_now())
    if found is None:
        return None
    person, began = found
    return SignedIn(person, key, began.session_id)


def _person_with(email: str, password: str) -> Person | None:
    """The open account with that e-mail and password; takes as long when there is none."""
    person = reading().scalars(select(Person).where(Person.email == email)).one_or_none()
    if person is None:
        spend_a_password_check(password)
        return None
    return person if person.has_password(password) and person.is_active else None


def _typed_email() -> str:
    email = request.form.get("email", "").strip().lower()
    if len(email) > LONGEST_ADDRESS:
        abort(HTTPStatus.BAD_REQUEST)
    return email


def _by_address() -> str:
    return f"address:{request.remote_addr}"


def _again(email: str, sentence: str, status: HTTPStatus) -> ResponseReturnValue:
    flash(sentence, "warning")
    return render_template("login.html", email=email), status


def _no_link(error: InSeasonError) -> ResponseReturnValue:
    session.pop(_LINK, None)
    page = render_template("account/no_link.html", sentence=str(error), by_mail=has_mail_server())
    return page, HTTPStatus.GONE
