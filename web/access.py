"""Who may see what: every page is closed until it is opened here, and every query is cut to the person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from flask import abort, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import or_, select

from data.records import (
    Alert,
    Consignment,
    CustomerRequest,
    Decision,
    OutboxMail,
    Person,
    Product,
    Role,
    Store,
)
from web.services import reading

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask import Flask
    from sqlalchemy import Select
    from werkzeug.wrappers import Response

P = ParamSpec("P")
R = TypeVar("R")
E = TypeVar("E")
Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

# Everything that answers without a log-in. Any other page asks for one, also a page somebody forgets.
PUBLIC: Final = frozenset(
    {
        "auth.login",
        "health.healthz",
        "health.readyz",
        "static",
        "bootstrap.static",
        # Behind these stands a signed token instead.
        "subscriptions.ask_to_stop",
        "subscriptions.stop",
    }
)

SEES_RUNS: Final = (Role.MERCHANDISER, Role.ADMIN)


@dataclass(frozen=True)
class Item:
    """A place in the navigation, and who sees it."""

    endpoint: str
    label: str
    roles: tuple[Role, ...] = tuple(Role)


NAVIGATION: Final = (
    Item("alerts.index", "Alerts"),
    Item("asking.index", "Ask"),
    Item("decisions.index", "Decisions"),
    Item("mails.index", "Mails"),
    Item("runs.index", "Runs", SEES_RUNS),
)


def guard_every_page(app: Flask) -> None:
    """Send whoever is not logged in to the log-in, on all but the public pages."""
    app.before_request(_require_person)


def person_or_none() -> Person | None:
    """Who is asking, if they have logged in."""
    return cast("Person", current_user.person) if current_user.is_authenticated else None


def current_person() -> Person:
    """Who is asking; only behind the guard."""
    person = person_or_none()
    if person is None:
        abort(HTTPStatus.FORBIDDEN)
    return person


def require_role(*roles: Role) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Refuse everybody who has none of the roles."""

    def guarded(view: Callable[P, R]) -> Callable[P, R]:
        @wraps(view)
        def checked(*arguments: P.args, **options: P.kwargs) -> R:
            if current_person().role not in roles:
                abort(HTTPStatus.FORBIDDEN)
            return view(*arguments, **options)

        return checked

    return guarded


def navigation(person: Person) -> list[Item]:
    """The places a person may go to."""
    return [item for item in NAVIGATION if person.role in item.roles]


def visible_alerts(query: Q, person: Person) -> Q:
    """Cut a query over alerts to the person's stores and categories.

    What is about a zone or the chain has no store, so no store manager sees it; what is about no category (a
    late feed) is seen by whoever looks after any.
    """
    if (stores := person.store_ids) is not None:
        query = query.where(Alert.store_id.in_(sorted(stores)))
    if (categories := person.category_names) is not None:
        query = query.where(Alert.category.in_(["", *sorted(categories)]))
    return query


def visible_stores(person: Person) -> Select[str, str]:
    """Id and name of the stores whose records a person may see, by name."""
    query = select(Store.store_id, Store.name).order_by(Store.name, Store.store_id)
    if (stores := person.store_ids) is not None:
        query = query.where(Store.store_id.in_(sorted(stores)))
    return query


def visible_decisions(query: Q, person: Person) -> Q:
    """Cut a query over decisions to those about the person's stores, as taker or giver, and categories."""
    if (stores := person.store_ids) is not None:
        own = sorted(stores)
        given = or_(Consignment.from_store.in_(own), Consignment.to_store.in_(own))
        query = query.where(or_(Decision.store_id.in_(own), Decision.consignments.any(given)))
    if (categories := person.category_names) is not None:
        query = query.where(Decision.category.in_(sorted(categories)))
    return query


def visible_consignments(query: Q, person: Person) -> Q:
    """Cut a query over consignments to those of the person's stores, as taker or giver, and categories."""
    if (stores := person.store_ids) is not None:
        own = sorted(stores)
        query = query.where(or_(Consignment.from_store.in_(own), Consignment.to_store.in_(own)))
    if (categories := person.category_names) is not None:
        query = query.where(Consignment.decision.has(Decision.category.in_(sorted(categories))))
    return query


def visible_mails(query: Q, person: Person) -> Q:
    """Cut a query over mails to the person's own; the admin sees all."""
    if person.role is Role.ADMIN:
        return query
    return query.where(OutboxMail.person_id == person.person_id)


def visible_requests(query: Q, person: Person) -> Q:
    """Cut a query over customers' requests to the person's stores and categories; words belong to none."""
    if (stores := person.store_ids) is not None:
        query = query.where(CustomerRequest.store_id.in_(sorted(stores)))
    if (categories := person.category_names) is not None:
        own = Product.category.in_(sorted(categories))
        query = query.where(
            or_(
                CustomerRequest.text.is_not(None),
                CustomerRequest.sku.in_(select(Product.sku).where(own)),
                CustomerRequest.style_id.in_(select(Product.style_id).where(own)),
            )
        )
    return query


def one_or_404(query: Select[E]) -> E:
    """The one row of a query that is cut to the person; what is not theirs is not there."""
    row = reading().scalars(query).one_or_none()
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return row


def _require_person() -> Response | None:
    if request.endpoint in PUBLIC or person_or_none() is not None:
        return None
    if request.endpoint is None:
        # An address that is no page says so to people who have logged in only.
        return redirect(url_for("auth.login"))
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)
