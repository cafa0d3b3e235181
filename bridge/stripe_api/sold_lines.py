"""The lines of invoices, orders and credit notes for the ledger, in every shape since 2018.

Shipping is a line of its own: Stripe has its cost beside the lines.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.core.ledger.objects import SoldLine, Tax
from bridge.stripe_api.invoices import counted_name
from bridge.stripe_api.order_lines import item_of
from bridge.stripe_api.reader import Json, id_of, moment, within


def line_tax(raw: Json) -> Mapping[str, Json]:
    """The rates of an invoice whose lines name them by id only."""
    rates = raw.get("default_tax_rates") or ()
    return {rate["id"]: rate for rate in rates if isinstance(rate, Mapping)}


def sold_line(line: Json, rates: Mapping[str, Json]) -> SoldLine:
    """A line of an invoice or a credit note."""
    price = within(line, "pricing", "price_details") or {}
    off = line.get("discount_amounts") or ()
    return SoldLine(
        id=line["id"],
        what=counted_name(line),
        amount_minor=int(line["amount"]),
        discount_minor=sum(int(one["amount"]) for one in off),
        taxes=tuple(_taxes(line, rates)),
        product_id=id_of(price.get("product"))
        or id_of(within(line, "price", "product"))
        or id_of(within(line, "plan", "product")),
        price_id=id_of(price.get("price")) or id_of(line.get("price")) or id_of(line.get("plan")),
        quantity=int(line.get("quantity") or 1),
        item_id=item_of(line),
        of_line=id_of(line.get("invoice_line_item")),
        until_at=_until(line.get("period") or {}),
    )


def _until(period: Json) -> datetime | None:
    """The end of a line's time; a one-off line has a period that ends when it begins."""
    start, end = period.get("start"), period.get("end")
    return moment(end) if start and end and end > start else None


def _taxes(line: Json, rates: Mapping[str, Json]) -> list[Tax]:
    found = []
    for each in line.get("taxes") or ():
        rate = within(each, "tax_rate_details", "tax_rate")
        inclusive = each.get("tax_behavior") == "inclusive"
        found.append(_tax(int(each["amount"]), rate, rates, inclusive=inclusive))
    if found or line.get("taxes") is not None:
        return found
    return [
        _tax(int(each["amount"]), each.get("tax_rate"), rates, inclusive=bool(each["inclusive"]))
        for each in line.get("tax_amounts") or ()
    ]


def _tax(amount: int, rate: object, rates: Mapping[str, Json], *, inclusive: bool) -> Tax:
    known = rate if isinstance(rate, Mapping) else rates.get(str(rate), {})
    percentage = known.get("percentage")
    name = str(known.get("display_name") or "Tax")
    return Tax(
        amount_minor=amount,
        name=f"{name} {percentage} %" if percentage is not None else name,
        inclusive=inclusive,
        country=known.get("country") or None,
        percentage=None if percentage is None else str(percentage),
    )


def order_line(line: Json) -> SoldLine:
    """A line of a Checkout Session."""
    taxes = _rated(line)
    discount = int(line.get("amount_discount") or 0)
    added = sum(tax.amount_minor for tax in taxes if not tax.inclusive)
    if not taxes and int(line.get("amount_tax") or 0):
        total, tax = int(line["amount_total"]), int(line["amount_tax"])
        inclusive = int(line["amount_subtotal"]) - discount == total
        taxes, added = [Tax(tax, "Tax", inclusive)], 0 if inclusive else tax
    return SoldLine(
        id=line["id"],
        what=counted_name(line),
        amount_minor=int(line["amount_total"]) + discount - added,
        discount_minor=discount,
        taxes=tuple(taxes),
        product_id=id_of(within(line, "price", "product")),
        price_id=id_of(line.get("price")),
        quantity=int(line.get("quantity") or 1),
    )


def _rated(of: Json) -> list[Tax]:
    """The taxes on a session's line or on shipping, each with its whole rate."""
    return [
        _tax(
            int(each["amount"]),
            each.get("rate"),
            {},
            inclusive=bool(within(each, "rate", "inclusive")),
        )
        for each in of.get("taxes") or ()
    ]


def shipping(raw: Json, of_document: str | None = None) -> list[SoldLine]:
    """A document's cost of shipping; nothing if it was free.

    `of_document`: the invoice that a credit note is of.
    """
    cost = raw.get("shipping_cost") or {}
    # Before 2022-08-01 a session had only the sum.
    total = int(cost.get("amount_total") or within(raw, "total_details", "amount_shipping") or 0)
    price = int(cost.get("amount_subtotal") or total)
    if not price:
        return []
    taxes = [one for one in _rated(cost) if one.amount_minor]
    tax = int(cost.get("amount_tax") or 0)
    if not taxes and tax:
        taxes = [Tax(tax, "Tax", inclusive=price == total)]
    added = sum(one.amount_minor for one in taxes if not one.inclusive)
    discount = max(0, price + added - total)
    return [
        SoldLine(
            id=f"{raw['id']}:shipping",
            what="Shipping",
            amount_minor=total - added + discount,
            discount_minor=discount,
            taxes=tuple(taxes),
            of_line=f"{of_document}:shipping" if of_document else None,
            is_shipping=True,
        )
    ]


def is_shipping_told(raw: Json) -> bool:
    """Whether the taxes on shipping are there, if any; Stripe returns them only on request."""
    cost = raw.get("shipping_cost") or {}
    return not cost.get("amount_tax") or bool(cost.get("taxes"))
