"""How a kept object is shown: computed parts, embedded objects, expansion."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.redeeming import code_holds, coupon_holds
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj, list_of

MAX_EXPANSION = 4
EMBEDDED_LINES = 10

# The name of a field that holds an id -> the kind of object it names.
EXPANDABLE = {
    "charge": "charge",
    "configuration": "billing_portal.configuration",
    "coupon": "coupon",
    "credit_note": "credit_note",
    "customer": "customer",
    "customer_balance_transaction": "customer_balance_transaction",
    "balance_transaction": "balance_transaction",
    "balance_transactions": "balance_transaction",
    "default_payment_method": "payment_method",
    "default_price": "price",
    "destination": "bank_account",
    "discount": "discount",
    "discounts": "discount",
    "failure_balance_transaction": "balance_transaction",
    "feature": "entitlements.feature",
    "invoice": "invoice",
    "latest_charge": "charge",
    "latest_invoice": "invoice",
    "payment_intent": "payment_intent",
    "payment_link": "payment_link",
    "payment_method": "payment_method",
    "payment_record": "payment_record",
    "pending_setup_intent": "setup_intent",
    "price": "price",
    "product": "product",
    "promotion_code": "promotion_code",
    "refund": "refund",
    "schedule": "subscription_schedule",
    "setup_intent": "setup_intent",
    "subscription": "subscription",
    "test_clock": "test_helpers.test_clock",
    "transfer": "transfer",
}
# Fields with ids of several kinds, and the kinds by the ids' prefixes.
SOURCES = ("source", "default_source")
SOURCE_KINDS = {
    "card": "card",
    "ch": "charge",
    "du": "dispute",
    "pm": "payment_method",
    "po": "payout",
    "re": "refund",
}


def plan_of(price: Obj) -> Obj | None:
    """The legacy plan that stands beside a recurring price."""
    recurring = price.get("recurring")
    if not recurring:
        return None
    same = ("id", "active", "billing_scheme", "created", "currency", "livemode", "nickname")
    return {
        **{k: price[k] for k in same},
        "object": "plan",
        "amount": price["unit_amount"],
        "amount_decimal": price["unit_amount_decimal"],
        "interval": recurring["interval"],
        "interval_count": recurring["interval_count"],
        "metadata": dict(price["metadata"]),
        "meter": None,
        "product": price["product"],
        "tiers_mode": price["tiers_mode"],
        "transform_usage": price["transform_quantity"],
        "trial_period_days": recurring.get("trial_period_days"),
        "usage_type": recurring.get("usage_type") or "licensed",
    }


def shown_item(account: Account, item: Obj) -> Obj:
    """A subscription item with its price as it is now."""
    price = account.tables["price"][item["price"]]
    return {**plain(item), "price": plain(price), "plan": plan_of(price)}


def items_of(account: Account, subscription: Obj) -> list[Obj]:
    """The kept items of a subscription."""
    table = account.tables["subscription_item"]
    return [table[i] for i in subscription["_items"]]


def _subscription(account: Account, shown: Obj, kept: Obj) -> None:
    items = [shown_item(account, i) for i in items_of(account, kept)]
    url = f"/v1/subscription_items?subscription={kept['id']}"
    shown["items"] = list_of(items[:10], url, has_more=len(items) > 10)  # noqa: PLR2004 - Stripe's
    if kept["pending_update"]:
        waiting = [shown_item(account, i) for i in kept["_pending_items"]]
        shown["pending_update"]["subscription_items"] = waiting
    single = items[0] if len(items) == 1 else None
    shown["plan"] = single["plan"] if single else None
    shown["quantity"] = single["quantity"] if single else None


def _item(account: Account, shown: Obj, kept: Obj) -> None:
    shown.update(shown_item(account, kept))


def _lines(_account: Account, shown: Obj, kept: Obj) -> None:
    kind = "invoices" if kept["object"] == "invoice" else "credit_notes"
    lines = [plain(line) for line in kept["_lines"]]
    shown["lines"] = list_of(
        lines[:EMBEDDED_LINES],
        f"/v1/{kind}/{kept.get('id', 'upcoming')}/lines",
        has_more=len(lines) > EMBEDDED_LINES,
    )


def _product_feature(account: Account, shown: Obj, kept: Obj) -> None:
    shown["entitlement_feature"] = plain(account.tables["entitlements.feature"][kept["_feature"]])


def _coupon(account: Account, shown: Obj, kept: Obj) -> None:
    shown["valid"] = coupon_holds(account, kept)


def _promotion_code(account: Account, shown: Obj, kept: Obj) -> None:
    shown["active"] = code_holds(account, kept)


def _applies_to(account: Account, coupon: Obj) -> Obj | None:
    products = account.tables["coupon"].get(coupon["id"], {}).get("_products")
    return {"products": list(products)} if products else None


def _coupon_currencies(account: Account, coupon: Obj) -> Obj | None:
    kept = account.tables["coupon"].get(coupon["id"], {})
    if coupon["amount_off"] is None:
        return None
    own = {coupon["currency"]: {"amount_off": coupon["amount_off"]}}
    return {**own, **kept.get("_currencies", {})}


def _schedule(account: Account, shown: Obj, _kept: Obj) -> None:
    for phase in shown["phases"]:
        for item in phase["items"]:
            item["plan"] = item["price"]
    if shown["subscription"] is None and shown["status"] == "not_started":
        shown["current_phase"] = None
    del account


COMPUTED: dict[str, Callable[[Account, Obj, Obj], None]] = {
    "subscription": _subscription,
    "subscription_item": _item,
    "subscription_schedule": _schedule,
    "invoice": _lines,
    "coupon": _coupon,
    "credit_note": _lines,
    "product_feature": _product_feature,
    "promotion_code": _promotion_code,
}


def render(account: Account, kept: Obj) -> Obj:
    """An object as Stripe shows it in the newest version."""
    shown: Obj = plain(kept)
    compute = COMPUTED.get(kept.get("object", ""))
    if compute and not kept.get("deleted"):
        compute(account, shown, kept)
    return shown


def _payments(account: Account, invoice: Obj) -> Obj:
    table = account.tables["invoice_payment"]
    kept = account.tables["invoice"].get(invoice["id"], {})
    data = [plain(table[i]) for i in kept.get("_payments", ())]
    return list_of(data, f"/v1/invoice_payments?invoice={invoice['id']}")


def _confirmation_secret(account: Account, invoice: Obj) -> Obj | None:
    kept = account.tables["invoice"].get(invoice["id"], {})
    intent = account.get("payment_intent", kept.get("_intent"))
    if intent is None:
        return None
    return {"client_secret": intent["client_secret"], "type": "payment_intent"}


def _refunds(account: Account, charge: Obj) -> Obj:
    rows = [r for r in account.rows("refund") if r["charge"] == charge["id"]]
    return list_of([plain(r) for r in reversed(rows)], f"/v1/charges/{charge['id']}/refunds")


def _customers(kind: str, url: str) -> Callable[[Account, Obj], Obj]:
    def shown(account: Account, customer: Obj) -> Obj:
        rows = account.rows(kind, customer["id"])
        if kind == "subscription":
            rows = [s for s in rows if s["status"] not in ("canceled", "incomplete_expired")]
        data = [render(account, r) for r in reversed(rows)]
        return list_of(data[:10], url.format(customer["id"]), has_more=len(data) > 10)  # noqa: PLR2004

    return shown


def shown_line_items(account: Account, owner: Obj) -> list[Obj]:
    """The line items of a checkout session or payment link, with their prices."""
    kept = account.tables[owner["object"]][owner["id"]]
    return [
        {**plain(i), "price": plain(account.tables["price"][i["price"]])} for i in kept["_items"]
    ]


def _line_items(account: Account, owner: Obj) -> Obj:
    family = "checkout/sessions" if owner["object"] == "checkout.session" else "payment_links"
    return list_of(shown_line_items(account, owner), f"/v1/{family}/{owner['id']}/line_items")


def cash_of(customer: Obj) -> Obj:
    """A customer's cash balance as it is shown."""
    return {
        "object": "cash_balance",
        "available": dict(customer["_cash"]) if customer.get("_cash") else None,
        "customer": customer["id"],
        "customer_account": None,
        "livemode": False,
        "settings": {"reconciliation_mode": "automatic", "using_merchant_default": True},
    }


