"""Subscription schedules: the planned changes of a subscription."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import sync_owner_of


def changed(event: Event) -> list[Task]:
    """The schedule's present or next phase has changed."""
    return sync_owner_of(("subscription",), event)
