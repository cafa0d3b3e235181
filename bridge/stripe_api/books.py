"""Reads everything that moves money on the account, page by page; it can pause at any page.

The ledger needs few lists: invoices with their payments, balance transactions with
the charge, refund or dispute behind them, and payouts with their parts.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from bridge.core.ledger.news import Missing, ToRead
from bridge.core.ledger.objects import Charge, MoneyObject
from bridge.errors import NotFound
from bridge.stripe_api.http import PAGE, StripeHttp, path, reading
from bridge.stripe_api.money_objects import (
    read_balance_move,
    read_charge,
    read_credit_move,
    read_credit_note,
    read_dispute,
    read_invoice,
    read_order,
    read_payout,
    read_refund,
)
from bridge.stripe_api.reader import Json, rows

Whose = Callable[[Mapping[str, int]], Collection[str]]
"""The customers among these, by balance, whose credit is to be read."""


@dataclass(frozen=True, slots=True)
class BookPage:
    """One page of a list, the newest first. `after` is where the next one begins, if there is."""

    objects: tuple[MoneyObject, ...]
    after: str | None


@dataclass(frozen=True, slots=True)
class _Source:
    path: str
    read: Callable[[StripeHttp, Json], Iterable[MoneyObject]]
    params: Mapping[str, Any]


def _invoice(http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    lines = http.rest(raw["lines"], f"/v1/invoices/{raw['id']}/lines")
    payments: Sequence[Json] = rows(raw.get("payments"))
    if (raw.get("payments") or {}).get("has_more"):
        payments = http.all("/v1/invoice_payments", invoice=raw["id"])
    yield read_invoice(raw, lines, payments)


def _credit_note(http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    yield read_credit_note(raw, http.rest(raw["lines"], f"/v1/credit_notes/{raw['id']}/lines"))


def _order(http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    path = f"/v1/checkout/sessions/{raw['id']}/line_items"
    lines = http.rest(raw["line_items"], path)
    order = read_order(raw, lines)
    return [order] if order else []


def _move(_http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    """A balance transaction, and its source."""
    yield read_balance_move(raw)
    source = raw.get("source")
    if not isinstance(source, Mapping):
        return
    if source["object"] == "charge":
        charge = read_charge(source)
        yield from [charge] if charge else []
    elif source["object"] == "refund":
        yield read_refund(source)
    elif source["object"] == "dispute":
        yield read_dispute(source)


def _payout(http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    moves = http.all("/v1/balance_transactions", payout=raw["id"]) if raw.get("automatic") else ()
    own = (raw["id"],)
    yield read_payout(raw, [move["id"] for move in moves if move.get("source") not in own])


def _customer(http: StripeHttp, raw: Json) -> Iterable[MoneyObject]:
    """The moves of a customer's credit; Stripe lists them for each customer alone."""
    path = f"/v1/customers/{raw['id']}/balance_transactions"
    return [read_credit_move(move) for move in http.all(path)]


CREDIT = "customers' credit"
_SHIPPED = "shipping_cost.taxes"  # returned only if it is asked for
_WITH_LINES = ["data.line_items", f"data.{_SHIPPED}"]
# Objects are read before those they refer to, so that nothing they name is missing afterwards.
SOURCES: Mapping[str, _Source] = {
    "balance transactions": _Source("/v1/balance_transactions", _move, {"expand": ["data.source"]}),
    "payouts": _Source("/v1/payouts", _payout, {}),
    "credit notes": _Source("/v1/credit_notes", _credit_note, {"expand": [f"data.{_SHIPPED}"]}),
    "orders": _Source(
        "/v1/checkout/sessions", _order, {"status": "complete", "expand": _WITH_LINES}
    ),
    "invoices": _Source(
        "/v1/invoices", _invoice, {"expand": ["data.payments", f"data.{_SHIPPED}"]}
    ),
    # Last, because invoices and credit notes tell whose credit moved. Its moves refer to nothing.
    CREDIT: _Source("/v1/customers", _customer, {}),
}


def read_page(
    http: StripeHttp,
    source: str,
    after: str | None,
    whose: Whose | None = None,
) -> BookPage:
    """A page of one source; `after` is None for the first.

    `whose`: ask only for the credit of customers with these balances; None: of all.
    """
    of = SOURCES[source]
    page = http.get(of.path, limit=PAGE, starting_after=after, **of.params)
    with reading(f"a page of {source}"):
        found = page["data"]
        last = found[-1]["id"] if page.get("has_more") and found else None
        if source == CREDIT and whose is not None:
            asked = whose({one["id"]: _balance(one) for one in found})
            found = [one for one in found if one["id"] in asked]
        return BookPage(tuple(one for raw in found for one in of.read(http, raw)), last)


def _balance(customer: Json) -> int:
    return int(customer.get("balance") or customer.get("account_balance") or 0)


# --- Single objects, of which events told ---------------------------------------------------------


def read_told(http: StripeHttp, to_read: ToRead) -> list[MoneyObject]:
    """Payouts, credit notes and customers' credit, by id; deleted objects are left out."""
    found: list[MoneyObject] = []
    for payout_id in to_read.payouts:
        found += _one(http, path("/v1/payouts/{}", payout_id), _payout)
    for note_id in to_read.notes:
        found += _one(http, path("/v1/credit_notes/{}", note_id), _credit_note, _SHIPPED)
    for customer_id in to_read.customers:
        with suppress(NotFound), reading(f"the credit of {customer_id}"):
            found += _customer(http, {"id": customer_id})
    return found


def _one(
    http: StripeHttp,
    where: str,
    read: Callable[[StripeHttp, Json], Iterable[MoneyObject]],
    *expand: str,
) -> list[MoneyObject]:
    try:
        with reading(where):
            return list(read(http, http.get(where, expand=list(expand) or None)))
    except NotFound:
        return []


def read_missing(http: StripeHttp, missing: Missing) -> list[MoneyObject]:
    """The invoices and orders that charges paid, and the credit notes on refunded invoices."""
    found: list[MoneyObject] = []
    for charge in missing.sales:
        with reading(f"what {charge.id} paid"):
            found += _sale(http, charge)
    for invoice_id in missing.notes_on:
        with reading(f"the credit notes on {invoice_id}"):
            for raw in http.all(
                "/v1/credit_notes", invoice=invoice_id, expand=[f"data.{_SHIPPED}"]
            ):
                found += _credit_note(http, raw)
    return found


def _sale(http: StripeHttp, charge: Charge) -> Iterable[MoneyObject]:
    """The invoice or the order that a charge paid; nothing if it stands for itself."""
    if not charge.payment_id.startswith("pi_"):
        return
    payment = {"type": "payment_intent", "payment_intent": charge.payment_id}
    parts = ["data.invoice.payments", f"data.invoice.{_SHIPPED}"]
    paid = http.all("/v1/invoice_payments", payment=payment, expand=parts)
    for each in paid:
        yield from _invoice(http, each["invoice"])
    if not paid:
        orders = {"payment_intent": charge.payment_id, "expand": _WITH_LINES}
        for raw in http.all("/v1/checkout/sessions", **orders):
            yield from _order(http, raw)
