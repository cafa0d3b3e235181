"""Every verified event, once: stored and its key marked dirty in one transaction before the 200."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, bindparam, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.events.forum import ForumEvent
from bridge.core.events.outcome import Outcome
from bridge.core.events.stripe import Event
from bridge.core.model.key import Until
from bridge.core.telling.timeline import News
from bridge.store import alerts
from bridge.store.inserts import INSERTS
from bridge.store.older import by_bytes, older
from bridge.store.own import is_ours, is_own
from bridge.store.schema.people import customers
from bridge.store.schema.work import inbox, work
from bridge.store.work import FORUM_LANE, INBOX_LANE, mark_dirty

AT_ONCE = 1000


def work_key(event: Event | ForumEvent) -> str:
    """The lane of an event: its customer's, the forum's, or the common one of all others."""
    if isinstance(event, ForumEvent):
        return FORUM_LANE
    return event.customer_id or INBOX_LANE


def record(
    connection: Connection,
    event: Event | ForumEvent,
    *,
    source: str,
    payload_sha256: str,
    now: datetime,
    due_at: datetime,
    ended: Outcome | None = None,
) -> bool:
    """Store an event and mark its key dirty; False if the event was stored before.

    `ended`: the event's end, known on arrival; it stays visible and causes no work.
    """
    key = work_key(event)
    told = _of_forum(event, now) if isinstance(event, ForumEvent) else _of_stripe(event)
    values = told | {
        "event_id": event.id,
        "source": source,
        "work_key": key,
        "received_at": now,
        "payload_sha256": payload_sha256,
        "status": ended.status if ended else "received",
        "outcome": ended.reason if ended else None,
        "done_at": now if ended else None,
        "attempts": 0,
    }
    stored = connection.execute(_storing(connection.dialect.name), values)
    if not stored.rowcount:
        if source == "stripe":
            _arrived_late(connection, event.id)
        return False
    if not ended:
        mark_dirty(connection, key, now=now, due_at=due_at, cause=event.id)
    return True


def _of_stripe(event: Event) -> dict[str, Any]:
    return {
        "type": event.type,
        "object_id": event.object_id,
        "object_kind": event.object_kind,
        "customer_id": event.customer_id,
        "livemode": event.livemode,
        "api_version": event.api_version,
        "created_at": event.created_at,
        "user_id": None,
        "hint": {
            "account": event.account,
            "thin": event.thin,
            "reference": event.reference,
            "is_typed": event.is_typed,
            "related": dict(event.related),
            "balance_moved": event.balance_moved,
            "begins": event.begins,
            "country": event.country,
        },
    }


def _of_forum(event: ForumEvent, now: datetime) -> dict[str, Any]:
    return {
        "type": f"discourse.{event.name}",
        "object_id": None,
        "object_kind": None,
        "customer_id": None,
        "livemode": False,  # the forum has no modes
        "api_version": None,
        "created_at": now,
        "user_id": event.user_id,
        "hint": {"user_id": event.user_id, "group_id": event.group_id},
    }


def _arrived_late(connection: Connection, event_id: str) -> None:
    """Record that a fetched event arrived after all, so it was not missed."""
    done = connection.execute(
        update(inbox)
        .where(inbox.c.event_id == event_id, inbox.c.source == "backfill")
        .values(source="stripe")
    )
    if done.rowcount:
        alerts.look_soon(connection)


@cache
def _storing(dialect: str) -> sqlite.Insert | postgresql.Insert:
    return INSERTS[dialect](inbox).on_conflict_do_nothing()


def failed_at(connection: Connection, customer_id: str, invoice_id: str) -> datetime | None:
    """When Stripe's events first said that an invoice could not be paid."""
    return connection.scalar(
        select(inbox.c.created_at)
        .where(
            inbox.c.work_key == customer_id,
            inbox.c.object_id == invoice_id,
            inbox.c.type == "invoice.payment_failed",
        )
        .order_by(inbox.c.created_at)
        .limit(1)
    )


