"""What the bridge knows of Stripe and Discourse, as plain immutable data.

Ids are the originals': Stripe's strings, Discourse's numbers. Money is in minor units with its
currency, times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

# --- Stripe -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Product:
    """What is sold; its metadata may say which groups it grants.

    `features`: lookup keys of the features that it carries, where bridge.toml names any feature.
    """

    id: str
    name: str
    active: bool = True
    description: str | None = None
    image: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Price:
    """What it costs, how often; its metadata wins over the product's."""

    id: str
    product_id: str
    currency: str
    amount_minor: int | None
    interval: Literal["day", "week", "month", "year"] | None = None
    interval_count: int = 1
    lookup_key: str | None = None
    nickname: str | None = None
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_recurring(self) -> bool:
        """A subscription's price, against a one-off purchase's."""
        return self.interval is not None


@dataclass(frozen=True, slots=True)
class Feature:
    """A feature of Stripe's Entitlements; products carry it, its metadata may name groups."""

    id: str
    lookup_key: str
    name: str
    active: bool = True
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entitlements:
    """The lookup keys of all features that Stripe says a customer has. `id` is the customer's."""

    id: str
    features: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SubscriptionItem:
    """One price within a subscription, with its own period (since API version 2025-03-31)."""

    id: str
    price_id: str
    product_id: str
    quantity: int
    period_start_at: datetime
    period_end_at: datetime


@dataclass(frozen=True, slots=True)
class PeriodPayment:
    """The payment of a subscription's newest paid invoice: what its current period rests on.

    An older invoice's refund or dispute never appears here, so it can never end the current
    period; a later paid invoice takes its place and so mends everything.
    """

    invoice_id: str
    paid_at: datetime
    period_end_at: datetime
    amount_minor: int
    refunded_minor: int = 0
    refunded_at: datetime | None = None
    disputed: Literal["open", "won", "lost"] | None = None
    disputed_at: datetime | None = None

    @property
    def is_doubtful(self) -> bool:
        """Something is known against it."""
        return self.refunded_minor > 0 or self.disputed in {"open", "lost"}


@dataclass(frozen=True, slots=True)
class PendingPayment:
    """What is still to be paid, or is on its way: no money yet, and no failure either.

    `id` is the open invoice's, or the Checkout Session's of an order paid by bank debit.
    """

    id: str
    what: str
    amount_minor: int
    currency: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ComingCharge:
    """When a subscription will be charged next. Without an amount where only Stripe can know it.

    Discounts, taxes, usage and scheduled changes are Stripe's to compute, so they leave it open.
    """

    at: datetime
    currency: str
    amount_minor: int | None


@dataclass(frozen=True, slots=True)
class ComingChange:
    """The next phase of a schedule: from then on these prices are paid; without any it ends."""

    at: datetime
    price_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Stripe has it now. `status` is an open set: unknown ones grant nothing new.

    `past_due_since_at`: due date of the oldest unpaid invoice, for status past_due only.
    `last_payment`: None where nothing is known against it. `pending`: its invoices that wait to be
    paid. `beneficiary_id`: whose it is instead of the payer's, on the bridge's own signed word.
    `is_scheduled`: it follows a schedule, whose next change is `next_change`.
    """

    id: str
    customer_id: str
    status: str
    items: tuple[SubscriptionItem, ...]
    created_at: datetime
    started_at: datetime
    trial_end_at: datetime | None = None
    cancel_at: datetime | None = None
    cancel_at_period_end: bool = False
    canceled_at: datetime | None = None
    ended_at: datetime | None = None
    pause_collection: Literal["keep_as_draft", "mark_uncollectible", "void"] | None = None
    pause_resumes_at: datetime | None = None
    past_due_since_at: datetime | None = None
    last_payment: PeriodPayment | None = None
    next_charge: ComingCharge | None = None
    pending: tuple[PendingPayment, ...] = ()
    metadata: Mapping[str, str] = field(default_factory=dict)
    beneficiary_id: int | None = None
    is_scheduled: bool = False
    next_change: ComingChange | None = None


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of a paid one-off order. `id` is the Checkout Session's or invoice's and line's.

    `refunded_minor` and `disputed` are of the whole payment that paid for the line;
    `payment_minor` is that payment's amount. `beneficiary_id` as a subscription's.
    """

    id: str
    customer_id: str
    price_id: str
    product_id: str
    quantity: int
    paid_at: datetime
    amount_minor: int
    currency: str
    payment_id: str | None = None
    payment_minor: int = 0
    refunded_minor: int = 0
    refunded_at: datetime | None = None
    disputed: Literal["open", "won", "lost"] | None = None
    disputed_at: datetime | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    beneficiary_id: int | None = None


