"""Words for the kinds of money lines."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from bridge.core.ledger.lines import GiftLine, MoneyKind, MoneyLine
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


_GIFTS = {
    ("gift_given", False, True): gettext("You gave %(what)s (%(amount)s) to %(person)s"),
    ("gift_given", False, False): gettext("You gave %(what)s (%(amount)s) to another member"),
    ("gift_received", False, True): gettext("You received %(what)s from %(person)s"),
    ("gift_received", False, False): gettext("You received %(what)s as a gift"),
    ("gift_given", True, True): gettext(
        "Refunded or passed on: %(what)s (%(amount)s), your gift to %(person)s"
    ),
    ("gift_given", True, False): gettext("Refunded or passed on: %(what)s (%(amount)s), your gift"),
    ("gift_received", True, True): gettext(
        "Refunded or passed on: %(what)s, a gift from %(person)s"
    ),
    ("gift_received", True, False): gettext("Refunded or passed on: %(what)s, a gift to you"),
}


def gift_words(line: GiftLine, amount: str) -> str:
    """What a line says of a gift. Only its giver reads what it cost."""
    words = _GIFTS[line.kind, line.is_taken_back, line.person is not None]
    return words % {"what": line.what, "amount": amount, "person": line.person}


def prefix(line: MoneyLine, under_review: Collection[str] = ()) -> str:
    """The prefix of a line, such as a refund; empty for a plain payment."""
    return UNDER_REVIEW if line.id in under_review else KINDS.get(line.kind, "")
