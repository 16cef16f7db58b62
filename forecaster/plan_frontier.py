"""Plans held against one another: the frontier, the recommended one, and what it takes to choose it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from forecaster.errors import ForecasterError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from forecaster.plan_rules import PlanRules
    from forecaster.plans import Plan, Stakes

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]

PLAN_COLUMNS = [
    "climate_zone", "plan", "stock", "full_price_units", "markdown_units", "leftover_units", "revenue",
    "markdown_cost", "salvage", "margin", "turned_away_before", "turned_away_during", "turned_away_after",
    "turned_away", "rail_weeks", "evidence", "net_margin", "margin_won", "customers_won", "leftover_less",
    "value_won", "customer_break_even", "rail_week_break_even", "on_frontier",
]  # fmt: skip
TODAY = 0
"""Position of today's plan among the plans."""

_CENT = 0.005
_HARDLY_ANY = 0.005


@dataclass(frozen=True)
class PlanReport:
    """What came of plans.

    Attributes:
        plans: one row per zone ('' the chain) and plan: climate_zone, plan (position in ``tried``), stock
            (units there or to come), full_price_units, markdown_units, leftover_units (these three add up
            to the stock), revenue, markdown_cost (regular price less price paid), salvage, margin (revenue
            and salvage less the cost of all stock), turned_away_before (the floor-set), turned_away_during,
            turned_away_after (the exit; customers), turned_away (their sum), rail_weeks (kept from the
            incoming set beyond today's plan, negative where given back), evidence (share of the demand in
            the days added to today's window that was seen or asked for; NaN without such days), net_margin
            (margin less the rail-weeks, where their value is given), margin_won (net), customers_won and
            leftover_less against today's plan, value_won (margin_won and the customers won, where their
            value is given), customer_break_even and rail_week_break_even (`break_even`), on_frontier.
        tried: the plans of the rows; the first is today's.
        refused: the plans left out, each with its reason. Today's stays among the rows even where it gives
            more away than the budget has; then it is named here too, is on no frontier and never recommended
            while there is another.
        stakes: what they were weighed with.
    """

    plans: pd.DataFrame
    tried: tuple[Plan, ...]
    refused: tuple[tuple[Plan, str], ...]
    stakes: Stakes

    def of_zone(self, climate_zone: str = "") -> pd.DataFrame:
        """The rows of a zone ('' the chain), by plan.

        Raises:
            ForecasterError: the zone was not told.
        """
        rows = self.plans[self.plans["climate_zone"] == climate_zone]
        if rows.empty:
            known = ", ".join(sorted(set(self.plans["climate_zone"]) - {""})) or "the chain only"
            raise ForecasterError(f"no plans of zone {climate_zone!r}: told are {known}")
        return rows.set_axis(rows["plan"].array, axis="index")

    def today(self, climate_zone: str = "") -> pd.Series[Any]:
        """The row of today's plan."""
        return self.of_zone(climate_zone).iloc[TODAY]

    def frontier(self, climate_zone: str = "") -> pd.DataFrame:
        """The plans that no other beats in margin and customers at once, most margin first."""
        rows = self.of_zone(climate_zone)
        return rows[rows["on_frontier"]].sort_values(["net_margin", "turned_away"], ascending=False)

    def recommended(self, climate_zone: str = "", *, customer_value: float | None = None) -> pd.Series[Any]:
        """The plan that is worth most when a customer turned away costs so much.

        Where nobody says what the incoming set earns on a rail, only plans that keep no more rail-weeks than
        today's are looked at: `rail_choices` tells what more space would win.

        Args:
            climate_zone: of which zone; '' is the chain.
            customer_value: money; by default what the stakes say, 0 where they say nothing.
        """
        rows = self._within_space(climate_zone)
        worth = self._worth(rows, customer_value)
        best = rows[worth >= worth.max() - _CENT]
        # Of plans worth the same, the one that changes least.
        row: pd.Series[Any] = best.sort_values("plan").iloc[0]
        return row

    def choices(self, climate_zone: str = "") -> pd.DataFrame:
        """Which plan is best for which value of a customer, of those that `recommended` looks at.

        Returns:
            from_value (money: the value of a customer turned away from which on the plan is the best), then
            the columns of its row; in order of from_value, which begins with 0.
        """
        rows = self._within_space(climate_zone)
        return _ladder(rows, rows["net_margin"], rows["turned_away"])

    def rail_choices(self, climate_zone: str = "", *, customer_value: float | None = None) -> pd.DataFrame:
        """Which plan is best for which worth of the rails to the incoming set, where that is not given.

        Returns:
            from_value (money: what the set earns per rail-week from which on the plan is the best), then the
            columns of its row; in order of from_value, which begins with 0. Empty where the worth is given.
        """
        rows = self._open(climate_zone)
        if self.stakes.rail_week_value is not None:
            return _ladder(rows[:0], rows["net_margin"][:0], rows["rail_weeks"][:0])
        return _ladder(rows, self._worth(rows, customer_value), rows["rail_weeks"])

    def _within_space(self, climate_zone: str) -> pd.DataFrame:
        """The plans whose space is paid for: all if a rail-week has a price, else those that need no more."""
        rows = self._open(climate_zone)
        if self.stakes.rail_week_value is not None:
            return rows
        enough = rows[rows["rail_weeks"] <= _HARDLY_ANY]
        return enough if len(enough) else rows

    def _open(self, climate_zone: str) -> pd.DataFrame:
        """The plans that may be carried out, or today's where there is no other."""
        rows = self.of_zone(climate_zone)
        barred = any(plan == self.tried[TODAY] for plan, _ in self.refused)
        return rows[rows["plan"] != TODAY] if barred and len(rows) > 1 else rows

    def _worth(self, rows: pd.DataFrame, customer_value: float | None) -> pd.Series[float]:
        value = self.stakes.customer_value if customer_value is None else customer_value
        return rows["net_margin"] - (value or 0.0) * rows["turned_away"]


