"""Several members may ask moderators for the same order."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0042"
down_revision = "0041"
branch_labels = None
depends_on = None

FORWARD = """
INSERT INTO claim_requests (session_id, user_id, provider, account, at, country)
SELECT session_id, asked_by, provider, account, asked_at, asked_country
FROM claims WHERE asked_by IS NOT NULL
"""


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "claim_requests",
        sa.Column("session_id", sa.String(length=255), nullable=False),
        sa.Column("user_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("provider", sa.String(length=20), server_default="stripe", nullable=False),
        sa.Column("account", sa.String(length=60), server_default="own", nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.PrimaryKeyConstraint(
            "session_id", "user_id", "provider", "account", name=op.f("pk_claim_requests")
        ),
    )
    op.execute(FORWARD)
    with op.batch_alter_table("claims") as batch:
        for name in ("asked_country", "asked_at", "asked_by"):
            batch.drop_column(name)


def downgrade() -> None:
    """Go back; the requests are forgotten, and can be made again."""
    with op.batch_alter_table("claims") as batch:
        batch.add_column(sa.Column("asked_by", sa.BigInteger(), nullable=True))
        batch.add_column(sa.Column("asked_at", UtcTime(), nullable=True))
        batch.add_column(sa.Column("asked_country", sa.String(length=2), nullable=True))
    op.drop_table("claim_requests")
