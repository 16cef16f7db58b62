"""Whom each alert turns away this week, and what long lists need to be quick."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_WORST = ("money_lost", "units_lost", "alert_id")
_FILTERED = ("category", "opened_on", "parent_id", "severity", "rule")
# Table and columns of each index by its name.
_OLD = {
    "ix_alerts_parent_id": ("alerts", "parent_id"),
    "ix_alerts_store_id_status": ("alerts", "store_id", "status"),
    "ix_alerts_status_money_lost": ("alerts", "status", "money_lost"),
    "ix_alerts_status_category_money_lost": ("alerts", "status", "category", "money_lost"),
    "ix_newest_stock_store_id": ("newest_stock", "store_id"),
}
_NEW = {
    "ix_alerts_worst": ("alerts", "status", *_WORST, *_FILTERED),
    "ix_alerts_worst_of_category": ("alerts", "status", "category", *_WORST, *_FILTERED[1:]),
    "ix_alerts_worst_of_store": ("alerts", "store_id", "status", *_WORST),
    "ix_alerts_worst_of_group": ("alerts", "parent_id", "status", *_WORST),
    "ix_alerts_this_week": ("alerts", "status", "scope", "category", "store_id", "customers_this_week"),
    "ix_newest_stock_sku_store_id_on_hand": ("newest_stock", "sku", "store_id", "on_hand"),
    "ix_newest_stock_store_id_sku_on_hand": ("newest_stock", "store_id", "sku", "on_hand"),
    "ix_decisions_changed_at": ("decisions", "changed_at"),
    "ix_consignment_lines_sku": ("consignment_lines", "sku"),
    "ix_customer_requests_outcome_outcome_at": ("customer_requests", "outcome", "outcome_at"),
}


def upgrade() -> None:
    # An alert of before has none until the next night finds it again.
    op.add_column("alerts", sa.Column("customers_this_week", sa.Double(), nullable=True))
    _exchange(_OLD, _NEW)


def downgrade() -> None:
    _exchange(_NEW, _OLD)
    op.drop_column("alerts", "customers_this_week")


def _exchange(old: dict[str, tuple[str, ...]], new: dict[str, tuple[str, ...]]) -> None:
    for name, (table, *_) in old.items():
        op.drop_index(op.f(name), table_name=table)
    for name, (table, *columns) in new.items():
        op.create_index(op.f(name), table, columns)
