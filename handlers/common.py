"""The task of most handlers: read this customer again."""

from __future__ import annotations

from collections.abc import Callable

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, Link, SyncCustomer, SyncObject, Task

Handler = Callable[[Event], list[Task]]


def sync(event: Event, *, purchases: bool = False, money: bool = False) -> list[Task]:
    """Read the event's customer again, or find out first who that is."""
    if event.customer_id:
        return [SyncCustomer(event.customer_id, purchases=purchases, money=money)]
    return _sync_object(event, event.object_kind, event.object_id, purchases=purchases, money=money)


def sync_owner_of(
    kinds: tuple[str, ...], event: Event, *, purchases: bool = False, money: bool = False
) -> list[Task]:
    """As sync, where the object itself leads to nobody, but one that it names does."""
    if event.customer_id:
        return sync(event, purchases=purchases, money=money)
    for kind in kinds:
        if kind in event.related:
            found = event.related[kind]
            return _sync_object(event, kind, found, purchases=purchases, money=money)
    return sync(event, purchases=purchases, money=money)


def link(event: Event) -> list[Task]:
    """The claim that the customer belongs to a user, if the event makes one."""
    if event.customer_id and event.carried:
        return [Link(event.customer_id, event.carried)]
    return []


def ignored(reason: str) -> Handler:
    """A handler for known events that change nothing, with the reason."""

    def ignore(_: Event) -> list[Task]:
        return [Ignore(reason)]

    return ignore


def _sync_object(
    event: Event, kind: str | None, object_id: str | None, *, purchases: bool, money: bool
) -> list[Task]:
    if not kind or not object_id:
        return [Ignore(f"the event {event.type} names no customer and no object to find one by")]
    return [SyncObject(kind, object_id, purchases=purchases, money=money)]
