"""The lines of an order, and how much of each was refunded (A107, A108)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from bridge.core.ledger.refunded_lines import (
    LineRefund,
    MoneyBack,
    PaidLine,
    refunds_of_lines,
)
from bridge.core.ledger.shares import share
from bridge.core.model.stripe import RefundDoubt, SoldPrice
from bridge.stripe_api.reader import Json, id_of, within

Notes = Mapping[str, Mapping[str, int]]
"""Refund id -> what it gives back of which lines of an invoice, as its credit note says."""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """A line of an order. `item_id`: of the subscription's item that it bills."""

    id: str
    sold: SoldPrice
    total_minor: int
    currency: str
    item_id: str | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """Everything that a payment paid for. `keys`: id of a line as Stripe names it -> line here."""

    lines: tuple[OrderLine, ...]
    keys: Mapping[str, str]
    notes: Notes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Refund:
    """A refund; `id` is empty where only the sum of all refunds is known."""

    id: str
    amount_minor: int
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Fate:
    """How much of a line was refunded."""

    refund: LineRefund
    doubt: RefundDoubt | None


def order_of_session(
    lines: Sequence[Json], invoiced: Sequence[Json] = (), notes: Notes | None = None
) -> Order:
    """The lines of a Checkout Session. `invoiced`: all lines of its invoice, if it has one.

    Only the invoice has the amount due at once, and credit notes name its lines.
    """
    if invoiced:
        order = order_of_invoice(invoiced, notes)
        keys = _matched(lines, order.lines)
        if len(keys) == len(lines):
            return replace(order, keys={**order.keys, **keys})
    sold = tuple(_of_session(line) for line in lines)
    return Order(sold, {line.id: line.id for line in sold})


def _matched(lines: Iterable[Json], invoiced: Iterable[OrderLine]) -> dict[str, str]:
    """Line of a session -> line of its invoice: the next that sells the same price."""
    left = list(invoiced)
    found = {}
    for line in lines:
        price_id = id_of(line["price"])
        same = next((one for one in left if one.sold.price_id == price_id), None)
        if same is not None:
            left.remove(same)
            found[line["id"]] = same.id
    return found


def _of_session(line: Json) -> OrderLine:
    product_id = id_of(within(line, "price", "product")) or ""
    is_once = within(line, "price", "type") != "recurring"
    sold = SoldPrice(id_of(line["price"]) or "", product_id, is_once)
    return OrderLine(line["id"], sold, int(line["amount_total"]), str(line["currency"]).lower())


def order_of_invoice(lines: Iterable[Json], notes: Notes | None = None) -> Order:
    """The lines of an invoice: one for each item of a subscription, with its prorations."""
    found: dict[str, OrderLine] = {}
    keys = {}
    for number, raw in enumerate(lines):
        item_id, line_id = item_of(raw), raw.get("id") or f"line {number}"
        sold = SoldPrice(line_price(raw) or "", line_product(raw) or "", is_once=item_id is None)
        key, total = item_id or line_id, line_total(raw)
        before = found.get(key)
        if before is not None:
            total += before.total_minor
            sold = before.sold if int(raw["amount"]) < 0 else sold
        found[key] = OrderLine(key, sold, total, str(raw.get("currency") or "").lower(), item_id)
        keys[line_id] = key
    return Order(tuple(found.values()), keys, notes or {})


def item_of(line: Json) -> str | None:
    """The item of a subscription that a line of an invoice bills."""
    details = within(line, "parent", "subscription_item_details", "subscription_item")
    return id_of(details or line.get("subscription_item"))


def items_bought_once(lines: Sequence[Json]) -> list[Json]:
    """The lines of an invoice that sell a price once: neither a subscription's nor a proration."""
    return [
        line
        for line in lines
        if _is_single_item(line) and line_price(line) and int(line.get("amount") or 0) >= 0
    ]


def _is_single_item(line: Json) -> bool:
    kind = within(line, "parent", "type")
    if kind is None:  # before 2025-03-31
        return line.get("type") == "invoiceitem" and not line.get("proration")
    return kind == "invoice_item_details" and not within(
        line, "parent", "invoice_item_details", "proration"
    )


def line_price(line: Json) -> str | None:
    """The price that a line of an invoice sells."""
    return id_of(within(line, "pricing", "price_details", "price") or line.get("price"))


def line_product(line: Json) -> str | None:
    """The product that a line of an invoice sells."""
    return id_of(
        within(line, "pricing", "price_details", "product")
        or within(line, "price", "product")
        or within(line, "plan", "product")
    )


def line_total(line: Json) -> int:
    """A line's cost, without discounts and with the taxes that its price does not include."""
    off = sum(int(each["amount"]) for each in line.get("discount_amounts") or ())
    added = sum(
        int(tax["amount"])
        for tax in line.get("taxes") or line.get("tax_amounts") or ()
        if tax.get("tax_behavior") == "exclusive" or tax.get("inclusive") is False
    )
    return int(line["amount"]) - off + added


# --- What was given back of each ------------------------------------------------------------------


def noted(note: Json, lines: Iterable[Json]) -> Notes:
    """A credit note's refund, line by line."""
    by_line: dict[str, int] = {}
    for line in lines:
        if line_id := id_of(line.get("invoice_line_item")):
            by_line[line_id] = by_line.get(line_id, 0) + line_total(line)
    total = int(note["total"])
    return {
        refund_id: dict(zip(by_line, _part(by_line, amount, total), strict=True))
        for refund_id, amount in _refunds_in(note).items()
    }


def _refunds_in(note: Json) -> dict[str, int]:
    """Refund id -> amount; an older note names a single one, without the amount."""
    amounts = {
        id_: int(each["amount_refunded"])
        for each in note.get("refunds") or ()
        if (id_ := id_of(each.get("refund")))
    }
    single = id_of(note.get("refund"))
    return amounts or ({single: int(note["total"])} if single else {})


def _part(by_line: Mapping[str, int], amount: int, total: int) -> list[int]:
    """A refund that is a part of its note is so much of each of its lines."""
    named = sum(by_line.values())
    return share(amount * named // total if total else 0, list(by_line.values()))


def fates(
    order: Order, currency: str, paid_minor: int, refunds: Sequence[Refund]
) -> dict[str, Fate]:
    """How much of each line was refunded, of an order that was paid in this currency."""
    totals = [max(0, line.total_minor) for line in order.lines]
    if any(line.currency != currency for line in order.lines):
        # Paid in the buyer's own currency.
        totals = share(paid_minor, totals)
    paid = [
        PaidLine(line.id, total, line.sold.price_id or line.id)
        for line, total in zip(order.lines, totals, strict=True)
    ]
    back = [MoneyBack(one.amount_minor, one.at, _of(order, one)) for one in refunds]
    found = refunds_of_lines(paid, paid_minor, back)
    sold = {line.id: line.sold for line in order.lines}
    return {id_: Fate(one, _doubt(one, sold)) for id_, one in found.items()}


def _of(order: Order, refund: Refund) -> dict[str, int]:
    found: dict[str, int] = {}
    for line_id, amount in order.notes.get(refund.id, {}).items():
        key = order.keys.get(line_id, line_id)
        found[key] = found.get(key, 0) + amount
    return found


def _doubt(one: LineRefund, sold: Mapping[str, SoldPrice]) -> RefundDoubt | None:
    if not one.may_be_of:
        return None
    lines = tuple(sold.get(id_, SoldPrice()) for id_ in one.may_be_of)
    return RefundDoubt(one.least_minor, one.most_minor, lines)
