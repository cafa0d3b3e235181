"""The bridge's own signed words, before anybody has read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """A word as an object at Stripe carries it: unverified.

    `made_at`: when that object was made. `is_typed`: it stood in `client_reference_id`, which
    whoever opens a payment link can type; metadata is written by the account's own keys alone.
    """

    text: str
    made_at: datetime
    is_typed: bool = False
