"""The merchandiser's home: where the two seasons part, and a planner that weighs a date as it is moved."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final

from flask import Blueprint, Response, abort, current_app, redirect, render_template, request, url_for
from sqlalchemy import select

from data.errors import InSeasonError
from data.planning.details import plan_of
from data.planning.sheets import CHAIN, read_gap_map, read_sheet, sheets_of, zones_of
from data.records import Product, Role
from data.records.proposals import Proposal, ProposalState
from web.access import current_person, require_role
from web.exports import asked_kind, table_answer
from web.rendering import season_words
from web.rendering.chart_style import with_style
from web.rendering.locality import here
from web.rendering.season_map import View, gap_table, map_opening, map_title
from web.rendering.words import listing
from web.season_desk import desk_of
from web.season_forms import MOST_BESIDE, compact, fields_of, step_places
from web.services import reading, services
from web.today import last_night

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

    from data.records.plan_sheets import PlanSheet
    from web.season_desk import Desk

season = Blueprint("season", __name__)

MAP_COLUMNS: Final = (
    "category", "climate_zone", "week", "demand_units", "demand_money", "lost_units", "lost_money",
    "before_units", "in_season_units", "after_units", "on_floor", "evidence",
)  # fmt: skip


_SHOWN: Final = (ProposalState.DRAFT, ProposalState.PROPOSED, ProposalState.APPROVED, ProposalState.REFUSED)
_MOST_PROPOSALS: Final = 6


@dataclass(frozen=True)
class MapAsked:
    """What of the gap map the address asks for: a zone's categories, or a category's zones."""

    zone: str
    category: str
    view: View
    start: date | None

    @classmethod
    def of_request(cls) -> MapAsked:
        """Read it from the address; what it does not know is ignored."""
        asked = request.args
        try:
            start = date.fromisoformat(asked.get("from", ""))
        except ValueError:
            start = None
        view = View(in_money=asked.get("in") == "money", all_missed=asked.get("show") == "missed")
        return cls(asked.get("zone", ""), asked.get("category", ""), view, start)

    @property
    def by_zone(self) -> bool:
        """Whether a row is a zone."""
        return bool(self.category)

    def address(self, **changes: object) -> dict[str, object]:
        """The same map for a link, but for what is changed; None takes a part away."""
        given: dict[str, object] = {
            "zone": self.zone,
            "category": self.category,
            "in": "money" if self.view.in_money else "",
            "show": "missed" if self.view.all_missed else "",
            "from": self.start.isoformat() if self.start else "",
        }
        return {name: value for name, value in {**given, **changes}.items() if value}


@dataclass(frozen=True)
class Told:
    """A proposal in the planner's list: what it changes, for where, and how it stands."""

    proposal_id: int
    told: str
    where: str
    state: str

    @classmethod
    def of(cls, proposal: Proposal, today: date) -> Told:
        """Tell a proposal beside the dates that it was weighed against."""
        plan, zones = plan_of(proposal.plan), proposal.zones or [""]
        current = plan_of(proposal.today.get(zones[0]) or proposal.plan)
        where = listing([season_words.zone_title(zone) for zone in zones])
        told = season_words.said_of(plan, current, today, {})
        return cls(proposal.proposal_id, told, where, str(proposal.state))


@season.get("/season")
@require_role(Role.MERCHANDISER, Role.ADMIN)
def index() -> ResponseReturnValue:
    """The gap map: categories by week for a zone, or zones by week for a category."""
    person, asked = current_person(), MapAsked.of_request()
    found = read_gap_map(
        reading(),
        categories=person.category_names,
        category=asked.category or None,
        climate_zone=None if asked.category else asked.zone,
    )
    if (kind := asked_kind()) is not None:
        rows = ([getattr(week, name) for name in MAP_COLUMNS] for week in found.rows)
        return table_answer("season-gap", MAP_COLUMNS, rows, kind)
    today = services().today
    table = gap_table(found.rows, view=asked.view, by_zone=asked.by_zone, today=today, start=asked.start)
    return render_template(
        "season/index.html",
        asked=asked,
        table=table,
        night=found.business_date,
        zones=(CHAIN, *zones_of(reading())),
        last_night=None if found.rows else last_night(),
        title=map_title(asked.category),
        opening=map_opening(table, asked.view, today),
        say=season_words,
    )


