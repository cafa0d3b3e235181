"""Products and prices."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    retrieving,
)
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.events import changing, emit
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import plan_of

PRODUCT_FIELDS = (
    "active",
    "description",
    "images",
    "marketing_features",
    "name",
    "package_dimensions",
    "shippable",
    "statement_descriptor",
    "tax_code",
    "unit_label",
    "url",
)
LONGEST = {"day": 1095, "week": 156, "month": 36, "year": 3}
PRICE_FIELDS = ("active", "nickname", "tax_behavior")


def create_product(account: Account, params: Obj) -> Obj:
    """POST /v1/products; `default_price_data` makes a price with it."""
    if params.get("id") and account.get("product", params["id"]):
        raise invalid("Product already exists.", "id", "resource_already_exists")
    product = account.new("product", params.get("id"), updated=account.now)
    copy_named(product, params, *PRODUCT_FIELDS, "type")
    merge_metadata(product, params)
    emit(account, "product.created", product)
    if price := params.get("default_price_data"):
        made = create_price(account, {**price, "product": product["id"]})
        product["default_price"] = made["id"]
    return product


def update_product(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/products/{id}."""
    product = account.find("product", id_)
    with changing(account, product, "product.updated"):
        copy_named(product, params, *PRODUCT_FIELDS)
        if params.get("default_price"):
            product["default_price"] = account.find(
                "price", params["default_price"], "default_price"
            )["id"]
        merge_metadata(product, params)
        product["updated"] = account.now
    return product


def delete_product(account: Account, _params: Obj, id_: str) -> Obj:
    """DELETE /v1/products/{id}: only a product that never had a price."""
    product = account.find("product", id_)
    if any(p["product"] == id_ for p in account.rows("price")):
        raise invalid(
            "This product cannot be deleted because it has one or more user-created prices.", "id"
        )
    account.drop(product)
    emit(account, "product.deleted", product)
    return {"id": id_, "object": "product", "deleted": True}


def create_price(account: Account, params: Obj) -> Obj:
    """POST /v1/prices."""
    product = _product_of(account, params)
    if params.get("lookup_key"):
        _claim_lookup_key(
            account, params["lookup_key"], transfer=params.get("transfer_lookup_key") or False
        )
    amount, exact = _amounts(params)
    recurring = params.get("recurring")
    price = account.new(
        "price",
        currency=params["currency"].lower(),
        product=product,
        lookup_key=params.get("lookup_key") or None,
        unit_amount=amount,
        unit_amount_decimal=exact,
        type="recurring" if recurring else "one_time",
        recurring=_recurring(recurring) if recurring else None,
    )
    copy_named(price, params, *PRICE_FIELDS, "billing_scheme", "tiers_mode", "transform_quantity")
    price["_tiers"] = _tiers(params)
    price["_currencies"] = _currencies(params)
    if custom := params.get("custom_unit_amount"):
        price["custom_unit_amount"] = {
            "maximum": custom.get("maximum"),
            "minimum": custom.get("minimum"),
            "preset": custom.get("preset"),
        }
    merge_metadata(price, params)
    emit(account, "price.created", price)
    if recurring:
        emit(account, "plan.created", plan_of(price) or {})
    return price


def _product_of(account: Account, params: Obj) -> str:
    if params.get("product_data"):
        made = create_product(account, params["product_data"])
        return str(made["id"])
    if not params.get("product"):
        raise invalid(
            "You must specify either `product` or `product_data` when creating a price.",
            "product",
            "parameter_missing",
        )
    return str(account.find("product", params["product"], "product")["id"])


def _amounts(params: Obj) -> tuple[int | None, str | None]:
    amount, exact = params.get("unit_amount"), params.get("unit_amount_decimal")
    if exact is not None:
        number = float(exact)
        return (int(number) if number == int(number) else None), f"{number:g}"
    if amount is None:
        if params.get("custom_unit_amount") or params.get("tiers"):
            return None, None
        raise invalid(
            "Prices require an `unit_amount` or `unit_amount_decimal` parameter to be set.",
            "unit_amount",
            "parameter_missing",
        )
    if amount < 0:
        raise invalid("This value must be greater than or equal to 0.", "unit_amount")
    return amount, str(amount)


