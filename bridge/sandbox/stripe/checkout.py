"""Checkout sessions, and what happens when the customer pays on their page."""

from __future__ import annotations

from typing import Any

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
from bridge.sandbox.stripe.customers import attach, create_customer, find_customer, method_from
from bridge.sandbox.stripe.discounts import coupon_for, find_code
from bridge.sandbox.stripe.errors import StripeError, invalid
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.invoice_lines import price_line
from bridge.sandbox.stripe.invoices import draft, finalize, mark_paid
from bridge.sandbox.stripe.payments import confirm, new_intent, refuse_decline
from bridge.sandbox.stripe.redeeming import check_code, check_currency
from bridge.sandbox.stripe.session_amounts import price_in, reckon
from bridge.sandbox.stripe.setup_intents import confirm as confirm_setup
from bridge.sandbox.stripe.setup_intents import new_setup_intent
from bridge.sandbox.stripe.shape_parts import nulls
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscriptions import start
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
    """What Stripe chooses by mode, and settings that are shown in another form."""
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
    """The customer typed a promotion code; False when there is none like it."""
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


def complete(account: Account, session: Obj, form: Obj) -> None:
    """The customer pays. Raises Stripe's 402 when the card is declined; the session stays open.

    `form`: `token` of a test payment method, `email`, `name`, `country`.
    """
    if session["status"] != "open":
        raise invalid("You cannot pay for this session any more.")
    _check_form(session, form)
    account.live_at_clock_of(account.get("customer", session["customer"]))
    method = method_from(account, form.get("token") or "pm_card_visa")
    if form.get("country"):
        method["billing_details"]["address"] = {
            **method["billing_details"]["address"],
            "country": form["country"],
        }
    refuse_decline(account, session["customer"] or "", method)
    customer = _customer_for(account, session, form)
    session["_country"] = form.get("country")
    reckon(account, session)  # taxes depend on where the customer is
    {"subscription": _subscribe, "payment": _pay, "setup": _set_up}[session["mode"]](
        account, session, customer, method
    )
    session.update(
        status="complete",
        url=None,
        customer_details={
            "address": plain_address(form),
            "business_name": None,
            "email": form.get("email")
            or (customer or {}).get("email")
            or session["customer_email"],
            "individual_name": None,
            "name": form.get("name") or (customer or {}).get("name"),
            "phone": form.get("phone") or None,
            "tax_exempt": "none",
            "tax_ids": [{"type": "eu_vat", "value": form["tax_id"]}] if form.get("tax_id") else [],
        },
    )
    emit(account, "checkout.session.completed", session)


def _check_form(session: Obj, form: Obj) -> None:
    """What the page asks for has to be filled in."""
    asked = (session["consent_collection"] or {}).get("terms_of_service") == "required"
    if asked and not form.get("terms"):
        raise invalid("You must accept the terms of service to complete this purchase.")
    if asked:
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
    if session["phone_number_collection"]["enabled"] and not form.get("phone"):
        raise invalid("Please provide a phone number.")


def _update_customer(account: Account, session: Obj, customer: Obj, form: Obj) -> None:
    """Keep on a known customer what was typed, as far as the session says so."""
    updates = session["_given"].get("customer_update") or {}
    typed = {
        "address": plain_address(form) if form.get("country") else None,
        "name": form.get("name"),
    }
    kept = {name: typed[name] for name in typed if typed[name] and updates.get(name) == "auto"}
    if kept:
        with changing(account, customer, "customer.updated"):
            customer.update(kept)


def plain_address(form: Obj) -> Obj:
    """The billing address as far as the page asks for it."""
    empty: Obj = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {**empty, "country": form.get("country")}


def _customer_for(account: Account, session: Obj, form: Obj) -> Obj | None:
    if session["customer"]:
        customer = find_customer(account, session["customer"])
        _update_customer(account, session, customer, form)
        return customer
    needed = session["mode"] == "subscription" or session["customer_creation"] == "always"
    if not needed:
        return None
    customer = create_customer(
        account,
        {
            "email": form.get("email") or session["customer_email"],
            "name": form.get("name"),
            "address": plain_address(form) if form.get("country") else None,
        },
    )
    session["customer"] = customer["id"]
    account.of_customer[session["object"], customer["id"]].append(session["id"])
    return customer


