"""Paid orders that nobody is linked to, each claimed at most once by a member of the forum."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "claims",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=20), server_default="stripe", nullable=False),
        sa.Column("account", sa.String(length=60), server_default="own", nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("seen_at", UtcTime(), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("claimed_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", "provider", "account", name=op.f("pk_claims")),
    )
    op.create_index(op.f("ix_claims_customer_id"), "claims", ["customer_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("claims")
