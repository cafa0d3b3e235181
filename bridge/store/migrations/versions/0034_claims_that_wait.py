"""Claims of what is not sold to the member, which wait for a moderator."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("claims") as batch:
        batch.add_column(sa.Column("asked_by", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("asked_at", UtcTime(), nullable=True))
        batch.add_column(sa.Column("asked_country", sa.String(length=2), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("claims") as batch:
        for name in ("asked_country", "asked_at", "asked_by"):
            batch.drop_column(name)
