"""Stripe, as far as the bridge reads and asks it; nobody else knows its library."""
