"""Whether coupons and promotion codes may be redeemed, by whom, and for what."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.shapes import Obj


def _lasts(account: Account, limited: Obj, ends: int | None) -> bool:
    limit = limited["max_redemptions"]
    used_up = limit is not None and limited["times_redeemed"] >= limit
    return not used_up and (ends is None or ends > account.now)


def coupon_holds(account: Account, coupon: Obj) -> bool:
    """Whether a coupon may still be redeemed."""
    return bool(coupon["valid"]) and _lasts(account, coupon, coupon["redeem_by"])


def code_holds(account: Account, code: Obj) -> bool:
    """Whether a promotion code, and the coupon behind it, may still be redeemed."""
    coupon = account.get("coupon", code["promotion"]["coupon"])
    is_open = code["active"] and _lasts(account, code, code["expires_at"])
    return bool(is_open and coupon and coupon_holds(account, coupon))


def check_code(account: Account, code: Obj, customer: str | None, amount: int | None) -> None:
    """Raise Stripe's 400 where a code is not for this customer, or not for this order."""
    restrictions = code["restrictions"]
    least = restrictions["minimum_amount"]
    problem = None
    if not code_holds(account, code):
        problem = "it is inactive, expired or used up"
    elif code["customer"] and code["customer"] != customer:
        problem = "it belongs to another customer"
    elif restrictions["first_time_transaction"] and _has_paid(account, customer):
        problem = "the associated customer has prior transactions"
    elif least and amount is not None and amount < least:
        problem = "the order does not reach its minimum amount"
    if problem:
        raise invalid(
            f"This promotion code cannot be redeemed because {problem}: {code['id']}.",
            "promotion_code",
        )


def _has_paid(account: Account, customer: str | None) -> bool:
    return bool(customer) and any(c["paid"] for c in account.rows("charge", customer))


def check_currency(coupon: Obj, currency: str | None) -> None:
    """Raise Stripe's 400 where a coupon takes off an amount of another currency."""
    if currency and coupon["amount_off"] is not None and amount_off(coupon, currency) is None:
        raise invalid(
            f"The coupon {coupon['id']} is in {coupon['currency']} and cannot be applied to "
            f"{currency}.",
            "coupon",
        )


def amount_off(coupon: Obj, currency: str) -> int | None:
    """The amount that a coupon takes off in a currency."""
    if coupon["currency"] == currency:
        return int(coupon["amount_off"])
    option = (coupon.get("_currencies") or {}).get(currency)
    return int(option["amount_off"]) if option else None


def reduces(coupon: Obj, product: str | None) -> bool:
    """Whether a coupon is for a product."""
    products = coupon.get("_products")
    return not products or product in products
