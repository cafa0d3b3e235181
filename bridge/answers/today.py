"""What needs attention today, and how up to date everything is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from bridge.core.telling.alerts import Alert
from bridge.store import alerts, inbox, state, work
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Today:
    """Open alerts by harm, and how far behind the bridge is."""

    alerts: tuple[Alert, ...]
    dead_events: int
    behind_seconds: float
    swept_at: datetime | None
    requests_left: int


# The worst first: nobody is let in, nobody is asked to pay, somebody waits, something is untidy.
_HARM = (
    "endpoint_off",
    "news_missed",
    "stripe_waits",
    "forum_waits",
    "removals_stopped",
    "rule_halted",
    "dispute",
    "pays_without_account",
    "pays_suspended",
    "pays_unlinked",
    "claim_waits",
    "invites_refused",
    "gives_nothing",
    "held",
    "applied",
)


def today(bridge: Bridge) -> Today:
    """Everything from the store; no call to Stripe or the forum."""
    now = bridge.clock.now()
    with bridge.store.read() as connection:
        open_now = alerts.open_ones(connection, now)
        dead = inbox.count_dead(connection)
        behind = work.oldest_dirty_seconds(connection, now)
        swept_at = state.get_time(connection, state.LAST_SWEEP)
    return Today(
        alerts=tuple(sorted(open_now, key=lambda one: (_harm(one), one.since_at))),
        dead_events=dead,
        behind_seconds=behind,
        swept_at=swept_at,
        requests_left=bridge.limiter.spare("low"),
    )


def _harm(alert: Alert) -> int:
    return _HARM.index(alert.kind) if alert.kind in _HARM else len(_HARM)
