"""Products and prices: what is sold, and which groups it leads to."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Ignore, ReadPrice, ReadProduct, Task


def product_changed(event: Event) -> list[Task]:
    """A product was made, edited, archived or deleted: its groups may have changed."""
    if not event.object_id:
        return [Ignore(f"the event {event.type} names no product")]
    return [ReadProduct(event.object_id)]


def price_changed(event: Event) -> list[Task]:
    """A price (or plan, its older name, with the same id) was made, edited or deleted."""
    if not event.object_id:
        return [Ignore(f"the event {event.type} names no price")]
    return [ReadPrice(event.object_id)]