MoneyKind = Literal["paid", "refunded", "disputed", "dispute_returned"]


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """What an invoice of several lines is made of: one of them, or a tax. A credit is negative."""

    what: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One movement of money, never edited: a payment, a refund, a dispute, its return.

    `id` is the Stripe object's (`in_…`, `ch_…`, `re_…`, `dp_…`; `:line` where one has several),
    so that recording it twice is recording it once. Amounts are signed from the community's side:
    a payment is positive, a refund negative. `from_credit_minor` was paid from the customer's
    balance, not by card. `discount_minor` was taken off before, so that the price was
    `gross_minor`; `parts` add up to that, where there are several. `is_first`: what was bought
    began with this payment; it is no renewal.
    A payment outside of Stripe has no customer: it has its user, how it was paid, and who says so.
    """

    id: str
    customer_id: str | None
    kind: MoneyKind
    at: datetime
    amount_minor: int
    currency: str
    what: str
    invoice_id: str | None = None
    payment_id: str | None = None
    subscription_id: str | None = None
    product_id: str | None = None
    from_credit_minor: int = 0
    receipt_url: str | None = None
    is_first: bool = False
    user_id: int | None = None
    method: Literal["cash", "cheque", "bank", "other"] | None = None
    recorded_by: str | None = None
    discount_minor: int = 0
    parts: tuple[MoneyPart, ...] = ()

    @property
    def gross_minor(self) -> int:
        """The price before discounts."""
        return self.amount_minor + self.discount_minor

    @property
    def charged_minor(self) -> int:
        """What was paid beside the credit."""
        return self.amount_minor - self.from_credit_minor


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer in Stripe; a deleted one keeps its tombstone here."""

    id: str
    deleted: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """What is taken from a webhook: a hint, never a fact.

    `related` names other Stripe objects that the event mentions, by kind
    (subscription, invoice, charge, payment_intent, price, product). `reference` is a
    `client_reference_id` or our metadata, still unverified.
    """

    id: str
    type: str
    object_id: str | None
    object_kind: str | None
    customer_id: str | None
    created_at: datetime
    livemode: bool
    account: str | None = None
    api_version: str | None = None
    thin: bool = False
    reference: str | None = None
    related: Mapping[str, str] = field(default_factory=dict)


# --- Discourse ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Group:
    """A Discourse group, by its number; the name is for people and changes."""

    id: int
    name: str
    full_name: str | None = None
    automatic: bool = False
    user_count: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A user in a group, as Discourse lists it."""

    user_id: int
    username: str
    added_at: datetime


@dataclass(frozen=True, slots=True)
class User:
    """A Discourse user. `state` other than active: the grant is held, nothing is written."""

    id: int
    username: str
    name: str | None = None
    state: Literal["active", "suspended", "staged", "anonymized", "gone"] = "active"
    group_ids: frozenset[int] = frozenset()
    is_admin: bool = False
    is_moderator: bool = False


@dataclass(frozen=True, slots=True)
class HandGrant:
    """A right to a group that a moderator recorded, with an end or without.

    `source`: given without money, for a payment outside of Stripe, or taken over from a register.
    """

    id: str
    user_id: int
    group_id: int
    from_at: datetime
    until_at: datetime | None
    reason: str
    actor: str
    source: Literal["moderator", "payment", "import"] = "moderator"


@dataclass(frozen=True, slots=True)
class Seat:
    """A place in a subscription with a quantity, which its buyer gave to this user.

    `over_since_at`: since when there are fewer places than people, and this one is too many.
    """

    subscription: Subscription
    assigned_at: datetime
    over_since_at: datetime | None = None


# --- Decisions ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Facts:
    """All that a decision about one user rests on, over all customers linked to the user.

    Gifts from others are among the first two, with their beneficiary; what the user gave to
    others is in `given` and `given_purchases` only, and `seats` are places of others' quantities.
    `entitlements`: customer -> features that Stripe says they have; without a customer who was not
    asked for.
    """

    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] = ()
    hand_grants: tuple[HandGrant, ...] = ()
    deleted_customer_ids: frozenset[str] = frozenset()
    given: tuple[Subscription, ...] = ()
    given_purchases: tuple[Purchase, ...] = ()
    seats: tuple[Seat, ...] = ()
    entitlements: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @property
    def paid_by_user(self) -> tuple[Subscription, ...]:
        """The subscriptions that the user pays for, for themselves or for others."""
        own = (one for one in self.subscriptions if one.beneficiary_id is None)
        return (*own, *self.given)

    @property
    def source_ids(self) -> frozenset[str]:
        """Everything that is the user's and may give them something, wherever its rule leads."""
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
    """One source's word on one group: whether it gives a right to it now, since, until, and why.

    A source that gives nothing (yet, or any more) is a Grant with `holds=False`: it is the answer
    to "why not". `source_id` is a subscription's, purchase's or hand grant's, or `sub_1:feature`
    for what a product in it carries; `reason` a stable code of `bridge.core.reasons`.
    `next_change_at`: when the clock alone will change this answer. `because_at`: when that happened
    which the reason names (a failed payment, a refund, an end).
    `share`: the user's own, a gift to them, or a seat that they were given.
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