def _ladder(rows: pd.DataFrame, worth: pd.Series[float], taken: pd.Series[float]) -> pd.DataFrame:
    """The plan of most ``worth - price x taken`` for every price from 0 on, with the price it begins at."""
    money, units = (np.asarray(values, dtype=np.float64) for values in (worth, taken))
    kept = np.flatnonzero(undominated(money, units))
    order = kept[np.argsort(-money[kept], kind="stable")]
    money, units = money[order], units[order]
    chosen, prices, place = [0], [0.0], 0
    while place < len(order) - 1:
        # The next plan is the one whose savings come cheapest; of several, the one that saves most.
        price = (money[place] - money[place + 1 :]) / (units[place] - units[place + 1 :])
        place += len(price) - int(np.argmin(price[::-1]))
        chosen.append(place)
        prices.append(float(price.min()))
    picked = rows.iloc[order[chosen] if len(order) else []]
    return picked.assign(from_value=prices[: len(picked)])[["from_value", *rows.columns]]


def weighed(
    figures: pd.DataFrame,
    tried: Sequence[Plan],
    refused: Sequence[tuple[Plan, str]],
    stakes: Stakes,
    rules: PlanRules | None,
) -> PlanReport:
    """Hold the figures of plans against today's and against one another.

    Args:
        figures: climate_zone, plan and the figures of `PlanReport.plans` up to evidence.
        tried: the plans; the first is today's, which is never refused.
        refused: plans left out before.
        stakes: what a customer and a rail-week are worth, where known.
        rules: whose budget a plan's markdowns must keep to in the chain.
    """
    chain = figures.loc[figures["climate_zone"] == "", "markdown_cost"].to_numpy(dtype=np.float64)
    reasons = [rules.refusal_of_cost(cost) if rules else None for cost in chain]
    too_dear = [(tried[place], reason) for place, reason in enumerate(reasons) if reason is not None]
    kept = [TODAY, *(place for place, reason in enumerate(reasons) if reason is None and place != TODAY)]
    number = np.full(len(tried), -1)
    number[kept] = np.arange(len(kept))
    rows = figures[number[figures["plan"]] >= 0].reset_index(drop=True)
    rows = rows.assign(plan=number[rows["plan"]])
    barred = reasons[TODAY] is not None and len(kept) > 1
    parts = [_of_zone(part, stakes, barred=barred) for _, part in rows.groupby("climate_zone", sort=False)]
    return PlanReport(
        pd.concat(parts, ignore_index=True)[PLAN_COLUMNS],
        tuple(tried[place] for place in kept),
        (*refused, *too_dear),
        stakes,
    )


