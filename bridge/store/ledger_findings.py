"""What of the ledger did not add up or was not understood, kept until it is explained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, delete, insert, select

from bridge.core.ledger.line import Finding
from bridge.core.model.account import Account
from bridge.store.own import columns, is_of
from bridge.store.schema.ledger import ledger_findings

F = ledger_findings.c


def replace(
    connection: Connection,
    account: Account,
    found: Mapping[str, Sequence[Finding]],
    now: datetime,
) -> None:
    """Keep what was found while families' lines were made, in place of what was found before."""
    mine = and_(is_of(ledger_findings, account), F.family.in_(list(found)))
    since = {
        (row.family, row.code, tuple(row.ids)): row.found_at
        for row in connection.execute(select(F.family, F.code, F.ids, F.found_at).where(mine))
    }
    if since:
        connection.execute(delete(ledger_findings).where(mine))
    rows = [
        {
            **columns(account),
            "family": family,
            "code": one.code,
            "ids": list(one.ids),
            "says": one.says,
            "found_at": since.get((family, one.code, one.ids), now),
        }
        for family, of_family in found.items()
        for one in of_family
    ]
    if rows:
        connection.execute(insert(ledger_findings), rows)


def everything(connection: Connection) -> list[Finding]:
    """All that is not explained yet, in the order in which it was found."""
    rows = connection.execute(
        select(F.code, F.ids, F.says).order_by(F.found_at, F.family, F.number)
    )
    return [Finding(row.code, tuple(row.ids), row.says) for row in rows]


def drop(connection: Connection) -> None:
    """Forget all: the lines are made again, and with them what does not add up."""
    connection.execute(delete(ledger_findings))
