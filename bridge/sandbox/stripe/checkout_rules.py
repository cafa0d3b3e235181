"""Refusals when a checkout session is created."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, HOUR, Account
from bridge.sandbox.stripe.catalog import in_currency
from bridge.sandbox.stripe.errors import check_url, invalid
from bridge.sandbox.stripe.shapes import Obj

SHORTEST, LONGEST = HOUR // 2, DAY
MOST_RECURRING = MOST_BESIDE = 20
MOST_ONCE = 100
MOST_TEXT = 1200
SHORTEST_TRIAL = 2 * DAY


def check_together(params: Obj, mode: str) -> None:
    """Parameters that are required, and those that exclude each other."""
    if mode != "setup" and not params.get("line_items"):
        raise invalid(
            f"Missing required param: line_items in `{mode}` mode.",
            "line_items",
            "parameter_missing",
        )
    for name in ("success_url", "cancel_url"):
        check_url(params.get(name), name)
    for pair in (("customer", "customer_email"), ("discounts", "allow_promotion_codes")):
        if all(params.get(name) for name in pair):
            raise invalid(f"You may only specify one of these parameters: {', '.join(pair)}.")


def check_mode(params: Obj, mode: str) -> None:
    """Settings that belong to one mode only."""
    for name, wanted in (
        ("subscription_data", "subscription"),
        ("payment_intent_data", "payment"),
        ("setup_intent_data", "setup"),
        ("invoice_creation", "payment"),
        ("payment_method_collection", "subscription"),
    ):
        if params.get(name) and mode != wanted:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)


def check_trial_end(account: Account, params: Obj) -> None:
    """A trial of a session ends two days from now at the earliest."""
    end = (params.get("subscription_data") or {}).get("trial_end")
    if end and end < account.now + SHORTEST_TRIAL:
        raise invalid(
            "The `trial_end` date has to be at least 2 days in the future.",
            "subscription_data[trial_end]",
        )


def check_page(account: Account, params: Obj, customer: Obj | None) -> None:
    """Check the data that the page may ask for."""
    updates = params.get("customer_update") or {}
    if updates and customer is None:
        raise invalid(
            "`customer_update` can only be used when you pass in a `customer`.", "customer_update"
        )
    is_on = {
        name: bool((params.get(name) or {}).get("enabled"))
        for name in ("automatic_tax", "tax_id_collection")
    }
    if customer is not None and is_on["automatic_tax"]:
        has_country = bool((customer["address"] or {}).get("country"))
        if not has_country and updates.get("address") != "auto":
            raise invalid(
                "Automatic tax calculation in Checkout requires a valid address on the Customer. "
                "Add a valid address to the Customer or set either `customer_update[address]` to "
                "'auto' or `customer_update[shipping]` to 'auto' to save the address entered in "
                "Checkout to the Customer.",
                code="customer_tax_location_invalid",
            )
    if customer is not None and is_on["tax_id_collection"] and updates.get("name") != "auto":
        raise invalid(
            "Tax ID collection requires updating business name on the customer. To enable tax ID "
            "collection for an existing customer, please set `customer_update[name]` to `auto`."
        )
    asks_consent = (params.get("consent_collection") or {}).get("terms_of_service") == "required"
    if asks_consent and account.settings.terms_url is None:
        raise invalid(
            "You cannot collect consent to your terms of service unless a URL is set in the Stripe "
            "Dashboard. Update your public business information in the Dashboard."
        )
    for name, text in (params.get("custom_text") or {}).items():
        if text and len(text.get("message") or "") > MOST_TEXT:
            raise invalid("Invalid string: too long.", f"custom_text[{name}][message]")


def check_prices(account: Account, session: Obj) -> None:
    """The mode must fit the prices; sets the currency they share."""
    prices = [account.tables["price"][i["price"]] for i in session["_items"]]
    _check_count(prices)
    _check_open_amounts(session, prices)
    if session["mode"] == "subscription" and not any(p["recurring"] for p in prices):
        raise invalid(
            "You must provide at least one recurring price in `subscription` mode when using "
            "prices."
        )
    if session["mode"] == "payment" and any(p["recurring"] for p in prices):
        raise invalid(
            "You specified `payment` mode but passed a recurring price. Either switch to "
            "`subscription` mode or use only one-time prices."
        )
    wanted = (session["_given"].get("currency") or prices[0]["currency"]).lower() if prices else ""
    currencies = {in_currency(p, wanted)["currency"] for p in prices}
    if len(currencies) > 1:
        raise invalid("All line items must have the same currency.", "line_items")
    session["currency"] = currencies.pop() if currencies else None


def _check_count(prices: list[Obj]) -> None:
    rhythms = {
        (p["recurring"]["interval"], p["recurring"]["interval_count"])
        for p in prices
        if p["recurring"]
    }
    if len(rhythms) > 1:
        raise invalid(
            "Checkout does not currently support multiple prices with different billing intervals.",
            "line_items",
        )
    recurring = sum(bool(p["recurring"]) for p in prices)
    once = len(prices) - recurring
    if recurring > MOST_RECURRING or once > (MOST_BESIDE if recurring else MOST_ONCE):
        raise invalid("Too many line items.", "line_items")


def _check_open_amounts(session: Obj, prices: list[Obj]) -> None:
    """Whose amount the customer decides stands alone, and is bought once."""
    if not any(p["custom_unit_amount"] for p in prices):
        return
    if len(prices) > 1 or session["_items"][0]["quantity"] != 1 or session["mode"] != "payment":
        raise invalid(
            "Prices with `custom_unit_amount` can only be used as the only line item, with a "
            "quantity of 1, in `payment` mode.",
            "line_items",
        )


def expiry(account: Account, wanted: int | None) -> int:
    """When the session expires: half an hour to a day from now."""
    if wanted is None:
        return account.now + LONGEST
    if not SHORTEST <= wanted - account.now <= LONGEST:
        raise invalid(
            "The `expires_at` timestamp must be at least 30 minutes and at most 24 hours from "
            "Checkout Session creation.",
            "expires_at",
        )
    return wanted
