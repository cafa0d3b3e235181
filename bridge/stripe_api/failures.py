"""What went wrong with payments: refused by the bank, still owed, disputed."""

from __future__ import annotations

from bridge.core.model.stripe import FailedPayment, OpenDispute
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.invoices import failed_payment, open_dispute
from bridge.stripe_api.paid_invoices import (
    invoice_payment_ids,
)
from bridge.stripe_api.reader import Json


def why_refused(http: StripeHttp, invoice: Json) -> str | None:
    """Stripe's code of why the last attempt to take an invoice's money failed."""
    payment_id = next((id_ for id_ in invoice_payment_ids(invoice) if id_.startswith("pi_")), None)
    if payment_id is None:
        return None
    error = http.get(f"/v1/payment_intents/{payment_id}").get("last_payment_error")
    return str(error.get("decline_code") or error.get("code") or "") or None if error else None


def read_open_disputes(http: StripeHttp, limit: int, after: str | None) -> list[OpenDispute]:
    """Disputes that are not decided, newest first, of the last page's end on; one request."""
    with reading("the disputes"):
        page = http.get("/v1/disputes", limit=limit, starting_after=after, expand=["data.charge"])
        return [open_dispute(raw) for raw in page["data"]]


def read_failed_payment(http: StripeHttp, invoice_id: str) -> FailedPayment | None:
    """Why an invoice was not paid; None if it is no longer owed. Raises NotFound."""
    expand = ["payments.data.payment.payment_intent"]
    with reading(invoice_id):
        return failed_payment(http.get(path("/v1/invoices/{}", invoice_id), expand=expand))
