"""Invoices and credit notes: what was paid, failed, or is no longer owed."""

from __future__ import annotations

from bridge.core.events.stripe import Event
from bridge.core.events.tasks import Task
from handlers.common import sync, sync_owner_of


def changed(event: Event) -> list[Task]:
    """An invoice is owed, paid, failing or written off.

    A reading of subscriptions includes their latest invoices; only an invoice without a
    subscription needs its own reading. One-off prices on an invoice are read as purchases (A108).
    """
    is_alone = "subscription" not in event.related
    return sync(event, money=is_alone, purchases="invoice_item" in event.related)


def credited(event: Event) -> list[Task]:
    """A credit note took something off an invoice, perhaps an old one.

    It may say which line a refund is of, so purchases and payments are read too (A107).
    """
    return sync_owner_of(("invoice",), event, purchases=True, money=True)
