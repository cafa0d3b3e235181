"""Objects as older API versions show them, for endpoints that are pinned at one.

Only the differences that a subscription bridge meets: where periods, the invoice of a charge, the
subscription of an invoice, taxes, lines and coupons stood before.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.shape_parts import plain
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import plan_of, render

BASIL, CLOVER, DAHLIA = "2025-03-31", "2025-09-30", "2026-03-25"
PLAIN_LISTS = "2022-11-15"  # before this version charges contained their refunds


def downgrade(account: Account, value: Any, version: str) -> Any:
    """A copy of an object, with all objects in it, as a version shows it."""
    if version[:10] >= DAHLIA:
        return value
    if isinstance(value, list):
        return [downgrade(account, v, version) for v in value]
    if not isinstance(value, dict):
        return value
    if value.get("object") == "event":
        return value  # an event stays as it was rendered, whatever version is asked for later
    old = {k: downgrade(account, v, version) for k, v in value.items()}
    for before, kind, change in CHANGES:
        if version[:10] < before and kind == (old.get("object") or _looks_like(old)):
            change(account, old)
    return old


def _looks_like(value: Obj) -> str | None:
    """The previous attributes of a subscription carry no `object`."""
    items = value.get("items")
    return "subscription" if isinstance(items, dict) and "data" in items else None


def _subscription(_account: Account, old: Obj) -> None:
    items = (old.get("items") or {}).get("data") or []
    starts = [i["_start"] for i in items if i.get("_start")]
    ends = [i["_end"] for i in items if i.get("_end")]
    if starts and ends:
        old["current_period_start"], old["current_period_end"] = min(starts), max(ends)
    for item in items:
        item.pop("_start", None)
        item.pop("_end", None)
    old.pop("billing_mode", None)


def _subscription_item(_account: Account, old: Obj) -> None:
    old["_start"] = old.pop("current_period_start", None)
    old["_end"] = old.pop("current_period_end", None)


def _subscription_discount(account: Account, old: Obj) -> None:
    ids = old.get("discounts") or []
    first = account.get("discount", ids[0]) if ids and isinstance(ids[0], str) else None
    old["discount"] = first and downgrade(account, plain(first), "2024")


def _payment(account: Account, invoice: Obj) -> Obj:
    kept = account.tables["invoice"].get(invoice.get("id", ""), {})
    intent = account.get("payment_intent", kept.get("_intent")) or {}
    return {
        "charge": intent.get("latest_charge"),
        "payment_intent": kept.get("_intent"),
        "paid": invoice["status"] == "paid",
        "paid_out_of_band": bool(kept.get("_out_of_band")),
    }


def _invoice(account: Account, old: Obj) -> None:
    if "status" not in old:
        return
    parent = old.pop("parent", None) or {}
    details = parent.get("subscription_details") or {}
    old["subscription"] = details.get("subscription")
    metadata = details.get("metadata")
    old["subscription_details"] = {"metadata": metadata}
    old.update(_payment(account, old))
    taxes = old.pop("total_taxes", None) or []
    old["tax"] = sum(t["amount"] for t in taxes) if taxes else None
    old["total_tax_amounts"] = [_tax_amount(t) for t in taxes]
    old["discount"] = None
    old.pop("amount_overpaid", None)


def _tax_amount(tax: Obj) -> Obj:
    return {
        "amount": tax["amount"],
        "inclusive": tax["tax_behavior"] == "inclusive",
        "tax_rate": tax["tax_rate_details"]["tax_rate"],
        "taxability_reason": tax["taxability_reason"],
        "taxable_amount": tax["taxable_amount"],
    }


def _line(account: Account, old: Obj) -> None:
    parent = old.pop("parent", None) or {}
    details = parent.get(parent.get("type", "")) or {}
    named = (old.pop("pricing", None) or {}).get("price_details") or {}
    price = account.get("price", _id(named.get("price")))
    old["price"], old["plan"] = (plain(price), plan_of(price)) if price else (None, None)
    old["proration"] = bool(details.get("proration"))
    old["subscription"] = details.get("subscription")
    old["subscription_item"] = details.get("subscription_item")
    of_subscription = parent.get("type") == "subscription_item_details"
    old["type"] = "subscription" if of_subscription else "invoiceitem"
    old["tax_amounts"] = [_tax_amount(t) for t in old.pop("taxes", None) or []]


def _charge(account: Account, old: Obj) -> None:
    intent = account.get("payment_intent", _id(old.get("payment_intent"))) or {}
    old["invoice"] = intent.get("_invoice")


def _intent(account: Account, old: Obj) -> None:
    kept = account.get("payment_intent", old.get("id")) or {}
    old["invoice"] = kept.get("_invoice")


def _charge_refunds(account: Account, old: Obj) -> None:
    rows = [plain(r) for r in account.rows("refund") if r["charge"] == old.get("id")]
    old["refunds"] = {
        "object": "list",
        "data": rows[::-1],
        "has_more": False,
        "total_count": len(rows),
        "url": f"/v1/charges/{old.get('id')}/refunds",
    }


def _discount(account: Account, old: Obj) -> None:
    old["coupon"] = _whole_coupon(account, (old.pop("source", None) or {}).get("coupon"))


def _promotion_code(account: Account, old: Obj) -> None:
    old["coupon"] = _whole_coupon(account, (old.pop("promotion", None) or {}).get("coupon"))


def _whole_coupon(account: Account, coupon: Any) -> Any:
    """The coupon that older versions embed; it may have been expanded already."""
    id_ = _id(coupon)
    found = account.get("coupon", id_) or account.get("deleted_coupon", id_)
    return render(account, found) if found else coupon


def _id(value: Any) -> str | None:
    """An id, of what may have been expanded."""
    found: str | None = value["id"] if isinstance(value, dict) else value
    return found


def _session(_account: Account, old: Obj) -> None:
    names = {"hosted_page": "hosted", "embedded_page": "embedded", "elements": "custom"}
    old["ui_mode"] = names.get(old.get("ui_mode", ""), old.get("ui_mode"))


# The first version without it, the kind of object, and its shape before.
CHANGES: list[tuple[str, str, Callable[[Account, Obj], None]]] = [
    (DAHLIA, "checkout.session", _session),
    (CLOVER, "discount", _discount),
    (CLOVER, "promotion_code", _promotion_code),
    (BASIL, "subscription_item", _subscription_item),
    (BASIL, "subscription", _subscription),
    (BASIL, "subscription", _subscription_discount),
    (BASIL, "invoice", _invoice),
    (BASIL, "line_item", _line),
    (BASIL, "charge", _charge),
    (BASIL, "payment_intent", _intent),
    (PLAIN_LISTS, "charge", _charge_refunds),
]
