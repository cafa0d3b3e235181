"""Subscription schedules: what a subscription is to become, and when."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import sync_owner_of


def changed(event: Event) -> list[Task]:
    """What the schedule holds for the subscription, now or at its next phase, is another."""
    return sync_owner_of(("subscription",), event)