def _currencies(params: Obj) -> Obj:
    """The price in other currencies."""
    options: Obj = {}
    for currency, option in (params.get("currency_options") or {}).items():
        amount, exact = _amounts(option)
        options[currency.lower()] = {
            "custom_unit_amount": None,
            "tax_behavior": option.get("tax_behavior") or "unspecified",
            "unit_amount": amount,
            "unit_amount_decimal": exact,
        }
    return options


def in_currency(price: Obj, currency: str) -> Obj:
    """The price as it is in a currency; its own where it has no such option."""
    option = price.get("_currencies", {}).get(currency)
    return {**price, **option, "currency": currency} if option else price


def _recurring(given: Obj) -> Obj:
    most = LONGEST[given["interval"]]
    if not 0 < (given.get("interval_count") or 1) <= most:
        raise invalid(
            f"A period is at most three years: {most} times `{given['interval']}`.",
            "recurring[interval_count]",
        )
    return {
        "interval": given["interval"],
        "interval_count": given.get("interval_count") or 1,
        "meter": given.get("meter"),
        "trial_period_days": given.get("trial_period_days"),
        "usage_type": given.get("usage_type") or "licensed",
    }


def _claim_lookup_key(account: Account, key: str, *, transfer: bool) -> None:
    for other in account.rows("price"):
        if other["lookup_key"] != key:
            continue
        if not transfer:
            raise invalid(
                f"A price (`{other['id']}`) already uses that lookup key.",
                "lookup_key",
                "resource_already_exists",
            )
        with changing(account, other, "price.updated"):
            other["lookup_key"] = None


