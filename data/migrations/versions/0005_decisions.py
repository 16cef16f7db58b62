"""What can be done about an alert, and what people decided."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATES = (
    "requested", "approved", "refused", "accepted", "declined", "shipped", "received", "done", "withdrawn",
)  # fmt: skip
_OPEN = sa.text("state IN ('requested', 'approved', 'accepted', 'shipped')")
_REFUSAL = "the history of a decision is never rewritten"
_MONEY = sa.Numeric(12, 2)
_INSTANT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "alert_actions",
        sa.Column("action_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("cost", _MONEY, nullable=True),
        sa.Column("benefit", _MONEY, nullable=True),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("evaluated_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_alert_actions_alert_id"),
        sa.PrimaryKeyConstraint("action_id", name="pk_alert_actions"),
        sa.UniqueConstraint("alert_id", "rank", name="uq_alert_actions_alert_id_rank"),
    )
    _decisions()
    _consignments()
    op.create_table(
        "decision_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("consignment_id", sa.Integer(), nullable=True),
        sa.Column("stroke", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String(254), nullable=False),
        sa.Column("how", sa.String(16), nullable=False),
        sa.Column("act", sa.String(16), nullable=False),
        sa.Column("from_state", _state(), nullable=True),
        sa.Column("to_state", _state(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.decision_id"], name="fk_decision_events_decision_id"
        ),
        sa.ForeignKeyConstraint(
            ["consignment_id"], ["consignments.consignment_id"], name="fk_decision_events_consignment_id"
        ),
        sa.PrimaryKeyConstraint("event_id", name="pk_decision_events"),
    )
    op.create_index("ix_decision_events_decision_id", "decision_events", ["decision_id"])
    _only_add_to("decision_events")


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("state", _state(), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=True),
        sa.Column("climate_zone", sa.String(64), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("style_id", sa.String(64), nullable=False),
        sa.Column("style_name", sa.String(200), nullable=False),
        sa.Column("season_code", sa.String(64), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("cost", _MONEY, nullable=True),
        sa.Column("benefit", _MONEY, nullable=True),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("offered_on", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.String(254), nullable=False),
        sa.Column("requested_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("calendar_version_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name="fk_decisions_alert_id"),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name="fk_decisions_store_id"),
        sa.ForeignKeyConstraint(
            ["calendar_version_id"],
            ["calendar_versions.version_id"],
            name="fk_decisions_calendar_version_id",
        ),
        sa.PrimaryKeyConstraint("decision_id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_alert_id", "decisions", ["alert_id"])
    op.create_index("ix_decisions_store_id_state", "decisions", ["store_id", "state"])
    op.create_index("ix_decisions_state_category", "decisions", ["state", "category"])
    op.create_index(
        "uq_decisions_open",
        "decisions",
        ["alert_id", "kind"],
        unique=True,
        sqlite_where=_OPEN,
        postgresql_where=_OPEN,
    )


def _consignments() -> None:
    op.create_table(
        "consignments",
        sa.Column("consignment_id", sa.Integer(), nullable=False),
        sa.Column("decision_id", sa.Integer(), nullable=False),
        sa.Column("from_store", sa.String(64), nullable=False),
        sa.Column("to_store", sa.String(64), nullable=False),
        sa.Column("state", _state(), nullable=False),
        sa.Column("ships_by", sa.Date(), nullable=True),
        sa.Column("arrives_on", sa.Date(), nullable=True),
        sa.Column("miles", sa.Double(), nullable=True),
        sa.Column("shipped_on", sa.Date(), nullable=True),
        sa.Column("received_on", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["decision_id"], ["decisions.decision_id"], name="fk_consignments_decision_id"
        ),
        sa.ForeignKeyConstraint(["from_store"], ["stores.store_id"], name="fk_consignments_from_store"),
        sa.ForeignKeyConstraint(["to_store"], ["stores.store_id"], name="fk_consignments_to_store"),
        sa.PrimaryKeyConstraint("consignment_id", name="pk_consignments"),
    )
    op.create_index("ix_consignments_decision_id", "consignments", ["decision_id"])
    op.create_index("ix_consignments_from_store_state", "consignments", ["from_store", "state"])
    op.create_index("ix_consignments_to_store", "consignments", ["to_store"])
    op.create_table(
        "consignment_lines",
        sa.Column("consignment_id", sa.Integer(), nullable=False),
        sa.Column("sku", sa.String(64), nullable=False),
        sa.Column("units", sa.Integer(), nullable=False),
        sa.Column("received", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["consignment_id"],
            ["consignments.consignment_id"],
            name="fk_consignment_lines_consignment_id",
        ),
        sa.PrimaryKeyConstraint("consignment_id", "sku", name="pk_consignment_lines"),
    )


def _only_add_to(table: str) -> None:
    """Rows of a history are never changed and never taken away, whoever asks."""
    if op.get_bind().dialect.name == "sqlite":
        for change in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change.lower()} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION refuse_rewriting_{table}() RETURNS trigger LANGUAGE plpgsql AS "
        f"$$ BEGIN RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_no_change BEFORE UPDATE OR DELETE ON {table} "
        f"FOR EACH ROW EXECUTE FUNCTION refuse_rewriting_{table}()"
    )


def _state() -> sa.Enum:
    return sa.Enum(*_STATES, name="decisionstate", native_enum=False, length=32)


def downgrade() -> None:
    for name in ("decision_events", "consignment_lines", "consignments", "decisions", "alert_actions"):
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_rewriting_decision_events()")
