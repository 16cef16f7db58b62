"""Pages of a list by where the last one ended: complete, and undisturbed by what is added meanwhile."""

from __future__ import annotations

import json
from base64 import b64decode, urlsafe_b64encode
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode

from flask import request

from web.addresses import id_in
from web.api.problems import refuse

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from flask import Flask, Response

    from web.api.models import Paged

_PREFIX: Final = "/api/"


def cursor_after(numbers: Sequence[int]) -> str:
    """The cursor of a page that ended with the record of these numbers; nobody is to read anything in it."""
    return urlsafe_b64encode(json.dumps([*numbers]).encode()).decode().rstrip("=")


def numbers_in(asked: Paged, many: int) -> tuple[int, ...] | None:
    """The numbers of the record after which a page begins; None for the first page.

    Raises:
        InvalidError: when the cursor is none that was given out.
    """
    if asked.cursor is None:
        return None
    try:
        padded = asked.cursor + "=" * (-len(asked.cursor) % 4)
        numbers = json.loads(b64decode(padded, altchars=b"-_", validate=True))
        found = tuple(id_in(str(int(number))) for number in numbers)
    except (ValueError, TypeError, RecursionError, OverflowError):
        found = ()
    if len(found) != many:
        raise refuse("cursor", "is none that was given out; begin again without")
    return found


def page_of(
    rows: Sequence[Any], asked: Paged, numbers_of: Callable[[Any], Sequence[int]]
) -> tuple[Sequence[Any], str | None]:
    """The rows of a page, and the address of the next.

    Args:
        rows: one more than the limit where there are more.
        asked: cursor and limit.
        numbers_of: gives the numbers of a row by which the list is ordered.
    """
    if len(rows) <= asked.limit:
        return rows, None
    page = rows[: asked.limit]
    others = {name: value for name, value in request.args.items() if name != "cursor"}
    query = urlencode(others | {"cursor": cursor_after(numbers_of(page[-1]))})
    return page, f"{request.path}?{query}"


def links(following: str | None) -> dict[str, str]:
    """The header that names the next page (RFC 8288)."""
    return {"Link": f'<{following}>; rel="next"'} if following else {}


def answer_unchanged(app: Flask) -> None:
    """Give each answer its fingerprint, and say only that nothing has changed to whoever knows it."""
    app.after_request(_fingerprint)


def _fingerprint(response: Response) -> Response:
    if not request.path.startswith(_PREFIX) or request.method not in {"GET", "HEAD"}:
        return response
    if response.status_code == 200 and not response.is_streamed:  # noqa: PLR2004
        response.add_etag()
        response.make_conditional(request)
    return response
