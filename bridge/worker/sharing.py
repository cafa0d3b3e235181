"""Gifts and seats in a decision: who must be asked along, whose word counts, who must be told.

What one pays for and others have is read once. Whoever reads it holds the leases of all whose
facts it writes; whom else it concerns is decided again by that same reading.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import Connection

from bridge.core.model.stripe import Purchase, Subscription
from bridge.core.signed.reference import read_reference
from bridge.store import links, shares, work
from bridge.stripe_api.reader import BENEFICIARY
from bridge.wiring import Bridge

T = TypeVar("T", Subscription, Purchase)


@contextmanager
def holding(bridge: Bridge, key: str, user_id: int | None) -> Iterator[list[work.Lease] | None]:
    """Hold the lease of a key, and those of all who pay for something its user has; None if not.

    Nobody waits for anybody, so two who give to each other cannot hold each other up.
    """
    with bridge.store.read() as connection:
        names = _names(connection, key, user_id)
    with ExitStack() as stack:
        leases = []
        for name in names:
            held = work.holding(bridge.store, bridge.clock, name, bridge.name)
            lease = stack.enter_context(held)
            if lease is None:
                yield None
                return
            leases.append(lease)
        yield leases


def _names(connection: Connection, key: str, user_id: int | None) -> list[str]:
    if user_id is None:
        return [key]
    names = [work.user_key(user_id)]
    for customer_id in shares.givers_of(connection, user_id):
        owner = links.user_of(connection, customer_id)
        names.append(customer_id if owner is None else work.user_key(owner))
    return list(dict.fromkeys(names))


def with_beneficiary(bridge: Bridge, connection: Connection, thing: T) -> T:
    """With the user it was bought for, where the bridge itself has signed that."""
    named = read_reference(thing.metadata.get(BENEFICIARY), [bridge.settings.secret_key])
    if named is None:
        return thing
    return replace(thing, beneficiary_id=links.present_account(connection, named))


def is_only_shared(dirty: Sequence[work.Dirty], events: Sequence[object]) -> bool:
    """Whether nothing happened but that somebody else was read: nobody is to be told on."""
    return not events and all(one.needs == {shares.SHARED} for one in dirty)


def others(
    connection: Connection, user_id: int | None, customer_ids: Iterable[str], read: Iterable[str]
) -> set[int]:
    """Who else must be decided again: who has something of these customers, or owns one of them.

    `read`: customers that were read in this round, perhaps for somebody else's sake.
    """
    found = shares.concerned(connection, [*customer_ids, *read])
    owners = (links.user_of(connection, customer_id) for customer_id in read)
    return (found | {owner for owner in owners if owner is not None}) - {user_id}
