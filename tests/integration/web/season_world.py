"""A season of swim trunks to plan: the gap by week, the sheets of a night, and a real board to weigh on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cache
from math import exp
from typing import TYPE_CHECKING, Any

from data.errors import InSeasonError
from data.planning.assumed import Assumed, Prices
from data.planning.board import Board
from data.records import GapWeek, PlanSheet
from forecaster import PlanRules
from forecaster.plan_board import PlanBoard
from forecaster.plans import Markdown, Plan
from tests.integration.web.world import DRAWING
from tests.unit.forecaster.planning import Category, summer
from tests.unit.web.making import NIGHT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from data.database import Database

FIRST_WEEK = date(2026, 6, 14)
FLOOR_SET = date(2026, 2, 15)
TODAY_PLAN = Plan(
    FLOOR_SET, (Markdown(date(2026, 6, 22), 30.0), Markdown(date(2026, 7, 6), 50.0)), date(2026, 7, 19)
)
SEASON = "SS26"
ZONES = ("", "cool", "hot")


class Trunks(Category):
    """The category, from the week after the world's night on."""

    @property
    def weeks(self) -> Any:
        """First days of the weeks ahead."""
        import pandas as pd

        return pd.date_range(FIRST_WEEK, periods=len(self.mean), freq="7D")


def board_of(zone: str = "hot", *, category: str = "Swim trunks", today: Plan = TODAY_PLAN) -> Board:
    """A real board of a small category."""
    trunks = Trunks(mean=summer(40, peak=6, height=5.0), stock=60.0)
    numbers = PlanBoard.read(trunks.forecast, trunks.series, trunks.supply, elasticity=1.5, as_of=NIGHT)
    return Board(
        as_of=NIGHT,
        category=category,
        climate_zone=zone,
        season_code=SEASON,
        today=today,
        stores=3,
        styles=1,
        apart=("Phoenix North",),
        assumed=Assumed(Prices(), without_cost=2),
        names={"north-1": "North One"},
        last_day=date(2026, 9, 12),
        stays=(),
        sold_so_far=120.0,
        on_hand=540.0,
        numbers=numbers,
    )


@dataclass
class FakeBoards:
    """Hands out one board; `asked` notes for what, `refusal` is what it says instead."""

    board: Board = field(default_factory=board_of)
    refusal: str = ""
    asked: list[tuple[str, str, str]] = field(default_factory=list)

    def of(self, category: str, climate_zone: str = "", season_code: str = "") -> Board:
        """The board, or the refusal."""
        self.asked.append((category, climate_zone, season_code))
        if self.refusal:
            raise InSeasonError(self.refusal)
        return self.board


def add_season(database: Database, *, zones: Iterable[str] = ZONES) -> None:
    """Write what the night prepares for swim trunks, and the gap of snow boots, which Jonas may not see."""
    details, table = _details()
    with database.write() as records:
        for category in ("Swim trunks", "Snow boots"):
            records.add_all(week for zone in ZONES for week in gap_weeks(category, zone))
        records.add_all(
            PlanSheet(
                business_date=NIGHT,
                category=category,
                climate_zone=zone,
                season_code=SEASON,
                calendar_version=None,
                floor_set=TODAY_PLAN.floor_set,
                exit=TODAY_PLAN.exit,
                stores=3,
                styles=1,
                details=details,
                svg=DRAWING,
                table=table,
            )
            for category in ("Swim trunks", "Snow boots")
            for zone in zones
        )


def gap_weeks(category: str, zone: str, weeks: int = 56, *, scale: float = 60.0) -> list[GapWeek]:
    """A year of weeks whose customers want it from April to September, and the trade until 19 July."""
    places = range(-4, weeks - 4)
    return [_gap_week(category, zone, FIRST_WEEK + timedelta(weeks=place), scale) for place in places]


def _gap_week(category: str, zone: str, week: date, scale: float) -> GapWeek:
    days = ((week - date(2026, 7, 12)).days + 182) % 364 - 182
    demand = scale * exp(-((days / 49) ** 2))
    on_floor = 1.0 if week <= TODAY_PLAN.exit else 0.0
    after = demand if week > TODAY_PLAN.exit else 0.0
    during = 0.0 if after else demand * 0.1
    return GapWeek(
        business_date=NIGHT,
        category=category,
        climate_zone=zone,
        week=week,
        demand_units=demand,
        demand_money=demand * 30.0,
        lost_units=after + during,
        lost_money=(after + during) * 30.0,
        before_units=0.0,
        in_season_units=during,
        after_units=after,
        on_floor=on_floor,
        evidence="unknown" if days > 60 else "observed",
    )


@cache
def _details() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    return details_of(board_of())


def details_of(board: Board) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """What the night writes of a board, and the numbers of its chart."""
    report = board.weigh(board.candidates(PlanRules()))

    def told(rows: Any) -> list[dict[str, Any]]:
        return [
            ({"from_value": row["from_value"]} if "from_value" in row else {}) | board.told(report, row)
            for row in rows.to_dict("records")
        ]

    frontier = told(report.frontier())
    week = {"p10": 8.0, "p90": 30.0, "sales_last_year": 14.0, "price_ratio": 1.0, "on_hand": 540.0}
    weeks = [
        {"week": (FIRST_WEEK + timedelta(weeks=n)).isoformat(), "demand": 20.0 - n, "sales": None, **week}
        for n in range(12)
    ]
    last_year = {"first_day": "2025-02-16", "last_day": "2025-06-14", "revenue": 9000.0, "stores": 3}
    units = {"units": 340.0, "full_price_units": 255.0, "markdown_units": 85.0, "rate_of_sale": 2.4}
    details = {
        "as_of": board.as_of.isoformat(),
        "last_day": board.last_day.isoformat(),
        "plans_weighed": len(report.tried),
        "refused": 0,
        "apart": list(board.apart),
        "assumed": board.assumed.details,
        "names": {},
        "today": board.told(report, report.today()),
        "recommended": board.told(report, report.recommended()),
        "best_margin": frontier[0],
        "most_customers": frontier[-1],
        "frontier": frontier,
        "choices": told(report.choices()),
        "rail_choices": told(report.rail_choices()),
        "break_evens": {"customer_value": None, "rail_week": 12.5},
        "rate_of_sale": 3.2,
        "weeks_of_supply": 5.4,
        "sell_through": 0.41,
        "sold_so_far": board.sold_so_far,
        "on_hand": 540.0,
        "to_come": 0.0,
        "last_year": {"season": last_year | units, "rest": None},
        "weeks": weeks,
        "chart": {
            "width": 733, "height": 420, "plot_left": 57, "plot_top": 30, "plot_width": 660,
            "plot_height": 340, "first_day": "2026-02-15", "last_day": "2027-01-30",
        },
    }  # fmt: skip
    return details, weeks
