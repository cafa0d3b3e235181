"""Reads everything about one member, with one SQL statement for each table."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from bridge.core.ledger.lines import Booked
from bridge.core.memberships.decision import WantedMembership
from bridge.core.memberships.member import Member, Membership
from bridge.core.model.stripe import Billing
from bridge.store import booked, catalogue, facts, groups, money
from bridge.store.hand_grants import users_given
from bridge.store.links import Customer
from bridge.store.memberships import users_decided
from bridge.store.own import is_own
from bridge.store.purchases import pending_of
from bridge.store.schema.forum import memberships
from bridge.store.schema.people import customers
from bridge.store.schema.rights import hand_grants, purchases, seats, subscriptions
from bridge.store.subscriptions import billing_of

MOST_AT_ONCE = 500
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
        booked=booked.of_member(connection, user_id) if with_money else Booked(),
    )


def _billing(rows: list[Customer]) -> Billing:
    every = [billing_of(row.billing) for row in rows]
    return Billing(
        {id_: means for one in every for id_, means in one.means.items()},
        {id_: code for one in every for id_, code in one.refused.items()},
    )


def memberships_of(connection: Connection, user_id: int) -> dict[int, Membership]:
    """What is wanted and what is actual for each of a user's memberships, by group."""
    rows = connection.execute(_MEMBERSHIPS_OF, {"b_user": user_id})
    return {row.group_id: membership_of(row) for row in rows}


_MEMBERSHIPS_OF = (
    select(memberships)
    .where(memberships.c.user_id == bindparam("b_user"))
    .order_by(memberships.c.group_id)
)


def memberships_in(
    connection: Connection, user_ids: Collection[int], group_ids: Collection[int]
) -> dict[tuple[int, int], Membership]:
    """These users' memberships of these groups, by user and group."""
    of = memberships.c
    theirs = (of.user_id.in_(user_ids), of.group_id.in_(group_ids))
    rows = connection.execute(select(memberships).where(*theirs))
    return {(row.user_id, row.group_id): membership_of(row) for row in rows}


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


def concerned_by(
    connection: Connection, thing_ids: Collection[str], group_ids: Collection[int]
) -> list[int]:
    """Users whom a change of these products' or prices' rules can affect.

    Users who pay for them or for whom others pay, users who were put into these groups by hand
    (they may be steps of a ladder), and users for whom something waits for a rule.
    """
    payers = sorted(catalogue.customers_on(connection, thing_ids))
    found = users_given(connection, group_ids) | users_decided(connection, only_held=True)
    for first in range(0, len(payers), MOST_AT_ONCE):
        part = payers[first : first + MOST_AT_ONCE]
        of = customers.c
        owners = select(of.user_id).where(is_own(customers), of.customer_id.in_(part))
        found.update(connection.scalars(owners.where(of.user_id.is_not(None))))
        for table in (subscriptions, purchases):
            theirs = (is_own(table), table.c.customer_id.in_(part))
            given = select(table.c.beneficiary_id).where(table.c.beneficiary_id.is_not(None))
            found.update(connection.scalars(given.where(*theirs)))
        seated = select(seats.c.user_id).join(
            subscriptions, subscriptions.c.id == seats.c.subscription_id
        )
        found.update(connection.scalars(seated.where(subscriptions.c.customer_id.in_(part))))
    return sorted(found)


def everybody(connection: Connection) -> list[int]:
    """Users with a customer, a grant or any decision."""
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
