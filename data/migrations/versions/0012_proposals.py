"""Proposed calendars, forecast overrides, and calendar addresses."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_STATES = ("draft", "proposed", "approved", "refused", "withdrawn")
_ACTS = ("save", "change", "weigh", "forward", "approve", "refuse", "withdraw")
_REFUSAL = "the history of a proposal is never rewritten"
_INSTANT = sa.DateTime(timezone=True)
_WINDOW = "category, season_code, floor_set, exit, status, climate_zone, store_id, style_id"
_STEP = "category, season_code, effective_from, percent_off, climate_zone, store_id, style_id"
_TABLES = (
    "calendar_addresses", "override_effects", "forecast_overrides", "proposal_events", "proposals",
    "calendar_touches",
)  # fmt: skip


def upgrade() -> None:
    _touches()
    _proposals()
    _overrides()
    op.create_table(
        "calendar_addresses",
        sa.Column("address_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("last_used_at", _INSTANT, nullable=True),
        sa.Column("revoked_at", _INSTANT, nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name="fk_calendar_addresses_person_id"),
        sa.PrimaryKeyConstraint("address_id", name="pk_calendar_addresses"),
        sa.UniqueConstraint("token_hash", name="uq_calendar_addresses_token_hash"),
    )
    op.create_index("ix_calendar_addresses_person_id", "calendar_addresses", ["person_id"])


def _touches() -> None:
    op.create_table(
        "calendar_touches",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("season_code", sa.String(32), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["calendar_versions.version_id"], name="fk_calendar_touches_version_id"
        ),
        sa.PrimaryKeyConstraint("version_id", "category", "season_code", name="pk_calendar_touches"),
    )
    op.create_index(
        "ix_calendar_touches_category_season_code_version_id",
        "calendar_touches",
        ["category", "season_code", "version_id"],
    )
    versions = op.get_bind().execute(sa.text("SELECT version_id FROM calendar_versions ORDER BY version_id"))
    before = None
    for (version,) in versions.all():
        for table, columns in (("selling_windows", _WINDOW), ("markdown_steps", _STEP)):
            _note_what_changed(table, columns, version, before)
        before = version


def _note_what_changed(table: str, columns: str, version: int, before: int | None) -> None:
    """Write down the seasons of which a version has other rows than the one before it."""
    rows = f"SELECT {columns} FROM {table} WHERE version_id = "
    op.get_bind().execute(
        sa.text(
            "INSERT INTO calendar_touches (version_id, category, season_code) "
            f"SELECT DISTINCT {version}, category, season_code FROM ("
            f"SELECT * FROM ({rows}:now EXCEPT {rows}:before) AS added UNION ALL "
            f"SELECT * FROM ({rows}:before EXCEPT {rows}:now) AS gone) AS changed "
            "WHERE NOT EXISTS (SELECT 1 FROM calendar_touches AS t WHERE t.version_id = :now "
            "AND t.category = changed.category AND t.season_code = changed.season_code)"
        ),
        {"now": version, "before": -1 if before is None else before},
    )


def _proposals() -> None:
    op.create_table(
        "proposals",
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("season_code", sa.String(32), nullable=False),
        sa.Column("zones", sa.JSON(), nullable=False),
        sa.Column("plan", sa.JSON(), nullable=False),
        sa.Column("today", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("own_dates", sa.Enum("keep", "set", name="owndates", native_enum=False, length=32),
                  nullable=False),
        sa.Column("based_on", sa.Integer(), nullable=False),
        sa.Column("weighed_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", _state(), nullable=False),
        sa.Column("author", sa.String(254), nullable=False),
        sa.Column("created_at", _INSTANT, nullable=False),
        sa.Column("changed_at", _INSTANT, nullable=False),
        sa.Column("calendar_version_id", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["based_on"], ["calendar_versions.version_id"], name="fk_proposals_based_on"),
        sa.ForeignKeyConstraint(
            ["calendar_version_id"],
            ["calendar_versions.version_id"],
            name="fk_proposals_calendar_version_id",
        ),
        sa.PrimaryKeyConstraint("proposal_id", name="pk_proposals"),
    )  # fmt: skip
    op.create_index("ix_proposals_state_category_proposal_id", "proposals",
                    ["state", "category", "proposal_id"])  # fmt: skip
    op.create_index("ix_proposals_category_season_code", "proposals", ["category", "season_code"])
    op.create_table(
        "proposal_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("proposal_id", sa.Integer(), nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("who", sa.String(254), nullable=False),
        sa.Column("act", sa.Enum(*_ACTS, name="proposalact", native_enum=False, length=32), nullable=False),
        sa.Column("from_state", _state(), nullable=True),
        sa.Column("to_state", _state(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["proposal_id"], ["proposals.proposal_id"], name="fk_proposal_events_proposal_id"
        ),
        sa.PrimaryKeyConstraint("event_id", name="pk_proposal_events"),
    )
    op.create_index("ix_proposal_events_proposal_id", "proposal_events", ["proposal_id"])
    _only_add_to("proposal_events")


def _overrides() -> None:
    op.create_table(
        "forecast_overrides",
        sa.Column("override_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(100), nullable=False),
        sa.Column("climate_zone", sa.String(64), nullable=False),
        sa.Column("store_id", sa.String(64), nullable=False),
        sa.Column("style_id", sa.String(64), nullable=False),
        sa.Column("first_week", sa.Date(), nullable=False),
        sa.Column("last_week", sa.Date(), nullable=False),
        sa.Column("measure", sa.Enum("factor", "units", name="measure", native_enum=False, length=32),
                  nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.Enum("in_force", "withdrawn", name="overridestate", native_enum=False,
                                   length=32), nullable=False),
        sa.Column("author", sa.String(254), nullable=False),
        sa.Column("made_at", _INSTANT, nullable=False),
        sa.Column("made_on", sa.Date(), nullable=False),
        sa.Column("withdrawn_by", sa.String(254), nullable=False),
        sa.Column("withdrawn_at", _INSTANT, nullable=True),
        sa.Column("withdrawn_on", sa.Date(), nullable=True),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("first_week <= last_week", name=op.f("ck_forecast_overrides_order")),
        sa.PrimaryKeyConstraint("override_id", name="pk_forecast_overrides"),
    )  # fmt: skip
    op.create_index("ix_forecast_overrides_state_last_week", "forecast_overrides", ["state", "last_week"])
    op.create_index("ix_forecast_overrides_category_override_id", "forecast_overrides",
                    ["category", "override_id"])  # fmt: skip
    op.create_table(
        "override_effects",
        sa.Column("override_id", sa.Integer(), nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=False),
        sa.Column("passed", sa.Integer(), nullable=False),
        sa.Column("weeks", sa.Integer(), nullable=False),
        sa.Column("sold", sa.Double(), nullable=False),
        sa.Column("foretold_with", sa.Double(), nullable=False),
        sa.Column("foretold_without", sa.Double(), nullable=False),
        sa.Column("error_with", sa.Double(), nullable=True),
        sa.Column("error_without", sa.Double(), nullable=True),
        sa.ForeignKeyConstraint(
            ["override_id"], ["forecast_overrides.override_id"], name="fk_override_effects_override_id"
        ),
        sa.PrimaryKeyConstraint("override_id", name="pk_override_effects"),
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
    return sa.Enum(*_STATES, name="proposalstate", native_enum=False, length=32)


def downgrade() -> None:
    for name in _TABLES:
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_rewriting_proposal_events()")
