"""Findings of the ledger: what did not add up or was not understood, until it is explained."""

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
    """Store the findings about these families, in place of the earlier ones."""
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
    """All findings that are not explained yet, in the order in which they were found."""
    rows = connection.execute(
        select(F.code, F.ids, F.says).order_by(F.found_at, F.family, F.number)
    )
    return [Finding(row.code, tuple(row.ids), row.says) for row in rows]


def drop(connection: Connection) -> None:
    """Delete all findings: rebuilding the lines finds them again."""
    connection.execute(delete(ledger_findings))
