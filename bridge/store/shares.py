"""What members have and somebody else pays for: gifts, and seats of a quantity."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, Unpack

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from bridge.core.memberships.past import SeatLine
from bridge.core.model.actor import member
from bridge.core.model.rights import Seat
from bridge.core.model.stripe import Subscription
from bridge.core.rights.sharing import places
from bridge.store.changes import By, log, why_of
from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.presents import NOBODY
from bridge.store.readings import CONVERTER
from bridge.store.schema.columns import moment
from bridge.store.schema.forum import changes
from bridge.store.schema.people import customers
from bridge.store.schema.rights import purchases, seats, subscriptions
from bridge.store.schema.work import messages
from bridge.store.work import mark_dirty, user_key

SEAT_LINES = ("seat_assigned", "seat_unassigned", "seat_too_many", "seat_again")
SEAT = "seat:"
"""Before a subscription's id: the message that somebody was given a seat of it."""
SHARED = "shared"
"""The need of a key that is dirty only because of somebody who shares something with it."""


# --- gifts and seats together ---------------------------------------------------------------------


def concerned(connection: Connection, customer_ids: Collection[str]) -> set[int]:
    """The users who have something that these customers pay for."""
    found: set[int] = set()
    for asked in _concerned():
        found.update(connection.scalars(asked, {"b_customers": list(customer_ids)}))
    return found - {NOBODY}


@cache
def _concerned() -> tuple[Select[Any], ...]:
    theirs: BindParameter[str] = bindparam("b_customers", expanding=True)
    return (
        select(subscriptions.c.beneficiary_id).where(
            is_own(subscriptions),
            subscriptions.c.customer_id.in_(theirs),
            subscriptions.c.beneficiary_id.is_not(None),
        ),
        select(purchases.c.beneficiary_id).where(
            is_own(purchases),
            purchases.c.customer_id.in_(theirs),
            purchases.c.beneficiary_id.is_not(None),
        ),
        select(seats.c.user_id)
        .join(subscriptions, subscriptions.c.id == seats.c.subscription_id)
        .where(is_own(seats), is_own(subscriptions), subscriptions.c.customer_id.in_(theirs)),
    )


def givers_of(connection: Connection, user_id: int) -> tuple[str, ...]:
    """The customers of others who pay for something that a user has."""
    return tuple(connection.scalars(_givers(), {"b_user": user_id}))


@cache
def _givers() -> Select[str]:
    of, user_id = customers.c, bindparam("b_user", type_=BigInteger)
    return (
        select(of.customer_id)
        .where(
            is_own(customers),
            or_(*(of.customer_id.in_(one) for one in paying_for(user_id))),
            or_(of.user_id.is_(None), of.user_id != user_id),
        )
        .order_by(of.customer_id)
    )


def pays_for(customer_id: ColumnElement[str], user_id: ColumnElement[int]) -> ColumnElement[bool]:
    """SQL: a customer pays for something that a user has, as a gift or a seat."""
    table = getattr(user_id, "table", None)
    return or_(*(customer_id.in_(one.correlate(table)) for one in paying_for(user_id)))


def paying_for(user_id: int | ColumnElement[int]) -> tuple[Select[str], ...]:
    """SQL: the customers who pay for what a user has as a gift or a seat, theirs or others'."""
    return (
        select(subscriptions.c.customer_id).where(
            is_own(subscriptions), subscriptions.c.beneficiary_id == user_id
        ),
        select(purchases.c.customer_id).where(
            is_own(purchases), purchases.c.beneficiary_id == user_id
        ),
        select(subscriptions.c.customer_id)
        .join(seats, seats.c.subscription_id == subscriptions.c.id)
        .where(is_own(seats), is_own(subscriptions), seats.c.user_id == user_id),
    )


def wake(connection: Connection, user_ids: Collection[int], cause: str, now: datetime) -> None:
    """Mark others dirty, to be decided from the present reading without another one."""
    for user_id in sorted(user_ids):
        mark_dirty(connection, user_key(user_id), now=now, due_at=now, cause=cause, needs=(SHARED,))


# --- seats ----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Place:
    """A seat in a list: its user, since when, by whom, and since when it is ending.

    It ends because the quantity shrank, or because its buyer took it back.
    """

    user_id: int
    assigned_at: datetime
    assigned_by: str
    over_since: datetime | None
    taken_back_by: str | None = None


