"""Every movement of a customer's money: invoices, charges and balance, joined into lines."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.stripe_api.charges import charge_line, lines_after
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.orders import (
    is_paid_order,
    one_off_lines,
    order_line,
)
from bridge.stripe_api.paid_invoices import (
    balance_line,
    credit_line,
    invoice_line,
)
from bridge.stripe_api.payments import followed, line_items, payment_ids
from bridge.stripe_api.reader import Json, id_of


def read_money(http: StripeHttp, customer_id: str, since: datetime | None) -> tuple[MoneyLine, ...]:
    """Every movement of money of a customer, oldest first; `since`: only those from then on.

    All pages are read all the same: today's refund may belong to the oldest invoice, and only
    an invoice says which charges paid it. If a charge paid no invoice, its order says what for. A
    line is the same whether its charge or its order was known first.
    """
    invoices = http.all("/v1/invoices", customer=customer_id, expand=["data.payments"])
    charges = http.all("/v1/charges", customer=customer_id, expand=["data.refunds"])
    balance = http.all(f"/v1/customers/{customer_id}/balance_transactions")
    with reading(f"the payments of {customer_id}"):
        found: list[MoneyLine] = []
        of_invoice: dict[str, MoneyLine | None] = {}
        for invoice in invoices:
            line = invoice_line(invoice)
            found += filter(None, (line, credit_line(invoice)))
            of_invoice |= dict.fromkeys(payment_ids(http, invoice), line)
        is_alone = any(not _keys(charge) & of_invoice.keys() for charge in charges)
        orders = _orders_by_payment(http, customer_id) if is_alone else {}
        for charge in charges:
            found += _charge_lines(http, charge, customer_id, of_invoice, orders)
        found += filter(None, map(balance_line, balance))
    found.sort(key=lambda line: (line.at, line.id))
    return tuple(line for line in found if since is None or line.at >= since)


def _keys(charge: Json) -> set[str]:
    """The ids by which an invoice or order names a charge."""
    return {charge["id"], id_of(charge.get("payment_intent")) or charge["id"]}


def _orders_by_payment(http: StripeHttp, customer_id: str) -> dict[str, tuple[Json, list[Json]]]:
    """Payment intent -> the order that it paid, with its lines."""
    sessions = http.all(
        "/v1/checkout/sessions",
        customer=customer_id,
        status="complete",
        expand=["data.line_items"],
    )
    found: dict[str, tuple[Json, list[Json]]] = {}
    for session in sessions:
        payment_id = id_of(session.get("payment_intent"))
        if payment_id and is_paid_order(session):
            lines = one_off_lines(session, line_items(http, session))
            found |= {payment_id: (session, lines)} if lines else {}
    return found


def _charge_lines(
    http: StripeHttp,
    charge: Json,
    customer_id: str,
    of_invoice: Mapping[str, MoneyLine | None],
    orders: Mapping[str, tuple[Json, list[Json]]],
) -> list[MoneyLine]:
    own = charge_line(charge, customer_id)
    if own is None:
        return []
    known = sorted(_keys(charge) & of_invoice.keys())
    if not known and not charge.get("invoice"):
        order = orders.get(own.payment_id or "")
        own = (order_line(*order, charge) if order else None) or own
        return [own, *lines_after(followed(http, charge), own)]
    # The invoice has the payment's line. An unpaid one has no payment that could name this line.
    paid = of_invoice[known[0]] if known else None
    return lines_after(followed(http, charge), paid or own)
