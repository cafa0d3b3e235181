"""Reads what a customer bought once, with what became of the payments."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from bridge.core.ledger.lines import MoneyLine
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import PendingPayment, PeriodPayment, Price, Purchase
from bridge.errors import Forbidden, NotFound
from bridge.stripe_api.charges import Payment, refunds_in
from bridge.stripe_api.checkout import read_checkout
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.order_lines import (
    Notes,
    items_bought_once,
    noted,
    order_of_invoice,
    order_of_session,
)
from bridge.stripe_api.order_reading import (
    PurchaseReading,
    as_one,
    may_have_notes,
    money_of_order,
    without_checkout,
)
from bridge.stripe_api.orders import (
    is_guests_order,
    is_paid_order,
    one_off_lines,
    pending_order,
    purchases_by_invoice,
    read_purchases,
)
from bridge.stripe_api.paid_invoices import (
    invoice_payment_ids,
    period_payment,
)
from bridge.stripe_api.reader import Json, read_price, rows, within
from bridge.texts import gettext

ORDER_PARTS = ("line_items", "payment_intent.latest_charge.refunds", "invoice.payments")


def read_orders(http: StripeHttp, customer_id: str) -> PurchaseReading:
    """All that was bought once and is paid: by Checkout, or by an invoice of any origin (A108)."""
    sessions = http.all(
        "/v1/checkout/sessions",
        customer=customer_id,
        status="complete",
        expand=[f"data.{part}" for part in ORDER_PARTS],
    )
    invoices = http.all(
        "/v1/invoices", customer=customer_id, status="paid", expand=["data.payments"]
    )
    with reading(f"the orders of {customer_id}"):
        return _read_orders(http, customer_id, sessions, invoices)


def read_guests_order(http: StripeHttp, session_id: str) -> PurchaseReading:
    """An order that a guest paid for. Raises: NotFound if a customer paid for it."""
    session = http.get(path("/v1/checkout/sessions/{}", session_id), expand=list(ORDER_PARTS))
    with reading(session_id):
        if not is_guests_order(session):
            raise NotFound(
                gettext("%(session_id)s is not a guest’s order") % {"session_id": session_id}
            )
        return _read_orders(http, session_id, [session], [])


def _read_orders(
    http: StripeHttp, payer_id: str, sessions: Sequence[Json], invoices: Sequence[Json]
) -> PurchaseReading:
    purchases: list[Purchase] = []
    prices: dict[str, Price] = {}
    money: dict[str, MoneyLine] = {}
    pending: list[PendingPayment] = []
    references: dict[str, Carried] = {}
    for sold in _sold_by_invoice(http, without_checkout(invoices, sessions)):
        purchases += sold.purchases
        prices |= {price.id: price for price in sold.prices}
        money |= {line.id: line for line in sold.money}
    for session in sessions:
        if not is_paid_order(session):
            waits = pending_order(session, rows(session.get("line_items")))
            pending += [waits] if waits else []
            continue
        items = line_items(http, session)
        lines = one_off_lines(session, items)
        if not lines:
            continue
        payment = payment_of(http, session)
        order = order_of_session(items, *_invoiced(http, session.get("invoice"), [payment]))
        purchases += read_purchases(session, lines, payment, order)
        prices |= {line["price"]["id"]: read_price(line["price"]) for line in lines}
        money |= {m.id: m for m in money_of_order(session, lines, payment)}
        reference = read_checkout(session).reference
        if reference:
            references[session["id"]] = reference
    return PurchaseReading(
        payer_id,
        tuple(purchases),
        tuple(prices.values()),
        tuple(money.values()),
        tuple(pending),
        references,
    )


def _sold_by_invoice(http: StripeHttp, invoices: Iterable[Json]) -> Iterator[PurchaseReading]:
    """The one-off lines of each invoice, and their money."""
    prices: dict[str, Price] = {}
    for invoice in invoices:
        lines = invoice_lines(http, invoice)
        items = items_bought_once(lines)
        if not items:
            continue
        payment = _payment_of_invoice(http, invoice)
        order = order_of_invoice(lines, notes_on(http, invoice, lines, [payment]))
        found = purchases_by_invoice(invoice, items, payment, order)
        # A line only names its price, and Stripe's four levels of expansion do not reach it.
        for price_id in sorted({one.price_id for one in found} - prices.keys()):
            prices[price_id] = read_price(http.get(f"/v1/prices/{price_id}"))
        of_these = tuple(prices[price_id] for price_id in {one.price_id for one in found})
        money = money_of_order({"invoice": invoice}, (), payment)
        yield PurchaseReading(found[0].customer_id, tuple(found), of_these, tuple(money))


def invoice_lines(http: StripeHttp, invoice: Json) -> Sequence[Json]:
    """All lines of an invoice: only ten stand inside of it."""
    return http.rest(invoice["lines"], f"/v1/invoices/{invoice['id']}/lines")


def _invoiced(
    http: StripeHttp, invoice: object, payments: Sequence[Payment | None]
) -> tuple[Sequence[Json], Notes]:
    """The lines of the invoice that a session made, and what credit notes say of them."""
    if not isinstance(invoice, Mapping) or not rows(invoice.get("lines")):
        return (), {}
    lines = invoice_lines(http, invoice)
    return lines, notes_on(http, invoice, lines, payments)


def notes_on(
    http: StripeHttp, invoice: Json, lines: Sequence[Json], payments: Sequence[Payment | None]
) -> Notes:
    """Asks only where a refund may be of one line or another, and Stripe says there are notes."""
    if not may_have_notes(invoice, lines, payments):
        return {}
    found: dict[str, Mapping[str, int]] = {}
    try:
        notes = http.all("/v1/credit_notes", invoice=invoice["id"])
    except Forbidden:  # a key may lack this right; then only the amounts tell
        return {}
    for note in notes:
        if note.get("status") != "void":
            note_lines = http.rest(note["lines"], f"/v1/credit_notes/{note['id']}/lines")
            found |= noted(note, note_lines)
    return found


def payments_of(http: StripeHttp, invoice: Json) -> list[Payment]:
    """The charges that paid an invoice, each with its refunds and disputes."""
    charges = [_charge_of(http, payment_id) for payment_id in payment_ids(http, invoice)]
    paid = {c["id"]: followed(http, c) for c in charges if c and c.get("paid", True)}
    return list(paid.values())


def _payment_of_invoice(http: StripeHttp, invoice: Json) -> Payment | None:
    """The charges that paid an invoice, as one; None if it was paid outside Stripe."""
    return as_one(payments_of(http, invoice))


def line_items(http: StripeHttp, session: Json) -> Sequence[Json]:
    """All lines of a Checkout Session."""
    return http.rest(session["line_items"], f"/v1/checkout/sessions/{session['id']}/line_items")


def payment_of(http: StripeHttp, session: Json) -> Payment | None:
    """The charge that paid an order; a free order has none."""
    intent = session.get("payment_intent")
    if not intent and isinstance(session.get("invoice"), Mapping):
        intent = next(iter(invoice_payment_ids(session["invoice"])), None)
    charge = (
        _charge_of(http, intent) if isinstance(intent, str) else within(intent, "latest_charge")
    )
    return followed(http, charge) if isinstance(charge, Mapping) else None


def followed(http: StripeHttp, charge: Json) -> Payment:
    """A charge with its refunds and disputes; asks only where there are some."""
    refunds: Sequence[Json] = ()
    if isinstance(charge.get("refunds"), Mapping):
        refunds = http.rest(charge["refunds"], "/v1/refunds", charge=charge["id"])
    elif charge.get("amount_refunded"):
        refunds = http.all("/v1/refunds", charge=charge["id"])
    disputes: Sequence[Json] = ()
    if charge.get("disputed"):
        disputes = http.all("/v1/disputes", charge=charge["id"])
    return Payment(charge, refunds, disputes)


def read_period_payment(http: StripeHttp, subscription: Json) -> PeriodPayment | None:
    """The newest paid invoice of a subscription, with refunds and disputes of its payment."""
    latest = subscription.get("latest_invoice")
    if not isinstance(latest, Mapping) or latest.get("status") != "paid":
        query = {"subscription": subscription["id"], "status": "paid", "limit": 1}
        newest = http.get("/v1/invoices", **query, expand=["data.payments"])["data"]
        if not newest:
            return None
        latest = newest[0]
    charges = [_charge_of(http, payment_id) for payment_id in payment_ids(http, latest)]
    unique = {charge["id"]: charge for charge in charges if charge}
    payments = [followed(http, charge) for charge in unique.values()]
    if not refunds_in(payments):
        return period_payment(latest, payments)
    lines = invoice_lines(http, latest)
    notes = notes_on(http, latest, lines, payments)
    return period_payment(latest, payments, lines=lines, notes=notes)


def _charge_of(http: StripeHttp, payment_id: str) -> Json | None:
    if not payment_id.startswith("pi_"):
        return http.get(f"/v1/charges/{payment_id}", expand=["refunds"])
    intent = http.get(f"/v1/payment_intents/{payment_id}", expand=["latest_charge.refunds"])
    charge = intent.get("latest_charge")
    return charge if isinstance(charge, Mapping) else None


def payment_ids(http: StripeHttp, invoice: Json) -> tuple[str, ...]:
    """The payments of an invoice; asks only if the invoice does not list all."""
    if not within(invoice, "payments", "has_more"):
        return invoice_payment_ids(invoice)
    payments = http.all("/v1/invoice_payments", invoice=invoice["id"])
    return invoice_payment_ids({**invoice, "payments": {"data": payments}})
