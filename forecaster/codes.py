"""The codes of the rules, by which every package calls them; free of anything slow to import."""

from __future__ import annotations

from typing import Final

EXIT_BEFORE_DEMAND_ENDS: Final = "exit_before_demand_ends"
STOCKOUT_IN_SEASON: Final = "stockout_in_season"
