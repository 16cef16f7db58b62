"""Feeds in the API: how fresh they are, files looked at and loaded, and the runs that came of them."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final, cast

from apiflask import APIBlueprint
from flask import abort, request
from sqlalchemy import func, select
from sqlalchemy.orm import selectinload

from data.feeds.freshness import freshness
from data.feeds.specs import FEEDS
from data.records import Run, RunKind, TokenScope, Upload
from data.uploads import Desk, load, may_upload, receive
from web.access import SEES_RUNS, current_person, one_or_404, require_role, visible_uploads
from web.api.feed_models import (
    CSV,
    GZIP,
    Delivery,
    FeedList,
    RunPage,
    RunQuery,
    RunWhole,
    UploadWhole,
    feed_of,
    run_of,
    upload_of,
)
from web.api.guard import operation
from web.api.models import Model
from web.api.paging import links, numbers_in, page_of
from web.services import read_afresh, reading, services

if TYPE_CHECKING:
    from typing import BinaryIO

    from flask.typing import ResponseReturnValue

feeds = APIBlueprint("api_feeds", __name__, url_prefix="/api/v1", tag="Feeds")

_FILES: Final = (CSV, GZIP)


class Go(Model):
    """Nothing more needs to be said."""


@feeds.get("/feeds")
@require_role(*SEES_RUNS)
@operation(feeds, "listFeeds", TokenScope.FEEDS_READ)
@feeds.output(FeedList, description="The feeds")
def list_feeds() -> FeedList:
    """List the feeds: how fresh each is, which stores are late, and its last import."""
    person, fresh = current_person(), freshness(reading())
    newest = select(func.max(Run.run_id)).where(Run.kind == RunKind.IMPORT).group_by(Run.feed)
    last = {run.feed: run for run in reading().scalars(select(Run).where(Run.run_id.in_(newest)))}
    return FeedList(
        items=[
            feed_of(kind, fresh.get(kind), last.get(kind), may_upload=may_upload(person, kind))
            for kind in FEEDS
        ]
    )


@feeds.post("/feeds/<kind>")
@operation(
    feeds,
    "deliverFeed",
    TokenScope.FEEDS_WRITE,
    takes=_FILES,
    may_refuse="Something else was loaded while it was looked at",
    also={HTTPStatus.OK: "With `dry_run`: what it would change"},
)
@feeds.input(Delivery, location="query", arg_name="asked")
@feeds.output(UploadWhole, status_code=HTTPStatus.CREATED.value, description="The file is loaded")
def deliver(kind: str, asked: Delivery) -> ResponseReturnValue:
    """Deliver a file of a feed.

    The body is the file: CSV in UTF-8, plain or compressed with gzip. Good rows are loaded, the others told.
    A file that is delivered again changes nothing. With `dry_run` it is only looked at; `loadUpload` loads
    it within a day. An admin delivers any feed, a merchandiser the calendar and its markdowns.
    """
    if kind not in FEEDS:
        abort(HTTPStatus.NOT_FOUND)
    desk, person = _desk(), current_person()
    request.max_content_length = desk.most_bytes
    upload = receive(
        desk, kind, cast("BinaryIO", request.stream), asked.file_name or f"{kind}.csv", by=person
    )
    if not asked.dry_run:
        load(desk, upload.upload_id, by=person)
    status = HTTPStatus.OK if asked.dry_run else HTTPStatus.CREATED
    return _upload(upload.upload_id), status.value  # type: ignore[return-value]  # written by `output`


@feeds.get("/uploads/<int:upload_id>")
@operation(feeds, "readUpload", TokenScope.FEEDS_WRITE)
@feeds.output(UploadWhole, description="The file")
def read_upload(upload_id: int) -> UploadWhole:
    """Read what is known of a file that you have delivered."""
    return _upload(upload_id)


@feeds.post("/uploads/<int:upload_id>/load")
@operation(
    feeds,
    "loadUpload",
    TokenScope.FEEDS_WRITE,
    may_refuse="It is loaded already or too old, or something else was loaded since it was looked at",
)
@feeds.input(Go, arg_name="sent")
@feeds.output(UploadWhole, description="The file is loaded")
def load_upload(upload_id: int, sent: Go) -> UploadWhole:
    """Load a file that was looked at, exactly as it was then."""
    del sent
    _mine(upload_id)
    load(_desk(), upload_id, by=current_person())
    return _upload(upload_id)


@feeds.get("/runs")
@require_role(*SEES_RUNS)
@operation(feeds, "listRuns", TokenScope.FEEDS_READ)
@feeds.input(RunQuery, location="query", arg_name="asked")
@feeds.output(RunPage, description="A page of runs")
def list_runs(asked: RunQuery) -> ResponseReturnValue:
    """List nights, imports and backtests, newest first."""
    query = select(Run).options(selectinload(Run.steps)).order_by(Run.run_id.desc())
    for column, value in ((Run.kind, asked.kind), (Run.state, asked.state)):
        if value is not None:
            query = query.where(column == value)
    if (last := numbers_in(asked, 1)) is not None:
        query = query.where(Run.run_id < last[0])
    found = reading().scalars(query.limit(asked.limit + 1)).all()
    rows, following = page_of(found, asked, lambda run: [run.run_id])
    page = RunPage(items=[run_of(run) for run in rows], next=following)
    return page, HTTPStatus.OK.value, links(following)  # type: ignore[return-value]  # written by `output`


@feeds.get("/runs/<int:run_id>")
@require_role(*SEES_RUNS)
@operation(feeds, "readRun", TokenScope.FEEDS_READ)
@feeds.output(RunWhole, description="The run")
def read_run(run_id: int) -> RunWhole:
    """Read one run, with its steps and what came of it."""
    return run_of(one_or_404(select(Run).where(Run.run_id == run_id).options(selectinload(Run.steps))))


def _desk() -> Desk:
    return Desk(services().database, services().settings, services().clock)


def _mine(upload_id: int) -> Upload:
    """A file that the person may decide about; not there for anybody else."""
    query = select(Upload).where(Upload.upload_id == upload_id)
    return one_or_404(visible_uploads(query, current_person()))


def _upload(upload_id: int) -> UploadWhole:
    read_afresh()
    return upload_of(_mine(upload_id))
