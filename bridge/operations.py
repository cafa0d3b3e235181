"""What operators ask for: link, sync, replay, release, plan, explain; as data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from bridge.core.grants import grants
from bridge.core.membership import Wish, decide
from bridge.core.model import Facts, Grant, Subscription
from bridge.core.rules import Rules
from bridge.errors import NotFound, Permanent
from bridge.store import changes, facts, groups, inbox, links, memberships, statements, work
from bridge.store.schema import customers, users
from bridge.store.schema import inbox as inbox_table
from bridge.store.schema import memberships as membership_table
from bridge.wiring import Bridge
from bridge.worker.decider import situation

Progress = Callable[[str, int], None]


def _quiet(_what: str, _count: int) -> None:
    pass


# --- doing ----------------------------------------------------------------------------------------


def link(bridge: Bridge, customer_id: str, user_id: int, *, actor: str) -> None:
    """Link a customer to a user on an operator's word.

    Raises: NotFound when either does not exist, Permanent when the customer is another user's.
    """
    bridge.stripe.customer(customer_id)
    user = bridge.discourse.user(user_id)
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        statements.see_user(connection, user, now)
        if not links.link(connection, customer_id, user_id, proof="operator", actor=actor, now=now):
            owner = links.user_of(connection, customer_id)
            raise Permanent(
                f"{customer_id} is linked to user {owner}; unlink it first if that is wrong"
            )
    bridge.hint("decide", customer_id)


def unlink(bridge: Bridge, customer_id: str, *, actor: str) -> int:
    """Undo a link; returns whose it was. Raises NotFound when there was none."""
    with bridge.store.write() as connection:
        user_id = links.unlink(connection, customer_id, actor=actor, now=bridge.clock.now())
    if user_id is None:
        raise NotFound(f"{customer_id} is linked to nobody")
    bridge.hint("decide", work.user_key(user_id))
    return user_id


def sync_user(bridge: Bridge, user_id: int, *, actor: str) -> None:
    """Have everything about a user read again."""
    now = bridge.clock.now()
    key = work.user_key(user_id)
    with bridge.store.write() as connection:
        work.mark_dirty(
            connection,
            key,
            now=now,
            due_at=now,
            cause=f"sync by {actor}",
            needs=("read", "purchases", "money"),
        )
    bridge.hint("decide", key)


def replay(bridge: Bridge, event_id: str) -> None:
    """Work on a stored event again. Raises NotFound for an unknown one."""
    with bridge.store.write() as connection:
        if not inbox.reopen(connection, event_id, bridge.clock.now()):
            raise NotFound(f"no event {event_id} was ever stored")


def release(bridge: Bridge, group_name: str, *, actor: str) -> int:
    """Let removals go on that the limit has stopped; returns how many wait. Raises NotFound."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        found = [g for g in groups.load_groups(connection).values() if g.name == group_name]
        if not found:
            raise NotFound(f"no group is called {group_name}")
        group_id = found[0].id
        waiting = len(memberships.removals(connection, group_id, 1_000_000))
        row = groups.row_of(connection, group_id)
        released = (row.removals_released if row is not None else 0) + waiting
        groups.update_group(
            connection, group_id, removals_stopped_at=None, removals_released=released, next_at=now
        )
        changes.log(
            connection,
            "removals_released",
            now=now,
            group_id=group_id,
            cause=actor,
            outcome=f"{waiting} waiting",
        )
    bridge.hint("apply", str(group_id))
    return waiting


def statements_for_all(bridge: Bridge, *, really: bool) -> int:
    """How many members have no statement yet; with `really`, have them all written."""
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        told = select(users.c.user_id).where(users.c.topic_id.is_not(None))
        waiting = connection.scalars(
            select(customers.c.user_id)
            .where(customers.c.user_id.is_not(None), customers.c.user_id.not_in(told))
            .distinct()
        ).all()
        if really:
            for user_id in waiting:
                statements.due(connection, user_id, now)
    return len(waiting)


