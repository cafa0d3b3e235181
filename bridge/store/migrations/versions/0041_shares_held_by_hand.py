"""What acts on shares change in how many somebody holds, for statements."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0041"
down_revision = "0040"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. The next pass of the ledger fills the table."""
    op.create_table(
        "shares_by_hand",
        sa.Column("holder", sa.String(length=255), nullable=False),
        sa.Column("share_class", sa.String(length=20), nullable=False),
        sa.Column("source_id", sa.String(length=255), nullable=False),
        sa.Column("payment_id", sa.String(length=255), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint(
            "holder", "share_class", "source_id", name=op.f("pk_shares_by_hand")
        ),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("shares_by_hand")
