"""Stripe's objects, as far as the bridge reads them: plain immutable data.

Ids are Stripe's. Money is in minor units with its currency, times are aware UTC.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal


@dataclass(frozen=True, slots=True)
class Product:
    """A product; its metadata may say which groups it grants.

    `features`: lookup keys of the features that it carries, where bridge.toml names any feature.
    `benefits`: what Stripe calls its marketing features, in the seller's words.
    """

    id: str
    name: str
    active: bool = True
    description: str | None = None
    image: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    features: tuple[str, ...] = ()
    benefits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OpenAmount:
    """The buyer decides the amount, within these limits as far as there are any."""

    minimum_minor: int | None = None
    maximum_minor: int | None = None
    preset_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Price:
    """A price: how much and how often. Its metadata take precedence over the product's.

    `open_amount`: the buyer decides what it costs. `tax_behavior`: whether tax is in the amount.
    `currency_options`: its amount in each other currency; None if it was not read.
    """

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
    open_amount: OpenAmount | None = None
    tax_behavior: Literal["inclusive", "exclusive"] | None = None
    currency_options: Mapping[str, int] | None = None

    @property
    def is_recurring(self) -> bool:
        """A subscription's price, against a one-off purchase's."""
        return self.interval is not None

    def in_currency(self, currency: str | None) -> Price:
        """The same price as it is in a currency; in its own where it is not sold in that one."""
        amount = (self.currency_options or {}).get(currency or "")
        if currency is None or amount is None:
            return self
        return replace(self, currency=currency, amount_minor=amount)


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
    """The lookup keys of all features that a customer has, as Stripe says. `id`: the customer."""

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
class SoldPrice:
    """The price that a line of an order sold, and whether once. Shipping sells nothing."""

    price_id: str = ""
    product_id: str = ""
    is_once: bool = True


@dataclass(frozen=True, slots=True)
class RefundDoubt:
    """A refund that may be of any of these lines, and how much of it may be of this one."""

    least_minor: int
    most_minor: int
    lines: tuple[SoldPrice, ...]


@dataclass(frozen=True, slots=True)
class ItemPayment:
    """The payment for one of several items of a subscription, and its refunds."""

    item_id: str
    amount_minor: int
    refunded_minor: int = 0
    refunded_at: datetime | None = None
    refund_doubt: RefundDoubt | None = None


@dataclass(frozen=True, slots=True)
class PeriodPayment:
    """The payment of a subscription's newest paid invoice, which pays the current period.

    An older invoice's refund or dispute never appears here, so it can never end the current
    period; a later paid invoice takes its place and so restores everything. What the invoice sold
    besides is left out. `items`: where something was refunded of an invoice with several lines.
    """

    invoice_id: str
    paid_at: datetime
    period_end_at: datetime
    amount_minor: int
    refunded_minor: int = 0
    refunded_at: datetime | None = None
    disputed: Literal["open", "won", "lost"] | None = None
    disputed_at: datetime | None = None
    items: tuple[ItemPayment, ...] = ()

    def of_item(self, item_id: str) -> ItemPayment:
        """The payment for an item; the whole payment if the lines do not tell it apart."""
        whole = ItemPayment("", self.amount_minor, self.refunded_minor, self.refunded_at)
        return next((one for one in self.items if one.item_id == item_id), whole)

    @property
    def is_doubtful(self) -> bool:
        """A refund, a dispute or a doubt about either is known."""
        return self.refunded_minor > 0 or self.disputed in {"open", "lost"}


@dataclass(frozen=True, slots=True)
class PendingPayment:
    """A payment that is due or on its way: there is no money yet, and no failure either.

    `id` is the open invoice's, or the Checkout Session's of an order paid by bank debit.
    `next_try_at`: when Stripe will try to take it again; `attempts`: how often it has tried.
    """

    id: str
    what: str
    amount_minor: int
    currency: str
    at: datetime
    subscription_id: str | None = None
    next_try_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class FailedPayment:
    """An open invoice as Stripe has it this moment: why it was not paid, and where it can be.

    `code` and `message`: the last decline, in Stripe's words. `pay_url`: Stripe's page for it.
    """

    customer_id: str
    payment: PendingPayment
    code: str | None
    message: str | None
    pay_url: str | None


@dataclass(frozen=True, slots=True)
class FailedAttempt:
    """An attempt to take money that failed, and what became of the payment since.

    `number`: the first attempt at this payment is 1. `code` and `message` are Stripe's words.
    `is_owed`: it is neither paid nor given up.
    """

    charge_id: str
    payment_id: str
    customer_id: str | None
    invoice_id: str | None
    at: datetime
    amount_minor: int
    currency: str
    method: str
    number: int
    code: str
    message: str
    next_try_at: datetime | None = None
    recovered_at: datetime | None = None
    is_owed: bool = True


@dataclass(frozen=True, slots=True)
class OpenDispute:
    """A payment that a bank wants back. `respond_by`: None where no response is asked for."""

    id: str
    status: str
    reason: str
    customer_id: str | None
    amount_minor: int
    currency: str
    opened_at: datetime
    respond_by: datetime | None

    @property
    def is_open(self) -> bool:
        """Not won, lost or closed."""
        return self.status in {
            "needs_response",
            "under_review",
            "warning_needs_response",
            "warning_under_review",
        }

    @property
    def needs_response(self) -> bool:
        """Not answered yet."""
        return self.status in {"needs_response", "warning_needs_response"}

    def is_overdue(self, now: datetime) -> bool:
        """Whether it was not answered in time."""
        return self.needs_response and self.respond_by is not None and self.respond_by <= now


@dataclass(frozen=True, slots=True)
class Means:
    """The means of payment: a card, a bank account, or whatever Stripe calls its `kind`."""

    kind: str
    brand: str | None = None
    last4: str | None = None
    exp_month: int | None = None
    exp_year: int | None = None


@dataclass(frozen=True, slots=True)
class Billing:
    """Facts about payments for a customer's own page. No decision uses them.

    `means`: by subscription id. `refused`: Stripe's code for why the last attempt to collect
    an open invoice failed, by invoice id.
    """

    means: Mapping[str, Means] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)


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


CONTINUES = "bridge_continues"
"""Metadata key: until when the payer had paid before; the first payment waits for that moment."""
PRESENT = "bridge_present"
"""Metadata key: the gift that it was bought as."""


@dataclass(frozen=True, slots=True)
class Subscription:
    """A subscription as Stripe has it now. `status` is an open set: unknown ones grant nothing new.

    `past_due_since_at`: due date of the oldest unpaid invoice, only for the status past_due.
    `last_payment`: None if nothing is known against it. `pending`: its unpaid
    invoices. `beneficiary_id`: its owner instead of the payer, from the bridge's signed reference.
    `is_scheduled`: it follows a schedule; `next_change` is the next change. `currency`: set if it
    is billed in another currency than its prices.
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
    currency: str | None = None

    @property
    def continues_at(self) -> datetime | None:
        """When it is paid for the first time, in place of a term bought before it (A67).

        Stripe calls the time until then a trial. Only the account's keys write metadata.
        """
        return self.trial_end_at if CONTINUES in self.metadata else None


@dataclass(frozen=True, slots=True)
class Purchase:
    """One line of a paid one-off order. `id` is the Checkout Session's or invoice's and line's.

    `payment_minor` is the payment for the line and `refunded_minor` the refunded part, in
    the currency of the payment (a free line's are of the whole payment); a dispute is of the whole
    payment. `beneficiary_id` as a subscription's. `begins_at`: of a gift, where it begins later
    than it was paid.
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
    begins_at: datetime | None = None
    refund_doubt: RefundDoubt | None = None

    @property
    def from_at(self) -> datetime:
        """When what it gives begins."""
        return max(self.paid_at, self.begins_at or self.paid_at)

    @property
    def is_given_back(self) -> bool:
        """All of the payment was refunded."""
        return 0 < self.payment_minor <= self.refunded_minor


def is_guest(payer_id: str) -> bool:
    """Whether a payer is a guest's order, which stands in for a customer that does not exist."""
    return payer_id.startswith("cs_")


@dataclass(frozen=True, slots=True)
class Customer:
    """A customer in Stripe; a deleted one keeps its tombstone here."""

    id: str
    deleted: bool = False
    metadata: Mapping[str, str] = field(default_factory=dict)
    created_at: datetime | None = None