def update_price(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/prices/{id}."""
    price = account.find("price", id_)
    if params.get("lookup_key") and params["lookup_key"] != price["lookup_key"]:
        _claim_lookup_key(
            account, params["lookup_key"], transfer=params.get("transfer_lookup_key") or False
        )
    with changing(account, price, "price.updated"):
        copy_named(price, params, *PRICE_FIELDS, "lookup_key")
        price["_currencies"] = {**price.get("_currencies", {}), **_currencies(params)}
        merge_metadata(price, params)
    return price


def price_from(account: Account, given: Obj, param: str = "items[0]") -> Obj:
    """The price that an item names, or a new one made from its `price_data`."""
    if data := given.get("price_data"):
        price = create_price(account, data)
        price["active"] = False  # a price that was made for one checkout is never offered
        return price
    id_ = given.get("price") or given.get("plan")
    if not id_:
        raise invalid(
            f"Missing required param: {param}[price].", f"{param}[price]", "parameter_missing"
        )
    return account.find("price", id_, f"{param}[price]")


def amount_of(price: Obj, quantity: int) -> int:
    """Minor units for a quantity, rounded half up. Metered prices have no usage here."""
    if (price["recurring"] or {}).get("usage_type") == "metered":
        return 0
    if package := price["transform_quantity"]:
        whole, rest = divmod(quantity, package["divide_by"])
        quantity = whole + (1 if rest and package["round"] == "up" else 0)
    if price["billing_scheme"] == "tiered":
        return _in_tiers(price, quantity)
    return _times(price, quantity)


def _times(priced: Obj, quantity: int) -> int:
    if priced["unit_amount"] is not None:
        return int(priced["unit_amount"]) * quantity
    return int(float(priced["unit_amount_decimal"] or 0) * quantity + 0.5)


def _in_tiers(price: Obj, quantity: int) -> int:
    """Graduated: each unit at its own tier's price. Volume: all at the last tier's price."""
    amount, below = 0, 0
    for tier in price.get("_tiers", ()):
        top = quantity if tier["up_to"] is None else min(quantity, tier["up_to"])
        is_last = top == quantity
        if price["tiers_mode"] == "graduated":
            amount += _times(tier, top - below) + (tier["flat_amount"] or 0)
        elif is_last:
            return _times(tier, quantity) + int(tier["flat_amount"] or 0)
        if is_last:
            break
        below = top
    return amount


def _tiers(params: Obj) -> list[Obj]:
    return [
        {
            "flat_amount": tier.get("flat_amount"),
            "flat_amount_decimal": _as_text(tier.get("flat_amount")),
            "unit_amount": tier.get("unit_amount"),
            "unit_amount_decimal": tier.get("unit_amount_decimal")
            or _as_text(tier.get("unit_amount")),
            "up_to": None if tier["up_to"] == "inf" else int(tier["up_to"]),
        }
        for tier in params.get("tiers") or ()
    ]


def _as_text(amount: int | None) -> str | None:
    return None if amount is None else str(amount)


def _legacy_plan(account: Account, params: Obj) -> Obj:
    """POST /v1/plans: the old name of a recurring price."""
    product = params.get("product")
    data = product if isinstance(product, dict) else None
    if isinstance(data, dict) and not data.get("name"):
        raise invalid("Missing required param: product[name].", "product[name]")
    price = create_price(
        account,
        {
            "currency": params["currency"],
            "unit_amount": params.get("amount"),
            "unit_amount_decimal": params.get("amount_decimal"),
            "recurring": {k: params.get(k) for k in ("interval", "interval_count")},
            "nickname": params.get("nickname"),
            "metadata": params.get("metadata") or {},
            **({"product_data": data} if data else {"product": product}),
        },
    )
    if params.get("id"):
        account.drop(price)
        price["id"] = params["id"]
        account.keep(price)
    return plan_of(price) or {}


def _retrieve_plan(account: Account, _params: Obj, id_: str) -> Obj:
    return plan_of(account.find("price", id_)) or {}


def _update_plan(account: Account, params: Obj, id_: str) -> Obj:
    price = account.find("price", id_)
    before = plan_of(price) or {}
    copy_named(price, params, "active", "nickname")
    merge_metadata(price, params)
    after = plan_of(price) or {}
    emit(account, "plan.updated", after, {k: before[k] for k in before if before[k] != after[k]})
    return after


def _delete_plan(account: Account, _params: Obj, id_: str) -> Obj:
    price = account.find("price", id_)
    account.drop(price)
    emit(account, "plan.deleted", plan_of(price) or {})
    emit(account, "price.deleted", price)
    return {"id": id_, "object": "plan", "deleted": True}


def _recurring_filter(row: Obj, wanted: Any) -> bool:
    return bool(row["recurring"]) and all(
        v is None or row["recurring"].get(k) == v for k, v in wanted.items()
    )


def _one_of(key: str) -> Any:
    return lambda row, wanted: row.get(key) in wanted


ROUTES: dict[str, Handler] = {
    "POST /v1/products": create_product,
    "GET /v1/products": listing(
        "product",
        "/v1/products",
        {"active": equals("active"), "ids": _one_of("id"), "url": equals("url")},
    ),
    "GET /v1/products/{}": retrieving("product"),
    "POST /v1/products/{}": update_product,
    "DELETE /v1/products/{}": delete_product,
    "POST /v1/prices": create_price,
    "GET /v1/prices": listing(
        "price",
        "/v1/prices",
        {
            "active": equals("active"),
            "currency": equals("currency"),
            "product": equals("product"),
            "type": equals("type"),
            "lookup_keys": _one_of("lookup_key"),
            "recurring": _recurring_filter,
        },
    ),
    "GET /v1/prices/{}": retrieving("price"),
    "POST /v1/prices/{}": update_price,
    "POST /v1/plans": _legacy_plan,
    "GET /v1/plans/{}": _retrieve_plan,
    "POST /v1/plans/{}": _update_plan,
    "DELETE /v1/plans/{}": _delete_plan,
}


def refuse_inactive(price: Obj) -> None:
    """An archived price sells nothing new."""
    if not price["active"]:
        raise StripeError(
            400,
            f"The price specified is inactive. This field only accepts active prices. "
            f"Price: {price['id']}",
            param="price",
        )
