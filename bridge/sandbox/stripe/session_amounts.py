"""The amounts of a checkout session or payment link, before anybody pays."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.catalog import amount_of, in_currency
from bridge.sandbox.stripe.discounts import coupon_for
from bridge.sandbox.stripe.invoice_lines import automatic_rate, spread
from bridge.sandbox.stripe.redeeming import amount_off, reduces
from bridge.sandbox.stripe.shapes import Obj


def reckon(account: Account, session: Obj) -> None:
    """Set the amounts of a session and of its line items."""
    items = session["_items"]
    if session["mode"] == "setup":
        return
    trial = _has_trial(session)
    prices = [price_in(account, session, item) for item in items]
    subtotals = [
        0 if trial and price["recurring"] else _subtotal(item, price)
        for item, price in zip(items, prices, strict=True)
    ]
    off = _off(account, session, prices, subtotals)
    percent = _tax_percent(account, session)
    for item, subtotal, less in zip(items, subtotals, off, strict=True):
        tax = int((subtotal - less) * percent / 100 + 0.5)
        item.update(
            currency=session["currency"],
            amount_subtotal=subtotal,
            amount_discount=less,
            amount_tax=tax,
            amount_total=subtotal - less + tax,
        )
    session["amount_subtotal"] = sum(subtotals)
    session["amount_total"] = sum(i["amount_total"] for i in items)
    session["total_details"].update(
        amount_discount=sum(off), amount_tax=sum(i["amount_tax"] for i in items)
    )
    if session["_discounts"]:
        session["discounts"] = [
            {"coupon": d.get("coupon"), "promotion_code": d.get("promotion_code")}
            for d in session["_discounts"]
        ]


def price_in(account: Account, session: Obj, item: Obj) -> Obj:
    """The price of a line item in the session's currency."""
    return in_currency(account.tables["price"][item["price"]], session["currency"])


def _subtotal(item: Obj, price: Obj) -> int:
    if item["_unit"] is not None:
        return int(item["_unit"]) * int(item["quantity"])
    return amount_of(price, item["quantity"])


def _has_trial(session: Obj) -> bool:
    data = session["_given"].get("subscription_data") or {}
    return bool(data.get("trial_period_days") or data.get("trial_end"))


def _off(account: Account, session: Obj, prices: list[Obj], subtotals: list[int]) -> list[int]:
    off = [0] * len(subtotals)
    for given in session["_discounts"]:
        coupon = coupon_for(account, given)
        lefts = [
            s - o if reduces(coupon, p["product"]) else 0
            for s, o, p in zip(subtotals, off, prices, strict=True)
        ]
        if coupon["percent_off"] is not None:
            parts = [int(left * coupon["percent_off"] / 100 + 0.5) for left in lefts]
        else:
            less = amount_off(coupon, session["currency"]) or 0
            parts = spread(min(less, sum(lefts)), lefts)
        off = [o + p for o, p in zip(off, parts, strict=True)]
    return off


def _tax_percent(account: Account, session: Obj) -> float:
    customer = account.get("customer", session["customer"])
    if customer is None:
        customer = {"address": {"country": session.get("_country")}}
    if not session["automatic_tax"]["enabled"]:
        return 0
    rate = automatic_rate(account, customer)
    return float(rate["percentage"]) if rate else 0
