"""The kinds of alerts, and which of them wait or are repeated."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """The kinds of alerts.

    They are stored and used as labels for monitoring, so they are never renamed.
    """

    NEWS_MISSED = "news_missed"
    ENDPOINT_OFF = "endpoint_off"
    CLOCK_WRONG = "clock_wrong"
    STRIPE_WAITS = "stripe_waits"
    FORUM_WAITS = "forum_waits"
    EVENT_WAITS = "event_waits"
    EVENT_DEAD = "event_dead"
    RULE_HALTED = "rule_halted"
    HELD = "held"
    NO_RULE_ENDS = "no_rule_ends"
    REMOVALS_STOPPED = "removals_stopped"
    DISPUTE = "dispute"
    PAYS_SUSPENDED = "pays_suspended"
    PAYS_WITHOUT_ACCOUNT = "pays_without_account"
    PAYS_UNLINKED = "pays_unlinked"
    CLAIM_WAITS = "claim_waits"
    INVITES_REFUSED = "invites_refused"
    PAID_TWICE = "paid_twice"
    GIVES_NOTHING = "gives_nothing"
    SOLD_ABROAD = "sold_abroad"
    APPLIED = "applied"
    UNKNOWN_ADDITIONS = "unknown_additions"


OF_NEWS = frozenset({Kind.NEWS_MISSED, Kind.ENDPOINT_OFF})
"""Events from Stripe do not arrive: nobody is removed before moderators were told."""

PATIENCE: Mapping[Kind, timedelta] = {
    Kind.NEWS_MISSED: timedelta(minutes=2),
    Kind.RULE_HALTED: timedelta(minutes=5),
    Kind.HELD: timedelta(minutes=5),
    Kind.PAYS_UNLINKED: timedelta(minutes=5),
    Kind.GIVES_NOTHING: timedelta(minutes=5),
}
"""These often resolve automatically, or when current work ends; others are sent immediately."""

DAILY = frozenset({Kind.REMOVALS_STOPPED})
"""These are repeated every day while they last."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that needs a person. `facts` fill the words of its kind."""

    kind: Kind
    subject: str
    since_at: datetime | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
