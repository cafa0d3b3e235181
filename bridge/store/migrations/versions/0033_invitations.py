"""Payers of unclaimed orders whom the forum invited."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "invitations",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=20), server_default="stripe", nullable=False),
        sa.Column("account", sa.String(length=60), server_default="own", nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("invite_id", sa.BigInteger(), nullable=True),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("session_id", "provider", "account", name=op.f("pk_invitations")),
    )
    op.create_index(op.f("ix_invitations_outcome"), "invitations", ["outcome"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("invitations")
