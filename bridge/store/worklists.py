"""The rows of the moderators' worklists, one page at a time, so that nothing loads everybody."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    func,
    or_,
    select,
)

from bridge.core.model.reasons import Hold
from bridge.core.model.stripe import Subscription
from bridge.core.rights.ahead import Coming
from bridge.core.rights.double_payments import RENEWING
from bridge.store.own import is_own
from bridge.store.readings import CONVERTER
from bridge.store.schema.buying import double_payments
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.people import customers, users
from bridge.store.schema.rights import subscriptions
from bridge.store.schema.work import inbox
from bridge.store.subscriptions import billing_of

M = memberships.c
S = subscriptions.c
FAILED = ("past_due", "unpaid")
"""The statuses of a subscription whose payment failed: Stripe tries again, or has given up."""
_COMES_AT: Mapping[Coming, Any] = {
    "renewals": S.renews_at,
    "trials": S.trial_ends_at,
    "gifts": S.gift_ends_at,
}


@dataclass(frozen=True, slots=True)
class Paying:
    """A subscription and its user. `refused`: invoice -> Stripe's code of its last decline."""

    subscription: Subscription
    user_id: int | None
    username: str | None
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class InGroup:
    """A membership with names for people. `at`: since when, or until when."""

    user_id: int
    username: str | None
    group_id: int
    group: str
    shown_as: str
    why: str | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Dead:
    """An event that can never be processed, and why."""

    id: str
    type: str
    about: str | None
    received_at: datetime
    why: str


@dataclass(frozen=True, slots=True)
class Twice:
    """A subscription that goes on although another one gives the same."""

    subscription: Subscription
    kept: Subscription
    user_id: int
    username: str | None
    found_at: datetime


@dataclass(frozen=True, slots=True)
class Doubled:
    """A subscription that was paid in several tabs, and the one that stays instead."""

    subscription_id: str
    kept_id: str
    user_id: int
    username: str | None
    found_at: datetime


def failed(connection: Connection, after: str, limit: int) -> list[Paying]:
    """Subscriptions whose payment failed, by id."""
    asked = failing().where(S.id > after).order_by(S.id).limit(limit)
    return [_paying(row) for row in connection.execute(asked)]


def failing() -> Select[Any]:
    """SQL: every subscription whose payment failed."""
    return _of_payer().where(S.status.in_(FAILED))


def _of_payer() -> Select[Any]:
    theirs = and_(customers.c.customer_id == S.customer_id, is_own(customers))
    return (
        select(S.data, customers.c.user_id, customers.c.billing, users.c.username)
        .select_from(
            subscriptions.join(customers, theirs).outerjoin(
                users, users.c.user_id == customers.c.user_id
            )
        )
        .where(is_own(subscriptions), customers.c.deleted_at.is_(None))
    )


def _paying(row: Any) -> Paying:
    subscription = CONVERTER.structure(row.data, Subscription)
    refused = billing_of(row.billing).refused
    return Paying(subscription, row.user_id, row.username, refused)


def coming(
    connection: Connection,
    kind: Coming,
    until: tuple[datetime, datetime],
    after: tuple[datetime, str] | None,
    limit: int,
) -> list[Paying]:
    """Subscriptions that renew, end their trial or are given, within a time; by day and id."""
    at, asked = _COMES_AT[kind], due(kind, until)
    if after:
        asked = asked.where(or_(at > after[0], and_(at == after[0], S.id > after[1])))
    return [_paying(row) for row in connection.execute(asked.order_by(at, S.id).limit(limit))]


def due(kind: Coming, until: tuple[datetime, datetime]) -> Select[Any]:
    """SQL: everything of this kind within a time."""
    return _of_payer().where(_COMES_AT[kind].between(*until))


def _in_group(at: Any, why: Any) -> Select[Any]:
    named = memberships.join(groups, groups.c.id == M.group_id)
    return select(
        M.user_id,
        users.c.username,
        M.group_id,
        groups.c.name,
        func.coalesce(groups.c.full_name, groups.c.name),
        why.label("why"),
        at.label("at"),
    ).select_from(named.outerjoin(users, users.c.user_id == M.user_id))


def _after(after: tuple[int, int]) -> ColumnElement[bool]:
    return or_(M.user_id > after[0], and_(M.user_id == after[0], M.group_id > after[1]))


def held(connection: Connection, after: tuple[int, int], limit: int) -> list[InGroup]:
    """Memberships that wait for a decision, by user and group."""
    return _page(connection, undecided(), after, limit)


def undecided() -> Select[Any]:
    """SQL: every membership that waits for a decision; applications have a list of their own."""
    return _in_group(M.hold_at, M.hold).where(M.hold != Hold.APPROVAL_WAITS)


def _page(
    connection: Connection, asked: Select[Any], after: tuple[int, int], limit: int
) -> list[InGroup]:
    ordered = asked.where(_after(after)).order_by(M.user_id, M.group_id).limit(limit)
    return [InGroup(*row) for row in connection.execute(ordered)]


def kept_out(connection: Connection, after: tuple[int, int], limit: int) -> list[InGroup]:
    """Memberships with a grant that staff or the members themselves ended."""
    return _page(connection, ended_by_hand(), after, limit)


def ended_by_hand() -> Select[Any]:
    """SQL: every membership that a grant gives and that somebody ended on the forum."""
    return _in_group(M.override_at, M.override).where(M.override.is_not(None), M.wanted)


