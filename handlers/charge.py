"""Charges, refunds and disputes: money that goes back."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import sync_owner_of

# Neither a refund nor a dispute names its customer; the charge and the payment intent do.
_PAYMENTS = ("charge", "payment_intent")


def money_went_back(event: Event) -> list[Task]:
    """A refund or a dispute began or ended: an order may be undone, and the statement changes."""
    return sync_owner_of(_PAYMENTS, event, purchases=True, money=True)
