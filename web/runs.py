"""Runs: nights, imports and backtests, how far one is, what came of it, and nights that people ask for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeVar

from flask import Blueprint, abort, flash, redirect, render_template, request, send_file, url_for
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.errors import InSeasonError
from data.records import Run, RunKind, RunRequest, RunState
from data.run_queue import MAY_ASK, ask_for_night, newest_closed_date, queue_of, why_not, withdraw
from data.uploads import may_see_rejects, rejects_file
from web.access import SEES_RUNS, current_person, one_or_404, require_role
from web.addresses import id_in
from web.errors import status_of
from web.exports import asked_kind, table_answer
from web.rendering.progress import label_of, progress_of
from web.services import reading, services

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from werkzeug.datastructures import MultiDict

Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")

runs = Blueprint("runs", __name__)

PAGE: Final = 30
_KEPT: Final = (
    Run.run_id, Run.kind, Run.business_date, Run.feed, Run.state, Run.started_at, Run.finished_at,
    Run.details, Run.summary,
)  # fmt: skip
_OF_DETAILS: Final = ("file", "by", "rows_loaded", "rows_rejected")
_COLUMNS: Final = (
    "run", "kind", "business_date", "feed", "state", "started_at", "finished_at", *_OF_DETAILS, "summary",
)  # fmt: skip


@dataclass(frozen=True)
class Filters:
    """What the address asks for; what it does not know is ignored."""

    kind: RunKind | None
    state: RunState | None

    @classmethod
    def of(cls, asked: MultiDict[str, str]) -> Filters:
        """Read the filters from an address."""
        kind, state = asked.get("kind", ""), asked.get("state", "")
        return cls(
            RunKind(kind) if kind in set(RunKind) else None,
            RunState(state) if state in set(RunState) else None,
        )

    @property
    def in_address(self) -> dict[str, Any]:
        """The filters that are set, for a link."""
        return {name: str(value) for name, value in (("kind", self.kind), ("state", self.state)) if value}

    def cut(self, query: Q) -> Q:
        """Cut a query over runs to what is asked for."""
        if self.kind:
            query = query.where(Run.kind == self.kind)
        return query.where(Run.state == self.state) if self.state else query


@runs.get("/runs")
@require_role(*SEES_RUNS)
def index() -> ResponseReturnValue:
    """What is at work and what waits; then nights and imports, newest first, a page at a time."""
    if kind := asked_kind():
        query = Filters.of(request.args).cut(select(*_KEPT)).order_by(Run.run_id.desc())
        found = reading().execute(query.execution_options(yield_per=500))
        return table_answer("runs", _COLUMNS, (_told(*row) for row in found), kind)
    return _index()


@runs.get("/runs/now")
@require_role(*SEES_RUNS)
def now() -> ResponseReturnValue:
    """What is at work and what waits, for the page that refreshes itself."""
    return render_template("runs/now.html", **_at_work())


@runs.get("/runs/<int:run_id>")
@require_role(*SEES_RUNS)
def show(run_id: int) -> ResponseReturnValue:
    """One run: how far it is or what came of it, and what to do when it failed."""
    run = _one(run_id)
    closed = newest_closed_date(reading(), services().clock)
    refusal = ""
    if run.kind is RunKind.NIGHT and run.business_date:
        refusal = why_not(reading(), run.business_date, closed=closed)
    return render_template(
        "runs/show.html",
        run=run,
        refusal=refusal,
        may_ask=current_person().role in MAY_ASK,
        rejects=_rejects_of(run) is not None,
        earlier=[
            (datetime.fromisoformat(before["started_at"]), before["summary"])
            for before in run.details.get("earlier", ())
        ],
        **_progress(run),
    )


@runs.get("/runs/<int:run_id>/progress")
@require_role(*SEES_RUNS)
def progress(run_id: int) -> ResponseReturnValue:
    """How far one run is, for the page that refreshes itself."""
    run = _one(run_id)
    return render_template("runs/progress.html", run=run, **_progress(run))


@runs.get("/runs/<int:run_id>/rejects")
@require_role(*SEES_RUNS)
def rejects(run_id: int) -> ResponseReturnValue:
    """The rows that an import did not take, each with its line and reason."""
    path = _rejects_of(_one(run_id))
    if path is None:
        abort(HTTPStatus.NOT_FOUND)
    return send_file(path, mimetype="text/csv", as_attachment=True, download_name=path.name)


@runs.post("/runs/again")
@require_role(*MAY_ASK)
def again() -> ResponseReturnValue:
    """Somebody asks for a night; the scheduler takes it up within a minute."""
    try:
        business_date = _day_of(request.form.get("business_date", ""))
        reason = request.form.get("reason", "")
        ask_for_night(
            services().database, business_date, by=current_person(), reason=reason, clock=services().clock
        )
    except InSeasonError as error:
        return _index(refused=str(error)), status_of(error)
    flash("It is asked for. The scheduler takes it up within a minute.", "success")
    return redirect(url_for("runs.index"), HTTPStatus.SEE_OTHER)


@runs.post("/runs/requests/<int:request_id>/withdraw")
@require_role(*MAY_ASK)
def take_back(request_id: int) -> ResponseReturnValue:
    """Somebody no longer wants a night that waits."""
    one_or_404(select(RunRequest.request_id).where(RunRequest.request_id == request_id))
    now = services().clock.machine_now()
    withdraw(services().database, request_id, by=current_person(), now=now)
    flash("Withdrawn.", "success")
    return redirect(url_for("runs.index"), HTTPStatus.SEE_OTHER)


def _index(*, refused: str = "") -> str:
    filters = Filters.of(request.args)
    query = filters.cut(select(Run)).options(selectinload(Run.steps)).order_by(Run.run_id.desc())
    if before := request.args.get("before", type=id_in):
        query = query.where(Run.run_id < before)
    found = reading().scalars(query.limit(PAGE + 1)).all()
    return render_template(
        "runs/list.html",
        runs=found[:PAGE],
        older=found[PAGE - 1].run_id if len(found) > PAGE else None,
        continued=before is not None,
        filters=filters,
        kinds=tuple(RunKind),
        states=tuple(RunState),
        step_label=label_of,
        may_ask=current_person().role in MAY_ASK,
        closed=newest_closed_date(reading(), services().clock),
        refused=refused,
        typed=request.form,
        **_at_work(),
    )


def _at_work() -> dict[str, Any]:
    """The night that runs, if one does, the queue, and whether anybody would run what waits."""
    machine_now = services().clock.machine_now()
    running = select(Run).where(Run.state == RunState.RUNNING, Run.kind == RunKind.NIGHT)
    night = reading().scalars(running.order_by(Run.run_id.desc()).limit(1)).one_or_none()
    queue = queue_of(reading(), machine_now)
    return {
        "night": night,
        "night_progress": progress_of(night, _last_night(night), machine_now) if night else None,
        "queue": queue,
        "is_busy": night is not None or bool(queue.under_way),
    }


def _progress(run: Run) -> dict[str, Any]:
    before = _last_night(run) if run.kind is RunKind.NIGHT else None
    told = progress_of(run, before, services().clock.machine_now())
    return {"progress": told, "is_busy": told.is_running}


def _last_night(run: Run) -> Run | None:
    """The newest other night that worked, to go by."""
    worked = select(Run).where(
        Run.kind == RunKind.NIGHT, Run.state == RunState.SUCCEEDED, Run.run_id != run.run_id
    )
    return reading().scalars(worked.order_by(Run.business_date.desc()).limit(1)).one_or_none()


def _one(run_id: int) -> Run:
    return one_or_404(select(Run).where(Run.run_id == run_id))


def _rejects_of(run: Run) -> Any:
    if not may_see_rejects(current_person(), run):
        return None
    return rejects_file(services().settings.var.absolute() / "rejects", run.details.get("rejects"))


def _day_of(given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError as error:
        raise InSeasonError("Choose the day whose night is to run.") from error


def _told(*row: Any) -> tuple[object, ...]:
    """A run as a row of a file: of its details only the numbers and the file's name."""
    *kept, details, summary = row
    return (*kept, *(details.get(name) for name in _OF_DETAILS), summary)
