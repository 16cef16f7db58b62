"""The trade's rules for price cuts: which plans may be carried out at all, and why others may not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from forecaster.plans import Plan

_CENT = 0.005


@dataclass(frozen=True)
class PlanRules:
    """What a markdown plan must keep to.

    Attributes:
        days_between: least days between two markdowns, and between the last one and the exit: a price needs
            time to work, and tickets time to be changed.
        percents: the only cuts taken; today's own are allowed besides.
        price_points: the only prices that a cut may lead to, to the cent; any if empty.
        lock_days: the price file is closed for this many days after as_of: what today's plan says of them
            stays.
        markdown_budget: most that may be given away in markdowns (regular price less price paid, over the
            units sold below regular price); no limit if None.
    """

    days_between: int = 7
    percents: tuple[float, ...] = (20.0, 25.0, 30.0, 40.0, 50.0, 60.0, 70.0)
    price_points: tuple[float, ...] = ()
    lock_days: int = 7
    markdown_budget: float | None = None

    def refusal(
        self, plan: Plan, today: Plan, *, as_of: date, regular_prices: Iterable[float] = ()
    ) -> str | None:
        """Why a plan may not be carried out; None if it may.

        Args:
            plan: the plan.
            today: the plan in force, from which it departs.
            as_of: last business date known.
            regular_prices: of what is sold, for `price_points`.

        Returns:
            One sentence, the first rule broken. The budget is asked by `refusal_of_cost`, once the cost is
            known.
        """
        asked = (
            self._window(plan, today, as_of),
            self._upward(plan),
            self._spacing(plan, today),
            self._lock(plan, today, as_of),
            self._percents(plan, today),
            self._price_points(plan, today, sorted(set(regular_prices))),
            _partial(plan, today),
        )
        return next((reason for reason in asked if reason is not None), None)

    def refusal_of_cost(self, markdown_cost: float) -> str | None:
        """Why a plan that gives this much away may not be carried out; None if it may."""
        if self.markdown_budget is None or markdown_cost <= self.markdown_budget:
            return None
        over = markdown_cost - self.markdown_budget
        return (
            f"gives ${markdown_cost:,.0f} away in markdowns, ${over:,.0f} above the budget of "
            f"${self.markdown_budget:,.0f}"
        )

    def locked_until(self, as_of: date) -> date:
        """Last day whose price can no longer be changed."""
        return as_of + timedelta(days=self.lock_days)

    def _window(self, plan: Plan, today: Plan, as_of: date) -> str | None:
        if plan.floor_set != today.floor_set and min(plan.floor_set, today.floor_set) <= as_of:
            return f"moves the floor-set from {today.floor_set} to {plan.floor_set}, which is past on {as_of}"
        if plan.exit != today.exit and plan.exit <= as_of:
            return f"leaves the floor on {plan.exit}, which is past on {as_of}"
        return None

    def _upward(self, plan: Plan) -> str | None:
        for earlier, later in pairwise(plan.markdowns):
            if later.percent_off < earlier.percent_off:
                return (
                    f"puts the price up on {later.day}, from {earlier.percent_off:g}% off to "
                    f"{later.percent_off:g}% off: a markdown is never taken back"
                )
        return None

    def _spacing(self, plan: Plan, today: Plan) -> str | None:
        own = set(today.markdowns)
        for earlier, later in pairwise(plan.markdowns):
            days = (later.day - earlier.day).days
            if days < self.days_between and not {earlier, later} <= own:
                return (
                    f"cuts the price on {earlier.day} and again {days} days later: {self.days_between} days "
                    "lie between two cuts"
                )
        last = plan.markdowns[-1] if plan.markdowns else None
        unchanged = last in own and plan.exit >= today.exit
        if last is not None and not unchanged and (plan.exit - last.day).days + 1 < self.days_between:
            return (
                f"cuts the price on {last.day} and leaves on {plan.exit}: a cut holds for "
                f"{self.days_between} days at least"
            )
        return None

    def _lock(self, plan: Plan, today: Plan, as_of: date) -> str | None:
        closed = self.locked_until(as_of)
        own, theirs = ({cut for cut in some.markdowns if cut.day <= closed} for some in (plan, today))
        changed = sorted(own ^ theirs)
        if not changed:
            return None
        return f"changes the price of {changed[0].day}: the price file is closed up to {closed}"

    def _percents(self, plan: Plan, today: Plan) -> str | None:
        allowed = {*self.percents, *(cut.percent_off for cut in today.markdowns)}
        for cut in plan.markdowns:
            if cut.percent_off not in allowed:
                listed = ", ".join(f"{percent:g}" for percent in sorted(allowed))
                return f"takes {cut.percent_off:g}% off on {cut.day}: allowed are {listed}"
        return None

    def _price_points(self, plan: Plan, today: Plan, regular_prices: list[float]) -> str | None:
        if not self.price_points:
            return None
        for cut in plan.markdowns:
            for price in [] if cut in today.markdowns else regular_prices:
                reached = price * (1.0 - cut.percent_off / 100.0)
                if min(abs(reached - point) for point in self.price_points) > _CENT:
                    return (
                        f"takes {cut.percent_off:g}% off ${price:,.2f}, which makes ${reached:,.2f}: no "
                        "allowed price point"
                    )
        return None


def _partial(plan: Plan, today: Plan) -> str | None:
    if plan.is_partial and plan.exit <= today.exit:
        return f"names who stays after {today.exit}, but leaves the floor on {plan.exit}"
    return None
