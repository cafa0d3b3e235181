"""Refunds: how much can be refunded, the state afterwards, and the refund."""

from __future__ import annotations

from datetime import datetime

from bridge.core.rights.refunding import Asked, Refundable, RefundableLine
from bridge.errors import Forbidden, NotFound, Permanent
from bridge.stripe_api.charges import Payment
from bridge.stripe_api.http import AsIf, StripeHttp, path, reading
from bridge.stripe_api.payments import followed, invoice_lines, notes_on, payments_of
from bridge.stripe_api.reader import Json
from bridge.stripe_api.refund_shapes import (
    NOTES,
    REFUNDS,
    AsRefunded,
    can_be_named,
    note_of_line,
    refund_of_note,
    refundable,
    refundable_lines,
)
from bridge.texts import gettext

NO_CHARGE = "ch_that_does_not_exist"


def may_refund(http: StripeHttp) -> bool:
    """Whether the key may refund; tried with a charge that cannot exist."""
    try:
        http.post(REFUNDS, {"charge": NO_CHARGE})
    except Forbidden:
        return False
    except Permanent:
        pass  # the key is accepted and the request refused
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
            return refundable(payment_id, followed(http, charge))
    raise NotFound(
        gettext("%(payment_id)s is no payment at Stripe") % {"payment_id": payment_id[:60]}
    )


def _by_invoice(http: StripeHttp, invoice: Json) -> Refundable:
    payments = payments_of(http, invoice)
    if not payments:
        raise Permanent(
            gettext("%(invoice)s was not paid through Stripe, so Stripe cannot refund it")
            % {"invoice": invoice["id"]}
        )
    if len(payments) > 1:
        several = ", ".join(one.charge["id"] for one in payments)
        raise Permanent(
            gettext("%(invoice)s was paid in parts (%(payments)s): refund them at Stripe")
            % {"invoice": invoice["id"], "payments": several}
        )
    lines = _lines(http, invoice, payments[0])
    return refundable(invoice["id"], payments[0], invoice, lines)


def _lines(http: StripeHttp, invoice: Json, payment: Payment) -> tuple[RefundableLine, ...]:
    raws = invoice_lines(http, invoice)
    if not can_be_named(raws):
        return ()
    return refundable_lines(raws, payment, notes_on(http, invoice, raws, [payment]))


def refund(http: StripeHttp, asked: Asked, idempotency_key: str) -> str:
    """Give it back; the refund's id. With the same key it is given back once."""
    if asked.line_id is None:
        given = {"charge": asked.charge_id, "amount": asked.amount_minor}
        with reading("the new refund"):
            return str(http.post(REFUNDS, given, idempotency_key)["id"])
    # Only a credit note names the line, and so the purchase that ends.
    note = http.post(NOTES, note_of_line(asked), idempotency_key)
    with reading("the new credit note"):
        return refund_of_note(note)


def after_refund(http: StripeHttp, asked: Asked, at: datetime) -> StripeHttp:
    """Stripe as it would be after a refund."""
    change: AsIf = AsRefunded(asked, at)
    return http.as_if(change)