def _of_zone(rows: pd.DataFrame, stakes: Stakes, *, barred: bool) -> pd.DataFrame:
    """One zone's plans with what they win over today's, which is on no frontier if ``barred``."""
    away = rows[["turned_away_before", "turned_away_during", "turned_away_after"]].sum(axis=1)
    told = rows.assign(
        turned_away=away, net_margin=rows["margin"] - (stakes.rail_week_value or 0.0) * rows["rail_weeks"]
    )
    today = told[told["plan"] == TODAY].iloc[0]
    margin = told["net_margin"] - today["net_margin"]
    customers = today["turned_away"] - away
    value = margin + (stakes.customer_value or 0.0) * customers
    rails = told["rail_weeks"] - today["rail_weeks"]
    return told.assign(
        margin_won=margin,
        customers_won=customers,
        leftover_less=today["leftover_units"] - told["leftover_units"],
        value_won=value,
        customer_break_even=break_even(margin, customers),
        rail_week_break_even=np.nan
        if stakes.rail_week_value is not None
        else break_even(value, -rails, best_first=False),
        on_frontier=_on_frontier(told["net_margin"], away, told["plan"] == TODAY if barred else None),
    )


def _on_frontier(
    margin: pd.Series[float], turned_away: pd.Series[float], barred: pd.Series[bool] | None
) -> Flags:
    money, away = (np.asarray(values, dtype=np.float64) for values in (margin, turned_away))
    if barred is not None:
        money = np.where(barred, -np.inf, money)
        away = np.where(barred, np.inf, away)
    return undominated(money, away)


def break_even(won: pd.Series[float], taken: pd.Series[float], *, best_first: bool = True) -> Floats:
    """Worth of one customer (or rail-week) at which a plan and today's are equal: -won / taken.

    A plan that wins customers (``taken`` > 0) pays while one is worth more than that, 0 if it wins money as
    well; one that loses customers, or takes rail-weeks, pays while one is worth less.

    Args:
        won: money won over today's plan.
        taken: customers won, or rail-weeks given back.
        best_first: tell 0 where it pays at any worth; else NaN there.

    Returns:
        Money, >= 0; NaN where nothing is given or taken, or where it never pays.
    """
    money, units = (np.asarray(values, dtype=np.float64) for values in (won, taken))
    worth = np.divide(-money, units, out=np.full(len(money), np.nan), where=np.abs(units) > _HARDLY_ANY)
    pays_anyway = (units > _HARDLY_ANY) & (money >= 0)
    worth = np.where(pays_anyway, 0.0 if best_first else np.nan, worth)
    return np.where(worth >= 0, worth, np.nan)


def undominated(margin: Floats, turned_away: Floats) -> Flags:
    """Plans beside which no other has as much margin and turns as few away, and more of one of both.

    Args:
        margin: (n,) money.
        turned_away: (n,) customers.

    Returns:
        (n,) flags; of plans alike in both, the first only.
    """
    margin, away = np.round(margin, 2), np.round(turned_away, 2)
    order = np.lexsort((np.arange(len(margin)), away, -margin))
    best_before = np.minimum.accumulate(np.concatenate([[np.inf], away[order][:-1]]))
    flags = np.zeros(len(margin), dtype=bool)
    flags[order] = away[order] < best_before
    return flags
