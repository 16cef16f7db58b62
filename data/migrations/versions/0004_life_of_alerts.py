"""The life of alerts and the policies of the rules."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_LIVE = sa.text("status IN ('pending', 'open', 'acknowledged', 'snoozed')")
_REFUSAL = "the history of an alert is never rewritten"
# What a change of before was, by the only words its reason ever had.
_HAPPENED = (
    ("opened", "fires"),
    ("firing again", "fires"),
    ("no longer found", "clears"),
    ("its season is over", "season_ends"),
    ("acknowledged", "acknowledge"),
    ("the store's figures are late", "becomes_unknown"),
)
_NEW_FIGURES = ("customers_lost", "reorderable_units", "next_buy_units")
_NEW_DAYS = ("season_ends", "opened_on", "reopened_on", "closed_on", "acknowledged_until", "snoozed_until")


def upgrade() -> None:
    _policies()
    _new_columns()
    op.execute(
        # What an alert of before cannot know is taken as its first night would have left it; the next night
        # that finds it puts the figures right.
        "UPDATE alerts SET scope = 'store', climate_zone = '', customers_lost = units_lost, "
        "reorderable_units = 0, next_buy_units = 0, fired_nights = 1, clear_nights = 0, "
        "season_ends = demand_ends, opened_on = first_fired_on, "
        "closed_on = CASE WHEN closed_at IS NULL THEN NULL ELSE evaluated_on END, "
        "acknowledged_until = NULL"
    )
    op.execute("UPDATE alert_events SET what = 'fires'")
    for reason, what in _HAPPENED:
        op.execute(
            sa.text("UPDATE alert_events SET what = :what WHERE reason = :reason").bindparams(
                what=what, reason=reason
            )
        )
    _settle_columns()
    _guard_the_history()


def _policies() -> None:
    op.create_table(
        "policies",
        sa.Column("policy_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("thresholds", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=254), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("policy_id", name=op.f("pk_policies")),
        sa.UniqueConstraint("category", "number", name=op.f("uq_policies_category_number")),
    )


def _new_columns() -> None:
    op.add_column("alerts", sa.Column("scope", sa.String(length=32), nullable=True))
    op.add_column("alerts", sa.Column("climate_zone", sa.String(length=64), nullable=True))
    op.add_column("alerts", sa.Column("parent_id", sa.Integer(), nullable=True))
    for name in (*_NEW_FIGURES, "baseline_units"):
        op.add_column("alerts", sa.Column(name, sa.Double(), nullable=True))
    op.add_column("alerts", sa.Column("margin_lost", sa.Numeric(precision=12, scale=2), nullable=True))
    for name in ("fired_nights", "clear_nights"):
        op.add_column("alerts", sa.Column(name, sa.Integer(), nullable=True))
    for name in _NEW_DAYS:
        op.add_column("alerts", sa.Column(name, sa.Date(), nullable=True))
    op.add_column("alerts", sa.Column("dismissed_as", sa.String(length=32), nullable=True))
    op.add_column("alert_events", sa.Column("what", sa.String(length=32), nullable=True))
    op.add_column("alert_events", sa.Column("until", sa.Date(), nullable=True))


def _settle_columns() -> None:
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.alter_column("scope", existing_type=sa.String(length=32), nullable=False)
        batch_op.alter_column("climate_zone", existing_type=sa.String(length=64), nullable=False)
        for name in _NEW_FIGURES:
            batch_op.alter_column(name, existing_type=sa.Double(), nullable=False)
        for name in ("fired_nights", "clear_nights"):
            batch_op.alter_column(name, existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("store_id", existing_type=sa.String(length=64), nullable=True)
        batch_op.alter_column("opened_at", existing_type=sa.DateTime(timezone=True), nullable=True)
        batch_op.create_foreign_key(op.f("fk_alerts_parent_id"), "alerts", ["parent_id"], ["alert_id"])
        batch_op.create_index(batch_op.f("ix_alerts_fingerprint"), ["fingerprint"], unique=False)
        batch_op.create_index(batch_op.f("ix_alerts_parent_id"), ["parent_id"], unique=False)
    with op.batch_alter_table("alert_events", schema=None) as batch_op:
        batch_op.alter_column("what", existing_type=sa.String(length=32), nullable=False)


def _guard_the_history() -> None:
    """The database itself refuses to change or drop what has been written down."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER alert_events_no_{change.lower()} BEFORE {change} ON alert_events "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        "CREATE FUNCTION refuse_rewriting_alert_events() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        "CREATE TRIGGER alert_events_no_change BEFORE UPDATE OR DELETE ON alert_events "
        "FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_alert_events()"
    )


def downgrade() -> None:
    _unguard_the_history()
    # The program of that version knows alerts of one store only, and none that was never opened.
    unknown = "SELECT alert_id FROM alerts WHERE store_id IS NULL OR opened_at IS NULL"
    op.execute("UPDATE alerts SET parent_id = NULL")
    for table in ("alert_charts", "alert_events", "alerts"):
        op.execute(f"DELETE FROM {table} WHERE alert_id IN ({unknown})")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alerts_parent_id"))
        batch_op.drop_index(batch_op.f("ix_alerts_fingerprint"))
        batch_op.drop_constraint(op.f("fk_alerts_parent_id"), type_="foreignkey")
        batch_op.alter_column("opened_at", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.alter_column("store_id", existing_type=sa.String(length=64), nullable=False)
        for name in (
            "scope", "climate_zone", "parent_id", *_NEW_FIGURES, "baseline_units", "margin_lost",
            "fired_nights", "clear_nights", *_NEW_DAYS, "dismissed_as",
        ):  # fmt: skip
            batch_op.drop_column(name)
    with op.batch_alter_table("alert_events", schema=None) as batch_op:
        batch_op.drop_column("until")
        batch_op.drop_column("what")
    op.drop_table("policies")


def _unguard_the_history() -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(f"DROP TRIGGER alert_events_no_{change}")
        return
    op.execute("DROP TRIGGER alert_events_no_change ON alert_events")
    op.execute("DROP FUNCTION refuse_rewriting_alert_events()")
