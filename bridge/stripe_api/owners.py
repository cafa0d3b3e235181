"""Whose an object of Stripe's is: the customer that it leads to, or a guest's order."""

from __future__ import annotations

import re

from bridge.errors import NotFound, Permanent
from bridge.stripe_api.http import StripeHttp, path
from bridge.stripe_api.orders import is_guests_order
from bridge.stripe_api.reader import Json, id_of, within
from bridge.texts import gettext

# Ids that Stripe makes. The owner can choose only those of products, prices and coupons.
_OBJECT_ID = re.compile(r"[a-z]+(_[A-Za-z0-9]+)+")

# How to read an object, and how it leads to a customer.
_OWNED: dict[str, tuple[str, tuple[str, ...]]] = {
    "subscription": ("/v1/subscriptions/{}", ("customer",)),
    "subscription_schedule": ("/v1/subscription_schedules/{}", ("customer",)),
    "invoice": ("/v1/invoices/{}", ("customer",)),
    "invoiceitem": ("/v1/invoiceitems/{}", ("customer",)),
    "invoice_payment": ("/v1/invoice_payments/{}", ("invoice", "customer")),
    "credit_note": ("/v1/credit_notes/{}", ("customer",)),
    "charge": ("/v1/charges/{}", ("customer",)),
    "payment_intent": ("/v1/payment_intents/{}", ("customer",)),
    "refund": ("/v1/refunds/{}", ("charge", "customer")),
    "dispute": ("/v1/disputes/{}", ("charge", "customer")),
    "checkout.session": ("/v1/checkout/sessions/{}", ("customer",)),
}


def read_owner(http: StripeHttp, kind: str, object_id: str) -> str | None:
    """The customer of an object; None if it has none or was deleted.

    A guest's payment belongs to the guest's order.
    """
    if kind == "customer":
        return object_id
    if kind not in _OWNED:
        return None
    form, way = _OWNED[kind]
    if not _OBJECT_ID.fullmatch(object_id):
        raise Permanent(
            gettext("%(object_id)s is not a Stripe id of a %(kind)s")
            % {"object_id": repr(object_id[:80]), "kind": kind}
        )
    expand = [".".join(way[:-1])] if len(way) > 1 else None
    try:
        raw = http.get(path(form, object_id), expand=expand)
    except NotFound:
        return None
    return id_of(within(raw, *way)) or _guests_order(http, kind, raw)


def _guests_order(http: StripeHttp, kind: str, raw: Json) -> str | None:
    sessions: list[Json] = [raw] if kind == "checkout.session" else []
    intent = raw["id"] if kind == "payment_intent" else id_of(raw.get("payment_intent"))
    if kind in ("charge", "payment_intent") and intent:
        sessions = http.get("/v1/checkout/sessions", payment_intent=intent)["data"]
    return next((str(one["id"]) for one in sessions if is_guests_order(one)), None)
