"""A category's season laid out for planning: plans are weighed on it as often as somebody moves a date."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from data.planning.details import RATES, figures_of, plan_details, rounded
from forecaster import candidate_plans
from forecaster.plan_candidates import Span
from forecaster.plan_rules import PlanRules
from forecaster.plans import Stakes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from data.planning.assumed import Assumed
    from forecaster import Plan, PlanBoard, PlanReport
    from forecaster.plan_candidates import Stay

_WEEK_DAYS: Final = 7.0


@dataclass(frozen=True)
class Board:
    """One season of a category, of a climate zone or of the chain ('').

    Planned is for the window and the markdowns that most of its pieces have.

    Attributes:
        as_of: last business date known.
        today: the plan in force.
        stores, styles: how many the plan is for.
        apart: names of the stores and styles whose own window or markdowns are others.
        assumed: what was taken for granted.
        names: of the stores, by id.
        last_day: the last day worth staying for: of the last week after the exit with a tenth of the peak's
            demand.
        stays: partial extensions worth trying.
        sold_so_far: units sold since the floor-set.
        on_hand: units there now.
        numbers: demand, supply and prices.
    """

    as_of: date
    category: str
    climate_zone: str
    season_code: str
    today: Plan
    stores: int
    styles: int
    apart: tuple[str, ...]
    assumed: Assumed
    names: Mapping[str, str]
    last_day: date
    stays: tuple[Stay, ...]
    sold_so_far: float
    on_hand: float
    numbers: PlanBoard

    @property
    def stock(self) -> float:
        """Units there or to come."""
        return float(self.numbers.shelves.stock.sum())

    @property
    def ends(self) -> date:
        """The last day that the forecast reaches to; no plan can be weighed beyond it."""
        last: date = self.numbers.shelves.week[-1].astype(object)
        return last + timedelta(days=6)

    def candidates(self, rules: PlanRules | None = None, *, most: int = Span.most) -> list[Plan]:
        """Lawful plans around today's, those that change least first; the first is today's."""
        return candidate_plans(
            self.today,
            as_of=self.as_of,
            rules=rules or PlanRules(),
            span=Span(stays=self.stays, most=most),
            regular_prices=np.unique(self.numbers.shelves.regular_price).tolist(),
            latest_exit=self.last_day,
        )

    def weigh(
        self, plans: Sequence[Plan], *, stakes: Stakes | None = None, rules: PlanRules | None = None
    ) -> PlanReport:
        """Weigh plans against today's (`forecaster.PlanBoard.weigh`), with the substitution as measured."""
        given = replace(stakes or Stakes(), substitution=self.assumed.substitution or 0.0)
        return self.numbers.weigh(plans, today=self.today, stakes=given, rules=rules or PlanRules())

    def told(self, report: PlanReport, row: Mapping[Any, Any]) -> dict[str, Any]:
        """One row of a report as plain JSON values: ``plan``, and its ``figures`` with the rates.

        The rates: `units` sold from now on and the `weeks` on the floor ahead, `rate_of_sale` (units per
        store and week of them), `weeks_of_supply` (the stock at that rate), `sell_through` (share sold by the
        exit of all that the season had, what was sold before counted).
        """
        plan = report.tried[int(row["plan"])]
        return {"plan": plan_details(plan), "figures": figures_of(row) | self._rates(plan, row)}

    def _rates(self, plan: Plan, row: Mapping[Any, Any]) -> dict[str, float | None]:
        units, stock = row["full_price_units"] + row["markdown_units"], row["stock"]
        opens = max(plan.floor_set, self.as_of + timedelta(days=1))
        weeks = max(((plan.exit - opens).days + 1) / _WEEK_DAYS, 0.0)
        a_week = units / weeks if weeks > 0 else 0.0
        had = self.sold_so_far + stock
        values = (
            units,
            weeks,
            a_week / self.stores,
            stock / a_week if a_week > 0 else None,
            (self.sold_so_far + units) / had if had > 0 else None,
        )
        return {name: rounded(name, value) for name, value in zip(RATES, values, strict=True)}
