"""Finds events that tell nothing new after the last reading. Pure.

A buyer who comes back from Stripe's page is read at once. The dozen events of the purchase
arrive after that. Times do not tell which of them the reading includes: Stripe's are whole seconds
of another clock. The reading tells: an event that happens only once, and that it shows, is old.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

from bridge.core.events.stripe import Event
from bridge.core.model.stripe import Subscription
from bridge.core.rights.switching import IN_FORCE


@dataclass(frozen=True, slots=True)
class LastReading:
    """The last reading of the things that some events are about.

    `paid_invoice_ids`: invoices with a recorded payment. `order_ids`: Checkout Sessions with
    a recorded purchase.
    """

    subscriptions: Mapping[str, Subscription] = field(default_factory=dict)
    paid_invoice_ids: Collection[str] = ()
    order_ids: Collection[str] = ()

    def has_order(self, session_id: str | None, subscription_id: str | None) -> bool:
        """Whether it shows what a Checkout Session sold, with nothing left to be paid."""
        if subscription_id is None:
            return session_id in self.order_ids
        found = self.subscriptions.get(subscription_id)
        return found is not None and found.status in IN_FORCE and not found.pending


def is_old_news(event: Event, read: LastReading) -> bool:
    """Whether the last reading already shows what the event reports."""
    is_known = _ONCE.get(event.type)
    return is_known is not None and is_known(event, read)


def _exists(event: Event, read: LastReading) -> bool:
    return event.object_id in read.subscriptions


def _has_begun(event: Event, read: LastReading) -> bool:
    """A subscription leaves the status *incomplete* only once."""
    found = read.subscriptions.get(event.object_id or "")
    return event.begins and found is not None and found.status != "incomplete"


def _is_ordered(event: Event, read: LastReading) -> bool:
    return read.has_order(event.object_id, event.related.get("subscription"))


def _is_paid(event: Event, read: LastReading) -> bool:
    """Nothing that happens to a paid invoice itself changes what it paid for.

    For a subscription's invoice the same reading must show the subscription in force: it may have
    been paid between the two requests of a reading. The nightly listing records no payments.
    """
    if "invoice_item" in event.related:
        return False
    is_recorded = event.object_id in read.paid_invoice_ids
    if "subscription" not in event.related:
        return is_recorded
    found = read.subscriptions.get(event.related["subscription"])
    if found is None or found.status not in IN_FORCE or found.last_payment is None:
        return False
    is_free = found.last_payment.amount_minor == 0
    return found.last_payment.invoice_id == event.object_id and (is_recorded or is_free)


_ONCE: Mapping[str, Callable[[Event, LastReading], bool]] = {
    "checkout.session.completed": _is_ordered,
    "customer.subscription.created": _exists,
    "customer.subscription.updated": _has_begun,
    "invoice.finalized": _is_paid,
    "invoice.paid": _is_paid,
    "invoice.payment_action_required": _is_paid,
    "invoice.payment_succeeded": _is_paid,
    "invoice.updated": _is_paid,
}
