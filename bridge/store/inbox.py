"""Every verified event, once: stored and made dirty in one transaction before the 200."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import Connection, Row, select, update
from sqlalchemy.dialects import postgresql, sqlite

from bridge.core.events.stripe import Event
from bridge.store import alerts
from bridge.store.schema import inbox
from bridge.store.work import FORUM_LANE, INBOX_LANE, INSERTS, mark_dirty

AT_ONCE = 1000


def work_key(event: Event) -> str:
    """The lane of an event: its customer's, the forum's, or the common one of what is nobody's."""
    if event.type.startswith("discourse."):
        return FORUM_LANE
    return event.customer_id or INBOX_LANE


def record(
    connection: Connection,
    event: Event,
    *,
    source: str,
    payload_sha256: str,
    now: datetime,
    due_at: datetime,
    dead: str | None = None,
) -> bool:
    """Store an event and make its key dirty; False if the event was stored before.

    `dead`: why the event can never be worked on; it is kept, visible, and moves nothing.
    """
    key = work_key(event)
    values = {
        "event_id": event.id,
        "source": source,
        "type": event.type,
        "object_id": event.object_id,
        "object_kind": event.object_kind,
        "customer_id": event.customer_id,
        "work_key": key,
        "livemode": event.livemode,
        "api_version": event.api_version,
        "created_at": event.created_at,
        "received_at": now,
        "payload_sha256": payload_sha256,
        "hint": {
            "account": event.account,
            "thin": event.thin,
            "reference": event.reference,
            "related": dict(event.related),
            "balance_moved": event.balance_moved,
        },
        "status": "dead" if dead else "received",
        "outcome": dead,
        "done_at": now if dead else None,
    }
    stored = connection.execute(_storing(connection.dialect.name), values)
    if not stored.rowcount:
        if source == "stripe":
            _arrived_late(connection, event.id)
        return False
    if not dead:
        mark_dirty(connection, key, now=now, due_at=due_at, cause=event.id)
    return True


def _arrived_late(connection: Connection, event_id: str) -> None:
    """What had to be fetched has arrived by itself after all: it was not missed."""
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


def waiting(connection: Connection, keys: Iterable[str]) -> tuple[Event, ...]:
    """Events of these keys that nobody has worked on, in the order of their arrival.

    At most AT_ONCE; while there are as many, the keys are not done.
    """
    rows = connection.execute(
        select(inbox)
        .where(inbox.c.work_key.in_(list(keys)), inbox.c.status == "received")
        .order_by(inbox.c.received_at, inbox.c.event_id)
        .limit(AT_ONCE)
    )
    return tuple(_event(row) for row in rows)


def finish(
    connection: Connection, outcomes: Mapping[str, tuple[str, str | None]], now: datetime
) -> None:
    """Close events: id -> (done, ignored or dead; why)."""
    for event_id, (status, outcome) in outcomes.items():
        connection.execute(
            update(inbox)
            .where(inbox.c.event_id == event_id)
            .values(status=status, outcome=outcome, done_at=now)
        )


def reopen(connection: Connection, event_id: str, now: datetime) -> bool:
    """Let an event be worked on again; False if there is no such event."""
    row = connection.execute(
        select(inbox.c.work_key).where(inbox.c.event_id == event_id)
    ).one_or_none()
    if row is None:
        return False
    connection.execute(
        update(inbox)
        .where(inbox.c.event_id == event_id)
        .values(status="received", outcome=None, done_at=None)
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
    return Event(**names, **row.hint)


_KEPT = {"type", "object_id", "object_kind", "customer_id", "livemode", "api_version"}
