"""Outcomes added up by week, and what an outcome is about beside it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

_MONEY = sa.Numeric(precision=12, scale=2)
_TEXTS = {"rule": 64, "store_id": 64, "category": 100}
_PLACE = ("store_id", "category", "rule")
_INDEXES = (("verdict", "ended_on"), *((name, "ended_on") for name in _TEXTS))
_NUMBERS = (
    "happened", "averted", "did_not_happen", "cannot_tell", "foretold", "missed", "told_before", "leads",
    "lead_days",
)  # fmt: skip
_HOW = ("happened", "recovered", "missed")
_DISMISSED = sa.text("status = 'dismissed'")


def upgrade() -> None:
    _outcomes_say_what_they_are_about()
    # The first night adds up what has been judged before.
    op.create_table(
        "outcome_weeks",
        sa.Column("counted", sa.String(length=32), nullable=False),
        sa.Column("week", sa.Date(), nullable=False),
        *(sa.Column(name, sa.String(length=_TEXTS[name]), nullable=False) for name in _PLACE),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _NUMBERS),
        *(sa.Column(f"units_{how}", sa.Double(), nullable=False) for how in _HOW),
        *(sa.Column(f"customers_{how}", sa.Double(), nullable=False) for how in _HOW),
        *(sa.Column(f"money_{how}", _MONEY, nullable=False) for how in _HOW),
        sa.PrimaryKeyConstraint("counted", "week", *_PLACE, name=op.f("pk_outcome_weeks")),
    )
    for name in ("store_id", "category"):
        columns = ["counted", name, "week"]
        op.create_index(op.f(f"ix_outcome_weeks_{'_'.join(columns)}"), "outcome_weeks", columns)
    op.create_index(
        op.f("ix_store_effort_store_id_need_business_date"),
        "store_effort",
        ["store_id", "need", "business_date"],
    )
    op.create_index(
        "ix_alerts_dismissed",
        "alerts",
        ["closed_on", "dismissed_as", "category", "store_id"],
        sqlite_where=_DISMISSED,
        postgresql_where=_DISMISSED,
    )


def _outcomes_say_what_they_are_about() -> None:
    for name, length in _TEXTS.items():
        op.add_column("alert_outcomes", sa.Column(name, sa.String(length=length), nullable=True))
        op.execute(
            f"UPDATE alert_outcomes SET {name} = (SELECT coalesce(alerts.{name}, '') FROM alerts "
            "WHERE alerts.alert_id = alert_outcomes.alert_id)"
        )
    with op.batch_alter_table("alert_outcomes") as outcomes:
        for name, length in _TEXTS.items():
            outcomes.alter_column(name, existing_type=sa.String(length=length), nullable=False)
        outcomes.drop_index(op.f("ix_alert_outcomes_verdict"))
        for columns in _INDEXES:
            outcomes.create_index(op.f(f"ix_alert_outcomes_{'_'.join(columns)}"), list(columns))


def downgrade() -> None:
    op.drop_index("ix_alerts_dismissed", table_name="alerts")
    op.drop_index(op.f("ix_store_effort_store_id_need_business_date"), table_name="store_effort")
    op.drop_table("outcome_weeks")
    with op.batch_alter_table("alert_outcomes") as outcomes:
        for columns in _INDEXES:
            outcomes.drop_index(op.f(f"ix_alert_outcomes_{'_'.join(columns)}"))
        outcomes.create_index(op.f("ix_alert_outcomes_verdict"), ["verdict"])
        for name in _TEXTS:
            outcomes.drop_column(name)
