"""What members bought for somebody else, by name or by a link to hand over."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "presents",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("giver_id", sa.BigInteger(), nullable=False),
        sa.Column("receiver_id", sa.BigInteger(), nullable=True),
        sa.Column("by_link", sa.Boolean(), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("is_anonymous", sa.Boolean(), nullable=False),
        sa.Column("begins_at", UtcTime(), nullable=True),
        sa.Column("link_number", sa.Integer(), nullable=False),
        sa.Column("link_ends_at", UtcTime(), nullable=True),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("session_id", sa.String(length=255), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("payer_id", sa.String(length=255), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=True),
        sa.Column("arrived_at", UtcTime(), nullable=True),
        sa.Column("taken_at", UtcTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presents")),
    )
    op.create_index(op.f("ix_presents_giver_id"), "presents", ["giver_id"])
    op.create_index(op.f("ix_presents_receiver_id"), "presents", ["receiver_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("presents")
