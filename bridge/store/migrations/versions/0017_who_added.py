"""Who added a member whom the bridge's record does not know, by the forum's group log."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("memberships", sa.Column("added_by", sa.String(10), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("memberships", "added_by")
