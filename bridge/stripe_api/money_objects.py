"""Reads what moves money at Stripe into the ledger's objects, in every shape since 2018.

KeyError, TypeError or ValueError says that a required part is missing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bridge.core.ledger.objects import (
    BalanceMove,
    Charge,
    CreditMove,
    CreditNote,
    Dispute,
    Invoice,
    InvoicePayment,
    InvoiceStatus,
    Order,
    Payout,
    Refund,
)
from bridge.stripe_api.paid_invoices import invoice_payment_ids
from bridge.stripe_api.reader import (
    Json,
    id_of,
    invoice_subscription_id,
    moment,
    moment_or_none,
    within,
)
from bridge.stripe_api.sold_lines import line_tax, order_line, shipping, sold_line

_STATUSES: Mapping[str, InvoiceStatus] = {
    **{status: status for status in ("draft", "open", "paid", "uncollectible", "void")},
    "deleted": "draft",  # only drafts can be deleted
}


def read_invoice(raw: Json, lines: Sequence[Json], payments: Sequence[Json]) -> Invoice:
    """An invoice with all its lines and payments."""
    status = raw.get("status") or ("paid" if raw.get("paid") else "open")
    total, due = int(raw["total"]), max(0, int(raw["amount_due"]))
    noted = int(raw.get("pre_payment_credit_notes_amount") or 0)  # these reduce what is due
    went = raw.get("status_transitions") or {}
    finalized = went.get("finalized_at") or (raw["created"] if status != "draft" else None)
    return Invoice(
        id=raw["id"],
        customer_id=id_of(raw["customer"]) or "",
        currency=str(raw["currency"]).lower(),
        status=_STATUSES[status],
        total_minor=total,
        due_minor=due,
        lines=(*(sold_line(line, line_tax(raw)) for line in lines), *shipping(raw)),
        finalized_at=moment_or_none(finalized),
        paid_at=moment(went.get("paid_at") or raw["created"]) if status == "paid" else None,
        voided_at=moment_or_none(went.get("voided_at")),
        written_off_at=moment_or_none(went.get("marked_uncollectible_at")),
        payments=tuple(_invoice_payments(raw, payments)),
        subscription_id=invoice_subscription_id(raw),
        credit_minor=0 if status == "draft" else total - due - noted,
    )


def _invoice_payments(raw: Json, payments: Sequence[Json]) -> list[InvoicePayment]:
    """The payments of an invoice; before 2025 it names one charge without its amount."""
    found = []
    for each in payments:
        of = each.get("payment") or {}
        id_ = id_of(of.get("payment_intent")) or id_of(of.get("charge"))
        if id_ and each.get("status", "paid") == "paid":
            at = within(each, "status_transitions", "paid_at") or each["created"]
            found.append(InvoicePayment(id_, int(each["amount_paid"] or 0), moment(at)))
    old = invoice_payment_ids(raw)
    if not found and not payments and old and int(raw.get("amount_paid") or 0):
        at = within(raw, "status_transitions", "paid_at") or raw["created"]
        found.append(InvoicePayment(old[0], int(raw["amount_paid"]), moment(at)))
    return found


def read_order(session: Json, lines: Sequence[Json]) -> Order | None:
    """The sale of a Checkout Session without an invoice; None if nothing was paid."""
    payment_id = id_of(session.get("payment_intent"))
    if payment_id is None or session.get("invoice") or session["mode"] != "payment":
        return None
    return Order(
        id=session["id"],
        customer_id=id_of(session.get("customer")),
        currency=str(session["currency"]).lower(),
        payment_id=payment_id,
        lines=(*map(order_line, lines), *shipping(session)),
    )


def read_charge(raw: Json) -> Charge | None:
    """A charge with captured money; an uncaptured hold is not a charge."""
    if raw.get("status", "succeeded") != "succeeded" or not raw.get("paid", True):
        return None
    captured = raw.get("amount_captured")
    if captured is None:
        captured = raw["amount"] if raw.get("captured", True) else 0
    if not int(captured):
        return None
    details = raw.get("payment_method_details") or {}
    return Charge(
        id=raw["id"],
        customer_id=id_of(raw.get("customer")),
        currency=str(raw["currency"]).lower(),
        amount_minor=int(captured),
        payment_id=id_of(raw.get("payment_intent")) or raw["id"],
        at=moment(raw["created"]),
        what=str(raw.get("description") or "Payment"),
        method=str(details.get("type") or "card"),
        country=within(details, "card", "country")
        or (
            within(raw, "billing_details", "address")
            and within(raw, "billing_details", "address", "country")
        ),
    )


def read_refund(raw: Json) -> Refund:
    """Money sent back."""
    return Refund(
        id=raw["id"],
        charge_id=id_of(raw.get("charge")) or "",
        currency=str(raw["currency"]).lower(),
        amount_minor=int(raw["amount"]),
        at=moment(raw["created"]),
    )


def read_dispute(raw: Json) -> Dispute:
    """A dispute, with the day until which evidence counts."""
    return Dispute(
        id=raw["id"],
        charge_id=id_of(raw["charge"]) or "",
        currency=str(raw["currency"]).lower(),
        amount_minor=int(raw["amount"]),
        at=moment(raw["created"]),
        status=str(raw["status"]),
        due_at=moment_or_none(within(raw, "evidence_details", "due_by")),
    )


def read_credit_note(raw: Json, lines: Sequence[Json]) -> CreditNote:
    """A credit note: a reduction of an invoice after it was finalized."""
    refunds = [id_of(raw.get("refund"))]
    refunds += [id_of(each.get("refund")) for each in raw.get("refunds") or ()]
    invoice_id = id_of(raw["invoice"]) or ""
    return CreditNote(
        id=raw["id"],
        invoice_id=invoice_id,
        customer_id=id_of(raw["customer"]) or "",
        currency=str(raw["currency"]).lower(),
        total_minor=int(raw["total"]),
        at=moment(raw["created"]),
        lines=(*(sold_line(line, {}) for line in lines), *shipping(raw, invoice_id)),
        refund_ids=tuple(dict.fromkeys(filter(None, refunds))),
        outside_minor=int(raw.get("out_of_band_amount") or 0),
        voided_at=moment_or_none(raw.get("voided_at")),
        credit_id=id_of(raw.get("customer_balance_transaction")),
    )


def read_credit_move(raw: Json) -> CreditMove:
    """A move of a customer's balance."""
    return CreditMove(
        id=raw["id"],
        customer_id=id_of(raw["customer"]) or "",
        currency=str(raw["currency"]).lower(),
        amount_minor=int(raw["amount"]),
        type=str(raw["type"]),
        at=moment(raw["created"]),
        invoice_id=id_of(raw.get("invoice")),
        credit_note_id=id_of(raw.get("credit_note")),
    )


def read_balance_move(raw: Json) -> BalanceMove:
    """A balance transaction."""
    rate = raw.get("exchange_rate")
    return BalanceMove(
        id=raw["id"],
        type=str(raw["type"]),
        category=str(raw.get("reporting_category") or raw["type"]),
        currency=str(raw["currency"]).lower(),
        amount_minor=int(raw["amount"]),
        fee_minor=int(raw["fee"]),
        at=moment(raw["created"]),
        available_at=moment(raw["available_on"]),
        source_id=id_of(raw.get("source")),
        what=str(raw.get("description") or raw["type"].replace("_", " ").capitalize()),
        exchange_rate=None if rate is None else str(rate),
    )


def read_payout(raw: Json, move_ids: Sequence[str]) -> Payout:
    """A payout with the balance transactions that it consists of, without its own."""
    return Payout(
        id=raw["id"],
        currency=str(raw["currency"]).lower(),
        amount_minor=int(raw["amount"]),
        status=str(raw["status"]),
        at=moment(raw["created"]),
        arrives_at=moment(raw["arrival_date"]),
        move_ids=tuple(move_ids),
        automatic=bool(raw.get("automatic", True)),
    )
