"""Campaigns: one link for each member who is asked to renew."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "campaigns",
        sa.Column("id", sa.String(length=40), nullable=False),
        *_of_account(),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("price_id", sa.String(length=255), nullable=False),
        sa.Column("created_at", UtcTime(), nullable=False),
        sa.Column("created_by", sa.String(length=120), nullable=False),
        sa.Column("ends_at", UtcTime(), nullable=False),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaigns")),
    )
    op.create_index(op.f("ix_campaigns_name"), "campaigns", ["name"], unique=True)
    op.create_table(
        "campaign_links",
        sa.Column("id", sa.String(length=40), nullable=False),
        *_of_account(),
        sa.Column("campaign_id", sa.String(length=40), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("member_until_at", UtcTime(), nullable=True),
        sa.Column("opened_at", UtcTime(), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=True),
        sa.Column("paid_at", UtcTime(), nullable=True),
        sa.Column("revoked_at", UtcTime(), nullable=True),
        sa.Column("revoked_by", sa.String(length=120), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_campaign_links")),
    )
    op.create_index(
        op.f("ix_campaign_links_campaign_id_user_id"),
        "campaign_links",
        ["campaign_id", "user_id"],
        unique=True,
    )
    op.create_index(op.f("ix_campaign_links_user_id"), "campaign_links", ["user_id"])
    op.create_table(
        "campaign_tokens",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("link_id", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_campaign_tokens")),
    )
    op.create_index(op.f("ix_campaign_tokens_link_id"), "campaign_tokens", ["link_id"])


def _of_account() -> tuple[sa.Column[str], sa.Column[str]]:
    return (
        sa.Column("provider", sa.String(length=20), server_default="stripe", nullable=False),
        sa.Column("account", sa.String(length=60), server_default="own", nullable=False),
    )


def downgrade() -> None:
    """Go back."""
    op.drop_table("campaign_tokens")
    op.drop_table("campaign_links")
    op.drop_table("campaigns")
