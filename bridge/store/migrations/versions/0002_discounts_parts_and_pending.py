"""Discounts and parts of payments, and what is pending."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("money_lines") as table:
        table.add_column(
            sa.Column("discount_minor", sa.BigInteger(), nullable=False, server_default="0")
        )
        table.add_column(sa.Column("parts", sa.JSON(none_as_null=True), nullable=True))
    with op.batch_alter_table("customers") as table:
        table.add_column(sa.Column("pending", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("customers") as table:
        table.drop_column("pending")
    with op.batch_alter_table("money_lines") as table:
        table.drop_column("parts")
        table.drop_column("discount_minor")
