"""What the fields of the console's forms are called, above the field and in a refusal."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.texts import gettext

_LABELS: Mapping[str, str] = {
    "group": gettext("Group"),
    "until": gettext("Until (last day, in UTC; empty: for good)"),
    "reason": gettext("Reason"),
    "grant": gettext("Grant"),
    "customer": gettext("Customer at Stripe"),
    "amount": gettext("Amount"),
    "currency": gettext("Currency"),
    "method": gettext("How it was paid"),
    "what": gettext("What it was for (the member reads it)"),
    "date": gettext("Day (in UTC; empty: today)"),
    "again": gettext("Paid twice within a day"),
    "invoice": gettext("Invoice"),
    "event": gettext("Event"),
    "which": gettext("Memberships"),
    "change": gettext("Line of the log"),
    "user": gettext("Forum account (a name, or an id as id:12)"),
    "price": gettext("Price"),
    "key": gettext("Key"),
    "thing": gettext("Where it is set"),
    "value": gettext("New value"),
    "since": gettext("Also show whom it would have affected since (a day in UTC; optional)"),
    "booked": gettext("Line of the ledger"),
    "note": gettext("Note"),
    "payment": gettext("Payment"),
    "line": gettext("What is refunded"),
    "subscription": gettext("Subscription"),
}
_OF_ACT: Mapping[tuple[str, str], str] = {
    ("refund", "amount"): gettext("Amount (empty: all that is left)"),
    ("change-plan", "price"): gettext("New plan"),
    ("pause", "until"): gettext("Until (last day, in UTC; empty: until somebody resumes it)"),
}
WORDS: Mapping[str, str] = {
    "reason": gettext("reason"),
    "what": gettext("purpose"),
    "note": gettext("note"),
}
"""Text that is stored for people to read, as a refusal names it."""


def label_of(act: str, field: str) -> str:
    """What stands above a field of an act's form."""
    return _OF_ACT.get((act, field)) or _LABELS[field]


def short(field: str) -> str:
    """The field's name without what it explains."""
    return _LABELS[field].partition(" (")[0]
