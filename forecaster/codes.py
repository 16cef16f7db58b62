"""The codes of the rules, by which every package calls them; free of anything slow to import."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

EXIT_BEFORE_DEMAND_ENDS: Final = "exit_before_demand_ends"
FLOOR_SET_AFTER_DEMAND_STARTS: Final = "floor_set_after_demand_starts"
STOCKOUT_IN_SEASON: Final = "stockout_in_season"
MARKDOWN_BEFORE_PEAK: Final = "markdown_before_peak"
STOCK_OUTLASTS_SEASON: Final = "stock_outlasts_season"
BROKEN_SIZE_RUN: Final = "broken_size_run"
ASKED_NOT_FOUND: Final = "asked_not_found"
PHANTOM_STOCK: Final = "phantom_stock"
FEED_LATE: Final = "feed_late"

RULES: Final = (
    EXIT_BEFORE_DEMAND_ENDS,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    STOCKOUT_IN_SEASON,
    MARKDOWN_BEFORE_PEAK,
    STOCK_OUTLASTS_SEASON,
    BROKEN_SIZE_RUN,
    ASKED_NOT_FOUND,
    PHANTOM_STOCK,
    FEED_LATE,
)

CALENDAR_CAUSES: Final = (
    EXIT_BEFORE_DEMAND_ENDS,
    FLOOR_SET_AFTER_DEMAND_STARTS,
    MARKDOWN_BEFORE_PEAK,
    STOCK_OUTLASTS_SEASON,
)
"""Rules whose cause is a date of the trade's calendar: one decision of the merchandiser mends many stores."""


class OutcomeVerdict(StrEnum):
    """What became of what an alert foretold."""

    HAPPENED = "happened"
    AVERTED = "averted"
    DID_NOT_HAPPEN = "did_not_happen"
    CANNOT_TELL = "cannot_tell"
