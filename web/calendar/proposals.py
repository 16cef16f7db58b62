"""Proposed dates: saved from the planner or typed here, compared, put forward, and decided upon."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select

from data import proposals as proposing
from data.calendar_versions import newest_version_id
from data.errors import ConflictError, InSeasonError, NotYoursError, TransitionError
from data.planning.details import plan_of
from data.records import OwnDates, Proposal, ProposalAct, ProposalState, SellingWindow
from forecaster.plans import Stakes
from web.access import current_person, one_or_404, visible_proposals
from web.addresses import id_in
from web.calendar.plan_forms import PLACES, PlanForm, climate_zones, plan_in_form, problems_of
from web.calendar.rooms import PAGE, calendar, id_after, names_in, people, require_category, text
from web.exports import asked_kind, table_answer
from web.rendering.calendar_words import FIGURES, spoken, told_changes
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from flask.typing import ResponseReturnValue
    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from web.exports import Kind

MOST_COMPARED: Final = 3
_ERRORS_OF_THEIR_OWN: Final = (ConflictError, NotYoursError, TransitionError)
_COLUMNS: Final = (
    "proposal", "state", "category", "season_code", "zones", "floor_set", "exit", "markdowns", "margin_today",
    "margin", "turned_away_today", "turned_away", "reason", "author", "made_at", "changed_at",
)  # fmt: skip


@dataclass(frozen=True)
class Line:
    """One figure of the plans side by side: today's first; `kind` says how it is written."""

    label: str
    kind: str
    today: float | None
    plans: Sequence[float | None]

    @property
    def differences(self) -> list[float | None]:
        """Each plan against today's."""
        return [None if value is None or self.today is None else value - self.today for value in self.plans]


@calendar.get("/calendar/proposals")
def proposals() -> ResponseReturnValue:
    """Proposals, newest first: those to decide when no state is asked for."""
    person, after = current_person(), id_after()
    asked, category = request.args.get("state", ""), request.args.get("category", "")
    state = ProposalState(asked) if asked in set(ProposalState) else None
    query = visible_proposals(select(Proposal), person).order_by(Proposal.proposal_id.desc())
    if state is not None:
        query = query.where(Proposal.state == state)
    if category:
        query = query.where(Proposal.category == category)
    if (kind := asked_kind()) is not None:
        return _file(query, kind)
    if after is not None:
        query = query.where(Proposal.proposal_id < after)
    found = reading().scalars(query.limit(PAGE + 1)).all()
    rows = found[:PAGE]
    return render_template(
        "calendar/proposals.html",
        rows=rows,
        state=state,
        states=list(ProposalState),
        category=category,
        names=people(row.author for row in rows),
        most=MOST_COMPARED,
        filters={name: value for name, value in (("state", asked), ("category", category)) if value},
        after=rows[-1].proposal_id if len(found) > PAGE else None,
        continued=after is not None,
    )


@calendar.get("/calendar/proposals/new")
def new() -> ResponseReturnValue:
    """The form: today's dates of a category in some zones, to be moved."""
    form = PlanForm.of(request.args)
    if not form.category:
        return render_template("calendar/choose.html", categories=_categories())
    require_category(form.category)
    try:
        board = services().boards.of(form.category, next(iter(form.zones), ""), form.season_code)
    except InSeasonError as refusal:
        return render_template(
            "calendar/choose.html", categories=_categories(), trouble=str(refusal)
        ), HTTPStatus.CONFLICT
    shown = PlanForm.of_plan(form.category, board.season_code, form.zones, board.today)
    return _form(shown, url_for("calendar.propose"))


@calendar.post("/calendar/proposals")
def propose() -> ResponseReturnValue:
    """Save a plan as a draft, or put it forward at once; it is weighed here."""
    require_category(text("category"))
    try:
        plan, zones, weighed = _weighed()
        with services().database.write() as records:
            made = proposing.propose(
                records,
                category=text("category"),
                zones=zones,
                plan=plan,
                weighed=weighed,
                by=current_person(),
                reason=text("reason"),
                now=services().clock.now(),
                own_dates=PlanForm.of(request.form).own_dates,
            )
            if text("then") == "forward":
                made.put_forward(current_person(), services().clock.now())
            number, state = made.proposal_id, made.state
    except _ERRORS_OF_THEIR_OWN:
        raise
    except InSeasonError as refusal:
        return _form_again(refusal, url_for("calendar.propose"))
    flash(
        "Put forward. It waits for a yes or no."
        if state is ProposalState.PROPOSED
        else "Saved as a draft. Put it forward when it is ready.",
        "success",
    )
    return _to(number)