def seats_of(user_id: int | ColumnElement[int]) -> Select[Any]:
    """The subscriptions of others in which a user has a seat, with its times."""
    bought = subscriptions.c
    return (
        select(bought.id, bought.customer_id, bought.data, seats.c.assigned_at, seats.c.over_since)
        .join(seats, seats.c.subscription_id == subscriptions.c.id)
        .where(is_own(seats), is_own(subscriptions), seats.c.user_id == user_id)
    )


def seats_of_user(connection: Connection, user_id: int) -> tuple[Seat, ...]:
    """The seats that others gave to a user."""
    rows = connection.execute(seats_of(user_id).order_by(subscriptions.c.id))
    return tuple(
        Seat(CONVERTER.structure(row.data, Subscription), row.assigned_at, row.over_since)
        for row in rows
    )


def places_taken(connection: Connection, subscription_id: str) -> list[Place]:
    """The seats of a subscription in the order in which they were given."""
    rows = connection.execute(
        select(seats)
        .where(is_own(seats), seats.c.subscription_id == subscription_id)
        .order_by(seats.c.assigned_at, seats.c.user_id)
    )
    return [
        Place(row.user_id, row.assigned_at, row.assigned_by, row.over_since, row.taken_back_by)
        for row in rows
    ]


def assign(
    connection: Connection, subscription: Subscription, user_id: int, **by: Unpack[By]
) -> bool:
    """Give a user a seat; False if they have one of this subscription."""
    done = connection.execute(
        insert_for(connection)(seats)
        .values(
            subscription_id=subscription.id,
            user_id=user_id,
            assigned_at=by["now"],
            assigned_by=by["actor"],
        )
        .on_conflict_do_nothing()
    )
    if done.rowcount:
        _moved(connection, "seat_assigned", subscription, user_id, **by)
    return bool(done.rowcount)


def unassign(
    connection: Connection, subscription: Subscription, user_id: int, **by: Unpack[By]
) -> bool:
    """Take a seat back; False if they have none of this subscription."""
    done = connection.execute(delete(seats).where(*_is(subscription.id, user_id)))
    if done.rowcount:
        _moved(connection, "seat_unassigned", subscription, user_id, **by)
        mark_seats_too_many(connection, [subscription], by["now"])
    return bool(done.rowcount)


def take_back(
    connection: Connection, subscription: Subscription, user_id: int, **by: Unpack[By]
) -> bool:
    """End a seat after notice; False if it is already ending, or there is none."""
    is_seat = and_(*_is(subscription.id, user_id), seats.c.taken_back_by.is_(None))
    done = connection.execute(
        update(seats)
        .where(is_seat)
        .values(
            taken_back_by=by["actor"],
            over_since=func.coalesce(seats.c.over_since, moment(by["now"])),
        )
    )
    if done.rowcount:
        _moved(connection, "seat_too_many", subscription, user_id, **by)
        mark_seats_too_many(connection, [subscription], by["now"])
    return bool(done.rowcount)


def leave(
    connection: Connection, subscription: Subscription, user_id: int, **by: Unpack[By]
) -> bool:
    """Undo `take_back`; False if it was not taken back."""
    is_seat = and_(*_is(subscription.id, user_id), seats.c.taken_back_by.is_not(None))
    done = connection.execute(
        update(seats).where(is_seat).values(taken_back_by=None, over_since=None)
    )
    if done.rowcount:
        _moved(connection, "seat_again", subscription, user_id, **by)
        mark_seats_too_many(connection, [subscription], by["now"])
    return bool(done.rowcount)


def clear_taken_back(
    connection: Connection, subscription: Subscription, ended_by: datetime, now: datetime
) -> None:
    """Free the seats whose notice is over because they were taken back before a time."""
    for place in places_taken(connection, subscription.id):
        if place.taken_back_by and place.over_since and place.over_since <= ended_by:
            actor = place.taken_back_by
            unassign(connection, subscription, place.user_id, actor=actor, now=now)


def has_declined(connection: Connection, subscription_id: str, user_id: int) -> bool:
    """Whether the user gave back the last seat of this subscription that they were given."""
    lines = lines_of_seats(connection, user_id=user_id)
    theirs = [one for one in lines if one.subscription_id == subscription_id]
    return bool(theirs) and (theirs[-1].action, theirs[-1].by) == (
        "seat_unassigned",
        str(member(user_id)),
    )


