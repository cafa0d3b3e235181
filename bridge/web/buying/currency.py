"""The currency of a reader's prices: from their payments, choice, or country (A73)."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

from babel.core import UnknownLocaleError, parse_locale
from babel.numbers import get_territory_currencies
from flask import request, session

from bridge.core.rights.offers import Offer, billed_in, currencies_of
from bridge.core.telling.stands import Buyer
from bridge.web.addresses import with_query
from bridge.web.context import here, now, reader

CHOICE = "currency"
_CODE = re.compile("[a-z]{3}")


def in_theirs(
    offers: Sequence[Offer], buyer: Buyer | None, sold: Sequence[str] | None = None
) -> list[Offer]:
    """The offers in the reader's currency; each in its own if it does not have that one.

    `sold`: the currencies that may be chosen, if not all in which any of them is sold.
    """
    currency = _theirs(currencies_of(offers) if sold is None else sold, buyer)
    return [offer.in_currency(currency) for offer in offers]


def choices(offers: Sequence[Offer], buyer: Buyer | None) -> list[tuple[str, str]]:
    """The currencies to choose among, and where each is chosen.

    None where there is no choice, or the reader pays in one already.
    """
    if buyer is not None and billed_in(buyer.facts, buyer.law.catalogue.prices):
        return []
    if not any(one.price.currency_options for one in offers):
        return []
    return [
        (code.upper(), with_query(here(CHOICE), **{CHOICE: code})) for code in currencies_of(offers)
    ]


def _theirs(sold: Sequence[str], buyer: Buyer | None) -> str | None:
    if buyer is not None:
        billed = billed_in(buyer.facts, buyer.law.catalogue.prices)
        if billed:
            return billed
    chosen = request.args.get(CHOICE, "").lower()
    if _CODE.fullmatch(chosen) and chosen in sold:
        if reader() is not None:
            session[CHOICE] = chosen
        return chosen
    kept = session.get(CHOICE) if reader() is not None else None
    return kept if kept in sold else _of_country(now().date(), sold)


def _of_country(on: date, sold: Sequence[str]) -> str | None:
    """The currency of the country that the reader's browser names, if it does."""
    for language in request.accept_languages.values():
        try:
            territory = parse_locale(language, sep="-")[1]
            paid_with = get_territory_currencies(territory, on, on) if territory else []
        except (ValueError, UnknownLocaleError):
            continue
        for currency in paid_with:
            if currency.lower() in sold:
                return str(currency.lower())
    return None
