"""Members' statements: where each stands on the forum, and when it is to be written again."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Connection, and_, bindparam, case, exists, or_, select, update

from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.columns import UtcTime, moment
from bridge.store.schema.forum import memberships
from bridge.store.schema.people import customers, users
from bridge.store.schema.work import messages

STARTED_AT = "bridge.started_at"


class Place(NamedTuple):
    """Where a statement stands on the forum."""

    topic_id: int
    post_id: int


@dataclass(frozen=True, slots=True)
class Recipient:
    """A user and their statement: where it stands, what it said last, and when it is due again."""

    user_id: int
    username: str | None
    state: str
    place: Place | None
    fingerprint: str | None
    due_at: datetime | None
    attempts: int


def recipient(connection: Connection, user_id: int) -> Recipient | None:
    """What is known of a user and their statement."""
    row = connection.execute(_USER, {"b_user": user_id}).one_or_none()
    if row is None:
        return None
    return Recipient(
        user_id=row.user_id,
        username=row.username,
        state=row.state,
        place=None if row.topic_id is None else Place(row.topic_id, row.post_id),
        fingerprint=row.fingerprint,
        due_at=row.statement_due_at,
        attempts=row.statement_attempts,
    )


_USER = select(users).where(users.c.user_id == bindparam("b_user"))


def has_statement(connection: Connection, user_id: int) -> bool:
    """Whether a member's statement stands on the forum."""
    known = recipient(connection, user_id)
    return known is not None and known.place is not None


def never_told(connection: Connection) -> tuple[int, ...]:
    """Users who have a customer at Stripe, and to whom no statement was ever written."""
    told = select(users.c.user_id).where(users.c.topic_id.is_not(None))
    mine = customers.c.user_id
    return tuple(
        connection.scalars(
            select(mine)
            .where(is_own(customers), mine.is_not(None), mine.not_in(told))
            .distinct()
            .order_by(mine)
        )
    )


def due(connection: Connection, user_id: int, at: datetime) -> None:
    """Have a user's statement written at a time, or earlier if that was asked for already."""
    connection.execute(
        insert_for(connection)(users)
        .values(
            user_id=user_id, state="active", seen_at=at, statement_due_at=at, statement_attempts=0
        )
        .on_conflict_do_update(
            index_elements=[users.c.user_id],
            set_={
                "statement_due_at": case(
                    (users.c.statement_due_at < at, users.c.statement_due_at), else_=moment(at)
                )
            },
        )
    )


def compare(connection: Connection, user_ids: Collection[int], at: datetime) -> None:
    """Have the messages of these users compared with the present: their groups have moved.

    Users without a message are skipped: their first one will show the current state.
    """
    connection.execute(_COMPARING, {"b_users": list(user_ids), "b_at": at})


_AT = bindparam("b_at", type_=UtcTime)
_COMPARING = (
    update(users)
    .where(users.c.user_id.in_(bindparam("b_users", expanding=True)), users.c.topic_id.is_not(None))
    .values(
        statement_due_at=case((users.c.statement_due_at < _AT, users.c.statement_due_at), else_=_AT)
    )
)


def say_that_they_are_in(
    connection: Connection, group_id: int, user_ids: Collection[int], now: datetime
) -> None:
    """Correct at once the messages that were written while these users were on their way in."""
    on_its_way = exists().where(
        memberships.c.user_id == users.c.user_id,
        memberships.c.group_id == group_id,
        memberships.c.wanted,
        memberships.c.decided_at <= users.c.statement_at,
    )
    written_too_soon = select(users.c.user_id).where(users.c.user_id.in_(user_ids), on_its_way)
    compare(connection, connection.scalars(written_too_soon).all(), now)


def due_users(connection: Connection, now: datetime, limit: int) -> list[int]:
    """Users whose statement or receipt is due, the longest waiting first."""
    return list(connection.scalars(_DUE, {"b_now": now, "b_limit": limit}))


_RECEIPT_DUE = (
    select(messages.c.user_id)
    .where(messages.c.sent_at.is_(None), messages.c.due_at <= bindparam("b_now"))
    .distinct()
)
_DUE = (  # asked every second, so it is made once
    select(users.c.user_id)
    .where(
        users.c.state == "active",
        or_(
            users.c.statement_due_at <= bindparam("b_now"),
            and_(users.c.topic_id.is_not(None), users.c.user_id.in_(_RECEIPT_DUE)),
        ),
    )
    .order_by(users.c.statement_due_at)
    .limit(bindparam("b_limit"))
)


def written(
    connection: Connection,
    user_id: int,
    *,
    place: Place,
    fingerprint: str,
    due_at: datetime | None,
    now: datetime,
) -> None:
    """Record that the statement stands there, unless something newer was asked for meanwhile."""
    connection.execute(
        update(users)
        .where(users.c.user_id == user_id)
        .values(
            topic_id=place.topic_id,
            post_id=place.post_id,
            fingerprint=fingerprint,
            statement_at=now,
            statement_attempts=0,
            statement_due_at=case(
                (users.c.statement_due_at == due_at, None), else_=users.c.statement_due_at
            ),
        )
    )


def postpone(connection: Connection, user_id: int, at: datetime, *, failed: bool = True) -> None:
    """Try again later; `failed`: the forum failed, rather than our own limit."""
    connection.execute(
        update(users)
        .where(users.c.user_id == user_id)
        .values(
            statement_due_at=at,
            statement_attempts=users.c.statement_attempts + (1 if failed else 0),
        )
    )
