"""The lines of an invoice and what they add up to: discounts, taxes, totals."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.catalog import amount_of
from bridge.sandbox.stripe.discounts import coupon_of
from bridge.sandbox.stripe.redeeming import amount_off, reduces
from bridge.sandbox.stripe.shapes import Obj

DECIMALS = {"jpy": 0, "krw": 0, "vnd": 0, "clp": 0, "bhd": 3, "kwd": 3, "tnd": 3}


def price_line(account: Account, price: Obj, quantity: int, **more: Any) -> Obj:
    """A line that sells a price."""
    amount = amount_of(price, quantity)
    return line(account, amount, price["currency"], price=price, quantity=quantity, **more)


def line(account: Account, amount: int, currency: str, **more: Any) -> Obj:
    """A line of an invoice that is yet to be put on one.

    `more`: price, quantity, period, description, parent, metadata, tax_rates.
    """
    price, quantity = more.get("price"), more.get("quantity") or 1
    made = account.new("line_item")
    account.drop(made)  # lines exist only on their invoice
    made.update(
        amount=amount,
        subtotal=amount,
        currency=currency,
        quantity=quantity,
        quantity_decimal=str(quantity),
        description=more.get("description") or _description(account, price, quantity),
        period=more.get("period") or {"start": account.now, "end": account.now},
        parent=more.get("parent"),
        metadata=more.get("metadata") or {},
        pricing=_pricing(price, amount, quantity),
    )
    made["_tax_rates"] = list(more.get("tax_rates") or ())
    made["subscription"] = _subscription_in(made["parent"])
    return made


def _pricing(price: Obj | None, amount: int, quantity: int) -> Obj:
    if price is None:
        unit = amount if quantity == 1 else amount / quantity
        return {"type": "price_details", "price_details": None, "unit_amount_decimal": f"{unit:g}"}
    return {
        "type": "price_details",
        "price_details": {"price": price["id"], "product": price["product"]},
        "unit_amount_decimal": price["unit_amount_decimal"],
    }


def _subscription_in(parent: Obj | None) -> str | None:
    details = (parent or {}).get((parent or {}).get("type", "")) or {}
    found: str | None = details.get("subscription")
    return found


def _description(account: Account, price: Obj | None, quantity: int) -> str | None:
    if price is None:
        return None
    product = account.tables["product"].get(price["product"], {"name": "?"})
    text = f"{quantity} \u00d7 {product['name']}"
    if not price["recurring"]:
        return text
    every = price["recurring"]["interval"]
    if (count := price["recurring"]["interval_count"]) > 1:
        every = f"every {count} {every}s"
    return f"{text} (at {money(price['unit_amount'] or 0, price['currency'])} / {every})"


def money(amount: int, currency: str) -> str:
    """An amount as Stripe's descriptions write it."""
    places = DECIMALS.get(currency, 2)
    sign = {"usd": "$", "eur": "\u20ac", "gbp": "\u00a3"}.get(currency, f"{currency.upper()} ")
    number = f"{abs(amount) / 10**places:,.{places}f}"
    return f"{'-' if amount < 0 else ''}{sign}{number}"


