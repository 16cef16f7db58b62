"""How right the forecast would have been, in words that need no statistics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from web.rendering.words import count, number

if TYPE_CHECKING:
    from data.backtests import Backtest
    from data.records import BacktestScore

ENOUGH_WEEKS: Final = 50
"""Of fewer weeks of single skus no share is told."""

# An interval of eighty in a hundred holds more where units are few, and never much less.
_LEAST_INSIDE, _MOST_INSIDE = 0.75, 0.95
_MOST_ABOVE: Final = 0.15
_BIASED: Final = 0.15
_PERIODS: Final = {
    "in_season": "In season",
    "before_floor_set": "Before the floor-set",
    "after_exit": "After the exit",
    "dead_season": "Dead season",
    "": "All year",
}


@dataclass(frozen=True)
class Accuracy:
    """A score in words: how far off, on which side, how often inside the range, and what to make of it."""

    off: str
    side: str
    inside: str
    verdict: str

    @property
    def sentence(self) -> str:
        """All of it."""
        return f"{self.off}, {self.side}. {self.inside}."


def accuracy(score: BacktestScore) -> Accuracy | None:
    """A score in words; None where it rests on too little or nothing was sold."""
    if score.rows < ENOUGH_WEEKS or score.wape is None or score.wpe is None:
        return None
    inside = round(100 * score.coverage)
    return Accuracy(
        off=f"For every 100 sold the forecast was {number(100 * score.wape)} off",
        side=_side(score.wpe),
        inside=f"Of 100 weeks, {number(inside)} fell inside the likely range",
        verdict=_verdict(score),
    )


def too_few(score: BacktestScore) -> str:
    """Why a score is not told."""
    if score.rows < ENOUGH_WEEKS:
        return f"too few to tell: {count(score.rows, 'week')}"
    return "nothing was sold"


def period_name(period: str) -> str:
    """A period of the year in a word or two."""
    return _PERIODS.get(period, period.replace("_", " ").capitalize())


def weeks_ahead(score: BacktestScore) -> str:
    """How far ahead it was foretold."""
    if score.first_ahead == score.last_ahead:
        return count(score.first_ahead, "week")
    return f"{number(score.first_ahead)} to {count(score.last_ahead, 'week')}"


def played(backtest: Backtest) -> str:
    """What a backtest did, as a sentence."""
    of = f" of {backtest.category}" if backtest.category else ""
    times = count(backtest.origins, "time") if backtest.origins != 1 else "once"
    return (
        f"The history{of} was foretold {times}, {count(backtest.horizon, 'week')} ahead each time, with "
        "nothing known of what came later, and held against what was sold at full price from a full shelf."
    )


def _side(wpe: float) -> str:
    per = round(100 * abs(wpe))
    if not per:
        return "and neither too high nor too low on balance"
    return f"on balance {number(per)} too {'high' if wpe > 0 else 'low'}"


def _verdict(score: BacktestScore) -> str:
    if score.coverage < _LEAST_INSIDE or score.beyond_p90 > _MOST_ABOVE:
        return "Surer than it should be"
    if score.wpe is not None and abs(score.wpe) > _BIASED:
        return "Too high" if score.wpe > 0 else "Too low"
    if score.coverage > _MOST_INSIDE:
        return "Less sure than it could be"
    return "As it should be"
