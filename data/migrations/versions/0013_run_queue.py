"""Runs that are asked for, files that are looked at before they are loaded, and how fresh each feed is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_INSTANT = sa.DateTime(timezone=True)
_LIVE = sa.text("state IN ('waiting', 'running')")
_FEED_IN_DETAILS = {"sqlite": "json_extract(details, '$.feed')", "postgresql": "details ->> 'feed'"}


def upgrade() -> None:
    _run_requests()
    _uploads()
    op.create_table(
        "heartbeats",
        sa.Column("name", sa.String(32), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_heartbeats"),
    )
    op.create_table(
        "feed_days",
        sa.Column("feed", sa.String(32), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("newest", sa.Date(), nullable=False),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name="fk_feed_days_store_id"),
        sa.PrimaryKeyConstraint("feed", "store_id", name="pk_feed_days"),
    )
    _runs()
    for name in ("fired_before", "clear_before"):
        op.add_column("alerts", sa.Column(name, sa.Integer(), nullable=True))


def _run_requests() -> None:
    op.create_table(
        "run_requests",
        sa.Column("request_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("asked_by", sa.String(254), nullable=False),
        sa.Column("asked_at", _INSTANT, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("began_at", _INSTANT, nullable=True),
        sa.Column("ended_at", _INSTANT, nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_run_requests_run_id"),
        sa.PrimaryKeyConstraint("request_id", name="pk_run_requests"),
    )
    op.create_index(
        "uq_run_requests_live",
        "run_requests",
        ["business_date"],
        unique=True,
        sqlite_where=_LIVE,
        postgresql_where=_LIVE,
    )


def _uploads() -> None:
    op.create_table(
        "uploads",
        sa.Column("upload_id", sa.Integer(), nullable=False),
        sa.Column("feed", sa.String(32), nullable=False),
        sa.Column("file_name", sa.String(200), nullable=False),
        sa.Column("stored_as", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(32), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("uploaded_at", _INSTANT, nullable=False),
        sa.Column("expires_at", _INSTANT, nullable=False),
        sa.Column("preview", sa.JSON(), nullable=False),
        sa.Column("basis", sa.JSON(), nullable=False),
        sa.Column("rejects", sa.String(300), nullable=True),
        sa.Column("run_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name="fk_uploads_person_id"),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name="fk_uploads_run_id"),
        sa.PrimaryKeyConstraint("upload_id", name="pk_uploads"),
    )
    op.create_index("ix_uploads_state_expires_at", "uploads", ["state", "expires_at"])


def _runs() -> None:
    op.add_column("runs", sa.Column("feed", sa.String(32), nullable=True))
    named = _FEED_IN_DETAILS[op.get_bind().dialect.name]
    op.execute(f"UPDATE runs SET feed = {named} WHERE kind = 'import'")  # from the table above
    for columns in (("feed", "run_id"), ("kind", "run_id"), ("state", "run_id")):
        op.create_index(f"ix_runs_{'_'.join(columns)}", "runs", list(columns))
    for name in ("done", "total"):
        op.add_column("run_steps", sa.Column(name, sa.Integer(), nullable=True))


def downgrade() -> None:
    for name in ("clear_before", "fired_before"):
        op.drop_column("alerts", name)
    for name in ("total", "done"):
        op.drop_column("run_steps", name)
    for columns in (("state", "run_id"), ("kind", "run_id"), ("feed", "run_id")):
        op.drop_index(f"ix_runs_{'_'.join(columns)}", "runs")
    op.drop_column("runs", "feed")
    op.drop_table("feed_days")
    op.drop_table("heartbeats")
    op.drop_table("uploads")
    op.drop_table("run_requests")