@calendar.get("/calendar/proposals/compare")
def compare() -> ResponseReturnValue:
    """Up to three proposals of one season beside today's dates."""
    wanted = _ids(request.args.getlist("ids"))
    if not wanted:
        flash("Tick one to three proposals to compare.", "warning")
        return redirect(url_for("calendar.proposals"), HTTPStatus.SEE_OTHER)
    query = select(Proposal).where(Proposal.proposal_id.in_(wanted))
    found = {row.proposal_id: row for row in reading().scalars(visible_proposals(query, current_person()))}
    if len(found) < len(wanted):
        abort(HTTPStatus.NOT_FOUND)
    chosen = [found[number] for number in wanted]
    trouble = _why_not_comparable(chosen)
    return render_template(
        "calendar/compare.html",
        chosen=chosen,
        lines=_lines(chosen),
        in_force=next(iter(chosen[0].today.values())),
        names=people(row.author for row in chosen),
        trouble=trouble,
        may=ProposalAct,
    ), HTTPStatus.BAD_REQUEST if trouble else HTTPStatus.OK


@calendar.get("/calendar/proposals/<int:proposal_id>")
def proposal(proposal_id: int) -> ResponseReturnValue:
    """One proposal: what it changes, its figures beside today's, its history, and whose turn it is."""
    return _page(one_or_404(_one(proposal_id)))


@calendar.get("/calendar/proposals/<int:proposal_id>/edit")
def edit(proposal_id: int) -> ResponseReturnValue:
    """The form of a draft."""
    found = one_or_404(_one(proposal_id))
    found.require(current_person(), ProposalAct.CHANGE)
    return _form(PlanForm.of_proposal(found), url_for("calendar.change", proposal_id=proposal_id), found)


@calendar.post("/calendar/proposals/<int:proposal_id>/edit")
def change(proposal_id: int) -> ResponseReturnValue:
    """Its author changes a draft."""
    found = one_or_404(_one(proposal_id))
    found.require(current_person(), ProposalAct.CHANGE)
    try:
        plan, zones, weighed = _weighed(found.category)
        with services().database.write() as records:
            proposing.change(
                _locked(records, proposal_id),
                zones=zones,
                plan=plan,
                weighed=weighed,
                by=current_person(),
                reason=text("reason"),
                now=services().clock.now(),
                own_dates=PlanForm.of(request.form).own_dates,
            )
    except _ERRORS_OF_THEIR_OWN:
        raise
    except InSeasonError as refusal:
        return _form_again(refusal, url_for("calendar.change", proposal_id=proposal_id), found)
    flash("Changed.", "success")
    return _to(proposal_id)


@calendar.post("/calendar/proposals/<int:proposal_id>/weigh")
def weigh_again(proposal_id: int) -> ResponseReturnValue:
    """Its figures are made anew, on the calendar and the night of now."""
    found = one_or_404(_one(proposal_id))
    try:
        weighed = proposing.weigh(
            reading(),
            services().boards,
            category=found.category,
            season_code=found.season_code,
            zones=found.zones,
            plan=plan_of(found.plan),
            stakes=Stakes(),
        )
    except InSeasonError as refusal:
        return _page(found, trouble=str(refusal)), HTTPStatus.BAD_REQUEST
    return _turn(
        proposal_id,
        lambda _, row: proposing.weigh_again(row, weighed, by=current_person(), now=services().clock.now()),
        "Weighed again on the calendar and the night of now.",
    )


@calendar.post("/calendar/proposals/<int:proposal_id>/forward")
def forward(proposal_id: int) -> ResponseReturnValue:
    """Its author says that it is ready."""
    return _turn(
        proposal_id,
        lambda _, row: row.put_forward(current_person(), services().clock.now()),
        "Put forward. It waits for a yes or no.",
    )


@calendar.post("/calendar/proposals/<int:proposal_id>/approve")
def approve(proposal_id: int) -> ResponseReturnValue:
    """Whoever answers for the category says yes: the calendar has a new version."""

    def work(records: Session, row: Proposal) -> None:
        proposing.approve(
            records,
            row,
            by=current_person(),
            now=services().clock.now(),
            today=services().today,
            note=text("reason"),
        )

    return _turn(proposal_id, work, "Approved. The calendar has these dates; the alerts follow tonight.")


@calendar.post("/calendar/proposals/<int:proposal_id>/refuse")
def refuse(proposal_id: int) -> ResponseReturnValue:
    """Whoever answers for the category says no, and why."""
    return _turn(
        proposal_id,
        lambda _, row: row.refuse(current_person(), services().clock.now(), reason=text("reason")),
        "Refused. Who wrote it can read why.",
    )


@calendar.post("/calendar/proposals/<int:proposal_id>/withdraw")
def withdraw(proposal_id: int) -> ResponseReturnValue:
    """Its author takes it back."""
    return _turn(
        proposal_id,
        lambda _, row: row.withdraw(current_person(), services().clock.now(), reason=text("reason")),
        "Withdrawn.",
    )


def _turn(proposal_id: int, work: Callable[[Session, Proposal], None], told: str) -> ResponseReturnValue:
    """Do something to a proposal in one transaction; a refusal is told on its page."""
    try:
        with services().database.write() as records:
            work(records, _locked(records, proposal_id))
    except NotYoursError:
        raise
    except InSeasonError as refusal:
        status = (
            HTTPStatus.CONFLICT
            if isinstance(refusal, ConflictError | TransitionError)
            else HTTPStatus.BAD_REQUEST
        )
        return _page(one_or_404(_one(proposal_id)), trouble=str(refusal)), status
    flash(told, "success")
    return _to(proposal_id)


