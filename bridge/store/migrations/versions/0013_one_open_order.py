"""One open order of a member for a product, and what was paid in several tabs."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("checkouts") as batch:
        batch.add_column(sa.Column("open_for", sa.String(length=300), nullable=True))
        batch.create_unique_constraint(op.f("uq_checkouts_open_for"), ["open_for"])
    op.create_table(
        "double_payments",
        sa.Column("subscription_id", sa.String(length=255), nullable=False),
        sa.Column("kept_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("subscription_id", name=op.f("pk_double_payments")),
    )
    op.create_index(op.f("ix_double_payments_found_at"), "double_payments", ["found_at"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("double_payments")
    with op.batch_alter_table("checkouts") as batch:
        batch.drop_constraint(op.f("uq_checkouts_open_for"), type_="unique")
        batch.drop_column("open_for")
