"""What an order consists of: several things, quantities, and amounts that the buyer set."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("checkouts", sa.Column("lines", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Go back."""
    op.drop_column("checkouts", "lines")
