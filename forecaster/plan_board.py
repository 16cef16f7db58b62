"""A category laid out for planning: read once, then plans are weighed on it as often as they change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from forecaster.errors import PanelError
from forecaster.frames import require_columns
from forecaster.plan_frontier import PlanReport, weighed
from forecaster.plan_rolling import rolled
from forecaster.plan_shelves import read_shelves
from forecaster.plans import Stakes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    import pandas as pd

    from forecaster.plan_rules import PlanRules
    from forecaster.plan_shelves import Shelves
    from forecaster.plans import Plan


@dataclass(frozen=True)
class PlanBoard:
    """What does not depend on the plans: demand, supply and prices of one category as known on a day.

    Attributes:
        shelves: demand and supply of its n series, laid out as arrays.
        elasticity: beta >= 0: demand moves with rho ** -beta, rho the price over the regular price.
        as_of: last business date known; what plans say of earlier days is past.
    """

    shelves: Shelves
    elasticity: float
    as_of: date

    @classmethod
    def read(
        cls,
        forecast: pd.DataFrame,
        series: pd.DataFrame,
        supply: pd.DataFrame,
        *,
        elasticity: float,
        as_of: date,
    ) -> PlanBoard:
        """Lay frames out; the arguments are those of `plan_markdowns`.

        Raises:
            PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
        """
        if not np.isfinite(elasticity) or elasticity < 0:
            raise PanelError("elasticity", "elasticity", f"{elasticity:g}: a number from 0 on")
        return cls(read_shelves(forecast, series, supply, as_of=as_of), elasticity, as_of)

    @property
    def megabytes(self) -> float:
        """Room that the arrays take, and about what the frame of the series does."""
        shelves = self.shelves
        tables = (shelves.wanted, shelves.squared, shelves.supplied, shelves.sure)
        held = {id(table): table.nbytes for table in tables}
        return (sum(held.values()) + int(shelves.series.memory_usage(index=False).sum())) / 1e6

    def weigh(
        self,
        plans: Sequence[Plan],
        *,
        today: Plan,
        stakes: Stakes | None = None,
        rules: PlanRules | None = None,
        season_ends: date | None = None,
        per_zone: bool = False,
    ) -> PlanReport:
        """Weigh plans against today's, as `plan_markdowns` does.

        Raises:
            PanelError: plans name sizes, or zones are asked for, of which the series say nothing.
        """
        needed = (["size"] if any(plan.sizes is not None for plan in plans) else []) + (
            ["climate_zone"] if per_zone else []
        )
        require_columns(self.shelves.series, "series", needed)
        stakes = stakes or Stakes()
        kept, refused = self._lawful(plans, today, rules)
        tried = [today, *kept]
        figures = rolled(self.shelves, tried, elasticity=self.elasticity, stakes=stakes).figures(
            season_ends, per_zone=per_zone
        )
        return weighed(figures, tried, refused, stakes, rules)

    def _lawful(
        self, plans: Iterable[Plan], today: Plan, rules: PlanRules | None
    ) -> tuple[list[Plan], list[tuple[Plan, str]]]:
        """The plans other than today's that keep to the rules, and those that do not with the reason."""
        kept, refused = [], []
        regular = np.unique(self.shelves.regular_price).tolist()
        for plan in dict.fromkeys(plans):
            if plan == today:
                continue
            reason = rules.refusal(plan, today, as_of=self.as_of, regular_prices=regular) if rules else None
            if reason is None:
                kept.append(plan)
            else:
                refused.append((plan, reason))
        return kept, refused


def plan_markdowns(
    forecast: pd.DataFrame,
    series: pd.DataFrame,
    supply: pd.DataFrame,
    plans: Sequence[Plan],
    *,
    today: Plan,
    elasticity: float,
    as_of: date,
    stakes: Stakes | None = None,
    rules: PlanRules | None = None,
    season_ends: date | None = None,
    per_zone: bool = False,
) -> PlanReport:
    """Weigh markdown plans of one category against today's.

    The stock of every series is rolled forward under each plan (`forecaster.plan_rolling.rolled`). All stock
    is paid for already: the margin is revenue and salvage less the cost of everything, so that two plans
    differ by what they sell it for. A customer is one unit of demand at
    regular price: whom a price cut alone would bring is not turned away by its end, but takes stock from
    those who come later.

    Args:
        forecast: store, sku, week, mean (units at regular price), maybe evidence; as
            `forecaster.plan_shelves.read_shelves` takes it. A sku may as well be a whole style.
        series: store, sku, level_shape, dispersion, regular_price, unit_cost, salvage (money a piece); with
            ``size`` where a plan names sizes, with ``climate_zone`` where ``per_zone`` is asked.
        supply: store, sku, week, units: on hand (in the first week) and to come, as for
            `forecaster.expected_gap`.
        plans: candidates; today's plan is weighed with them whether or not it is one.
        today: the plan in force.
        elasticity: beta >= 0: demand moves with rho ** -beta, rho the price over the regular price.
        as_of: last business date known; what the plans say of earlier days is past.
        stakes: what a customer, a rail-week and a rail are worth or hold; the defaults if None.
        rules: refuse plans that break them; none are refused if None.
        season_ends: last day on which demand belongs to this season; by default the lowest week of the
            category in the year after today's exit.
        per_zone: tell each climate zone by itself besides the chain.

    Returns:
        The report: a row for each plan of the chain (climate_zone '') and, where asked, of each zone.

    Raises:
        PanelError: a frame lacks a column, repeats a key or holds a value that cannot be worked with.
    """
    board = PlanBoard.read(forecast, series, supply, elasticity=elasticity, as_of=as_of)
    return board.weigh(
        plans, today=today, stakes=stakes, rules=rules, season_ends=season_ends, per_zone=per_zone
    )
