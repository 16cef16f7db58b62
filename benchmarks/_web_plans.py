"""Plan sheets and the gap by week of a large chain, for `benchmarks.web_world`."""

from __future__ import annotations

from datetime import date, timedelta
from math import exp
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from benchmarks.plans import make_chain
from data.planning.assumed import Assumed, Prices
from data.planning.board import Board
from data.planning.preparing import prepare_sheet
from data.planning.season_weeks import SeasonWeeks
from forecaster import Markdown, Plan, PlanBoard

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from data.records import PlanSheet

    Row = dict[str, Any]

PLAN: Final = Plan(
    date(2026, 2, 15),
    (Markdown(date(2026, 6, 22), 30.0), Markdown(date(2026, 7, 6), 50.0)),
    date(2026, 7, 19),
)
SEASON: Final = "SS26"
_STYLES, _STORES = 20, 10
_WEEK: Final = timedelta(weeks=1)
_PAST: Final = 16
_DRAWING: Final = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 800 320"></svg>'
"""Opened by an address of its own; the page only points to it."""


def gap_weeks(categories: Sequence[str], zones: Sequence[str], night: date) -> Iterator[Row]:
    """A year of weeks and some before: wanted until September, on the floor until the exit."""
    first = night + timedelta(days=1)
    for place, category in enumerate(categories):
        for zone in ("", *zones):
            for number in range(-_PAST, 52):
                yield _gap_week(category, zone, first + number * _WEEK, night, 400.0 + 60.0 * place)


def _gap_week(category: str, zone: str, week: date, night: date, scale: float) -> Row:
    days = ((week - date(2026, 7, 12)).days + 182) % 364 - 182
    demand = scale * exp(-((days / 49) ** 2)) * (1.0 if zone else 5.0)
    after = demand if week > PLAN.exit else 0.0
    during = 0.0 if after else 0.1 * demand
    return {
        "business_date": night,
        "category": category,
        "climate_zone": zone,
        "week": week,
        "demand_units": demand,
        "demand_money": 30.0 * demand,
        "lost_units": after + during,
        "lost_money": 30.0 * (after + during),
        "before_units": 0.0,
        "in_season_units": during,
        "after_units": after,
        "on_floor": 0.0 if after else 1.0,
        "evidence": "observed",
    }


def plan_sheets(categories: Sequence[str], zones: Sequence[str], night: date) -> Iterator[Row]:
    """A sheet for each category and zone: one's figures, as a night works them out."""
    one = _sheet(night)
    same = {
        name: getattr(one, name) for name in ("calendar_version", "floor_set", "exit", "stores", "styles")
    }
    for category in categories:
        for zone in ("", *zones):
            yield {
                **same,
                "business_date": night,
                "category": category,
                "climate_zone": zone,
                "season_code": SEASON,
                "details": one.details | {"chart": _chart(night)},
                "svg": _DRAWING,
                "table": one.table,
            }


def _sheet(night: date) -> PlanSheet:
    chain = make_chain(_STYLES, _STORES, seed=1)
    later = pd.Timestamp(night + timedelta(days=1)) - chain.forecast["week"].min()
    forecast, supply = (frame.assign(week=frame["week"] + later) for frame in (chain.forecast, chain.supply))
    numbers = PlanBoard.read(forecast, chain.series, supply, elasticity=1.6, as_of=night)
    board = Board(
        as_of=night,
        category="",
        climate_zone="",
        season_code=SEASON,
        today=PLAN,
        stores=_STORES,
        styles=_STYLES,
        apart=(),
        assumed=Assumed(Prices(), without_cost=0),
        names={},
        last_day=date(2026, 9, 12),
        stays=(),
        sold_so_far=1_200.0,
        on_hand=5_400.0,
        numbers=numbers,
    )
    weeks = _weeks(forecast.groupby("week")["mean"].sum(), night)
    return prepare_sheet(board, weeks, weeks.shown(board), calendar_version=None)


def _weeks(demand: pd.Series[float], night: date) -> SeasonWeeks:
    ahead = {}
    for week, units in demand.items():
        band = {"p10": 0.8 * units, "p90": 1.2 * units}
        ahead[pd.Timestamp(str(week)).date()] = {"demand": units, **band, "evidence": "observed"}
    sold = {"sales": 90.0, "full_price": 70.0, "revenue": 2_500.0, "paid": 85.0, "on_hand": 900.0}
    first = min(ahead)
    past = {first - place * _WEEK: {**sold, "stores": _STORES} for place in range(80, 0, -1)}
    return SeasonWeeks(past, ahead, night)


def _chart(night: date) -> Row:
    plot = {
        "width": 800,
        "height": 320,
        "plot_left": 72,
        "plot_top": 20,
        "plot_width": 712,
        "plot_height": 260,
    }
    return {
        **plot,
        "first_day": (night - 20 * _WEEK).isoformat(),
        "last_day": (night + 30 * _WEEK).isoformat(),
    }
