"""Who gets which mails: choices on a page, and a way to stop them from the mail itself, without a log-in."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, abort, current_app, flash, redirect, render_template, request, url_for
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import select

from data.records import PACES, MailChoices, MailDecision, Pace, Person, Product, Role
from web.access import current_person, one_or_404, require_role, visible_stores
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flask import Flask
    from flask.typing import ResponseReturnValue

subscriptions = Blueprint("subscriptions", __name__)

# What a link stops: the mails of the morning. A link made for something else stops nothing.
MORNING: Final = "morning"
_SALT: Final = "inseason.stop-mails"
_DECISIONS_SHOWN: Final = 14


def attach_subscriptions(app: Flask) -> None:
    """Register the pages; a mail program that stops the mails for its reader has no form token to send."""
    app.register_blueprint(subscriptions)
    app.extensions["csrf"].exempt(stop)


def stop_url(person_id: int, base_url: str) -> str:
    """Where one person's morning mails are stopped; the same for all mails of that person."""
    token = _signer().dumps([person_id, MORNING])
    path = current_app.url_map.bind("").build("subscriptions.ask_to_stop", {"token": token})
    return f"{base_url.rstrip('/')}{path}"


@subscriptions.get("/mails/stop/<token>")
def ask_to_stop(token: str) -> ResponseReturnValue:
    """A page with a button: what opens a link to look at it must not stop anything."""
    person = _person_of(token)
    stopped = MailChoices.of(reading(), person).pace is Pace.OFF
    return render_template("mails/stop.html", reader=person, stopped=stopped, token=token)


@subscriptions.post("/mails/stop/<token>")
def stop(token: str) -> ResponseReturnValue:
    """Stop the mails of whom the token names; pressed by them or by their mail program (RFC 8058)."""
    person = _person_of(token)
    with services().database.write() as records:
        choices = records.get(MailChoices, person.person_id, with_for_update=True)
        if choices is None:
            choices = MailChoices.to_begin_with(person)
            records.add(choices)
        if choices.pace is not Pace.OFF:
            choices.stop(by=person.email, now=services().clock.machine_now())
    # No redirect: a mail program follows none.
    return render_template("mails/stop.html", reader=person, stopped=True, token=token)


@subscriptions.get("/mails/choices")
def choices() -> ResponseReturnValue:
    """The own choices; to the admin also the list of everybody's."""
    return _page(current_person())


@subscriptions.post("/mails/choices")
def choose() -> ResponseReturnValue:
    """Change the own choices."""
    return _choose(current_person(), url_for("subscriptions.choices"))


@subscriptions.get("/mails/choices/<int:person_id>")
@require_role(Role.ADMIN)
def choices_of(person_id: int) -> ResponseReturnValue:
    """The choices of somebody else."""
    return _page(one_or_404(select(Person).where(Person.person_id == person_id)))


@subscriptions.post("/mails/choices/<int:person_id>")
@require_role(Role.ADMIN)
def choose_for(person_id: int) -> ResponseReturnValue:
    """Change the choices of somebody else."""
    person = one_or_404(select(Person).where(Person.person_id == person_id))
    return _choose(person, url_for("subscriptions.choices_of", person_id=person_id))


def _page(reader: Person) -> ResponseReturnValue:
    person = current_person()
    own = reader.person_id == person.person_id
    decisions = (
        select(MailDecision)
        .where(MailDecision.person_id == reader.person_id)
        .order_by(MailDecision.business_date.desc())
        .limit(_DECISIONS_SHOWN)
    )
    return render_template(
        "mails/choices.html",
        reader=reader,
        own=own,
        chosen=MailChoices.of(reading(), reader),
        paces=PACES[reader.role],
        stores=reading().execute(visible_stores(reader)).all(),
        categories=_categories(reader),
        decisions=reading().scalars(decisions).all(),
        everybody=_everybody() if own and person.role is Role.ADMIN else [],
    )


def _choose(reader: Person, onward: str) -> ResponseReturnValue:
    asked = request.form
    if (pace := asked.get("pace", "")) not in set(Pace):
        abort(HTTPStatus.BAD_REQUEST)
    stores, categories = (
        _narrowed(
            asked.getlist("store"), [row.store_id for row in reading().execute(visible_stores(reader))]
        ),
        _narrowed(asked.getlist("category"), _categories(reader)),
    )
    with services().database.write() as records:
        chosen = records.get(MailChoices, reader.person_id, with_for_update=True)
        if chosen is None:
            chosen = MailChoices.to_begin_with(reader)
            records.add(chosen)
        chosen.choose(
            Pace(pace),
            person=reader,
            stores=stores,
            categories=categories,
            by=current_person().email,
            now=services().clock.machine_now(),
        )
    flash("Kept. It counts from the next night on.", "success")
    return redirect(onward, HTTPStatus.SEE_OTHER)


def _narrowed(ticked: Sequence[str], offered: Sequence[str]) -> list[str]:
    """What was ticked of what was offered; all of it is as good as none, and takes in what comes later."""
    kept = [name for name in offered if name in set(ticked)]
    return [] if len(kept) == len(offered) else kept


def _categories(reader: Person) -> Sequence[str]:
    if (own := reader.category_names) is not None:
        return sorted(own)
    return reading().scalars(select(Product.category).distinct().order_by(Product.category)).all()


def _everybody() -> Sequence[tuple[Person, MailChoices]]:
    """All open accounts with their choices, by name."""
    people = reading().scalars(select(Person).where(Person.is_active).order_by(Person.name, Person.person_id))
    stored = {row.person_id: row for row in reading().scalars(select(MailChoices))}
    return [(person, stored.get(person.person_id) or MailChoices.to_begin_with(person)) for person in people]


def _person_of(token: str) -> Person:
    """Whom a token names; one that is broken, forged or for something else is refused."""
    try:
        named: Any = _signer().loads(token)
    except BadSignature:
        abort(HTTPStatus.BAD_REQUEST)
    if not isinstance(named, list) or len(named) != 2 or named[1] != MORNING:  # noqa: PLR2004  # who, and what
        abort(HTTPStatus.BAD_REQUEST)
    person = reading().get(Person, named[0])
    if person is None:
        abort(HTTPStatus.BAD_REQUEST)
    return person


def _signer() -> URLSafeSerializer:
    return URLSafeSerializer(current_app.config["SECRET_KEY"], salt=_SALT)
