"""What each person wants to be told by mail, and what they were told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("dedup_key", sa.String(length=100), nullable=True))
    op.add_column("outbox", sa.Column("chart", sa.LargeBinary(), nullable=True))
    op.add_column("outbox", sa.Column("unsubscribe_url", sa.Text(), nullable=True))
    op.add_column("outbox", sa.Column("unconfirmed", sa.Integer(), nullable=True))
    op.add_column("outbox", sa.Column("given_up_at", sa.DateTime(timezone=True), nullable=True))
    # The key of the mails of before, as their Message-ID has it.
    op.execute(
        "UPDATE outbox SET unsubscribe_url = '', unconfirmed = 0, "
        "dedup_key = CAST(business_date AS VARCHAR(10)) || '.' || CAST(person_id AS VARCHAR(12))"
    )
    op.execute("UPDATE outbox SET given_up_at = due_at WHERE state = 'dead'")
    with op.batch_alter_table("outbox") as table:
        table.alter_column("dedup_key", existing_type=sa.String(length=100), nullable=False)
        table.alter_column("unsubscribe_url", existing_type=sa.Text(), nullable=False)
        table.alter_column("unconfirmed", existing_type=sa.Integer(), nullable=False)
        table.alter_column("person_id", existing_type=sa.Integer(), nullable=True)
        table.create_unique_constraint(op.f("uq_outbox_kind_dedup_key"), ["kind", "dedup_key"])
    op.create_table(
        "mail_told",
        sa.Column("mail_id", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.Integer(), nullable=False),
        sa.Column("section", sa.String(length=32), nullable=False),
        sa.Column("units", sa.Double(), nullable=False),
        sa.Column("severity", sa.String(length=32), nullable=False),
        sa.Column("act_by", sa.Date(), nullable=True),
        sa.Column("returns", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox.mail_id"], name=op.f("fk_mail_told_mail_id")),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.alert_id"], name=op.f("fk_mail_told_alert_id")),
        sa.PrimaryKeyConstraint("mail_id", "alert_id", name=op.f("pk_mail_told")),
    )
    op.create_index(op.f("ix_mail_told_alert_id"), "mail_told", ["alert_id"])
    op.create_table(
        "mail_decisions",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("business_date", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("mail_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["person_id"], ["people.person_id"], name=op.f("fk_mail_decisions_person_id")
        ),
        sa.ForeignKeyConstraint(["mail_id"], ["outbox.mail_id"], name=op.f("fk_mail_decisions_mail_id")),
        sa.PrimaryKeyConstraint("person_id", "business_date", name=op.f("pk_mail_decisions")),
    )
    op.create_index(op.f("ix_mail_decisions_business_date"), "mail_decisions", ["business_date"])
    op.create_table(
        "mail_choices",
        sa.Column("person_id", sa.Integer(), nullable=False),
        sa.Column("pace", sa.String(length=32), nullable=False),
        sa.Column("stores", sa.JSON(), nullable=False),
        sa.Column("categories", sa.JSON(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.String(length=254), nullable=False),
        sa.ForeignKeyConstraint(["person_id"], ["people.person_id"], name=op.f("fk_mail_choices_person_id")),
        sa.PrimaryKeyConstraint("person_id", name=op.f("pk_mail_choices")),
    )


def downgrade() -> None:
    op.drop_table("mail_choices")
    op.drop_table("mail_decisions")
    op.drop_table("mail_told")
    # A customer's mail has no place in the older table.
    op.execute("DELETE FROM outbox WHERE person_id IS NULL")
    with op.batch_alter_table("outbox") as table:
        table.drop_constraint(op.f("uq_outbox_kind_dedup_key"), type_="unique")
        table.alter_column("person_id", existing_type=sa.Integer(), nullable=False)
        for column in ("given_up_at", "unconfirmed", "unsubscribe_url", "chart", "dedup_key"):
            table.drop_column(column)
