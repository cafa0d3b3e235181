"""Problems with payments: refused by the bank, still owed, disputed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from bridge.core.model.stripe import FailedAttempt, FailedPayment, OpenDispute
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.invoices import failed_payment, open_dispute
from bridge.stripe_api.paid_invoices import (
    invoice_payment_ids,
)
from bridge.stripe_api.reader import Json, id_of, moment, moment_or_none, within


def why_refused(http: StripeHttp, invoice: Json) -> str | None:
    """Stripe's code of why the last attempt to take an invoice's money failed."""
    payment_id = next((id_ for id_ in invoice_payment_ids(invoice) if id_.startswith("pi_")), None)
    if payment_id is None:
        return None
    error = http.get(f"/v1/payment_intents/{payment_id}").get("last_payment_error")
    return str(error.get("decline_code") or error.get("code") or "") or None if error else None


def read_open_disputes(http: StripeHttp, limit: int, after: str | None) -> list[OpenDispute]:
    """Open disputes, newest first, from the last page's end on; one request."""
    with reading("the disputes"):
        page = http.get("/v1/disputes", limit=limit, starting_after=after, expand=["data.charge"])
        return [open_dispute(raw) for raw in page["data"]]


def read_failed_payment(http: StripeHttp, invoice_id: str) -> FailedPayment | None:
    """Why an invoice was not paid; None if it is no longer owed. Raises NotFound."""
    expand = ["payments.data.payment.payment_intent"]
    with reading(invoice_id):
        return failed_payment(http.get(path("/v1/invoices/{}", invoice_id), expand=expand))


def read_failed_attempts(
    http: StripeHttp, since: datetime | None, until: datetime | None
) -> Iterator[FailedAttempt]:
    """Attempts to take money that failed in a period, newest first.

    Costs a request for each 100 charges of the period, and two for each payment that failed.
    """
    period = {"gte": since and int(since.timestamp()), "lt": until and int(until.timestamp())}
    created = {name: at for name, at in period.items() if at is not None} or None
    known: dict[str, tuple[Sequence[Json], Json | None]] = {}
    for page in http.pages("/v1/charges", created=created):
        with reading("the charges"):
            for raw in page:
                if raw["status"] != "failed":
                    continue
                payment_id = id_of(raw.get("payment_intent")) or raw["id"]
                if payment_id not in known:
                    known[payment_id] = _tries(http, raw), _owed_invoice(http, raw)
                yield _failed_attempt(raw, *known[payment_id])


def _tries(http: StripeHttp, charge: Json) -> list[Json]:
    """All attempts at the payment of a charge, the first one first."""
    intent_id = id_of(charge.get("payment_intent"))
    found = http.all("/v1/charges", payment_intent=intent_id) if intent_id else [charge]
    return sorted(found, key=lambda one: (one["created"], one["id"]))


def _owed_invoice(http: StripeHttp, charge: Json) -> Json | None:
    """The invoice that a charge tried to pay; since 2025-03-31 only the invoice says so."""
    intent_id = id_of(charge.get("payment_intent"))
    if "invoice" in charge or intent_id is None:
        old = id_of(charge.get("invoice"))
        return http.get(path("/v1/invoices/{}", old)) if old else None
    payment = {"type": "payment_intent", "payment_intent": intent_id}
    found = http.all("/v1/invoice_payments", payment=payment, expand=["data.invoice"])
    return found[0]["invoice"] if found else None


def _failed_attempt(raw: Json, tries: Sequence[Json], invoice: Json | None) -> FailedAttempt:
    paid = [one["created"] for one in tries if one["status"] == "succeeded"]
    if invoice is not None and invoice.get("status") == "paid":
        paid = [within(invoice, "status_transitions", "paid_at") or invoice["created"]]
    details = raw.get("payment_method_details") or {}
    again = invoice.get("next_payment_attempt") if invoice else None
    return FailedAttempt(
        charge_id=raw["id"],
        payment_id=id_of(raw.get("payment_intent")) or raw["id"],
        customer_id=id_of(raw.get("customer")),
        invoice_id=invoice["id"] if invoice else None,
        at=moment(raw["created"]),
        amount_minor=int(raw["amount"]),
        currency=str(raw["currency"]).lower(),
        method=str(details.get("type") or "card"),
        number=[one["id"] for one in tries].index(raw["id"]) + 1,
        code=within(raw, "outcome", "reason") or raw.get("failure_code") or "",
        message=raw.get("failure_message") or "",
        next_try_at=None if paid else moment_or_none(again),
        recovered_at=moment(max(paid)) if paid else None,
        is_owed=invoice is not None and invoice.get("status") == "open",
    )
