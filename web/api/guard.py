"""The door of the API: a token in the header and nothing else; what it may do is said by each operation."""

from __future__ import annotations

from http import HTTPStatus
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Protocol, TypeVar, cast

from flask import abort, current_app, g, request

from data.tokens import mark_used, token_of
from web.access import API_PERSON, is_api
from web.api.problems import (
    BAD_TOKEN,
    NO_TOKEN,
    SCOPE_LACKING,
    InvalidError,
    Wrong,
    problem,
    problem_of,
)
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from apiflask import APIBlueprint
    from flask import Flask, Response

    from data.records import ApiToken, TokenScope

V = TypeVar("V", bound="Callable[..., Any]")

SCHEME: Final = "token"
"""The name of the way to log in, in the API document."""

JSON: Final = "application/json"
DOCUMENT: Final = "openapi.spec"
_BEARER: Final = 'Bearer realm="InSeason"'


class Operation(Protocol):
    """A view of the API: the scope it needs, the kinds of content it takes, whether it has a query."""

    needs: TokenScope
    takes: tuple[str, ...]
    asks: bool
    _spec: Mapping[str, Any]


def operation(
    rooms: APIBlueprint,
    name: str,
    scope: TokenScope,
    *,
    may_refuse: str = "",
    also: Mapping[HTTPStatus, str] = MappingProxyType({}),
    takes: tuple[str, ...] = (JSON,),
) -> Callable[[V], V]:
    """Make a view an operation of the API: without this no token opens it.

    Args:
        rooms: the blueprint of the view.
        name: as programs call it.
        scope: what a token must grant.
        may_refuse: what a 409 means here, if there is one.
        also: what else it may answer that not every operation does, by status.
        takes: the kinds of content of a POST.
    """
    answers = {**also, **({HTTPStatus.CONFLICT: may_refuse} if may_refuse else {})}

    def mark(view: V) -> V:
        documented = rooms.doc(
            operation_id=name,
            security=[{SCHEME: [str(scope)]}],
            tags=[str(rooms.tag)],
            responses={status.value: told for status, told in answers.items()} or None,
        )(view)
        marked = cast("Operation", documented)
        marked.needs, marked.takes = scope, takes
        # As the framework has gathered it from the decorators below.
        marked.asks = any(place == "query" for _, place in marked._spec.get("args") or ())  # noqa: SLF001
        return documented

    return mark


def guard_api(app: Flask) -> None:
    """Let nobody in without a token; call it before the pages' own guard."""
    app.before_request(_require_token)


def _require_token() -> Response | None:
    """The answer to a request that is not let in; None to go on.

    A browser's session opens nothing here, so nothing that another site makes a browser send does either.
    """
    if not is_api() or request.endpoint == DOCUMENT:
        return None
    now = services().clock.machine_now()
    secret = _secret()
    if secret is None:
        return problem(
            NO_TOKEN,
            "Send a token of yours in the header: Authorization: Bearer inseason_….",
            headers={"WWW-Authenticate": _BEARER},
        )
    token = token_of(reading(), secret, now)
    if token is None:
        return problem(
            BAD_TOKEN,
            "It is unknown, revoked or out of date, or its account is closed.",
            headers={"WWW-Authenticate": f'{_BEARER}, error="invalid_token"'},
        )
    mark_used(services().database, token, now)
    setattr(g, API_PERSON, token.person)
    return _refused(token)


def _secret() -> str | None:
    scheme, _, secret = request.headers.get("Authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == "bearer" and secret.strip() else None


def _refused(token: ApiToken) -> Response | None:
    """What stands in the way of what the token is used for."""
    if request.endpoint is None:
        # No such operation, or not that way: the router says so.
        return None
    view = cast("Operation", current_app.view_functions[request.endpoint])
    scope = getattr(view, "needs", None)
    if scope is None:
        abort(HTTPStatus.NOT_FOUND)
    if not token.grants(scope, token.person.role):
        return problem(
            SCOPE_LACKING,
            f"This needs {scope}, which the token does not grant or your role no longer has.",
            headers={"WWW-Authenticate": f'{_BEARER}, error="insufficient_scope", scope="{scope}"'},
        )
    return _misnamed(view) or (_unreadable(view.takes) if request.method == "POST" else None)


def _misnamed(view: Operation) -> Response | None:
    """A parameter that is not known where there are none, or that says two things at once."""
    if not view.asks and request.args:
        return problem_of(InvalidError(*(Wrong("query", name, "is not known here") for name in request.args)))
    twice = [name for name, values in request.args.lists() if len(values) > 1]
    if twice:
        return problem_of(InvalidError(*(Wrong("query", name, "is given more than once") for name in twice)))
    return None


def _unreadable(takes: tuple[str, ...]) -> Response | None:
    if request.mimetype not in takes:
        return problem(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Send {' or '.join(takes)}, and say so in Content-Type.",
            headers={"Accept-Post": ", ".join(takes)},
        )
    if takes == (JSON,):
        try:
            request.get_json()
        except RecursionError:
            return problem(HTTPStatus.BAD_REQUEST, "The JSON is nested too deeply.")
    return None