def _cash(account: Account, customer: Obj) -> Obj:
    return cash_of(account.tables["customer"][customer["id"]])


def _no_sources(_account: Account, customer: Obj) -> Obj:
    return list_of([], f"/v1/customers/{customer['id']}/sources")


def _currency_options(account: Account, price: Obj) -> Obj:
    """A price in each of its currencies, its own first."""
    names = ("custom_unit_amount", "tax_behavior", "unit_amount", "unit_amount_decimal")
    others = account.tables["price"].get(price["id"], {}).get("_currencies", {})
    return {price["currency"]: {k: price[k] for k in names}, **others}


def _tiers(account: Account, price: Obj) -> Any:
    return account.tables["price"].get(price["id"], {}).get("_tiers") or None


# Parts that are returned only when they are asked for.
INCLUDABLE: dict[tuple[str, str], Callable[[Account, Obj], Any]] = {
    ("invoice", "payments"): _payments,
    ("invoice", "confirmation_secret"): _confirmation_secret,
    ("charge", "refunds"): _refunds,
    ("customer", "subscriptions"): _customers("subscription", "/v1/customers/{}/subscriptions"),
    ("customer", "tax_ids"): _customers("tax_id", "/v1/customers/{}/tax_ids"),
    ("customer", "sources"): _no_sources,
    ("customer", "cash_balance"): _cash,
    ("checkout.session", "line_items"): _line_items,
    ("payment_link", "line_items"): _line_items,
    ("price", "tiers"): _tiers,
    ("price", "currency_options"): _currency_options,
    ("coupon", "applies_to"): _applies_to,
    ("coupon", "currency_options"): _coupon_currencies,
}


