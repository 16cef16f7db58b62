"""Weighed markdown plans as rows and tables for the command line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import pandas as pd
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from forecaster.plan_frontier import TODAY
from web.rendering.plan_words import changed_plan, notes, whole_plan
from web.rendering.words import count, day, listing, money

if TYPE_CHECKING:
    from collections.abc import Mapping

    from forecaster import PlanReport
    from forecaster.plans import Stakes
    from jobs.planning import Planned

_MOST_BETWEEN: Final = 5
_ONE_RAIL: Final = 0.5
_FILE_WIDTH: Final = 200


def plan_row(planned: Planned, row: Mapping[Any, Any]) -> dict[str, Any]:
    """One plan as plain JSON values."""
    told = planned.board.told(planned.report, row)
    return {"plan": _changed(planned, row), **told["plan"], **told["figures"]}


def plan_rows(planned: Planned) -> dict[str, Any]:
    """All that is printed, and more, as plain JSON values."""
    board, report = planned.board, planned.report
    return {
        "category": board.category,
        "climate_zone": board.climate_zone or None,
        "as_of": board.as_of.isoformat(),
        "season_code": board.season_code,
        "stores": board.stores,
        "apart": list(board.apart),
        "notes": list(notes(board.assumed)),
        "stakes": {
            "customer_value": report.stakes.customer_value,
            "rail_week_value": report.stakes.rail_week_value,
            "units_per_rail": report.stakes.units_per_rail,
        },
        **{name: plan_row(planned, row) for name, row in _shown(report).items()},
        "frontier": [plan_row(planned, row) for row in report.frontier().to_dict("records")],
        "choices": [
            {"from_value": round(row["from_value"], 2), **plan_row(planned, row)}
            for row in report.choices().to_dict("records")
        ],
        "rail_choices": [
            {"from_value": round(row["from_value"], 2), **plan_row(planned, row)}
            for row in report.rail_choices().to_dict("records")
        ],
        "plans_weighed": len(report.tried),
        "refused": [
            {"plan": changed_plan(plan, board.today, board.as_of, board.names), "reason": reason}
            for plan, reason in report.refused
        ],
    }


def _changed(planned: Planned, row: Mapping[Any, Any]) -> str:
    """What a plan changes, in words."""
    board = planned.board
    return changed_plan(planned.report.tried[int(row["plan"])], board.today, board.as_of, board.names)


def _shown(report: PlanReport) -> dict[str, dict[Any, Any]]:
    """Today's plan, the recommended one, and the ends of the frontier."""
    frontier = report.frontier()
    return {
        "today": report.today().to_dict(),
        "recommended": report.recommended().to_dict(),
        "best_margin": frontier.iloc[0].to_dict(),
        "most_customers": frontier.iloc[-1].to_dict(),
    }


def print_plans(planned: Planned) -> None:
    """Today's plan, up to three others, the frontier, and what it takes to choose between them."""
    console = Console()
    if not console.is_terminal:
        console = Console(width=_FILE_WIDTH)
    for line in _heading(planned):
        console.print(escape(line), highlight=False)
    console.print(_table(planned))
    for line in [*_pays(planned), "", *_choices(planned), "", *_footing(planned)]:
        console.print(escape(line), highlight=False)


def _heading(planned: Planned) -> list[str]:
    board, report = planned.board, planned.report
    where = f"zone {board.climate_zone}" if board.climate_zone else "the chain"
    pieces = count(report.today()["stock"], "piece")
    lines = [
        f"{board.category}, {board.season_code}, {where}: {count(board.stores, 'store')}, {pieces}",
        f"Today's plan: {whole_plan(board.today, board.as_of)}.",
    ]
    lines[0] += f" on hand or on order at the close of {day(board.as_of, board.as_of)}."
    lines += [f"Today's plan {reason}." for plan, reason in report.refused if plan == board.today]
    if board.apart:
        lines.append(f"Not in these figures, with dates or markdowns of their own: {listing(board.apart)}.")
    return [*lines, ""]


def _table(planned: Planned) -> Table:
    """The plans worth a look: first those with a name, then the rest of the frontier."""
    report, shown = planned.report, _shown(planned.report)
    table = Table(box=None)
    columns = (
        "", "plan", "full price", "markdown", "left over", "margin", "given away", "before", "during",
        "after", "rail-weeks", "margin +/-", "customers +/-",
    )  # fmt: skip
    for name in columns:
        wraps = name == "plan"
        table.add_column(
            name, no_wrap=not wraps, overflow="fold", justify="left" if name in {"", "plan"} else "right"
        )
    named: dict[int, list[str]] = {}
    for name, row in shown.items():
        named.setdefault(int(row["plan"]), []).append(name.replace("_", " "))
    rows = {int(row["plan"]): row for row in shown.values()}
    rows |= {
        int(row["plan"]): row
        for row in _between(report.frontier()).to_dict("records")
        if int(row["plan"]) not in rows
    }
    for place, row in rows.items():
        title = ", ".join(named.get(place, ["frontier"]))
        table.add_row(escape(title), escape(_changed(planned, row)), *_cells(row, is_today=place == TODAY))
    return table


