"""Sums over the ledger's lines for treasurers. Currencies are never summed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from bridge.core.ledger.line import CONVERSION, FEES, GIFTS, STRIPE, TAX, Line
from bridge.core.ledger.objects import BalanceMove, Payout


@dataclass(frozen=True, slots=True, order=True)
class FeeRow:
    """The cost of one payment method: payments and their fees, both in the settled currency."""

    method: str
    currency: str
    payments: int
    settled_minor: int
    fees_minor: int


@dataclass(frozen=True, slots=True, order=True)
class TaxRow:
    """The tax of a country and rate in a month: the net amounts it is on, and the tax."""

    month: str
    country: str
    rate: str
    currency: str
    net_minor: int
    tax_minor: int


@dataclass(frozen=True, slots=True, order=True)
class GiftRow:
    """Somebody's donations in a year. `giver`: a user as `id:12`, or a customer without a user."""

    year: int
    giver: str
    fund: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True, order=True)
class FundRow:
    """What came in for a fund or campaign, by account of the books."""

    fund: str
    account: str
    currency: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class ConversionRow:
    """Money as the customer saw it, and as Stripe settled it: side by side, never summed (A70)."""

    entry_id: str
    at: datetime
    payment_id: str
    presented_minor: int
    presented_currency: str
    settled_minor: int
    settled_currency: str
    conversion: str


@dataclass(frozen=True, slots=True)
class PayoutRow:
    """A payout and its parts; the parts do not explain `difference_minor`."""

    id: str
    arrives_on: str
    status: str
    currency: str
    amount_minor: int
    charges_minor: int
    refunds_minor: int
    disputes_minor: int
    fees_minor: int
    other_minor: int
    difference_minor: int


def fees_by_method(lines: Iterable[Line]) -> list[FeeRow]:
    """The cost of each payment method (A85); fees without a payment are under `account`."""
    payments: dict[tuple[str, str], list[int]] = {}
    for line in lines:
        if line.account not in (FEES, STRIPE) or line.kind not in ("payment", "fee"):
            continue
        row = payments.setdefault((line.method or "account", line.currency), [0, 0, 0])
        if line.account == FEES:
            row[2] += line.amount_minor
        elif line.kind == "payment":
            row[0] += 1
        if line.account == STRIPE or line.kind == "fee":
            row[1] += line.amount_minor
    return sorted(FeeRow(*key, *row) for key, row in payments.items())


def taxes(lines: Iterable[Line]) -> list[TaxRow]:
    """Tax owed by month, country and rate, as Stripe computed it (A71)."""
    sums: dict[tuple[str, str, str, str], list[int]] = {}
    for line in lines:
        if not line.account.startswith(TAX):
            continue
        country = line.account.removeprefix(TAX).strip(":").upper()
        key = f"{line.at:%Y-%m}", country, line.rate or "", line.currency
        row = sums.setdefault(key, [0, 0])
        row[0] -= line.base_minor or 0
        row[1] -= line.amount_minor
    return sorted(TaxRow(*key, *row) for key, row in sums.items())


def donations(lines: Iterable[Line], giver: Callable[[Line], str]) -> list[GiftRow]:
    """Each person's donations in each year, less refunds; also those given for others."""
    sums: dict[tuple[int, str, str, str], int] = {}
    for line in lines:
        if line.account == "income:donation" and line.kind not in GIFTS:
            key = line.at.year, giver(line), line.fund or "", line.currency
            sums[key] = sums.get(key, 0) - line.amount_minor
    return sorted(GiftRow(*key, amount) for key, amount in sums.items() if amount)


def by_fund(lines: Iterable[Line]) -> list[FundRow]:
    """What came in for each fund (A57), less discounts and refunds."""
    sums: dict[tuple[str, str, str], int] = {}
    for line in lines:
        if line.fund and not line.account.startswith(TAX):
            key = line.fund, line.account, line.currency
            sums[key] = sums.get(key, 0) - line.amount_minor
    return sorted(FundRow(*key, amount) for key, amount in sums.items() if amount)


def conversions(lines: Iterable[Line]) -> Iterator[ConversionRow]:
    """Each conversion, in the order of the lines; a refund is negative on both sides."""
    converted = (line for line in lines if line.account == CONVERSION)
    for entry_id, both in groupby(converted, lambda line: line.entry_id):
        presented, settled = both
        yield ConversionRow(
            entry_id=entry_id,
            at=presented.at,
            payment_id=presented.payment_id or "",
            presented_minor=presented.amount_minor,
            presented_currency=presented.currency,
            settled_minor=-settled.amount_minor,
            settled_currency=settled.currency,
            conversion=presented.what,
        )


_PARTS: Mapping[str, str] = {
    "charge": "charges",
    "payment": "charges",
    "refund": "refunds",
    "payment_refund": "refunds",
    "refund_failure": "refunds",
    "payment_failure_refund": "refunds",
    "adjustment": "disputes",
}


def payout_row(payout: Payout, moves: Iterable[BalanceMove]) -> PayoutRow:
    """A payout beside the sum of its parts (A74)."""
    sums = {"charges": 0, "refunds": 0, "disputes": 0, "other": 0}
    fees = 0
    for move in moves:
        sums[_PARTS.get(move.type, "other")] += move.amount_minor
        fees += move.fee_minor
    explained = sum(sums.values()) - fees
    return PayoutRow(
        id=payout.id,
        arrives_on=f"{payout.arrives_at:%Y-%m-%d}",
        status=payout.status,
        currency=payout.currency,
        amount_minor=payout.amount_minor,
        charges_minor=sums["charges"],
        refunds_minor=sums["refunds"],
        disputes_minor=sums["disputes"],
        fees_minor=-fees,
        other_minor=sums["other"],
        difference_minor=payout.amount_minor - explained if payout.automatic else 0,
    )
