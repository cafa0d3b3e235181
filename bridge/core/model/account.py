"""The account at a provider to which an object, and so its id, belongs."""

from __future__ import annotations

from typing import NamedTuple


class Account(NamedTuple):
    """An account at a provider. Two accounts may use the same id for different things."""

    provider: str
    id: str


OWN = Account("stripe", "own")
"""The Stripe account whose keys the bridge was given."""

SITE = Account("site", "own")
"""The site itself: its members and its policy belong to no provider."""

MANUAL = Account("manual", "own")
"""What moderators record by hand, such as a payment in cash."""
