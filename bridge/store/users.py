"""The forum's accounts as last seen: name, state, and which account each was merged into."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, or_, select, update

from bridge.core.model.discourse import User
from bridge.store import names
from bridge.store.changes import log
from bridge.store.inserts import insert_for
from bridge.store.own import is_own
from bridge.store.schema.people import customers, users


def username_of(connection: Connection, user_id: int) -> str | None:
    """The name that the forum last called a user by."""
    return connection.scalar(select(users.c.username).where(users.c.user_id == user_id))


def known(connection: Connection, user_id: int) -> tuple[str | None, str] | None:
    """The last known name and the state of a user; None for one who was never seen."""
    row = connection.execute(
        select(users.c.username, users.c.state).where(users.c.user_id == user_id)
    ).one_or_none()
    return None if row is None else (row.username, row.state)


def state_of(connection: Connection, user_id: int) -> str | None:
    """Whether the account is active, suspended or gone; None for a user never seen."""
    return connection.scalar(select(users.c.state).where(users.c.user_id == user_id))


def names_of(connection: Connection, user_ids: Collection[int]) -> dict[int, str | None]:
    """User id -> the name that the forum last called them by."""
    if not user_ids:
        return {}
    rows = connection.execute(
        select(users.c.user_id, users.c.username).where(users.c.user_id.in_(user_ids))
    )
    return {row.user_id: row.username for row in rows}


@dataclass(frozen=True, slots=True)
class Profile:
    """An account as last seen: its name, and whether it is active, suspended or gone."""

    username: str | None
    state: str


def profile_of(connection: Connection, user_id: int) -> Profile | None:
    """The account as last seen; None for a user never seen."""
    asked = select(users.c.username, users.c.state).where(users.c.user_id == user_id)
    row = connection.execute(asked).one_or_none()
    return Profile(row.username, row.state) if row else None


def present_account(connection: Connection, user_id: int) -> int:
    """The account that a user has now: their own, or the one that it was merged into."""
    successor: int | None = connection.scalar(
        select(users.c.successor_id).where(users.c.user_id == user_id)
    )
    return successor or user_id


def successors(connection: Connection) -> dict[int, int]:
    """Account -> the one that follows it, for those that others replaced."""
    of = users.c
    asked = select(of.user_id, of.successor_id).where(of.successor_id.is_not(None))
    return {row.user_id: row.successor_id for row in connection.execute(asked)}


def is_known(connection: Connection, user_id: int) -> bool:
    """Whether the account was ever seen."""
    return state_of(connection, user_id) is not None


def absent(connection: Connection, limit: int) -> list[int]:
    """Users who are suspended or gone, starting with those not checked for longest."""
    return list(
        connection.scalars(
            select(users.c.user_id)
            .where(users.c.state != "active", users.c.successor_id.is_(None))
            .order_by(users.c.seen_at)
            .limit(limit)
        )
    )


def payers_after(connection: Connection, user_id: int, limit: int) -> list[tuple[int, str | None]]:
    """Users with a customer at Stripe who are not known to be away, with their last names."""
    rows = connection.execute(_PAYERS, {"b_after": user_id, "b_limit": limit})
    return [(row.user_id, row.username) for row in rows]


_PAYERS = (
    select(customers.c.user_id, users.c.username)
    .outerjoin(users, users.c.user_id == customers.c.user_id)
    .where(
        is_own(customers),
        customers.c.user_id > bindparam("b_after"),
        or_(users.c.state.is_(None), users.c.state == "active"),
    )
    .distinct()
    .order_by(customers.c.user_id)
    .limit(bindparam("b_limit"))
)


def see(connection: Connection, user: User, now: datetime) -> None:
    """Store a user's current name and state."""
    row = {"username": user.username, "name": user.name, "seen_at": now}
    connection.execute(
        insert_for(connection)(users)
        .values(user_id=user.id, state="active", statement_attempts=0, **row)
        .on_conflict_do_update(index_elements=[users.c.user_id], set_=row)
    )
    names.heard(connection, user.id, user.username, now)
    _set_state(connection, user.id, user.state, now)


def see_name(connection: Connection, user_id: int, username: str, now: datetime) -> None:
    """Store the name that the forum just gave for a user."""
    connection.execute(
        insert_for(connection)(users)
        .values(
            user_id=user_id, username=username, state="active", seen_at=now, statement_attempts=0
        )
        .on_conflict_do_update(
            index_elements=[users.c.user_id], set_={"username": username, "seen_at": now}
        )
    )
    names.heard(connection, user_id, username, now)


def sign_out(connection: Connection, user_id: int, now: datetime) -> None:
    """End every session that a user has on the bridge, in whichever browser."""
    connection.execute(update(users).where(users.c.user_id == user_id).values(signed_out_at=now))


def signed_out_at(connection: Connection, user_id: int) -> datetime | None:
    """The time up to which a user's sign-ins no longer count."""
    return connection.scalar(select(users.c.signed_out_at).where(users.c.user_id == user_id))


def mark(connection: Connection, user_id: int, state: str, now: datetime) -> None:
    """Record that a user is gone, suspended or back. Nothing is written for inactive users."""
    connection.execute(
        insert_for(connection)(users)
        .values(user_id=user_id, state="active", seen_at=now, statement_attempts=0)
        .on_conflict_do_update(index_elements=[users.c.user_id], set_={"seen_at": now})
    )
    _set_state(connection, user_id, state, now)


def _set_state(connection: Connection, user_id: int, state: str, now: datetime) -> None:
    """Change and log a state. Discourse does not show that an account was made anonymous."""
    before = connection.scalar(select(users.c.state).where(users.c.user_id == user_id))
    if before == state or (before == "anonymized" and state == "active"):
        return
    connection.execute(update(users).where(users.c.user_id == user_id).values(state=state))
    if state != "active":
        sign_out(connection, user_id, now)
    action = "account_back" if state == "active" else f"account_{state}"
    log(connection, action, now=now, user_id=user_id, outcome=f"was {before}")
