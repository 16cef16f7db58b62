"""People: who has an account, what each may see, who is invited, whose account is closed, and who did it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from sqlalchemy import ColumnElement, func, or_, select, tuple_

from data.errors import ConflictError, FieldsError, InSeasonError
from data.people import Account, add_person, deactivate, edit_person, history_of, reactivate
from data.records import MailChoices, Person, PersonStore, Role, Store
from web.access import current_person, one_or_404, require_role
from web.account_forms import AccountForm
from web.addresses import id_in
from web.exports import asked_kind, table_answer
from web.links import give_link, has_mail_server
from web.rendering.account_words import mails_told, role_told, told
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

    from web.exports import Kind

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

people = Blueprint("people", __name__)

PAGE: Final = 30
_HISTORY: Final = 100
_LONGEST_SEARCH: Final = 100
_STATES: Final[Mapping[str, ColumnElement[bool]]] = {
    "open": Person.is_active.is_(True),
    "invited": Person.is_active & (Person.password_hash == ""),
    "closed": ~Person.is_active,
    "all": Person.person_id.is_not(None),
}
_COLUMNS: Final = (
    "name", "email", "role", "stores", "categories", "state", "added", "last_login",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the address asks for; what it does not know is ignored."""

    search: str
    role: Role | None
    state: str

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Filters:
        """Read the filters from an address."""
        role, state = asked.get("role", ""), asked.get("state", "")
        return cls(
            search=" ".join(asked.get("q", "")[:_LONGEST_SEARCH].split()),
            role=Role(role) if role in set(Role) else None,
            state=state if state in _STATES else "open",
        )

    @property
    def in_address(self) -> dict[str, str]:
        """The filters that are set, for a link."""
        given = {
            "q": self.search,
            "role": self.role or "",
            "state": self.state if self.state != "open" else "",
        }
        return {name: str(value) for name, value in given.items() if value}

    def cut(self, query: Q) -> Q:
        """Cut a query over people to what is asked for."""
        query = query.where(_STATES[self.state])
        if self.role:
            query = query.where(Person.role == self.role)
        if self.search:
            query = query.where(_is_found(self.search))
        return query


@people.get("/people")
@require_role(Role.ADMIN)
def index() -> ResponseReturnValue:
    """Everybody with an account, by name, a page at a time."""
    filters = Filters.of(request.args)
    if kind := asked_kind():
        return _as_file(filters, kind)
    after = request.args.get("after", type=id_in)
    rows = _page(filters, after)
    return render_template(
        "people/list.html",
        rows=rows[:PAGE],
        store_names=_store_names(rows[:PAGE]),
        filters=filters,
        roles=[(role, role_told(role)) for role in Role],
        role_told=role_told,
        total=reading().scalar(filters.cut(select(func.count()).select_from(Person))) or 0,
        after=rows[PAGE - 1].person_id if len(rows) > PAGE else None,
        continued=after is not None,
    )


@people.get("/people/new")
@require_role(Role.ADMIN)
def new() -> ResponseReturnValue:
    """The form for somebody new."""
    return _new_page(AccountForm.blank(), {}, HTTPStatus.OK)


@people.post("/people/new")
@require_role(Role.ADMIN)
def add() -> ResponseReturnValue:
    """Add an account, and invite its owner to choose a password."""
    form = AccountForm.sent(request.form)
    if form.is_narrowed:
        return _new_page(form, {}, HTTPStatus.OK)
    by = current_person().email
    try:
        with services().database.write() as records:
            person = add_person(records, form.account, by=by, now=_now())
            link = give_link(records, person, by=by)
    except FieldsError as error:
        return _new_page(form, error.problems, HTTPStatus.BAD_REQUEST)
    return _given(person, link)


@people.get("/people/<int:person_id>")
@require_role(Role.ADMIN)
def show(person_id: int) -> ResponseReturnValue:
    """One account: what it may see, how it stands, and its history."""
    person = _one(person_id)
    return _show_page(person, AccountForm.of(person), {}, HTTPStatus.OK)


@people.post("/people/<int:person_id>")
@require_role(Role.ADMIN)
def edit(person_id: int) -> ResponseReturnValue:
    """Change what an account may see."""
    person, form = _one(person_id), AccountForm.sent(request.form)
    if form.is_narrowed:
        return _show_page(person, form, {}, HTTPStatus.OK)
    try:
        with services().database.write() as records:
            by = current_person().email
            changed = edit_person(records, person_id, form.account, version=form.version, by=by, now=_now())
    except ConflictError as error:
        read_afresh()
        person = _one(person_id)
        flash(f"{error} Below stand your values; what was changed stands in the history.", "warning")
        return _show_page(person, form.for_version(person.version), {}, HTTPStatus.CONFLICT)
    except FieldsError as error:
        return _show_page(person, form, error.problems, HTTPStatus.BAD_REQUEST)
    flash("Kept. It counts from now on." if changed else "Nothing was changed.", "success")
    if person.email != form.email.strip().lower():
        flash("Invite them again: the link that went to the address before is good no more.", "warning")
    return redirect(url_for("people.show", person_id=person_id), HTTPStatus.SEE_OTHER)


@people.post("/people/<int:person_id>/link")
@require_role(Role.ADMIN)
def send_link(person_id: int) -> ResponseReturnValue:
    """Give somebody a link with which they set a password."""
    _one(person_id)
    with services().database.write() as records:
        person = records.get_one(Person, person_id)
        if not person.is_active:
            raise ConflictError("This account is closed; open it first.")
        link = give_link(records, person, by=current_person().email)
    return _given(person, link)


