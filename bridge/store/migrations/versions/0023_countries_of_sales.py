"""The country of each sale, with its evidence."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.add_column("checkouts", sa.Column("country_ip", sa.String(length=2), nullable=True))
    op.add_column("checkouts", sa.Column("country_said", sa.String(length=2), nullable=True))
    op.create_table(
        "sale_countries",
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("provider", sa.String(length=20), server_default="stripe", nullable=False),
        sa.Column("account", sa.String(length=60), server_default="own", nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("country", sa.String(length=2), nullable=False),
        sa.Column("billing", sa.String(length=2), nullable=True),
        sa.Column("card", sa.String(length=2), nullable=True),
        sa.Column("ip", sa.String(length=2), nullable=True),
        sa.Column("said", sa.String(length=2), nullable=True),
        sa.PrimaryKeyConstraint("id", "provider", "account", name=op.f("pk_sale_countries")),
    )
    for name in ("customer_id", "at"):
        op.create_index(op.f(f"ix_sale_countries_{name}"), "sale_countries", [name])


def downgrade() -> None:
    """Go back."""
    op.drop_table("sale_countries")
    op.drop_column("checkouts", "country_said")
    op.drop_column("checkouts", "country_ip")