# --- asking ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Planned:
    """One thing that a full reconcile would do: add, remove or hold; and why."""

    action: str
    group_id: int
    group: str
    user_id: int
    username: str | None
    reason: str
    rule_id: str | None
    sources: tuple[str, ...]


def plan(bridge: Bridge, progress: Progress = _quiet) -> list[Planned]:
    """What a full reconcile would change, by a fresh reading of Stripe and Discourse.

    Nothing is written, here or there.
    """
    by_customer = _everybody(bridge, progress)
    with bridge.store.read() as connection:
        rules = bridge.rulebook.compile(connection)
        names = {g.id: g.name for g in groups.load_groups(connection).values()}
        links = connection.execute(
            select(customers.c.customer_id, customers.c.user_id).where(
                customers.c.user_id.is_not(None)
            )
        ).all()
    real = _real_members(bridge, rules, names, progress)
    by_user: dict[int, list[str]] = {}
    for row in links:
        by_user.setdefault(row.user_id, []).append(row.customer_id)
    found: list[Planned] = []
    for number, (user_id, customer_ids) in enumerate(sorted(by_user.items())):
        fresh = tuple(s for c in customer_ids for s in by_customer.get(c, ()))
        with bridge.store.read() as connection:
            found += _plan_user(bridge, connection, user_id, fresh, rules, names, real)
        progress("members", number + 1)
    return sorted(found, key=lambda one: (one.group, one.action, one.user_id))


def _everybody(bridge: Bridge, progress: Progress) -> dict[str, list[Subscription]]:
    found: dict[str, list[Subscription]] = {}
    count = 0
    for page in bridge.stripe.all_subscriptions():
        for subscription in page:
            found.setdefault(subscription.customer_id, []).append(subscription)
        count += len(page)
        progress("subscriptions", count)
    return found


def _real_members(
    bridge: Bridge, rules: Rules, names: Mapping[int, str], progress: Progress
) -> dict[int, set[int]]:
    real: dict[int, set[int]] = {}
    for group_id in sorted(rules.mapped_group_ids & names.keys()):
        inside: set[int] = set()
        offset = 0
        while True:
            page = bridge.discourse.members(names[group_id], offset=offset)
            inside.update(member.user_id for member in page.members)
            offset += len(page.members)
            progress("group members", offset)
            if offset >= page.total or not page.members:
                break
        real[group_id] = inside
    return real


def _plan_user(
    bridge: Bridge,
    connection: Connection,
    user_id: int,
    fresh: tuple[Subscription, ...],
    rules: Rules,
    names: Mapping[int, str],
    real: Mapping[int, set[int]],
) -> Iterator[Planned]:
    now = bridge.clock.now()
    stored, _ = facts.facts_of(connection, user_id)
    known = Facts(fresh, stored.purchases, stored.hand_grants, stored.deleted_customer_ids)
    verdicts = grants(known, rules, bridge.policy, now)
    before = memberships.wishes_of(connection, user_id)
    decision = decide(before, verdicts, situation(bridge, rules, verdicts, now, now, ()))
    after = {**before, **{wish.group_id: wish for wish in decision.wishes}}
    rows = _rows(connection, user_id)
    username = connection.scalar(select(users.c.username).where(users.c.user_id == user_id))
    for group_id, wish in sorted(after.items()):
        action = _action(wish, rows.get(group_id), user_id in real.get(group_id, ()))
        if action:
            yield Planned(
                action,
                group_id,
                names.get(group_id, f"group {group_id}"),
                user_id,
                username,
                _why(wish, verdicts, action),
                wish.rule_id,
                wish.sources,
            )


def _action(wish: Wish, row: Any, is_member: bool) -> str | None:  # noqa: FBT001 - two facts
    held = wish.hold or (row.override if row is not None else None)
    if wish.wanted and not is_member:
        return "hold" if held else "add"
    if not wish.wanted and is_member and row is not None and row.owned != "no":
        return "remove"
    return "hold" if wish.wanted and wish.hold else None


