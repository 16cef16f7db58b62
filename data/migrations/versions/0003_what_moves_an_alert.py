"""What the demand of an alert is made of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # An alert of before has none until the next night finds it again.
    op.add_column("alerts", sa.Column("drivers", sa.JSON(), nullable=True))


def downgrade() -> None:
    op.drop_column("alerts", "drivers")
