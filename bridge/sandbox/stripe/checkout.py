"""Checkout sessions, and what happens when the customer pays on their page."""

from __future__ import annotations

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.catalog import price_from, refuse_inactive
from bridge.sandbox.stripe.checkout_rules import (
    check_mode,
    check_page,
    check_prices,
    check_together,
    check_trial_end,
    expiry,
)
from bridge.sandbox.stripe.crud import (
    Handler,
    copy_named,
    equals,
    listing,
    merge_metadata,
    page,
    retrieving,
)
from bridge.sandbox.stripe.customers import find_customer
from bridge.sandbox.stripe.discounts import coupon_for, find_code
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.events import emit
from bridge.sandbox.stripe.redeeming import check_code, check_currency
from bridge.sandbox.stripe.session_amounts import reckon
from bridge.sandbox.stripe.shape_parts import nulls
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.views import shown_line_items

FIELDS = (
    "allow_promotion_codes",
    "billing_address_collection",
    "cancel_url",
    "client_reference_id",
    "consent_collection",
    "customer_creation",
    "customer_email",
    "custom_fields",
    "integration_identifier",
    "locale",
    "payment_method_collection",
    "saved_payment_method_options",
    "submit_type",
    "success_url",
)
INVOICE_DATA = {
    **nulls("account_tax_ids custom_fields description footer issuer rendering_options"),
    "metadata": {},
}


def create(account: Account, params: Obj) -> Obj:
    """POST /v1/checkout/sessions."""
    mode = params.get("mode") or "payment"
    check_together(params, mode)
    check_mode(params, mode)
    check_trial_end(account, params)
    customer = params.get("customer") or None
    known = find_customer(account, customer) if customer else None
    if known:
        account.live_at_clock_of(known)
    check_page(account, params, known)
    session = account.new("checkout.session", customer=customer, mode=mode)
    session["expires_at"] = expiry(account, params.get("expires_at"))
    session["_given"] = {k: v for k, v in params.items() if k != "line_items"}
    copy_named(session, params, *FIELDS)
    session["custom_fields"] = params.get("custom_fields") or []
    _set_defaults(session, params)
    session["url"] = f"{account.base_url}/c/pay/{session['id']}"
    merge_metadata(session, params)
    session["_items"] = [
        _line_item(account, item, n) for n, item in enumerate(params.get("line_items") or ())
    ]
    session["_discounts"] = list(params.get("discounts") or ())
    check_prices(account, session)
    reckon(account, session)
    for given in session["_discounts"]:
        _check_discount(account, session, given)
    account.plan(session["expires_at"], "checkout_expires", session)
    return session


def _set_defaults(session: Obj, params: Obj) -> None:
    """Defaults by mode, and settings that are shown in another form."""
    mode, new = session["mode"], session["customer"] is None
    if new and session["customer_creation"] is None:
        session["customer_creation"] = {"subscription": "always", "payment": "if_required"}.get(
            mode
        )
    if mode == "subscription" and session["payment_method_collection"] is None:
        session["payment_method_collection"] = "always"
    if mode == "payment" and (asked := params.get("invoice_creation")):
        session["invoice_creation"] = {
            "enabled": bool(asked.get("enabled")),
            "invoice_data": {**INVOICE_DATA, **(asked.get("invoice_data") or {})},
        }
    session["payment_method_types"] = params.get("payment_method_types") or ["card"]
    for name in ("automatic_tax", "phone_number_collection"):
        session[name]["enabled"] = bool((params.get(name) or {}).get("enabled"))
    if (params.get("tax_id_collection") or {}).get("enabled"):
        session["tax_id_collection"] = {"enabled": True, "required": "never"}
    session["custom_text"].update(params.get("custom_text") or {})
    if saved := session["saved_payment_method_options"]:
        session["saved_payment_method_options"] = {
            "allow_redisplay_filters": saved.get("allow_redisplay_filters") or ["always"],
            "payment_method_remove": saved.get("payment_method_remove") or "disabled",
            "payment_method_save": saved.get("payment_method_save") or "disabled",
        }


def _line_item(account: Account, given: Obj, n: int) -> Obj:
    price = price_from(account, given, f"line_items[{n}]")
    if not given.get("price_data"):
        refuse_inactive(price)
    product = account.tables["product"][price["product"]]
    quantity = 1 if given.get("quantity") is None else given["quantity"]
    if quantity < 1:
        raise invalid("This value must be greater than or equal to 1.", "line_items[quantity]")
    item = account.new(
        "item",
        currency=price["currency"],
        description=product["name"],
        price=price["id"],
        quantity=quantity,
        adjustable_quantity=given.get("adjustable_quantity"),
        metadata=given.get("metadata") or {},
    )
    custom = price["custom_unit_amount"]
    item["_unit"] = (custom or {}).get("preset") or 0 if custom else None
    return item


def update(account: Account, params: Obj, id_: str) -> Obj:
    """POST /v1/checkout/sessions/{id}."""
    session = account.find("checkout.session", id_)
    merge_metadata(session, params)
    return session


def expire(account: Account, _params: Obj, id_: str) -> Obj:
    """POST /v1/checkout/sessions/{id}/expire."""
    session = account.find("checkout.session", id_)
    if session["status"] != "open":
        raise invalid(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Checkout '
            f"Session has a status of `{session['status']}`."
        )
    _expire(account, session)
    return session


def expire_due(account: Account, id_: str) -> None:
    """The time to pay is over."""
    session = account.get("checkout.session", id_)
    if session and session["status"] == "open" and session["expires_at"] == account.now:
        _expire(account, session)


def _expire(account: Account, session: Obj) -> None:
    session.update(status="expired", url=None)
    emit(account, "checkout.session.expired", session)


def _check_discount(account: Account, session: Obj, given: Obj) -> None:
    check_currency(coupon_for(account, given), session["currency"])
    if code := account.get("promotion_code", given.get("promotion_code")):
        check_code(account, code, session["customer"], session["amount_subtotal"])


def use_code(account: Account, session: Obj, text: str) -> bool:
    """The customer typed a promotion code; False if it does not exist."""
    code = find_code(account, text)
    if code is None or not session["allow_promotion_codes"]:
        return False
    try:
        _check_discount(account, session, {"promotion_code": code["id"]})
    except StripeError:
        return False
    session["_discounts"] = [{"promotion_code": code["id"]}]
    reckon(account, session)
    return True


def _line_items(account: Account, params: Obj, id_: str) -> Obj:
    session = account.find("checkout.session", id_)
    rows = list(reversed(shown_line_items(account, session)))
    return page(rows, params, f"/v1/checkout/sessions/{id_}/line_items", "item")


def _mail_is(row: Obj, wanted: Obj) -> bool:
    details = row["customer_details"] or {}
    return bool(details.get("email") == wanted["email"])


ROUTES: dict[str, Handler] = {
    "POST /v1/checkout/sessions": create,
    "GET /v1/checkout/sessions": listing(
        "checkout.session",
        "/v1/checkout/sessions",
        {
            "payment_intent": equals("payment_intent"),
            "payment_link": equals("payment_link"),
            "status": equals("status"),
            "subscription": equals("subscription"),
            "customer_details": _mail_is,
        },
    ),
    "GET /v1/checkout/sessions/{}": retrieving("checkout.session"),
    "POST /v1/checkout/sessions/{}": update,
    "POST /v1/checkout/sessions/{}/expire": expire,
    "GET /v1/checkout/sessions/{}/line_items": _line_items,
}
