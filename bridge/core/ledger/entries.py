"""The ledger: turns the objects that move money into lines of double entry. Pure.

Every entry is a function of its object and of those that the object refers to, so
the order of events cannot matter. Its lines add up to zero in each currency. An
entry never changes: what happens to an object later is another entry that names what it corrects.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bridge.core.ledger.book import Book, open_book
from bridge.core.ledger.gifts import gift_entries
from bridge.core.ledger.line import Ledger, Line
from bridge.core.ledger.moves import move_entry
from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditMove,
    CreditNote,
    Invoice,
    ManualPayment,
    MoneyObject,
)
from bridge.core.ledger.products import NatureOf
from bridge.core.ledger.sales import (
    charge_entry,
    credit_move_entry,
    credit_note_entries,
    invoice_entries,
    manual_entry,
)


def ledger(objects: Iterable[MoneyObject], nature_of: NatureOf) -> Ledger:
    """All lines of these objects; objects that they refer to must be among them."""
    found = sorted(objects, key=lambda one: one.id)
    book = open_book(found, nature_of)
    lines = [line for one in found for line in _entries(book, one)]
    lines += gift_entries(book, lines)
    lines.sort(key=lambda line: (line.at, line.id))
    return Ledger(tuple(lines), tuple(book.findings))


def _entries(book: Book, one: MoneyObject) -> Iterator[Line]:
    match one:
        case Invoice():
            yield from invoice_entries(book, one)
        case CreditNote():
            yield from credit_note_entries(book, one)
        case CreditMove():
            yield from credit_move_entry(one)
        case Charge():
            yield from charge_entry(book, one)
        case BalanceMove():
            yield from move_entry(book, one)
        case ManualPayment():
            yield from manual_entry(book, one)
        case _:  # orders, refunds, disputes, payouts and gifts are booked from other objects
            return
