"""What customers asked for, recorded in the app, and the newest stock that staff look it up in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "customer_requests",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("asked_at", INSTANT, nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(64), nullable=True),
        sa.Column("style_id", sa.String(64), nullable=True),
        sa.Column("size", sa.String(32), nullable=True),
        sa.Column("text", sa.String(200), nullable=True),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("source", sa.String(16), nullable=False),
        sa.Column("outcome", sa.String(32), nullable=False),
        sa.Column("holding_store_id", sa.String(64), nullable=True),
        sa.Column("outcome_at", INSTANT, nullable=True),
        sa.Column("undone_at", INSTANT, nullable=True),
        sa.Column("form_key", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("units BETWEEN 1 AND 99", name=op.f("ck_customer_requests_units")),
        sa.ForeignKeyConstraint(
            ["store_id"], ["stores.store_id"], name=op.f("fk_customer_requests_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["holding_store_id"], ["stores.store_id"], name=op.f("fk_customer_requests_holding_store_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_customer_requests_person_id")
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_customer_requests")),
        sa.UniqueConstraint("form_key", name=op.f("uq_customer_requests_form_key")),
    )
    op.create_index(
        op.f("ix_customer_requests_store_id_asked_at"), "customer_requests", ["store_id", "asked_at"]
    )
    op.create_table(
        "request_contacts",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(254), nullable=False),
        sa.Column("consent_at", INSTANT, nullable=False),
        sa.Column("expires_on", sa.Date(), nullable=False),
        sa.Column("gone_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["customer_requests.request_id"],
            name=op.f("fk_request_contacts_request_id"),
        ),
        sa.PrimaryKeyConstraint("request_id", name=op.f("pk_request_contacts")),
    )
    op.create_index(op.f("ix_request_contacts_expires_on"), "request_contacts", ["expires_on"])
    op.create_table(
        "newest_stock",
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("on_hand", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sku", "store_id", name=op.f("pk_newest_stock")),
    )
    op.create_index(op.f("ix_newest_stock_store_id"), "newest_stock", ["store_id"])
    op.create_table(
        "newest_counts",
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_newest_counts")),
    )


def downgrade() -> None:
    op.drop_table("newest_counts")
    op.drop_table("newest_stock")
    op.drop_table("request_contacts")
    op.drop_table("customer_requests")