def expand(account: Account, shown: Obj, paths: list[str]) -> None:
    """Replace ids by their objects along each path such as `data.latest_invoice.payments`."""
    for path in paths:
        parts = path.split(".")
        if len(parts) > MAX_EXPANSION:
            raise StripeError(
                400,
                f"You cannot expand more than {MAX_EXPANSION} levels of a property. "
                f"Property: {path}",
                code="property_expansion_max_depth",
            )
        _expand(account, shown, parts)


def _expand(account: Account, node: Any, parts: list[str]) -> None:
    if isinstance(node, list):
        for each in node:
            _expand(account, each, parts)
        return
    if not parts or not isinstance(node, dict):
        return
    name, rest = parts[0], parts[1:]
    include = INCLUDABLE.get((node.get("object", ""), name))
    if include and not isinstance(node.get(name), dict):
        node[name] = include(account, node)
    elif name in node:
        node[name] = _expanded(account, name, node[name])
    elif name not in EXPANDABLE:  # an expandable field that is missing is skipped
        raise invalid(f"This property cannot be expanded ({name}).", param="expand")
    _expand(account, node.get(name), rest)


def _expanded(account: Account, name: str, value: Any) -> Any:
    if isinstance(value, list):
        return [_expanded(account, name, v) for v in value]
    if not isinstance(value, str):
        return value
    kind = EXPANDABLE.get(name)
    if name in SOURCES:
        kind = SOURCE_KINDS.get(value.partition("_")[0])
    if kind is None:
        raise invalid(f"This property cannot be expanded ({name}).", param="expand")
    if kind == "payment_method" and account.rights is not None:
        _check_expansion(account.rights)
    found = account.get(kind, value)
    return render(account, found) if found else value


def _check_expansion(rights: set[str]) -> None:
    """A restricted key can expand an id only with the right to read the object."""
    if not rights & {"payment_methods:read", "payment_methods:write"}:
        raise StripeError(
            403,
            "The provided key does not have the required permissions for this endpoint on account "
            "'acct_sandbox'. Having the 'rak_payment_method_read' permission would allow this "
            "request to continue.",
            code="more_permissions_required",
        )


def present(account: Account, result: Obj, paths: list[str]) -> Obj:
    """A handler's result as the answer: every object rendered, then expanded."""
    if result.get("object") in ("list", "search_result"):
        shown = {**result, "data": [render(account, r) for r in result["data"]]}
    else:
        shown = render(account, result)
    expand(account, shown, paths)
    return shown
