"""What a night's rules found, as an alert can be made of it: identity, figures, and what a page shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from forecaster.codes import (
    EXIT_BEFORE_DEMAND_ENDS,
    MARKDOWN_BEFORE_PEAK,
    STOCK_OUTLASTS_SEASON,
    STOCKOUT_IN_SEASON,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal


class Scope(StrEnum):
    """How much of the chain an alert is about."""

    STORE = "store"
    ZONE = "zone"
    CHAIN = "chain"


class Severity(StrEnum):
    """How much is at stake, by the rule's own measure."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True)
class Finding:
    """What a rule found in one night about one style in one store and season, or about a whole zone or chain.

    Units are pieces, money is at regular price, dates are business dates. Store and style are blank where the
    scope is wider. A `weak` finding was made with thresholds a little lower than the policy's: it keeps an
    alert firing that is open already, and opens none.

    Attributes:
        customers_this_week: those of `customers_lost` who come in the seven days after the night.
        details: what the page shows beside the sentence (sizes, stock, figures) as plain JSON values.
        drivers: what its demand is made of and who has seen such weeks (see `jobs.drivers`), or nothing.
        season_ends: the last day on which it can matter, where that is not what `last_day` makes of demand
            and exit.
        parent: the fingerprint of the zone's finding that gathers it; blank for one that stands alone.
    """

    rule: str
    store_id: str
    style_id: str
    season_code: str
    category: str
    severity: Severity
    units_lost: float
    recoverable_units: float
    money_lost: Decimal
    act_by: date | None
    demand_ends: date | None
    evidence: str
    details: Mapping[str, Any] = field(default_factory=dict)
    drivers: Mapping[str, Any] = field(default_factory=dict)
    scope: Scope = Scope.STORE
    climate_zone: str = ""
    customers_lost: float = 0.0
    customers_this_week: float = 0.0
    margin_lost: Decimal | None = None
    reorderable_units: float = 0.0
    next_buy_units: float = 0.0
    season_ends: date | None = None
    parent: str = ""
    weak: bool = False

    @property
    def fingerprint(self) -> str:
        """Identity only: what it is about, never how bad it is or which model found it."""
        if self.scope == Scope.ZONE:
            return f"{self.rule}|zone:{self.climate_zone}|{self.category}|{self.season_code}"
        place = "chain" if self.scope == Scope.CHAIN else self.store_id
        return f"{self.rule}|{place}|{self.style_id}|{self.season_code}"

    @property
    def last_day(self) -> date | None:
        """The last day on which anything can be won; None where no season ends.

        Demand ends it, and so does the exit, unless the exit is the very thing that comes too early. A price
        cut that is closed in, and an exit, leave nothing of a plan to change: the night of that day finds
        nothing any more, and nobody has mended anything.
        """
        if self.season_ends is not None:
            return self.season_ends
        if (planned := self._planned_for) is not None:
            return planned - timedelta(days=1)
        leaves = self.details.get("exit") if self.rule != EXIT_BEFORE_DEMAND_ENDS else None
        ends = [day for day in (self.demand_ends, date.fromisoformat(leaves) if leaves else None) if day]
        return min(ends, default=None)

    @property
    def _planned_for(self) -> date | None:
        """The day after which a plan stands; None of what is no plan."""
        leaves = self.details.get("exit")
        if self.rule == STOCK_OUTLASTS_SEASON and leaves:
            return date.fromisoformat(leaves)
        return self.act_by if self.rule == MARKDOWN_BEFORE_PEAK else None

    @property
    def winnable_money(self) -> float:
        """The part of the money at stake that somebody can still do something about."""
        winnable = self.recoverable_units + self.reorderable_units
        return float(self.money_lost) * winnable / self.units_lost if self.units_lost > 0 else 0.0

    @property
    def is_out_of_stock(self) -> bool:
        """Whether it is no forecast any more: nothing of the sizes it names is left or on its way."""
        held = [self.details.get(name) for name in ("on_hand", "in_transit")]
        return self.rule == STOCKOUT_IN_SEASON and None not in held and not any(held)
