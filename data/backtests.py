"""The backtests that have been made, and the scores of one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from sqlalchemy import select

from data.records import BacktestScore, Run, RunState

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from sqlalchemy.orm import Session

MOST_SHOWN: Final = 12
"""So many of the newest backtests can be chosen."""


@dataclass(frozen=True)
class Backtest:
    """One backtest: its run, the night whose history it used, when it was made, and what it covers.

    `origins` is how many times the past was foretold, `horizon` how many weeks ahead; a blank category stands
    for all of them.
    """

    run_id: int
    business_date: date
    made_at: datetime
    origins: int
    horizon: int
    category: str


def backtests(session: Session) -> list[Backtest]:
    """The newest backtests that were finished, newest first."""
    newest = select(BacktestScore.run_id).distinct().order_by(BacktestScore.run_id.desc()).limit(MOST_SHOWN)
    query = (
        select(Run.run_id, Run.business_date, Run.started_at, Run.details)
        .where(Run.run_id.in_(newest), Run.state == RunState.SUCCEEDED, Run.business_date.is_not(None))
        .order_by(Run.run_id.desc())
    )
    return [
        Backtest(
            run_id=run_id,
            business_date=business_date,
            made_at=made_at,
            origins=len(details.get("origins") or ()),
            horizon=int(details.get("horizon") or 0),
            category=str(details.get("category") or ""),
        )
        for run_id, business_date, made_at, details in session.execute(query)
        if business_date is not None
    ]


def scores_of(
    session: Session, backtest: Backtest, *, categories: Collection[str] | None = None
) -> Sequence[BacktestScore]:
    """The scores of a backtest, category by category, whole before parts.

    Args:
        session: for reading.
        backtest: one of `backtests`.
        categories: of these only, a blank one for the scores over all; None for every row.
    """
    query = select(BacktestScore).where(BacktestScore.run_id == backtest.run_id)
    if categories is not None:
        query = query.where(BacktestScore.category.in_(sorted(categories)))
    # As they were written: by category, period, and weeks ahead.
    return session.scalars(query.order_by(BacktestScore.score_id)).all()


def overall_scores(
    session: Session, backtest: Backtest, *, categories: Collection[str] | None = None
) -> Sequence[BacktestScore]:
    """One score per category, over all periods and weeks ahead, by name; the one over all is left out."""
    query = select(BacktestScore).where(
        BacktestScore.run_id == backtest.run_id,
        BacktestScore.category != "",
        BacktestScore.period == "",
        BacktestScore.first_ahead == 1,
        BacktestScore.last_ahead == backtest.horizon,
    )
    if categories is not None:
        query = query.where(BacktestScore.category.in_(sorted(categories)))
    return session.scalars(query.order_by(BacktestScore.category)).all()
