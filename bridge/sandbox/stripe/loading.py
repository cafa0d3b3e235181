"""Puts whole objects into the account without requests or events: fixtures, recorded payloads.

Objects may have the shape of an older API version; they get the newest. If they name objects that
are missing (customer, prices, products), those are made, so that every id leads somewhere.
"""

from __future__ import annotations

from typing import Any

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe.account import PREFIXES, Account, account_of
from bridge.sandbox.stripe.shapes import Obj, blank
from bridge.sandbox.stripe.subscriptions import plan_ahead
from bridge.sandbox.stripe.views import items_of

# Objects come before those that name them.
ORDER = ("product", "price", "coupon", "customer", "payment_method", "subscription", "invoice")


def load(world: World, objects: list[Obj]) -> None:
    """Put objects into the account; one with a known id replaces it."""
    with world.lock:
        account = account_of(world)
        for obj in sorted(objects, key=_place):
            LOADERS.get(obj["object"], _keep)(account, obj)


def _place(obj: Obj) -> tuple[int, int]:
    kind = obj["object"]
    place = ORDER.index(kind) if kind in ORDER else len(ORDER)
    return place, obj.get("created") or 0


def _keep(account: Account, obj: Obj) -> Obj:
    kind = obj["object"]
    if kind not in PREFIXES:
        raise ValueError(f"a {kind!r} cannot be loaded; known: {', '.join(sorted(PREFIXES))}")
    if known := account.get(kind, obj["id"]):
        account.drop(known)
    fresh = {**blank(kind), **{k: v for k, v in obj.items() if k not in ("plan", "quantity")}}
    if "created" in fresh and fresh["created"] is None:
        fresh["created"] = account.now
    if kind == "subscription_item":
        fresh["quantity"] = obj.get("quantity", 1)
    return account.keep(fresh)


def _customer(account: Account, obj: Obj) -> Obj:
    if obj.get("deleted"):
        account.tables["customer"][obj["id"]] = dict(obj)
        return obj
    kept = _keep(account, {k: v for k, v in obj.items() if k not in ("subscriptions", "sources")})
    for name, value in blank("customer")["invoice_settings"].items():
        kept["invoice_settings"].setdefault(name, value)
    return kept


def _known_customer(account: Account, id_: str | None) -> None:
    if id_ and not account.get("customer", id_):
        account.new("customer", id_, invoice_prefix=id_[-8:].upper())


def _known_product(account: Account, product: Any) -> str:
    if isinstance(product, dict):
        return str(_keep(account, product)["id"])
    if not account.get("product", product):
        account.new("product", product, name=f"Product {product}")
    return str(product)


def _price(account: Account, obj: Obj) -> Obj:
    product = _known_product(account, obj["product"])
    recurring = obj.get("recurring")
    if recurring:
        known = ("interval", "interval_count", "meter", "trial_period_days", "usage_type")
        recurring = {name: recurring.get(name) for name in known}
        recurring["usage_type"] = recurring["usage_type"] or "licensed"
    return _keep(account, {**obj, "product": product, "recurring": recurring})


def _price_of(account: Account, item: Obj) -> str:
    """The price of an item; very old items have only a plan."""
    price = item.get("price") or item.get("plan")
    if not isinstance(price, dict):
        return str(account.find("price", str(price))["id"])
    if known := account.get("price", price["id"]):
        return str(known["id"])
    if price["object"] == "plan":
        price = {
            **{k: price[k] for k in ("id", "currency", "product")},
            "object": "price",
            "active": price.get("active", True),
            "created": price.get("created", account.now),
            "type": "recurring",
            "unit_amount": price["amount"],
            "unit_amount_decimal": str(price["amount"]),
            "recurring": {k: price.get(k) or 1 for k in ("interval", "interval_count")},
            "nickname": price.get("nickname"),
            "metadata": price.get("metadata") or {},
        }
    return str(_price(account, price)["id"])


def _subscription(account: Account, obj: Obj) -> Obj:
    _known_customer(account, obj.get("customer"))
    old = {
        "current_period_start": obj.get("current_period_start"),
        "current_period_end": obj.get("current_period_end"),
    }
    if known := account.get("subscription", obj["id"]):
        for item in items_of(account, known):
            account.drop(item)
    dropped = ("items", "discount", "plan", "quantity", *old)
    kept = _keep(account, {k: v for k, v in obj.items() if k not in dropped})
    kept["currency"] = obj.get("currency") or kept["currency"]
    kept["_items"] = []
    for item in obj["items"]["data"]:
        price = _price_of(account, item)
        made = _keep(account, {**old, **item, "price": price, "subscription": kept["id"]})
        kept["_items"].append(made["id"])
        kept["currency"] = account.tables["price"][price]["currency"]
    ends = [i["current_period_end"] for i in items_of(account, kept)]
    _complete(kept, min((e for e in ends if e), default=None))
    if all(i["current_period_end"] > account.now for i in items_of(account, kept)):
        plan_ahead(account, kept)  # nothing is made up for the time before it was loaded
    return kept


def _complete(subscription: Obj, anchor: int | None) -> None:
    """Keys that an older version lacks, or has as null instead of an object.

    Without an anchor the periods continue from the given one.
    """
    for name, value in blank("subscription").items():
        if subscription.get(name) is None and value is not None:
            subscription[name] = value
    starts = subscription["start_date"] or subscription["created"]
    subscription["start_date"] = starts
    subscription["billing_cycle_anchor"] = subscription["billing_cycle_anchor"] or anchor or starts


def _invoice(account: Account, obj: Obj) -> Obj:
    _known_customer(account, obj.get("customer"))
    subscription = obj.get("subscription") or _subscription_in(obj)
    kept = _keep(account, {k: v for k, v in obj.items() if k not in OLD_INVOICE})
    kept["_lines"] = [{**blank("line_item"), **line} for line in obj["lines"]["data"]]
    for line in kept["_lines"]:
        line["_tax_rates"] = []
    kept["_payments"], kept["_intent"], kept["_to_balance"] = [], None, 0
    kept["_subscription"] = subscription
    if subscription and not kept["parent"]:
        kept["parent"] = {
            "type": "subscription_details",
            "quote_details": None,
            "subscription_details": {"metadata": {}, "subscription": subscription},
        }
    return kept


OLD_INVOICE = (
    "lines",
    "charge",
    "payment_intent",
    "paid",
    "paid_out_of_band",
    "tax",
    "total_tax_amounts",
    "discount",
    "subscription_details",
    "payments",
)


def _subscription_in(obj: Obj) -> str | None:
    details = (obj.get("parent") or {}).get("subscription_details") or {}
    found: str | None = details.get("subscription")
    return found


def _of_customer(account: Account, obj: Obj) -> Obj:
    _known_customer(account, obj.get("customer"))
    return _keep(account, obj)


LOADERS: dict[str, Any] = {
    "customer": _customer,
    "price": _price,
    "subscription": _subscription,
    "invoice": _invoice,
    "charge": _of_customer,
    "payment_intent": _of_customer,
    "payment_method": _of_customer,
}
