"""Indexes of columns that are nearly always empty, without the empty rows.

SQLite's statistics count all empty values as one, so that it would rather read the whole table.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

RARELY_SAID = (("money_lines", "user_id"), ("users", "successor_id"))


def upgrade() -> None:
    """Go forward."""
    for table, column in RARELY_SAID:
        name, is_said = op.f(f"ix_{table}_{column}"), sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column], sqlite_where=is_said, postgresql_where=is_said)


def downgrade() -> None:
    """Go back."""
    for table, column in RARELY_SAID:
        name = op.f(f"ix_{table}_{column}")
        op.drop_index(name, table_name=table)
        op.create_index(name, table, [column])
