"""What a markdown plan is: when a category hangs on the floor, at which prices, and who stays how long."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from forecaster.errors import ForecasterError

if TYPE_CHECKING:
    from datetime import date

_WHOLE_PRICE = 100.0


@dataclass(frozen=True, order=True)
class Markdown:
    """A permanent price cut: from the morning of `day` on, `percent_off` the regular price."""

    day: date
    percent_off: float

    def __post_init__(self) -> None:
        if not 0 < self.percent_off < _WHOLE_PRICE:
            raise ForecasterError(f"a markdown of {self.percent_off:g}%: it lies between 0 and 100")


@dataclass(frozen=True)
class Plan:
    """A plan for one season of one category.

    Attributes:
        floor_set: first day on the floor.
        markdowns: price cuts in the order of their days; one after the exit sells nothing and is left out.
        exit: last day on the floor.
        stores: which stores stay after today's exit; all if None. The others leave with today's exit.
        sizes: which sizes stay after today's exit; all if None.
        rails: how many rails of each store that stays are kept after today's exit; as many as the stock
            then left fills if None. What they do not hold leaves with today's exit.
    """

    floor_set: date
    markdowns: tuple[Markdown, ...]
    exit: date
    stores: frozenset[str] | None = None
    sizes: frozenset[str] | None = None
    rails: float | None = None

    def __post_init__(self) -> None:
        if self.exit < self.floor_set:
            raise ForecasterError(f"exit {self.exit} before floor_set {self.floor_set}")
        cuts = tuple(sorted(cut for cut in self.markdowns if cut.day <= self.exit))
        object.__setattr__(self, "markdowns", cuts)
        days = [cut.day for cut in self.markdowns]
        if len(set(days)) < len(days):
            raise ForecasterError(f"two markdowns on one day: {', '.join(map(str, days))}")
        if self.rails is not None and self.rails <= 0:
            raise ForecasterError(f"{self.rails:g} rails: a plan that keeps some keeps more than none")

    @property
    def is_partial(self) -> bool:
        """Whether only some stores, sizes or rails stay after today's exit."""
        return self.stores is not None or self.sizes is not None or self.rails is not None

    def percent_off(self, day: date) -> float:
        """What is off the regular price on a day, 0 before the first markdown."""
        return next((cut.percent_off for cut in reversed(self.markdowns) if cut.day <= day), 0.0)


@dataclass(frozen=True)
class Stakes:
    """What a plan is weighed with, as far as the retailer can say.

    Attributes:
        customer_value: money lost with a customer who is turned away, beyond the margin of the piece (the
            visit, the next one); None where nobody knows.
        rail_week_value: money the incoming set earns on one rail in one week; None where nobody knows.
        units_per_rail: pieces that one rail holds.
        substitution: share of the customers turned away in season who take another piece of the category,
            as far as there is one. Before the floor-set and after the exit the whole category is gone.
    """

    customer_value: float | None = None
    rail_week_value: float | None = None
    units_per_rail: float = 40.0
    substitution: float = 0.0

    def __post_init__(self) -> None:
        if self.units_per_rail <= 0:
            raise ForecasterError(f"{self.units_per_rail:g} units per rail: a rail holds something")
        if not 0 <= self.substitution <= 1:
            raise ForecasterError(f"substitution {self.substitution:g} is a share, between 0 and 1")
        for name in ("customer_value", "rail_week_value"):
            value = getattr(self, name)
            if value is not None and value < 0:
                raise ForecasterError(f"{name} {value:g} is negative: money lost counts as positive")
