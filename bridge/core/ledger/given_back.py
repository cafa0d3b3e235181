"""What refunds and credit notes give back of a sale, as lines: the books' side of A107.

Rights use the same function (`refunded_lines`). An entry books how a refund changed what was
refunded before it. So no later refund changes an entry, and a failed one leaves the books as if it
had never existed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bridge.core.ledger.book import Book, bought_by, invoice_of, sale_of
from bridge.core.ledger.objects import Charge, CreditNote, Invoice, Refund, SoldLine
from bridge.core.ledger.refunded_lines import REST, MoneyBack, PaidLine, parts_of_refunds
from bridge.core.ledger.shares import scaled, share, total_of

_Sums = Mapping[str, int]  # a line's key, or REST -> how much of it was refunded


def lines_given_back(
    book: Book, charge: Charge, refund: Refund, failed_at: datetime | None = None
) -> list[SoldLine]:
    """The parts of a sale that a refund takes back; a failure at `failed_at` returns them.

    Money that belongs to no line is left out: more than was paid, or than the lines add up to.
    """
    at = failed_at or refund.at
    paid = [one for one in book.charges_of[sale_of(book, charge)] if one.at <= at]
    others = [one for one in _standing(book, paid, (at, refund.id)) if one.id != refund.id]
    both = sorted([*others, refund], key=_made)
    before, after = (both, others) if failed_at else (others, both)
    sold, whole = sold_by(book, charge), sum(one.amount_minor for one in paid)
    stood, stands = (
        _sums(parts_of_refunds(_paid_lines(sold), whole, [_back(book, one) for one in refunds]))
        for refunds in (before, after)
    )
    invoice = invoice_of(book, charge)
    is_told = invoice is None or total_of(sold) >= invoice.total_minor
    return _grown(sold, stood, stands, is_told=is_told)


def lines_of_note(book: Book, note: CreditNote, invoice: Invoice) -> list[SoldLine]:
    """The lines that a credit note reduces; amounts without a line are divided like refunds."""
    of = {line.id: line for line in invoice.lines}
    named = [_sold_as(of[line.of_line], line) for line in note.lines if line.of_line in of]
    rest = note.total_minor - total_of(named)
    if rest <= 0:
        return named
    stood_before = _standing(book, book.charges_of.get(invoice.id, ()), (note.at, note.id))
    told = [_back(book, one) for one in stood_before]
    told.append(MoneyBack(total_of(named), note.at, _by_key(named)))
    lines = _paid_lines(invoice.lines)
    stood = parts_of_refunds(lines, invoice.total_minor, told)
    stands = parts_of_refunds(lines, invoice.total_minor, [*told, MoneyBack(rest, note.at)])
    return [*named, *_grown(invoice.lines, _sums(stood), _sums(stands))]


def sold_by(book: Book, charge: Charge) -> Sequence[SoldLine]:
    """The lines of the sale that a charge paid."""
    invoice = invoice_of(book, charge)
    return invoice.lines if invoice else bought_by(book, charge)


def _made(one: Refund) -> tuple[datetime, str]:
    return one.at, one.id


def _standing(book: Book, charges: Iterable[Charge], before: tuple[datetime, str]) -> list[Refund]:
    """Refunds of charges that were made before, less those that had failed before: time and id."""
    made = (one for charge in charges for one in book.refunds_of.get(charge.id, ()))
    found = [
        one for one in made if _made(one) < before and not _had_failed_before(book, one, before)
    ]
    return sorted(found, key=_made)


def _had_failed_before(book: Book, one: Refund, before: tuple[datetime, str]) -> bool:
    failed_at = book.failed_at.get(one.id)
    return failed_at is not None and (failed_at, one.id) < before


def _back(book: Book, refund: Refund) -> MoneyBack:
    """A refund, with the lines that its credit note names; of a note it may be a part."""
    note = book.note_of_refund.get(refund.id)
    invoice = book.invoices.get(note.invoice_id) if note else None
    if note is None or invoice is None:
        return MoneyBack(refund.amount_minor, refund.at)
    of = {line.id: line for line in invoice.lines}
    named = _by_key(_sold_as(of[one.of_line], one) for one in note.lines if one.of_line in of)
    whole = refund.amount_minor * sum(named.values())
    parts = share(whole // note.total_minor if note.total_minor else 0, list(named.values()))
    return MoneyBack(refund.amount_minor, refund.at, dict(zip(named, parts, strict=True)))


def _sold_as(sold: SoldLine, note_line: SoldLine) -> SoldLine:
    """A line of a credit note, which does not say what it was that it takes back."""
    whole = note_line.total_minor == sold.total_minor
    return replace(
        note_line,
        what=sold.what,
        product_id=sold.product_id,
        price_id=sold.price_id,
        item_id=sold.item_id,
        quantity=sold.quantity if whole else 0,
    )


def _key(line: SoldLine) -> str:
    """Lines of one item of a subscription, as its prorations, are refunded as one."""
    return line.item_id or line.of_line or line.id


def _by_key(lines: Iterable[SoldLine]) -> dict[str, int]:
    found: dict[str, int] = {}
    for line in lines:
        found[_key(line)] = found.get(_key(line), 0) + line.total_minor
    return found


def _paid_lines(sold: Sequence[SoldLine]) -> list[PaidLine]:
    prices = {_key(line): line.price_id for line in reversed(sold) if line.amount_minor >= 0}
    return [
        PaidLine(key, max(0, total), prices.get(key) or key) for key, total in _by_key(sold).items()
    ]


def _sums(parts: Iterable[Mapping[str, int]]) -> _Sums:
    found: dict[str, int] = {}
    for each in parts:
        for key, amount in each.items():
            found[key] = found.get(key, 0) + amount
    return found


def _grown(
    sold: Sequence[SoldLine], stood: _Sums, stands: _Sums, *, is_told: bool = True
) -> list[SoldLine]:
    """How much more was refunded, line by line; pieces are returned with the last refund.

    `is_told`: the lines say what all the money was for. Then all lines share the rest, such as
    a balance owed from before.
    """
    totals, parts = _by_key(sold), [0] * len(sold)
    for key in totals:
        mine = [n for n, line in enumerate(sold) if _key(line) == key]
        grown = stands.get(key, 0) - stood.get(key, 0)
        for n, part in zip(mine, share(grown, [sold[n].total_minor for n in mine]), strict=True):
            parts[n] += part
    rest = stands.get(REST, 0) - stood.get(REST, 0)
    if rest and is_told:
        of = [max(0, line.total_minor) for line in sold]
        parts = [part + more for part, more in zip(parts, share(rest, of) or parts, strict=True)]
    return [
        scaled(line, part, _pieces(line, totals[_key(line)], stood, stands))
        for line, part in zip(sold, parts, strict=True)
        if part
    ]


def _pieces(line: SoldLine, total: int, stood: _Sums, stands: _Sums) -> int:
    was_whole, is_whole = (sums.get(_key(line), 0) >= total for sums in (stood, stands))
    return line.quantity * (is_whole - was_whole)
