"""Proposals: a plan weighed and saved, put forward, decided upon, and made a version of the calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy import select
from sqlalchemy.orm import selectinload

from data.calendar_plans import PlanChange, set_plan
from data.calendar_rows import told
from data.calendar_versions import changed_since, newest_version_id
from data.errors import ConflictError, InSeasonError
from data.planning.details import FIGURES, plan_details, plan_of
from data.records import OwnDates, Proposal, ProposalAct
from forecaster.errors import ForecasterError
from forecaster.plan_rules import PlanRules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

    from sqlalchemy import Select
    from sqlalchemy.orm import Session

    from data.calendar_rows import Difference
    from data.planning.board import Board
    from data.planning.boards import Boards
    from data.records import CalendarVersion, Person
    from forecaster.plans import Plan, Stakes


RULES: Final = PlanRules()
"""The trade's rules by which proposals are weighed and approved."""

# Figures that add up over zones; shares and break-evens do not, and are told of one zone or the chain only.
_SUMS: Final = (
    "stock", "full_price_units", "markdown_units", "leftover_units", "revenue", "markdown_cost", "salvage",
    "margin", "net_margin", "turned_away_before", "turned_away_during", "turned_away_after", "turned_away",
    "rail_weeks", "margin_won", "customers_won", "leftover_less", "value_won", "units",
)  # fmt: skip


@dataclass(frozen=True)
class Weighed:
    """What came of a plan beside today's, on one night and one calendar.

    `today` is the plan in force by zone ('' the chain); `figures` are those of today's and of the plan, by
    name, with the stores they count and the names of those that stand apart.
    """

    season_code: str
    today: Mapping[str, Plan]
    figures: Mapping[str, Any]
    as_of: date
    based_on: int


def whole_proposals() -> Select[Proposal]:
    """A query over proposals with their history."""
    return select(Proposal).options(selectinload(Proposal.events))


def weigh(
    session: Session,
    boards: Boards,
    *,
    category: str,
    season_code: str,
    zones: Sequence[str],
    plan: Plan,
    stakes: Stakes,
) -> Weighed:
    """Weigh a plan for some zones, or the chain when none is named, beside today's.

    Raises:
        InSeasonError: when there is nothing to weigh it with, or the trade's rules forbid it.
    """
    based_on = newest_version_id(session)
    if based_on is None:
        raise InSeasonError("No calendar has been loaded yet: import one first.")
    found = [boards.of(category, zone, season_code) for zone in zones or ("",)]
    if len({board.season_code for board in found}) > 1:
        raise InSeasonError("These zones are in different seasons; propose dates for one season at a time.")
    told_plans = [_rows(board, plan, stakes) for board in found]
    return Weighed(
        season_code=found[0].season_code,
        today={zone: board.today for zone, board in zip(zones or ("",), found, strict=True)},
        figures={
            "today": _sum([today for today, _ in told_plans]),
            "plan": _sum([after for _, after in told_plans]),
            "stores": sum(board.stores for board in found),
            "apart": [name for board in found for name in board.apart],
        },
        as_of=min(board.as_of for board in found),
        based_on=based_on,
    )


def propose(
    session: Session,
    *,
    category: str,
    zones: Sequence[str],
    plan: Plan,
    weighed: Weighed,
    by: Person,
    reason: str,
    now: datetime,
    own_dates: OwnDates = OwnDates.KEEP,
) -> Proposal:
    """Save a plan as a draft; it is flushed and has its number.

    Raises:
        NotYoursError: when the category is somebody else's.
        InSeasonError: without a reason.
    """
    values = {"category": category} | _columns(zones, plan, weighed, own_dates)
    proposal = Proposal.saved(values, by=by, now=now, reason=reason)
    session.add(proposal)
    session.flush()
    return proposal


def change(
    proposal: Proposal,
    *,
    zones: Sequence[str],
    plan: Plan,
    weighed: Weighed,
    by: Person,
    reason: str,
    now: datetime,
    own_dates: OwnDates = OwnDates.KEEP,
) -> None:
    """Its author changes a draft; see `data.records.Proposal.change` for what may go wrong."""
    proposal.change(_columns(zones, plan, weighed, own_dates), by, now, reason=reason)


def weigh_again(proposal: Proposal, weighed: Weighed, *, by: Person, now: datetime) -> None:
    """Its figures are made anew; see `data.records.Proposal.weigh` for what may go wrong."""
    values = _columns(proposal.zones, plan_of(proposal.plan), weighed, proposal.own_dates)
    proposal.weigh(values, by, now)


