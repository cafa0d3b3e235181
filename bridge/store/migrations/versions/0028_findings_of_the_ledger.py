"""What of the ledger did not add up or was not understood is kept until it is explained."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import Number, UtcTime

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "ledger_findings",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("family", sa.String(length=255), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("ids", sa.JSON(), nullable=False),
        sa.Column("says", sa.Text(), nullable=False),
        sa.Column("found_at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_findings")),
    )
    columns = ["provider", "account", "family"]
    op.create_index(op.f("ix_ledger_findings_provider_account_family"), "ledger_findings", columns)


def downgrade() -> None:
    """Go back."""
    op.drop_table("ledger_findings")
