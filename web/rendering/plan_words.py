"""How a markdown plan is said: what it does to prices and to the day things leave."""

from __future__ import annotations

from typing import TYPE_CHECKING

from web.rendering.words import count, day, listing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from data.planning.assumed import Assumed
    from forecaster.plans import Plan

_MOST_NAMED = 4


def whole_plan(plan: Plan, today: date) -> str:
    """A plan by itself.

    >>> from datetime import date
    >>> from forecaster.plans import Markdown, Plan
    >>> plan = Plan(date(2026, 2, 16), (Markdown(date(2026, 6, 15), 30),), date(2026, 7, 5))
    >>> whole_plan(plan, date(2026, 6, 7))
    '30% off on 15 June, exit 5 July'
    """
    return f"{_prices(plan, today)}, exit {day(plan.exit, today)}"


def changed_plan(plan: Plan, current: Plan, today: date, names: Mapping[str, str] | None = None) -> str:
    """A plan beside the one in force: only what it changes.

    >>> from datetime import date
    >>> from forecaster.plans import Markdown, Plan
    >>> current = Plan(date(2026, 2, 16), (Markdown(date(2026, 6, 15), 30),), date(2026, 7, 5))
    >>> changed_plan(Plan(date(2026, 2, 16), (), date(2026, 8, 2)), current, date(2026, 6, 7))
    'no markdown, exit 2 August'
    >>> changed_plan(current, current, date(2026, 6, 7))
    'as today'
    """
    parts = []
    if plan.floor_set != current.floor_set:
        parts.append(f"floor-set {day(plan.floor_set, today)}")
    if plan.markdowns != current.markdowns:
        parts.append(_prices(plan, today))
    if plan.exit != current.exit:
        parts.append(f"exit {day(plan.exit, today)}{_who_stays(plan, names or {})}")
    return ", ".join(parts) or "as today"


def notes(assumed: Assumed) -> tuple[str, ...]:
    """What plans take for granted, each a part of a sentence.

    >>> from data.planning.assumed import Assumed, Prices
    >>> notes(Assumed(Prices(), without_cost=2, substitution=0.25))[1:]
    ('2 skus without a unit cost taken to cost 40% of the price', \
'25% of those turned away take another piece if there is one, as measured')
    """
    prices = assumed.prices
    told = [f"a piece left over brings {prices.salvage_share:.0%} of its regular price"]
    if assumed.without_price:
        told.append(f"{count(assumed.without_price, 'sku')} without a regular price left out")
    if assumed.without_cost:
        skus = count(assumed.without_cost, "sku")
        told.append(f"{skus} without a unit cost taken to cost {prices.usual_cost_share:.0%} of the price")
    return (*told, _taken_instead(assumed.substitution))


def _taken_instead(substitution: float | None) -> str:
    if substitution is None:
        return "nobody takes another piece instead, since how many do has not been measured"
    return f"{substitution:.0%} of those turned away take another piece if there is one, as measured"


def _prices(plan: Plan, today: date) -> str:
    cuts = [f"{cut.percent_off:g}% off on {day(cut.day, today)}" for cut in plan.markdowns]
    return listing(cuts) if cuts else "no markdown"


def _who_stays(plan: Plan, names: Mapping[str, str]) -> str:
    """Whom a partial extension is for."""
    parts = []
    if plan.stores is not None:
        stores = sorted(names.get(store, store) for store in plan.stores)
        told = listing(stores) if len(stores) <= _MOST_NAMED else count(len(stores), "store")
        parts.append(f"in {told}")
    if plan.sizes is not None:
        parts.append(f"in {listing(sorted(plan.sizes))}")
    if plan.rails is not None:
        parts.append(f"on {plan.rails:g} {'rail' if plan.rails == 1 else 'rails'} a store")
    return f" {' '.join(parts)} only" if parts else ""
