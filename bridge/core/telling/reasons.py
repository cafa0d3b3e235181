"""Why a source gives a group or does not: one English phrase for each code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.values import Kind

PHRASES: Mapping[Reason, str] = {
    Reason.ACTIVE: "because of {what}",
    Reason.ENDING: "because of {what}, which ends on {until}",
    Reason.TRIAL: "because of the trial of {what}",
    Reason.TRIAL_WAITS: "the trial of {what} gives no access; access starts with the first payment",
    Reason.GRACE: "the payment for {what} failed on {because}; you keep access until {until}",
    Reason.GRACE_OVER: "the payment for {what} failed on {because} and was not made by {until}",
    Reason.UNPAID: "{what} is unpaid; paying restores access",
    Reason.INCOMPLETE: "the first payment for {what} is not complete yet",
    Reason.INCOMPLETE_EXPIRED: "the first payment for {what} was never completed",
    Reason.CANCELED: "{what} ended on {because}",
    Reason.PAUSED: "{what} is paused",
    Reason.PAUSED_KEPT: "because of {what}, which is paused",
    Reason.COLLECTION_PAUSED: "because of {what}, whose payments are paused",
    Reason.COLLECTION_PAUSED_PAID: "payments for {what} are paused; it is paid until {until}",
    Reason.COLLECTION_PAUSED_ENDED: "payments for {what} are paused",
    Reason.INSTALMENTS_DONE: "because all instalments of {what} are paid",
    Reason.INSTALMENTS_OVER: "the access paid by the instalments of {what} ended on {until}",
    Reason.CUSTOMER_DELETED: "the Stripe customer behind {what} was deleted",
    Reason.UNKNOWN_STATUS: "Stripe reports an unknown status for {what}; a moderator has been "
    "asked",
    Reason.NO_RULE: "no group is set for {what}; a moderator has been asked",
    Reason.NO_RULE_ENDS: "{what} no longer includes this group",
    Reason.NO_SEATS: "{what} no longer has any seats",
    Reason.RULE_HALTED: "the groups for {what} are set up incorrectly; a moderator has been asked",
    Reason.REFUNDED: "{what} was refunded on {because}",
    Reason.REFUNDED_PAID: "{what} was refunded on {because}; you keep access until {until}",
    Reason.REFUND_UNCLEAR: "it is unclear whether the refund of {because} was for {what}; a "
    "moderator has been asked",
    Reason.DISPUTED: "the payment for {what} has been disputed since {because}",
    Reason.DISPUTE_LOST: "the bank took back the payment for {what} after the dispute of {because}",
    Reason.BOUGHT: "because of {what}",
    Reason.TERM_OVER: "{what} ended on {until}",
    Reason.HAND: "because a moderator added you",
    Reason.HAND_WAITS: "a moderator has arranged access from {since}",
    Reason.PRESENT_WAITS: "{what} begins on {because}",
    Reason.CONTINUES_LATER: "{what} begins with its first payment on {because}",
    Reason.GIVEN: "{what} is a gift to another member",
    Reason.SEAT_ENDING: "your seat was removed on {because}; you keep access until {until}",
    Reason.SEAT_OVER: "{what} was removed",
    Reason.NOT_ENTITLED: "{what} does not include this group",
    Reason.ENTITLEMENT_UNREAD: "we have not checked yet whether {what} includes this group",
    Reason.ENTITLEMENT_UNCLEAR: "it is unclear whether {what} includes this group; a moderator has "
    "been asked",
    Reason.APPROVAL_WAITS: "your application is waiting for approval; {what} counts once a "
    "moderator approves it",
    Reason.APPROVAL_DECLINED: "a moderator declined your application on {because}; ask the "
    "moderators about what you paid",
    Reason.HAND_OVER: "the access that a moderator gave you ended on {until}",
    Reason.HAND_REVOKED: "a moderator ended your access on {because}",
}

FOR_MODERATORS: Mapping[Reason, str] = {
    Reason.ACTIVE: "the subscription is active",
    Reason.ENDING: "the subscription is cancelled and runs until its end",
    Reason.TRIAL: "the trial gives access",
    Reason.TRIAL_WAITS: "the trial gives no access",
    Reason.GRACE: "a payment failed, and the grace period runs",
    Reason.GRACE_OVER: "a payment failed, and the grace period is over",
    Reason.UNPAID: "Stripe gave up collecting the payment",
    Reason.INCOMPLETE: "the first payment is not complete",
    Reason.INCOMPLETE_EXPIRED: "the first payment was never completed",
    Reason.CANCELED: "the subscription has ended",
    Reason.PAUSED: "the subscription is paused",
    Reason.PAUSED_KEPT: "the subscription is paused, and the policy keeps access",
    Reason.COLLECTION_PAUSED: "payments are paused, and the policy keeps access",
    Reason.COLLECTION_PAUSED_PAID: "payments are paused, and the paid period runs",
    Reason.COLLECTION_PAUSED_ENDED: "payments are paused",
    Reason.INSTALMENTS_DONE: "all instalments are paid",
    Reason.INSTALMENTS_OVER: "what the instalments paid for is over",
    Reason.CUSTOMER_DELETED: "the customer was deleted at Stripe",
    Reason.UNKNOWN_STATUS: "Stripe reports a status that the bridge does not know",
    Reason.NO_RULE: "no rule covers what they pay for",
    Reason.NO_RULE_ENDS: "the rule no longer leads to this group",
    Reason.NO_SEATS: "no seats are left",
    Reason.RULE_HALTED: "the mapping rule is wrong",
    Reason.REFUNDED: "the payment was refunded",
    Reason.REFUNDED_PAID: "the payment was refunded, and the policy keeps the paid period",
    Reason.REFUND_UNCLEAR: "a refund does not say which line it is for",
    Reason.DISPUTED: "the payment is disputed",
    Reason.DISPUTE_LOST: "the bank took the payment back",
    Reason.BOUGHT: "it was bought once",
    Reason.TERM_OVER: "the term that was bought is over",
    Reason.HAND: "a moderator gave it",
    Reason.HAND_WAITS: "a moderator gave it from a later day on",
    Reason.HAND_OVER: "what a moderator gave is over",
    Reason.HAND_REVOKED: "a moderator took it back",
    Reason.GIVEN: "it was given to somebody else",
    Reason.PRESENT_WAITS: "the gift begins later",
    Reason.CONTINUES_LATER: "it begins with its first payment",
    Reason.SEAT_ENDING: "the seat was taken back and ends soon",
    Reason.SEAT_OVER: "the seat was taken back",
    Reason.NOT_ENTITLED: "Stripe lists no feature that leads here",
    Reason.ENTITLEMENT_UNREAD: "the features have not been read from Stripe yet",
    Reason.ENTITLEMENT_UNCLEAR: "it is unclear whether a feature leads here",
}
"""The same for moderators, without names and dates, to follow a decision."""

SHARES = {
    "own": "your {what}",
    "gift": "the gift you received ({what})",
    "seat": "your seat ({what})",
}
NO_DATE = "an unknown date"


def phrase(grant: Grant, what: str, date: Callable[[datetime], str]) -> str:
    """The reason in words, to stand after "you are in …:" or "you are not in …:".

    `what` names the thing bought (`what_was_bought`); `date` writes a day as its reader expects.
    """

    def day(at: datetime | None) -> str:
        return date(at) if at else NO_DATE

    return PHRASES[Reason(grant.reason)].format(
        what=SHARES[grant.share].format(what=what),
        since=day(grant.from_at),
        until=day(grant.until_at),
        because=day(grant.because_at),
    )


_INTERVALS: Mapping[tuple[str, int], str] = {
    ("day", 1): "daily",
    ("week", 1): "weekly",
    ("month", 1): "monthly",
    ("month", 3): "quarterly",
    ("month", 6): "half-yearly",
    ("month", 12): "yearly",
    ("year", 1): "yearly",
}

_KINDS: Mapping[Kind, str] = {
    "membership": "membership",
    "share": "share",
    "supporter_share": "supporter share",
    "donation": "donation",
    "credit": "credit",
    "event": "ticket",
    "other": "purchase",
}


def what_was_bought(kind: Kind, price: Price | None, product: Product | None = None) -> str:
    """For example "yearly membership", "membership (every 2 weeks)"; a name if bought once."""
    noun = _KINDS[kind]
    if price is None or price.interval is None:
        return product.name if product else noun
    often = _INTERVALS.get((price.interval, price.interval_count))
    return (
        f"{often} {noun}" if often else f"{noun} (every {price.interval_count} {price.interval}s)"
    )
