"""How often Stripe was asked about an order since its buyer came back, and what it said."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("checkouts") as batch:
        batch.add_column(sa.Column("looks", sa.Integer(), server_default="0", nullable=False))
        batch.add_column(sa.Column("looked_at", UtcTime(), nullable=True))
        batch.add_column(sa.Column("seen", sa.String(length=20), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("checkouts") as batch:
        batch.drop_column("seen")
        batch.drop_column("looked_at")
        batch.drop_column("looks")
