"""Stripe's API as the bridge uses it; the only place that knows Stripe's library."""
