"""What is sent to Stripe when a member buys: these fields and no others (nothing about the person).

Stripe's own page asks for the e-mail address and the card.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.core.model.carried import Carried
from bridge.core.model.stripe import Price
from bridge.stripe_api.reader import REFERENCE, REPLACES, USER_ID, Json, id_of, metadata, moment


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """Who buys what, and where they go afterwards.

    `reference` is signed by the bridge (`core.signed.reference`). `purpose` is said in the metadata
    of everything that Stripe makes of it, so that exports can be read without looking up ids.
    `replaces`: the signed word for a subscription that the new one takes over from.
    """

    price: Price
    user_id: int
    reference: str
    success_url: str
    cancel_url: str
    purpose: str = "membership"
    customer_id: str | None = None
    quantity: int = 1
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class CheckoutLink:
    """Stripe's page where this order is paid."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """How far an order is. `reference` is unverified."""

    id: str
    status: str
    payment_status: str
    mode: str
    customer_id: str | None
    subscription_id: str | None
    reference: Carried | None
    url: str | None = None

    @property
    def is_paid(self) -> bool:
        """Everything is done; a debit that is under way is not."""
        paid = self.payment_status in ("paid", "no_payment_required")
        return paid and self.status == "complete"


def buyer_metadata(user_id: int, reference: str, purpose: str | None = None) -> dict[str, str]:
    """The metadata that the bridge writes, the same everywhere."""
    written = {USER_ID: str(user_id), REFERENCE: reference}
    return {**written, "purpose": purpose} if purpose else written


def checkout_params(request: CheckoutRequest) -> dict[str, Any]:
    """Parameters of a Checkout Session. `ui_mode` is left out: its names changed in 2026."""
    about = buyer_metadata(request.user_id, request.reference, request.purpose)
    params: dict[str, Any] = {
        "mode": "subscription" if request.price.is_recurring else "payment",
        "line_items": [{"price": request.price.id, "quantity": request.quantity}],
        "client_reference_id": request.reference,
        "metadata": about,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
    }
    if request.price.is_recurring:
        # Stripe does not copy a session's metadata to the subscription.
        replaced = {REPLACES: request.replaces} if request.replaces else {}
        params["subscription_data"] = {"metadata": {**about, **replaced}}
    else:
        params["payment_intent_data"] = {"metadata": about}
        params["invoice_creation"] = {"enabled": True, "invoice_data": {"metadata": about}}
    if request.customer_id:
        params["customer"] = request.customer_id
    elif not request.price.is_recurring:
        params["customer_creation"] = "always"  # else a one-off buyer would have no customer
    return params


def read_checkout(raw: Json) -> CheckoutState:
    """A Checkout Session; the oldest have no status, and came only when they were complete."""
    return CheckoutState(
        id=raw["id"],
        status=raw.get("status") or "complete",
        payment_status=raw.get("payment_status") or "unpaid",
        mode=raw["mode"],
        customer_id=id_of(raw.get("customer")),
        subscription_id=id_of(raw.get("subscription")),
        reference=_carried(raw),
        url=raw.get("url") or None,
    )


def _carried(raw: Json) -> Carried | None:
    """Metadata first: only the account's keys write it."""
    made_at = moment(raw.get("created") or 0)  # the oldest do not say
    written, typed = metadata(raw).get(REFERENCE), raw.get("client_reference_id")
    if written:
        return Carried(written, made_at)
    return Carried(typed, made_at, is_typed=True) if typed else None
