"""The ledger: objects that move money, lines of double entry, and the seals that prove them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import Number, UtcTime

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "money_objects",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("id", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("family", sa.String(length=255), nullable=True),
        sa.Column("refers_to", sa.String(length=255), nullable=True),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("read_at", UtcTime(), nullable=False),
        sa.Column("pending", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("provider", "account", "id", name=op.f("pk_money_objects")),
    )
    for columns in (["provider", "account", "family"], ["refers_to"], ["pending"]):
        op.create_index(op.f("ix_money_objects_" + "_".join(columns)), "money_objects", columns)
    op.create_table(
        "ledger_lines",
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("entry_id", sa.String(length=255), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("family", sa.String(length=255), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("book", sa.String(length=120), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.String(length=255), nullable=True),
        sa.Column("user_id", sa.BigInteger(), nullable=True),
        sa.Column("product_id", sa.String(length=255), nullable=True),
        sa.Column("price_id", sa.String(length=255), nullable=True),
        sa.Column("fund", sa.String(length=120), nullable=True),
        sa.Column("rule_id", sa.String(length=255), nullable=True),
        sa.Column("invoice_id", sa.String(length=255), nullable=True),
        sa.Column("payment_id", sa.String(length=255), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=True),
        sa.Column("corrects", sa.String(length=255), nullable=True),
        sa.Column("quantity", sa.Integer(), nullable=True),
        sa.Column("method", sa.String(length=60), nullable=True),
        sa.Column("rate", sa.String(length=20), nullable=True),
        sa.Column("base_minor", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint(
            "provider", "account", "entry_id", "number", name=op.f("pk_ledger_lines")
        ),
    )
    for columns in (
        ["at", "entry_id", "number"],
        ["customer_id", "at"],
        ["user_id", "at"],
        ["family"],
    ):
        op.create_index(op.f("ix_ledger_lines_" + "_".join(columns)), "ledger_lines", columns)
    op.create_table(
        "ledger_seals",
        sa.Column("number", Number, autoincrement=True, nullable=False),
        sa.Column("provider", sa.String(length=20), nullable=False),
        sa.Column("account", sa.String(length=60), nullable=False),
        sa.Column("line_id", sa.String(length=275), nullable=False),
        sa.Column("family", sa.String(length=255), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("chain", sa.String(length=64), nullable=False),
        sa.Column("family_chain", sa.String(length=64), nullable=False),
        sa.Column("at", UtcTime(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_ledger_seals")),
    )
    op.create_index(
        op.f("ix_ledger_seals_provider_account_line_id"),
        "ledger_seals",
        ["provider", "account", "line_id"],
        unique=True,
    )
    op.create_index(op.f("ix_ledger_seals_family_number"), "ledger_seals", ["family", "number"])
    op.create_index(op.f("ix_ledger_seals_chain"), "ledger_seals", ["chain"])


def downgrade() -> None:
    """Go back."""
    for table in ("ledger_seals", "ledger_lines", "money_objects"):
        op.drop_table(table)
