"""Money back: what of a payment can be refunded, what would be so afterwards, and the refund."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.core.rights.refunding import Asked, Refundable, RefundableLine
from bridge.errors import Forbidden, NotFound, Permanent
from bridge.stripe_api.charges import Payment, captured, refunded_of, refunds_in
from bridge.stripe_api.http import AsIf, StripeHttp, path, reading
from bridge.stripe_api.invoices import counted_name
from bridge.stripe_api.order_lines import fates, line_total, order_of_invoice
from bridge.stripe_api.payments import followed, invoice_lines, notes_on, payments_of
from bridge.stripe_api.reader import Json, id_of, rows

REFUNDS, NOTES = "/v1/refunds", "/v1/credit_notes"
NO_CHARGE = "ch_that_does_not_exist"
AS_IF = "as_if"
"""The id of what is not there."""


def may_refund(http: StripeHttp) -> bool:
    """Whether the key may refund; tried with a charge that cannot exist."""
    try:
        http.post(REFUNDS, {"charge": NO_CHARGE})
    except Forbidden:
        return False
    except Permanent:
        pass  # let in, and refused for what was asked
    return True


def read_refundable(http: StripeHttp, payment_id: str) -> Refundable:
    """A payment by the id of its line of money: an invoice's or a charge's.

    Raises: NotFound, and Permanent for one that Stripe did not take, or took in several parts.
    """
    with reading(payment_id):
        if payment_id.startswith("in_"):
            expand = ["payments"]
            return _by_invoice(http, http.get(path("/v1/invoices/{}", payment_id), expand=expand))
        if payment_id.startswith(("ch_", "py_")):
            charge = http.get(path("/v1/charges/{}", payment_id), expand=["refunds"])
            return _refundable(payment_id, followed(http, charge))
    raise NotFound(f"{payment_id[:60]} is no payment at Stripe")


def _by_invoice(http: StripeHttp, invoice: Json) -> Refundable:
    payments = payments_of(http, invoice)
    if not payments:
        raise Permanent(f"{invoice['id']} was not paid through Stripe, so Stripe cannot refund it")
    if len(payments) > 1:
        several = ", ".join(one.charge["id"] for one in payments)
        raise Permanent(f"{invoice['id']} was paid in parts ({several}): refund them at Stripe")
    lines = _lines(http, invoice, payments[0])
    return _refundable(invoice["id"], payments[0], invoice, lines)


def _refundable(
    payment_id: str,
    payment: Payment,
    invoice: Json | None = None,
    lines: tuple[RefundableLine, ...] = (),
) -> Refundable:
    charge = payment.charge
    if charge.get("status", "succeeded") != "succeeded" or not captured(charge):
        raise Permanent(f"{payment_id} took no money: there is nothing to refund")
    return Refundable(
        payment_id=payment_id,
        charge_id=charge["id"],
        customer_id=id_of((invoice or charge).get("customer")),
        invoice_id=invoice["id"] if invoice else None,
        currency=str(charge["currency"]).lower(),
        paid_minor=captured(charge),
        refunded_minor=refunded_of(payment),
        is_disputed=bool(charge.get("disputed")),
        lines=lines,
    )


def _lines(http: StripeHttp, invoice: Json, payment: Payment) -> tuple[RefundableLine, ...]:
    """The lines that a refund can name: only where each costs what it says.

    Taxes and discounts on lines are Stripe's to divide, in its dashboard.
    """
    raws = invoice_lines(http, invoice)
    sold = [raw for raw in raws if int(raw["amount"]) > 0]
    plain = all(line_total(raw) == int(raw["amount"]) for raw in raws)
    if len(sold) < 2 or len(sold) != len(raws) or not plain:  # noqa: PLR2004 - one is the whole
        return ()
    order = order_of_invoice(raws, notes_on(http, invoice, raws, [payment]))
    currency = str(payment.charge["currency"]).lower()
    found = fates(order, currency, captured(payment.charge), refunds_in([payment]))
    lines = []
    for raw in sold:
        fate = found.get(order.keys.get(raw["id"], raw["id"]))
        back = max(fate.refund.refunded_minor, fate.refund.most_minor) if fate else 0
        amount = int(raw["amount"])
        lines.append(RefundableLine(raw["id"], counted_name(raw), amount, max(0, amount - back)))
    return tuple(lines)


def refund(http: StripeHttp, asked: Asked, idempotency_key: str) -> str:
    """Give it back; the refund's id. With the same key it is given back once."""
    if asked.line_id is None:
        given = {"charge": asked.charge_id, "amount": asked.amount_minor}
        with reading("the new refund"):
            return str(http.post(REFUNDS, given, idempotency_key)["id"])
    # Only a credit note names the line, and so what ends with it.
    line = {"type": "invoice_line_item", "invoice_line_item": asked.line_id}
    note = http.post(
        NOTES,
        {
            "invoice": asked.invoice_id,
            "lines": [{**line, "amount": asked.amount_minor}],
            "refund_amount": asked.amount_minor,
        },
        idempotency_key,
    )
    with reading("the new credit note"):
        refunds = [id_of(one.get("refund")) for one in note.get("refunds") or ()]
        return str(next(filter(None, [*refunds, id_of(note.get("refund")), note["id"]])))


