"""Every operation of the simulated API and the function that answers it."""

from __future__ import annotations

from bridge.sandbox.stripe import (
    balance,
    cash_balance,
    catalog,
    charges,
    checkout,
    credit_notes,
    customers,
    discounts,
    entitlements,
    invoice_routes,
    older,
    pausing,
    payment_intent_routes,
    payment_links,
    portal,
    previews,
    schedules,
    search,
    setup_intents,
    subscription_changes,
    subscription_items,
    subscriptions,
    test_clocks,
    webhooks,
)
from bridge.sandbox.stripe.crud import Handler

FAMILIES = (
    balance,
    cash_balance,
    catalog,
    charges,
    checkout,
    credit_notes,
    customers,
    discounts,
    entitlements,
    invoice_routes,
    older,
    pausing,
    payment_intent_routes,
    payment_links,
    portal,
    previews,
    schedules,
    search,
    setup_intents,
    subscription_changes,
    subscription_items,
    subscriptions,
    test_clocks,
    webhooks,
)
ROUTES: dict[str, Handler] = {
    operation: handler for family in FAMILIES for operation, handler in family.ROUTES.items()
}
