"""What the season planner opens with, and the gap by week."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "gap_weeks",
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        sa.Column("demand_units", sa.Double(), nullable=False),
        sa.Column("demand_money", sa.Double(), nullable=False),
        sa.Column("lost_units", sa.Double(), nullable=False),
        sa.Column("lost_money", sa.Double(), nullable=False),
        sa.Column("before_units", sa.Double(), nullable=False),
        sa.Column("in_season_units", sa.Double(), nullable=False),
        sa.Column("after_units", sa.Double(), nullable=False),
        sa.Column("on_floor", sa.Double(), nullable=False),
        sa.Column("evidence", sa.String(length=32), nullable=False),
        sa.CheckConstraint("on_floor BETWEEN 0 AND 1", name=op.f("ck_gap_weeks_on_floor")),
        sa.PrimaryKeyConstraint(
            "business_date", "category", "climate_zone", "week", name=op.f("pk_gap_weeks")
        ),
    )
    op.create_table(
        "plan_sheets",
        sa.Column("sheet_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("season_code", sa.String(length=32), nullable=False),
        sa.Column("calendar_version", sa.Integer(), nullable=True),
        sa.Column("floor_set", sa.Date(), nullable=False),
        sa.Column("exit", sa.Date(), nullable=False),
        sa.Column("stores", sa.Integer(), nullable=False),
        sa.Column("styles", sa.Integer(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("svg", sa.Text(), nullable=False),
        sa.Column("table", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("sheet_id", name=op.f("pk_plan_sheets")),
        sa.UniqueConstraint(
            "business_date",
            "category",
            "climate_zone",
            "season_code",
            name=op.f("uq_plan_sheets_business_date_category_climate_zone_season_code"),
        ),
    )


def downgrade() -> None:
    op.drop_table("plan_sheets")
    op.drop_table("gap_weeks")
