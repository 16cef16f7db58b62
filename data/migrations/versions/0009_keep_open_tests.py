"""Keep-open tests, from their proposal to their reading."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_LIVE = sa.text("state IN ('proposed', 'running')")


def upgrade() -> None:
    op.create_table(
        "keep_open_tests",
        sa.Column("test_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("season_code", sa.String(length=64), nullable=False),
        sa.Column("exit", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("proposed_on", sa.Date(), nullable=False),
        sa.Column("reads_on", sa.Date(), nullable=False),
        sa.Column("expected_units", sa.Double(), nullable=False),
        sa.Column("expected_cost", sa.Numeric(12, 2), nullable=False),
        sa.Column("margin_at_stake", sa.Numeric(12, 2), nullable=False),
        sa.Column("standard_error", sa.Double(), nullable=False),
        sa.Column("design", sa.JSON(), nullable=False),
        sa.Column("started_by", sa.String(length=254), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("ratio", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("test_id", name=op.f("pk_keep_open_tests")),
    )
    op.create_index(
        "uq_keep_open_tests_live",
        "keep_open_tests",
        ["category", "season_code"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )
    op.create_index("ix_keep_open_tests_state_reads_on", "keep_open_tests", ["state", "reads_on"])


def downgrade() -> None:
    op.drop_table("keep_open_tests")
