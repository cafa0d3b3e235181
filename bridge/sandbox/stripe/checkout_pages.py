"""Pages for people: the hosted checkout, an invoice, the bank's question."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

from flask import Blueprint, redirect, render_template, request

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe import checkout, checkout_payment, payment_links, payments, setup_intents
from bridge.sandbox.stripe.account import DAY, Account
from bridge.sandbox.stripe.catalog import amount_of
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.invoice_lines import DECIMALS, money
from bridge.sandbox.stripe.invoice_routes import pay
from bridge.sandbox.stripe.pages import METHODS, Page, message, new_pages
from bridge.sandbox.stripe.session_amounts import price_in, reckon
from bridge.sandbox.stripe.shapes import Obj

COUNTRIES = [
    ("DE", "Germany"),
    ("AT", "Austria"),
    ("FR", "France"),
    ("GB", "United Kingdom"),
    ("NL", "Netherlands"),
    ("US", "United States"),
]
DECLINED = "pm_card_chargeDeclined"


def checkout_page(account: Account, session: Obj, problem: str | None = None) -> str:
    """The page on which a customer pays."""
    items = [_item(account, session, item) for item in session["_items"]]
    currency = session["currency"] or "usd"
    customer = account.get("customer", session["customer"]) or {}
    total = session["amount_total"]
    details = session["total_details"]
    data = session["_given"].get("subscription_data") or {}
    custom = next((i for i in session["_items"] if i["_unit"] is not None), None)
    places = DECIMALS.get(currency, 2)
    shown = {
        **{k: session[k] for k in ("id", "cancel_url", "allow_promotion_codes", "currency")},
        "phone": session["phone_number_collection"]["enabled"],
        "tax_id": (session.get("tax_id_collection") or {}).get("enabled"),
        "terms": (session["consent_collection"] or {}).get("terms_of_service") == "required",
        "text": (session["custom_text"]["submit"] or {}).get("message"),
        "no_card": total == 0 and session["payment_method_collection"] == "if_required",
        "customer_known": bool(customer.get("email")),
        "email": session["customer_email"],
        "name": customer.get("name"),
        "custom": custom is not None,
        "preset": f"{custom['_unit'] / 10**places:.{places}f}" if custom else "",
    }
    words = {"subscription": "Subscribe", "payment": "Pay", "setup": "Save your card"}
    button = words[session["mode"]]
    return render_template(
        "checkout.html",
        session=shown,
        items=items,
        heading=button,
        button=f"Pay {money(total, currency)}" if total else button,
        total=money(total, currency) if total is not None else None,
        discount=money(-details["amount_discount"], currency)
        if details["amount_discount"]
        else None,
        tax=money(details["amount_tax"], currency) if details["amount_tax"] else None,
        trial=_trial_days(account, data),
        problem=problem,
        methods=METHODS,
        countries=COUNTRIES,
    )


def _trial_days(account: Account, data: Obj) -> int | None:
    """Stripe shows the days that are left, also for a trial with its own end."""
    if end := data.get("trial_end"):
        return max(1, -(-(int(end) - account.now) // DAY))
    days: int | None = data.get("trial_period_days")
    return days


def _item(account: Account, session: Obj, item: Obj) -> Obj:
    price = price_in(account, session, item)
    every = None
    if recurring := price["recurring"]:
        amount = money(amount_of(price, item["quantity"]), price["currency"])
        count = recurring["interval_count"]
        unit = recurring["interval"] if count == 1 else f"{count} {recurring['interval']}s"
        every = f"{amount} every {unit}"
    return {
        "description": item["description"],
        "quantity": item["quantity"],
        "amount": money(item["amount_subtotal"], item["currency"]),
        "every": every,
    }


def returned_url(session: Obj) -> str:
    """The address for the customer after paying."""
    url = session["success_url"] or ""
    return url.replace("{CHECKOUT_SESSION_ID}", quote(session["id"]))


def pay_checkout(account: Account, session: Obj) -> Page:
    """The customer pressed a button."""
    form = request.form.to_dict()
    if form.get("action") == "decline":
        form["token"] = DECLINED
    if form.get("amount"):
        _choose_amount(account, session, form["amount"])
    try:
        checkout_payment.complete(account, session, form)
    except StripeError as problem:
        return checkout_page(account, session, problem.body["message"]), 402
    if not session["success_url"]:
        return message("Thank you", "Your payment went through.")
    return redirect(returned_url(session), 303)


def _choose_amount(account: Account, session: Obj, text: str) -> None:
    places = DECIMALS.get(session["currency"], 2)
    try:
        amount = int(float(text.replace(",", ".")) * 10**places + 0.5)
    except ValueError:
        return
    for item in session["_items"]:
        if item["_unit"] is not None and amount > 0:
            item["_unit"] = amount
    reckon(account, session)


def authenticated(account: Account, id_: str, *, ok: bool) -> None:
    """The customer answered the bank's question."""
    if id_.startswith("seti_"):
        intent = account.find("setup_intent", id_)
        if ok and intent["status"] == "requires_action":
            setup_intents.succeed(account, intent)
        return
    payments.authenticate(account, account.find("payment_intent", id_), ok=ok)


