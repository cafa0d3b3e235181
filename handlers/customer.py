"""Customers: who they are on Discourse, and that they are gone."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import ForgetCustomer, Ignore, SyncCustomer, SyncObject, Task
from handlers.common import link, why


def appeared(event: Event) -> list[Task]:
    """A customer was made or edited. It matters when the metadata say whose customer it is.

    A thin event shows no metadata, so the customer is read. A link that is new has the customer
    read by itself; for one that is known nothing is to be read: no customer's own data decides.
    """
    if event.thin and event.object_id:
        return [SyncObject("customer", event.object_id, why(event))]
    tasks: list[Task] = [*link(event)]
    if event.balance_moved and event.customer_id:
        # Credit given or taken by hand has no event of its own (A105).
        tasks.append(SyncCustomer(event.customer_id, why(event), money=True))
    if tasks:
        return tasks
    return [Ignore("nothing in it says who the customer is on the forum")]


def deleted(event: Event) -> list[Task]:
    """A customer was deleted in Stripe; Stripe cancels the subscriptions with it."""
    if not event.customer_id:
        return [Ignore(f"the event {event.type} names no customer")]
    return [ForgetCustomer(event.customer_id)]
