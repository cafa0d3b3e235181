"""The types of Stripe's events that the bridge needs."""

from __future__ import annotations

# Events that decide about groups. Stripe lists at most 20 types in a call.
DECIDING_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "customer.subscription.created",
    "customer.subscription.updated",
    "customer.subscription.deleted",
    "customer.subscription.paused",
    "customer.subscription.resumed",
    "customer.deleted",
    "invoice.paid",
    "invoice.payment_failed",
    "invoice.voided",
    "invoice.marked_uncollectible",
    "charge.refunded",
    "charge.dispute.created",
    "charge.dispute.closed",
    "refund.failed",
    "product.updated",
    "price.updated",
    "product.deleted",
    "price.deleted",
)
# Needed if a feature is mapped. The nightly reading replaces a lost event.
ENTITLEMENTS_TYPE = "entitlements.active_entitlement_summary.updated"
