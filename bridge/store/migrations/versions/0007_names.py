"""Names in the form in which the forum compares them, and whose they are."""

from __future__ import annotations

from collections import defaultdict

import sqlalchemy as sa
from alembic import op

from bridge.core.model.people import fold
from bridge.store.schema.columns import UtcTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward. A name under which several were seen is nobody's until the forum is asked."""
    names = op.create_table(
        "names",
        sa.Column("folded", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("said_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("folded", name=op.f("pk_names")),
    )
    op.create_index(op.f("ix_names_user_id"), "names", ["user_id"])
    users = sa.table(
        "users",
        sa.column("user_id", sa.BigInteger()),
        sa.column("username", sa.String()),
        sa.column("seen_at", UtcTime()),
    )
    seen = defaultdict(list)
    for row in op.get_bind().execute(sa.select(users).where(users.c.username.is_not(None))):
        seen[fold(row.username)].append(row)
    rows = [
        {"folded": folded, "user_id": theirs[0].user_id, "said_at": theirs[0].seen_at}
        for folded, theirs in seen.items()
        if len(theirs) == 1
    ]
    if rows:
        op.bulk_insert(names, rows)


def downgrade() -> None:
    """Go back."""
    op.drop_table("names")
