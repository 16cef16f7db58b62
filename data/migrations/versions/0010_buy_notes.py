"""Notes for the next buy."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "buy_notes",
        sa.Column("note_id", sa.Integer(), nullable=False),
        sa.Column("season_code", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("gender_age", sa.String(length=64), nullable=False),
        sa.Column("price_band", sa.String(length=64), nullable=False),
        sa.Column("need", sa.String(length=300), nullable=False),
        sa.Column("size", sa.String(length=32), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("stores", sa.Integer(), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("customers", sa.Double(), nullable=False),
        sa.Column("money", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("in_season_units", sa.Double(), nullable=False),
        sa.Column("after_units", sa.Double(), nullable=False),
        sa.Column("demand_units", sa.Double(), nullable=False),
        sa.Column("season_ends", sa.Date(), nullable=True),
        sa.Column("evidence", sa.String(length=32), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("note_id", name=op.f("pk_buy_notes")),
        sa.UniqueConstraint(
            "season_code", "need", "climate_zone", name=op.f("uq_buy_notes_season_code_need_climate_zone")
        ),
    )
    op.create_index(op.f("ix_buy_notes_category_season_ends"), "buy_notes", ["category", "season_ends"])


def downgrade() -> None:
    op.drop_table("buy_notes")
