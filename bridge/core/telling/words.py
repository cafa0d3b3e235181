"""Prices, intervals and dates in words. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime

from babel.dates import format_date
from babel.lists import format_list

from bridge.core.ledger.amounts import find_locale, format_minor
from bridge.core.model.discourse import Group
from bridge.core.model.stripe import Price
from bridge.core.rights.offers import Offer
from bridge.core.rules.values import Term
from bridge.texts import gettext, ngettext

# The language of all sentences, and so of all numbers and dates in them.
LOCALE = "en-GB"

_PERSON = re.compile(r"\bid:([0-9]{1,18})\b")


def day_words(at: datetime, locale: str = LOCALE) -> str:
    """`3 March 2027`; the day in the zone that the time already is in."""
    return str(format_date(at.date(), format="long", locale=find_locale(locale)))


def amount_words(price: Price, locale: str) -> str:
    """`€25.00`; a price that the buyer chooses or that depends on the quantity has no figure."""
    if price.amount_minor is None:
        return gettext("shown by Stripe")
    return format_minor(price.amount_minor, price.currency, locale)


def price_words(price: Price, locale: str) -> str:
    """`€25.00 a year`, `€5.00 every 3 months`, `€50.00`."""
    amount = amount_words(price, locale)
    if price.interval is None:
        return amount
    parts = {"amount": amount, "interval": interval_words(price)}
    return gettext("%(amount)s %(interval)s") % parts


def interval_words(price: Price) -> str:
    """The words after an amount: `a year`, `every 3 months`; empty for one-off payments."""
    count = price.interval_count
    words = {
        None: "",
        "day": ngettext("a day", "every %(count)s days", count),
        "week": ngettext("a week", "every %(count)s weeks", count),
        "month": ngettext("a month", "every %(count)s months", count),
        "year": ngettext("a year", "every %(count)s years", count),
    }
    return words[price.interval] % {"count": count}


def rhythm_words(price: Price) -> str:
    """How often it is paid: `every year`, `every 3 months`, `once`."""
    count = price.interval_count
    words = {
        None: gettext("once"),
        "day": ngettext("every day", "every %(count)s days", count),
        "week": ngettext("every week", "every %(count)s weeks", count),
        "month": ngettext("every month", "every %(count)s months", count),
        "year": ngettext("every year", "every %(count)s years", count),
    }
    return words[price.interval] % {"count": count}


def recurrence_words(price: Price) -> str:
    """The payments after today, in a sentence."""
    if price.interval is None:
        return gettext("You pay once. It does not renew.")
    words = gettext("Renews automatically %(rhythm)s. Cancel any time.")
    return words % {"rhythm": rhythm_words(price)}


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
    years, months = divmod(term.months, 12) if term.months % 12 == 0 else (0, term.months)
    parts = (
        (years, ngettext("%(count)s year", "%(count)s years", years)),
        (months, ngettext("%(count)s month", "%(count)s months", months)),
        (term.days, ngettext("%(count)s day", "%(count)s days", term.days)),
    )
    return listed([words % {"count": count} for count, words in parts if count])


def access_words(offer: Offer) -> str:
    """An offer's groups, and the time if it is bought once: `access to X for 1 year`."""
    groups, term = group_names(offer.groups), offer.rule.term if offer.rule else None
    if offer.price.is_recurring:
        return gettext("access to %(groups)s") % {"groups": groups}
    if term is None:
        return gettext("access to %(groups)s, with no end date") % {"groups": groups}
    parts = {"groups": groups, "term": term_words(term)}
    return gettext("access to %(groups)s for %(term)s") % parts


def group_names(groups: Sequence[Group]) -> str:
    """`Patrons`, `Patrons and Friends`: the names that the forum shows."""
    return listed([one.full_name or one.name for one in groups]) or gettext("your group")


def listed(names: Sequence[str]) -> str:
    """`A`, `A and B`, `A, B and C`."""
    return format_list(names, locale=LOCALE.replace("-", "_"))


def invitation_words(what: str) -> str:
    """The text of the forum's invitation for somebody who paid without an account."""
    words = gettext(
        "Thank you for your payment for %(what)s. Accept this invitation to create your account: "
        "what you paid for is added to it automatically."
    )
    return words % {"what": what}


def people_named(text: str) -> set[int]:
    """The ids of people that a text mentions, as in `Gift to id:5`."""
    return {int(found) for found in _PERSON.findall(text)}


def with_names(text: str, names: Mapping[int | str, str | None]) -> str:
    """The text with a name in place of each `id:5` whose name is known."""
    return _PERSON.sub(lambda found: names.get(int(found[1])) or found[0], text)


def named(user_id: int, name: str | None) -> str:
    """`alice (id:5)`, for moderators; `id:5` where the name is not known."""
    return f"{name} (id:{user_id})" if name else f"id:{user_id}"
