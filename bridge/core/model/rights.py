"""The facts for a decision about one user, and the verdict of each source: plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from bridge.core.model.steps import MemberStep
from bridge.core.model.stripe import Purchase, Subscription


@dataclass(frozen=True, slots=True)
class HandGrant:
    """A grant that a moderator recorded, with or without an end.

    `source`: given without money, for a payment outside of Stripe, or taken over from a register.
    `revoked_at`: when it was taken back; it stays as the reason why they are not in it.
    """

    id: str
    user_id: int
    group_id: int
    from_at: datetime
    until_at: datetime | None
    reason: str
    actor: str
    source: Literal["moderator", "payment", "import"] = "moderator"
    revoked_at: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it was taken back, or has reached its end."""
        return self.revoked_at is not None or (self.until_at is not None and self.until_at <= now)

    def is_same(self, given: HandGrant) -> bool:
        """Whether it already gives this, until the same day and for no less."""
        if (self.group_id, self.source) != (given.group_id, given.source):
            return False
        if self.until_at is None or given.until_at is None:
            return self.until_at is given.until_at
        same_day = self.until_at.date() == given.until_at.date()
        return same_day and self.until_at >= given.until_at


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a subscription with a quantity, which its buyer gave to this user.

    `over_since_at`: since when there are fewer places than people, and this one is too many.
    """

    subscription: Subscription
    assigned_at: datetime
    over_since_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """The message to a subscription's payer about a failed payment.

    `failed_at`: when Stripe said so. `told_at`: when the first message about it was sent, or None.
    """

    failed_at: datetime | None = None
    told_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    """All facts for a decision about one user, from all customers linked to the user.

    Gifts from others are in the first two, with their beneficiary; what the user gave to others
    is only in `given` and `given_purchases`. `seats` are seats of others' subscriptions.
    `notices`: subscription that is past due -> the message to its payer; missing if it is
    unknown, as in the past. `entitlements`: customer -> their features at Stripe;
    missing for a customer who was not read. `steps`: of their membership, as recorded.
    """

    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    hand_grants: tuple[HandGrant, ...] = ()
    deleted_customer_ids: frozenset[str] = frozenset()
    given: tuple[Subscription, ...] = ()
    given_purchases: tuple[Purchase, ...] = ()
    seats: tuple[Seat, ...] = ()
    entitlements: Mapping[str, frozenset[str]] = field(default_factory=dict)
    notices: Mapping[str, Notice] = field(default_factory=dict)
    steps: tuple[MemberStep, ...] = ()

    @property
    def paid_by_user(self) -> tuple[Subscription, ...]:
        """The subscriptions that the user pays for, for themselves or for others."""
        own = (one for one in self.subscriptions if one.beneficiary_id is None)
        return (*own, *self.given)

    @property
    def source_ids(self) -> frozenset[str]:
        """The ids of everything that may give the user something, wherever its rule leads."""
        seated = (seat.subscription for seat in self.seats)
        return frozenset(
            [
                *(one.id for one in (*self.subscriptions, *seated)),
                *(one.id for one in self.purchases),
                *(one.id for one in self.hand_grants),
            ]
        )


NO_GROUP = 0
"""The `group_id` of a verdict about a source that leads to no group that can be named.

(Discourse's own group 0, "everyone", is automatic and can never be mapped.)
"""


@dataclass(frozen=True, slots=True)
class Grant:
    """One source's verdict on one group: whether it grants it, since, until, and why.

    A source that gives nothing (yet, or any more) is a Grant with `holds=False`: it is the answer
    to "why not". `source_id` is a subscription's, purchase's or hand grant's, or `sub_1:feature`
    for what a product in it carries; `reason` a stable code of `bridge.core.telling.reasons`.
    `next_change_at`: when the clock alone will change this answer. `because_at`: when that happened
    which the reason names (a failed payment, a refund, an end). `share`: the user's own, a gift to
    them, or a seat that they were given.
    """

    group_id: int
    source: Literal["subscription", "entitlement", "purchase", "hand"]
    source_id: str
    rule_id: str
    holds: bool
    reason: str
    from_at: datetime
    until_at: datetime | None = None
    product_id: str | None = None
    price_id: str | None = None
    ladder: str | None = None
    rank: int = 0
    next_change_at: datetime | None = None
    renews_at: datetime | None = None
    because_at: datetime | None = None
    share: Literal["own", "gift", "seat"] = "own"
    feature: str | None = None