@season.get("/season/<path:category>")
@require_role(Role.MERCHANDISER, Role.ADMIN)
def plan(category: str) -> ResponseReturnValue:
    """The planner of one category in one zone."""
    _require_category(category)
    sheets = sheets_of(reading(), categories=[category])
    if not sheets:
        return render_template("season/nothing.html", category=category, trouble=_why_nothing(category))
    # Sorted by zone: the chain where there is one.
    desk = desk_of(_sheet(category, sheets[0].climate_zone), request.args)
    if request.args.get("keep") and desk.hand.can_keep(desk.plan_today):
        return redirect(url_for("season.plan", **desk.address(plan=desk.hand.kept)))
    page = render_template(
        "season/plan.html",
        **_words(desk),
        sheets=sheets,
        steps=step_places(desk.plan_today, desk.hand.plan),
        proposals=_proposals(desk),
        can_override="calendar.new_override" in current_app.view_functions,
    )
    return page, HTTPStatus.UNPROCESSABLE_ENTITY if desk.hand.problems else HTTPStatus.OK


@season.get("/season/weigh/<path:category>")
@require_role(Role.MERCHANDISER, Role.ADMIN)
def weigh(category: str) -> ResponseReturnValue:
    """What comes of the plan in the address, as a part of the planner's page."""
    _require_category(category)
    return render_template("season/weighed.html", **_words(desk_of(_sheet(category), request.args)))


@season.get("/season/chart/<path:category>")
@require_role(Role.MERCHANDISER, Role.ADMIN)
def chart_svg(category: str) -> ResponseReturnValue:
    """The drawing of a category's season."""
    _require_category(category)
    styled = with_style(_sheet(category).svg)
    answer = Response(styled.svg, mimetype="image/svg+xml")
    # Opened on its own, the drawing may use the style it carries and nothing else.
    answer.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src '{styled.style_hash}'; frame-ancestors 'none'; base-uri 'none'"
    )
    return answer


def _words(desk: Desk) -> dict[str, Any]:
    """What both the page and its part know."""
    return {
        "desk": desk,
        "say": season_words,
        "most_beside": MOST_BESIDE,
        "can_propose": "calendar.propose" in current_app.view_functions,
        "compact": compact,
        "fields_of": fields_of,
        "locale": here().name.replace("_", "-"),
    }


def _require_category(category: str) -> None:
    """A category that is not the person's is not there."""
    own = current_person().category_names
    if own is not None and category not in own:
        abort(HTTPStatus.NOT_FOUND)
    if not reading().scalar(select(Product.sku).where(Product.category == category).limit(1)):
        abort(HTTPStatus.NOT_FOUND)


def _sheet(category: str, otherwise: str = CHAIN) -> PlanSheet:
    """The sheet of the zone and the season in the address; a season that is over gives way to the next."""
    zone, code = request.args.get("zone", otherwise), request.args.get("season")
    sheet = read_sheet(reading(), category, zone, code)
    if sheet is None and code:
        sheet = read_sheet(reading(), category, zone)
    if sheet is None:
        abort(HTTPStatus.NOT_FOUND)
    return sheet


def _why_nothing(category: str) -> str:
    """Why a category has no season to plan."""
    try:
        services().boards.of(category, request.args.get("zone", ""))
    except InSeasonError as refusal:
        return str(refusal)
    return "Its season will be laid out in the coming night."


def _proposals(desk: Desk) -> list[Told]:
    """The newest proposals for this season of the category."""
    query = (
        select(Proposal)
        .where(
            Proposal.category == desk.sheet.category,
            Proposal.season_code == desk.sheet.season_code,
            Proposal.state.in_(_SHOWN),
        )
        .order_by(Proposal.proposal_id.desc())
        .limit(_MOST_PROPOSALS)
    )
    return [Told.of(each, services().today) for each in reading().scalars(query)]
