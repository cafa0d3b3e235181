"""How the bridge is doing, counted in SQL: the same whichever process is asked."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Select, exists, func, select

from bridge.store import state
from bridge.store.links import count_orphans
from bridge.store.schema import (
    customers,
    groups,
    inbox,
    memberships,
    subscriptions,
    users,
    work,
)
from bridge.store.work import oldest_dirty_seconds

PROBE = "ready.probe"


def try_writing(connection: Connection) -> None:
    """Write something and take it back; raises what every other write would raise now."""
    trial = connection.begin_nested()
    state.put(connection, PROBE, 1)
    trial.rollback()


def figures(connection: Connection, now: datetime) -> Iterator[tuple[str, str, float]]:
    """Name, explanation and value of each figure; the first is the one to watch."""
    count = select(func.count())

    def number(statement: object) -> float:
        return float(connection.scalar(statement) or 0)  # type: ignore[call-overload] # a Select

    m = memberships.c
    yield (
        "bridge_oldest_dirty_seconds",
        "How long the longest waiting change has waited.",
        oldest_dirty_seconds(connection, now),
    )
    yield (
        "bridge_dirty",
        "Customers and users that wait for a decision.",
        number(count.select_from(work).where(work.c.dirty_gen > work.c.done_gen)),
    )
    yield (
        "bridge_failing",
        "Those of them whose last attempt failed.",
        number(
            count.select_from(work).where(work.c.dirty_gen > work.c.done_gen, work.c.attempts > 0)
        ),
    )
    yield (
        "bridge_inbox_waiting",
        "Events stored and not yet looked at.",
        number(count.select_from(inbox).where(inbox.c.status == "received")),
    )
    yield (
        "bridge_inbox_dead",
        "Events that cannot be used; somebody should look.",
        number(count.select_from(inbox).where(inbox.c.status == "dead")),
    )
    yield (
        "bridge_adds_waiting",
        "Members who should be in a group and are not yet.",
        number(count.select_from(memberships).where(m.wanted, ~m.actual)),
    )
    yield (
        "bridge_removals_waiting",
        "Members whom the bridge added, whom nothing entitles any more, and who are still in.",
        number(count.select_from(memberships).where(~m.wanted, m.actual, m.owned == "proven")),
    )
    yield (
        "bridge_held",
        "Memberships that wait for a moderator.",
        number(count.select_from(memberships).where(m.hold.is_not(None))),
    )
    yield (
        "bridge_removals_stopped_groups",
        "Groups in which the removal limit stopped removals.",
        number(count.select_from(groups).where(groups.c.removals_stopped_at.is_not(None))),
    )
    yield (
        "bridge_missing_groups",
        "Groups of mapping rules that the forum does not have any more.",
        number(count.select_from(groups).where(groups.c.missing_since.is_not(None))),
    )
    yield (
        "bridge_paying_without_account",
        "Customers who go on paying though their account is gone or anonymous: ask them.",
        number(_paying().where(users.c.state.in_(["gone", "anonymized"]))),
    )
    yield (
        "bridge_paying_suspended",
        "Customers who go on paying while they are suspended.",
        number(_paying().where(users.c.state == "suspended")),
    )
    yield (
        "bridge_orphan_customers",
        "Customers at Stripe whom no user is linked to.",
        float(count_orphans(connection)),
    )


def _paying() -> Select[int]:
    """How many linked customers have a subscription that goes on."""
    goes_on = exists().where(
        subscriptions.c.customer_id == customers.c.customer_id,
        subscriptions.c.data["status"].as_string().in_(["active", "trialing", "past_due"]),
    )
    return (
        select(func.count())
        .select_from(customers.join(users, users.c.user_id == customers.c.user_id))
        .where(customers.c.deleted_at.is_(None), goes_on)
    )
