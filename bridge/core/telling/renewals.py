"""A member's things that end soon, and where to renew them. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from bridge.core.memberships.member import Member
from bridge.core.model.reasons import Reason
from bridge.core.model.rights import Grant
from bridge.core.rights.offers import Offer, find_offers, listed_offers
from bridge.core.rights.renewing import Renewal, renewal_of
from bridge.core.rules.ladders import winners
from bridge.core.rules.law import Law
from bridge.core.telling.places import GroupName, Known, best_by_group

# How long before the end a member is asked to renew.
RENEW_WITHIN = timedelta(days=90)


@dataclass(frozen=True, slots=True)
class Renewable:
    """Something that ends soon.

    `key`: the link that renews it; None if several offers do. `adds`: what that link adds, if it
    sells one thing for a term.
    """

    name: str
    groups: tuple[GroupName, ...]
    until_at: datetime
    key: str | None
    adds: Renewal | None = None


def renewables(member: Member, law: Law, known: Known, now: datetime) -> tuple[Renewable, ...]:
    """Groups whose paid term ends soon, by the link that renews them; the first to end first.

    Groups that continue through a subscription, or are no longer sold, are left out.
    """
    found: dict[tuple[str | None, datetime], list[Grant]] = {}
    offers: dict[str | None, list[Offer]] = {}
    for grant in best_by_group(winners(known.grants)).values():
        is_soon = grant.until_at is not None and grant.until_at - now <= RENEW_WITHIN
        if grant.reason != Reason.BOUGHT or not is_soon or grant.until_at is None:
            continue
        key, sold = _way_on(grant, law)
        if sold and grant.group_id in known.groups:
            offers[key] = sold
            found.setdefault((key, grant.until_at), []).append(grant)
    return tuple(
        Renewable(
            _name(offers[key], law, grants),
            tuple(sorted((known.groups[g.group_id] for g in grants), key=lambda one: one.name)),
            until_at,
            key,
            _adds(offers[key], member, law, now),
        )
        for (key, until_at), grants in sorted(found.items(), key=lambda one: one[0][1])
    )


def _way_on(grant: Grant, law: Law) -> tuple[str | None, list[Offer]]:
    """The link to the same price, its product, or another offer for the group."""
    products, prices = law.catalogue.products.values(), law.catalogue.prices.values()
    for key in (grant.price_id, grant.product_id):
        sold = find_offers(key, products, prices, law.rules) if key else []
        offers = [Offer(*one, ()) for one in sold if one[2] is not None]
        if offers:
            return key, offers
    leading = [
        Offer(*one, ())
        for one in listed_offers(products, prices, law.rules)
        if grant.group_id in one[2].group_ids
    ]
    ids = {one.product.id for one in leading}
    return (ids.pop() if len(ids) == 1 else None), leading


def _name(offers: Iterable[Offer], law: Law, grants: Iterable[Grant]) -> str:
    """The purchase; if it is unknown, the only offer that renews it."""
    ids = {one.product_id for one in grants if one.product_id} or {one.product.id for one in offers}
    names = {law.catalogue.name_of(id_) for id_ in ids}
    return names.pop() if len(names) == 1 else "membership"


def _adds(offers: list[Offer], member: Member, law: Law, now: datetime) -> Renewal | None:
    only = offers[0] if len(offers) == 1 else None
    return renewal_of(only, member.facts, law.rules, law.policy, now) if only else None
