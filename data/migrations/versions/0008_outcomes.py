"""What became of each alert, and the effort of customers."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=12, scale=2)


def upgrade() -> None:
    _outcomes()
    _missed_losses()
    _store_effort()


def _outcomes() -> None:
    op.create_table(
        "alert_outcomes",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=32), nullable=False),
        sa.Column("judged_on", sa.Date(), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("units_happened", sa.Double(), nullable=False),
        sa.Column("units_recovered", sa.Double(), nullable=False),
        sa.Column("customers_happened", sa.Double(), nullable=False),
        sa.Column("customers_recovered", sa.Double(), nullable=False),
        sa.Column("money_happened", _MONEY, nullable=False),
        sa.Column("money_recovered", _MONEY, nullable=False),
        sa.Column("lead_days", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_outcomes_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert_outcomes")),
    )
    op.create_index(op.f("ix_alert_outcomes_ended_on"), "alert_outcomes", ["ended_on"])
    op.create_index(op.f("ix_alert_outcomes_verdict"), "alert_outcomes", ["verdict"])


def _missed_losses() -> None:
    op.create_table(
        "missed_losses",
        sa.Column("loss_id", sa.Integer(), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.Column("season_code", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("ended_on", sa.Date(), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("customers", sa.Double(), nullable=False),
        sa.Column("money", _MONEY, nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_missed_losses_store_id")),
        sa.PrimaryKeyConstraint("loss_id", name=op.f("pk_missed_losses")),
        sa.UniqueConstraint(
            "rule", "store_id", "style_id", "season_code", "ended_on", name=op.f("uq_missed_losses_place")
        ),
    )
    op.create_index(op.f("ix_missed_losses_ended_on"), "missed_losses", ["ended_on"])


def _store_effort() -> None:
    op.create_table(
        "store_effort",
        sa.Column("effort_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("need", sa.String(length=200), nullable=False),
        sa.Column("stores_visited", sa.Double(), nullable=False),
        sa.Column("miles", sa.Double(), nullable=False),
        sa.Column("found", sa.Double(), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("effort_id", name=op.f("pk_store_effort")),
        sa.UniqueConstraint(
            "business_date", "store_id", "need", name=op.f("uq_store_effort_business_date_store_id_need")
        ),
    )


def downgrade() -> None:
    for table in ("store_effort", "missed_losses", "alert_outcomes"):
        op.drop_table(table)
