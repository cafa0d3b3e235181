"""What Stripe refuses when a checkout session is created."""

from __future__ import annotations

from bridge.sandbox.stripe.account import DAY, HOUR, Account
from bridge.sandbox.stripe.catalog import in_currency
from bridge.sandbox.stripe.errors import check_url, invalid
from bridge.sandbox.stripe.shapes import Obj

SHORTEST, LONGEST = HOUR // 2, DAY


def check_together(params: Obj, mode: str) -> None:
    """What must be given, and what not together."""
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
    ):
        if params.get(name) and mode != wanted:
            raise invalid(f"You can not pass `{name}` in `{mode}` mode.", name)


def check_prices(account: Account, session: Obj) -> None:
    """The mode must fit the prices; sets the currency they share."""
    prices = [account.tables["price"][i["price"]] for i in session["_items"]]
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
