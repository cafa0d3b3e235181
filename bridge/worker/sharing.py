"""Gifts and seats in a decision: who must be decided together, and who must be told.

What one member pays for and others have is read once. The reader holds the leases of all users
whose facts it writes. Other affected users are decided again from the same reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from bridge.core.model.carried import Carried
from bridge.core.model.stripe import PRESENT, Purchase, Subscription
from bridge.core.signed.reference import read_gift
from bridge.store import Connection, campaigns, links, presents, shares, users, work
from bridge.store.presents import Present
from bridge.stripe_api.reader import BENEFICIARY, CAMPAIGN
from bridge.wiring import Bridge

T = TypeVar("T", Subscription, Purchase)
NOT_BEGUN = ("incomplete", "incomplete_expired")


def leases_of(bridge: Bridge, key: str) -> list[str]:
    """The leases for a key: its user's first, then those of everybody who pays for the user."""
    with bridge.store.read() as connection:
        mine = owner_key(connection, key)
        names = [mine]
        user_id = work.user_of_key(mine)
        if user_id is not None:
            givers = shares.givers_of(connection, user_id)
            names += [owner_key(connection, customer_id) for customer_id in givers]
    return list(dict.fromkeys(names))


def owner_key(connection: Connection, key: str) -> str:
    """The key of the user whose customer this is, or the key itself."""
    owner = None if work.user_of_key(key) else links.user_of(connection, key)
    return key if owner is None else work.user_key(owner)


def with_beneficiary(bridge: Bridge, connection: Connection, thing: T) -> T:
    """With the user it was bought for, if the bridge signed that."""
    present_id = thing.metadata.get(PRESENT)
    present = presents.get(connection, present_id) if present_id else None
    if present is not None:
        return _as_present(connection, thing, present)
    made_at = thing.created_at if isinstance(thing, Subscription) else thing.paid_at
    word = Carried(thing.metadata.get(BENEFICIARY, ""), made_at)
    named = read_gift(word, [bridge.settings.secret_key])
    if named is None:
        return thing
    return replace(thing, beneficiary_id=users.present_account(connection, named))


def _as_present(connection: Connection, thing: T, present: Present) -> T:
    """Assign it to its receiver, from the chosen day on; to nobody until its link is used."""
    if present.receiver_id is None:
        return replace(thing, beneficiary_id=presents.NOBODY)
    receiver_id = users.present_account(connection, present.receiver_id)
    if isinstance(thing, Subscription):
        return replace(thing, beneficiary_id=receiver_id)
    begins = [at for at in (present.begins_at, present.taken_at) if at]
    return replace(thing, beneficiary_id=receiver_id, begins_at=max(begins, default=None))


def arrived(connection: Connection, read: Iterable[Subscription | Purchase], now: datetime) -> None:
    """Note what was bought by a campaign's link, and presents; these have their receivers told."""
    for thing in read:
        if getattr(thing, "status", "") in NOT_BEGUN:
            continue
        if link_id := thing.metadata.get(CAMPAIGN):
            campaigns.pay(connection, link_id, thing.id, now)
        present_id = thing.metadata.get(PRESENT)
        if present_id is None:
            continue
        presents.arrive(
            connection, present_id, payer_id=thing.customer_id, source_id=thing.id, now=now
        )
        if thing.beneficiary_id and presents.get(connection, present_id) is not None:
            presents.tell(connection, present_id, thing.beneficiary_id, now)


def is_only_shared(dirty: Sequence[work.Dirty], events: Sequence[object]) -> bool:
    """Whether the only cause is a reading of somebody else: then nobody else is marked dirty."""
    return not events and all(one.needs == {shares.SHARED} for one in dirty)


def others(
    connection: Connection, user_id: int | None, customer_ids: Iterable[str], read: Iterable[str]
) -> set[int]:
    """Users to decide again: owners of these customers, and users who get something from them.

    `read`: customers read in this round, also those of others.
    """
    found = shares.concerned(connection, [*customer_ids, *read])
    owners = (links.user_of(connection, customer_id) for customer_id in read)
    return (found | {owner for owner in owners if owner is not None}) - {user_id}
