"""A line of money: one movement, written once and never edited."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.rules.values import Kind

MoneyKind = Literal["paid", "refunded", "disputed", "dispute_returned", "dispute_lost", "credited"]


@dataclass(frozen=True, slots=True)
class MoneyPart:
    """A part of an invoice of several lines: a line, or a tax. A credit is negative.

    `kind`, `fund` and `count`: of a payment by hand, where no mapping rule says them.
    """

    what: str
    amount_minor: int
    kind: Kind | None = None
    fund: str | None = None
    count: int = 1


@dataclass(frozen=True, slots=True)
class MoneyLine:
    """One movement of money, never edited: a payment, a refund, a dispute, how it was decided.

    `credited` is no money: it is credit given on the customer's balance, or taken from it again.

    `id` is the Stripe object's (`in_…`, `ch_…`, `re_…`, `dp_…`; `:line` where one has several), so
    that recording it twice is recording it once. Amounts are signed from the community's side: a
    payment is positive, a refund negative. `from_credit_minor` was paid from the customer's
    balance, not by card. `discount_minor` was taken off before, so that the price was
    `gross_minor`; `parts` add up to that, where there are several. `is_first`: what was bought
    began with this payment; it is no renewal. A payment outside of Stripe has no customer: it has
    its user, how it was paid, who says so, and the number of its receipt; those recorded before
    receipts were numbered have none.
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
    receipt_number: str | None = None
    discount_minor: int = 0
    parts: tuple[MoneyPart, ...] = ()

    @property
    def shown_parts(self) -> tuple[MoneyPart, ...]:
        """The parts, if they say more than the line."""
        return self.parts if len(self.parts) > 1 else ()

    @property
    def gross_minor(self) -> int:
        """The price before discounts."""
        return self.amount_minor + self.discount_minor

    @property
    def charged_minor(self) -> int:
        """The amount paid besides the credit."""
        return self.amount_minor - self.from_credit_minor


@dataclass(frozen=True, slots=True)
class GiftLine:
    """A gift that somebody gave or received, as the books have it; no money moved with it.

    `person`: the other one's name on the forum; None if they stay anonymous. `is_taken_back`: it
    was refunded, wholly or in part, or became somebody else's.
    """

    id: str
    kind: Literal["gift_given", "gift_received"]
    at: datetime
    amount_minor: int
    currency: str
    product_id: str | None = None
    person: str | None = None
    is_taken_back: bool = False
    what: str = ""


@dataclass(frozen=True, slots=True)
class SharesByHand:
    """How many shares of a sale somebody holds more, or fewer, because of moderators' acts.

    `source_id`: the sale, or the act that issued them; `payment_id`: the sale's, if it has one.
    """

    share_class: str
    source_id: str
    count: int
    payment_id: str | None = None


@dataclass(frozen=True, slots=True)
class Booked:
    """What the books add to a member's statement. `code` proves later what they contained."""

    code: str | None = None
    gifts: tuple[GiftLine, ...] = ()
    shares: tuple[SharesByHand, ...] = ()
