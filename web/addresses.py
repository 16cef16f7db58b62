"""What an address may name: numbers that the records can hold, and text that they can store."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from flask import abort, request
from werkzeug.routing import IntegerConverter

from web.access import is_api

if TYPE_CHECKING:
    from flask import Flask

# Ids are 32-bit integers on PostgreSQL; SQLite's own limit is higher.
LARGEST_ID: Final = 2**31 - 1
_NUL: Final = "\0"
_CENT: Final = Decimal("0.01")


class Place(NamedTuple):
    """Where a page of the list ended: money, units and id of its last alert, in the order of the list."""

    money_lost: Decimal
    units_lost: float
    alert_id: int

    def __str__(self) -> str:
        """As it stands in an address."""
        return f"{self.money_lost}_{self.units_lost!r}_{self.alert_id}"


class IdConverter(IntegerConverter):
    """An id in a path: a number that no record can have is no page."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **{"max": LARGEST_ID} | options)


def guard_addresses(app: Flask) -> None:
    """Refuse what no record can hold before any page sees it; call it before the pages are registered."""
    # In the place of the usual converter, so that a page somebody adds is bounded as well.
    app.url_map.converters["int"] = IdConverter
    app.before_request(_refuse_nul)


def id_in(text: str) -> int:
    """The id that a part of an address names.

    Raises:
        ValueError: when it is no number, or one that no record can have.
    """
    number = int(text)
    if not 0 <= number <= LARGEST_ID:
        raise ValueError("no record has that id")
    return number


def place_in(text: str) -> Place | None:
    """The place in the list that a part of an address names; none when it is broken."""
    try:
        amount, units, alert_id = text.split("_")
        place = Place(Decimal(amount).quantize(_CENT), float(units), id_in(alert_id))
    except (ValueError, InvalidOperation):
        return None
    return place if place.money_lost.is_finite() and math.isfinite(place.units_lost) else None


def _refuse_nul() -> None:
    """PostgreSQL stores no NUL and refuses to compare with one; nobody types it."""
    if is_api():
        # Its models refuse one and say where.
        return
    if _NUL in request.path or any(_NUL in value for _, value in request.args.items(multi=True)):
        abort(HTTPStatus.NOT_FOUND)
    if any(_NUL in value for _, value in request.form.items(multi=True)):
        abort(HTTPStatus.BAD_REQUEST)
