"""Stripe's own entitlements: they follow subscriptions, so they are one more hint to read those."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, Task
from handlers.common import sync


def changed(event: Event) -> list[Task]:
    """The customer's features changed; the summary has no id of its own."""
    if not event.customer_id:
        return [Ignore("it names no customer; the subscription's own event does")]
    return sync(event)
