"""Runs: which nights and imports have been, their steps, and what came of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from flask import Blueprint, render_template, request
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.records import Run
from web.access import SEES_RUNS, one_or_404, require_role
from web.addresses import id_in
from web.services import reading

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

runs = Blueprint("runs", __name__)

PAGE: Final = 30


@runs.get("/runs")
@require_role(*SEES_RUNS)
def index() -> ResponseReturnValue:
    """The nights and imports, newest first, a page at a time."""
    query = select(Run).options(selectinload(Run.steps)).order_by(Run.run_id.desc()).limit(PAGE + 1)
    if before := request.args.get("before", type=id_in):
        query = query.where(Run.run_id < before)
    found = reading().scalars(query).all()
    older = found[PAGE - 1].run_id if len(found) > PAGE else None
    return render_template("runs/list.html", runs=found[:PAGE], older=older, continued=before is not None)


@runs.get("/runs/<int:run_id>")
@require_role(*SEES_RUNS)
def show(run_id: int) -> ResponseReturnValue:
    """One run with its steps."""
    return render_template("runs/show.html", run=one_or_404(select(Run).where(Run.run_id == run_id)))
