"""Subscriptions: whatever happened to one, its customer is read again as a whole."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import link, sync


def changed(event: Event) -> list[Task]:
    """A subscription began, changed, paused or ended. Its metadata may say whose it is."""
    return [*link(event), *sync(event)]
