"""Coupons, promotion codes, and the discounts they become."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.calendar import add_months
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    retrieving,
    updating,
)
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.redeeming import (
    check_code,
    check_currency,
    code_holds,
    coupon_holds,
)
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import render

WHOLE = 100
COUPON_FIELDS = (
    "amount_off",
    "currency",
    "duration",
    "duration_in_months",
    "max_redemptions",
    "name",
    "percent_off",
    "redeem_by",
)


def create_coupon(account: Account, params: Obj) -> Obj:
    """POST /v1/coupons."""
    _check_coupon(params)
    if params.get("id") and account.get("coupon", params["id"]):
        raise invalid("Coupon already exists.", "id", "resource_already_exists")
    coupon = account.new("coupon", params.get("id"))
    copy_named(coupon, params, *COUPON_FIELDS)
    coupon["_currencies"] = params.get("currency_options") or {}
    coupon["_products"] = (params.get("applies_to") or {}).get("products") or []
    merge_metadata(coupon, params)
    emit(account, "coupon.created", coupon)
    return coupon


def _check_coupon(params: Obj) -> None:
    percent, amount = params.get("percent_off"), params.get("amount_off")
    if not percent and not amount:
        raise invalid("Must provide percent_off or amount_off", "percent_off", "parameter_missing")
    if percent and amount:
        raise invalid("You may only specify one of these parameters: percent_off, amount_off.")
    if percent and not 0 < percent <= WHOLE:
        raise invalid("Invalid percent_off: must be more than 0 and at most 100.", "percent_off")
    if amount and (amount < 0 or not params.get("currency")):
        raise invalid("A positive amount_off needs a currency.", "currency", "parameter_missing")
    if params.get("duration") == "repeating" and not params.get("duration_in_months"):
        raise invalid(
            "You must specify duration_in_months when duration is repeating.",
            "duration_in_months",
            "parameter_missing",
        )


def _delete_coupon(account: Account, _params: Obj, id_: str) -> Obj:
    coupon = account.find("coupon", id_)
    account.drop(coupon)
    coupon["valid"] = False
    account.tables["deleted_coupon"][id_] = coupon
    emit(account, "coupon.deleted", coupon)
    return {"id": id_, "object": "coupon", "deleted": True}


def create_promotion_code(account: Account, params: Obj) -> Obj:
    """POST /v1/promotion_codes."""
    coupon = account.find("coupon", params["promotion"]["coupon"], "promotion[coupon]")
    _refuse_taken(account, params)
    code = account.new(
        "promotion_code",
        code=params.get("code") or account.ids.hexadecimal(8).upper(),
        promotion={"coupon": coupon["id"], "type": "coupon"},
    )
    copy_named(code, params, "active", "customer", "expires_at", "max_redemptions")
    code["restrictions"].update(params.get("restrictions") or {})
    merge_metadata(code, params)
    emit(account, "promotion_code.created", code)
    return code


def _refuse_taken(account: Account, params: Obj) -> None:
    """Of active codes only one may be typed so, in whatever case, for one customer or all."""
    wanted, customer = str(params.get("code") or ""), params.get("customer")
    for other in account.rows("promotion_code"):
        same = other["code"].lower() == wanted.lower()
        apart = customer and other["customer"] and customer != other["customer"]
        if same and other["active"] and not apart:
            raise invalid(
                f"An active promotion code with `code: {wanted}` already exists.",
                "code",
                "resource_already_exists",
            )


def find_code(account: Account, text: str) -> Obj | None:
    """A promotion code that holds, by what a customer types."""
    for code in account.rows("promotion_code"):
        if code["code"].lower() == text.strip().lower() and code_holds(account, code):
            return code
    return None


def coupon_for(account: Account, given: Obj) -> Obj:
    """The coupon that a coupon id or promotion code stands for."""
    if given.get("promotion_code"):
        code = account.find("promotion_code", given["promotion_code"], "promotion_code")
        return account.find("coupon", code["promotion"]["coupon"], "coupon")
    return account.find("coupon", given.get("coupon") or "", "coupon")


def discount_from(
    account: Account,
    given: Obj,
    customer: str | None,
    *,
    currency: str | None = None,
    amount: int | None = None,
    **owner: str | None,
) -> Obj:
    """A new discount from a coupon or promotion code, counted as redeemed.

    `currency` and `amount` are those of the order, where there is one.
    """
    if given.get("discount"):
        return account.find("discount", given["discount"], "discounts")
    coupon = coupon_for(account, given)
    code = account.get("promotion_code", given.get("promotion_code"))
    if code:
        check_code(account, code, customer, amount)
    if not coupon_holds(account, coupon):
        raise invalid(f"Coupon expired: {coupon['id']}", "coupon", "coupon_expired")
    check_currency(coupon, currency)
    coupon["times_redeemed"] += 1
    if code:
        code["times_redeemed"] += 1
    return account.new(
        "discount",
        customer=customer,
        promotion_code=code["id"] if code else None,
        source={"coupon": coupon["id"], "type": "coupon"},
        start=account.now,
        end=_end(coupon, account.now),
        **owner,
    )


def _end(coupon: Obj, start: int) -> int | None:
    if coupon["duration"] != "repeating":
        return None
    return add_months(start, coupon["duration_in_months"] or 1)


def coupon_of(account: Account, discount: Obj) -> Obj:
    """The coupon behind a discount, even a deleted one."""
    id_ = discount["source"]["coupon"]
    return account.get("coupon", id_) or account.tables["deleted_coupon"][id_]


def apply_to_customer(account: Account, customer: Obj, given: Obj) -> None:
    """Give a customer a discount on everything."""
    before = customer["discount"]
    discount = discount_from(account, given, customer["id"])
    customer["discount"] = {k: v for k, v in discount.items() if not k.startswith("_")}
    if before is None:
        emit(account, "customer.discount.created", discount)
        return
    previous = {k: before[k] for k in ("id", "source") if before[k] != discount[k]}
    emit(account, "customer.discount.updated", discount, previous)


def drop_from_customer(account: Account, customer: Obj) -> None:
    """Take a customer's discount away."""
    discount = account.tables["discount"][customer["discount"]["id"]]
    customer["discount"] = None
    emit(account, "customer.discount.deleted", discount)


