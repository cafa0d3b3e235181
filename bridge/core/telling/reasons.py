"""Why a source gives a group, or does not: one plain English phrase for each code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Price
from bridge.core.rules.values import Kind

PHRASES: Mapping[Reason, str] = {
    Reason.ACTIVE: "because of your {what}",
    Reason.ENDING: "because of your {what}, which ends on {until}",
    Reason.TRIAL: "because of the trial of your {what}",
    Reason.TRIAL_WAITS: "the trial of your {what} does not count yet; it begins with the payment",
    Reason.GRACE: "payment failed on {because}; kept until {until}",
    Reason.GRACE_OVER: "payment failed on {because} and was not made by {until}",
    Reason.UNPAID: "your {what} is unpaid; paying brings it back",
    Reason.INCOMPLETE: "the first payment of your {what} is still pending",
    Reason.INCOMPLETE_EXPIRED: "the first payment of your {what} was never made",
    Reason.CANCELED: "your {what} ended on {because}",
    Reason.PAUSED: "your {what} is paused",
    Reason.PAUSED_KEPT: "because of your {what}, which is paused",
    Reason.COLLECTION_PAUSED: "because of your {what}, whose payments are paused",
    Reason.COLLECTION_PAUSED_PAID: "the payments of your {what} are paused; paid until {until}",
    Reason.COLLECTION_PAUSED_ENDED: "the payments of your {what} are paused",
    Reason.INSTALMENTS_DONE: "because all instalments of your {what} are paid",
    Reason.INSTALMENTS_OVER: "what the instalments of your {what} bought ended on {until}",
    Reason.CUSTOMER_DELETED: "the customer of your {what} was deleted in Stripe",
    Reason.UNKNOWN_STATUS: "your {what} has an unknown status in Stripe; a moderator is asked",
    Reason.NO_RULE: "no group is set for your {what}; a moderator is asked",
    Reason.NO_RULE_ENDS: "your {what} leads to no group any more",
    Reason.NO_SEATS: "your {what} has no seats any more",
    Reason.RULE_HALTED: "the groups of your {what} are set up wrongly; a moderator is asked",
    Reason.REFUNDED: "your {what} was refunded on {because}",
    Reason.REFUNDED_PAID: "your {what} was refunded on {because}; kept until {until}",
    Reason.DISPUTED: "the payment of your {what} is disputed since {because}",
    Reason.DISPUTE_LOST: "the payment of your {what} was taken back after the dispute of {because}",
    Reason.BOUGHT: "because of your {what}",
    Reason.TERM_OVER: "your {what} ended on {until}",
    Reason.HAND: "because a moderator added you",
    Reason.HAND_WAITS: "a moderator adds you on {since}",
    Reason.GIVEN: "your {what} is a gift to another member",
    Reason.SEAT_ENDING: "there are fewer seats in your {what} since {because}; kept until {until}",
    Reason.SEAT_OVER: "there is no seat for you in your {what} any more",
    Reason.NOT_ENTITLED: "your {what} does not come with it, by Stripe's word",
    Reason.ENTITLEMENT_UNREAD: "it is not known yet whether your {what} comes with it",
    Reason.ENTITLEMENT_UNCLEAR: "it is not clear whether your {what} comes with it; a moderator is "
    "asked",
    Reason.HAND_OVER: "what a moderator gave you ended on {until}",
}

SHARES = {"own": "", "gift": " (a gift)", "seat": " (a seat that was given to you)"}
NO_DATE = "a day that is not known"


def phrase(grant: Grant, what: str, date: Callable[[datetime], str]) -> str:
    """The reason in words, to stand after "you are in …:" or "you are not in …:".

    `what` names the thing bought (`what_was_bought`); `date` writes a day as its reader expects.
    """

    def day(at: datetime | None) -> str:
        return date(at) if at else NO_DATE

    return PHRASES[Reason(grant.reason)].format(
        what=f"{what}{SHARES[grant.share]}",
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
    "other": "purchase",
}


def what_was_bought(kind: Kind, price: Price | None) -> str:
    """For example "yearly membership", "share", "membership (every 2 weeks)"."""
    noun = _KINDS[kind]
    if price is None or price.interval is None:
        return noun
    often = _INTERVALS.get((price.interval, price.interval_count))
    return (
        f"{often} {noun}" if often else f"{noun} (every {price.interval_count} {price.interval}s)"
    )
