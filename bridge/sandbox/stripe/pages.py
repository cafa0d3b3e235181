"""Shared by all pages for people: dates, rows of tables, a page with one sentence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from flask import Blueprint, render_template, request
from werkzeug.wrappers import Response

from bridge.sandbox.kernel import World
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.catalog import amount_of
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.invoice_lines import money
from bridge.sandbox.stripe.shapes import Obj
from bridge.sandbox.stripe.subscription_items import price_of
from bridge.sandbox.stripe.subscription_rules import ENDED
from bridge.sandbox.stripe.timeline import tick
from bridge.sandbox.stripe.views import items_of

Page = str | Response | tuple[str, int]
METHODS = [
    ("pm_card_visa", "Card that works (4242)"),
    ("pm_card_chargeCustomerFail", "Card that can be saved, but payments fail (0341)"),
    ("pm_card_chargeDeclinedInsufficientFunds", "Card without funds (9995)"),
    ("pm_card_createDispute", "Card that is disputed (0259)"),
    ("pm_sepa_debit", "Bank debit: takes days"),
]


def day(at: int) -> str:
    """A date for people."""
    return datetime.fromtimestamp(at, UTC).strftime("%-d %B %Y")


def message(heading: str, text: str, **more: Any) -> str:
    """A page with one message."""
    return render_template("message.html", heading=heading, text=text, **more)


def shown_invoice(invoice: Obj) -> Obj:
    """A row of a table of invoices."""
    return {
        "id": invoice["id"],
        "date": day(invoice["created"]),
        "number": invoice["number"] or "Draft",
        "status": invoice["status"],
        "amount": money(invoice["total"], invoice["currency"]),
        "payable": invoice["status"] in ("open", "uncollectible"),
    }


def describe(account: Account, subscription: Obj) -> Obj:
    """A subscription in words."""
    items = items_of(account, subscription)
    prices = [price_of(account, subscription, i) for i in items]
    names = [account.tables["product"].get(p["product"], {}).get("name", "?") for p in prices]
    pairs = zip(prices, items, strict=True)
    amount = sum(amount_of(p, i["quantity"]) for p, i in pairs)
    ends = subscription["cancel_at"] or max(i["current_period_end"] for i in items)
    word = "ends on" if subscription["cancel_at"] else "renews on"
    if subscription["status"] in ENDED:
        ends, word = subscription["ended_at"], "ended on"
    return {
        "id": subscription["id"],
        "names": ", ".join(names),
        "amount": money(amount, subscription["currency"]),
        "status": subscription["status"].replace("_", " "),
        "text": f"{word} {day(ends)}",
        "alive": subscription["status"] not in ENDED,
    }


def named_prices(account: Account, prices: list[Obj]) -> list[tuple[str, str]]:
    """Prices for a selection."""
    named = []
    for price in prices:
        product = account.tables["product"].get(price["product"], {}).get("name", "?")
        amount = money(price["unit_amount"] or 0, price["currency"])
        named.append((price["id"], f"{product}, {amount} / {price['recurring']['interval']}"))
    return named


def new_pages(
    name: str, world: World, pages: list[tuple[str, list[str], Callable[..., Page]]]
) -> Blueprint:
    """A group of pages; errors of Stripe are shown in words."""
    blueprint = Blueprint(name, __name__)
    for rule, methods, page in pages:
        blueprint.add_url_rule(
            rule, page.__name__.strip("_"), _in_world(world, page), methods=methods
        )

    @blueprint.errorhandler(StripeError)
    def problem(error: StripeError) -> Page:
        return message("That did not work", error.body["message"]), error.status

    return blueprint


def _in_world(world: World, page: Callable[..., Page]) -> Callable[..., Page]:
    """Call a page's function with the account of this moment, below the world's lock."""

    def view(**ids: str) -> Page:
        with world.lock:
            tick(world)
            account = account_of(world)
            account.base_url = request.host_url.rstrip("/")
            return page(account, **ids)

    return view
