"""Accounts: invitations and passwords set by a link, sessions that end, and a history of each account."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_REFUSAL = "the history of an account is never rewritten"


def upgrade() -> None:
    op.add_column("people", sa.Column("last_login_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("people", sa.Column("version", sa.Integer(), nullable=True))
    op.execute("UPDATE people SET version = 1")
    with op.batch_alter_table("people") as table:
        table.alter_column("version", existing_type=sa.Integer(), nullable=False)
    op.create_index(op.f("ix_people_name_person_id"), "people", ["name", "person_id"])
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"])
    # A person may ask for a new link twice a day; a night's mail is one by its key.
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(op.f("uq_outbox_person_id_business_date_kind"), type_="unique")
    op.create_index(op.f("ix_outbox_person_id_mail_id"), "outbox", ["person_id", "mail_id"])
    _create_tables()
    _only_add_to("person_events")


def _create_tables() -> None:
    op.create_table(
        "person_events",
        sa.Column("event_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("who", sa.String(length=254), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_person_events_person_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_person_events")),
    )
    op.create_index(op.f("ix_person_events_person_id_event_id"), "person_events", ["person_id", "event_id"])
    op.create_table(
        "person_sessions",
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("device", sa.String(length=100), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_person_sessions_person_id")
        ),
        sa.PrimaryKeyConstraint("session_id", name=op.f("pk_person_sessions")),
        sa.UniqueConstraint("key_hash", name=op.f("uq_person_sessions_key_hash")),
    )
    op.create_index(op.f("ix_person_sessions_person_id"), "person_sessions", ["person_id"])
    op.create_index(op.f("ix_person_sessions_ends_at"), "person_sessions", ["ends_at"])
    op.create_table(
        "account_links",
        sa.Column("link_id", sa.Integer(), nullable=False),
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("nonce", sa.String(length=64), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_account_links_person_id")),
        sa.PrimaryKeyConstraint("link_id", name=op.f("pk_account_links")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_account_links_token_hash")),
    )
    op.create_index(op.f("ix_account_links_person_id"), "account_links", ["person_id"])


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


def downgrade() -> None:
    for name in ("account_links", "person_sessions", "person_events"):
        op.drop_table(name)
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION refuse_rewriting_person_events()")
    op.drop_index(op.f("ix_login_attempts_at"), "login_attempts")
    # Links to set a password mean nothing to the older program, and two of a day do not fit into its table.
    op.execute("DELETE FROM outbox WHERE kind IN ('invitation', 'password_reset')")
    op.drop_index(op.f("ix_outbox_person_id_mail_id"), "outbox")
    with op.batch_alter_table("outbox") as table:
        table.create_unique_constraint(
            op.f("uq_outbox_person_id_business_date_kind"), ["person_id", "business_date", "kind"]
        )
    op.drop_index(op.f("ix_people_name_person_id"), "people")
    with op.batch_alter_table("people") as table:
        table.drop_column("version")
        table.drop_column("last_login_at")
