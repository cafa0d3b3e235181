"""Whom an event of the forum's is about, as a column that can be looked up."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("inbox", sa.Column("user_id", sa.BigInteger(), nullable=True))
    number = (
        "json_extract(hint, '$.user_id')"
        if op.get_bind().dialect.name == "sqlite"
        else "(hint ->> 'user_id')::bigint"
    )
    op.execute(sa.text(f"UPDATE inbox SET user_id = {number} WHERE source = 'discourse'"))  # noqa: S608 - one of two texts above
    op.create_index(op.f("ix_inbox_user_id"), "inbox", ["user_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_index(op.f("ix_inbox_user_id"), table_name="inbox")
    op.drop_column("inbox", "user_id")