def waiting(connection: Connection, keys: Iterable[str], now: datetime) -> tuple[Event, ...]:
    """Stripe's due events of these keys: new ones first, in the order of arrival.

    At most AT_ONCE; if there are that many, the keys stay dirty.
    """
    return tuple(_event(row) for row in _waiting(connection, keys, now))


def waiting_of_forum(connection: Connection, now: datetime) -> tuple[ForumEvent, ...]:
    """The forum's due events, likewise."""
    return tuple(_forum_event(row) for row in _waiting(connection, [FORUM_LANE], now))


def _waiting(connection: Connection, keys: Iterable[str], now: datetime) -> Iterable[Row[Any]]:
    return connection.execute(_WAITING, {"b_keys": list(keys), "b_now": now})


_WAITING = (
    select(inbox)
    .where(
        inbox.c.work_key.in_(bindparam("b_keys", expanding=True)),
        inbox.c.status == "received",
        or_(inbox.c.next_at.is_(None), inbox.c.next_at <= bindparam("b_now")),
    )
    .order_by(inbox.c.attempts, inbox.c.received_at, inbox.c.event_id)
    .limit(AT_ONCE)
)


def received_since(
    connection: Connection, types: Collection[str], after: datetime, limit: int = AT_ONCE
) -> list[tuple[datetime, bool, Event]]:
    """Events of these types that arrived after a time, oldest first, with whether they wait."""
    rows = connection.execute(
        select(inbox)
        .where(inbox.c.received_at > after, inbox.c.type.in_(list(types)))
        .order_by(inbox.c.received_at)
        .limit(limit)
    )
    return [(row.received_at, row.status == "received", _event(row)) for row in rows]


def finish(connection: Connection, outcomes: Mapping[str, Outcome], now: datetime) -> None:
    """Close events, by their ids."""
    for event_id, outcome in outcomes.items():
        ended = {"b_status": outcome.status, "b_outcome": outcome.reason, "b_at": now}
        connection.execute(_FINISHING, {"b_event": event_id, **ended})
        if outcome.status == "dead":
            alerts.look_soon(connection)


_FINISHING = (
    update(inbox)
    .where(inbox.c.event_id == bindparam("b_event"))
    .values(
        status=bindparam("b_status"),
        outcome=bindparam("b_outcome"),
        done_at=bindparam("b_at"),
        next_at=None,
    )
)


def put_off(connection: Connection, event_id: str, why: str, next_at: datetime) -> None:
    """Postpone one event without delaying the others in its lane."""
    connection.execute(
        update(inbox)
        .where(inbox.c.event_id == event_id)
        .values(outcome=why[:300], next_at=next_at, attempts=inbox.c.attempts + 1)
    )


def attempts_of(connection: Connection, event_id: str) -> int:
    """How often an event has failed."""
    asked = select(inbox.c.attempts).where(inbox.c.event_id == event_id)
    return connection.scalar(asked) or 0


def next_turn(connection: Connection, lane: str) -> datetime | None:
    """When the next event of a lane is due; None if none waits."""
    turn: datetime | None = connection.scalar(
        select(func.min(func.coalesce(inbox.c.next_at, inbox.c.received_at))).where(
            inbox.c.work_key == lane, inbox.c.status == "received"
        )
    )
    return turn


def left_behind(connection: Connection, before: datetime) -> list[str]:
    """The keys of events that have waited since before a time although their key is not dirty."""
    return list(connection.scalars(_LEFT_BEHIND, {"b_before": before}))


_IS_DIRTY = exists().where(
    is_ours(work), work.c.key == inbox.c.work_key, work.c.dirty_gen > work.c.done_gen
)
_LEFT_BEHIND = (
    select(inbox.c.work_key)
    .where(inbox.c.status == "received", inbox.c.received_at < bindparam("b_before"), ~_IS_DIRTY)
    .distinct()
)


