"""Stripe, as far as the bridge reads and asks it; nobody else knows its library."""

from bridge.stripe_api.client import StripeApi

__all__ = ["StripeApi"]
