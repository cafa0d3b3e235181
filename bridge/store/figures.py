"""Figures on how the bridge is doing, counted in SQL, so that all processes agree."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from sqlalchemy import Connection, Select, and_, exists, func, select
from sqlalchemy.exc import SQLAlchemyError

from bridge.errors import Transient
from bridge.store import Store, alerts, migrate, state
from bridge.store.own import is_ours, is_own
from bridge.store.schema.forum import groups, memberships
from bridge.store.schema.people import customers, users
from bridge.store.schema.rights import subscriptions
from bridge.store.schema.work import inbox, work
from bridge.store.work import oldest_dirty_seconds

PROBE = "ready.probe"


def writing_problem(store: Store) -> str | None:
    """Try a write and roll it back; returns why nothing can be stored, or None."""
    try:
        found = migrate.state(store)
        if found != "current":
            return f"its tables are {found}: run `bridge migrate`"
        with store.write() as connection:
            trial = connection.begin_nested()
            state.put(connection, PROBE, 1)
            trial.rollback()
    except (SQLAlchemyError, Transient) as error:
        return f"it cannot be written ({type(error).__name__})"
    return None


GO_ON = ("active", "trialing", "past_due")
GOES_ON = subscriptions.c.status.in_(GO_ON)


def _paying() -> Select[int]:
    """How many linked customers have a continuing subscription."""
    goes_on = exists().where(
        is_own(subscriptions), subscriptions.c.customer_id == customers.c.customer_id, GOES_ON
    )
    return (
        select(func.count())
        .select_from(customers.join(users, users.c.user_id == customers.c.user_id))
        .where(is_own(customers), customers.c.deleted_at.is_(None), goes_on)
    )


_COUNT = select(func.count())
_M = memberships.c
_DIRTY = and_(is_ours(work), work.c.dirty_gen > work.c.done_gen)

# Name, explanation, and what is counted.
COUNTS: tuple[tuple[str, str, Select[int]], ...] = (
    (
        "bridge_dirty",
        "Customers and users waiting for a decision.",
        _COUNT.select_from(work).where(_DIRTY),
    ),
    (
        "bridge_failing",
        "Those whose last attempt failed.",
        _COUNT.select_from(work).where(_DIRTY, work.c.attempts > 0),
    ),
    (
        "bridge_inbox_waiting",
        "Events stored and not yet processed.",
        _COUNT.select_from(inbox).where(inbox.c.status == "received"),
    ),
    (
        "bridge_inbox_dead",
        "Events that can never be processed.",
        _COUNT.select_from(inbox).where(inbox.c.status == "dead"),
    ),
    (
        "bridge_adds_waiting",
        "Members who should be in a group but are not yet.",
        _COUNT.select_from(memberships).where(_M.wanted, ~_M.actual),
    ),
    (
        "bridge_removals_waiting",
        "Members added by the bridge who have no right to the group any more and are still in it.",
        _COUNT.select_from(memberships).where(~_M.wanted, _M.actual, _M.owned == "proven"),
    ),
    (
        "bridge_held",
        "Memberships that wait for a moderator.",
        _COUNT.select_from(memberships).where(_M.hold.is_not(None)),
    ),
    (
        "bridge_removals_stopped_groups",
        "Groups whose removals wait for a moderator.",
        _COUNT.select_from(groups).where(groups.c.removals_stopped_at.is_not(None)),
    ),
    (
        "bridge_missing_groups",
        "Groups of mapping rules that the forum no longer has.",
        _COUNT.select_from(groups).where(groups.c.missing_since.is_not(None)),
    ),
    (
        "bridge_paying_without_account",
        "Customers who still pay although their account was deleted, merged or anonymised.",
        _paying().where(users.c.state.in_(["gone", "anonymized"])),
    ),
    (
        "bridge_paying_suspended",
        "Customers who still pay while suspended.",
        _paying().where(users.c.state == "suspended"),
    ),
    (
        "bridge_orphan_customers",
        "Customers at Stripe linked to no user.",
        _COUNT.select_from(customers).where(is_own(customers), customers.c.user_id.is_(None)),
    ),
)


def figures(connection: Connection, now: datetime) -> Iterator[tuple[str, str, float]]:
    """Name, explanation and value of each figure; the first is the one to watch."""
    yield (
        "bridge_oldest_dirty_seconds",
        "How long the longest waiting change has waited.",
        oldest_dirty_seconds(connection, now),
    )
    open_alerts = alerts.open_ones(connection, now)
    yield "bridge_alerts", "Open alerts; `bridge alerts` lists them.", len(open_alerts)
    for name, explanation, counted in COUNTS:
        yield name, explanation, float(connection.scalar(counted) or 0)
