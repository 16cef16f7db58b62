"""Who may see what: every page is closed until it is opened here, and every query is cut to the person."""

from __future__ import annotations

from dataclasses import dataclass
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, ParamSpec, TypeVar, cast

from flask import abort, current_app, g, has_request_context, redirect, request, url_for
from flask_login import current_user
from sqlalchemy import false, or_, select, union

from data.records import (
    Alert,
    AlertOutcome,
    ApiToken,
    Consignment,
    CustomerRequest,
    Decision,
    ForecastOverride,
    MissedLoss,
    OutboxMail,
    Person,
    Product,
    Proposal,
    Role,
    Store,
    Upload,
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
        # A password that is forgotten, and one that is set with the link of a mail.
        "auth.forgot",
        "auth.send_link",
        "auth.reset",
        "auth.new_password",
        "auth.set_password",
        # Open while there is no account, and shut for good afterwards.
        "setup.index",
        "setup.begin",
        "health.healthz",
        "health.readyz",
        "static",
        "bootstrap.static",
        # Read by a calendar program, by the secret in its address.
        "calendar.feed",
        # Behind these stands a signed token instead.
        "subscriptions.ask_to_stop",
        "subscriptions.stop",
        # What the API is like is no secret; what it answers asks for a token.
        "openapi.spec",
    }
)

API: Final = "/api/"
API_PERSON: Final = "api_person"
"""Under this name the API's guard leaves whose token was sent."""

SEES_RUNS: Final = (Role.MERCHANDISER, Role.ADMIN)


LABELS: Final = {
    "alerts.index": "Today",
    "season.index": "Season",
    "calendar.index": "Calendar",
    "find.index": "Find",
    "asking.index": "Ask",
    "decisions.index": "Requests",
    "outcomes.index": "Outcomes",
    "runs.index": "Runs",
    "feeds.index": "Feeds",
    "people.index": "People",
    "policies.index": "Policies",
    "tokens.index": "Tokens",
    "mails.index": "Mails",
}
"""The places of the navigation, each the first page of a part of the app."""

PLACES: Final = {
    Role.STORE_MANAGER: (
        "alerts.index", "find.index", "asking.index", "decisions.index",
        "outcomes.index", "mails.index", "tokens.index",
    ),
    Role.MERCHANDISER: (
        "season.index", "alerts.index", "decisions.index", "outcomes.index",
        "calendar.index", "policies.index", "find.index", "asking.index", "runs.index", "feeds.index",
        "mails.index", "tokens.index",
    ),
    Role.ADMIN: (
        "alerts.index", "runs.index", "feeds.index", "people.index",
        "policies.index", "season.index", "calendar.index", "decisions.index", "outcomes.index",
        "find.index", "asking.index", "mails.index", "tokens.index",
    ),
}  # fmt: skip
"""Where each goes, most wanted first."""

AT_HAND: Final = 4
"""So many places fit side by side on a phone; the others stand behind "More"."""


@dataclass(frozen=True)
class Item:
    """A place in the navigation."""

    endpoint: str
    label: str

    @property
    def part(self) -> str:
        """The part of the app that it opens."""
        return self.endpoint.partition(".")[0]


def guard_every_page(app: Flask) -> None:
    """Send whoever is not logged in to the log-in, on all but the public pages."""
    app.before_request(_require_person)


def is_api() -> bool:
    """Whether a program is asking, who is known by a token and never by a browser's session."""
    return has_request_context() and request.path.startswith(API)


def person_or_none() -> Person | None:
    """Who is asking: whoever has logged in, or, in the API, whose token was sent."""
    if is_api():
        return cast("Person | None", g.get(API_PERSON))
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
    """The places a person may go to, most wanted first."""
    return [
        Item(endpoint, LABELS[endpoint])
        for endpoint in PLACES[person.role]
        if endpoint in current_app.view_functions
    ]


def home_of(person: Person) -> str:
    """The endpoint of a person's first page."""
    return navigation(person)[0].endpoint


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
        # Three small answers of three indexes, where one condition over all would read every decision.
        theirs = union(
            select(Decision.decision_id).where(Decision.store_id.in_(own)),
            select(Consignment.decision_id).where(Consignment.from_store.in_(own)),
            select(Consignment.decision_id).where(Consignment.to_store.in_(own)),
        )
        query = query.where(Decision.decision_id.in_(theirs))
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


def visible_tokens(query: Q, person: Person) -> Q:
    """Cut a query over tokens to the person's own; the admin sees all."""
    if person.role is Role.ADMIN:
        return query
    return query.where(ApiToken.person_id == person.person_id)


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


def visible_outcomes(query: Q, person: Person) -> Q:
    """Cut a query over outcomes to those of alerts that the person may see."""
    if (stores := person.store_ids) is not None:
        query = query.where(AlertOutcome.store_id.in_(sorted(stores)))
    if (categories := person.category_names) is not None:
        query = query.where(AlertOutcome.category.in_(["", *sorted(categories)]))
    return query


def visible_losses(query: Q, person: Person) -> Q:
    """Cut a query over losses that no alert spoke of to the person's stores and categories."""
    if (stores := person.store_ids) is not None:
        query = query.where(MissedLoss.store_id.in_(sorted(stores)))
    if (categories := person.category_names) is not None:
        query = query.where(MissedLoss.category.in_(sorted(categories)))
    return query


def visible_proposals(query: Q, person: Person) -> Q:
    """Cut a query over proposed dates to the person's categories; no store manager sees any."""
    if person.role is Role.STORE_MANAGER:
        return query.where(false())
    if (categories := person.category_names) is not None:
        query = query.where(Proposal.category.in_(sorted(categories)))
    return query


def visible_overrides(query: Q, person: Person) -> Q:
    """Cut a query over changes of the forecast to the person's categories; no store manager sees any."""
    if person.role is Role.STORE_MANAGER:
        return query.where(false())
    if (categories := person.category_names) is not None:
        query = query.where(ForecastOverride.category.in_(sorted(categories)))
    return query


def visible_uploads(query: Q, person: Person) -> Q:
    """Cut a query over uploaded files to the person's own; the admin sees all."""
    if person.role is Role.ADMIN:
        return query
    return query.where(Upload.person_id == person.person_id)


def one_or_404(query: Select[E]) -> E:
    """The one row of a query that is cut to the person; what is not theirs is not there."""
    row = reading().scalars(query).one_or_none()
    if row is None:
        abort(HTTPStatus.NOT_FOUND)
    return row


def _require_person() -> Response | None:
    if is_api():
        # Behind `web.api.guard`.
        return None
    if request.endpoint in PUBLIC or person_or_none() is not None:
        return None
    if request.endpoint is None:
        # An address that is no page says so to people who have logged in only.
        return redirect(url_for("auth.login"))
    if request.method in {"GET", "HEAD"}:
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    return redirect(url_for("auth.login"), HTTPStatus.SEE_OTHER)