def put_in(
    connection: Connection, group_ids: Collection[int], after: tuple[int, int], limit: int
) -> list[InGroup]:
    """Members of these groups whom somebody added on the forum and to whom nothing grants it."""
    return _page(connection, added_by_others(group_ids), after, limit)


def added_by_others(group_ids: Collection[int]) -> Select[Any]:
    """SQL: every member of these groups whom somebody added on the forum without a grant."""
    asked = _in_group(M.actual_since, M.reason).where(
        M.group_id.in_(group_ids), M.actual, M.owned == "no", ~M.wanted
    )
    return asked.where(func.coalesce(M.added_by, "") != "bridge")


def forgotten(connection: Connection, after: tuple[int, int], limit: int) -> list[InGroup]:
    """Members whom the bridge's own user added and who are not on record."""
    return _page(connection, lost_from_record(), after, limit)


def lost_from_record() -> Select[Any]:
    """SQL: every member whom the bridge's own user added and who is not on record."""
    added = (M.actual, M.owned == "no", M.added_by == "bridge")
    return _in_group(M.actual_since, M.reason).where(*added)


def ending(
    connection: Connection,
    until: tuple[datetime, datetime],
    after: tuple[datetime, int, int] | None,
    limit: int,
) -> list[InGroup]:
    """Memberships that end within a time, the nearest first."""
    asked = ending_within(until)
    if after:
        at, *of = after
        later = and_(M.wanted_until == at, _after((of[0], of[1])))
        asked = asked.where(or_(M.wanted_until > at, later))
    order = (M.wanted_until, M.user_id, M.group_id)
    return [InGroup(*row) for row in connection.execute(asked.order_by(*order).limit(limit))]


def ending_within(until: tuple[datetime, datetime]) -> Select[Any]:
    """SQL: every membership that ends within a time."""
    return _in_group(M.wanted_until, M.reason).where(M.wanted, M.wanted_until.between(*until))


def stopped(connection: Connection) -> list[tuple[int, str, datetime]]:
    """Groups whose removals wait for a moderator: id, name, since when."""
    rows = connection.execute(removals_stopped().order_by(groups.c.name))
    return [(row[0], row[1], row[2]) for row in rows]


def removals_stopped() -> Select[Any]:
    """SQL: every group whose removals wait for a moderator."""
    at = groups.c.removals_stopped_at
    return select(groups.c.id, groups.c.name, at).where(at.is_not(None))


def dead(connection: Connection, after: str, limit: int) -> list[Dead]:
    """Events that can never be processed, by id."""
    asked = unreadable().where(inbox.c.event_id > after).order_by(inbox.c.event_id).limit(limit)
    return [Dead(*row) for row in connection.execute(asked)]


def dead_event(connection: Connection, event_id: str) -> Dead | None:
    """One of them, by its id."""
    row = connection.execute(unreadable().where(inbox.c.event_id == event_id)).one_or_none()
    return Dead(*row) if row else None


def unreadable() -> Select[Any]:
    """SQL: every event that can never be processed."""
    columns = ("event_id", "type", "object_id", "received_at", "outcome")
    return select(*(inbox.c[name] for name in columns)).where(inbox.c.status == "dead")


def twice(connection: Connection, after: str, limit: int) -> list[Twice]:
    """Subscriptions that are still paid besides another one for the same, by id."""
    asked = paid_twice().where(double_payments.c.subscription_id > after)
    rows = connection.execute(asked.order_by(double_payments.c.subscription_id).limit(limit))
    return [
        Twice(
            CONVERTER.structure(row.data, Subscription),
            CONVERTER.structure(row.kept, Subscription),
            row.user_id,
            row.username,
            row.found_at,
        )
        for row in rows
    ]


def paid_twice() -> Select[Any]:
    """SQL: every subscription that is paid besides another, both running and both this user's.

    An end is known here before anybody decides anew.
    """
    row, kept = double_payments.c, subscriptions.alias("kept")
    whose, whose_kept = customers.alias("whose"), customers.alias("whose_kept")
    joined = double_payments.outerjoin(users, users.c.user_id == row.user_id)
    for id_, one, its in (
        (row.subscription_id, subscriptions, whose),
        (row.kept_id, kept, whose_kept),
    ):
        runs = and_(one.c.id == id_, is_own(one), one.c.status.in_(RENEWING))
        theirs = and_(
            its.c.customer_id == one.c.customer_id,
            is_own(its),
            its.c.user_id == row.user_id,
            its.c.deleted_at.is_(None),
        )
        joined = joined.join(one, runs).join(its, theirs)
    columns = (row.subscription_id, row.user_id, users.c.username, row.found_at)
    return (
        select(*columns, S.data, kept.c.data.label("kept"))
        .select_from(joined)
        .where(row.goes_on.is_(True))
    )


def doubled(connection: Connection, after: str, limit: int) -> list[Doubled]:
    """Subscriptions that were paid in several tabs, by id."""
    id_ = double_payments.c.subscription_id
    asked = paid_in_tabs().where(id_ > after).order_by(id_).limit(limit)
    return [Doubled(*found) for found in connection.execute(asked)]


def paid_in_tabs() -> Select[Any]:
    """SQL: every subscription that was paid in several tabs."""
    row = double_payments.c
    return (
        select(row.subscription_id, row.kept_id, row.user_id, users.c.username, row.found_at)
        .outerjoin_from(double_payments, users, users.c.user_id == row.user_id)
        .where(row.goes_on.is_(False))
    )
