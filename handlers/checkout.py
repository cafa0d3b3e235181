"""Checkout sessions: where a customer meets a user, and where one-off orders are paid."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, Task
from handlers.common import link, sync


def finished(event: Event) -> list[Task]:
    """Somebody went through Checkout, or what they paid there by slow means came in or failed.

    The mode shows in what the session made: a subscription, a setup intent, or else a payment
    (one that costs nothing has no payment intent). A thin event shows nothing, so orders are read.
    """
    if "setup_intent" in event.related:
        return [Ignore("a card was saved for later: nothing was bought")]
    return [*link(event), *sync(event, purchases="subscription" not in event.related)]