def _page(found: Proposal, trouble: str = "") -> str:
    moved = proposing.stale(reading(), found) if found.is_open else []
    return render_template(
        "calendar/proposal.html",
        found=found,
        lines=_lines([found]),
        in_force=found.today,
        names=people([found.author, *(event.who for event in found.events)]),
        moved=told_changes(moved, names_in(moved), services().today),
        act=ProposalAct,
        trouble=spoken(trouble, services().today),
        reason=text("reason"),
        sets_own=found.own_dates is OwnDates.SET,
    )


def _weighed(category: str = "") -> tuple[Any, tuple[str, ...], proposing.Weighed]:
    """The plan that was sent, for which zones, and what came of it."""
    form = PlanForm.of(request.form)
    named = category or form.category
    board = services().boards.of(named, next(iter(form.zones), ""), form.season_code)
    plan, stakes = plan_in_form(request.form, today=board.today)
    if plan.is_partial:
        raise InSeasonError(
            "The calendar cannot say that only some stores, sizes or rails stay. Below is the same plan for "
            "all of them: save it if that is what you want."
        )
    weighed = proposing.weigh(
        reading(),
        services().boards,
        category=named,
        season_code=form.season_code or board.season_code,
        zones=form.zones,
        plan=plan,
        stakes=stakes,
    )
    return plan, form.zones, weighed


def _form(form: PlanForm, target: str, found: Proposal | None = None) -> str:
    return render_template(
        "calendar/propose.html",
        form=form,
        places=PLACES,
        zones=climate_zones(),
        target=target,
        found=found,
    )


def _form_again(refusal: InSeasonError, target: str, found: Proposal | None = None) -> ResponseReturnValue:
    """The form with what was typed and what is wrong with it."""
    form = PlanForm.of(request.form, problems_of(refusal))
    return _form(form, target, found), HTTPStatus.BAD_REQUEST


def _lines(chosen: Sequence[Proposal]) -> list[Line]:
    """The figures of proposals and of today's dates, without those that nobody has."""
    todays: Mapping[str, Any] = chosen[0].figures["today"]
    lines = [
        Line(label, kind, todays.get(name), [row.figures["plan"].get(name) for row in chosen])
        for name, label, kind in FIGURES
    ]
    return [line for line in lines if line.today is not None or any(v is not None for v in line.plans)]


def _why_not_comparable(chosen: Sequence[Proposal]) -> str:
    """Why figures of proposals do not belong side by side; blank when they do."""
    if len({(row.category, row.season_code) for row in chosen}) > 1:
        return "These proposals are about different seasons, so their figures cannot be compared."
    if len({tuple(row.zones) for row in chosen}) > 1:
        return "These proposals are for different zones, so their figures count different stores."
    if len({(row.weighed_on, row.based_on) for row in chosen}) > 1:
        return "These proposals were weighed on different nights or calendars; weigh the older ones again."
    return ""


def _ids(values: Sequence[str]) -> list[int]:
    """The proposals that an address names, each once, no more than fit."""
    numbers: list[int] = []
    for word in ",".join(values).split(","):
        try:
            numbers.append(id_in(word))
        except ValueError:
            continue
    return list(dict.fromkeys(numbers))[:MOST_COMPARED]


def _categories() -> list[str]:
    """The categories that there are dates of, as far as they are the person's; two statements."""
    query = select(SellingWindow.category).where(SellingWindow.version_id == newest_version_id(reading()))
    if (own := current_person().category_names) is not None:
        query = query.where(SellingWindow.category.in_(sorted(own)))
    return list(reading().scalars(query.distinct().order_by(SellingWindow.category)))


def _file(query: Select[Proposal], kind: Kind) -> ResponseReturnValue:
    def rows() -> Any:
        for row in reading().scalars(query.execution_options(yield_per=500)):
            plan, figures = row.plan, row.figures
            steps = ", ".join(f"{cut['percent_off']:g}% {cut['day']}" for cut in plan["markdowns"])
            yield (
                row.proposal_id, row.state, row.category, row.season_code, ", ".join(row.zones),
                date.fromisoformat(plan["floor_set"]), date.fromisoformat(plan["exit"]), steps,
                figures["today"].get("margin"), figures["plan"].get("margin"),
                figures["today"].get("turned_away"), figures["plan"].get("turned_away"), row.reason,
                row.author, row.created_at, row.changed_at,
            )  # fmt: skip

    return table_answer("proposals", _COLUMNS, rows(), kind)


def _one(proposal_id: int) -> Select[Proposal]:
    query = proposing.whole_proposals().where(Proposal.proposal_id == proposal_id)
    return visible_proposals(query, current_person())


def _locked(records: Session, proposal_id: int) -> Proposal:
    """A proposal to be changed, held until the change is made; not there for whoever may not see it."""
    found = records.scalars(_one(proposal_id).with_for_update(of=Proposal)).one_or_none()
    if found is None:
        abort(HTTPStatus.NOT_FOUND)
    return found


def _to(proposal_id: int) -> ResponseReturnValue:
    return redirect(url_for("calendar.proposal", proposal_id=proposal_id), HTTPStatus.SEE_OTHER)
