"""Plans around today's: the changes of dates, depths and exits that the trade's rules allow."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import TYPE_CHECKING

from forecaster.plan_rules import PlanRules
from forecaster.plans import Markdown, Plan

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date


_PLAIN_DEPTHS = (0, 1)
"""Today's markdowns and none, in the order of `_depths`."""


_WEEKS_BEFORE_EXIT = (4, 2)
_NEXT_DEPTHS = 3


@dataclass(frozen=True)
class Stay:
    """Who stays when only a part of the category is kept on the floor: as in `Plan`."""

    stores: frozenset[str] | None = None
    sizes: frozenset[str] | None = None
    rails: float | None = None


@dataclass(frozen=True)
class Span:
    """How far plans may depart from today's, in weeks.

    Attributes:
        floor_sets: the floor-set moves by so many weeks.
        markdowns: those markdowns that can still be moved do, all by so many weeks.
        exits: the exit moves by so many weeks.
        stays: partial extensions, tried with every later exit.
        most: no more plans than this; those that change least come first.
    """

    floor_sets: tuple[int, ...] = (0,)
    markdowns: tuple[int, ...] = (0, 2, 4, 6, 8, 1, 3, -1, -2)
    exits: tuple[int, ...] = (0, 2, 4, 6, 8, 1, 3, -1, -2)
    stays: tuple[Stay, ...] = ()
    most: int = 200


def candidate_plans(
    today: Plan,
    *,
    as_of: date,
    rules: PlanRules | None = None,
    span: Span | None = None,
    regular_prices: Iterable[float] = (),
    latest_exit: date | None = None,
) -> list[Plan]:
    """Lawful plans around today's, those that change least first.

    Exits, floor-sets and markdowns move by whole weeks, so that weekdays stay; of the markdowns still ahead,
    all are taken, or none, or only the first, each as deep as today's or one allowed step shallower or
    deeper. Where none is ahead, one is tried four and two weeks before the exit.

    Args:
        today: the plan in force.
        as_of: last business date known.
        rules: what plans must keep to; the defaults if None. The budget is asked when they are weighed.
        span: how far to look; the defaults if None.
        regular_prices: of what is sold, for the rules' price points.
        latest_exit: no exit after this day, such as the end of the season's demand.

    Returns:
        Plans, each once; the first is today's.
    """
    rules, span = rules or PlanRules(), span or Span()
    prices = sorted(set(regular_prices))
    found: dict[Plan, None] = {today: None}
    for plan in _around(today, rules, span, as_of):
        late = latest_exit is not None and plan.exit > max(latest_exit, today.exit)
        if plan in found or late:
            continue
        if rules.refusal(plan, today, as_of=as_of, regular_prices=prices) is None:
            found[plan] = None
    return list(found)[: span.most]


def _around(today: Plan, rules: PlanRules, span: Span, as_of: date) -> Iterator[Plan]:
    """Every combination, by how much it changes."""
    closed = rules.locked_until(as_of)
    fixed = tuple(cut for cut in today.markdowns if cut.day <= closed)
    ahead = tuple(cut for cut in today.markdowns if cut.day > closed)
    depths = _depths(fixed, ahead, rules) if ahead else _first_cuts(today, fixed, rules)
    moves = sorted(
        product(
            range(len(span.floor_sets)),
            range(len(span.exits)),
            range(len(span.markdowns)),
            range(len(depths)),
        ),
        key=lambda move: (sum(move), move),
    )
    for floor_set, leave, shift, depth in moves:
        exits = today.exit + timedelta(weeks=span.exits[leave])
        cuts = tuple(
            replace(cut, day=cut.day + timedelta(weeks=span.markdowns[shift])) for cut in depths[depth]
        )
        if any(cut.day <= closed for cut in cuts):
            continue
        whole = Plan(
            today.floor_set + timedelta(weeks=span.floor_sets[floor_set]),
            (*fixed, *cuts),
            exits,
        )
        yield whole
        # A part stays at today's prices or at none: every price for every part would crowd out the rest.
        if exits > today.exit and shift == 0 and depth in _PLAIN_DEPTHS:
            yield from (
                replace(whole, stores=stay.stores, sizes=stay.sizes, rails=stay.rails) for stay in span.stays
            )


def _depths(
    fixed: Sequence[Markdown], ahead: Sequence[Markdown], rules: PlanRules
) -> list[tuple[Markdown, ...]]:
    """The markdowns ahead as they are, the first alone, none, and all a step shallower or deeper."""
    allowed = sorted({*rules.percents, *(cut.percent_off for cut in (*fixed, *ahead))})
    found: dict[tuple[Markdown, ...], None] = {}
    for cuts in (tuple(ahead), (), tuple(ahead[:1])):
        found[cuts] = None
    for step in (-1, 1):
        for cuts in (tuple(ahead), tuple(ahead[:1])):
            moved = [_stepped(cut, allowed, step) for cut in cuts]
            found[tuple(moved)] = None
    return list(found)


def _first_cuts(today: Plan, fixed: Sequence[Markdown], rules: PlanRules) -> list[tuple[Markdown, ...]]:
    """Where no markdown is ahead: none, and one some weeks before the exit at each of the next depths."""
    taken = max((cut.percent_off for cut in fixed), default=0.0)
    deeper = [percent for percent in sorted(rules.percents) if percent > taken][:_NEXT_DEPTHS]
    starts = [today.exit + timedelta(days=1) - timedelta(weeks=weeks) for weeks in _WEEKS_BEFORE_EXIT]
    return [(), *((Markdown(start, percent),) for start in starts for percent in deeper)]


def _stepped(cut: Markdown, allowed: Sequence[float], step: int) -> Markdown:
    place = min(max(allowed.index(cut.percent_off) + step, 0), len(allowed) - 1)
    return replace(cut, percent_off=allowed[place])