@people.post("/people/<int:person_id>/close")
@require_role(Role.ADMIN)
def close(person_id: int) -> ResponseReturnValue:
    """Close an account; whoever is logged in with it is logged out."""
    return _turn(person_id, deactivate, "is closed. Whoever was logged in with it is logged out.")


@people.post("/people/<int:person_id>/open")
@require_role(Role.ADMIN)
def reopen(person_id: int) -> ResponseReturnValue:
    """Open a closed account again."""
    return _turn(person_id, reactivate, "is open again, with the role and the stores it had.")


def _turn(person_id: int, change: Callable[..., None], done: str) -> ResponseReturnValue:
    person = _one(person_id)
    try:
        version = id_in(request.form.get("version", ""))
    except ValueError:
        abort(HTTPStatus.BAD_REQUEST)
    try:
        with services().database.write() as records:
            change(records, person_id, version=version, by=current_person().email, now=_now())
    except InSeasonError as error:
        flash(str(error), "warning")
    else:
        flash(f"The account of {person.name} {done}", "success")
    return redirect(url_for("people.show", person_id=person_id), HTTPStatus.SEE_OTHER)


def _given(person: Person, link: str) -> ResponseReturnValue:
    """After a link was made: say that it is on its way, or show it, once."""
    if link:
        return render_template("people/link.html", account=person, link=link)
    flash(f"A mail with a link leaves for {person.email} within a minute.", "success")
    return redirect(url_for("people.show", person_id=person.person_id), HTTPStatus.SEE_OTHER)


def _new_page(form: AccountForm, problems: Mapping[str, str], status: HTTPStatus) -> ResponseReturnValue:
    choices = form.choices(reading())
    page = render_template(
        "people/new.html", form=form, choices=choices, problems=problems, by_mail=has_mail_server()
    )
    return page, status


def _show_page(
    person: Person, form: AccountForm, problems: Mapping[str, str], status: HTTPStatus
) -> ResponseReturnValue:
    history = history_of(reading(), person.person_id, most=_HISTORY)
    stores = _names_in(history)
    page = render_template(
        "people/show.html",
        account=person,
        form=form,
        choices=form.choices(reading(), person),
        problems=problems,
        role_told=role_told,
        is_own=person.person_id == current_person().person_id,
        by_mail=has_mail_server(),
        mails=mails_told(MailChoices.of(reading(), person).pace),
        history=[(event, told(event, stores)) for event in history],
        names=_people_names(history),
    )
    return page, status


def _one(person_id: int) -> Person:
    return one_or_404(select(Person).where(Person.person_id == person_id))


def _now() -> datetime:
    return services().clock.machine_now()


def _page(filters: Filters, after: int | None) -> Sequence[Person]:
    """One page of people, and one more when there is a next page."""
    query = filters.cut(select(Person)).order_by(Person.name, Person.person_id).limit(PAGE + 1)
    if after is not None:
        # Where the last page ended is known by its last person, whose name belongs into no address.
        name = reading().scalar(select(Person.name).where(Person.person_id == after))
        if name is not None:
            query = query.where(tuple_(Person.name, Person.person_id) > (name, after))
    return reading().scalars(query).all()


def _is_found(search: str) -> ColumnElement[bool]:
    """Who is called so, has such an address, or works in such a store."""

    def is_like(column: Any) -> ColumnElement[bool]:
        return cast("ColumnElement[bool]", column.icontains(search, autoescape=True))

    stores = select(Store.store_id).where(or_(is_like(Store.name), is_like(Store.store_id)))
    there = select(PersonStore.person_id).where(PersonStore.store_id.in_(stores))
    return or_(is_like(Person.name), is_like(Person.email), Person.person_id.in_(there))


def _store_names(rows: Iterable[Person]) -> dict[str, str]:
    return _named_stores({link.store_id for person in rows for link in person.stores})


def _names_in(history: Iterable[Any]) -> dict[str, str]:
    """The names of the stores that a history speaks of."""
    sides = (side for event in history for side in event.details.get("stores", ()))
    return _named_stores({store for side in sides for store in side})


def _named_stores(ids: set[str]) -> dict[str, str]:
    if not ids:
        return {}
    rows = reading().execute(select(Store.store_id, Store.name).where(Store.store_id.in_(sorted(ids))))
    return {row.store_id: row.name for row in rows}


def _people_names(history: Iterable[Any]) -> dict[str, str]:
    known = sorted({event.who for event in history})
    rows = reading().execute(select(Person.email, Person.name).where(Person.email.in_(known)))
    return {row.email: row.name for row in rows}


def _as_file(filters: Filters, kind: Kind) -> ResponseReturnValue:
    query = filters.cut(select(Person)).order_by(Person.name, Person.person_id)
    # All at once: with their stores and categories they are three statements, and there are not that many.
    return table_answer("people", _COLUMNS, _lines(reading().scalars(query).all()), kind)


def _lines(found: Iterable[Person]) -> Iterator[tuple[object, ...]]:
    for person in found:
        account = Account.of(person)
        yield (
            person.name,
            person.email,
            role_told(person.role),
            " ".join(account.stores),
            "; ".join(account.categories),
            _state(person),
            person.created_at,
            person.last_login_at,
        )


def _state(person: Person) -> str:
    if not person.is_active:
        return "closed"
    return "open" if person.has_come else "invited"
