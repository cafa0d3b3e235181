"""Finds people by whatever a moderator has: a name, an id, an e-mail address, an amount."""

from __future__ import annotations

import re

from bridge.core.ledger.amounts import to_minor
from bridge.errors import NotFound
from bridge.store import search
from bridge.store.search import Hit
from bridge.wiring import Bridge

_STRIPE = re.compile(r"(cus|sub|in|ch|py|pi|cs|re|pyr|dp|du|po|txn)_[A-Za-z0-9_]{1,200}")
_AMOUNT = re.compile(r"-?[0-9]{1,9}[.,][0-9]{2}")
_ID = re.compile(r"(?:id:)?([0-9]{1,18})")
LONGEST = 300


def find(bridge: Bridge, text: str) -> list[Hit]:
    """The people whom the text may mean, the likeliest first; e-mail addresses are not kept."""
    said = text.strip()[:LONGEST]
    if not said:
        return []
    if "@" in said:
        ids = bridge.stripe.customers_by_email(said)
        with bridge.store.read() as connection:
            return search.by_customers(connection, ids, "e-mail at Stripe") if ids else []
    with bridge.store.read() as connection:
        if _STRIPE.fullmatch(said):
            if said.startswith("cus_"):
                return search.by_customers(connection, [said], "customer")
            return search.by_stripe_id(connection, said)
        hits = search.by_name(connection, said.removeprefix("@"))
        if number := _ID.fullmatch(said):
            hits += search.by_user_id(connection, int(number[1]))
        if _AMOUNT.fullmatch(said):
            hits += search.by_amount(connection, to_minor(said.replace(",", "."), "eur"))
    return list(dict.fromkeys(hits)) or _asked_of_the_forum(bridge, said)


def _asked_of_the_forum(bridge: Bridge, name: str) -> list[Hit]:
    """Ask the forum, which may know somebody whom the bridge has never seen."""
    if not re.fullmatch(r"[\w.-]{1,60}", name):
        return []
    try:
        user = bridge.discourse.user_by_name(name)
    except NotFound:
        return []
    return [Hit(user.id, user.username, None, "the forum")]
