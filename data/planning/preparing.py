"""What a plan sheet says: today's plan, the ones worth a look beside it, and what it takes to choose."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from data.planning.details import figures_of
from data.records import PlanSheet

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pandas as pd

    from data.planning.board import Board
    from data.planning.season_weeks import SeasonWeeks
    from forecaster import PlanReport

_DAY = timedelta(days=1)


def prepare_sheet(
    board: Board, weeks: SeasonWeeks, shown: Sequence[Mapping[str, Any]], *, calendar_version: int | None
) -> PlanSheet:
    """Weigh the plans around today's and write down what came of them; nothing is drawn yet.

    Args:
        board: the season.
        weeks: the category's weeks in its stores.
        shown: those that the sheet shows.
        calendar_version: the calendar in force.
    """
    report = board.weigh(board.candidates())
    table = [{**week, "week": week["week"].isoformat()} for week in shown]
    return PlanSheet(
        business_date=board.as_of,
        category=board.category,
        climate_zone=board.climate_zone,
        season_code=board.season_code,
        calendar_version=calendar_version,
        floor_set=board.today.floor_set,
        exit=board.today.exit,
        stores=board.stores,
        styles=board.styles,
        details=_board_details(board) | _choices(board, report) | _rates(board, weeks) | {"weeks": table},
        svg="",
        table=table,
    )


def _board_details(board: Board) -> dict[str, Any]:
    return {
        "as_of": board.as_of.isoformat(),
        "last_day": board.last_day.isoformat(),
        "apart": list(board.apart),
        "assumed": board.assumed.details,
    }


def _choices(board: Board, report: PlanReport) -> dict[str, Any]:
    """The plans worth a look, and where the choice between them changes."""
    frontier = report.frontier()
    named = {
        "today": report.today(),
        "recommended": report.recommended(),
        "best_margin": frontier.iloc[0],
        "most_customers": frontier.iloc[-1],
    }
    told = {name: board.told(report, row.to_dict()) for name, row in named.items()}
    ladders = {"choices": report.choices(), "rail_choices": report.rail_choices()}
    lists = {"frontier": _told_all(board, report, frontier)} | {
        name: [
            {"from_value": round(float(value), 2), **row}
            for value, row in zip(ladder["from_value"], _told_all(board, report, ladder), strict=True)
        ]
        for name, ladder in ladders.items()
    }
    longest = figures_of(frontier.iloc[-1].to_dict())
    return {
        **told,
        **lists,
        "names": _names(board, [*told.values(), *(row for rows in lists.values() for row in rows)]),
        "break_evens": {
            "customer_value": longest["customer_break_even"],
            "rail_week": longest["rail_week_break_even"],
        },
        "plans_weighed": len(report.tried),
        "refused": len(report.refused),
    }


def _told_all(board: Board, report: PlanReport, rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [board.told(report, row) for row in rows.to_dict("records")]


def _names(board: Board, rows: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Names of the stores that some plan is for."""
    stores = {store for row in rows for store in row["plan"]["stores"] or ()}
    return {store: board.names[store] for store in sorted(stores)}


def _rates(board: Board, weeks: SeasonWeeks) -> dict[str, Any]:
    """What stands beside every number: how fast it sells, how long it lasts, and what last year was."""
    had = board.sold_so_far + board.stock
    return {
        **weeks.lately(board.stores),
        "sold_so_far": round(board.sold_so_far, 1),
        "on_hand": round(board.on_hand, 1),
        "to_come": round(board.stock - board.on_hand, 1),
        "sell_through": round(board.sold_so_far / had, 4) if had > 0 else None,
        "last_year": {
            "season": weeks.last_year(board.today.floor_set, board.today.exit),
            "rest": weeks.last_year(max(board.as_of + _DAY, board.today.floor_set), board.today.exit),
        },
    }
