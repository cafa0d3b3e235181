"""Claims of orders that were paid without the bridge: once each, and never by e-mail address."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Literal

from bridge.core.model.actor import Actor
from bridge.core.rights.buyers import Barred, Whereabouts, barred, countries_to_ask
from bridge.core.rules.compiled import Rules
from bridge.core.rules.paying import UNKNOWN_COUNTRY, is_country
from bridge.core.signed.reference import read_buyer, read_gift
from bridge.errors import NotFound, Permanent
from bridge.store import Connection, claims, links, orphans, users
from bridge.store.changes import log
from bridge.store.claims import Asked
from bridge.stripe_api.seen import Order
from bridge.wiring import Bridge

SESSION = re.compile(r"cs_(?:test|live)_[A-Za-z0-9]{10,200}", re.ASCII)
Why = Literal[
    "unknown",
    "unfinished",
    "on_its_way",
    "refunded",
    "ended",
    "expired",
    "anothers",
    "used",
    "declined",
    "set_aside",
]
SAID: dict[Why, str] = {
    "unknown": "is not an order for anything sold here",
    "unfinished": "was not paid",
    "on_its_way": "is not paid yet: the money is on its way",
    "refunded": "was refunded",
    "ended": "was for a subscription that has ended",
    "expired": "can no longer be claimed: it was paid too long ago",
    "anothers": "belongs to another member",
    "used": "has already been claimed",
    "declined": "was given to another member by a moderator",
    "set_aside": "was asked for, and a moderator declined",
}


class Unclaimable(Permanent):
    """An order that cannot be claimed; `why` is stable."""

    def __init__(self, session_id: str, why: Why) -> None:
        super().__init__(f"{session_id} {SAID[why]}")
        self.why = why


@dataclass(frozen=True, slots=True)
class Claim:
    """An order that can be claimed until then; `is_mine`: this member already has it.

    `barred`: it is not sold to them, so a moderator decides; `is_asked`: this member asked for it.
    """

    order: Order
    until_at: datetime
    is_mine: bool
    barred: Barred | None = None
    is_asked: bool = False
    ask_country: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Claimant:
    """Who claims: a member or a stranger.

    `group_ids`: their groups among those to which something is sold. `where`: what is known about
    their country besides the order itself.
    """

    user_id: int | None = None
    group_ids: frozenset[int] = frozenset()
    where: Whereabouts = field(default_factory=Whereabouts)


def look(bridge: Bridge, session_id: str, by: Claimant) -> Claim:
    """An order that this member, or a stranger who has its link, may claim.

    Raises: Unclaimable.
    """
    order = _order(bridge, session_id)
    until_at = order.created_at + timedelta(days=bridge.policy.claim_days)
    with bridge.store.read() as connection:
        rules = bridge.rulebook.rules(connection)
        if not any(rules.names(*one) for one in order.sold):
            raise Unclaimable(session_id, "unknown")
        owner = _owner(bridge, connection, order)
        is_used = claims.is_used(connection, session_id)
        asked = claims.request_of(connection, session_id, by.user_id)
        is_aside = orphans.waits(connection, order.payer_id, is_aside=True)
    if owner is not None and owner == by.user_id:
        return Claim(order, until_at, is_mine=True)
    if is_used:
        raise Unclaimable(session_id, "used")
    if owner is not None:
        raise Unclaimable(session_id, "anothers" if asked is None else "declined")
    _refuse_what_does_not_count(order)
    found = _offered(order, until_at, by, asked, rules)
    if found.is_asked and is_aside:
        raise Unclaimable(session_id, "set_aside")
    if bridge.clock.now() >= until_at:
        raise Unclaimable(session_id, "expired")
    return found


def _order(bridge: Bridge, session_id: str) -> Order:
    if not SESSION.fullmatch(session_id):
        raise Unclaimable(session_id[:80], "unknown")
    try:
        return bridge.stripe.order(session_id)
    except NotFound as error:
        raise Unclaimable(session_id, "unknown") from error


def _offered(
    order: Order, until_at: datetime, by: Claimant, asked: Asked | None, rules: Rules
) -> Claim:
    """An order that is nobody's yet, and what stands between it and this member."""
    where = replace(by.where, billing=order.billing_country, card=order.card_country)
    # Who once said that they live elsewhere has said it.
    country = (asked.country if asked else None) or where.country
    stands_between = barred(order.sold, by.group_ids, country, rules)
    return Claim(
        order,
        until_at,
        is_mine=False,
        barred=stands_between,
        is_asked=stands_between is not None and asked is not None,
        ask_country=countries_to_ask(order.sold, country, rules),
    )


def claim(
    bridge: Bridge, actor: Actor, session_id: str, by: Claimant, *, proof: str = "claim"
) -> Claim:
    """Give an order to this member; if it is not sold to them, ask moderators.

    A repeated claim by the same member changes nothing. Whoever has the link may not be the payer,
    so a claim opens nothing of the payer's at Stripe.

    Raises: Unclaimable.
    """
    found, user_id = look(bridge, session_id, by), by.user_id
    if found.is_mine or user_id is None or (found.ask_country and not found.barred):
        return found
    now, payer_id = bridge.clock.now(), found.order.payer_id
    with bridge.store.write() as connection:
        if found.barred:
            asked = Asked(session_id, user_id, now, _code(found.barred.country))
            return _ask(connection, actor, found, asked)
        if not claims.use(connection, session_id, payer_id, user_id, now):
            raise Unclaimable(session_id, "used")
        theirs = links.link(connection, payer_id, user_id, proof=proof, actor=str(actor), now=now)
        if not theirs:
            raise Unclaimable(session_id, "anothers")
    bridge.hint("decide", payer_id)
    return replace(found, is_mine=True)


def _code(country: str | None) -> str | None:
    """Two letters; who says that they live somewhere else names no country."""
    return country if country is None or is_country(country) else UNKNOWN_COUNTRY


def _ask(connection: Connection, actor: Actor, found: Claim, asked: Asked) -> Claim:
    """Ask moderators to give an order that is not sold to this member, or to refund it.

    A payer who was set aside before this member asked is put back on their list.
    """
    payer_id = found.order.payer_id
    links.see_customer(connection, payer_id, asked.at)
    if not claims.ask(connection, payer_id, asked):
        raise Unclaimable(asked.session_id, "used")
    if not found.is_asked:
        log(
            connection,
            "claim_asked",
            now=asked.at,
            user_id=asked.user_id,
            customer_id=payer_id,
            cause=str(actor),
        )
        if orphans.set_aside(connection, payer_id, None):
            log(
                connection,
                "waits_again",
                now=asked.at,
                customer_id=payer_id,
                cause=str(actor),
            )
    return replace(found, is_asked=True)


def _owner(bridge: Bridge, connection: Connection, order: Order) -> int | None:
    """The present owner of the order: through a link, or through a reference that it carries."""
    secrets = [bridge.settings.secret_key]
    linked = links.user_of(connection, order.payer_id)
    named = read_gift(order.beneficiary, secrets) or read_buyer(order.reference, secrets)
    if linked is not None or named is None or links.was_unlinked(connection, order.payer_id):
        return linked
    return users.present_account(connection, named)


def _refuse_what_does_not_count(order: Order) -> None:
    if order.is_refunded:
        raise Unclaimable(order.id, "refunded")
    if order.has_ended:
        raise Unclaimable(order.id, "ended")
    if not order.is_paid:
        raise Unclaimable(order.id, "on_its_way" if order.is_on_its_way else "unfinished")
