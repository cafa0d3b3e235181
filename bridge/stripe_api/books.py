"""Reads everything that moves money on the account, page by page; it can pause at any page.

What the ledger needs comes in few lists: an invoice with its payments, a balance transaction with
the charge, refund or dispute behind it, a payout with what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bridge.core.ledger.objects import MoneyObject
from bridge.stripe_api.http import PAGE, StripeHttp, reading
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
    """A balance transaction, and what is behind it."""
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


# What refers to others is read before them, so that what it refers to is there when it was read.
SOURCES: Mapping[str, _Source] = {
    "balance transactions": _Source("/v1/balance_transactions", _move, {"expand": ["data.source"]}),
    "payouts": _Source("/v1/payouts", _payout, {}),
    "credit": _Source("/v1/customers", _customer, {}),
    "credit notes": _Source("/v1/credit_notes", _credit_note, {}),
    "orders": _Source(
        "/v1/checkout/sessions", _order, {"status": "complete", "expand": ["data.line_items"]}
    ),
    "invoices": _Source("/v1/invoices", _invoice, {"expand": ["data.payments"]}),
}


def read_page(http: StripeHttp, source: str, after: str | None) -> BookPage:
    """A page of one source; `after` is None for the first."""
    of = SOURCES[source]
    page = http.get(of.path, limit=PAGE, starting_after=after, **of.params)
    with reading(f"a page of {source}"):
        found = page["data"]
        objects = tuple(one for raw in found for one in of.read(http, raw))
        return BookPage(objects, found[-1]["id"] if page.get("has_more") and found else None)