def _between(frontier: pd.DataFrame) -> pd.DataFrame:
    """Plans spread evenly over the frontier, no more than can be taken in."""
    inner = frontier.iloc[1:-1]
    places = np.linspace(0, len(inner) - 1, min(_MOST_BETWEEN, len(inner))).round().astype(int)
    return inner.iloc[np.unique(places)]


def _cells(row: Mapping[Any, Any], *, is_today: bool) -> list[str]:
    units = [f"{round(row[name]):,}" for name in ("full_price_units", "markdown_units", "leftover_units")]
    away = [f"{row[f'turned_away_{when}']:,.0f}" for when in ("before", "during", "after")]
    won = [] if is_today else [_signed(row["margin_won"], dollars=True), _signed(row["customers_won"])]
    cash = [money(Decimal(f"{row[name]:.2f}")) for name in ("net_margin", "markdown_cost")]
    return [*units, *cash, *away, f"{row['rail_weeks']:,.0f}", *(won or ["", ""])]


def _signed(value: float, *, dollars: bool = False) -> str:
    return f"{'-' if value < 0 else '+'}{'$' if dollars else ''}{abs(value):,.0f}"


def _pays(planned: Planned) -> list[str]:
    """Of each plan shown what it takes to pay, where that is not given."""
    found: dict[int, list[str]] = {}
    told = {}
    for name, row in _shown(planned.report).items():
        if int(row["plan"]) != TODAY:
            found.setdefault(int(row["plan"]), []).append(name.replace("_", " "))
            told[int(row["plan"])] = _terms(row, planned.report.stakes)
    return [f"{listing(names).capitalize()}: {told[place]}." for place, names in found.items() if told[place]]


def _terms(row: Mapping[Any, Any], stakes: Stakes) -> str:
    """Under which circumstances a plan beats today's."""
    parts = []
    if stakes.customer_value is None:
        parts.append(_customer_terms(row))
    if stakes.rail_week_value is None:
        parts.append(_rail_terms(row))
    return " and ".join(part for part in parts if part)


def _customer_terms(row: Mapping[Any, Any]) -> str:
    worth = row["customer_break_even"]
    if row["customers_won"] > 0 and worth > 0:
        return f"pays while a customer who is not turned away is worth over {_cents(worth)}"
    if row["customers_won"] < 0 and not pd.isna(worth):
        return f"pays while a customer turned away costs under {_cents(worth)}"
    return ""


def _rail_terms(row: Mapping[Any, Any]) -> str:
    worth = row["rail_week_break_even"]
    if row["rail_weeks"] > 0 and not pd.isna(worth):
        return f"pays while the incoming set earns under {_cents(worth)} per rail-week"
    if row["rail_weeks"] < 0 and not pd.isna(worth):
        return f"pays while the incoming set earns over {_cents(worth)} per rail-week"
    return ""


def _choices(planned: Planned) -> list[str]:
    """Which plan is best at which value of a customer, and of a rail."""
    report = planned.report
    given = report.stakes.rail_week_value is not None
    space = "" if given else "In the space of today's plan "
    lines = _ladder(planned, report.choices(), space, "what a customer turned away costs decides")
    rails = report.rail_choices()
    if len(rails) > 1:
        lines += [
            "",
            *_ladder(
                planned, rails, "", "what the incoming set earns per rail-week decides how long to stay"
            ),
        ]
    return lines


def _ladder(planned: Planned, choices: pd.DataFrame, where: str, what: str) -> list[str]:
    """The plan that is best from each value on."""
    rows = choices.to_dict("records")
    if len(rows) == 1:
        only = _changed(planned, rows[0])
        return [_capital(f"{where}one plan is best whatever it costs to turn a customer away: {only}.")]
    lines = [_capital(f"{where}{what}:")]
    bounds = [*(row["from_value"] for row in rows[1:]), None]
    for row, upto in zip(rows, bounds, strict=True):
        low = _cents(row["from_value"])
        span = f"over {low}" if upto is None else f"{low} to {_cents(upto)}"
        won = f"{_signed(row['margin_won'], dollars=True)} margin, {_signed(row['customers_won'])} customers"
        space = f", {row['rail_weeks']:,.0f} rail-weeks" if abs(row["rail_weeks"]) >= _ONE_RAIL else ""
        lines.append(f"  {span}: {_changed(planned, row)} ({won}{space})")
    return lines


def _footing(planned: Planned) -> list[str]:
    """What the figures rest on."""
    report, assumed = planned.report, notes(planned.board.assumed)
    refused = f", {len(report.refused):,} refused as above the budget" if report.refused else ""
    lines = [
        f"{count(len(report.tried), 'plan')} weighed{refused}.",
        "Before, during and after: customers turned away before, during and after the time on the floor.",
        f"Taken for granted: {report.stakes.units_per_rail:g} pieces to a rail; {'; '.join(assumed)}.",
    ]
    longest = report.frontier().iloc[-1]
    if not pd.isna(longest["evidence"]):
        lines.append(
            f"Of the demand in the days that the plan of most customers adds, {longest['evidence']:.0%} was "
            "seen on a shelf or asked for in other years; the rest is told from other zones and temperatures."
        )
    return lines


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _cents(value: float) -> str:
    return f"${value:,.2f}"
