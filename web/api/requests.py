"""Customers' requests in the API: what was asked for and not found, recorded once however often sent."""

from __future__ import annotations

import hashlib
import secrets
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from apiflask import APIBlueprint
from flask import abort, url_for
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import select

from data.errors import ConflictError, InSeasonError
from data.nearby import whereabouts
from data.records import (
    LONGEST_WORDS,
    MOST_UNITS,
    CustomerRequest,
    RequestOutcome,
    Store,
    TokenScope,
    Wanted,
)
from data.requests import record_once, require_known
from web.access import current_person, one_or_404, visible_requests
from web.api.guard import operation
from web.api.models import Day, Instant, Model, Paged, Text, Version, Whole
from web.api.paging import links, numbers_in, page_of
from web.api.problems import refuse
from web.places import places_of, tidied
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select

    from data.nearby import Nearby
    from data.records import Person

requests = APIBlueprint("api_requests", __name__, url_prefix="/api/v1", tag="Requests")

_LONGEST_KEY: Final = 100
_SUMMARY: Final[dict[str, Any]] = {
    "request_id": 512,
    "version": 1,
    "asked_at": "2026-06-14T15:20:00Z",
    "store_id": "PHX-01",
    "sku": None,
    "style_id": "SWT-26-03",
    "size": "M",
    "text": None,
    "units": 1,
    "outcome": "none",
    "holding_store_id": None,
    "undone_at": None,
}
_NEAR: Final[dict[str, Any]] = {
    "store_id": "TUC-01",
    "name": "Tucson Mall",
    "miles": 112.4,
    "units": 4,
    "free": 3,
    "counted_on": "2026-06-13",
}


class RequestQuery(Paged):
    """Which requests."""

    store: Text | None = Field(None, max_length=64, description="Only of this store, by its `store_id`.")


class RequestSummary(Model):
    """One request in a list."""

    request_id: int
    version: int = Field(description="Changes with every change; send it back with what you do.")
    asked_at: Instant
    store_id: str
    sku: str | None
    style_id: str | None
    size: str | None
    text: str | None = Field(description="The customer's words, for what is not in the assortment.")
    units: int
    outcome: RequestOutcome = Field(description="What was done for the customer.")
    holding_store_id: str | None
    undone_at: Instant | None = Field(description="When it turned out to be recorded by mistake.")


class NearbyStore(Model):
    """A place that has the thing by its newest count."""

    store_id: str
    name: str
    miles: float | None = Field(description="None where a place is not known.")
    units: int
    free: int = Field(description="Those that nobody else has been told are theirs.")
    counted_on: Day | None


class RequestWhole(RequestSummary):
    """One request, and where the thing is."""

    model_config = ConfigDict(json_schema_extra={"examples": [_SUMMARY | {"here": 0, "nearest": [_NEAR]}]})

    here: int | None = Field(description="Pieces in the store's own books; None where it sends no counts.")
    nearest: list[NearbyStore] = Field(description="The nearest stores that have it.")


class RequestPage(Model):
    """Requests, newest first."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"items": [_SUMMARY], "next": None}]})

    items: list[RequestSummary]
    next: str | None = Field(description="The address of the next page; None on the last.")


class AskedFor(Model):
    """What was asked for: a sku, or a style in a size, or words; exactly one of them."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"store_id": "PHX-01", "style_id": "SWT-26-03", "size": "M", "units": 1}]
        }
    )

    store_id: Text = Field(min_length=1, max_length=64, description="One of your stores.")
    sku: Text = Field("", max_length=64)
    style_id: Text = Field("", max_length=64)
    size: Text = Field("", max_length=32, description="With `style_id`.")
    text: Text = Field("", max_length=LONGEST_WORDS)
    units: Whole = Field(1, ge=1, le=MOST_UNITS)


class Key(BaseModel):
    """The header that makes sending twice sending once; what other headers there are is not ours to say."""

    idempotency_key: str | None = Field(
        None,
        min_length=1,
        max_length=_LONGEST_KEY,
        pattern=r"^[\x21-\x7e]+$",
        description="A text of yours, new for every request that you record: sent again with the same, the "
        "request is recorded once and answered again.",
    )


class RequestSeen(Model):
    """The request as it was read."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"version": 1}]})

    version: Version = Field(description="Of the request as you read it.")


class Settled(RequestSeen):
    """What was done for the customer."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"version": 1, "outcome": "hold", "holding_store_id": "TUC-01"}]}
    )

    outcome: RequestOutcome
    holding_store_id: Text = Field("", max_length=64, description="Who puts it aside, with `hold`.")


@requests.get("/requests")
@operation(requests, "listRequests", TokenScope.REQUESTS_READ)
@requests.input(RequestQuery, location="query", arg_name="asked")
@requests.output(RequestPage, description="A page of requests")
def list_requests(asked: RequestQuery) -> ResponseReturnValue:
    """List what customers asked for and did not find.

    In your stores and categories, newest first.
    """
    query = select(CustomerRequest).order_by(CustomerRequest.request_id.desc()).limit(asked.limit + 1)
    if asked.store is not None:
        query = query.where(CustomerRequest.store_id == asked.store)
    if (last := numbers_in(asked, 1)) is not None:
        query = query.where(CustomerRequest.request_id < last[0])
    found = reading().scalars(visible_requests(query, current_person())).all()
    rows, following = page_of(found, asked, lambda each: [each.request_id])
    page = RequestPage(items=[RequestSummary(**_summary(each)) for each in rows], next=following)
    return page, HTTPStatus.OK.value, links(following)  # type: ignore[return-value]  # written by `output`


