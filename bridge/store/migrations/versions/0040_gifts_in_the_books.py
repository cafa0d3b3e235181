"""An index of the lines that say what somebody gave: few among all lines of a customer."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

INDEX = "ix_ledger_lines_gifts_given"


def upgrade() -> None:
    """Go forward."""
    given = sa.text("kind = 'gift_given'")
    op.create_index(
        INDEX, "ledger_lines", ["customer_id"], sqlite_where=given, postgresql_where=given
    )


def downgrade() -> None:
    """Go back."""
    op.drop_index(INDEX, table_name="ledger_lines")