def _why(wish: Wish, verdicts: Iterable[Grant], action: str) -> str:
    if action == "hold":
        return wish.hold or "taken out by hand"
    if action == "add":
        return wish.reason or "granted"
    said = [g.reason for g in verdicts if g.group_id == wish.group_id and not g.holds]
    return said[-1] if said else "nothing grants it any more"


def _rows(connection: Connection, user_id: int) -> dict[int, Any]:
    found = connection.execute(
        select(membership_table).where(membership_table.c.user_id == user_id)
    )
    return {row.group_id: row for row in found}


def explain(bridge: Bridge, user_id: int, group_name: str | None = None) -> dict[str, Any]:
    """Why a user is in each group, or is not: verdicts, what was decided, sent and seen."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        known, read_at = facts.facts_of(connection, user_id)
        rules = bridge.rulebook.compile(connection)
        verdicts = grants(known, rules, bridge.policy, now)
        names = {g.id: g.name for g in groups.load_groups(connection).values()}
        rows = _rows(connection, user_id)
        log = changes.of_user(connection, user_id)
        linked = links.customer_rows(connection, links.customers_of(connection, user_id))
        username = connection.scalar(select(users.c.username).where(users.c.user_id == user_id))
    shown = [
        group_id
        for group_id in sorted(rows.keys() | {g.group_id for g in verdicts if g.group_id in names})
        if group_name is None or names.get(group_id) == group_name
    ]
    return {
        "user_id": user_id,
        "username": username,
        "read_at": read_at,
        "customers": [
            {
                "id": row.customer_id,
                "proof": row.proof,
                "linked_at": row.linked_at,
                "linked_by": row.linked_by,
                "deleted_at": row.deleted_at,
            }
            for row in linked
        ],
        "groups": [
            _explain_group(group_id, names, rows.get(group_id), verdicts) for group_id in shown
        ],
        "without_group": [_verdict(g) for g in verdicts if g.group_id not in names],
        "changes": [
            {
                "at": row.at,
                "action": row.action,
                "group": names.get(row.group_id, row.group_id),
                "cause": row.cause,
                "rule": row.rule_id,
                "outcome": row.outcome,
            }
            for row in log
            if group_name is None or names.get(row.group_id) == group_name
        ],
    }


def _explain_group(
    group_id: int, names: Mapping[int, str], row: Any, verdicts: Iterable[Grant]
) -> dict[str, Any]:
    about = [_verdict(g) for g in verdicts if g.group_id == group_id]
    if row is None:
        return {"id": group_id, "group": names.get(group_id), "member": False, "verdicts": about}
    return {
        "id": group_id,
        "group": names.get(group_id),
        "member": row.actual,
        "since": row.actual_since,
        "wanted": row.wanted,
        "until": row.wanted_until,
        "reason": row.reason,
        "rule": row.rule_id,
        "sources": row.sources,
        "owned": row.owned,
        "held": row.hold,
        "taken_out_by": row.override,
        "unwanted_at": row.unwanted_at,
        "confirmed_at": row.confirmed_at,
        "gives_way_to": names.get(row.swap_to) if row.swap_to else None,
        "verdicts": about,
    }


def _verdict(grant: Grant) -> dict[str, Any]:
    return {
        "source": grant.source,
        "id": grant.source_id,
        "rule": grant.rule_id,
        "price": grant.price_id,
        "holds": grant.holds,
        "reason": str(grant.reason),
        "from": grant.from_at,
        "until": grant.until_at,
        "changes_at": grant.next_change_at,
    }


def user_number(bridge: Bridge, user: str) -> int:
    """A user given as number or name. Raises NotFound."""
    return int(user) if user.isdigit() else bridge.discourse.user_by_name(user).id


def waiting(bridge: Bridge) -> dict[str, Any]:
    """What is not done yet, and since when."""
    now: datetime = bridge.clock.now()
    with bridge.store.read() as connection:
        dead = connection.scalar(
            select(func.count()).select_from(inbox_table).where(inbox_table.c.status == "dead")
        )
        return {
            "oldest_dirty_seconds": work.oldest_dirty_seconds(connection, now),
            "orphans": links.count_orphans(connection),
            "dead_events": dead or 0,
        }
