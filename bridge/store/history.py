"""The recorded past of a user, of a group's members, and of the rules."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, or_, select

from bridge.core.memberships.past import HandRecord, Past, Reading
from bridge.core.memberships.record import (
    BY_HAND,
    CAME_IN,
    DECIDED,
    WENT_OUT,
    Line,
    Recorded,
    recorded_after,
)
from bridge.core.memberships.record import as_it_was as lines_as_it_was
from bridge.core.memberships.record import as_known as lines_as_known
from bridge.core.model.stripe import Feature, Price, Product, Purchase, Subscription
from bridge.core.rules.law import Catalogue, Law, Proposal
from bridge.core.rules.mapping import compile_rules
from bridge.core.rules.policy import Policy
from bridge.core.telling.explanation import Linked
from bridge.store import facts, groups, hand_grants, readings, shares
from bridge.store.own import is_own
from bridge.store.schema.forum import changes
from bridge.store.schema.people import customers
from bridge.store.schema.rights import readings as readings_table

# --- memberships ----------------------------------------------------------------------------------


def lines_of_user(connection: Connection, user_id: int) -> list[Line]:
    """The lines about a user's memberships, the oldest first."""
    return _lines(connection, changes.c.user_id == user_id)


def memberships_at(
    connection: Connection,
    at: datetime,
    *,
    user_ids: Collection[int] | None = None,
    group_ids: Collection[int] | None = None,
    as_known: bool = False,
) -> dict[tuple[int, int], Recorded]:
    """(user, group) -> the state of each membership at a time, for some users and groups or all.

    `as_known`: as the bridge had it on record then, not as it is known today.
    """
    about: tuple[ColumnElement[bool], ...] = ()
    if user_ids is not None:
        about = _of(user_ids, group_ids)
    elif group_ids is not None:
        about = (changes.c.group_id.in_(group_ids),)
    lines = _lines(connection, written_by(at), *about)
    return recorded_after(lines_as_known(lines, at) if as_known else lines_as_it_was(lines, at))


def who_was_in(
    connection: Connection, at: datetime, group_ids: Collection[int], user_ids: Collection[int]
) -> set[int]:
    """Those of these users who were in one of the groups: by fewer lines than `memberships_at`."""
    about = (written_by(at), *_of(user_ids, group_ids))
    moves = lines_as_it_was(_lines(connection, *about, actions=CAME_IN | WENT_OUT), at)
    last = {(line.user_id, line.group_id): line.action for line in moves}
    return {user_id for (user_id, _), action in last.items() if action in CAME_IN}


# Without statistics SQLite would take the index by actions or groups, which leads to nearly all of
# two million lines, instead of the one by users. An expression has no index.
ACTION = func.coalesce(changes.c.action, "")
ANY_GROUP = changes.c.group_id + 0


def written_by(at: datetime) -> ColumnElement[bool]:
    """The lines written by then; that somebody was seen in a group may have been found later."""
    return or_(changes.c.at <= at, ACTION == "seen")


def _of(
    user_ids: Collection[int], group_ids: Collection[int] | None
) -> tuple[ColumnElement[bool], ...]:
    users = changes.c.user_id.in_(user_ids)
    return (users,) if group_ids is None else (users, ANY_GROUP.in_(group_ids))


def _lines(
    connection: Connection,
    *about: ColumnElement[bool],
    actions: Collection[str] = DECIDED | CAME_IN | WENT_OUT | BY_HAND,
) -> list[Line]:
    rows = connection.execute(
        select(changes)
        .where(
            ACTION.in_(actions),
            changes.c.user_id.is_not(None),
            changes.c.group_id.is_not(None),
            *about,
        )
        .order_by(changes.c.id)
    )
    return [line_of(row) for row in rows]


def line_of(row: Any) -> Line:
    """A line of the log as data."""
    return Line(
        row.id,
        row.at,
        row.action,
        row.user_id,
        row.group_id,
        row.cause,
        row.rule_id,
        row.outcome,
        row.detail or {},
    )


# --- facts ----------------------------------------------------------------------------------------


def past_of(connection: Connection, user_id: int) -> Past:
    """All facts that decisions about a user were ever based on."""
    links = _links(connection, user_id)
    present, _ = facts.facts_of(connection, user_id)
    customer_ids = {customer_id for _, customer_id, _ in links}
    seats = shares.lines_of_seats(connection, user_id=user_id)
    of_others = readings.gifts_to(connection, user_id) | {one.subscription_id for one in seats}
    payers = readings.payers_of(connection, of_others)
    entitlements = readings.entitlements_of(connection, customer_ids | payers)
    found: dict[str, list[Reading]] = {}
    for when, object_id, thing in readings.of_customers(connection, customer_ids, of_others):
        if thing is None or isinstance(thing, Subscription | Purchase):
            found.setdefault(object_id, []).append((when, thing))
    deleted = connection.execute(
        select(customers.c.customer_id, customers.c.deleted_at).where(
            is_own(customers),
            customers.c.customer_id.in_(customer_ids | payers),
            customers.c.deleted_at.is_not(None),
        )
    )
    return Past(
        user_id=user_id,
        now=present,
        readings=found,
        links=links,
        deleted={row.customer_id: row.deleted_at for row in deleted},
        hand=[
            HandRecord(one.grant, one.recorded_at, one.revoked_at)
            for one in hand_grants.recorded(connection, user_id)
        ],
        seats=seats,
        entitlements=entitlements,
    )


