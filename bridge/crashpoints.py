"""Named places at which tests kill a process without any clean-up."""

from __future__ import annotations

import os

_HERE = os.environ.get("BRIDGE_CRASH_AT", "")  # noqa: TID251 - must work before any settings do
NAMES = (
    "before_inbox_commit",
    "after_inbox_commit",
    "before_discourse_add",
    "after_discourse_add",
    "before_discourse_remove",
    "after_discourse_remove",
    "after_stripe_read",
    "after_decision",
    "before_message_create",
    "after_message_create",
    "before_message_edit",
    "after_message_edit",
    "before_receipt",
    "after_receipt",
)
OF_ERRANDS = ("after_errand_kept", "after_errand_at_stripe", "after_errand_logged")
"""On the way of something that a moderator has done at Stripe; no member's life meets them."""
OF_THE_LEDGER = ("after_lines_written",)
"""In a pass of the ledger: the lines of some families are booked, those of others are not."""


def crashpoint(name: str) -> None:
    """Die here, without any clean-up, if BRIDGE_CRASH_AT names this place."""
    if name == _HERE:
        os._exit(137)