def approve(
    session: Session, proposal: Proposal, *, by: Person, now: datetime, today: date, note: str = ""
) -> CalendarVersion:
    """Whoever answers for the category says yes: the calendar gets a version with the plan's dates.

    Raises:
        NotYoursError: when the category is somebody else's.
        TransitionError: when it does not wait for a decision.
        ConflictError: when somebody has changed this season in the calendar since it was weighed.
        InSeasonError: when the plan cannot be carried out any more.
    """
    proposal.require(by, ProposalAct.APPROVE)
    plan = plan_of(proposal.plan)
    todays = {zone: plan_of(details) for zone, details in proposal.today.items()}
    newest = newest_version_id(session)
    moved = stale(session, proposal)
    if moved:
        raise ConflictError(_what_moved(moved))
    for in_force in todays.values():
        refuse_against_rules(plan, in_force, today=today)
    why = f"Proposal {proposal.proposal_id}: {proposal.reason}"
    made = set_plan(
        session,
        PlanChange(
            proposal.category,
            proposal.season_code,
            tuple(proposal.zones),
            plan,
            todays,
            proposal.own_dates,
        ),
        author=by.email,
        reason=why,
        now=now,
        today=today,
        # Whoever changed the calendar in between has changed what was just looked at.
        based_on=newest,
    )
    proposal.approve(by, now, made=made.version_id, note=note)
    session.flush()
    return made


def stale(session: Session, proposal: Proposal) -> list[Difference]:
    """What the calendar says otherwise of its season since it was weighed; nothing while it still holds."""
    return changed_since(
        session, proposal.based_on, category=proposal.category, season_code=proposal.season_code
    )


def refuse_against_rules(plan: Plan, in_force: Plan, *, today: date) -> None:
    """Make sure that a plan may be carried out from today on.

    Raises:
        InSeasonError: when the trade's rules forbid it.
    """
    reason = RULES.refusal(plan, in_force, as_of=today - timedelta(days=1))
    if reason is not None:
        raise InSeasonError(f"This plan {reason}.")


def _rows(board: Board, plan: Plan, stakes: Stakes) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """The figures of today's plan and of another."""
    try:
        report = board.weigh([plan], stakes=stakes, rules=RULES)
    except ForecasterError as error:
        raise InSeasonError(f"This plan cannot be weighed: {error}.") from error
    refused = [reason for other, reason in report.refused if other == plan]
    if plan == board.today:
        raise InSeasonError("These are today's dates; change one of them before you save a proposal.")
    if refused:
        raise InSeasonError(f"This plan {refused[0]}.")
    rows: list[dict[str, Any]] = report.of_zone().to_dict("records")  # type: ignore[assignment]
    mine = next(row for row in rows if report.tried[row["plan"]] == plan)
    return board.told(report, rows[0])["figures"], board.told(report, mine)["figures"]


def _sum(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Figures of zones as figures of all of them together."""
    if len(rows) == 1:
        return dict(rows[0])
    summed: dict[str, Any] = dict.fromkeys(FIGURES)
    for name in _SUMS:
        values = [row.get(name) for row in rows]
        if all(value is not None for value in values):
            summed[name] = round(sum(float(value) for value in values if value is not None), 2)
    return summed


def _columns(zones: Sequence[str], plan: Plan, weighed: Weighed, own_dates: OwnDates) -> dict[str, Any]:
    return {
        "season_code": weighed.season_code,
        "zones": list(zones),
        "plan": plan_details(plan),
        "today": {zone: plan_details(in_force) for zone, in_force in weighed.today.items()},
        "figures": dict(weighed.figures),
        "own_dates": own_dates,
        "based_on": weighed.based_on,
        "weighed_on": weighed.as_of,
    }


def _what_moved(moved: Sequence[Difference]) -> str:
    """That the calendar has changed since, and how, as sentences."""
    first = moved[0]
    what = {"floor_set": "the floor-set", "exit": "the exit", "markdown": "the markdowns"}[first.what]
    now = f" is {told(first.after)} now" if hasattr(first.after, "year") else " are others now"  # type: ignore[arg-type]
    more = f" ({len(moved) - 1} more differences)" if len(moved) > 1 else ""
    return (
        f"The calendar of this season has changed since this was weighed: {what}{now}{more}. "
        "Weigh it again before you approve it."
    )