def readings_of(connection: Connection, object_id: str) -> list[Reading]:
    """All readings of a subscription or purchase, the oldest first."""
    return [
        (when, thing)
        for when, id_, thing in readings.of_customers(connection, (), [object_id])
        if id_ == object_id
    ]


def _links(connection: Connection, user_id: int) -> list[tuple[datetime, str, bool]]:
    rows = connection.execute(
        select(changes.c.at, changes.c.customer_id, changes.c.action)
        .where(
            changes.c.user_id == user_id,
            changes.c.action.in_(["linked", "unlinked"]),
            changes.c.customer_id.is_not(None),
        )
        .order_by(changes.c.id)
    )
    return [(row.at, row.customer_id, row.action == "linked") for row in rows]


def customers_at(connection: Connection, user_id: int, at: datetime) -> tuple[Linked, ...]:
    """A user's customers at a time, each with its proof and who linked it."""
    rows = connection.execute(
        select(changes, customers.c.deleted_at)
        .join(customers, customers.c.customer_id == changes.c.customer_id)
        .where(
            is_own(customers),
            changes.c.user_id == user_id,
            changes.c.action.in_(["linked", "unlinked"]),
            changes.c.at <= at,
        )
        .order_by(changes.c.id)
    )
    found: dict[str, Linked] = {}
    for row in rows:
        found.pop(row.customer_id, None)
        if row.action == "linked":
            gone_at = row.deleted_at
            found[row.customer_id] = Linked(
                id=row.customer_id,
                proof=row.outcome,
                linked_at=row.at,
                linked_by=row.cause,
                deleted_at=gone_at if gone_at and gone_at <= at else None,
            )
    return tuple(found.values())


def users_with_a_past(connection: Connection) -> list[int]:
    """All users to whom anything was ever linked, granted, given or assigned."""
    found = set(
        connection.scalars(
            select(changes.c.user_id)
            .where(
                changes.c.user_id.is_not(None),
                changes.c.action.in_(["linked", "granted", "seat_assigned"]),
            )
            .distinct()
        )
    )
    gifts = select(readings_table.c.beneficiary_id).where(
        is_own(readings_table), readings_table.c.beneficiary_id.is_not(None)
    )
    return sorted(found | set(connection.scalars(gifts.distinct())))


# --- rules ----------------------------------------------------------------------------------------


class Laws:
    """Which law was in force when, according to the readings of the catalogue and of bridge.toml.

    Groups and their pins are today's: a name stands for the group to which it was first resolved.
    """

    def __init__(self, connection: Connection, present: Policy) -> None:
        self.pins = groups.load_pins(connection)
        self.groups = groups.load_groups(connection)
        self.present = present
        self._catalogue = readings.of_kinds(connection, readings.CATALOGUE)
        self._policies = readings.of_kinds(connection, ["policy"])
        self._made: dict[tuple[int, int, int | None], tuple[Law, Proposal | None]] = {}

    def moments(self, since: datetime, until: datetime) -> list[datetime]:
        """When the rules changed, after `since` and not after `until`."""
        times = {when for when, _, _ in (*self._catalogue, *self._policies)}
        return sorted(when for when in times if since < when <= until)

    def at(self, at: datetime, other: Proposal | None = None) -> Law:
        """The law at a time, or the law that a proposal would have made."""
        known = [one for one in self._catalogue if one[0] <= at]
        key = len(known), self._policy_number(at), id(other) if other else None
        if key not in self._made:
            in_force = (other and other.policy) or self._policy_at(at)
            # A product that was first read later existed before: use its first reading.
            ahead = {object_id: thing for _, object_id, thing in reversed(self._catalogue)}
            catalogue = ahead | {object_id: thing for _, object_id, thing in known}
            catalogue |= {thing.id: thing for thing in other.things} if other else {}
            # Cached together with the object, so that its id stays unique.
            self._made[key] = self._law(in_force, catalogue.values()), other
        return self._made[key][0]

    def _law(self, policy: Policy, things: Iterable[Any]) -> Law:
        everything = tuple(things)
        products = [one for one in everything if isinstance(one, Product)]
        prices = [one for one in everything if isinstance(one, Price)]
        features = [one for one in everything if isinstance(one, Feature)]
        rules = compile_rules(products, prices, policy, self.pins, self.groups, features)
        return Law(policy, rules, Catalogue.of(products, prices, features))

    def _policy_number(self, at: datetime) -> int:
        return sum(when <= at for when, _, _ in self._policies)

    def _policy_at(self, at: datetime) -> Policy:
        known = [policy for when, _, policy in self._policies if when <= at]
        first = self._policies[0][2] if self._policies else None
        found = known[-1] if known else first
        return found if isinstance(found, Policy) else self.present
