"""Codes for why a source gives a group or does not. `telling.reasons` has their words."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """The codes. They are stored and exported, so they are never renamed or reused."""

    ACTIVE = "active"
    ENDING = "ending"
    TRIAL = "trial"
    TRIAL_WAITS = "trial_waits"
    GRACE = "grace"
    GRACE_OVER = "grace_over"
    UNPAID = "unpaid"
    INCOMPLETE = "incomplete"
    INCOMPLETE_EXPIRED = "incomplete_expired"
    CANCELED = "canceled"
    PAUSED = "paused"
    PAUSED_KEPT = "paused_kept"
    COLLECTION_PAUSED = "collection_paused"
    COLLECTION_PAUSED_PAID = "collection_paused_paid"
    COLLECTION_PAUSED_ENDED = "collection_paused_ended"
    INSTALMENTS_DONE = "instalments_done"
    INSTALMENTS_OVER = "instalments_over"
    CUSTOMER_DELETED = "customer_deleted"
    UNKNOWN_STATUS = "unknown_status"
    NO_RULE = "no_rule"
    NO_RULE_ENDS = "no_rule_ends"
    NO_SEATS = "no_seats"
    RULE_HALTED = "rule_halted"
    REFUNDED = "refunded"
    REFUNDED_PAID = "refunded_paid"
    REFUND_UNCLEAR = "refund_unclear"
    DISPUTED = "disputed"
    DISPUTE_LOST = "dispute_lost"
    BOUGHT = "bought"
    TERM_OVER = "term_over"
    HAND = "hand"
    HAND_WAITS = "hand_waits"
    HAND_OVER = "hand_over"
    HAND_REVOKED = "hand_revoked"
    GIVEN = "given"
    PRESENT_WAITS = "present_waits"
    CONTINUES_LATER = "continues_later"
    SEAT_ENDING = "seat_ending"
    SEAT_OVER = "seat_over"
    NOT_ENTITLED = "not_entitled"
    ENTITLEMENT_UNREAD = "entitlement_unread"
    ENTITLEMENT_UNCLEAR = "entitlement_unclear"
    APPROVAL_WAITS = "approval_waits"
    APPROVAL_DECLINED = "approval_declined"


UNDECIDED = frozenset(
    {
        Reason.UNKNOWN_STATUS,
        Reason.NO_RULE,
        Reason.RULE_HALTED,
        Reason.REFUND_UNCLEAR,
        Reason.ENTITLEMENT_UNREAD,
        Reason.ENTITLEMENT_UNCLEAR,
        Reason.APPROVAL_WAITS,
    }
)
"""Not known to give anything, nor known to give nothing: what the source gave before is held."""


class Hold(StrEnum):
    """Why a membership stays as it is until a moderator decides. Stored, so never renamed.

    The first are sources in doubt, by their `Reason`; the last two are overrides: somebody ended it
    on the forum by hand. `telling.holds` has their words.
    """

    RULE_HALTED = "rule_halted"
    NO_RULE = "no_rule"
    UNKNOWN_STATUS = "unknown_status"
    REFUND_UNCLEAR = "refund_unclear"
    ENTITLEMENT_UNREAD = "entitlement_unread"
    ENTITLEMENT_UNCLEAR = "entitlement_unclear"
    APPROVAL_WAITS = "approval_waits"
    VANISHED = "vanished"
    USER_GONE = "user_gone"
    STAFF = "staff"
    LEFT = "left"


OVERRIDES = (Hold.STAFF, Hold.LEFT)
"""What keeps somebody out of a group until they are let back in."""
