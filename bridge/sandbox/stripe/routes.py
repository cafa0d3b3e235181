"""Every operation of the simulated API and the function that answers it."""

from __future__ import annotations

from bridge.sandbox.stripe import (
    balance,
    catalog,
    charges,
    checkout,
    customers,
    discounts,
    invoice_routes,
    payments,
    portal,
    previews,
    setup_intents,
    subscription_changes,
    subscription_items,
    subscriptions,
    webhooks,
)
from bridge.sandbox.stripe.crud import Handler

FAMILIES = (
    balance,
    catalog,
    charges,
    checkout,
    customers,
    discounts,
    invoice_routes,
    payments,
    portal,
    previews,
    setup_intents,
    subscription_changes,
    subscription_items,
    subscriptions,
    webhooks,
)
ROUTES: dict[str, Handler] = {
    operation: handler for family in FAMILIES for operation, handler in family.ROUTES.items()
}
