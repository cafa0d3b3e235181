"""Errands that are about a price or product, and so about no customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    _let_be_empty(allowed=True)


def downgrade() -> None:
    """Go back; what an earlier version could not carry out is left out."""
    op.execute(sa.text("DELETE FROM errands WHERE customer_id IS NULL"))
    _let_be_empty(allowed=False)


def _let_be_empty(*, allowed: bool) -> None:
    with op.batch_alter_table("errands") as batch:
        batch.alter_column("user_id", existing_type=sa.BigInteger(), nullable=allowed)
        batch.alter_column("customer_id", existing_type=sa.String(length=255), nullable=allowed)
