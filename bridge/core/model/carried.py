"""The bridge's signed references as they arrive, before they are verified."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Carried:
    """A reference as an object at Stripe carries it: unverified.

    `made_at`: when that object was made. `is_typed`: it comes from `client_reference_id`, which
    anybody who opens a payment link can type; only the account's own keys write metadata.
    `payment_link`: the link that made the object.
    """

    text: str
    made_at: datetime
    is_typed: bool = False
    payment_link: str | None = None
