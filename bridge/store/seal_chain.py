"""The chain of seals: one for each line ever booked, for the site and for each family.

One process at a time continues it, under the ledger's lease, so that it has one order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, func, insert, select

from bridge.core.ledger import seals
from bridge.core.model.account import Account
from bridge.store.own import is_of
from bridge.store.schema.ledger import ledger_seals

Sealed = Mapping[str, Mapping[str, str]]
"""Family -> line id -> the digest with which it was booked."""


def sealed(connection: Connection, account: Account, families: Iterable[str]) -> Sealed:
    """The digests of all lines of these families that were ever booked."""
    of = ledger_seals.c
    mine = is_of(ledger_seals, account), of.family.in_(list(families))
    found: dict[str, dict[str, str]] = {}
    for row in connection.execute(select(of.family, of.line_id, of.digest).where(*mine)):
        found.setdefault(row.family, {})[row.line_id] = row.digest
    return found


def append(connection: Connection, fresh: list[dict[str, Any]]) -> None:
    """Continue the chains of the site and of the families with these lines, in order."""
    if not fresh:
        return
    chain = site_chain(connection)
    heads = _heads(connection, {row["family"] for row in fresh})
    for row in fresh:
        chain = seals.link(chain, row["digest"])
        own = seals.link(heads.get(row["family"], seals.START), row["digest"])
        heads[row["family"]] = own
        row |= {"chain": chain, "family_chain": own}
    connection.execute(insert(ledger_seals), fresh)


def _heads(connection: Connection, families: Iterable[str]) -> dict[str, str]:
    """The newest link of each of these families' chains."""
    of = ledger_seals.c
    newest = select(func.max(of.number)).where(of.family.in_(sorted(families))).group_by(of.family)
    rows = connection.execute(select(of.family, of.family_chain).where(of.number.in_(newest)))
    return {row.family: row.family_chain for row in rows}


def site_chain(connection: Connection) -> str:
    """The head of the site's chain."""
    newest = select(ledger_seals.c.chain).order_by(ledger_seals.c.number.desc()).limit(1)
    return connection.scalar(newest) or seals.START


def code(connection: Connection) -> str | None:
    """The code on statements and reports; None until something is booked."""
    head = site_chain(connection)
    return None if head == seals.START else seals.code(head)
