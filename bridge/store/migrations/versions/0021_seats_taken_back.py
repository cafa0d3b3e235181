"""Seats that their buyer has taken back, and that end after notice."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("seats", sa.Column("taken_back_by", sa.String(length=120), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("seats", "taken_back_by")
