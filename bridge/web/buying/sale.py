"""The offers, and what the reader has, from the store, for the selling pages."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from flask import url_for

from bridge.core.model.stripe import Price, Product
from bridge.core.rights.offers import (
    Offer,
    currencies_of_all,
    find_offers,
    listed_offers,
    was_on_offer,
)
from bridge.core.rules.compiled import Rule
from bridge.core.telling.of_member import statement_input
from bridge.core.telling.stands import Buyer
from bridge.store import Connection, catalogue, groups
from bridge.store import member as members
from bridge.texts import gettext
from bridge.web.buying.currency import in_theirs
from bridge.web.context import Reader, law_in_force, now, reader, the_bridge
from bridge.web.security import Stop

log = structlog.get_logger(__name__)
Found = tuple[Product, Price, Rule | None]


def listed() -> list[Offer]:
    """Everything in the list of offers."""
    with the_bridge().store.read() as connection:
        products, prices = catalogue.on_sale(connection)
        rules = law_in_force(connection).rules
        return _with_groups(connection, listed_offers(products, prices, rules))


def offers_of(key: str) -> list[Offer]:
    """The offers of a link; ends the request with a page if there are none."""
    (found,) = offers_of_each([key])
    if not found:
        raise nothing(key)
    return found


def offers_of_link(sold: Sequence[tuple[str, str]], link_id: str) -> list[Offer]:
    """The offers of a payment link from the dashboard, if it is mapped.

    Ends the request with a page if it is not mapped, or one part is not for sale.
    """
    with the_bridge().store.read() as connection:
        rules = law_in_force(connection).rules
    if not any(rules.names(*one) for one in sold):
        raise nothing(link_id)
    found = offers_of_each([price_id for price_id, _ in sold])
    for (price_id, product_id), offers in zip(sold, found, strict=True):
        if not offers and rules.rule_for(price_id, product_id) is not None:
            raise nothing(price_id)
    return [one for offers in found for one in offers]


def nothing(key: str, *, has_ended: bool = False) -> Stop:
    """The page for a link that sells nothing: no longer, or never did.

    Anything that the account sells elsewhere counts as unknown.
    """
    with the_bridge().store.read() as connection:
        products, prices = catalogue.load(connection)
        ended = was_on_offer(key, products, prices, law_in_force(connection).rules)
    if ended or has_ended:
        return Stop(
            410,
            gettext("This offer has ended"),
            gettext("It is no longer sold. If you have it, you keep it."),
            [all_offers()],
        )
    return Stop(
        404,
        gettext("We don’t know this offer"),
        gettext("The link may be mistyped. Ask the person who posted it, or see all offers."),
        [all_offers()],
    )


def all_offers() -> tuple[str, str]:
    """The way to the list of offers."""
    return gettext("See all offers"), url_for("shelf.everything")


def offers_of_each(keys: Sequence[str]) -> list[list[Offer]]:
    """The offers of each key, perhaps none; a halted rule ends the request with a page.

    In the reader's currency, if everything is sold in it, because it may become one order.
    """
    with the_bridge().store.read() as connection:
        products, prices = catalogue.on_sale(connection)
        rules = law_in_force(connection).rules
        named = [find_offers(key, products, prices, rules) for key in keys]
        found = [
            [one for one in of_key if not rules.halted_rule_for(one[1].id, one[0].id)]
            for of_key in named
        ]
        all_ = _with_groups(connection, [one for of_key in found for one in of_key])
    for of_key, left in zip(named, found, strict=True):
        if of_key and not left:
            log.warning("join.rule_halted", prices=[price.id for _, price, _ in of_key])
            raise Stop(
                503,
                gettext("You can’t buy this right now"),
                gettext(
                    "Its groups are set up incorrectly, so payments are blocked for now. Please "
                    "tell the forum’s moderators."
                ),
                [all_offers()],
            )
    offers = {one.price.id: one for one in _in_theirs(all_)}
    return [[offers[price.id] for _, price, _ in of_key] for of_key in found]


def _in_theirs(offers: list[Offer]) -> list[Offer]:
    """The same without asking who reads, where there is only one currency for each."""
    if not any(one.price.currency_options for one in offers):
        return offers
    known = reader()
    return in_theirs(offers, buyer_of(known) if known else None, currencies_of_all(offers))


def buyer_of(known: Reader) -> Buyer:
    """What the reader has, as last read."""
    with the_bridge().store.read() as connection:
        member = members.load(connection, known.user_id)
        law = law_in_force(connection)
    return Buyer.of(member, law, statement_input(member, law, the_bridge().addresses, now()))


def _with_groups(connection: Connection, found: Sequence[Found]) -> list[Offer]:
    ids = {group_id for _, _, rule in found for group_id in _ids(rule)}
    theirs = groups.groups_by_id(connection, ids)
    return [
        Offer(product, price, rule, tuple(theirs[g] for g in _ids(rule) if g in theirs))
        for product, price, rule in found
    ]


def _ids(rule: Rule | None) -> Iterable[int]:
    return rule.group_ids if rule else ()
