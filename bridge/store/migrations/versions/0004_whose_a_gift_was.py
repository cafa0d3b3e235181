"""Readings say whose a gift was, and are found by what they are of."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward; what was read before says it in its data."""
    op.add_column("readings", sa.Column("beneficiary_id", sa.BigInteger(), nullable=True))
    op.create_index("ix_readings_beneficiary_id", "readings", ["beneficiary_id"])
    op.create_index("ix_readings_object_id_id", "readings", ["object_id", "id"])
    readings = sa.table(
        "readings",
        sa.column("kind", sa.String()),
        sa.column("data", sa.JSON()),
        sa.column("beneficiary_id", sa.BigInteger()),
    )
    said = readings.c.data["beneficiary_id"].as_integer()
    shared = readings.c.kind.in_(["subscription", "purchase"])
    op.execute(sa.update(readings).where(shared).values(beneficiary_id=said))


def downgrade() -> None:
    """Go back."""
    op.drop_index("ix_readings_object_id_id", "readings")
    op.drop_index("ix_readings_beneficiary_id", "readings")
    op.drop_column("readings", "beneficiary_id")
