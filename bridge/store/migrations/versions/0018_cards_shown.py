"""Cards and refusals of a customer, for their own page."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("customers") as batch:
        batch.add_column(sa.Column("billing", sa.JSON(none_as_null=True), nullable=True))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("customers") as batch:
        batch.drop_column("billing")