def reopen(connection: Connection, event_id: str, now: datetime) -> bool:
    """Make an event due again; False if there is no such event."""
    row = connection.execute(
        select(inbox.c.work_key).where(inbox.c.event_id == event_id)
    ).one_or_none()
    if row is None:
        return False
    connection.execute(
        update(inbox)
        .where(inbox.c.event_id == event_id)
        .values(status="received", outcome=None, done_at=None, next_at=None, attempts=0)
    )
    mark_dirty(
        connection,
        row.work_key,
        now=now,
        due_at=now,
        cause=f"replay {event_id}",
        needs=("read", "purchases", "money"),
    )
    return True


def _event(row: Row[Any]) -> Event:
    names = {"id": row.event_id, **{k: v for k, v in row._mapping.items() if k in _KEPT}}  # noqa: SLF001 - SQLAlchemy's public name
    names["created_at"] = row.created_at or datetime(1970, 1, 1, tzinfo=UTC)
    # Events from before this distinction count as typed, to be safe.
    return Event(**names, **{"is_typed": True, **row.hint})


def _forum_event(row: Row[Any]) -> ForumEvent:
    name = row.type.removeprefix("discourse.")
    return ForumEvent(row.event_id, name, row.hint.get("user_id"), row.hint.get("group_id"))


_KEPT = {"type", "object_id", "object_kind", "customer_id", "livemode", "api_version"}


def count_dead(connection: Connection) -> int:
    """How many events are dead."""
    asked = select(func.count()).select_from(inbox).where(inbox.c.status == "dead")
    return connection.scalar(asked) or 0


def delivered(connection: Connection, event_ids: Collection[str]) -> list[str]:
    """Which of these events Stripe itself delivered, signed; the newest first."""
    return list(
        connection.scalars(
            select(inbox.c.event_id)
            .where(inbox.c.event_id.in_(list(event_ids)), inbox.c.source == "stripe")
            .order_by(inbox.c.created_at.desc(), inbox.c.event_id)
        )
    )


@dataclass(frozen=True, slots=True)
class Received:
    """What happened at Stripe, when, and when its event arrived."""

    event_id: str
    type: str
    object_id: str | None
    created_at: datetime
    received_at: datetime
    source: str


def received(connection: Connection, event_ids: Collection[str]) -> list[Received]:
    """The ids among these that are events in the inbox."""
    if not event_ids:
        return []
    columns = [inbox.c[one.name] for one in fields(Received)]
    rows = connection.execute(select(*columns).where(inbox.c.event_id.in_(event_ids)))
    return [Received(*row) for row in rows]


def about_user(
    connection: Connection,
    user_id: int,
    until: Until | None,
    limit: int,
    known_at: datetime | None = None,
    *,
    settled: bool = True,
) -> list[News]:
    """The events about a user's customers and account, the newest first.

    `known_at`: only those that had come in by then. `settled`: also those that were processed.
    """
    of = inbox.c
    at = func.coalesce(of.created_at, of.received_at).label("at")
    columns = (of.event_id, of.type, at, of.received_at, of.source, of.object_id, of.customer_id)
    asked = select(*columns, of.status, of.outcome)
    if known_at is not None:
        asked = asked.where(of.received_at <= known_at)
    if not settled:
        asked = asked.where(of.status.not_in(("done", "ignored")))
    mine = select(customers.c.customer_id).where(is_own(customers), customers.c.user_id == user_id)
    # Apart, because PostgreSQL reads the whole table for an OR of them.
    of_account = asked.where(of.user_id == user_id)
    both = asked.where(of.work_key.in_(mine)).union_all(of_account).subquery()
    id_ = by_bytes(connection, both.c.event_id)
    rows = connection.execute(
        select(both)
        .where(*older(both.c.at, id_, until))
        .order_by(both.c.at.desc(), id_.desc())
        .limit(limit)
    )
    return [News(*row) for row in rows]
