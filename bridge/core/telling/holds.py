"""Holds: why a membership stays as it is until a moderator decides, in words.

The member reads them after "You are (not) in it:"; moderators also read what resolves them.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.model.reasons import Hold
from bridge.texts import gettext

FOR_MEMBERS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "its rule is being corrected",
    Hold.NO_RULE: "no group is set for what you pay for",
    Hold.UNKNOWN_STATUS: "Stripe reports an unknown status for your subscription",
    Hold.REFUND_UNCLEAR: "it is unclear which part of your order was refunded",
    Hold.ENTITLEMENT_UNCLEAR: "it is unclear whether your purchase includes this group",
    Hold.ENTITLEMENT_UNREAD: "we have not checked yet whether your purchase includes this group",
    Hold.APPROVAL_WAITS: "your application is waiting for a moderator's approval",
    Hold.VANISHED: "Stripe no longer lists your subscription",
    Hold.USER_GONE: "the forum did not find your account",
    Hold.STAFF: "a moderator removed you from it",
    Hold.LEFT: "you left it yourself",
}

FOR_MODERATORS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "its mapping rule is wrong",
    Hold.NO_RULE: "no rule covers what they pay for",
    Hold.UNKNOWN_STATUS: "Stripe reports a subscription status that the bridge does not know",
    Hold.REFUND_UNCLEAR: "a refund does not say which line of the order it is for",
    Hold.ENTITLEMENT_UNCLEAR: "Stripe lists a feature that none of their purchases includes",
    Hold.ENTITLEMENT_UNREAD: "their features have not been read from Stripe yet",
    Hold.APPROVAL_WAITS: "what they pay for now waits for approval",
    Hold.VANISHED: "Stripe no longer lists a subscription that it listed before",
    Hold.USER_GONE: "the forum no longer knows this user",
    Hold.STAFF: "a moderator removed them from the group",
    Hold.LEFT: "they left the group themselves",
}

_REMEDIES: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "`bridge doctor` says what to correct",
    Hold.NO_RULE: "add a rule, or run `bridge lift USER GROUP`",
    Hold.REFUND_UNCLEAR: "`bridge keep USER GROUP` or `bridge let-go USER GROUP` decides; for an "
    "order with an invoice, a credit note at Stripe that names the line does too",
    Hold.APPROVAL_WAITS: "`bridge register approve USER` or `bridge register decline USER` decides",
    Hold.STAFF: "`bridge lift USER GROUP` lets them back in",
    Hold.LEFT: "`bridge lift USER GROUP` lets them back in",
}

WITH_AN_ALERT = frozenset(
    {
        Hold.NO_RULE,
        Hold.UNKNOWN_STATUS,
        Hold.REFUND_UNCLEAR,
        Hold.ENTITLEMENT_UNCLEAR,
        Hold.VANISHED,
    }
)
"""Holds that are alerts. A halted rule is an alert of its own; the others resolve automatically."""


def for_member(code: str) -> str:
    """The hold in words for the member."""
    hold = _known(code)
    return FOR_MEMBERS[hold] if hold else "a moderator has been asked"


def for_moderator(code: str, *, remedy: bool = False) -> str:
    """The hold in words for moderators; `remedy`: with what resolves it."""
    hold = _known(code)
    if hold is None:
        return "a moderator has to decide"
    words = FOR_MODERATORS[hold]
    return f"{words}; {_REMEDIES[hold]}" if remedy and hold in _REMEDIES else words


def to_come(code: str) -> str:
    """What a preview says of a membership that will wait for a moderator."""
    if code == Hold.APPROVAL_WAITS:
        return gettext("Becomes an applicant: nothing changes until a moderator decides.")
    return gettext("Held until a moderator decides: %(why)s.") % {"why": for_moderator(code)}


def _known(code: str) -> Hold | None:
    """The hold of a stored code; None for the code of another version."""
    return next((hold for hold in Hold if hold == code), None)
