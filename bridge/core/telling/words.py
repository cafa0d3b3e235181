"""Prices, intervals and dates as a reader says them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from babel.dates import format_date

from bridge.core.ledger.amounts import find_locale, format_minor
from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price
from bridge.core.rights.offers import Offer
from bridge.core.rules.values import Term
from bridge.texts import gettext

# The language of all sentences, and so of all numbers and dates beside them.
LOCALE = "en-GB"


def day_words(at: datetime, locale: str = LOCALE) -> str:
    """`3 March 2027`; the day in the zone that the time already is in."""
    return str(format_date(at.date(), format="long", locale=find_locale(locale)))


def amount_words(price: Price, locale: str) -> str:
    """`€25.00`; a price that the buyer chooses or that depends on the quantity has no figure."""
    if price.amount_minor is None:
        return "shown by Stripe"
    return format_minor(price.amount_minor, price.currency, locale)


def price_words(price: Price, locale: str) -> str:
    """`€25.00 a year`, `€5.00 every 3 months`, `€50.00`."""
    return f"{amount_words(price, locale)} {interval_words(price)}".rstrip()


def interval_words(price: Price) -> str:
    """`a year`, `every 3 months`; nothing for what is paid once."""
    if price.interval is None:
        return ""
    if price.interval_count == 1:
        return f"a {price.interval}"
    return f"every {price.interval_count} {price.interval}s"


def rhythm_words(price: Price) -> str:
    """How often it is paid: `every year`, `every 3 months`, `once`."""
    if price.interval is None:
        return "once"
    return interval_words(price) if price.interval_count > 1 else f"every {price.interval}"


def recurrence_words(price: Price) -> str:
    """What happens after today, in a sentence."""
    if price.interval is None:
        return "You pay once. It does not renew."
    every = price.interval if price.interval_count == 1 else interval_words(price)[len("every ") :]
    return f"Renews automatically every {every}. Cancel any time."


_BRANDS = {
    "amex": "American Express",
    "diners": "Diners Club",
    "eftpos_au": "eftpos",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "cartes_bancaires": "Cartes Bancaires",
    "mastercard": "Mastercard",
}


def card_brand(brand: str) -> str:
    """`Visa`, `American Express`: a brand as its cards write it."""
    return _BRANDS.get(brand, brand.replace("_", " ").capitalize())


def term_words(term: Term) -> str:
    """`1 year`, `18 months`, `30 days`, `1 month and 3 days`."""
    months, days = term.months, term.days
    parts = [
        _count(months // 12, "year") if months and months % 12 == 0 else _count(months, "month"),
        _count(days, "day"),
    ]
    return " and ".join(part for part in parts if part)


def lasting_words(offer: Offer) -> str:
    """How long a one-off purchase gives access, at the end of a sentence: ` for 1 year`."""
    if offer.price.is_recurring:
        return ""
    term = offer.rule.term if offer.rule else None
    return f" for {term_words(term)}" if term else ", with no end date"


def _count(number: int, what: str) -> str:
    if not number:
        return ""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def group_names(groups: Sequence[Group]) -> str:
    """`Patrons`, `Patrons and Friends`: the names that the forum shows."""
    names = [group.full_name or group.name for group in groups] or ["your group"]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def invitation_words(what: str) -> str:
    """What the forum's invitation says to somebody who paid without an account."""
    words = gettext(
        "Thank you for your payment for %(what)s. Accept this invitation to create your account: "
        "what you paid for is added to it automatically."
    )
    return words % {"what": what}
