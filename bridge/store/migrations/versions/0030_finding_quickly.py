"""Indexes by which the log is searched, whatever it is asked for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

INDEXES = {
    "ix_changes_at_id": ["at", "id"],
    "ix_changes_action_at_id": ["action", "at", "id"],
    "ix_changes_cause_at_id": ["cause", "at", "id"],
    "ix_changes_group_id_at_id": ["group_id", "at", "id"],
    "ix_changes_group_id_user_id": ["group_id", "user_id"],
}


def upgrade() -> None:
    """Go forward."""
    for name, columns in INDEXES.items():
        op.create_index(name, "changes", columns)
    by_people = sa.text("cause LIKE '% via %'")
    op.create_index(
        "ix_changes_by_people",
        "changes",
        ["at", "id"],
        sqlite_where=by_people,
        postgresql_where=by_people,
    )


def downgrade() -> None:
    """Go back."""
    for name in (*INDEXES, "ix_changes_by_people"):
        op.drop_index(name, "changes")
