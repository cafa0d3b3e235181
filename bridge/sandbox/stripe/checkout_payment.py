"""What happens when the customer pays on the page of a checkout session."""

from __future__ import annotations

from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import (
    copy_named,
    merge_metadata,
)
from bridge.sandbox.stripe.customers import attach, create_customer, find_customer, method_from
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.events import changing, emit, when
from bridge.sandbox.stripe.invoice_drafts import draft
from bridge.sandbox.stripe.invoice_lines import price_line
from bridge.sandbox.stripe.invoices import finalize, mark_paid
from bridge.sandbox.stripe.payments import confirm, new_intent, refuse_decline
from bridge.sandbox.stripe.session_amounts import price_in, reckon
from bridge.sandbox.stripe.setup_intents import confirm as confirm_setup
from bridge.sandbox.stripe.setup_intents import new_setup_intent
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscriptions import start


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
    reckon(account, session)  # taxes depend on the customer's place
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
    """Check that the required fields are filled in."""
    asked = (session["consent_collection"] or {}).get("terms_of_service") == "required"
    if asked and not form.get("terms"):
        raise invalid("You must accept the terms of service to complete this purchase.")
    if asked:
        session["consent"] = {"promotions": None, "terms_of_service": "accepted"}
    if session["phone_number_collection"]["enabled"] and not form.get("phone"):
        raise invalid("Please provide a phone number.")


def _update_customer(account: Account, session: Obj, customer: Obj, form: Obj) -> None:
    """Save the typed data on a known customer, as far as the session says so."""
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
    sold = [prices[i["price"]] for i in items]
    was_active = [price["active"] for price in sold]
    for price in sold:  # a session stays valid when its prices are archived
        price["active"] = True
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
    for price, active in zip(reversed(sold), reversed(was_active), strict=True):
        price["active"] = active
    invoice = account.tables["invoice"][subscription["latest_invoice"]]
    subscription["_session"] = session["id"]
    intent = account.get("payment_intent", invoice["_intent"])
    if intent:
        intent["_session"] = session["id"]
    _show_first_invoice(session, subscription, invoice)


def _show_first_invoice(session: Obj, subscription: Obj, invoice: Obj) -> None:
    """A completed session shows the amounts of the subscription's first invoice."""
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
