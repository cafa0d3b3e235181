"""What Stripe's entitlements said of a customer, where a feature is mapped."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("customers", sa.Column("entitlements", sa.JSON(), nullable=True))
    op.add_column("customers", sa.Column("entitlements_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("customers", "entitlements_at")
    op.drop_column("customers", "entitlements")
