"""Sends moderators a digest of what waits for them and what happened, daily or weekly."""

from __future__ import annotations

from datetime import datetime

import structlog

from bridge.core.telling.digest import PERIODS, Digest, digest, is_due
from bridge.errors import Permanent
from bridge.render import digest_markdown
from bridge.store import Connection, changes, groups, state, worklist_counts
from bridge.wiring import Bridge
from bridge.worker.alerts import NOBODY

log = structlog.get_logger()
LAST = "digest.last"


def send(bridge: Bridge) -> None:
    """Send the digest if it is due and not empty.

    Its external id contains the time at which the last one ended, so it is never sent twice.
    """
    period, now = bridge.policy.digest, bridge.clock.now()
    if period not in PERIODS or bridge.policy.alerts_to == NOBODY:
        return
    with bridge.store.read() as connection:
        last = state.get(connection, LAST) or {}
        line = changes.last_id(connection)
    since = datetime.fromisoformat(last["at"]) if last else None
    # After a pause, it begins again.
    if since is None or since + 3 * PERIODS[period] < now:
        _keep(bridge, now, line)
        return
    if not is_due(period, since, now):
        return
    with bridge.store.read() as connection:
        told = _digest(connection, since, now, (last["line"], line))
    if not told.is_silent:
        title, body = digest_markdown(told, bridge.settings.bridge_url)
        try:
            ref = bridge.discourse.create_message(
                bridge.policy.alerts_to, title, body, f"bridge-digest-{since:%Y%m%d-%H%M%S}"
            )
        except Permanent as error:
            log.error("digest.refused", to=bridge.policy.alerts_to, error=str(error)[:300])  # noqa: TRY400 - no news in its traceback
        else:
            log.info("digest.told", topic_id=ref.topic_id)
    _keep(bridge, now, line)


def _digest(
    connection: Connection, since: datetime, until: datetime, lines: tuple[int, int]
) -> Digest:
    happened = changes.counted(connection, after=lines[0], until=lines[1])
    names = groups.names_of_all(connection)
    return digest(since, until, worklist_counts.counts(connection), happened, names)


def _keep(bridge: Bridge, at: datetime, line: int) -> None:
    with bridge.store.write() as connection:
        state.put(connection, LAST, {"at": at.isoformat(), "line": line})
