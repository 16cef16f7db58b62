"""The codes of rules, actions and verdicts, the same in every package; free of anything slow to import."""

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

WATCHED: Final = frozenset({EXIT_BEFORE_DEMAND_ENDS, STOCKOUT_IN_SEASON, BROKEN_SIZE_RUN})
"""Rules whose losses are looked for where no alert spoke of them: only of these can recall be told."""


RELEASE_FROM_DC: Final = "release_from_dc"
TRANSFER: Final = "transfer"
REORDER: Final = "reorder"
HOLD_MARKDOWN: Final = "hold_markdown"
EXTEND_EXIT: Final = "extend_exit"
BRING_FLOOR_SET_FORWARD: Final = "bring_floor_set_forward"
KEEP_OPEN_TEST: Final = "keep_open_test"
COUNT_SHELF: Final = "count_shelf"

KINDS: Final = (
    RELEASE_FROM_DC,
    TRANSFER,
    REORDER,
    HOLD_MARKDOWN,
    EXTEND_EXIT,
    BRING_FLOOR_SET_FORWARD,
    KEEP_OPEN_TEST,
    COUNT_SHELF,
)
"""Kinds of what can be done about an alert; among equals the first is offered first."""


class OutcomeVerdict(StrEnum):
    """What became of what an alert foretold."""

    HAPPENED = "happened"
    AVERTED = "averted"
    DID_NOT_HAPPEN = "did_not_happen"
    CANNOT_TELL = "cannot_tell"


class Evidence(StrEnum):
    """What a forecast for a category x zone x week rests on."""

    OBSERVED = "observed"
    REQUESTED = "requested"
    BORROWED = "borrowed"
    UNKNOWN = "unknown"


STRONGEST_FIRST = (Evidence.OBSERVED, Evidence.REQUESTED, Evidence.BORROWED, Evidence.UNKNOWN)
