"""Subscriptions that are paid although another one gives the same, and that nobody has ended."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column(
        "double_payments",
        sa.Column("goes_on", sa.Boolean(), server_default=sa.false(), nullable=False),
    )
    op.create_index(op.f("ix_double_payments_user_id"), "double_payments", ["user_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_double_payments_user_id"), table_name="double_payments")
    op.drop_column("double_payments", "goes_on")
