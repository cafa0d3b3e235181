"""Stripe's and Discourse's objects as plain immutable data."""
