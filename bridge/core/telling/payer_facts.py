"""A moderator's view of a subscription or order, with their acts. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.core.ledger.amounts import format_minor
from bridge.core.model.stripe import PendingPayment
from bridge.core.telling.declines import decline_words
from bridge.core.telling.subscription_cards import Standing, SubscriptionCard
from bridge.core.telling.unlinked import Bought
from bridge.core.telling.words import LOCALE
from bridge.texts import gettext

_SENTENCES = {
    Standing.FAILED: gettext("Payment failed"),
    Standing.UNFINISHED: gettext("Payment on its way"),
    Standing.PAUSED: gettext("Paused: nothing is charged until %(day)s."),
    Standing.ENDING: gettext("Cancelled: it ends on %(day)s."),
    Standing.INSTALMENTS: gettext("Paid in instalments: it ends on %(day)s."),
    Standing.ENDED: gettext("It ended on %(day)s."),
    Standing.TRIAL: gettext("A trial until %(day)s."),
    Standing.ACTIVE: gettext("Renews on %(day)s."),
}
_WITHOUT_A_DAY = {
    Standing.PAUSED: gettext("Paused: nothing is charged until somebody resumes it."),
    Standing.ENDED: gettext("It has ended."),
}
STATUSES: Mapping[str, str] = {
    "active": gettext("active"),
    "canceled": gettext("ended"),
    "incomplete": gettext("first payment not complete"),
    "incomplete_expired": gettext("first payment never completed"),
    "paid": gettext("paid"),
    "past_due": gettext("payment failed"),
    "paused": gettext("paused"),
    "trialing": gettext("trial"),
    "unpaid": gettext("unpaid"),
}
"""Words for Stripe's statuses of subscriptions and paid orders."""


def status_words(status: str) -> str:
    """The state of a purchase in words; an unknown status as it is."""
    return STATUSES.get(status, status.replace("_", " "))


def bought_words(one: Bought) -> str:
    """Something that a customer bought: product, amount and state."""
    return f"{one.product} {one.amount} ({status_words(one.status)})"


def how_it_stands(card: SubscriptionCard) -> str:
    """Its next charge or end, as a sentence; as a badge if it needs attention."""
    if card.at is None:
        return _WITHOUT_A_DAY.get(card.standing) or _SENTENCES[card.standing]
    day = f"{card.at:%-d %B %Y}"
    if card.standing == Standing.ACTIVE and card.amount_minor is not None and card.currency:
        amount = format_minor(card.amount_minor, card.currency, LOCALE)
        return gettext("Renews on %(day)s for %(amount)s.") % {"day": day, "amount": amount}
    return _SENTENCES[card.standing] % {"day": day}


def failure_words(
    payment: PendingPayment | None, refused: Mapping[str, str], reminded: Mapping[str, datetime]
) -> str:
    """Why a payment failed, and what has been tried since.

    `refused`: the bank's codes, and `reminded`: when the member was reminded, both by invoice.
    """
    if payment is None:
        return gettext("Stripe does not try again.")
    said = [decline_words(refused[payment.id], None)] if payment.id in refused else []
    if payment.attempts:
        said.append(gettext("Attempts so far: %(count)s.") % {"count": payment.attempts})
    if payment.next_try_at is None:
        said.append(gettext("Stripe does not try again."))
    if payment.id in reminded:
        day = f"{reminded[payment.id]:%-d %B}"
        said.append(gettext("The member was reminded on %(day)s.") % {"day": day})
    return " ".join(said)


def owed_words(
    payment: PendingPayment, refused: Mapping[str, str], reminded: Mapping[str, datetime]
) -> str:
    """What is owed and since when, why, and when Stripe tries again."""
    amount = format_minor(payment.amount_minor, payment.currency, LOCALE)
    since = gettext("%(amount)s unpaid since %(day)s.") % {
        "amount": amount,
        "day": f"{payment.at:%-d %B %Y}",
    }
    said = [since, failure_words(payment, refused, reminded)]
    if payment.next_try_at:
        day = f"{payment.next_try_at:%-d %B %Y}"
        said.append(gettext("Stripe tries again on %(day)s.") % {"day": day})
    return " ".join(said)


def acts_for(card: SubscriptionCard) -> tuple[str, ...]:
    """The names of the acts that a moderator can do."""
    found = []
    if card.can_cancel:
        found.append("cancel")
    if card.can_keep:
        found.append("uncancel")
    if card.subscription.pause_collection:
        found.append("resume")
    elif card.standing in (Standing.ACTIVE, Standing.TRIAL):
        found.append("pause")
    if card.targets:
        found.append("change-plan")
    return tuple(found)
