"""Errors of the API as problem details (RFC 9457): every refusal gets its answer here and nowhere else."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from flask import Response, json, request
from pydantic import ValidationError

from data.errors import (
    BusyError,
    ConflictError,
    DatabaseNotReadyError,
    FileRefusedError,
    InSeasonError,
    NotYoursError,
    TransitionError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from apiflask.exceptions import HTTPError

MEDIA_TYPE: Final = "application/problem+json"
PLAIN: Final = "about:blank"
_URN: Final = "urn:inseason:problem:"
_SOON: Final = "5"


@dataclass(frozen=True)
class Kind:
    """A kind of problem: the name that programs go by, its title, and its status."""

    name: str
    title: str
    status: HTTPStatus

    @property
    def uri(self) -> str:
        """As it stands in `type`."""
        return _URN + self.name


OVERTAKEN: Final = Kind("overtaken", "It has changed since you read it", HTTPStatus.CONFLICT)
NOT_NOW: Final = Kind("not-now", "It cannot be done as things stand", HTTPStatus.CONFLICT)
BUSY: Final = Kind("busy", "Another import or night is running", HTTPStatus.SERVICE_UNAVAILABLE)
NOT_YOURS: Final = Kind("not-yours", "Somebody else has to do this", HTTPStatus.FORBIDDEN)
SCOPE_LACKING: Final = Kind("scope-lacking", "The token may not be used for this", HTTPStatus.FORBIDDEN)
NO_TOKEN: Final = Kind("no-token", "A token is needed", HTTPStatus.UNAUTHORIZED)
BAD_TOKEN: Final = Kind("bad-token", "The token does not work", HTTPStatus.UNAUTHORIZED)
FILE_REFUSED: Final = Kind("file-refused", "The file was not taken", HTTPStatus.UNPROCESSABLE_ENTITY)
INVALID: Final = Kind("invalid", "Something in the request is wrong", HTTPStatus.UNPROCESSABLE_ENTITY)
REFUSED: Final = Kind("refused", "A rule forbids this", HTTPStatus.UNPROCESSABLE_ENTITY)
NOT_READY: Final = Kind("not-ready", "The records cannot be read", HTTPStatus.SERVICE_UNAVAILABLE)
KINDS: Final = (
    OVERTAKEN, NOT_NOW, BUSY, NOT_YOURS, SCOPE_LACKING, NO_TOKEN, BAD_TOKEN, FILE_REFUSED, INVALID, REFUSED,
    NOT_READY,
)  # fmt: skip

_KIND_OF: Final[tuple[tuple[type[InSeasonError], Kind], ...]] = (
    (ConflictError, OVERTAKEN),
    (TransitionError, NOT_NOW),
    (BusyError, BUSY),
    (NotYoursError, NOT_YOURS),
    (DatabaseNotReadyError, NOT_READY),
    (FileRefusedError, FILE_REFUSED),
    (InSeasonError, REFUSED),
)
_MEANT: Final = {HTTPStatus.CONFLICT: OVERTAKEN, HTTPStatus.SERVICE_UNAVAILABLE: NOT_READY}
_DETAILS: Final = {
    HTTPStatus.BAD_REQUEST: "The request cannot be read.",
    HTTPStatus.FORBIDDEN: "This is not for your role.",
    HTTPStatus.NOT_FOUND: "There is nothing here, or it belongs to a store or a category that is not yours.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This cannot be used that way; Allow names the ways.",
    HTTPStatus.CONFLICT: "It was changed in the meantime. Read it again.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "More was sent than is taken here.",
    HTTPStatus.INTERNAL_SERVER_ERROR: "It is our fault, not yours, and it has been written down.",
    HTTPStatus.SERVICE_UNAVAILABLE: "The records cannot be read at the moment. Try again in a minute.",
}
# What the validating library says in its own words.
_TOLD: Final = {
    "extra_forbidden": "is not known here",
    "missing": "is missing",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "string_pattern_mismatch": "does not have the form that the API document tells",
}


@dataclass(frozen=True)
class Wrong:
    """One thing that is wrong with a request: in its query, body or header, under which name, and what."""

    location: str
    name: str
    detail: str


class InvalidError(InSeasonError):
    """A request that is wrong in ways that have names."""

    def __init__(self, *wrong: Wrong) -> None:
        super().__init__(" ".join(f"{one.name} {one.detail}." for one in wrong))
        self.wrong = wrong


def refuse(name: str, detail: str, *, location: str = "query") -> InvalidError:
    """An error that says what is wrong with one parameter, to be raised."""
    return InvalidError(Wrong(location, name, detail))


def problem(
    status: HTTPStatus | Kind,
    detail: str = "",
    *,
    wrong: Iterable[Wrong] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The answer to a request that was not granted.

    Args:
        status: the kind of problem, or a bare status whose meaning is all there is to say.
        detail: what went wrong this time; the usual sentence when left out.
        wrong: what exactly is wrong with the request.
        headers: to send along.
    """
    if not isinstance(status, Kind):
        status = _MEANT.get(status, status)
    if isinstance(status, Kind):
        uri, title, status = status.uri, status.title, status.status
    else:
        uri, title = PLAIN, status.phrase
    told = {
        "type": uri,
        "title": title,
        "status": int(status),
        "detail": detail or _DETAILS.get(status, title),
        "instance": quote(request.path),
        "errors": [asdict(one) for one in wrong],
    }
    answer = Response(json.dumps(told), status=int(status), mimetype=MEDIA_TYPE)
    answer.headers.update(headers or {})
    return answer


def problem_of(error: InSeasonError) -> Response:
    """The answer to a request that the domain refuses; its text is told as it is."""
    if isinstance(error, InvalidError):
        return problem(INVALID, str(error), wrong=error.wrong)
    kind = next(kind for refusal, kind in _KIND_OF if isinstance(error, refusal))
    # Where the database is stays between the service and its log.
    detail = "" if kind is NOT_READY else str(error)
    return problem(kind, detail, headers={"Retry-After": _SOON} if kind in (BUSY, NOT_READY) else None)


def problem_of_input(error: HTTPError) -> Response:
    """The answer to a request whose parameters or body are not what the API document says."""
    cause = error.__cause__
    if not isinstance(cause, ValidationError):
        return problem(HTTPStatus(error.status_code))
    (location,) = error.detail
    wrong = [_wrong("body" if location == "json" else location, each) for each in cause.errors()]
    return problem(INVALID, " ".join(f"{one.name} {one.detail}." for one in wrong), wrong=wrong)


def _wrong(location: str, error: Mapping[str, object]) -> Wrong:
    path = error["loc"]
    name = ".".join(map(str, path)) if isinstance(path, tuple) and path else "body"
    told = str(error["msg"]).removeprefix("Value error, ").removeprefix("Input ").rstrip(".")
    return Wrong(location, name, _TOLD.get(str(error["type"]), told))
