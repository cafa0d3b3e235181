"""Entries for movements on the Stripe account: payments, refunds, disputes, fees, payouts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from bridge.core.ledger.book import FAILED_REFUNDS, Book, invoice_of, sale_of
from bridge.core.ledger.given_back import lines_given_back
from bridge.core.ledger.line import (
    BANK,
    CONVERSION,
    DISPUTES,
    FEES,
    RECEIVABLE,
    STRIPE,
    SUSPENSE,
    Finding,
    Line,
    LineKind,
    numbered,
    turned,
)
from bridge.core.ledger.objects import BalanceMove, Charge, Refund
from bridge.core.ledger.sales import sold_lines
from bridge.core.ledger.shares import total_of

# What each type of balance transaction is, and its opposite account, as Stripe's page on
# "balance transaction types" lists them.
_CHARGES = frozenset({"charge", "payment"})
_REFUNDS = frozenset({"refund", "payment_refund"}) | FAILED_REFUNDS
_AGAINST: Mapping[str, tuple[LineKind, str]] = {
    "stripe_fee": ("fee", FEES),
    "stripe_fx_fee": ("fee", FEES),
    "tax_fee": ("fee", FEES),
    "network_cost": ("fee", FEES),
    "payout": ("payout", BANK),
    "payout_cancel": ("payout", BANK),
    "payout_failure": ("payout", BANK),
    "topup": ("payout", BANK),
    "topup_reversal": ("payout", BANK),
}
_NOT_KNOWN: tuple[LineKind, str] = ("unexplained", SUSPENSE)


def move_entry(book: Book, one: BalanceMove) -> Iterator[Line]:
    """The entry of a balance transaction; none while something that it refers to is missing."""
    base = Line("", one.id, "payment", STRIPE, one.at, 0, one.currency, one.what)
    base = replace(base, source_id=one.source_id)
    if one.type in _CHARGES:
        lines = _payment(book, one, base)
    elif one.type in _REFUNDS:
        lines = _refund(book, one, base)
    elif (one.source_id or "").startswith(("dp_", "du_")):
        lines = _dispute(book, one, base)
    else:
        lines = _other_move(book, one, base)
    if lines is not None:
        yield from numbered(_with_fee(one, base, lines))


def _with_fee(one: BalanceMove, base: Line, lines: Iterable[Line]) -> Iterator[Line]:
    found = list(lines)
    first = replace(found[0] if found else base, product_id=None, price_id=None, rule_id=None)
    first = replace(first, fund=None, quantity=None, rate=None, base_minor=None)
    if one.net_minor:
        yield replace(first, account=STRIPE, currency=one.currency, amount_minor=one.net_minor)
    if one.fee_minor:
        fee = replace(first, kind="fee", account=FEES, currency=one.currency)
        yield replace(fee, amount_minor=one.fee_minor, what="Stripe's fee")
    yield from found


def _payment(book: Book, one: BalanceMove, base: Line) -> list[Line] | None:
    charge = book.charges.get(one.source_id or "")
    if charge is None:
        _missing(book, one, "the charge")
        return None
    invoice = invoice_of(book, charge)
    of = replace(base, customer_id=charge.customer_id, payment_id=charge.payment_id)
    of = replace(of, invoice_id=invoice.id if invoice else None, what=charge.what)
    of = replace(of, method=charge.method)
    return list(_settled(of, RECEIVABLE, -charge.amount_minor, charge.currency, one))


def _refund(book: Book, one: BalanceMove, base: Line) -> list[Line] | None:
    """A refund to a customer, or its return when it failed, against what was sold."""
    refund = book.refunds.get(one.source_id or "")
    charge = book.charges.get(refund.charge_id) if refund else None
    if refund is None or charge is None:
        _missing(book, one, "the refund or its charge")
        return None
    invoice = invoice_of(book, charge)
    of = replace(base, kind="refund", customer_id=charge.customer_id)
    of = replace(of, payment_id=charge.payment_id, invoice_id=invoice.id if invoice else None)
    of = replace(of, what="Refund", corrects=charge.id, method=charge.method)
    # A failed refund returns to the balance with all signs reversed.
    amount = refund.amount_minor if one.amount_minor < 0 else -refund.amount_minor
    if refund.id in book.note_of_refund:
        return list(_settled(of, RECEIVABLE, amount, refund.currency, one))
    failed_at = one.at if amount < 0 else None
    sold_at = (invoice.finalized_at if invoice else None) or charge.at
    back = lines_given_back(book, charge, refund, failed_at)
    taken = [
        replace(line, kind=line.kind if line.kind == "tax" else "refund")
        for part in back
        for line in sold_lines(book, part, replace(of, currency=refund.currency), sold_at)
    ]
    lines = [turned(line) for line in taken]
    if rest := amount - total_of(back):
        lines.append(_of_no_line(book, refund, charge, rest, of))
    return [*lines, *_converted(of, amount, refund.currency, one)]


def _of_no_line(book: Book, refund: Refund, charge: Charge, rest: int, of: Line) -> Line:
    """The part that belongs to no sold line: booked apart, and reported."""
    paid = sum(one.amount_minor for one in book.charges_of[sale_of(book, charge)])
    made = [one for one in book.refunds_of[charge.id] if one.id not in book.failed_at]
    back = sum(one.amount_minor for one in made)
    if back > paid:
        says = f"{back} {refund.currency.upper()} was refunded of {paid}"
        book.findings.append(Finding("refund_above_payment", (refund.id, charge.id), says))
    unexplained = replace(of, kind="unexplained", account=SUSPENSE, currency=refund.currency)
    return replace(unexplained, amount_minor=rest, what="Refund of what no line tells")


def _dispute(book: Book, one: BalanceMove, base: Line) -> list[Line] | None:
    charge = book.charges.get(book.charge_of_dispute.get(one.source_id or "", ""))
    if charge is None:
        _missing(book, one, "the dispute or its charge")
        return None
    of = replace(base, customer_id=charge.customer_id, payment_id=charge.payment_id)
    of = replace(of, method=charge.method)
    of = replace(of, corrects=charge.id, account=DISPUTES, amount_minor=-one.amount_minor)
    return [replace(of, kind="dispute" if one.amount_minor < 0 else "dispute_returned")]


def _other_move(book: Book, one: BalanceMove, base: Line) -> list[Line]:
    kind, account = _AGAINST.get(one.type, _NOT_KNOWN)
    if account == SUSPENSE:
        says = f"balance transactions of type {one.type} are not known"
        book.findings.append(Finding("type_not_known", (one.id,), says))
    moved = replace(base, kind=kind, account=account, amount_minor=-one.amount_minor)
    return [moved] if one.amount_minor else []


def _missing(book: Book, one: BalanceMove, what: str) -> None:
    """Nothing is booked from incomplete data, because an entry is never changed afterwards."""
    ids = tuple(filter(None, (one.id, one.source_id)))
    book.findings.append(Finding("reference_missing", ids, f"{what} is not known yet"))


def _settled(
    of: Line, account: str, amount: int, currency: str, one: BalanceMove
) -> Iterator[Line]:
    """A side in the currency that the customer saw, and the conversion into the settled one."""
    if amount:
        yield replace(of, account=account, currency=currency, amount_minor=amount)
    yield from _converted(of, amount, currency, one)


def _converted(of: Line, amount: int, currency: str, one: BalanceMove) -> Iterator[Line]:
    """Both sides of a conversion, each in its currency; empty if nothing was converted."""
    if currency == one.currency:
        return
    rate = f" at {one.exchange_rate}" if one.exchange_rate else ""
    both = replace(of, kind="conversion", account=CONVERSION, what=f"Conversion{rate}")
    yield replace(both, currency=currency, amount_minor=-amount)
    yield replace(both, currency=one.currency, amount_minor=-one.amount_minor)
