"""Scores of backtests."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "backtest_scores",
        sa.Column("score_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("period", sa.String(length=32), nullable=False),
        sa.Column("first_ahead", sa.Integer(), nullable=False),
        sa.Column("last_ahead", sa.Integer(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("demand", sa.Double(), nullable=False),
        sa.Column("wape", sa.Double(), nullable=True),
        sa.Column("wpe", sa.Double(), nullable=True),
        sa.Column("pinball", sa.Double(), nullable=False),
        sa.Column("crps", sa.Double(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("beyond_p90", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_backtest_scores_run_id")),
        sa.PrimaryKeyConstraint("score_id", name=op.f("pk_backtest_scores")),
        sa.UniqueConstraint(
            "run_id",
            "category",
            "period",
            "first_ahead",
            "last_ahead",
            name=op.f("uq_backtest_scores_place"),
        ),
    )


def downgrade() -> None:
    op.drop_table("backtest_scores")
    # The program of that version knows no such kind of run.
    op.execute("DELETE FROM runs WHERE kind = 'backtest'")
