"""The tasks that follow an event: what to read again, never what to change.

A task says *whom* to look at. Repeated tasks count once, and an unneeded task costs a reading and
changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from bridge.core.model.carried import Carried


@dataclass(frozen=True, slots=True)
class SyncCustomer:
    """Read the customer's subscriptions again and decide.

    `purchases`: the one-off orders and their payments too. `money`: invoices, charges, refunds and
    disputes too, for the statement.
    """

    customer_id: str
    purchases: bool = False
    money: bool = False


@dataclass(frozen=True, slots=True)
class SyncObject:
    """Like SyncCustomer, for the customer of this object, whom the event did not name.

    A checkout session or customer that is read for this may carry a reference: link by it first.
    """

    kind: str
    id: str
    purchases: bool = False
    money: bool = False


@dataclass(frozen=True, slots=True)
class ReadProduct:
    """Read a product again: its name, or what it grants, may have changed. Gone is an answer."""

    id: str


@dataclass(frozen=True, slots=True)
class ReadPrice:
    """Read a price again, as a product."""

    id: str


@dataclass(frozen=True, slots=True)
class Link:
    """A customer came with a reference to a user. It is a claim: check the signature first."""

    customer_id: str
    reference: Carried


@dataclass(frozen=True, slots=True)
class ReadCustomer:
    """Read the customer itself: it may be deleted, or its metadata may say whose it is."""

    customer_id: str


@dataclass(frozen=True, slots=True)
class SyncUser:
    """Discourse says that something about a user changed.

    With `group_id` it was one membership, and `is_member` is how it is now: where that is what the
    bridge holds already, the news is the echo of its own write.
    """

    user_id: int
    group_id: int | None = None
    is_member: bool | None = None


@dataclass(frozen=True, slots=True)
class EndSessions:
    """Somebody logged out of the forum: their sessions here end, in every browser."""

    user_id: int


@dataclass(frozen=True, slots=True)
class ReadGroups:
    """Discourse says that a group was made, changed or deleted: read the list of groups again."""


@dataclass(frozen=True, slots=True)
class Ignore:
    """Nothing to do, for a reason that is stored with the event."""

    reason: str


Task = (
    SyncCustomer
    | SyncObject
    | ReadProduct
    | ReadPrice
    | Link
    | ReadCustomer
    | SyncUser
    | EndSessions
    | ReadGroups
    | Ignore
)
