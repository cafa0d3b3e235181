"""Why a source gives a group or does not: one sentence or two for each code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.values import Kind
from bridge.core.telling.words import LOCALE, day_words
from bridge.texts import gettext, ngettext

SENTENCES: Mapping[Reason, str] = {
    Reason.ACTIVE: gettext("Your %(what)s is active."),
    Reason.ENDING: gettext("Your %(what)s ends on %(until)s."),
    Reason.TRIAL: gettext("Your %(what)s is in its trial period."),
    Reason.TRIAL_WAITS: gettext(
        "The trial of your %(what)s gives no access. Access starts with the first payment."
    ),
    Reason.GRACE: gettext(
        "The payment for your %(what)s failed on %(day)s. You keep access until %(until)s."
    ),
    Reason.GRACE_OVER: gettext(
        "The payment for your %(what)s failed on %(day)s and was not made by %(until)s."
    ),
    Reason.UNPAID: gettext("Your %(what)s is unpaid. Paying restores access."),
    Reason.INCOMPLETE: gettext("The first payment for your %(what)s is not complete yet."),
    Reason.INCOMPLETE_EXPIRED: gettext("The first payment for your %(what)s was never completed."),
    Reason.CANCELED: gettext("Your %(what)s ended on %(day)s."),
    Reason.PAUSED: gettext("Your %(what)s is paused."),
    Reason.PAUSED_KEPT: gettext("Your %(what)s is paused. You keep access."),
    Reason.COLLECTION_PAUSED: gettext("Payments for your %(what)s are paused. You keep access."),
    Reason.COLLECTION_PAUSED_PAID: gettext(
        "Payments for your %(what)s are paused. It is paid until %(until)s."
    ),
    Reason.COLLECTION_PAUSED_ENDED: gettext("Payments for your %(what)s are paused."),
    Reason.INSTALMENTS_DONE: gettext("All instalments of your %(what)s are paid."),
    Reason.INSTALMENTS_OVER: gettext(
        "All instalments of your %(what)s were paid, and the access they paid for ended on "
        "%(until)s."
    ),
    Reason.CUSTOMER_DELETED: gettext("The Stripe customer behind your %(what)s was deleted."),
    Reason.UNKNOWN_STATUS: gettext(
        "Stripe reports an unknown status for your %(what)s. A moderator has been asked."
    ),
    Reason.NO_RULE: gettext("No group is set for your %(what)s. A moderator has been asked."),
    Reason.NO_RULE_ENDS: gettext("Your %(what)s no longer includes this group."),
    Reason.NO_SEATS: gettext("Your %(what)s no longer has any seats."),
    Reason.RULE_HALTED: gettext(
        "The groups for your %(what)s are set up incorrectly. A moderator has been asked."
    ),
    Reason.REFUNDED: gettext("Your %(what)s was refunded on %(day)s."),
    Reason.REFUNDED_PAID: gettext(
        "Your %(what)s was refunded on %(day)s. You keep access until %(until)s."
    ),
    Reason.REFUND_UNCLEAR: gettext(
        "It is unclear whether the refund of %(day)s was for your %(what)s. A moderator has been "
        "asked."
    ),
    Reason.DISPUTED: gettext("The payment for your %(what)s has been disputed since %(day)s."),
    Reason.DISPUTE_LOST: gettext(
        "The bank took back the payment for your %(what)s after the dispute of %(day)s."
    ),
    Reason.BOUGHT: gettext("Your %(what)s gives you access."),
    Reason.TERM_OVER: gettext("Your %(what)s ended on %(until)s."),
    Reason.HAND: gettext("A moderator added you."),
    Reason.HAND_WAITS: gettext("A moderator has arranged access for you from %(since)s."),
    Reason.PRESENT_WAITS: gettext("Your %(what)s begins on %(day)s."),
    Reason.CONTINUES_LATER: gettext("Your %(what)s begins with its first payment on %(day)s."),
    Reason.GIVEN: gettext("Your %(what)s is a gift to another member."),
    Reason.SEAT_ENDING: gettext(
        "Your seat was removed on %(day)s. You keep access until %(until)s."
    ),
    Reason.SEAT_OVER: gettext("Your %(what)s was removed."),
    Reason.NOT_ENTITLED: gettext("Your %(what)s does not include this group."),
    Reason.ENTITLEMENT_UNREAD: gettext(
        "We have not checked yet whether your %(what)s includes this group."
    ),
    Reason.ENTITLEMENT_UNCLEAR: gettext(
        "It is unclear whether your %(what)s includes this group. A moderator has been asked."
    ),
    Reason.APPROVAL_WAITS: gettext(
        "Your application is waiting for approval. Your %(what)s counts once a moderator approves "
        "it."
    ),
    Reason.APPROVAL_DECLINED: gettext(
        "A moderator declined your application on %(day)s. Ask the moderators about what you paid."
    ),
    Reason.HAND_OVER: gettext("The access that a moderator gave you ended on %(until)s."),
    Reason.HAND_REVOKED: gettext("A moderator ended your access on %(day)s."),
}
"""What the member reads. `what` names the thing bought."""

FOR_NOW = frozenset(
    {Reason.GRACE, Reason.COLLECTION_PAUSED_PAID, Reason.REFUNDED_PAID, Reason.SEAT_ENDING}
)
"""Reasons that give access although something is wrong, for a time that the sentence names."""

FOR_MODERATORS: Mapping[Reason, str] = {
    Reason.ACTIVE: gettext("the subscription is active"),
    Reason.ENDING: gettext("the subscription is cancelled and runs until its end"),
    Reason.TRIAL: gettext("the trial gives access"),
    Reason.TRIAL_WAITS: gettext("the trial gives no access"),
    Reason.GRACE: gettext("a payment failed, and the grace period runs"),
    Reason.GRACE_OVER: gettext("a payment failed, and the grace period is over"),
    Reason.UNPAID: gettext("Stripe gave up collecting the payment"),
    Reason.INCOMPLETE: gettext("the first payment is not complete"),
    Reason.INCOMPLETE_EXPIRED: gettext("the first payment was never completed"),
    Reason.CANCELED: gettext("the subscription has ended"),
    Reason.PAUSED: gettext("the subscription is paused"),
    Reason.PAUSED_KEPT: gettext("the subscription is paused, and the policy keeps access"),
    Reason.COLLECTION_PAUSED: gettext("payments are paused, and the policy keeps access"),
    Reason.COLLECTION_PAUSED_PAID: gettext("payments are paused, and the paid period runs"),
    Reason.COLLECTION_PAUSED_ENDED: gettext("payments are paused"),
    Reason.INSTALMENTS_DONE: gettext("all instalments are paid"),
    Reason.INSTALMENTS_OVER: gettext("what the instalments paid for is over"),
    Reason.CUSTOMER_DELETED: gettext("the customer was deleted at Stripe"),
    Reason.UNKNOWN_STATUS: gettext("Stripe reports a status that the bridge does not know"),
    Reason.NO_RULE: gettext("no rule covers what they pay for"),
    Reason.NO_RULE_ENDS: gettext("the rule no longer leads to this group"),
    Reason.NO_SEATS: gettext("no seats are left"),
    Reason.RULE_HALTED: gettext("the mapping rule is wrong"),
    Reason.REFUNDED: gettext("the payment was refunded"),
    Reason.REFUNDED_PAID: gettext("the payment was refunded, and the policy keeps the paid period"),
    Reason.REFUND_UNCLEAR: gettext("a refund does not say which line it is for"),
    Reason.DISPUTED: gettext("the payment is disputed"),
    Reason.DISPUTE_LOST: gettext("the bank took the payment back"),
    Reason.BOUGHT: gettext("it was bought once"),
    Reason.TERM_OVER: gettext("the term that was bought is over"),
    Reason.HAND: gettext("a moderator gave it"),
    Reason.HAND_WAITS: gettext("a moderator gave it from a later day on"),
    Reason.HAND_OVER: gettext("what a moderator gave is over"),
    Reason.HAND_REVOKED: gettext("a moderator took it back"),
    Reason.GIVEN: gettext("it was given to somebody else"),
    Reason.PRESENT_WAITS: gettext("the gift begins later"),
    Reason.CONTINUES_LATER: gettext("it begins with its first payment"),
    Reason.SEAT_ENDING: gettext("the seat was taken back and ends soon"),
    Reason.SEAT_OVER: gettext("the seat was taken back"),
    Reason.NOT_ENTITLED: gettext("Stripe lists no feature that leads here"),
    Reason.ENTITLEMENT_UNREAD: gettext("the features have not been read from Stripe yet"),
    Reason.ENTITLEMENT_UNCLEAR: gettext("it is unclear whether a feature leads here"),
    Reason.APPROVAL_WAITS: gettext("what they pay for waits for approval"),
    Reason.APPROVAL_DECLINED: gettext("a moderator declined their application"),
}
"""The same for moderators, without names and dates, to follow a decision."""

_SHARES: Mapping[str, str] = {
    "own": "%(what)s",
    "gift": gettext("gifted %(what)s"),
    "seat": gettext("seat (%(what)s)"),
}


def sentence(
    grant: Grant, what: str, locale: str = LOCALE, escape: Callable[[str], str] = str
) -> str:
    """The reason as a member reads it, with inserted text escaped for the output.

    `what` names the thing bought (`what_was_bought`); `escape` writes what is put into the text.
    """

    def day(at: datetime | None) -> str:
        return escape(day_words(at, locale)) if at else gettext("an unknown date")

    return SENTENCES[Reason(grant.reason)] % {
        "what": _SHARES[grant.share] % {"what": escape(what)},
        "since": day(grant.from_at),
        "until": day(grant.until_at),
        "day": day(grant.because_at),
    }


def takes_its_place(higher: str) -> str:
    """The reason why somebody is not on a step: they are on another one of the same ladder."""
    return gettext("%(group)s takes its place.") % {"group": higher}


def thing_of(grant: Grant, whats: Mapping[str, str]) -> str:
    """The purchase behind a grant, in words. `whats`: `statement.name_prices`."""
    product = whats.get(grant.product_id or "") if grant.share == "seat" else None
    return product or whats.get(grant.price_id or "") or _KINDS["membership"]


_KINDS: Mapping[Kind, str] = {
    "membership": gettext("membership"),
    "share": gettext("share"),
    "supporter_share": gettext("supporter share"),
    "donation": gettext("donation"),
    "credit": gettext("credit"),
    "event": gettext("ticket"),
    "other": gettext("purchase"),
}


def what_was_bought(kind: Kind, price: Price | None, product: Product | None = None) -> str:
    """For example "yearly membership", "membership (every 2 weeks)"; a name if bought once."""
    thing = _KINDS[kind]
    if price is None or price.interval is None:
        return product.name if product else thing
    count = price.interval_count
    words = _MONTHS.get(count) if price.interval == "month" else None
    return (words or _every(price.interval, count)) % {"thing": thing, "count": count}


_MONTHS: Mapping[int, str] = {
    3: gettext("quarterly %(thing)s"),
    6: gettext("half-yearly %(thing)s"),
    12: gettext("yearly %(thing)s"),
}


def _every(interval: str, count: int) -> str:
    words = {
        "day": ngettext("daily %(thing)s", "%(thing)s (every %(count)s days)", count),
        "week": ngettext("weekly %(thing)s", "%(thing)s (every %(count)s weeks)", count),
        "month": ngettext("monthly %(thing)s", "%(thing)s (every %(count)s months)", count),
        "year": ngettext("yearly %(thing)s", "%(thing)s (every %(count)s years)", count),
    }
    return words[interval]
