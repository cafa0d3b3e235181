"""Whose an id is: the provider and the account, beside each id in its key."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

KEYS = {
    "work": ["key"],
    "customers": ["customer_id"],
    "subscriptions": ["id"],
    "purchases": ["id"],
    "seats": ["subscription_id", "user_id"],
    "catalogue": ["id"],
    "money_lines": ["id"],
}
ACCOUNT = ["provider", "account"]
# Of no provider: what members, the forum and the rules gave rise to, and payments by hand.
NOT_STRIPE = (
    "UPDATE work SET provider = 'site' WHERE key LIKE 'user:%' OR key IN ('inbox', 'forum')",
    "UPDATE readings SET provider = 'site' WHERE kind = 'policy'",
    "UPDATE money_lines SET provider = 'manual' WHERE recorded_by IS NOT NULL",
)


def upgrade() -> None:
    """Go forward. Everything that was kept so far is of the site's own account."""
    for name, key in KEYS.items():
        with op.batch_alter_table(name) as table:
            _add_account(table)
            table.drop_constraint(f"pk_{name}", type_="primary")
            table.create_primary_key(f"pk_{name}", [*key, *ACCOUNT])
    with op.batch_alter_table("readings") as table:
        _add_account(table)
    for statement in NOT_STRIPE:
        op.execute(sa.text(statement))


def downgrade() -> None:
    """Go back. An earlier version would take another account's ids for its own: they go."""
    for name in (*KEYS, "readings"):
        op.execute(
            sa.text(
                f"DELETE FROM {name} WHERE account != 'own' "  # noqa: S608 - a name from above
                "OR provider NOT IN ('stripe', 'site', 'manual')"
            )
        )
    with op.batch_alter_table("readings") as table:
        _drop_account(table)
    for name, key in KEYS.items():
        with op.batch_alter_table(name) as table:
            table.drop_constraint(f"pk_{name}", type_="primary")
            _drop_account(table)
            table.create_primary_key(f"pk_{name}", key)


def _add_account(table: BatchOperations) -> None:
    table.add_column(
        sa.Column("provider", sa.String(length=20), nullable=False, server_default="stripe")
    )
    table.add_column(
        sa.Column("account", sa.String(length=60), nullable=False, server_default="own")
    )


def _drop_account(table: BatchOperations) -> None:
    for column in ACCOUNT:
        table.drop_column(column)
