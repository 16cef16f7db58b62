"""The frontier of margin against customers as a small drawing: where each plan lies beside today's."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from data.planning.details import plan_of
from web.rendering.words import number, short_money

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from forecaster.plans import Plan, Stakes

WIDTH, HEIGHT = 560, 310
_LEFT, _RIGHT, _TOP, _BOTTOM = 62, 16, 28, 42
_TICKS: Final = 5
_STEPS: Final = (1, 2, 2.5, 5, 10)
_AIR: Final = 0.08
_HARDLY_ANY: Final = 0.005
_CENT: Final = 0.005
_MINUS: Final = "\N{MINUS SIGN}"


@dataclass(frozen=True)
class Choice:
    """A plan with its figures; what it wins over today's is told for the stakes that were asked."""

    plan: Plan
    figures: Mapping[str, float | None]

    @classmethod
    def of(cls, row: Mapping[str, Any], stakes: Stakes) -> Choice:
        """A row of the sheet, weighed with the stakes: the night knew of none."""
        figures = dict(row["figures"])
        rails = figures.get("rail_weeks") or 0.0
        won = (figures.get("margin_won") or 0.0) - (stakes.rail_week_value or 0.0) * rails
        customers = figures.get("customers_won") or 0.0
        figures |= {"margin_won": won, "value_won": won + (stakes.customer_value or 0.0) * customers}
        return cls(plan_of(row["plan"]), figures)

    @property
    def margin_won(self) -> float:
        """Money won over today's plan."""
        return self.figures.get("margin_won") or 0.0

    @property
    def customers_won(self) -> float:
        """Customers served beyond today's plan."""
        return self.figures.get("customers_won") or 0.0

    @property
    def value_won(self) -> float:
        """Money and customers won, where a customer has a price."""
        return self.figures.get("value_won") or 0.0


@dataclass(frozen=True)
class Mark:
    """A plan in the drawing. `kind`: frontier, today, hand, beside or recommended; `x`, `y`: its middle."""

    x: float
    y: float
    kind: str
    choice: Choice


@dataclass(frozen=True)
class Tick:
    """A line of the drawing's grid."""

    at: float
    label: str


@dataclass(frozen=True)
class Frontier:
    """The drawing: marks in the order in which they are drawn, the line through the frontier, the grid."""

    marks: tuple[Mark, ...]
    line: str
    across: tuple[Tick, ...]
    up: tuple[Tick, ...]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = _LEFT
    right: int = WIDTH - _RIGHT
    top: int = _TOP
    bottom: int = HEIGHT - _BOTTOM


def choices_of(details: Mapping[str, Any], stakes: Stakes) -> tuple[list[Choice], Choice]:
    """The frontier of a sheet, most margin first, and the recommended plan, for the stakes that were asked.

    Without a worth of the incoming set only plans that keep no more rail-weeks than today's are recommended,
    as the night does it (`forecaster.PlanReport.recommended`).
    """
    if stakes.customer_value is None and stakes.rail_week_value is None:
        rows = [Choice.of(row, stakes) for row in details["frontier"]]
        return rows, Choice.of(details["recommended"], stakes)
    rows = _all(details, stakes)
    free = stakes.rail_week_value is not None
    within = [each for each in rows if free or (each.figures.get("rail_weeks") or 0.0) <= _HARDLY_ANY]
    most = max(each.value_won for each in within or rows)
    best = next(each for each in within or rows if each.value_won >= most - _CENT)
    return undominated(rows), best


def undominated(rows: Iterable[Choice]) -> list[Choice]:
    """The plans beside which no other wins as much money and as many customers, most money first."""
    kept: list[Choice] = []
    for each in sorted(rows, key=lambda row: (-round(row.margin_won, 2), -round(row.customers_won, 2))):
        if not kept or round(each.customers_won, 2) > round(kept[-1].customers_won, 2):
            kept.append(each)
    return kept


def drawn(
    frontier: Sequence[Choice],
    *,
    today: Choice,
    recommended: Choice,
    hand: Choice | None = None,
    beside: Sequence[Choice] = (),
) -> Frontier:
    """Place every plan in the drawing: customers won to the right, money won upwards."""
    named = [("today", today), ("recommended", recommended)]
    named += [("beside", each) for each in beside] + ([("hand", hand)] if hand else [])
    everything = [*frontier, *(each for _, each in named)]
    x = _Scale.over([each.customers_won for each in everything], _LEFT, WIDTH - _RIGHT)
    y = _Scale.over([each.margin_won for each in everything], HEIGHT - _BOTTOM, _TOP)
    own = {each.plan for _, each in named}
    marks = [("frontier", each) for each in frontier if each.plan not in own] + named
    points = [(x.at(each.customers_won), y.at(each.margin_won)) for each in frontier]
    return Frontier(
        tuple(Mark(x.at(each.customers_won), y.at(each.margin_won), kind, each) for kind, each in marks),
        " ".join(f"{across:.1f},{up:.1f}" for across, up in points),
        tuple(Tick(x.at(value), _signed(value, number(abs(value)))) for value in x.ticks),
        tuple(
            Tick(y.at(value), _signed(value, short_money(Decimal(f"{abs(value):.2f}")))) for value in y.ticks
        ),
    )


@dataclass(frozen=True)
class _Scale:
    """Values from `least` to `most` over pixels from `start` to `end`."""

    least: float
    most: float
    start: float
    end: float
    ticks: tuple[float, ...]

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> _Scale:
        """A scale that holds all values and zero, with some air around, and ticks at round numbers."""
        least, most = min(0.0, *values), max(0.0, *values)
        span = max(most - least, 1.0)
        step = _round_step(span / _TICKS)
        least, most = least - _AIR * span, most + _AIR * span
        first = int(least // step) + 1
        ticks = tuple(place * step for place in range(first, int(most // step) + 1))
        return cls(least, most, start, end, ticks)

    def at(self, value: float) -> float:
        """Where a value lies."""
        part = (value - self.least) / (self.most - self.least)
        return round(self.start + part * (self.end - self.start), 1)


def _round_step(least: float) -> float:
    """The next number of the kind 1, 2, 2.5, 5 times a power of ten."""
    power = 1.0
    while power * 10 <= least:
        power *= 10
    while power > least:
        power /= 10
    step = next(power * step for step in _STEPS if power * step >= least)
    return max(step, 1.0)


def _signed(value: float, told: str) -> str:
    if abs(value) < _HARDLY_ANY:
        return "today"
    return f"{'+' if value > 0 else _MINUS}{told}"


def _all(details: Mapping[str, Any], stakes: Stakes) -> list[Choice]:
    """Every plan of a sheet once, today's first: of plans worth the same, the one that changes least wins."""
    named = [details[name] for name in ("today", "recommended", "best_margin", "most_customers")]
    rows = [*named, *details["frontier"], *details["choices"], *details["rail_choices"]]
    known: dict[Plan, Choice] = {}
    for row in rows:
        choice = Choice.of(row, stakes)
        known.setdefault(choice.plan, choice)
    return list(known.values())
