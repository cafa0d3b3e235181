"""When somebody signed out: older sign-ins count no more, in whichever browser."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("users", sa.Column("signed_out_at", UtcTime(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("users", "signed_out_at")
