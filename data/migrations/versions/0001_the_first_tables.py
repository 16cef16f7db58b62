"""The first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "calendar_versions",
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("version_id", name=op.f("pk_calendar_versions")),
    )
    op.create_table(
        "climate_normals",
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("week", sa.Integer(), nullable=False),
        sa.Column("normal_temperature", sa.Double(), nullable=False),
        sa.CheckConstraint("week BETWEEN 1 AND 52", name=op.f("ck_climate_normals_week")),
        sa.PrimaryKeyConstraint("climate_zone", "store_id", "week", name=op.f("pk_climate_normals")),
    )
    op.create_table(
        "login_attempts",
        sa.Column("attempt_id", sa.Integer(), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("attempt_id", name=op.f("pk_login_attempts")),
    )
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_login_attempts_subject_at"), ["subject", "at"], unique=False)

    op.create_table(
        "people",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=32), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_people")),
        sa.UniqueConstraint("email", name=op.f("uq_people_email")),
    )
    op.create_table(
        "products",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.Column("style_name", sa.String(length=200), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("department", sa.String(length=100), nullable=False),
        sa.Column("gender_age", sa.String(length=64), nullable=False),
        sa.Column("size", sa.String(length=32), nullable=False),
        sa.Column("color", sa.String(length=64), nullable=False),
        sa.Column("season_code", sa.String(length=32), nullable=False),
        sa.Column("buy_type", sa.String(length=32), nullable=False),
        sa.Column("replaces_sku", sa.String(length=64), nullable=True),
        sa.Column("regular_price", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("unit_cost", sa.Numeric(precision=12, scale=2), nullable=True),
        sa.Column("pack_size", sa.Integer(), nullable=False),
        sa.Column("lead_time_days", sa.Integer(), nullable=True),
        sa.PrimaryKeyConstraint("sku", name=op.f("pk_products")),
    )
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_products_category"), ["category"], unique=False)
        batch_op.create_index(batch_op.f("ix_products_style_id"), ["style_id"], unique=False)

    op.create_table(
        "runs",
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", name=op.f("pk_runs")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_started_at"), ["started_at"], unique=False)
        batch_op.create_index(
            "uq_runs_night",
            ["business_date"],
            unique=True,
            sqlite_where=sa.text("kind = 'night'"),
            postgresql_where=sa.text("kind = 'night'"),
        )

    op.create_table(
        "stores",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("latitude", sa.Double(), nullable=True),
        sa.Column("longitude", sa.Double(), nullable=True),
        sa.Column("timezone", sa.String(length=64), nullable=True),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("manager_email", sa.String(length=254), nullable=True),
        sa.Column("phone", sa.String(length=40), nullable=True),
        sa.Column("opened_on", sa.Date(), nullable=True),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.PrimaryKeyConstraint("store_id", name=op.f("pk_stores")),
    )
    op.create_table(
        "alerts",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("fingerprint", sa.String(length=300), nullable=False),
        sa.Column("rule", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.Column("season_code", sa.String(length=64), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("condition", sa.String(length=32), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("units_lost", sa.Double(), nullable=False),
        sa.Column("recoverable_units", sa.Double(), nullable=False),
        sa.Column("money_lost", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("demand_ends", sa.Date(), nullable=True),
        sa.Column("evidence", sa.String(length=32), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("first_fired_on", sa.Date(), nullable=False),
        sa.Column("evaluated_on", sa.Date(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_alerts_store_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alerts")),
    )
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_alerts_status_category_money_lost"),
            ["status", "category", "money_lost"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_alerts_status_money_lost"), ["status", "money_lost"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_alerts_store_id_status"), ["store_id", "status"], unique=False)
        batch_op.create_index(
            "uq_alerts_live_fingerprint",
            ["fingerprint"],
            unique=True,
            sqlite_where=sa.text("status IN ('pending', 'open', 'acknowledged', 'snoozed')"),
            postgresql_where=sa.text("status IN ('pending', 'open', 'acknowledged', 'snoozed')"),
        )

    op.create_table(
        "markdown_steps",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("season_code", sa.String(length=32), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("percent_off", sa.Double(), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint("percent_off >= 0 AND percent_off <= 100", name=op.f("ck_markdown_steps_percent")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["calendar_versions.version_id"], name=op.f("fk_markdown_steps_version_id")
        ),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_markdown_steps")),
    )
    with op.batch_alter_table("markdown_steps", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_markdown_steps_version_id_category"), ["version_id", "category"], unique=False
        )

    op.create_table(
        "outbox",
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("to_address", sa.String(length=254), nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_outbox_person_id")),
        sa.PrimaryKeyConstraint("mail_id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("message_id", name=op.f("uq_outbox_message_id")),
        sa.UniqueConstraint(
            "person_id", "business_date", "kind", name=op.f("uq_outbox_person_id_business_date_kind")
        ),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_state_due_at"), ["state", "due_at"], unique=False)

    op.create_table(
        "person_categories",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_person_categories_person_id")
        ),
        sa.PrimaryKeyConstraint("person_id", "category", name=op.f("pk_person_categories")),
    )
    op.create_table(
        "person_stores",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_person_stores_person_id")),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_person_stores_store_id")),
        sa.PrimaryKeyConstraint("person_id", "store_id", name=op.f("pk_person_stores")),
    )
    op.create_table(
        "prices",
        sa.Column("sku", sa.String(length=64), nullable=False),
        sa.Column("effective_from", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("price", sa.Numeric(precision=12, scale=2), nullable=False),
        sa.ForeignKeyConstraint(["sku"], ["products.sku"], name=op.f("fk_prices_sku")),
        sa.PrimaryKeyConstraint(
            "sku", "effective_from", "kind", "climate_zone", "store_id", name=op.f("pk_prices")
        ),
    )
    op.create_table(
        "publications",
        sa.Column("publication_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("table_name", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_publications_run_id")),
        sa.PrimaryKeyConstraint("publication_id", name=op.f("pk_publications")),
    )
    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_publications_table_name_version"), ["table_name", "version"], unique=False
        )

    op.create_table(
        "ranging",
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("presentation_minimum", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["store_id"], ["stores.store_id"], name=op.f("fk_ranging_store_id")),
        sa.PrimaryKeyConstraint("store_id", "style_id", "valid_from", name=op.f("pk_ranging")),
    )
    op.create_table(
        "run_steps",
        sa.Column("step_id", sa.Integer(), nullable=False),
        sa.Column("run_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("rows", sa.Integer(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["runs.run_id"], name=op.f("fk_run_steps_run_id")),
        sa.PrimaryKeyConstraint("step_id", name=op.f("pk_run_steps")),
        sa.UniqueConstraint("run_id", "name", name=op.f("uq_run_steps_run_id_name")),
    )
    op.create_table(
        "selling_windows",
        sa.Column("window_id", sa.Integer(), nullable=False),
        sa.Column("version_id", sa.Integer(), nullable=False),
        sa.Column("category", sa.String(length=100), nullable=False),
        sa.Column("season_code", sa.String(length=32), nullable=False),
        sa.Column("floor_set", sa.Date(), nullable=False),
        sa.Column("exit", sa.Date(), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("climate_zone", sa.String(length=64), nullable=False),
        sa.Column("store_id", sa.String(length=64), nullable=False),
        sa.Column("style_id", sa.String(length=64), nullable=False),
        sa.CheckConstraint("floor_set <= exit", name=op.f("ck_selling_windows_order")),
        sa.ForeignKeyConstraint(
            ["version_id"], ["calendar_versions.version_id"], name=op.f("fk_selling_windows_version_id")
        ),
        sa.PrimaryKeyConstraint("window_id", name=op.f("pk_selling_windows")),
    )
    with op.batch_alter_table("selling_windows", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_selling_windows_version_id_category"), ["version_id", "category"], unique=False
        )

    op.create_table(
        "alert_charts",
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("svg", sa.Text(), nullable=False),
        sa.Column("table", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_charts_alert_id")),
        sa.PrimaryKeyConstraint("alert_id", name=op.f("pk_alert_charts")),
    )
    op.create_table(
        "alert_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("how", sa.String(length=16), nullable=False),
        sa.Column("from_status", sa.String(length=32), nullable=True),
        sa.Column("to_status", sa.String(length=32), nullable=False),
        sa.Column("from_condition", sa.String(length=32), nullable=True),
        sa.Column("to_condition", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_alert_events_alert_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_alert_events")),
    )
    with op.batch_alter_table("alert_events", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_alert_events_alert_id"), ["alert_id"], unique=False)


def downgrade() -> None:
    with op.batch_alter_table("alert_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_alert_events_alert_id"))

    op.drop_table("alert_events")
    op.drop_table("alert_charts")
    with op.batch_alter_table("selling_windows", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_selling_windows_version_id_category"))

    op.drop_table("selling_windows")
    op.drop_table("run_steps")
    op.drop_table("ranging")
    with op.batch_alter_table("publications", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_publications_table_name_version"))

    op.drop_table("publications")
    op.drop_table("prices")
    op.drop_table("person_stores")
    op.drop_table("person_categories")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_state_due_at"))

    op.drop_table("outbox")
    with op.batch_alter_table("markdown_steps", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_markdown_steps_version_id_category"))

    op.drop_table("markdown_steps")
    with op.batch_alter_table("alerts", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_alerts_live_fingerprint",
            sqlite_where=sa.text("status IN ('pending', 'open', 'acknowledged', 'snoozed')"),
            postgresql_where=sa.text("status IN ('pending', 'open', 'acknowledged', 'snoozed')"),
        )
        batch_op.drop_index(batch_op.f("ix_alerts_store_id_status"))
        batch_op.drop_index(batch_op.f("ix_alerts_status_money_lost"))
        batch_op.drop_index(batch_op.f("ix_alerts_status_category_money_lost"))

    op.drop_table("alerts")
    op.drop_table("stores")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_runs_night",
            sqlite_where=sa.text("kind = 'night'"),
            postgresql_where=sa.text("kind = 'night'"),
        )
        batch_op.drop_index(batch_op.f("ix_runs_started_at"))

    op.drop_table("runs")
    with op.batch_alter_table("products", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_products_style_id"))
        batch_op.drop_index(batch_op.f("ix_products_category"))

    op.drop_table("products")
    op.drop_table("people")
    with op.batch_alter_table("login_attempts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_login_attempts_subject_at"))

    op.drop_table("login_attempts")
    op.drop_table("climate_normals")
    op.drop_table("calendar_versions")
