"""Finds what needs attention in the stored data, records it, and tells the moderators.

There is one message at a time, and at most one new message an hour. Alerts in between are added to
it and announced with the next message. Its external id identifies a message after a crash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import structlog

from bridge.core.telling.alerts import Alert
from bridge.errors import Permanent
from bridge.render import alerts_markdown
from bridge.store import alerts, state
from bridge.store.findings import findings
from bridge.wiring import Bridge

log = structlog.get_logger()
MESSAGE = "alerts.message"
NOBODY = "none"
# Of new messages, and of attempts after the forum has refused one.
ONE_AN_HOUR = timedelta(hours=1)


def look(bridge: Bridge) -> None:
    """Find what needs attention now, and tell the moderators."""
    now = bridge.clock.now()
    confirm = timedelta(seconds=bridge.policy.removal_confirm_seconds)
    anybody = bridge.policy.alerts_to != NOBODY
    with bridge.store.read() as connection:
        rules = bridge.rulebook.rules(connection)
        found = list(findings(connection, rules, bridge.policy, now))
    with bridge.store.write() as connection:
        new, over = alerts.save(connection, found, now)
        alerts.hold_removals(connection, now, confirm, anybody=anybody)
        alerts.remind(connection, now)
    for finding in new:
        log.error("alert", kind=str(finding.kind), subject=finding.subject)
    for alert in over:
        log.info("alert.over", kind=str(alert.kind), subject=alert.subject)
    if anybody:
        _tell(bridge, now)


def _tell(bridge: Bridge, now: datetime) -> None:
    with bridge.store.read() as connection:
        message = state.get(connection, MESSAGE) or {}
        begun_at = _time(message.get("begun_at"))
        shown = alerts.open_or_over_since(connection, begun_at or now, now)
    if now < (_time(message.get("again_at")) or now):
        return
    is_new = any(one.told_at is None for one in shown if one.gone_at is None)
    if is_new and (begun_at is None or begun_at + ONE_AN_HOUR <= now):
        message = {"external_id": f"bridge-alerts-{now:%Y%m%d-%H%M%S}", "begun_at": now.isoformat()}
        with bridge.store.write() as connection:
            state.put(connection, MESSAGE, message)
    if "begun_at" not in message:
        return
    try:
        if "topic_id" not in message:
            _begin(bridge, message, shown)
        elif message["says"] != _fingerprint(shown):
            _edit(bridge, message, shown)
    except Permanent as error:
        # Deleted by staff, or nobody of that name takes messages. `bridge alerts` lists them.
        log.error("alerts.refused", to=bridge.policy.alerts_to, error=str(error)[:300])  # noqa: TRY400 - no news in its traceback
        _keep(bridge, {"again_at": (now + ONE_AN_HOUR).isoformat()})


def _begin(bridge: Bridge, message: dict[str, Any], shown: Sequence[Alert]) -> None:
    title, body = alerts_markdown(shown, bridge.clock.now(), bridge.settings.bridge_url)
    ref = bridge.discourse.create_message(
        bridge.policy.alerts_to, title, body, message["external_id"], priority="alert"
    )
    # A message from before has an older text: edit it immediately.
    says = _fingerprint(shown) if ref.created else ""
    begun_at = datetime.fromisoformat(message["begun_at"])
    told = [one for one in shown if ref.created or one.due_at <= begun_at]
    _keep(bridge, message | {"topic_id": ref.topic_id, "post_id": ref.post_id, "says": says}, told)
    log.info("alerts.told", topic_id=ref.topic_id, alerts=len(shown))


def _edit(bridge: Bridge, message: dict[str, Any], shown: Sequence[Alert]) -> None:
    _, body = alerts_markdown(shown, bridge.clock.now(), bridge.settings.bridge_url)
    bridge.discourse.edit_message(message["post_id"], body, priority="alert")
    _keep(bridge, message | {"says": _fingerprint(shown)})


def _keep(bridge: Bridge, message: dict[str, Any], told: Iterable[Alert] = ()) -> None:
    with bridge.store.write() as connection:
        state.put(connection, MESSAGE, message)
        alerts.told(connection, told, bridge.clock.now())


def _fingerprint(shown: Iterable[Alert]) -> str:
    """A fingerprint of the open alerts: a changed count alone is no reason to edit."""
    said = sorted(f"{one.kind} {one.subject} {one.gone_at is None}" for one in shown)
    return hashlib.sha256("\n".join(said).encode()).hexdigest()


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
