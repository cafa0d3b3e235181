"""How much of a payment can be refunded, the request for it, and Stripe's answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bridge.core.rights.refunding import Asked, Refundable, RefundableLine
from bridge.errors import Permanent
from bridge.stripe_api.charges import Payment, captured, refunded_of, refunds_in
from bridge.stripe_api.invoices import counted_name
from bridge.stripe_api.order_lines import Notes, fates, line_total, order_of_invoice
from bridge.stripe_api.reader import Json, id_of, rows
from bridge.texts import gettext

REFUNDS, NOTES = "/v1/refunds", "/v1/credit_notes"
AS_IF = "as_if"
"""The id of what is not there."""


def refundable(
    payment_id: str,
    payment: Payment,
    invoice: Json | None = None,
    lines: tuple[RefundableLine, ...] = (),
) -> Refundable:
    """A payment with what can be given back of it. Raises: Permanent where it took no money."""
    charge = payment.charge
    if charge.get("status", "succeeded") != "succeeded" or not captured(charge):
        raise Permanent(
            gettext("%(payment_id)s took no money: there is nothing to refund")
            % {"payment_id": payment_id}
        )
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


def can_be_named(raws: Sequence[Json]) -> bool:
    """Whether a refund can name a line: there are several, and each costs what it says.

    Taxes and discounts on lines are Stripe's to divide, in its dashboard.
    """
    sold = [raw for raw in raws if int(raw["amount"]) > 0]
    plain = all(line_total(raw) == int(raw["amount"]) for raw in raws)
    return len(sold) > 1 and len(sold) == len(raws) and plain


def refundable_lines(
    raws: Sequence[Json], payment: Payment, notes: Notes
) -> tuple[RefundableLine, ...]:
    """Each line of an invoice, with the amount that can still be refunded."""
    order = order_of_invoice(raws, notes)
    currency = str(payment.charge["currency"]).lower()
    found = fates(order, currency, captured(payment.charge), refunds_in([payment]))
    lines = []
    for raw in raws:
        fate = found.get(order.keys.get(raw["id"], raw["id"]))
        back = max(fate.refund.refunded_minor, fate.refund.most_minor) if fate else 0
        amount = int(raw["amount"])
        lines.append(RefundableLine(raw["id"], counted_name(raw), amount, max(0, amount - back)))
    return tuple(lines)


def note_of_line(asked: Asked) -> Json:
    """The credit note that gives back a line."""
    line = {"type": "invoice_line_item", "invoice_line_item": asked.line_id}
    return {
        "invoice": asked.invoice_id,
        "lines": [{**line, "amount": asked.amount_minor}],
        "refund_amount": asked.amount_minor,
    }


def refund_of_note(note: Json) -> str:
    """The refund that a credit note made; the note itself if it names none."""
    refunds = [id_of(one.get("refund")) for one in note.get("refunds") or ()]
    return str(next(filter(None, [*refunds, id_of(note.get("refund")), note["id"]])))


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
