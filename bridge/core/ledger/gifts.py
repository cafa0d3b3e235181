"""Entries of gifts: what a sale booked passes from its payer to who received it.

Beside each entry of a gift's sale, also of its refunds, stands an entry of its own: on the account
of the sale, what the payer gives and what the receiver gets cancel out, so no sum changes. A gift
is given when it is paid, or when it is accepted, whichever is later.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import groupby

from bridge.core.ledger.book import Book
from bridge.core.ledger.line import DISCOUNTS, Line, numbered
from bridge.core.ledger.objects import Gift, Receiver

_OF_A_SALE = frozenset({"sale", "discount", "tax", "refund"})


def gift_entries(book: Book, lines: Sequence[Line]) -> list[Line]:
    """The entries of all gifts, made from the entries of what was sold and given back."""
    if not book.gifts:
        return []
    paid = _paid_gifts(book)
    booked: dict[str, list[Line]] = {}
    for line in lines:
        sale = line.invoice_id or line.payment_id or ""
        if sale in paid and line.kind in _OF_A_SALE and not line.account.startswith("assets:"):
            booked.setdefault(sale, []).append(line)
    return [line for sale, of in booked.items() for line in _of_sale(*paid[sale], of)]


def noted(known: Gift | None, begun: Gift, receiver_id: int | None, now: datetime) -> Gift | None:
    """A gift after it was read; None where nothing is new.

    `begun`: as it is recorded if it was not known before. `receiver_id`: who has it now.
    """
    if known is None:
        return begun if receiver_id is not None else None
    if known.receivers[-1].user_id == receiver_id:
        return None
    return replace(known, receivers=(*known.receivers, Receiver(receiver_id, now)))


def _paid_gifts(book: Book) -> dict[str, tuple[Gift, datetime | None]]:
    """Invoice or payment -> the gift that it paid, and when it did if its entries do not tell."""
    gifts = {id_: one for one in book.gifts for id_ in (one.payment_id, one.of_id) if id_}
    found: dict[str, tuple[Gift, datetime | None]] = {
        charge.payment_id: (gifts[charge.payment_id], None)
        for charge in book.charges.values()
        if charge.payment_id in gifts
    }
    for one in book.invoices.values():
        paid_for = [one.subscription_id, one.id, *(paid.payment_id for paid in one.payments)]
        gift = next((gifts[id_] for id_ in paid_for if id_ in gifts), None)
        if gift and one.status == "paid" and one.paid_at:
            found[one.id] = gift, one.paid_at
    return found


_Product = tuple[str | None, str | None, str]  # with its price and currency


@dataclass(frozen=True, slots=True)
class _Part:
    """One product's part of an entry: what was paid for it with taxes, and how many pieces."""

    line: Line
    amount_minor: int = 0
    pieces: int = 0


_Parts = Mapping[_Product, _Part]


def _of_sale(gift: Gift, paid_at: datetime | None, lines: Iterable[Line]) -> Iterator[Line]:
    """The entries of one sale that was a gift, from the lines of all its entries.

    What was paid once passes on with its gift. A period of a subscription stays with whoever had
    the gift when it was paid.
    """
    entries = [list(of) for _, of in groupby(lines, key=lambda line: line.entry_id)]
    sold = next(of for of in entries if any(line.kind == "sale" for line in of))
    given_at = max(paid_at or sold[0].at, gift.receivers[0].since_at)
    first = f"{sold[0].entry_id}:gift"
    for of in entries:
        at, entry_id, parts = max(of[0].at, given_at), f"{of[0].entry_id}:gift", _parts(of)
        has_it = gift.had_by(given_at if gift.renews else at)
        made = [(at, entry_id, _lines(gift, has_it, parts))]
        for number, to in enumerate(() if gift.renews else gift.receivers[1:], 1):
            if to.since_at >= at:
                passed = [*_lines(gift, has_it, parts, -1), *_lines(gift, to.user_id, parts)]
                made.append((to.since_at, f"{entry_id}:{number}", passed))
                has_it = to.user_id
        for when, id_, its in made:
            corrects = None if id_ == first else first
            yield from numbered(
                replace(line, entry_id=id_, at=when, corrects=corrects) for line in its
            )


def _parts(entry: Iterable[Line]) -> _Parts:
    """What an entry of a sale says of each product."""
    found: dict[_Product, _Part] = {}
    for line in entry:
        product = line.product_id, line.price_id, line.currency
        part = found.get(product) or _Part(line)
        of_sale = line if part.line.account == DISCOUNTS or part.line.kind == "tax" else part.line
        pieces = part.pieces + (line.quantity or 0 if line.kind in ("sale", "refund") else 0)
        found[product] = _Part(of_sale, part.amount_minor - line.amount_minor, pieces)
    return found


def _lines(gift: Gift, user_id: int | None, parts: _Parts, sign: int = 1) -> list[Line]:
    """Both sides of each part; none for nothing, and none while the payer has it."""
    made: list[Line] = []
    for part in parts.values():
        amount, pieces = sign * part.amount_minor, sign * part.pieces
        if user_id is None or not amount:
            continue
        line = replace(part.line, user_id=None, fund=None, rule_id=None, method=None)
        line = replace(line, rate=None, base_minor=None)
        given = replace(line, kind="gift_given", amount_minor=amount, quantity=-pieces)
        received = replace(line, kind="gift_received", amount_minor=-amount, quantity=pieces)
        giver = f" from id:{gift.giver_id}" if gift.giver_id else ""
        payer = line.customer_id if gift.giver_id else None
        made += [
            replace(given, what=f"Gift to id:{user_id}: {line.what}"),
            replace(received, user_id=user_id, customer_id=payer, what=f"Gift{giver}: {line.what}"),
        ]
    return made
