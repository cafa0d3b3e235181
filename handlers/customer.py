"""Customers: who they are on Discourse, and whether they are still there."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, ReadCustomer, SyncCustomer, Task
from handlers.common import link


def appeared(event: Event) -> list[Task]:
    """A customer was made or edited. It matters when the metadata say whose customer it is.

    A thin event shows no metadata, so the customer itself is read. A new link has everything of
    the customer read; a known one asks for nothing: no customer's own data decides.
    """
    if event.thin and event.customer_id:
        return [ReadCustomer(event.customer_id)]
    tasks: list[Task] = [*link(event)]
    if event.balance_moved and event.customer_id:
        # No other event reports credit that was given or taken by hand (A105).
        tasks.append(SyncCustomer(event.customer_id, money=True))
    if tasks:
        return tasks
    return [Ignore("nothing in it says who the customer is on the forum")]


def deleted(event: Event) -> list[Task]:
    """A customer was deleted, says the event. That is only a hint, so it is read again."""
    if not event.customer_id:
        return [Ignore(f"the event {event.type} names no customer")]
    return [ReadCustomer(event.customer_id)]
