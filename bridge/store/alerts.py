"""Alerts as stored: when they began, when moderators were told, when they ended."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    delete,
    exists,
    insert,
    or_,
    select,
    update,
)

from bridge.core.model.alerts import DAILY, OF_NEWS, PATIENCE, Finding, Kind
from bridge.core.telling.alerts import Alert, removals_wait
from bridge.store import state
from bridge.store.schema.work import alerts

A = alerts.c
KEPT = tuple(Alert.__dataclass_fields__)
LOOK = f"{state.LAST_RUN}alerts"


def is_open(now: datetime) -> ColumnElement[bool]:
    """SQL: the alert is open and has lasted long enough to count."""
    return and_(A.gone_at.is_(None), A.due_at <= now)


def open_ones(connection: Connection, now: datetime) -> list[Alert]:
    """All alerts that need attention now, the oldest first."""
    return _load(connection, is_open(now))


def open_or_over_since(connection: Connection, since: datetime, now: datetime) -> list[Alert]:
    """Open alerts, and those that ended since a time."""
    return _load(connection, or_(is_open(now), A.gone_at >= since))


def save(
    connection: Connection, findings: Iterable[Finding], now: datetime
) -> tuple[list[Finding], list[Alert]]:
    """Keep what was found now and end the others; returns the new and the ended alerts.

    An alert that ends before anybody was told about it leaves no trace.
    """
    found = {(one.kind, one.subject): one for one in findings}
    lasting = {(one.kind, one.subject): one for one in _load(connection, A.gone_at.is_(None))}
    new = [one for key, one in found.items() if key not in lasting]
    over = [one for key, one in lasting.items() if key not in found]
    for finding in new:
        _begin(connection, finding, now)
    for alert in over:
        if alert.told_at is None:
            connection.execute(delete(alerts).where(_is(alert)))
        else:
            _set(connection, alert, gone_at=now)
    for key, alert in lasting.items():
        if key in found and dict(alert.facts) != dict(found[key].facts):
            _set(connection, alert, facts=dict(found[key].facts))
    return new, over


def hold_removals(
    connection: Connection, now: datetime, confirm: timedelta, *, anybody: bool
) -> None:
    """Record for each alert whether removals wait for it."""
    for alert in _load(connection, or_(A.kind.in_(OF_NEWS), A.holds_removals)):
        waits = removals_wait(alert, now, confirm, anybody=anybody)
        _set(connection, alert, holds_removals=waits)


def told(connection: Connection, shown: Iterable[Alert], now: datetime) -> None:
    """Record that moderators were told."""
    for alert in shown:
        if alert.gone_at is None and alert.told_at is None:
            _set(connection, alert, told_at=now)


def remind(connection: Connection, now: datetime) -> None:
    """Mark the alerts that are repeated every day as not yet told."""
    connection.execute(_REMINDING, {"b_before": now - timedelta(days=1)})


_REMINDING = (
    update(alerts)
    .where(
        or_(*(A.kind == kind for kind in sorted(DAILY))),  # IN is expanded at each call
        A.gone_at.is_(None),
        A.told_at <= bindparam("b_before"),
    )
    .values(told_at=None)
)


def removals_are_held() -> ColumnElement[bool]:
    """SQL: nobody is removed now, because events do not arrive and moderators do not know yet."""
    return exists().where(A.holds_removals)


def held_since(connection: Connection) -> datetime | None:
    """When removals began to wait for an alert; None if they do not wait."""
    since: datetime | None = connection.scalar(
        select(A.since_at).where(A.holds_removals).order_by(A.since_at).limit(1)
    )
    return since


def look_soon(connection: Connection) -> None:
    """Have this round check everything."""
    state.put(connection, LOOK, None)


def _begin(connection: Connection, finding: Finding, now: datetime) -> None:
    # The same alert may have been open before.
    connection.execute(delete(alerts).where(_is(finding)))
    connection.execute(
        insert(alerts).values(
            kind=finding.kind,
            subject=finding.subject,
            since_at=finding.since_at or now,
            due_at=now + PATIENCE.get(finding.kind, timedelta()),
            facts=dict(finding.facts),
            holds_removals=finding.kind in OF_NEWS,
        )
    )


def _set(connection: Connection, alert: Alert, **values: Any) -> None:
    connection.execute(update(alerts).where(_is(alert)).values(**values))


def _is(one: Finding | Alert) -> ColumnElement[bool]:
    return and_(A.kind == one.kind, A.subject == one.subject)


def _load(connection: Connection, where: ColumnElement[bool]) -> list[Alert]:
    rows = connection.execute(select(alerts).where(where).order_by(A.since_at, A.kind, A.subject))
    return [
        Alert(**{name: getattr(row, name) for name in KEPT} | {"kind": Kind(row.kind)})
        for row in rows
    ]