# --- What would be so afterwards ------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AsRefunded:
    """Changes what Stripe answers into what it would answer after a refund."""

    asked: Asked
    at: datetime

    def __call__(self, path: str, params: Json, answer: Json) -> Json:
        """The answer as it would be."""
        if path == REFUNDS and params.get("charge") == self.asked.charge_id:
            return {**answer, "data": [self._refund, *rows(answer)]}
        if path == NOTES and params.get("invoice") == self.asked.invoice_id and self.asked.line_id:
            return {**answer, "data": [self._note, *rows(answer)]}
        changed: Json = self._within(answer)
        return changed

    def _within(self, found: Any) -> Any:
        if isinstance(found, Mapping):
            inside = {name: self._within(value) for name, value in found.items()}
            return (
                self._charge(inside)
                if found.get("id") == self.asked.charge_id
                else (self._invoice(inside) if found.get("id") == self.asked.invoice_id else inside)
            )
        if isinstance(found, Sequence) and not isinstance(found, str):
            return [self._within(one) for one in found]
        return found

    def _charge(self, charge: dict[str, Any]) -> Json:
        back = int(charge.get("amount_refunded") or 0) + self.asked.amount_minor
        refunds = charge.get("refunds")
        if isinstance(refunds, Mapping):
            charge["refunds"] = {**refunds, "data": [self._refund, *rows(refunds)]}
        return {**charge, "amount_refunded": back, "refunded": back >= int(charge["amount"])}

    def _invoice(self, invoice: dict[str, Any]) -> Json:
        if self.asked.line_id is None:
            return invoice
        before = int(invoice.get("post_payment_credit_notes_amount") or 0)
        return {**invoice, "post_payment_credit_notes_amount": before + self.asked.amount_minor}

    @property
    def _refund(self) -> Json:
        return {
            "id": f"re_{AS_IF}",
            "object": "refund",
            "amount": self.asked.amount_minor,
            "charge": self.asked.charge_id,
            "created": int(self.at.timestamp()),
            "status": "succeeded",
            "balance_transaction": f"txn_{AS_IF}",
        }

    @property
    def _note(self) -> Json:
        amount = self.asked.amount_minor
        return {
            "id": f"cn_{AS_IF}",
            "status": "issued",
            "total": amount,
            "refunds": [{"refund": f"re_{AS_IF}", "amount_refunded": amount}],
            "lines": {"data": [{"invoice_line_item": self.asked.line_id, "amount": amount}]},
        }


def after_refund(http: StripeHttp, asked: Asked, at: datetime) -> StripeHttp:
    """Stripe as it would be after a refund."""
    change: AsIf = AsRefunded(asked, at)
    return http.as_if(change)
