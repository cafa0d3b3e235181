"""Why a membership stays as it is until a moderator decides: the words for each code.

For the member they follow "You are (not) in it:"; for moderators they say what lets it go.
"""

from __future__ import annotations

from collections.abc import Mapping

from bridge.core.model.reasons import Hold

FOR_MEMBERS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "its rule is being corrected",
    Hold.NO_RULE: "what you pay for has no group assigned right now",
    Hold.UNKNOWN_STATUS: "its state at Stripe is unclear",
    Hold.ENTITLEMENT_UNCLEAR: "it is unclear whether what you pay for comes with it",
    Hold.ENTITLEMENT_UNREAD: "Stripe was not asked yet whether what you pay for comes with it",
    Hold.VANISHED: "Stripe did not show your subscription any more",
    Hold.USER_GONE: "the account was not found",
    Hold.STAFF: "staff took you out of it",
    Hold.LEFT: "you left it yourself",
}

FOR_MODERATORS: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "its mapping rule is wrong",
    Hold.NO_RULE: "what they pay for has no rule",
    Hold.UNKNOWN_STATUS: "Stripe gives their subscription a status that is not known here",
    Hold.ENTITLEMENT_UNCLEAR: "Stripe says that they have a feature that nothing of theirs carries",
    Hold.ENTITLEMENT_UNREAD: "Stripe was not asked yet which features they have",
    Hold.VANISHED: "Stripe did not list a subscription that it had listed before",
    Hold.USER_GONE: "the forum does not know this user any more",
    Hold.STAFF: "staff took them out by hand",
    Hold.LEFT: "they left the group themselves",
}

_REMEDIES: Mapping[Hold, str] = {
    Hold.RULE_HALTED: "`bridge doctor` tells what to correct",
    Hold.NO_RULE: "give it one, or `bridge lift USER GROUP`",
    Hold.STAFF: "`bridge lift USER GROUP` lets them in again",
    Hold.LEFT: "`bridge lift USER GROUP` lets them in again",
}

WITH_AN_ALERT = frozenset(
    {Hold.NO_RULE, Hold.UNKNOWN_STATUS, Hold.ENTITLEMENT_UNCLEAR, Hold.VANISHED}
)
"""Holds of which moderators are told. A halted rule is an alert of its own; the rest pass."""


def for_member(code: str) -> str:
    """Why it stays as it is, said to the member."""
    hold = _known(code)
    return FOR_MEMBERS[hold] if hold else "a moderator is asked"


def for_moderator(code: str, *, remedy: bool = False) -> str:
    """Why it stays as it is, said to a moderator; `remedy`: and what lets it go."""
    hold = _known(code)
    if hold is None:
        return "a moderator has to decide"
    words = FOR_MODERATORS[hold]
    return f"{words}; {_REMEDIES[hold]}" if remedy and hold in _REMEDIES else words


def _known(code: str) -> Hold | None:
    """The hold of a stored code; None for one that another version has written."""
    return next((hold for hold in Hold if hold == code), None)