@requests.get("/requests/<int:request_id>")
@operation(requests, "readRequest", TokenScope.REQUESTS_READ)
@requests.output(RequestWhole, description="The request")
def read_request(request_id: int) -> RequestWhole:
    """Read one request, and the nearest stores that have the thing."""
    return _whole(request_id)


@requests.post("/requests")
@operation(
    requests,
    "recordRequest",
    TokenScope.REQUESTS_WRITE,
    also={HTTPStatus.OK: "The request, which was recorded before with the same key"},
)
@requests.input(Key, location="headers", arg_name="key")
@requests.input(AskedFor, arg_name="sent")
@requests.output(RequestWhole, status_code=201, description="The request")
def record(key: Key, sent: AskedFor) -> ResponseReturnValue:
    """Record that a customer asked for something and did not find it.

    Counts as demand at the store. A customer's address is never taken here: it needs the customer's consent,
    given at the counter.
    """
    person = current_person()
    wanted = Wanted(sku=sent.sku, style_id=sent.style_id, size=sent.size, text=tidied(sent.text))
    if sent.store_id not in {place.store_id for place in places_of(person)}:
        raise refuse("store_id", "is not one of your open stores", location="body")
    require_known(reading(), wanted, categories=person.category_names)
    request_id, is_new = record_once(services().database, _asked(person, sent, wanted, key))
    read_afresh()
    if not is_new:
        _require_same(request_id, sent, wanted)
    status = HTTPStatus.CREATED if is_new else HTTPStatus.OK
    place = url_for("api_requests.read_request", request_id=request_id)
    return _whole(request_id), status.value, {"Location": place}  # type: ignore[return-value]  # written by `output`


@requests.post("/requests/<int:request_id>/outcome")
@operation(
    requests, "settleRequest", TokenScope.REQUESTS_WRITE, may_refuse="It has changed since, or was undone"
)
@requests.input(Settled, arg_name="sent")
@requests.output(RequestWhole, description="The request as it stands now")
def settle(request_id: int, sent: Settled) -> RequestWhole:
    """Say what was done for the customer."""

    def change(asked: CustomerRequest) -> None:
        if sent.holding_store_id and reading().get(Store, sent.holding_store_id) is None:
            raise InSeasonError("There is no such store to hold it.")
        asked.settle(sent.outcome, services().clock.now(), holding_store_id=sent.holding_store_id)

    return _change(request_id, sent, change)


@requests.post("/requests/<int:request_id>/undo")
@operation(requests, "undoRequest", TokenScope.REQUESTS_WRITE, may_refuse="It has changed since")
@requests.input(RequestSeen, arg_name="sent")
@requests.output(RequestWhole, description="The request as it stands now")
def undo(request_id: int, sent: RequestSeen) -> RequestWhole:
    """Say that a request was recorded by mistake: it stays, and counts for nothing."""
    return _change(request_id, sent, lambda asked: asked.undo(services().clock.now()))


def _asked(person: Person, sent: AskedFor, wanted: Wanted, key: Key) -> CustomerRequest:
    parts = ("api", str(person.person_id), key.idempotency_key or secrets.token_urlsafe())
    return CustomerRequest.asked(
        wanted,
        store_id=sent.store_id,
        person_id=person.person_id,
        units=sent.units,
        now=services().clock.now(),
        form_key=hashlib.sha256("\x1f".join(parts).encode()).hexdigest(),
    )


def _require_same(request_id: int, sent: AskedFor, wanted: Wanted) -> None:
    """Make sure that what came twice under one key is one thing."""
    before = reading().get_one(CustomerRequest, request_id)
    if (before.wanted, before.store_id, before.units) != (wanted, sent.store_id, sent.units):
        raise refuse("Idempotency-Key", "was used for another request", location="headers")


def _change(request_id: int, sent: RequestSeen, change: Callable[[CustomerRequest], None]) -> RequestWhole:
    with services().database.write() as records:
        asked = records.scalars(_one(request_id)).one_or_none()
        if asked is None:
            abort(HTTPStatus.NOT_FOUND)
        if asked.version != sent.version:
            raise ConflictError("This request has changed since you read it; read it again first.")
        change(asked)
    read_afresh()
    return _whole(request_id)


def _one(request_id: int) -> Select[CustomerRequest]:
    query = select(CustomerRequest).where(CustomerRequest.request_id == request_id)
    return visible_requests(query, current_person())


def _whole(request_id: int) -> RequestWhole:
    asked = one_or_404(_one(request_id))
    where = whereabouts(reading(), asked.wanted, store_id=asked.store_id, now=services().clock.now())
    return RequestWhole(
        **_summary(asked),
        here=where.here,
        nearest=[_near(place) for place in (*where.stores, *where.ships_from)],
    )


def _summary(asked: CustomerRequest) -> dict[str, Any]:
    return {name: getattr(asked, name) for name in RequestSummary.model_fields}


def _near(place: Nearby) -> NearbyStore:
    return NearbyStore(**{name: getattr(place, name) for name in NearbyStore.model_fields})
