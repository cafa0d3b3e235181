"""Objects that move money at Stripe or by hand, as the ledger reads them: plain immutable data.

Ids are Stripe's. Amounts are in minor units with their currency, signed as Stripe signs them. What
Stripe may still change about an object (a status, a later time) only ever adds entries.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.rules.values import Kind

InvoiceStatus = Literal["draft", "open", "paid", "uncollectible", "void"]
Method = Literal["cash", "cheque", "bank", "other"]


@dataclass(frozen=True, slots=True)
class Tax:
    """A tax on one line. `inclusive`: it is part of the line's amount, not added to it."""

    amount_minor: int
    name: str
    inclusive: bool
    country: str | None = None
    percentage: str | None = None


@dataclass(frozen=True, slots=True)
class SoldLine:
    """A line of an invoice, order or credit note: its price before discounts, and its taxes.

    `kind` and `fund`: for a payment by hand without a rule. `item_id`: the subscription's
    item that it bills. `of_line`: the invoice's line that a credit note's line reduces.
    `until_at`: the end of the time that it pays for; None if it has none. `is_shipping`: it is
    the cost of shipping and has no product.
    """

    id: str
    what: str
    amount_minor: int
    discount_minor: int = 0
    taxes: tuple[Tax, ...] = ()
    product_id: str | None = None
    price_id: str | None = None
    quantity: int = 1
    kind: Kind | None = None
    fund: str | None = None
    item_id: str | None = None
    of_line: str | None = None
    until_at: datetime | None = None
    is_shipping: bool = False

    @property
    def total_minor(self) -> int:
        """What the line adds to the total of its document."""
        added = sum(tax.amount_minor for tax in self.taxes if not tax.inclusive)
        return self.amount_minor - self.discount_minor + added


@dataclass(frozen=True, slots=True)
class InvoicePayment:
    """A part of an invoice that a charge or payment intent paid."""

    payment_id: str
    amount_minor: int
    paid_at: datetime


@dataclass(frozen=True, slots=True)
class Invoice:
    """An invoice. `due_minor` is what is left of `total_minor` after the customer's credit.

    `credit_minor`: what the customer's credit paid of it; negative if the invoice gave credit.
    """

    id: str
    customer_id: str
    currency: str
    status: InvoiceStatus
    total_minor: int
    due_minor: int
    lines: tuple[SoldLine, ...]
    finalized_at: datetime | None = None
    paid_at: datetime | None = None
    voided_at: datetime | None = None
    written_off_at: datetime | None = None
    payments: tuple[InvoicePayment, ...] = ()
    subscription_id: str | None = None
    credit_minor: int = 0


@dataclass(frozen=True, slots=True)
class Order:
    """A paid Checkout Session without an invoice: the lines that a payment was for."""

    id: str
    customer_id: str | None
    currency: str
    payment_id: str
    lines: tuple[SoldLine, ...]


@dataclass(frozen=True, slots=True)
class Charge:
    """Captured money. `payment_id` is the payment intent's, or the charge's own id without one."""

    id: str
    customer_id: str | None
    currency: str
    amount_minor: int
    payment_id: str
    at: datetime
    what: str
    method: str
    country: str | None = None


@dataclass(frozen=True, slots=True)
class Refund:
    """Money sent back of a charge."""

    id: str
    charge_id: str
    currency: str
    amount_minor: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Dispute:
    """A payment that its bank took back, or wants to."""

    id: str
    charge_id: str
    currency: str
    amount_minor: int
    at: datetime
    status: str
    due_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class CreditNote:
    """A credit note on a finalized invoice. `refund_ids`: refunds that pay some of it back.

    `credit_id`: the move of the customer's credit that gave some of it back.
    """

    id: str
    invoice_id: str
    customer_id: str
    currency: str
    total_minor: int
    at: datetime
    lines: tuple[SoldLine, ...]
    refund_ids: tuple[str, ...] = ()
    outside_minor: int = 0
    voided_at: datetime | None = None
    credit_id: str | None = None


@dataclass(frozen=True, slots=True)
class CreditMove:
    """A move of a customer's credit balance. A negative amount gives the customer credit."""

    id: str
    customer_id: str
    currency: str
    amount_minor: int
    type: str
    at: datetime
    invoice_id: str | None = None
    credit_note_id: str | None = None


@dataclass(frozen=True, slots=True)
class BalanceMove:
    """A balance transaction: what moved on the Stripe account, in its settlement currency."""

    id: str
    type: str
    category: str
    currency: str
    amount_minor: int
    fee_minor: int
    at: datetime
    available_at: datetime
    source_id: str | None = None
    what: str = ""
    exchange_rate: str | None = None

    @property
    def net_minor(self) -> int:
        """What reached the balance."""
        return self.amount_minor - self.fee_minor


@dataclass(frozen=True, slots=True)
class Payout:
    """Money sent to the bank. `move_ids`: the balance transactions that it consists of."""

    id: str
    currency: str
    amount_minor: int
    status: str
    at: datetime
    arrives_at: datetime
    move_ids: tuple[str, ...] = ()
    automatic: bool = True


@dataclass(frozen=True, slots=True)
class ManualPayment:
    """Money outside Stripe that a moderator recorded. `corrects`: the payment it takes back."""

    id: str
    user_id: int
    currency: str
    at: datetime
    method: Method
    lines: tuple[SoldLine, ...]
    actor: str
    corrects: str | None = None


@dataclass(frozen=True, slots=True)
class Receiver:
    """Who has a gift since a time; nobody while it is its payer's own."""

    user_id: int | None
    since_at: datetime


@dataclass(frozen=True, slots=True)
class Gift:
    """A subscription or order that is paid for somebody else. Receivers are only ever added.

    `of_id`: the subscription, order or invoice. `giver_id`: the user who gives it under their name.
    """

    id: str
    of_id: str
    customer_id: str | None
    payment_id: str | None
    receivers: tuple[Receiver, ...]
    giver_id: int | None = None

    @property
    def renews(self) -> bool:
        """Whether it is a subscription."""
        return self.of_id.startswith("sub_")

    def had_by(self, at: datetime) -> int | None:
        """The receiver at a time, which is no earlier than the first one's."""
        last = self.receivers[0]
        # Those who follow are dated by when it was read: what happened before is not theirs.
        for one in self.receivers[1:]:
            last = one if one.since_at < at else last
        return last.user_id


MoneyObject = (
    Invoice
    | Order
    | Charge
    | Refund
    | Dispute
    | CreditNote
    | CreditMove
    | BalanceMove
    | Payout
    | ManualPayment
    | Gift
)
