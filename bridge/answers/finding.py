"""Finds people by a name, an id, an e-mail address, a receipt, an amount or a card."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bridge.core.model.people import LARGEST_ID
from bridge.core.telling.asked import Asked, By
from bridge.errors import BridgeError, NotFound, Permanent
from bridge.store import search
from bridge.store.search import Hit
from bridge.wiring import Bridge

BY_ADDRESS, BY_NAME = "e-mail on the forum", "the forum"
BY_FULL_NAME = "full-name"
BY_THE_FORUM = (BY_ADDRESS, BY_NAME, BY_FULL_NAME)


def find(bridge: Bridge, asked: Asked) -> list[Hit]:
    """The people who may be meant, the likeliest first; e-mail addresses are not kept."""
    match asked.kind:
        case "nothing" | "link":
            return []
        case "address":
            return _with_address(bridge, asked.text)
    with bridge.store.read() as connection:
        if asked.kind == "stripe":
            hits = search.by_stripe_id(connection, asked.text)
            return hits or search.by_name(connection, asked.text)
        hits = search.by_name(connection, asked.text)
        if asked.user_id is not None and asked.user_id <= LARGEST_ID:
            hits += search.by_user_id(connection, asked.user_id)
        if asked.receipt is not None:
            hits += search.by_receipt(connection, asked.receipt)
        if asked.amount is not None:
            hits += search.by_amount(connection, asked.amount)
        if asked.last4 is not None:
            hits += search.by_card(connection, asked.last4)
    return list(dict.fromkeys(hits)) or _asked_of_the_forum(bridge, asked)


def _with_address(bridge: Bridge, address: str) -> list[Hit]:
    """Whose address it is, by Stripe's word and by the forum's, asked now."""
    ids = bridge.stripe.customers_by_email(address)
    with bridge.store.read() as connection:
        hits = search.by_customers(connection, ids, "e-mail at Stripe") if ids else []
    try:
        members = bridge.discourse.users_with_email(address)
    except BridgeError:
        return hits  # a key with fewer rights: what Stripe knows is an answer, too
    found = {hit.user_id for hit in hits}
    return hits + [
        Hit(one.id, one.username, None, BY_ADDRESS) for one in members if one.id not in found
    ]


def _asked_of_the_forum(bridge: Bridge, asked: Asked) -> list[Hit]:
    """Ask the forum, which may know somebody whom the bridge has never seen, and full names."""
    if re.fullmatch(r"[\w.-]{1,60}", asked.text):
        try:
            user = bridge.discourse.user_by_name(asked.text)
        except NotFound:
            pass
        else:
            return [Hit(user.id, user.username, None, BY_NAME)]
    if not asked.may_be_full_name:
        return []
    try:
        found = bridge.discourse.users_named(asked.text)
    except Permanent:
        return []  # a key with fewer rights
    return [Hit(one.id, one.username, None, BY_FULL_NAME) for one in found]


def looked_up_by(asked: Asked, hits: Iterable[Hit]) -> By | None:
    """Whether the forum was asked who somebody is, and by what; that is logged."""
    found = list(hits)
    if asked.kind == "address":
        return "address"
    by_name = any(hit.by == BY_FULL_NAME for hit in found)
    was_asked = not found and asked.may_be_full_name and " " in asked.text
    return "name" if by_name or was_asked else None


def named_by_the_forum(hits: Iterable[Hit]) -> dict[int, str]:
    """The names, by id, of those whom the forum was asked for."""
    return {
        hit.user_id: hit.username
        for hit in hits
        if hit.by in (BY_ADDRESS, BY_NAME, BY_FULL_NAME)
        and hit.user_id is not None
        and hit.username
    }
