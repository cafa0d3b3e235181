"""Accounts that another account replaced: everything stored for the first belongs to the second."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Any, Unpack

from sqlalchemy import Connection, Row, and_, func, select, update

from bridge.core.ledger.share_register import Impossible
from bridge.store import hand_grants, holdings, links, moved_steps, shares
from bridge.store.changes import By, log, why_of
from bridge.store.inserts import insert_for
from bridge.store.own import is_ours, is_own
from bridge.store.schema.forum import changes, memberships
from bridge.store.schema.ledger import member_steps, money_lines, share_acts
from bridge.store.schema.people import users
from bridge.store.schema.rights import hand_grants as hand_grants_table
from bridge.store.schema.rights import purchases, seats, subscriptions
from bridge.store.work import mark_dirty, user_key

# Small groups are read at least this often.
ONE_SWEEP = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Moved:
    """What moved from one account to another: grants by their new ids, gifts and seats by Stripe's.

    `followers`: accounts that had become the first one before. `steps`: of the membership, by their
    new ids; `superseded`: the other account's own that they took the place of.
    """

    customers: tuple[str, ...]
    grants: tuple[str, ...]
    group_ids: tuple[int, ...]
    gifts: tuple[str, ...] = ()
    seats: tuple[str, ...] = ()
    followers: tuple[int, ...] = ()
    steps: tuple[str, ...] = ()
    superseded: tuple[str, ...] = ()


def move(
    connection: Connection,
    from_id: int,
    to_id: int,
    *,
    member_of: Collection[int],
    new_id: Callable[[], str],
    **by: Unpack[By],
) -> Moved:
    """Move customers, grants, seats and the bridge's memberships to the account that follows.

    Lines of money stay as they were recorded and are found through the successor. `member_of`: the
    groups that the following account is in on the forum.
    """
    actor, now = by["actor"], by["now"]
    steps = moved_steps.move(connection, from_id, to_id, actor, now)
    # Back to its own account, if it was moved the other way before.
    connection.execute(update(users).where(users.c.user_id == to_id).values(successor_id=None))
    moved = Moved(
        _move_customers(connection, from_id, to_id, actor, now),
        _move_grants(connection, from_id, to_id, new_id, actor, now),
        _take_over(connection, from_id, to_id, member_of, actor, now),
        _give_gifts(connection, from_id, to_id),
        shares.move_seats(connection, from_id, to_id, actor=actor, now=now),
        tuple(connection.scalars(select(users.c.user_id).where(users.c.successor_id == from_id))),
        *steps,
    )
    connection.execute(
        insert_for(connection)(users)
        .values(user_id=from_id, state="gone", seen_at=now, statement_attempts=0)
        .on_conflict_do_nothing()
    )
    connection.execute(
        update(users)
        .where((users.c.user_id == from_id) | (users.c.successor_id == from_id))
        .values(successor_id=to_id)
    )
    _note(connection, from_id, to_id, "relinked", asdict(moved), **by)
    return moved


def last_move(connection: Connection, from_id: int) -> tuple[int, Moved] | None:
    """The account that took over this account's things, and all that moved; None if nothing did.

    What came later may have been moved later. Also None for a move by a version that did not record
    what it moved.
    """
    to_id = connection.scalar(select(users.c.successor_id).where(users.c.user_id == from_id))
    moved_back = select(func.coalesce(func.max(changes.c.id), 0)).where(
        changes.c.user_id == to_id,
        changes.c.action == "unrelinked",
        changes.c.outcome == f"to user {from_id}",
    )
    details = connection.scalars(
        select(changes.c.detail)
        .where(
            changes.c.user_id == from_id,
            changes.c.action == "relinked",
            changes.c.outcome == f"to user {to_id}",
            changes.c.id > moved_back.scalar_subquery(),
        )
        .order_by(changes.c.id)
    ).all()
    moves = [one["moved"] for one in details if one]
    if to_id is None or not moves:
        return None
    names = [field.name for field in fields(Moved)]
    of_all = ((id_ for one in moves for id_ in one.get(name, ())) for name in names)
    return to_id, Moved(*(tuple(dict.fromkeys(ids)) for ids in of_all))


def move_back(
    connection: Connection,
    from_id: int,
    to_id: int,
    moved: Moved,
    *,
    new_id: Callable[[], str],
    **by: Unpack[By],
) -> Moved:
    """Give back what `move` had moved, as far as the other account still has it.

    The other account keeps what it had before or got since. The decider does the rest: members to
    whom nothing grants a group any more leave it, as after any other end.
    """
    actor, now = by["actor"], by["now"]
    connection.execute(
        update(users)
        .where(users.c.user_id.in_([from_id, *moved.followers]))
        .values(successor_id=None)
    )
    if moved.followers:
        connection.execute(
            update(users).where(users.c.user_id.in_(moved.followers)).values(successor_id=from_id)
        )
    steps = moved_steps.move_back(
        connection, from_id, to_id, moved.steps, moved.superseded, actor=actor, now=now
    )
    theirs = set(moved.customers) & set(links.customers_of(connection, to_id))
    back = Moved(
        _move_customers(connection, to_id, from_id, actor, now, only=theirs),
        _move_grants(connection, to_id, from_id, new_id, actor, now, only=moved.grants),
        (),
        _give_gifts(connection, to_id, from_id, only=moved.gifts),
        shares.move_seats(connection, to_id, from_id, actor=actor, now=now, only=moved.seats),
        moved.followers,
        steps,
    )
    _note(connection, to_id, from_id, "unrelinked", asdict(back), **by)
    return back


def _give_gifts(
    connection: Connection, from_id: int, to_id: int, *, only: Collection[str] | None = None
) -> tuple[str, ...]:
    given: list[str] = []
    for table in (subscriptions, purchases):
        theirs = and_(is_own(table), table.c.beneficiary_id == from_id)
        ids = connection.scalars(select(table.c.id).where(theirs)).all()
        wanted = [id_ for id_ in ids if only is None or id_ in only]
        mine = (is_own(table), table.c.id.in_(wanted))
        connection.execute(update(table).where(*mine).values(beneficiary_id=to_id))
        given += wanted
    return tuple(given)


def is_known(connection: Connection, user_id: int) -> bool:
    """Whether anything is stored about an account that another account could take over."""
    mine = select(memberships.c.group_id).where(memberships.c.user_id == user_id)
    seated = select(seats.c.subscription_id).where(is_own(seats), seats.c.user_id == user_id)
    paid = select(money_lines.c.id).where(is_ours(money_lines), money_lines.c.user_id == user_id)
    given = select(hand_grants_table.c.id).where(hand_grants_table.c.user_id == user_id)
    stepped = select(member_steps.c.id).where(member_steps.c.user_id == user_id)
    holds = select(share_acts.c.id).where(share_acts.c.user_id == user_id)
    gifts = (
        select(table.c.id).where(is_own(table), table.c.beneficiary_id == user_id)
        for table in (subscriptions, purchases)
    )
    return bool(links.customers_of(connection, user_id)) or any(
        connection.execute(asked.limit(1)).first() is not None
        for asked in (mine, seated, paid, given, stepped, holds, *gifts)
    )


def is_seen(connection: Connection, user_id: int) -> bool:
    """Whether the bridge knows an account by name, or anything is stored about it."""
    name = connection.scalar(select(users.c.username).where(users.c.user_id == user_id))
    return name is not None or is_known(connection, user_id)


def _note(
    connection: Connection,
    from_id: int,
    to_id: int,
    action: str,
    moved: dict[str, Any],
    **by: Unpack[By],
) -> None:
    """Log which account followed which, and what moved; and decide both again."""
    actor, now = by["actor"], by["now"]
    for user_id, word in ((from_id, "to"), (to_id, "from")):
        other = to_id if user_id == from_id else from_id
        log(
            connection,
            action,
            now=now,
            user_id=user_id,
            cause=actor,
            outcome=f"{word} user {other}",
            detail={"moved": moved, **why_of(by)},
        )
        mark_dirty(
            connection,
            user_key(user_id),
            now=now,
            due_at=now,
            cause=f"relink by {actor}",
            needs=("read",),
        )
    with suppress(Impossible):
        holdings.note_by_hand(connection, now)


def _move_customers(
    connection: Connection,
    from_id: int,
    to_id: int,
    actor: str,
    now: datetime,
    *,
    only: Collection[str] | None = None,
) -> tuple[str, ...]:
    all_ = links.customers_of(connection, from_id)
    theirs = tuple(one for one in all_ if only is None or one in only)
    for customer_id in theirs:
        links.unlink(connection, customer_id, actor=actor, now=now)
        links.link(connection, customer_id, to_id, proof="operator", actor=actor, now=now)
    return theirs


def _move_grants(
    connection: Connection,
    from_id: int,
    to_id: int,
    new_id: Callable[[], str],
    actor: str,
    now: datetime,
    *,
    only: Collection[str] | None = None,
) -> tuple[str, ...]:
    """End the grant here and give it there, so that the past of both accounts stays as it was."""
    given = []
    for grant in hand_grants.in_force(connection, from_id):
        if only is None or grant.id in only:
            following = replace(grant, id=new_id(), user_id=to_id)
            hand_grants.revoke(connection, grant.id, actor=actor, now=now)
            hand_grants.give(connection, following, now)
            given.append(following.id)
    return tuple(given)


def _take_over(
    connection: Connection,
    from_id: int,
    to_id: int,
    member_of: Collection[int],
    actor: str,
    now: datetime,
) -> tuple[int, ...]:
    """Memberships that the bridge added stay owned: the forum moved them with the account.

    A membership that the following account had before is not; staff's decisions follow.
    """
    taken = []
    for group_id, there in _pairs(connection, from_id, to_id, actor, now):
        past = _last_coming(connection, from_id, group_id)
        if past is None or group_id not in member_of or past.outcome not in ("proven", "claimed"):
            continue
        if there is not None and there.actual and not _came_along(connection, there, past, now):
            continue
        since = now if past.outcome == "proven" else past.at
        values = {"actual": True, "actual_since": since, "seen_at": now, "owned": past.outcome}
        _save(connection, to_id, group_id, values)
        _log(connection, "was_member", to_id, group_id, past.outcome, actor, now)
        taken.append(group_id)
    return tuple(taken)


def _pairs(
    connection: Connection, from_id: int, to_id: int, actor: str, now: datetime
) -> Iterator[tuple[int, Row[Any] | None]]:
    """The first account's groups with the other's row; memberships ended by hand are copied."""
    m = memberships.c
    theirs = connection.execute(select(memberships).where(m.user_id == from_id)).all()
    own = {
        row.group_id: row
        for row in connection.execute(select(memberships).where(m.user_id == to_id))
    }
    for row in theirs:
        there = own.get(row.group_id)
        if row.override and not (there is not None and there.override):
            by = {"override": row.override, "override_at": row.override_at}
            _save(connection, to_id, row.group_id, by)
            _log(connection, "override", to_id, row.group_id, row.override, actor, now)
        yield row.group_id, there


def _last_coming(connection: Connection, user_id: int, group_id: int) -> Row[Any] | None:
    """The last line that says that somebody is in a group, and who owned the membership."""
    return connection.execute(
        select(changes)
        .where(
            changes.c.user_id == user_id,
            changes.c.group_id == group_id,
            changes.c.action.in_(("added", "observed_done", "was_member", "seen")),
        )
        .order_by(changes.c.id.desc())
        .limit(1)
    ).one_or_none()


def _came_along(connection: Connection, there: Row[Any], past: Row[Any], now: datetime) -> bool:
    """Whether the following account was found in the group when the other one had disappeared."""
    gone_at = connection.scalar(
        select(changes.c.at)
        .where(
            changes.c.user_id == past.user_id,
            changes.c.group_id == past.group_id,
            changes.c.action == "lost",
            changes.c.id > past.id,
        )
        .order_by(changes.c.id.desc())
        .limit(1)
    )
    came = _last_coming(connection, there.user_id, there.group_id)
    return came is not None and came.action == "seen" and came.at >= (gone_at or now) - ONE_SWEEP


def _log(
    connection: Connection,
    action: str,
    user_id: int,
    group_id: int,
    outcome: str,
    actor: str,
    now: datetime,
) -> None:
    """What the account took over, so that its own past shows it."""
    log(
        connection,
        action,
        now=now,
        user_id=user_id,
        group_id=group_id,
        cause=actor,
        outcome=outcome,
        detail={"why": "relinked"},
    )


def _save(connection: Connection, user_id: int, group_id: int, values: dict[str, Any]) -> None:
    row = {"wanted": False, "sources": [], "actual": False, "owned": "no"} | values
    connection.execute(
        insert_for(connection)(memberships)
        .values(user_id=user_id, group_id=group_id, **row)
        .on_conflict_do_update(
            index_elements=[memberships.c.user_id, memberships.c.group_id], set_=values
        )
    )