def _subscribe(account: Account, session: Obj, customer: Obj | None, method: Obj) -> None:
    if customer is None:
        return
    data = dict(session["_given"].get("subscription_data") or {})
    prices = account.tables["price"]
    items = [
        {"price": i["price"], "quantity": i["quantity"], "metadata": i["metadata"]}
        for i in session["_items"]
    ]
    free = session["amount_total"] == 0
    if not (free and session["payment_method_collection"] == "if_required"):
        attach(account, method, customer)
        data["default_payment_method"] = method["id"]
    for price in (prices[i["price"]] for i in items):
        price["_was_active"], price["active"] = price["active"], True
    subscription = start(
        account,
        {
            **data,
            "currency": session["currency"],
            "customer": customer["id"],
            "items": [i for i in items if prices[i["price"]]["recurring"]],
            "add_invoice_items": [i for i in items if not prices[i["price"]]["recurring"]],
            "discounts": session["_discounts"],
            "automatic_tax": {"enabled": session["automatic_tax"]["enabled"]},
            "off_session": False,
        },
    )
    for price in (prices[i["price"]] for i in items):
        price["active"] = price.pop("_was_active", price["active"])
    invoice = account.tables["invoice"][subscription["latest_invoice"]]
    subscription["_session"] = session["id"]
    intent = account.get("payment_intent", invoice["_intent"])
    if intent:
        intent["_session"] = session["id"]
    session.update(
        subscription=subscription["id"],
        invoice=invoice["id"],
        amount_subtotal=invoice["subtotal"],
        amount_total=invoice["total"],
        payment_status=_payment_status(invoice),
    )
    added = [t["amount"] for t in invoice["total_taxes"] if t["tax_behavior"] == "exclusive"]
    session["total_details"].update(
        amount_discount=sum(d["amount"] for d in invoice["total_discount_amounts"]),
        amount_tax=sum(added),
    )


def _payment_status(invoice: Obj) -> str:
    if invoice["amount_due"] == 0:
        return "no_payment_required"
    return "paid" if invoice["status"] == "paid" else "unpaid"


def _pay(account: Account, session: Obj, customer: Obj | None, method: Obj) -> None:
    data = session["_given"].get("payment_intent_data") or {}
    amount = session["amount_total"]
    if amount == 0:
        session["payment_status"] = "no_payment_required"
        return
    intent = new_intent(account, amount, session["currency"], customer["id"] if customer else None)
    copy_named(intent, data, "description", "setup_future_usage", "capture_method", "receipt_email")
    merge_metadata(intent, data)
    intent["payment_method"], intent["_session"] = method["id"], session["id"]
    emit(account, "payment_intent.created", intent)
    session["payment_intent"] = intent["id"]
    status = confirm(account, intent)
    session["payment_status"] = "paid" if status == "succeeded" else "unpaid"
    if status == "succeeded" and customer and (session["invoice_creation"] or {}).get("enabled"):
        _invoice_afterwards(account, session, customer, intent)


def _invoice_afterwards(account: Account, session: Obj, customer: Obj, intent: Obj) -> None:
    """The invoice that documents a one-off payment which already went through."""
    lines = []
    for item in session["_items"]:
        price = price_in(account, session, item)
        lines.append(price_line(account, price, item["quantity"]))
    data = session["invoice_creation"]["invoice_data"]
    more: dict[str, Any] = {"metadata": data["metadata"]} if data.get("metadata") else {}
    invoice = draft(account, customer, session["currency"], lines, _exclude_pending=True, **more)
    finalize(account, invoice)
    own = account.get("payment_intent", invoice["_intent"])
    if own:
        payment = account.tables["invoice_payment"][invoice["_payments"][0]]
        payment["payment"]["payment_intent"] = intent["id"]
        del account.tables["payment_intent"][own["id"]]
        invoice["_intent"], intent["_invoice"] = intent["id"], invoice["id"]
        mark_paid(account, invoice, intent)
    session["invoice"] = invoice["id"]


def _set_up(account: Account, session: Obj, customer: Obj | None, method: Obj) -> None:
    intent = new_setup_intent(account, customer["id"] if customer else None)
    intent["payment_method"] = method["id"]
    merge_metadata(intent, session["_given"].get("setup_intent_data") or {})
    emit(account, "setup_intent.created", intent)
    confirm_setup(account, intent)
    session.update(setup_intent=intent["id"], payment_status="no_payment_required")


def _async_end(ok: bool) -> Any:  # noqa: FBT001 - makes the two reactions below
    def reaction(account: Account, intent: Obj) -> None:
        session = account.get("checkout.session", intent.get("_session"))
        if session is None or session["status"] != "complete":
            return
        if session["payment_status"] != "unpaid":
            return
        if ok:
            session["payment_status"] = "paid"
        if intent["capture_method"] == "manual":  # a hold that was captured, not a late payment
            return
        word = "succeeded" if ok else "failed"
        emit(account, f"checkout.session.async_payment_{word}", session)

    return reaction


when("payment_intent.succeeded")(_async_end(ok=True))
when("payment_intent.payment_failed")(_async_end(ok=False))


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
