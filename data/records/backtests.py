"""How right the forecast would have been: the scores of each backtest, for the app to show."""

from __future__ import annotations

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from data.records.base import Record


class BacktestScore(Record):
    """The scores of one category, period and span of weeks ahead, in one run of kind `backtest`.

    A blank category or period stands for all of them. `demand` is in units; `wape`, `wpe`, `coverage` and
    `beyond_p90` are shares, `pinball` and `crps` units per row. A share of no demand at all is null. Only the
    rows of a run that has succeeded are complete.
    """

    __tablename__ = "backtest_scores"
    __table_args__ = (
        # Named by hand: the name of its columns is longer than PostgreSQL allows.
        UniqueConstraint(
            "run_id", "category", "period", "first_ahead", "last_ahead", name="uq_backtest_scores_place"
        ),
    )

    score_id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.run_id"))
    category: Mapped[str] = mapped_column(String(100), default="")
    period: Mapped[str] = mapped_column(String(32), default="")
    first_ahead: Mapped[int]
    last_ahead: Mapped[int]
    rows: Mapped[int]
    demand: Mapped[float]
    wape: Mapped[float | None]
    wpe: Mapped[float | None]
    pinball: Mapped[float]
    crps: Mapped[float]
    coverage: Mapped[float]
    beyond_p90: Mapped[float]
