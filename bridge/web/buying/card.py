"""The card of a link to an offer in a post (OpenGraph)."""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.rights.offers import Offer
from bridge.core.telling.words import LOCALE, price_words
from bridge.texts import gettext
from bridge.web.context import absolute, the_look

DESCRIPTION_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Card:
    """The card that a forum shows for a link on a line of its own."""

    title: str
    description: str
    image: str | None
    url: str
    price: str | None = None


def card_of(offers: list[Offer], key: str) -> Card:
    """The card of the offer with this key."""
    product, price, look = offers[0].product, offers[0].price, the_look()
    about = product.description or gettext("Join %(product)s on %(forum)s.") % {
        "product": product.name,
        "forum": look.title,
    }
    words = price_words(price, LOCALE)
    return Card(
        title=product.name,
        description=about[:DESCRIPTION_LENGTH],
        image=product.image or look.logo_url,
        url=absolute("join.offer", key=key),
        price=gettext("from %(price)s") % {"price": words} if len(offers) > 1 else words,
    )
