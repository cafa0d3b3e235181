"""Reads everything about one member, with one statement for each table."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, select

from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Member, Membership
from bridge.core.model.stripe import Billing
from bridge.store import facts, groups, ledger, money
from bridge.store.links import Customer
from bridge.store.own import is_own
from bridge.store.purchases import pending_of
from bridge.store.schema import (
    customers,
    hand_grants,
    memberships,
    purchases,
    seats,
    subscriptions,
)
from bridge.store.subscriptions import billing_of

_DECIDED = tuple(one.name for one in fields(WantedMembership))
_OWN = tuple(one.name for one in fields(Membership) if one.name != "membership")


def load(connection: Connection, user_id: int, *, with_money: bool = False) -> Member:
    """Everything that is stored about a member; ten statements, two fewer without the money."""
    around = facts.customers_around(connection, user_id)
    own = [row for row in around if row.user_id == user_id]
    live = [row for row in own if row.deleted_at is None]
    return Member(
        user_id=user_id,
        facts=facts.facts_around(connection, user_id, around),
        read_at=facts.oldest_reading(around),
        customer_ids=tuple(row.customer_id for row in own),
        live_customer_ids=tuple(row.customer_id for row in _last_linked_first(live)),
        memberships=memberships_of(connection, user_id),
        groups=groups.load_groups(connection),
        pending_orders=tuple(one for row in live for one in pending_of(row.pending)),
        billing=_billing(live),
        money=money.of_user(connection, user_id) if with_money else (),
        ledger_code=ledger.code(connection) if with_money else None,
    )


def _billing(rows: list[Customer]) -> Billing:
    every = [billing_of(row.billing) for row in rows]
    return Billing(
        {id_: means for one in every for id_, means in one.means.items()},
        {id_: code for one in every for id_, code in one.refused.items()},
    )


def memberships_of(connection: Connection, user_id: int) -> dict[int, Membership]:
    """What is wanted of each of a user's memberships and what is so, by group."""
    rows = connection.execute(
        select(memberships).where(memberships.c.user_id == user_id).order_by(memberships.c.group_id)
    )
    return {row.group_id: membership_of(row) for row in rows}


def membership_of(row: Row[Any]) -> Membership:
    """A row of the table as data."""
    membership = {name: getattr(row, name) for name in _DECIDED}
    membership["sources"] = tuple(membership["sources"])
    return Membership(
        membership=WantedMembership(**membership), **{name: getattr(row, name) for name in _OWN}
    )


def _last_linked_first(rows: list[Customer]) -> list[Customer]:
    by_id = sorted(rows, key=lambda row: row.customer_id)
    return sorted(by_id, key=lambda row: row.since, reverse=True)


def everybody(connection: Connection) -> list[int]:
    """Users whom something is linked or given to, or about whom anything was decided."""
    shared = (subscriptions.c.beneficiary_id, purchases.c.beneficiary_id, seats.c.user_id)
    found: set[int] = set()
    for column in (customers.c.user_id, *shared):
        mine = (is_own(column.table), column.is_not(None))
        found.update(connection.scalars(select(column).where(*mine).distinct()))
    found.update(connection.scalars(select(hand_grants.c.user_id).distinct()))
    of = memberships.c
    decided = select(of.user_id).where(of.wanted | (of.owned != "no")).distinct()
    found.update(connection.scalars(decided))
    return sorted(found)
