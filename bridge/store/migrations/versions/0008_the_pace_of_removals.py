"""When the pace of removals lets the next one of a group go."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("groups", sa.Column("removals_next_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("groups", "removals_next_at")
