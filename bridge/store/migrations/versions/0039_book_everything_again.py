"""Compares all lines of the ledger with what this version would book, and corrects old ones."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward: the next pass makes all lines again, and corrects those that differ."""
    objects = sa.table("money_objects", sa.column("pending", sa.Boolean()))
    op.execute(sa.update(objects).values(pending=True))


def downgrade() -> None:
    """Go back: nothing was changed."""
