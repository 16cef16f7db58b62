"""The merchandiser's desk: one category's season in a zone, and the plans that are being tried on it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cached_property
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from data.errors import InSeasonError
from data.planning.assumed import Assumed
from data.planning.details import plan_of
from data.records import CalendarVersion
from forecaster.errors import ForecasterError
from web.rendering import frontier, season_words
from web.rendering.plan_words import notes
from web.season_forms import PLAN_FIELDS, compact, fallen_away, fields_of, hand_of, names_plans
from web.services import reading, services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from werkzeug.datastructures import MultiDict

    from data.planning.board import Board
    from data.records.plan_sheets import PlanSheet
    from forecaster.plans import Plan, Stakes
    from web.rendering.frontier import Choice, Frontier
    from web.season_forms import Hand


@dataclass(frozen=True)
class Column:
    """A plan in the table beside today's: what it is called and changes, or why it is refused."""

    title: str
    choice: Choice | None
    plan: Plan
    said: str
    refused: str = ""
    is_hand: bool = False


@dataclass(frozen=True)
class Weighed:
    """What came of the plans that were asked for.

    `today`: today's; `columns`: the others, the one under the hand first; `trouble`: why nothing was weighed.
    """

    today: Choice
    columns: tuple[Column, ...]
    names: Mapping[str, str]
    trouble: str = ""

    @property
    def hand(self) -> Column | None:
        """The plan under the hand, unless it is today's."""
        return next((column for column in self.columns if column.is_hand), None)

    @property
    def told(self) -> list[Column]:
        """The columns that have figures."""
        return [column for column in self.columns if column.choice]


@dataclass(frozen=True)
class Desk:
    """One category's season in a zone, and what is being tried on it.

    `is_newer`: whether the calendar has changed since the night; `fallen`: the days of steps that were typed
    and lie after the exit.
    """

    sheet: PlanSheet
    plan_today: Plan
    hand: Hand
    weighed: Weighed
    is_newer: bool
    fallen: tuple[date, ...] = ()

    @property
    def details(self) -> Mapping[str, Any]:
        """What the night has prepared."""
        return self.sheet.details

    @property
    def stakes(self) -> Stakes:
        """What a lost customer and a rail-week are worth, where that was said."""
        return self.hand.stakes

    @cached_property
    def choices(self) -> tuple[list[Choice], Choice]:
        """The frontier and the recommended plan."""
        return frontier.choices_of(self.details, self.stakes)

    @cached_property
    def drawing(self) -> Frontier:
        """The frontier as it is drawn, with the plans that stand side by side."""
        hand, told = self.weighed.hand, self.weighed.told
        rows, recommended = self.choices
        return frontier.drawn(
            rows,
            today=self.weighed.today,
            recommended=recommended,
            hand=hand.choice if hand else None,
            beside=[each.choice for each in told if each.choice and each.plan in self.hand.beside],
        )

    @property
    def verdict(self) -> str:
        """What the plan under the hand does, in a sentence or two."""
        column, today = self.weighed.hand, services().today
        if self.hand.problems:
            return f"This is no plan yet. {' '.join(self.hand.problems.values())}"
        if column is None:
            return self.weighed.trouble or season_words.plan_in_force(self.plan_today, today)
        if column.choice is None:
            return f"{column.said}: {column.refused}"
        told = season_words.verdict(column.choice.figures, self.stakes)
        worth = season_words.worth_of_it(column.choice.figures, self.stakes)
        return f"{column.said}: {told} {worth}".rstrip()

    @property
    def is_moved(self) -> bool:
        """Whether something else than today's plan is under the hand."""
        return bool(self.hand.problems) or self.weighed.hand is not None

    @property
    def is_refused(self) -> bool:
        """Whether the plan under the hand is none, or may not be carried out."""
        column = self.weighed.hand
        return bool(self.hand.problems) or (column is not None and column.choice is None)

    @property
    def proposes(self) -> str:
        """What would be proposed now."""
        return season_words.proposes(
            self.hand.plan, self.plan_today, self.sheet.climate_zone, services().today, self.names
        )

    @property
    def names(self) -> Mapping[str, str]:
        """The names of the stores that plans name."""
        return {**self.details.get("names", {}), **self.weighed.names}

    @property
    def last_day(self) -> date:
        """The last day on which customers still want it in numbers."""
        return date.fromisoformat(self.details["last_day"])

    @property
    def notes(self) -> tuple[str, ...]:
        """What was taken for granted."""
        return notes(Assumed.of(self.details["assumed"]))

    def said(self, plan: Plan) -> str:
        """A plan by what it changes."""
        return season_words.said_of(plan, self.plan_today, services().today, self.names)

    def address(self, **changes: object) -> dict[str, Any]:
        """This page for a link, but for what is changed; None takes a part away."""
        place = {
            "category": self.sheet.category,
            "zone": self.sheet.climate_zone,
            "season": self.sheet.season_code,
        }
        given = {**place, **self.hand.in_address, **changes}
        return {name: value for name, value in given.items() if value}

    def with_plan(self, plan: Plan) -> dict[str, Any]:
        """This page with another plan under the hand."""
        return self.address(**{**dict.fromkeys(PLAN_FIELDS), **fields_of(plan)})

    def without(self, plan: Plan) -> dict[str, Any]:
        """This page without one of the plans beside today's; today's takes its place under the hand."""
        rest = [compact(each) for each in self.hand.beside if each != plan]
        cleared = dict.fromkeys(PLAN_FIELDS) if plan == self.hand.plan else {}
        return self.address(plan=rest, **cleared)


