"""Charges, refunds and disputes: money that was held and is taken, or goes back."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import sync_owner_of

# Refunds and disputes do not name their customer; the charge and the payment intent do.
_PAYMENTS = ("charge", "payment_intent")


def money_moved(event: Event) -> list[Task]:
    """A hold was captured, a refund or a dispute began or ended: orders and statement change."""
    return sync_owner_of(_PAYMENTS, event, purchases=True, money=True)
