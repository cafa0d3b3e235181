"""Customers whom a moderator has set aside: linked to nobody, for a reason."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("customers", sa.Column("set_aside", sa.Text(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("customers", "set_aside")
