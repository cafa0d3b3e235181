"""A line of the ledger, its accounts, and findings. Plain data.

Signs are those of bookkeeping: a debit is positive. Sales, taxes and credit are negative, money on
the Stripe account or in the bank is positive.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

LineKind = Literal[
    "sale",
    "discount",
    "tax",
    "credit",
    "payment",
    "refund",
    "dispute",
    "dispute_returned",
    "fee",
    "conversion",
    "payout",
    "write_off",
    "manual",
    "gift_given",
    "gift_received",
    "unexplained",
]
GIFTS = frozenset[LineKind]({"gift_given", "gift_received"})
"""No money moves in these: what somebody paid for becomes somebody else's."""

RECEIVABLE = "assets:receivable"
STRIPE = "assets:stripe"
BANK = "assets:bank"
OUTSIDE = "assets:outside-stripe"
CREDIT = "liabilities:customer-credit"
TAX = "liabilities:tax"
DISCOUNTS = "income:discounts"
FEES = "expenses:fees"
DISPUTES = "expenses:disputes"
WRITTEN_OFF = "expenses:written-off"
CREDIT_GIVEN = "expenses:credit-given"
CONVERSION = "equity:conversion"
SUSPENSE = "equity:suspense"


@dataclass(frozen=True, slots=True)
class Line:
    """One side of an entry. `rule_id` names the mapping rule that gave the kind of sale.

    A gift that was received names its receiver as the user, and its payer as the customer unless
    they stay anonymous.
    `quantity`: of a sale. `method`: how the payment behind it was made. `rate` and `base_minor`: of
    a tax, its percentage and the net amount that it is on, signed as the tax.
    """

    id: str
    entry_id: str
    kind: LineKind
    account: str
    at: datetime
    amount_minor: int
    currency: str
    what: str
    customer_id: str | None = None
    user_id: int | None = None
    product_id: str | None = None
    price_id: str | None = None
    fund: str | None = None
    rule_id: str | None = None
    invoice_id: str | None = None
    payment_id: str | None = None
    source_id: str | None = None
    corrects: str | None = None
    quantity: int | None = None
    method: str | None = None
    rate: str | None = None
    base_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding: something that does not add up or is not understood, with its ids."""

    code: str
    ids: tuple[str, ...]
    says: str


@dataclass(frozen=True, slots=True)
class Ledger:
    """Lines in order of time and id, and the findings."""

    lines: tuple[Line, ...]
    findings: tuple[Finding, ...]


def pair(
    base: Line, account: str, amount: int, what: str, against: str = RECEIVABLE
) -> Iterator[Line]:
    """Two lines that cancel out; no lines for an amount of zero."""
    if amount:
        one = replace(base, what=what, account=account, amount_minor=amount)
        yield from numbered([one, replace(one, account=against, amount_minor=-amount)])


def entry_of(line_id: str) -> str:
    """The entry to which a line belongs."""
    return line_id.rpartition("#")[0]


def numbered(lines: Iterable[Line]) -> list[Line]:
    """The lines of one entry, each with its id."""
    return [replace(line, id=f"{line.entry_id}#{n}") for n, line in enumerate(lines, 1)]


def turned(line: Line) -> Line:
    """The same line with every amount on the other side."""
    return replace(
        line,
        amount_minor=-line.amount_minor,
        quantity=None if line.quantity is None else -line.quantity,
        base_minor=None if line.base_minor is None else -line.base_minor,
    )


def opposite(lines: Iterable[Line]) -> Iterator[Line]:
    """The same lines the other way round."""
    for line in lines:
        yield turned(line)


def reverse(lines: Iterable[Line], entry_id: str, at: datetime) -> list[Line]:
    """The same lines the other way round, at another time, each naming the line it takes back."""
    return numbered(
        replace(turned(line), entry_id=entry_id, at=at, corrects=line.id) for line in lines
    )
