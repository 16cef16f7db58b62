"""What makes a gap worth telling: every threshold of the rules, in one place."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class RulePolicy:
    """What makes a gap worth telling.

    Attributes:
        min_units: expected units lost below which no finding is made.
        material_week_share: a week counts as demand while it has at least this share of the demand of the
            style's highest week in that store; the last such week ends the demand.
        exit_weeks_ahead: an exit is told this many weeks before it comes.
        exit_weeks_after: and for this many weeks after it has passed, while demand lasts.
        min_stockout_weeks: stockouts are looked for over the lead time in weeks plus one, and never less
            than this many weeks.
        max_stockout_weeks: nor more than this many: an order placed half a year ahead says nothing about
            what to do today.
        min_lost_share: units lost must be at least this share of the demand they are part of.
        high_units: a finding of at least this many units is one step more severe.
        urgent_days: a finding to act on within this many days is one step more severe.
    """

    min_units: float = 3.0
    material_week_share: float = 0.10
    exit_weeks_ahead: int = 10
    exit_weeks_after: int = 10
    min_stockout_weeks: int = 3
    max_stockout_weeks: int = 6
    min_lost_share: float = 0.10
    high_units: float = 12.0
    urgent_days: int = 14
