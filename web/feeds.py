"""Feeds: how fresh each is, what it needs, and files that are looked at before anything changes."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Final

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    flash,
    redirect,
    render_template,
    request,
    send_file,
    url_for,
)
from sqlalchemy import func, select
from sqlalchemy.orm import joinedload
from werkzeug.exceptions import RequestEntityTooLarge

from data.errors import BusyError, ConflictError, FileRefusedError
from data.feeds.freshness import freshness
from data.feeds.specs import FEEDS
from data.feeds.telling import example_file, example_of, holds
from data.feeds.waiting import lately_refused, what_waits
from data.records import Run, Upload, UploadState
from data.uploads import Desk, load, look_again, may_upload, receive, rejects_file, throw_away
from web.access import SEES_RUNS, current_person, one_or_404, person_or_none, require_role, visible_uploads
from web.errors import error_page, status_of
from web.services import reading, services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from data.feeds.columns import FeedSpec

feeds = Blueprint("feeds", __name__)

_DAILY: Final = ("sales", "stock", "receipts", "requests")
_IMPORTS_TOLD: Final = 10
_REFUSED_TOLD: Final = 10
# What a form adds to its file.
_ENVELOPE: Final = 64 * 1024
_UPLOAD: Final = "feeds.upload"


def admit_uploads(app: Flask) -> None:
    """Let a file be larger than any other form, from people who may bring one; call it before all guards."""
    app.before_request(_admit)


@feeds.get("/feeds")
@require_role(*SEES_RUNS)
def index() -> ResponseReturnValue:
    """Every feed with its newest day and last import, and what lies in the inbox."""
    newest = select(func.max(Run.run_id)).where(Run.feed.is_not(None)).group_by(Run.feed)
    imports = {run.feed: run for run in reading().scalars(select(Run).where(Run.run_id.in_(newest)))}
    inbox = services().settings.inbox
    return render_template(
        "feeds/list.html",
        groups=(
            ("Sent every day or week", [FEEDS[kind] for kind in _DAILY]),
            ("Sent when they change", [spec for kind, spec in FEEDS.items() if kind not in _DAILY]),
        ),
        imports=imports,
        fresh=freshness(reading()),
        uploads=_waiting_uploads(),
        waiting=what_waits(inbox),
        refused=lately_refused(inbox, _REFUSED_TOLD),
        may_upload=_may_upload,
    )


@feeds.get("/feeds/<kind>")
@require_role(*SEES_RUNS)
def show(kind: str) -> ResponseReturnValue:
    """One feed: what it needs, which stores are late, what was loaded, and a form to bring a file."""
    return _feed_page(_spec(kind))


@feeds.get("/feeds/<kind>/example")
@require_role(*SEES_RUNS)
def example(kind: str) -> ResponseReturnValue:
    """A small file that shows what one looks like."""
    answer = Response(example_file(_spec(kind)).encode(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f'attachment; filename="{kind}.csv"'
    return answer


@feeds.post("/feeds/<kind>/upload")
@require_role(*SEES_RUNS)
def upload(kind: str) -> ResponseReturnValue:
    """Somebody brings a file: look at it, and show what it would change."""
    spec = _spec(kind)
    if not _may_upload(kind):
        abort(HTTPStatus.FORBIDDEN)
    file = request.files.get("file")
    if file is None or not file.filename:
        return _feed_page(spec, refused="Choose a file first."), HTTPStatus.UNPROCESSABLE_ENTITY
    try:
        brought = receive(_desk(), kind, file.stream, file.filename, by=current_person())
    except FileRefusedError as error:
        return _feed_page(spec, refused=str(error)), HTTPStatus.UNPROCESSABLE_ENTITY
    except BusyError as error:
        return _feed_page(spec, refused=str(error)), status_of(error)
    return redirect(url_for("feeds.preview", upload_id=brought.upload_id), HTTPStatus.SEE_OTHER)


@feeds.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    """A file that is too large is told so on the page it was sent from."""
    kind = (request.view_args or {}).get("kind", "")
    person = person_or_none()
    if request.endpoint != _UPLOAD or kind not in FEEDS or person is None or not may_upload(person, kind):
        return error_page(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    limit = services().settings.upload_mb
    refused = (
        f"The file is larger than {limit} MB. Split it, or put it into the inbox of the service, which "
        "has no limit."
    )
    return _feed_page(FEEDS[kind], refused=refused), HTTPStatus.REQUEST_ENTITY_TOO_LARGE


@feeds.get("/feeds/uploads/<int:upload_id>")
@require_role(*SEES_RUNS)
def preview(upload_id: int) -> ResponseReturnValue:
    """What a file would change, before anything does."""
    return _preview_page(_own(upload_id))


@feeds.post("/feeds/uploads/<int:upload_id>/load")
@require_role(*SEES_RUNS)
def load_it(upload_id: int) -> ResponseReturnValue:
    """Load a file that was looked at."""
    brought = _own(upload_id)
    try:
        report = load(_desk(), upload_id, by=current_person())
    except (BusyError, ConflictError, FileRefusedError) as error:
        return _preview_page(brought, refused=str(error)), status_of(error)
    flash("Loaded. It counts from the next night on, or when you run the night again.", "success")
    return redirect(url_for("runs.show", run_id=report.run_id), HTTPStatus.SEE_OTHER)


@feeds.post("/feeds/uploads/<int:upload_id>/check")
@require_role(*SEES_RUNS)
def check_again(upload_id: int) -> ResponseReturnValue:
    """Hold a file against what stands there now."""
    brought = _own(upload_id)
    try:
        look_again(_desk(), upload_id, by=current_person())
    except (BusyError, FileRefusedError) as error:
        return _preview_page(brought, refused=str(error)), status_of(error)
    return redirect(url_for("feeds.preview", upload_id=upload_id), HTTPStatus.SEE_OTHER)


@feeds.post("/feeds/uploads/<int:upload_id>/throw-away")
@require_role(*SEES_RUNS)
def discard(upload_id: int) -> ResponseReturnValue:
    """Delete a file that nobody wants after all."""
    brought = _own(upload_id)
    throw_away(_desk(), upload_id, by=current_person())
    flash(f"{brought.file_name} is thrown away. Nothing has changed.", "success")
    return redirect(url_for("feeds.show", kind=brought.feed), HTTPStatus.SEE_OTHER)


@feeds.get("/feeds/uploads/<int:upload_id>/rejects")
@require_role(*SEES_RUNS)
def rejects(upload_id: int) -> ResponseReturnValue:
    """The rows of a file that would not be taken, each with its line and reason."""
    desk = _desk()
    path = rejects_file(desk.rejects, _own(upload_id).rejects)
    if path is None:
        abort(HTTPStatus.NOT_FOUND)
    return send_file(path.absolute(), mimetype="text/csv", as_attachment=True, download_name=path.name)


def _admit() -> None:
    # Before anything reads the form: who may bring no file gets no more room than for any other form.
    if request.endpoint != _UPLOAD or request.method != "POST":
        return
    person, kind = person_or_none(), (request.view_args or {}).get("kind", "")
    if person is not None and kind in FEEDS and may_upload(person, kind):
        request.max_content_length = _desk().most_bytes + _ENVELOPE


def _feed_page(spec: FeedSpec, *, refused: str = "") -> str:
    latest = select(Run).where(Run.feed == spec.kind).order_by(Run.run_id.desc()).limit(_IMPORTS_TOLD)
    return render_template(
        "feeds/show.html",
        spec=spec,
        columns=[(column, holds(column), example_of(column, spec.kind)) for column in spec.columns],
        imports=reading().scalars(latest).all(),
        fresh=freshness(reading()).get(spec.kind),
        uploads=[brought for brought in _waiting_uploads() if brought.feed == spec.kind],
        may_upload=_may_upload(spec.kind),
        limit=services().settings.upload_mb,
        refused=refused,
    )


def _preview_page(brought: Upload, *, refused: str = "") -> str:
    now = services().clock.machine_now()
    return render_template(
        "feeds/preview.html",
        upload=brought,
        told=brought.preview,
        is_open=brought.state is UploadState.CHECKED and not brought.has_expired(now),
        has_expired=brought.has_expired(now),
        rejects=rejects_file(_desk().rejects, brought.rejects) is not None,
        refused=refused,
    )


def _waiting_uploads() -> list[Upload]:
    """The files that wait for the person's word, newest first."""
    now = services().clock.machine_now()
    open_ones = select(Upload).where(Upload.state == UploadState.CHECKED, Upload.expires_at > now)
    query = visible_uploads(open_ones, current_person()).options(joinedload(Upload.person))
    return list(reading().scalars(query.order_by(Upload.upload_id.desc()).limit(_IMPORTS_TOLD)))


def _own(upload_id: int) -> Upload:
    query = visible_uploads(select(Upload).where(Upload.upload_id == upload_id), current_person())
    return one_or_404(query.options(joinedload(Upload.person)))


def _spec(kind: str) -> FeedSpec:
    if kind not in FEEDS:
        abort(HTTPStatus.NOT_FOUND)
    return FEEDS[kind]


def _may_upload(kind: str) -> bool:
    return may_upload(current_person(), kind)


def _desk() -> Desk:
    at = services()
    return Desk(at.database, at.settings, at.clock)