def spread(amount: int, weights: list[int]) -> list[int]:
    """Split an amount in proportion, to the last unit."""
    whole = sum(weights)
    if whole == 0:
        return [0] * len(weights)
    parts = [amount * w // whole for w in weights]
    rests = sorted(range(len(weights)), key=lambda n: -(amount * weights[n] % whole))
    for n in rests[: amount - sum(parts)]:
        parts[n] += 1
    return parts


def total(account: Account, invoice: Obj) -> None:
    """Recalculate discounts, taxes and sums of an invoice that is still a draft."""
    lines = invoice["_lines"]
    for each in lines:
        each["invoice"] = invoice["id"]
        each["discount_amounts"], each["taxes"] = [], []
    for id_ in invoice["discounts"]:
        _discount(account, lines, account.tables["discount"][id_])
    for each in lines:
        each["taxes"] = _taxes(account, invoice, each)
    off = _sum_by(
        ((d["discount"], d["amount"]) for each in lines for d in each["discount_amounts"]),
    )
    taxes = [t for each in lines for t in each["taxes"]]
    inclusive = sum(t["amount"] for t in taxes if t["tax_behavior"] == "inclusive")
    exclusive = sum(t["amount"] for t in taxes if t["tax_behavior"] == "exclusive")
    subtotal = sum(each["amount"] for each in lines)
    amount = subtotal - sum(off.values()) + exclusive
    invoice.update(
        subtotal=subtotal,
        subtotal_excluding_tax=subtotal - inclusive,
        total=amount,
        total_excluding_tax=amount - exclusive - inclusive,
        total_discount_amounts=[{"amount": a, "discount": d} for d, a in off.items()],
        total_taxes=_total_taxes(taxes),
    )
    _apply_balance(account, invoice)


def _apply_balance(account: Account, invoice: Obj) -> None:
    """The amount due after the customer's balance; a negative total becomes credit."""
    customer = account.get("customer", invoice["customer"]) or {}
    start = customer.get("balance", 0)
    amount = invoice["total"]
    invoice["starting_balance"] = start
    if amount <= 0:
        invoice["_to_balance"] = amount
    elif start < 0:
        invoice["_to_balance"] = min(amount, -start)
    else:
        invoice["_to_balance"] = -start
    due = 0 if amount <= 0 else amount - invoice["_to_balance"]
    invoice.update(amount_due=due, amount_remaining=due - invoice["amount_paid"])


def _discount(account: Account, lines: list[Obj], discount: Obj) -> None:
    coupon = coupon_of(account, discount)
    lefts = [
        each["amount"] - sum(d["amount"] for d in each["discount_amounts"])
        if each["discountable"] and reduces(coupon, _product_of(each))
        else 0
        for each in lines
    ]
    if coupon["percent_off"] is not None:
        parts = [_half_up(left * coupon["percent_off"] / 100) for left in lefts]
    else:
        lefts = [max(0, left) for left in lefts]
        off = amount_off(coupon, lines[0]["currency"]) or 0 if lines else 0
        parts = spread(min(off, sum(lefts)), lefts)
    for each, part in zip(lines, parts, strict=True):
        each["discount_amounts"].append({"amount": part, "discount": discount["id"]})


def _product_of(each: Obj) -> str | None:
    found: str | None = (each["pricing"]["price_details"] or {}).get("product")
    return found


def _half_up(value: float) -> int:
    return int(value + 0.5) if value >= 0 else -int(-value + 0.5)


def _taxes(account: Account, invoice: Obj, each: Obj) -> list[Obj]:
    base = each["amount"] - sum(d["amount"] for d in each["discount_amounts"])
    rates = [account.tables["tax_rate"][r] for r in each["_tax_rates"]]
    rates = rates or [account.tables["tax_rate"][r] for r in _default_rates(invoice)]
    inclusive = sum(r["percentage"] for r in rates if r["inclusive"])
    net = base / (1 + inclusive / 100)
    return [
        {
            "amount": _half_up(net * rate["percentage"] / 100),
            "tax_behavior": "inclusive" if rate["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": rate["id"]},
            "taxability_reason": "standard_rated",
            "taxable_amount": _half_up(net),
            "type": "tax_rate_details",
        }
        for rate in rates
    ]


def _default_rates(invoice: Obj) -> list[str]:
    return [r if isinstance(r, str) else r["id"] for r in invoice["default_tax_rates"]]


def automatic_rate(account: Account, customer: Obj) -> Obj | None:
    """The tax rate of the customer's country, made on first use."""
    country = (customer.get("address") or {}).get("country")
    percent = account.settings.automatic_tax_percent.get(country or "")
    if percent is None or customer.get("tax_exempt") in ("exempt", "reverse"):
        return None
    for rate in account.rows("tax_rate"):
        if rate.get("_automatic") == country:
            return rate
    rate = account.new("tax_rate", country=country, display_name="VAT", percentage=percent)
    rate["_automatic"] = country
    rate["tax_type"] = "vat"
    return rate


def _total_taxes(taxes: list[Obj]) -> list[Obj]:
    merged: dict[tuple[str, str], Obj] = {}
    for tax in taxes:
        key = (tax["tax_rate_details"]["tax_rate"], tax["tax_behavior"])
        if key in merged:
            merged[key]["amount"] += tax["amount"]
            merged[key]["taxable_amount"] += tax["taxable_amount"]
        else:
            merged[key] = dict(tax)
    return list(merged.values())


def _sum_by(pairs: Any) -> dict[str, int]:
    sums: dict[str, int] = {}
    for key, amount in pairs:
        sums[key] = sums.get(key, 0) + amount
    return sums