def apply_to_subscription(
    account: Account, subscription: Obj, given: list[Obj], amount: int
) -> None:
    """Replace the discounts of a subscription whose items cost an amount."""
    before = [account.tables["discount"][d] for d in subscription["discounts"]]
    kept = [g["discount"] for g in given if g.get("discount")]
    order: Obj = {"currency": subscription["currency"], "amount": amount}
    subscription["discounts"] = kept + [
        discount_from(
            account, g, subscription["customer"], subscription=subscription["id"], **order
        )["id"]
        for g in given
        if not g.get("discount")
    ]
    for discount in before:
        if discount["id"] not in kept:
            emit(account, "customer.discount.deleted", discount)
    for id_ in subscription["discounts"]:
        if id_ not in kept:
            emit(account, "customer.discount.created", account.tables["discount"][id_])


def in_force(account: Account, subscription: Obj | None, customer: Obj) -> list[Obj]:
    """The discounts that count for an invoice now: the subscription's, else the customer's."""
    ids = list(subscription["discounts"]) if subscription else []
    if not ids and customer.get("discount"):
        ids = [customer["discount"]["id"]]
    found = [account.tables["discount"][i] for i in ids]
    return [d for d in found if d["end"] is None or d["end"] > account.now]


def use_up(account: Account, subscription: Obj) -> None:
    """After an invoice: discounts for once and those past their end are gone."""
    gone = [
        d
        for d in (account.tables["discount"][i] for i in subscription["discounts"])
        if coupon_of(account, d)["duration"] == "once"
        or (d["end"] is not None and d["end"] <= account.now)
    ]
    for discount in gone:
        subscription["discounts"].remove(discount["id"])
        discount["end"] = discount["end"] or account.now
        emit(account, "customer.discount.deleted", discount)


def _delete_customer_discount(account: Account, _params: Obj, id_: str) -> Obj:
    customer = account.find("customer", id_)
    discount = customer["discount"]
    if discount is None:
        raise invalid("No active discount for customer")
    with changing(account, customer, "customer.updated"):
        drop_from_customer(account, customer)
    return {**discount, "deleted": True}


def _delete_subscription_discount(account: Account, _params: Obj, id_: str) -> Obj:
    subscription = account.find("subscription", id_)
    if not subscription["discounts"]:
        raise invalid("No active discount for subscription")
    discount = account.tables["discount"][subscription["discounts"][0]]
    with changing(account, subscription, "customer.subscription.updated"):
        subscription["discounts"] = []
    emit(account, "customer.discount.deleted", discount)
    return {**render(account, discount), "deleted": True}


def create_tax_rate(account: Account, params: Obj) -> Obj:
    """POST /v1/tax_rates."""
    if params["percentage"] > WHOLE:
        raise invalid("A percentage is at most 100.", "percentage")
    rate = account.new("tax_rate")
    copy_named(rate, params, *TAX_FIELDS, "inclusive", "percentage")
    merge_metadata(rate, params)
    emit(account, "tax_rate.created", rate)
    return rate


TAX_FIELDS = (
    "active",
    "country",
    "description",
    "display_name",
    "jurisdiction",
    "state",
    "tax_type",
)

ROUTES: dict[str, Handler] = {
    "POST /v1/coupons": create_coupon,
    "GET /v1/coupons": listing("coupon", "/v1/coupons"),
    "GET /v1/coupons/{}": retrieving("coupon"),
    "POST /v1/coupons/{}": updating("coupon", "coupon.updated", "name"),
    "DELETE /v1/coupons/{}": _delete_coupon,
    "POST /v1/promotion_codes": create_promotion_code,
    "GET /v1/promotion_codes": listing(
        "promotion_code",
        "/v1/promotion_codes",
        {
            "active": equals("active"),
            "code": lambda row, wanted: row["code"].lower() == wanted.lower(),
            "coupon": lambda row, wanted: row["promotion"]["coupon"] == wanted,
        },
    ),
    "GET /v1/promotion_codes/{}": retrieving("promotion_code"),
    "POST /v1/promotion_codes/{}": updating(
        "promotion_code", "promotion_code.updated", "active", "expires_at"
    ),
    "DELETE /v1/customers/{}/discount": _delete_customer_discount,
    "DELETE /v1/subscriptions/{}/discount": _delete_subscription_discount,
    "POST /v1/tax_rates": create_tax_rate,
    "GET /v1/tax_rates": listing(
        "tax_rate",
        "/v1/tax_rates",
        {"active": equals("active"), "inclusive": equals("inclusive")},
    ),
    "GET /v1/tax_rates/{}": retrieving("tax_rate"),
    "POST /v1/tax_rates/{}": updating("tax_rate", "tax_rate.updated", *TAX_FIELDS),
}
