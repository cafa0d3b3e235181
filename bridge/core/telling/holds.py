"""Holds: why a membership stays as it is until a moderator decides, in words."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.memberships.effects import Effect
from bridge.core.model.reasons import Hold
from bridge.core.telling.sentences import as_sentence
from bridge.texts import gettext

FOR_MEMBERS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: gettext("This group is set up incorrectly. A moderator has been asked."),
    Hold.NO_RULE: gettext("No group is set for what you pay for. A moderator has been asked."),
    Hold.UNKNOWN_STATUS: gettext(
        "Stripe reports an unknown status for your subscription. A moderator has been asked."
    ),
    Hold.REFUND_UNCLEAR: gettext(
        "It is unclear which part of your order was refunded. A moderator has been asked."
    ),
    Hold.ENTITLEMENT_UNCLEAR: gettext(
        "It is unclear whether your purchase includes this group. A moderator has been asked."
    ),
    Hold.ENTITLEMENT_UNREAD: gettext(
        "We have not checked yet whether your purchase includes this group."
    ),
    Hold.APPROVAL_WAITS: gettext("Your application is waiting for a moderator’s approval."),
    Hold.VANISHED: gettext("Stripe no longer lists your subscription. A moderator has been asked."),
    Hold.USER_GONE: gettext("The forum did not find your account."),
    Hold.STAFF: gettext("A moderator removed you."),
    Hold.LEFT: gettext("You left it yourself."),
}

FOR_MODERATORS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: gettext("the mapping rule is wrong"),
    Hold.NO_RULE: gettext("no rule covers what they pay for"),
    Hold.UNKNOWN_STATUS: gettext(
        "Stripe reports a subscription status that the bridge does not know"
    ),
    Hold.REFUND_UNCLEAR: gettext("a refund does not say which line of the order it is for"),
    Hold.ENTITLEMENT_UNCLEAR: gettext(
        "Stripe lists a feature that none of their purchases includes"
    ),
    Hold.ENTITLEMENT_UNREAD: gettext("the features have not been read from Stripe yet"),
    Hold.APPROVAL_WAITS: gettext("what they pay for now waits for approval"),
    Hold.VANISHED: gettext("Stripe no longer lists a subscription that it listed before"),
    Hold.USER_GONE: gettext("the forum no longer knows this user"),
    Hold.STAFF: gettext("a moderator removed them from the group"),
    Hold.LEFT: gettext("they left the group"),
}
"""Without a full stop, as the lines of the log; `for_moderator` makes it a sentence."""

_REMEDIES: Mapping[Hold, str] = {
    Hold.RULE_HALTED: gettext("`bridge doctor` says what to correct."),
    Hold.NO_RULE: gettext("Add a rule, or run `bridge keep` or `bridge let-go`."),
    Hold.REFUND_UNCLEAR: gettext(
        "`bridge keep` or `bridge let-go` decides. For an order with an invoice, a credit note at "
        "Stripe that names the line does too."
    ),
    Hold.APPROVAL_WAITS: gettext("`bridge register approve` or `bridge register decline` decides."),
    Hold.STAFF: gettext("`bridge lift` lets them back in."),
    Hold.LEFT: gettext("`bridge lift` lets them back in."),
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
    """The hold as the member reads it."""
    hold = _known(code)
    return FOR_MEMBERS[hold] if hold else gettext("A moderator has been asked.")


def for_moderator(code: str) -> str:
    """The hold as moderators read it."""
    hold = _known(code)
    return as_sentence(FOR_MODERATORS[hold]) if hold else gettext("A moderator has to decide.")


def remedy(code: str) -> str:
    """The command that resolves it; empty for a hold that resolves automatically."""
    hold = _known(code)
    return _REMEDIES.get(hold, "") if hold else ""


def to_come(effect: Effect) -> str:
    """A preview's words for what a change waits for; empty if it waits for nothing."""
    if effect.hold == Hold.APPROVAL_WAITS:
        return gettext("Becomes an applicant: nothing changes until a moderator decides.")
    if effect.hold:
        why = for_moderator(effect.hold)
        return gettext("Held until a moderator decides. %(why)s") % {"why": why}
    words = {
        "suspended": gettext("Waits until the account is no longer suspended."),
        "staged": gettext("Waits until they sign in to the forum for the first time."),
    }
    other = gettext("Nothing changes for this account: the forum does not have it now.")
    return words.get(effect.account, other) if effect.account else ""


def _known(code: str) -> Hold | None:
    """The hold of a stored code; None for the code of another version."""
    return next((hold for hold in Hold if hold == code), None)