def _hosted(account: Account, id_: str) -> Page:
    session = account.find("checkout.session", id_)
    if session["status"] == "complete":
        link = returned_url(session)
        return message("You have already paid", "Thank you.", link=link, link_text="Go on")
    if session["status"] == "expired":
        return message("This page has expired", "Please start again."), 410
    if request.method == "POST":
        return pay_checkout(account, session)
    return checkout_page(account, session)


def _code(account: Account, id_: str) -> Page:
    session = account.find("checkout.session", id_)
    known = checkout.use_code(account, session, request.form.get("code", ""))
    return checkout_page(account, session, None if known else "This code is not valid.")


def _invoice(account: Account, id_: str) -> Page:
    found = account.find("invoice", id_)
    if request.method == "POST":
        pay(account, {"payment_method": "pm_card_visa"}, id_)
    text = f"{money(found['total'], found['currency'])}: {found['status']}."
    actions = [{"url": f"/i/{id_}", "kind": "", "value": "pay", "text": "Pay by card"}]
    payable = found["status"] in ("open", "uncollectible")
    return message(f"Invoice {found['number']}", text, actions=actions if payable else [])


def _authenticate(account: Account, id_: str) -> Page:
    if request.method == "POST":
        authenticated(account, id_, ok=request.form.get("answer") == "yes")
        return message("Thank you", "You may close this page.")
    url = f"/_authenticate/{id_}"
    actions = [
        {"url": url, "kind": "", "value": "yes", "text": "Yes, it is me"},
        {"url": url, "kind": "quiet", "value": "no", "text": "No"},
    ]
    return message("Your bank asks", "Are you making this payment?", actions=actions)


def _link(account: Account, code: str) -> Page:
    args = request.args
    session = payment_links.follow(
        account, code, args.get("client_reference_id"), args.get("prefilled_email")
    )
    if session is None:
        return message("This link is no longer active", "Please ask the community."), 410
    return redirect(session["url"], 303)


def _pricing(account: Account) -> Page:
    """The offers of an embedded pricing table, for its reference."""
    reference = request.args.get("client_reference_id", "")
    actions = [
        {
            "url": f"{link['url']}?client_reference_id={quote(reference)}",
            "text": f"{link['_items'][0]['description']}, "
            + money(link["_items"][0]["amount_total"], link["currency"]),
        }
        for link in account.rows("payment_link")
        if link["active"]
    ]
    return message("Choose", "What would you like?", links=actions)


BOTH = ["GET", "POST"]
PAGES: list[tuple[str, list[str], Callable[..., Page]]] = [
    ("/c/pay/<id_>", BOTH, _hosted),
    ("/c/pay/<id_>/code", ["POST"], _code),
    ("/b/<code>", ["GET"], _link),
    ("/_pricing", ["GET"], _pricing),
    ("/i/<id_>", BOTH, _invoice),
    ("/_authenticate/<id_>", BOTH, _authenticate),
]


def create_checkout_pages(world: World) -> Blueprint:
    """The routes of these pages."""
    return new_pages("checkout", world, PAGES)
