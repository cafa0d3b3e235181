"""Acts on shares, and the steps by which people become members."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import Number, UtcTime

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "share_acts",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("share_class", sa.String(20), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first", sa.Integer(), nullable=True),
        sa.Column("last", sa.Integer(), nullable=True),
        sa.Column("price_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("corrects", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_share_acts")),
    )
    op.create_index(op.f("ix_share_acts_id"), "share_acts", ["id"], unique=True)
    op.create_index(op.f("ix_share_acts_corrects"), "share_acts", ["corrects"], unique=True)
    op.create_table(
        "member_steps",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("user_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=True),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("known_at", UtcTime(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(120), nullable=False),
        sa.Column("corrects", sa.String(40), nullable=True),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_member_steps")),
    )
    op.create_index(op.f("ix_member_steps_id"), "member_steps", ["id"], unique=True)
    op.create_index(op.f("ix_member_steps_corrects"), "member_steps", ["corrects"], unique=True)
    op.create_index(op.f("ix_member_steps_user_id"), "member_steps", ["user_id"])


def downgrade() -> None:
    """Go back."""
    op.drop_table("member_steps")
    op.drop_table("share_acts")