def desk_of(sheet: PlanSheet, asked: MultiDict[str, str]) -> Desk:
    """Lay a category's season out, and weigh what an address asks for.

    What the page opens with the night has prepared; only what somebody tries is weighed now.
    """
    newest = reading().scalar(select(func.max(CalendarVersion.version_id)))
    is_newer = newest != sheet.calendar_version
    plan_today = plan_of(sheet.details["today"]["plan"])
    as_of = date.fromisoformat(sheet.details["as_of"])
    board, trouble = None, ""
    if is_newer or names_plans(asked):
        board, trouble = _board(sheet)
    if board is not None:
        plan_today, as_of = board.today, board.as_of
    hand = hand_of(asked, today=plan_today, as_of=as_of)
    weighed = _weighed(board, hand) if board else _prepared(sheet, hand, trouble)
    fallen = fallen_away(asked, hand.plan) if hand.plan else ()
    return Desk(sheet, plan_today, hand, weighed, is_newer, fallen)


def _board(sheet: PlanSheet) -> tuple[Board | None, str]:
    """The board on which a sheet's plans are weighed, or why there is none."""
    try:
        return services().boards.of(sheet.category, sheet.climate_zone, sheet.season_code), ""
    except InSeasonError as refusal:
        return None, str(refusal)


def _prepared(sheet: PlanSheet, hand: Hand, trouble: str) -> Weighed:
    """What the night has weighed: today's plan, and those worth a look beside it while nothing is tried."""
    today, *others = (
        frontier.Choice.of(sheet.details[name], hand.stakes)
        for name in ("today", "recommended", "most_customers")
    )
    columns: dict[Plan, Column] = {}
    for title, choice in zip(("Recommended", "Most customers"), others, strict=True):
        if choice.plan != today.plan and not trouble:
            said = season_words.said_of(choice.plan, today.plan, services().today, sheet.details["names"])
            columns.setdefault(choice.plan, Column(title, choice, choice.plan, said))
    return Weighed(today, tuple(columns.values()), {}, trouble)


def _weighed(board: Board, hand: Hand) -> Weighed:
    """Weigh the plan under the hand and those beside it against today's."""
    plans, trouble = hand.shown(board.today), ""
    try:
        report = board.weigh(plans, stakes=hand.stakes)
    except ForecasterError as refusal:
        # Beyond what the forecast reaches nothing can be said.
        plans, trouble = (), season_words.as_sentence(str(refusal))
        report = board.weigh(plans, stakes=hand.stakes)
    rows = {
        report.tried[int(row["plan"])]: board.told(report, row)["figures"]
        for row in report.of_zone().to_dict("records")
    }
    refused = dict(report.refused)
    columns = tuple(
        Column(
            title="This plan" if each == hand.plan else f"Plan {place}",
            choice=frontier.Choice(each, rows[each]) if each in rows else None,
            plan=each,
            said=season_words.said_of(each, board.today, services().today, board.names),
            refused=season_words.refused_because(refused[each]) if each in refused else "",
            is_hand=each == hand.plan,
        )
        for place, each in enumerate(plans, 1)
    )
    return Weighed(frontier.Choice(board.today, rows[board.today]), columns, board.names, trouble)
