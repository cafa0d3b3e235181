"""Words for the kinds of money lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.core.ledger.lines import MoneyKind, MoneyLine
from bridge.texts import gettext

UNDER_REVIEW = gettext("Disputed with your bank, under review")
KINDS: Mapping[MoneyKind, str] = {
    "refunded": gettext("Refund"),
    "disputed": gettext("Taken back by your bank"),
    "dispute_returned": gettext("Returned after the dispute"),
    "dispute_lost": gettext("Taken back by your bank"),
    "credited": gettext("Credit"),
}
METHODS: Mapping[str, str] = {
    "cash": gettext("in cash"),
    "cheque": gettext("by cheque"),
    "bank": gettext("by bank transfer"),
    "other": gettext("in another way"),
}
"""The method of a payment outside Stripe."""


def method(line: MoneyLine) -> str:
    """How it was paid, outside of Stripe; empty for a payment by Stripe."""
    return METHODS[line.method] if line.method else ""


def prefix(line: MoneyLine, under_review: Collection[str] = ()) -> str:
    """The prefix of a line, such as a refund; empty for a plain payment."""
    return UNDER_REVIEW if line.id in under_review else KINDS.get(line.kind, "")
