"""What makes a gap worth telling: every threshold of the rules, in one place, per category."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from forecaster.codes import STRONGEST_FIRST, Evidence
from forecaster.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Mapping

_MAY_FIRE: Final = tuple(str(label) for label in STRONGEST_FIRST if label is not Evidence.UNKNOWN)
_SHARES: Final = frozenset(
    {"keep_share", "min_lost_share", "material_week_share", "min_leftover_share", "core_share"}
)
_COUNTED: Final = frozenset({"daily_cap", "min_stockout_weeks", "max_stockout_weeks", "asked_weeks"})


@dataclass(frozen=True)
class RulePolicy:
    """What makes a gap worth telling, in one category or in the chain.

    Attributes:
        min_units: units that can still be won below which no finding is made.
        min_money: and money (at regular price) below which none is made; not asked where no price is known.
        keep_share: what has fired goes on firing, as a weak finding, while the loss is this share of the
            least that is told: it is over when the loss is, and a figure that wavers is not told twice.
        confidence: the weakest evidence on which a finding may rest; ``unknown`` is never enough.
        daily_cap: new alerts a store is told of in one night; the rest waits for the next.
        min_lost_share: units lost must be at least this share of the demand they are part of.
        material_week_share: a week counts as demand while it has at least this share of the demand of the
            style's highest week in that store; the last such week ends the demand.
        exit_weeks_ahead: an exit is told this many weeks before it comes.
        exit_weeks_after: and for this many weeks after it has passed, while demand lasts.
        floor_set_weeks_ahead: a floor-set is told this many weeks before it comes.
        markdown_weeks_ahead: a price cut is told this many weeks before it takes effect, and stock that will
            be left over this many weeks before the exit.
        min_stockout_weeks: stockouts are looked for over the lead time in weeks plus one, and never less
            than this many weeks (of what is reordered as it sells, no less is asked).
        max_stockout_weeks: nor more than this many: an order placed half a year ahead says nothing about
            what to do today.
        core_share: the core sizes of a run are the fewest that make up this share of its demand.
        min_leftover_share: stock left at the exit is told from this share of today's stock on.
        phantom_weeks: stock in the books only is taken to be missed until it is counted, at most this long.
        asked_weeks: requests of this many weeks count.
        min_asks: customers who must have asked.
        late_days: a feed whose newest day is older than this many days is late.
        note_weeks_ahead: a season's buy notes are gathered from this many weeks before its exit on.
        high_units: a finding of at least this many units to be won is one step more severe.
        high_money: as is one of at least this much money to be won.
        urgent_days: a finding to act on within this many days is one step more severe.

    Raises:
        PolicyError: a value that no rule can work with, named.
    """

    min_units: float = 3.0
    min_money: float = 30.0
    keep_share: float = 0.7
    confidence: str = Evidence.BORROWED
    daily_cap: int = 5
    min_lost_share: float = 0.10
    material_week_share: float = 0.10
    exit_weeks_ahead: int = 10
    exit_weeks_after: int = 10
    floor_set_weeks_ahead: int = 10
    markdown_weeks_ahead: int = 6
    min_stockout_weeks: int = 3
    max_stockout_weeks: int = 6
    core_share: float = 0.5
    min_leftover_share: float = 0.25
    phantom_weeks: int = 13
    asked_weeks: int = 4
    min_asks: float = 3.0
    late_days: int = 8
    note_weeks_ahead: int = 4
    high_units: float = 12.0
    high_money: float = 400.0
    urgent_days: int = 14

    def __post_init__(self) -> None:
        if self.confidence not in _MAY_FIRE:
            words = f"{', '.join(_MAY_FIRE[:-1])} or {_MAY_FIRE[-1]}"
            raise PolicyError(
                "confidence", f"{self.confidence!r}: say {words}; what nobody can know raises no alert"
            )
        for each in fields(self):
            if each.name != "confidence":
                _require_in_range(each.name, getattr(self, each.name))
        if self.max_stockout_weeks < self.min_stockout_weeks:
            raise PolicyError(
                "max_stockout_weeks", f"{self.max_stockout_weeks} is less than min_stockout_weeks"
            )


def _require_in_range(name: str, value: float) -> None:
    low, high = (1 if name in _COUNTED else 0), (1 if name in _SHARES else math.inf)
    if not (math.isfinite(value) and low <= value <= high):
        limits = f"between {low} and {high}" if name in _SHARES else f"at least {low}"
        raise PolicyError(name, f"{value:g} is not a number of {limits}")


@dataclass(frozen=True)
class Policies:
    """The policies in force: of the chain, and of the categories that have their own.

    Attributes:
        default: of every category not named, and of what has no category.
        by_category: whole policies, by category.
    """

    default: RulePolicy = field(default_factory=RulePolicy)
    by_category: Mapping[str, RulePolicy] = field(default_factory=lambda: MappingProxyType({}))

    def of(self, category: str) -> RulePolicy:
        """The policy of a category."""
        return self.by_category.get(category, self.default)
