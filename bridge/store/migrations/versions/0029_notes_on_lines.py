"""Notes of treasurers on lines of the ledger."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import Number, UtcTime

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "ledger_notes",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("line_id", sa.String(length=275), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(length=120), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_notes")),
    )
    op.create_index(op.f("ix_ledger_notes_line_id"), "ledger_notes", ["line_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("ledger_notes")
