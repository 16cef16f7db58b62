"""The markdown plans of a category, weighed on what the newest night knew."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from data.planning.making import make_board
from data.planning.reading import read_newest

if TYPE_CHECKING:
    from data.database import Database
    from data.facts.store import FactsStore
    from data.planning.assumed import Prices
    from data.planning.board import Board
    from forecaster import PlanReport, PlanRules
    from forecaster.plans import Stakes


@dataclass(frozen=True)
class Planned:
    """What came of a category's plans."""

    board: Board
    report: PlanReport


def plan_category(
    database: Database,
    facts: FactsStore,
    category: str,
    *,
    climate_zone: str | None,
    stakes: Stakes,
    rules: PlanRules,
    prices: Prices,
) -> Planned:
    """Weigh the plans around today's for a category, of one climate zone or the chain.

    Raises:
        InSeasonError: no night has run, the category or zone is not known, or there is nothing to plan.
    """
    board = make_board(read_newest(database, facts, category, prices=prices), climate_zone or "")
    return Planned(board, board.weigh(board.candidates(rules), stakes=stakes, rules=rules))
