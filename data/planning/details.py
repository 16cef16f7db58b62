"""Plans and their figures as plain JSON values, and back."""

from __future__ import annotations

import math
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from forecaster.plans import Markdown, Plan

if TYPE_CHECKING:
    from collections.abc import Mapping

REPORTED: Final = (
    "stock", "full_price_units", "markdown_units", "leftover_units", "revenue", "markdown_cost", "salvage",
    "margin", "net_margin", "turned_away_before", "turned_away_during", "turned_away_after", "turned_away",
    "rail_weeks", "evidence", "margin_won", "customers_won", "leftover_less", "value_won",
    "customer_break_even", "rail_week_break_even",
)  # fmt: skip
"""The figures of a `PlanReport`."""

RATES: Final = ("units", "weeks", "rate_of_sale", "weeks_of_supply", "sell_through")
"""What a board adds to them (`data.planning.board.Board.told`)."""

FIGURES: Final = (*REPORTED, *RATES)

_DECIMALS: Final = 2
_MORE_DECIMALS: Final = dict.fromkeys(("evidence", "rate_of_sale", "sell_through"), 4)


def plan_details(plan: Plan) -> dict[str, Any]:
    """A plan as plain JSON values.

    >>> from datetime import date
    >>> from forecaster.plans import Markdown, Plan
    >>> plan = Plan(date(2026, 2, 16), (Markdown(date(2026, 6, 15), 30.0),), date(2026, 7, 5), rails=2.0)
    >>> plan_details(plan)["markdowns"]
    [{'day': '2026-06-15', 'percent_off': 30.0}]
    >>> plan_of(plan_details(plan)) == plan
    True
    """
    return {
        "floor_set": plan.floor_set.isoformat(),
        "markdowns": [{"day": cut.day.isoformat(), "percent_off": cut.percent_off} for cut in plan.markdowns],
        "exit": plan.exit.isoformat(),
        "stores": None if plan.stores is None else sorted(plan.stores),
        "sizes": None if plan.sizes is None else sorted(plan.sizes),
        "rails": plan.rails,
    }


def plan_of(details: Mapping[str, Any]) -> Plan:
    """The plan that `plan_details` told.

    Raises:
        ForecasterError: the days contradict one another.
    """
    stores, sizes = details.get("stores"), details.get("sizes")
    return Plan(
        date.fromisoformat(details["floor_set"]),
        tuple(
            Markdown(date.fromisoformat(cut["day"]), float(cut["percent_off"]))
            for cut in details["markdowns"]
        ),
        date.fromisoformat(details["exit"]),
        None if stores is None else frozenset(stores),
        None if sizes is None else frozenset(sizes),
        details.get("rails"),
    )


def figures_of(row: Mapping[Any, Any]) -> dict[str, float | None]:
    """The figures that a row has, rounded; None where there is none."""
    return {name: rounded(name, row[name]) for name in FIGURES if name in row}


def rounded(name: str, value: Any) -> float | None:
    """A figure of that name with as many decimals as it is worth; None for a gap."""
    if value is None or not math.isfinite(value):
        return None
    return round(float(value), _MORE_DECIMALS.get(name, _DECIMALS))
