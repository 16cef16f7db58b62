"""Errors as pages: every refusal of the domain gets its answer here and nowhere else."""

from __future__ import annotations

import logging
from http import HTTPStatus
from typing import TYPE_CHECKING

from flask import Response, make_response, render_template, request
from flask_wtf.csrf import CSRFError
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm.exc import StaleDataError
from werkzeug.exceptions import HTTPException

from data.errors import (
    BusyError,
    ConflictError,
    DatabaseNotReadyError,
    InSeasonError,
    NotYoursError,
    TransitionError,
)
from web.access import is_api
from web.api.problems import problem, problem_of

if TYPE_CHECKING:
    from flask import Flask

_LOG = logging.getLogger(__name__)

_STATUS_OF: tuple[tuple[type[Exception], HTTPStatus], ...] = (
    (TransitionError, HTTPStatus.CONFLICT),
    (ConflictError, HTTPStatus.CONFLICT),
    (BusyError, HTTPStatus.CONFLICT),
    (NotYoursError, HTTPStatus.FORBIDDEN),
    (DatabaseNotReadyError, HTTPStatus.SERVICE_UNAVAILABLE),
    (InSeasonError, HTTPStatus.BAD_REQUEST),
)

_TOLD = {
    HTTPStatus.BAD_REQUEST: ("That did not work", "The request was incomplete. Go back and try again."),
    HTTPStatus.FORBIDDEN: ("Not for your role", "Your account may not see this page."),
    HTTPStatus.NOT_FOUND: (
        "Nothing here",
        "There is no such page, or it belongs to a store or a category that is not yours.",
    ),
    HTTPStatus.METHOD_NOT_ALLOWED: ("That did not work", "This page cannot be used that way."),
    HTTPStatus.CONFLICT: ("Somebody was faster", "It was changed in the meantime. Look at it again."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: ("Too much at once", "More was sent than this page takes."),
    HTTPStatus.TOO_MANY_REQUESTS: ("Too many tries", "Wait a while before you try again."),
    HTTPStatus.INTERNAL_SERVER_ERROR: (
        "Something broke",
        "It is our fault, not yours, and it has been written down. Try again in a minute.",
    ),
    HTTPStatus.SERVICE_UNAVAILABLE: (
        "Not ready",
        "The records cannot be read at the moment. Try again in a minute.",
    ),
}


def register_errors(app: Flask) -> None:
    """Give every error its page."""
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(InSeasonError, _refusal)
    app.register_error_handler(CSRFError, _stale_form)
    app.register_error_handler(StaleDataError, _overtaken)
    app.register_error_handler(OperationalError, _unreachable)


def error_page(status: HTTPStatus, sentence: str = "") -> Response:
    """The page of an error, with a sentence of its own or the usual one; to a program, its own kind of it."""
    if is_api():
        return problem(status, sentence)
    title, usual = _TOLD.get(status, (status.phrase, ""))
    page = render_template("error.html", status=int(status), title=title, sentence=sentence or usual)
    return make_response(page, int(status))


def status_of(error: InSeasonError) -> HTTPStatus:
    """The status of a page that tells a refusal itself."""
    return next(status for kind, status in _STATUS_OF if isinstance(error, kind))


def _http_error(error: HTTPException) -> Response:
    if error.response is not None:
        return make_response(error.response)
    answer = error_page(HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR))
    for name, value in error.get_headers(request.environ):
        if name == "Allow":
            answer.headers[name] = value
    return answer


def _refusal(error: InSeasonError) -> Response:
    status = status_of(error)
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        # Where the database is stays between the service and its log.
        _LOG.error("%s", error)
    if is_api():
        return problem_of(error)
    told = "" if status is HTTPStatus.SERVICE_UNAVAILABLE else str(error)
    return error_page(status, told)


def _stale_form(error: CSRFError) -> Response:
    _LOG.info("refused a form: %s", error.description)
    return error_page(
        HTTPStatus.BAD_REQUEST, "This page was open for too long. Go back, load it again, and try once more."
    )


def _overtaken(_error: StaleDataError) -> Response:
    return error_page(HTTPStatus.CONFLICT)


def _unreachable(error: OperationalError) -> Response:
    _LOG.error("the records cannot be read: %s", error.orig)
    return error_page(HTTPStatus.SERVICE_UNAVAILABLE)
