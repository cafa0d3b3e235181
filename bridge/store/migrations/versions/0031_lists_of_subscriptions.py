"""What lists of subscriptions are made by, and indexes by which money is found."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from bridge.store.schema.columns import UtcTime

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

AT_ONCE = 1000
INDEXES = {
    "ix_money_lines_invoice_id": ("money_lines", ["invoice_id"]),
    "ix_money_lines_payment_id": ("money_lines", ["payment_id"]),
    "ix_money_lines_amount_minor_at": ("money_lines", ["amount_minor", "at"]),
    "ix_ledger_lines_source_id": ("ledger_lines", ["source_id"]),
    "ix_ledger_lines_invoice_id": ("ledger_lines", ["invoice_id"]),
    "ix_ledger_lines_payment_id": ("ledger_lines", ["payment_id"]),
    "ix_ledger_lines_entry_id": ("ledger_lines", ["entry_id"]),
}
TIMES = ("renews_at", "trial_ends_at", "gift_ends_at")
OLD = sa.table(
    "subscriptions",
    *(sa.column(name, sa.String()) for name in ("id", "provider", "account", "status")),
    sa.column("beneficiary_id", sa.BigInteger()),
    sa.column("data", sa.JSON()),
    *(sa.column(name, UtcTime()) for name in TIMES),
)


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("subscriptions") as batch:
        batch.add_column(
            sa.Column("status", sa.String(length=30), nullable=False, server_default="")
        )
        for name in TIMES:
            batch.add_column(sa.Column(name, UtcTime(), nullable=True))
    _fill(op.get_bind())
    for name in ("status", *TIMES):
        op.create_index(f"ix_subscriptions_{name}_id", "subscriptions", [name, "id"])
    for index, (table, columns) in INDEXES.items():
        op.create_index(index, table, columns)


def downgrade() -> None:
    """Go back."""
    for index, (table, _) in INDEXES.items():
        op.drop_index(index, table)
    for name in ("status", *TIMES):
        op.drop_index(f"ix_subscriptions_{name}_id", "subscriptions")
    with op.batch_alter_table("subscriptions") as batch:
        for name in ("status", *TIMES):
            batch.drop_column(name)


def _fill(connection: sa.Connection) -> None:
    key = (OLD.c.id, OLD.c.provider, OLD.c.account)
    after: tuple[str, ...] = ("", "", "")
    change = (
        sa.update(OLD)
        .where(*(one == sa.bindparam(f"of_{one.name}") for one in key))
        .values({name: sa.bindparam(name) for name in ("status", *TIMES)})
    )
    while rows := connection.execute(
        sa.select(*key, OLD.c.beneficiary_id, OLD.c.data)
        .where(sa.tuple_(*key) > sa.tuple_(*after))
        .order_by(*key)
        .limit(AT_ONCE)
    ).all():
        connection.execute(
            change,
            [
                {f"of_{one.name}": row[number] for number, one in enumerate(key)}
                | _listed_by(row.data, is_gift=row.beneficiary_id is not None)
                for row in rows
            ],
        )
        after = tuple(rows[-1][:3])


def _listed_by(data: Mapping[str, Any], *, is_gift: bool) -> dict[str, Any]:
    status = data.get("status") or ""
    charge_at = _time((data.get("next_charge") or {}).get("at"))
    return {
        "status": status[:30],
        "renews_at": charge_at if status == "active" else None,
        "trial_ends_at": _time(data.get("trial_end_at")) if status == "trialing" else None,
        "gift_ends_at": (_time(data.get("cancel_at")) or charge_at)
        if is_gift and status in ("active", "trialing")
        else None,
    }


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