def tell(
    connection: Connection, subscription_id: str, giver_id: int | None, user_id: int, now: datetime
) -> None:
    """Schedule a reply in the message of a member who was given a seat."""
    key = f"{SEAT}{subscription_id}:{giver_id or 0}:{now:%Y%m%d%H%M%S}"
    connection.execute(
        insert_for(connection)(messages)
        .values(key=key, user_id=user_id, due_at=now)
        .on_conflict_do_nothing()
    )


def mark_seats_too_many(
    connection: Connection, read: Collection[Subscription], now: datetime
) -> None:
    """Mark the seats that are too many since a quantity shrank: the last given first."""
    ids = [one.id for one in read]
    shared = set(
        connection.scalars(
            select(seats.c.subscription_id)
            .where(is_own(seats), seats.c.subscription_id.in_(ids))
            .distinct()
        )
    )
    for subscription in read:
        if subscription.id not in shared:
            continue
        left = places(subscription)
        taken = places_taken(connection, subscription.id)
        standing = [place for place in taken if place.taken_back_by is None]
        for number, place in enumerate(standing):
            is_over = number >= left
            if is_over == (place.over_since is not None):
                continue
            connection.execute(
                update(seats)
                .where(*_is(subscription.id, place.user_id))
                .values(over_since=now if is_over else None)
            )
            action = "seat_too_many" if is_over else "seat_again"
            _moved(connection, action, subscription, place.user_id, actor="quantity", now=now)


def lines_of_seats(
    connection: Connection, *, user_id: int | None = None, subscription_id: str | None = None
) -> list[SeatLine]:
    """What the log says of seats, of a user or of a subscription, the oldest first."""
    asked = select(changes).where(changes.c.action.in_(SEAT_LINES))
    if user_id is not None:
        asked = asked.where(changes.c.user_id == user_id)
    if subscription_id is not None:
        asked = asked.where(changes.c.outcome == subscription_id)
    return [
        SeatLine(
            row.at,
            row.action,
            row.outcome,
            row.user_id,
            _time((row.detail or {}).get("assigned_at")),
            _time((row.detail or {}).get("over_since")),
            row.cause or "",
        )
        for row in connection.execute(asked.order_by(changes.c.id))
    ]


def move_seats(
    connection: Connection,
    from_id: int,
    to_id: int,
    *,
    actor: str,
    now: datetime,
    only: Collection[str] | None = None,
) -> tuple[str, ...]:
    """Move a user's seats to another account, in the same order; returns the subscription ids.

    If that account already has a seat of a subscription, one is enough. `only`: of these.
    """
    moved = []
    for seat in seats_of_user(connection, from_id):
        subscription = seat.subscription
        if only is not None and subscription.id not in only:
            continue
        taken_back = select(seats.c.taken_back_by).where(*_is(subscription.id, from_id))
        taken_back_by = connection.scalar(taken_back)
        connection.execute(delete(seats).where(*_is(subscription.id, from_id)))
        _moved(connection, "seat_unassigned", subscription, from_id, actor=actor, now=now)
        taken = connection.execute(
            insert_for(connection)(seats)
            .values(
                subscription_id=subscription.id,
                user_id=to_id,
                assigned_at=seat.assigned_at,
                assigned_by=actor,
                over_since=seat.over_since_at,
                taken_back_by=taken_back_by,
            )
            .on_conflict_do_nothing()
        )
        if taken.rowcount:
            over = seat.over_since_at.isoformat() if seat.over_since_at else None
            had = {"assigned_at": seat.assigned_at.isoformat(), "over_since": over}
            _moved(connection, "seat_assigned", subscription, to_id, had, actor=actor, now=now)
            moved.append(subscription.id)
        else:
            mark_seats_too_many(connection, [subscription], now)
    return tuple(moved)


def _is(subscription_id: str, user_id: int) -> tuple[ColumnElement[bool], ...]:
    return is_own(seats), seats.c.subscription_id == subscription_id, seats.c.user_id == user_id


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _moved(
    connection: Connection,
    action: str,
    subscription: Subscription,
    user_id: int,
    had: Mapping[str, str | None] | None = None,
    **by: Unpack[By],
) -> None:
    log(
        connection,
        action,
        now=by["now"],
        user_id=user_id,
        customer_id=subscription.customer_id,
        cause=by["actor"],
        outcome=subscription.id,
        detail={**(had or {}), **why_of(by)},
    )
    wake(connection, [user_id], f"{action} by {by['actor']}", by["now"])
