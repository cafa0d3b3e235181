"""What payments by hand were for, and the numbers of their receipts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("money_lines", sa.Column("receipt_number", sa.String(20), nullable=True))
    op.create_index(
        op.f("ix_money_lines_receipt_number"), "money_lines", ["receipt_number"], unique=True
    )
    op.create_table(
        "hand_payments",
        sa.Column("line_id", sa.String(255), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", name=op.f("pk_hand_payments")),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("hand_payments")
    op.drop_index(op.f("ix_money_lines_receipt_number"), "money_lines")
    op.drop_column("money_lines", "receipt_number")
