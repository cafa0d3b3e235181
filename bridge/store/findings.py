"""Finds in the stored data what needs attention; it looks anew each time, so it misses nothing."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, exists, func, or_, select, union_all

from bridge.core.model.alerts import Finding, Kind
from bridge.core.model.stripe import Subscription
from bridge.core.rules.compiled import Rules
from bridge.core.rules.policy import Policy
from bridge.core.telling import holds
from bridge.core.telling.alerts import MISSED_WITHIN, ON_ITS_WAY, WORST_SKEW_SECONDS, is_news_missed
from bridge.core.telling.words import named
from bridge.store import (
    additions,
    gives_nothing,
    paid_lines,
    paid_twice,
    registers,
    sending,
    sold_abroad,
    state,
    unlinked,
)
from bridge.store.figures import GO_ON, GOES_ON
from bridge.store.groups import load_groups
from bridge.store.naming import Names
from bridge.store.own import is_ours, is_own
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.people import customers, users
from bridge.store.schema.rights import purchases, subscriptions
from bridge.store.schema.work import inbox, work
from bridge.store.statements import STARTED_AT
from bridge.store.subscriptions import last_read
from bridge.store.work import FORUM_LANE

M = memberships.c
ENDPOINT = "stripe.endpoint"
CLOCK = "clock.skew"
INVITES_REFUSED = "invitations.refused"
"""When the forum last let the key invite nobody."""
# Longer than a hiccup, and short enough that moderators know within minutes.
TOO_LONG = timedelta(minutes=5)
ENDED_LATELY = timedelta(days=1)
# Far longer than any round of work: whatever waits longer was forgotten.
FORGOTTEN = timedelta(hours=1)
DEAD_LATELY = timedelta(days=7)
SHOWN = 3
AWAY = {
    Kind.PAYS_SUSPENDED: ("suspended",),
    Kind.PAYS_WITHOUT_ACCOUNT: ("gone", "anonymized"),
}
AT_ONCE = 500


def findings(
    connection: Connection, rules: Rules, policy: Policy, now: datetime
) -> Iterator[Finding]:
    """Everything that needs a person now."""
    yield from _news(connection, now)
    skew = (state.get(connection, CLOCK) or {}).get("skew_seconds")
    if skew is not None and skew > WORST_SKEW_SECONDS:
        yield Finding(Kind.CLOCK_WRONG, "clock", facts={"seconds": round(skew)})
    refused_at = state.get_time(connection, INVITES_REFUSED) if policy.claim_invite else None
    if refused_at is not None:
        yield Finding(Kind.INVITES_REFUSED, "forum", refused_at)
    yield from _waiting(connection, now)
    yield from _rules(connection, rules)
    yield from _held(connection)
    yield from _ended_without_rule(connection, rules, now)
    yield from _stopped(connection)
    yield from _unknown_additions(connection)
    yield from _disputed(connection)
    yield from _paying(connection)
    yield from unlinked.findings(connection, rules)
    yield from registers.findings(connection)
    yield from paid_twice.findings(connection, now)
    yield from gives_nothing.findings(connection, rules, now)
    yield from sold_abroad.findings(connection, rules, now)
    yield from paid_lines.findings(connection, rules, policy, now)


def _news(connection: Connection, now: datetime) -> Iterator[Finding]:
    found = state.get(connection, ENDPOINT) or {}
    if found.get("status") == "disabled":
        yield Finding(Kind.ENDPOINT_OFF, "stripe", facts={"address": found["address"]})
    started_at = state.get_time(connection, STARTED_AT) or now
    lately = {"b_since": now - MISSED_WITHIN}
    missed = [
        row
        for row in connection.execute(_FETCHED, lately)
        if row.created_at and started_at <= row.created_at < row.received_at - ON_ITS_WAY
    ]
    arrived_at = connection.scalar(_ARRIVED_AT, lately)
    if is_news_missed([row.received_at for row in missed], arrived_at, now):
        since_at = min(row.created_at for row in missed)
        yield Finding(Kind.NEWS_MISSED, "stripe", since_at, {"count": len(missed)})


_LATELY = inbox.c.received_at > bindparam("b_since")
_FETCHED = select(inbox).where(_LATELY, inbox.c.source == "backfill")
_ARRIVED_AT = select(func.max(inbox.c.received_at)).where(_LATELY, inbox.c.source == "stripe")


def _waiting(connection: Connection, now: datetime) -> Iterator[Finding]:
    if rows := connection.execute(_FAILING, {"b_before": now - TOO_LONG}).all():
        told = {"count": len(rows), "what": _some(f"{row.key}: {row.error}" for row in rows)}
        yield Finding(Kind.STRIPE_WAITS, "stripe", rows[0].dirty_at, told)
    yield from _events(connection, now)
    count, since_at = sending.stuck(connection, now - TOO_LONG)
    if count:
        yield Finding(Kind.FORUM_WAITS, "forum", since_at, {"count": count})


_FAILING = (
    select(work.c.key, work.c.error, work.c.dirty_at)
    .where(
        is_ours(work),
        work.c.dirty_gen > work.c.done_gen,
        work.c.attempts > 0,
        work.c.key != FORUM_LANE,
        work.c.dirty_at <= bindparam("b_before"),
    )
    .order_by(work.c.dirty_at, work.c.key)
)


def _events(connection: Connection, now: datetime) -> Iterator[Finding]:
    """Events that wait for their next attempt, forgotten events, and dead events."""
    limits = {"b_late": now - TOO_LONG, "b_forgotten": now - FORGOTTEN}
    if rows := connection.execute(_EVENTS_THAT_WAIT, limits).all():
        told = {"count": len(rows), "what": _some(map(_event, rows))}
        yield Finding(Kind.EVENT_WAITS, "events", rows[0].received_at, told)
    found: dict[str, list[Any]] = defaultdict(list)
    for row in connection.execute(_DEAD, {"b_since": now - DEAD_LATELY}):
        found[row.outcome or ""].append(row)
    for reason, dead in found.items():
        told = {"count": len(dead), "what": _event(dead[0]), "event_id": dead[0].event_id}
        yield Finding(Kind.EVENT_DEAD, reason[:255], dead[0].received_at, told)


_KEY_FAILS = exists().where(
    is_ours(work),
    work.c.key == inbox.c.work_key,
    work.c.attempts > 0,
    work.c.key != FORUM_LANE,
)
_EVENTS_THAT_WAIT = (
    select(inbox)
    .where(
        inbox.c.status == "received",
        or_(
            and_(inbox.c.attempts > 0, inbox.c.received_at <= bindparam("b_late")),
            and_(inbox.c.received_at <= bindparam("b_forgotten"), ~_KEY_FAILS),
        ),
    )
    .order_by(inbox.c.received_at, inbox.c.event_id)
)
_DEAD = (
    select(inbox)
    .where(inbox.c.status == "dead", inbox.c.done_at > bindparam("b_since"))
    .order_by(inbox.c.received_at)
)


def _event(row: Any) -> str:
    about = f" about {row.object_id}" if row.object_id else ""
    return f"{row.type} {row.event_id}{about}: {row.outcome or 'not worked on'}"


def _some(texts: Iterable[str]) -> str:
    """The first few; more would hide the others of a message."""
    return "; ".join(text[:200] for text in itertools.islice(texts, SHOWN))


def _rules(connection: Connection, rules: Rules) -> Iterator[Finding]:
    names, problems = Names(connection), defaultdict(list)
    for problem in rules.problems:
        if problem.halts:
            problems[problem.subject].append(problem)
    for where, wrong in problems.items():
        message = " ".join(f"{one.code} {one.message}" for one in wrong)
        told = {"where": names.within(where), "message": message, "hint": wrong[0].hint}
        yield Finding(Kind.RULE_HALTED, where[:255], facts=told)


@cache
def _of_member() -> Select[Any]:
    named = memberships.join(groups, groups.c.id == M.group_id)
    return (
        select(memberships, groups.c.name.label("group"), users.c.username)
        .select_from(named.outerjoin(users, users.c.user_id == M.user_id))
        .order_by(M.user_id, M.group_id)
    )


def _user(row: Any) -> dict[str, Any]:
    return {"user": named(row.user_id, row.username), "user_id": row.user_id}


def _member(row: Any) -> dict[str, Any]:
    return _user(row) | {"group": row.group}


def _held(connection: Connection) -> Iterator[Finding]:
    for row in connection.execute(_of_member().where(M.hold.in_(sorted(holds.WITH_AN_ALERT)))):
        told = _member(row) | {"why": holds.for_moderator(row.hold)}
        yield Finding(Kind.HELD, f"{row.user_id}:{row.group_id}", row.hold_at, told)


def _ended_without_rule(connection: Connection, rules: Rules, now: datetime) -> Iterator[Finding]:
    """Memberships that ended because their price lost its rule, with `unmapped = "end"` (A34)."""
    lately = (~M.wanted, M.unwanted_at > now - ENDED_LATELY)
    for row in connection.execute(_of_member().where(*lately)):
        sources = [last_read(connection, id_) for id_ in row.sources]
        if any(one is not None and _has_no_rule(one, rules) for one in sources):
            subject = f"{row.user_id}:{row.group_id}"
            yield Finding(Kind.NO_RULE_ENDS, subject, row.unwanted_at, _member(row))


def _has_no_rule(subscription: Subscription, rules: Rules) -> bool:
    return subscription.status in GO_ON and not all(
        rules.rule_for(item.price_id, item.product_id)
        or rules.halted_rule_for(item.price_id, item.product_id)
        for item in subscription.items
    )


def _stopped(connection: Connection) -> Iterator[Finding]:
    stopped = select(groups).where(groups.c.removals_stopped_at.is_not(None))
    for row in connection.execute(stopped):
        told = {"group": row.name}
        yield Finding(Kind.REMOVALS_STOPPED, str(row.id), row.removals_stopped_at, told)


def _unknown_additions(connection: Connection) -> Iterator[Finding]:
    names = {group_id: one.name for group_id, one in load_groups(connection).items()}
    for found in additions.unknown(connection):
        told = {
            "group": names.get(found.group_id, f"group {found.group_id}"),
            "count": found.count,
            "lost": found.without_grant,
        }
        yield Finding(Kind.UNKNOWN_ADDITIONS, str(found.group_id), found.since_at, told)


def _disputed(connection: Connection) -> Iterator[Finding]:
    yield from _by_user(Names(connection), Kind.DISPUTE, connection.execute(_disputes()))


@cache
def _disputes() -> Select[Any]:
    of_period = subscriptions.c.data[("last_payment", "disputed")].as_string() == "open"
    of_order = purchases.c.data["disputed"].as_string() == "open"
    both = union_all(
        select(subscriptions.c.id, subscriptions.c.customer_id).where(
            is_own(subscriptions), of_period
        ),
        select(purchases.c.id, purchases.c.customer_id).where(is_own(purchases), of_order),
    ).subquery()
    return (
        select(both.c.id, customers.c.user_id, users.c.username)
        .select_from(
            both.join(customers, customers.c.customer_id == both.c.customer_id).outerjoin(
                users, users.c.user_id == customers.c.user_id
            )
        )
        .where(is_own(customers), customers.c.user_id.is_not(None))
    )


def _paying(connection: Connection) -> Iterator[Finding]:
    """People who still pay although the bridge cannot write to their account."""
    for kind, states in AWAY.items():
        # The few inactive users first, because looking through all payments takes long.
        ids = connection.scalars(select(users.c.user_id).where(users.c.state.in_(states))).all()
        for start in range(0, len(ids), AT_ONCE):
            some = ids[start : start + AT_ONCE]
            yield from _by_user(Names(connection), kind, connection.execute(_paid_by(some)))


def _paid_by(user_ids: Sequence[int]) -> Select[Any]:
    theirs = customers.join(users, users.c.user_id == customers.c.user_id)
    return (
        select(subscriptions.c.id, users.c.user_id, users.c.username, users.c.state)
        .select_from(
            theirs.join(subscriptions, subscriptions.c.customer_id == customers.c.customer_id)
        )
        .where(
            is_own(customers),
            is_own(subscriptions),
            customers.c.user_id.in_(user_ids),
            customers.c.deleted_at.is_(None),
            GOES_ON,
        )
    )


def _by_user(names: Names, kind: Kind, rows: Iterable[Any]) -> Iterator[Finding]:
    """One finding for each user, with the Stripe objects it is about."""
    found: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        found[row.user_id].append(row)
    for user_id, theirs in found.items():
        objects = names.objects(one.id for one in theirs)
        told = {"state": getattr(theirs[0], "state", None), "objects": objects}
        yield Finding(kind, str(user_id), facts=_user(theirs[0]) | told)
