"""The fields sent to Stripe when a member buys: only these, nothing about the person.

Stripe's own page asks for the e-mail address and the card.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from bridge.core.model.carried import Carried
from bridge.core.model.stripe import CONTINUES, PRESENT, Price
from bridge.core.rules.paying import Paying
from bridge.stripe_api.reader import (
    BENEFICIARY,
    CAMPAIGN,
    PRICE,
    PURPOSE,
    REFERENCE,
    REPLACES,
    USER_ID,
    Json,
    id_of,
    metadata,
    moment,
    within,
)


@dataclass(frozen=True, slots=True)
class CheckoutLine:
    """One line: a price, how many, and an amount of the buyer's own where the price leaves it open.

    `purpose` is said in the line's metadata, so that exports can be read without looking up ids.
    """

    price: Price
    purpose: str = "membership"
    quantity: int = 1
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutRequest:
    """Who buys what, how it is paid, and where they go afterwards.

    `reference` is signed by the bridge (`core.signed.reference`). `purpose` goes into the metadata
    of everything that Stripe makes of it. `replaces`: the signed reference to a subscription that
    the new one replaces. `present_id`: bought for somebody else; `beneficiary`: the signed
    reference to them, if known. `continues_at`: when the renewing lines are paid for the first
    time, because the buyer has paid for the same until then. `campaign_link_id`: the link they
    followed.
    """

    lines: tuple[CheckoutLine, ...]
    user_id: int
    reference: str
    success_url: str
    cancel_url: str
    customer_id: str | None = None
    replaces: str | None = None
    present_id: str | None = None
    campaign_link_id: str | None = None
    beneficiary: str | None = None
    trial_days: int = 0
    continues_at: datetime | None = None
    paying: Paying = field(default_factory=Paying)

    @property
    def is_recurring(self) -> bool:
        """One line renews, so Stripe makes a subscription of them."""
        return any(line.price.is_recurring for line in self.lines)

    def purpose(self, *, renewing: bool = False) -> str:
        """Its purposes, each once; `renewing`: only those of renewing lines."""
        lines = [line for line in self.lines if line.price.is_recurring or not renewing]
        return "+".join(dict.fromkeys(line.purpose for line in lines))


@dataclass(frozen=True, slots=True)
class CheckoutLink:
    """Stripe's page where this order is paid."""

    id: str
    url: str


@dataclass(frozen=True, slots=True)
class CheckoutState:
    """The state of an order. `reference` is unverified."""

    id: str
    status: str
    payment_status: str
    mode: str
    customer_id: str | None
    subscription_id: str | None
    reference: Carried | None
    url: str | None = None
    billing_country: str | None = None
    card_country: str | None = None

    @property
    def is_paid(self) -> bool:
        """Everything is done; a debit that is under way is not."""
        paid = self.payment_status in ("paid", "no_payment_required")
        return paid and self.status == "complete"


def buyer_metadata(user_id: int, reference: str, purpose: str | None = None) -> dict[str, str]:
    """The metadata that the bridge writes, the same everywhere."""
    written = {USER_ID: str(user_id), REFERENCE: reference}
    return {**written, PURPOSE: purpose} if purpose else written


def checkout_params(request: CheckoutRequest) -> dict[str, Any]:
    """Parameters of a Checkout Session. `ui_mode` is left out: its names changed in 2026."""
    about = buyer_metadata(request.user_id, request.reference, request.purpose())
    carried = {
        PRESENT: request.present_id,
        BENEFICIARY: request.beneficiary,
        CAMPAIGN: request.campaign_link_id,
    }
    about |= {key: said for key, said in carried.items() if said}
    params: dict[str, Any] = {
        "mode": "subscription" if request.is_recurring else "payment",
        "line_items": [_line_params(line) for line in request.lines],
        "client_reference_id": request.reference,
        "metadata": about,
        "success_url": request.success_url,
        "cancel_url": request.cancel_url,
        **_page_params(request),
    }
    if request.is_recurring:
        params |= _subscription_params(request)
    else:
        params["payment_intent_data"] = {"metadata": about}
        params["invoice_creation"] = {"enabled": True, "invoice_data": {"metadata": about}}
    if request.customer_id:
        params["customer"] = request.customer_id
    elif not request.is_recurring:
        params["customer_creation"] = "always"  # otherwise a one-off buyer would have no customer
    return params


def _line_params(line: CheckoutLine) -> dict[str, Any]:
    written = {PURPOSE: line.purpose}
    if line.amount_minor is None:
        return {"price": line.price.id, "quantity": line.quantity, "metadata": written}
    # Stripe's page asks for the amount of a price without one, and only if it is the only line.
    data = {
        "currency": line.price.currency,
        "product": line.price.product_id,
        "unit_amount": line.amount_minor,
    }
    if line.price.tax_behavior:
        data["tax_behavior"] = line.price.tax_behavior
    written[PRICE] = line.price.id
    return {"price_data": data, "quantity": line.quantity, "metadata": written}


def _subscription_params(request: CheckoutRequest) -> dict[str, Any]:
    # Stripe does not copy a session's metadata to the subscription.
    purpose = request.purpose(renewing=True)
    about = buyer_metadata(request.user_id, request.reference, purpose)
    carried = {
        REPLACES: request.replaces,
        PRESENT: request.present_id,
        BENEFICIARY: request.beneficiary,
        CAMPAIGN: request.campaign_link_id,
    }
    about |= {key: said for key, said in carried.items() if said}
    data: dict[str, Any] = {"metadata": about}
    params: dict[str, Any] = {"subscription_data": data}
    if request.continues_at:
        data["trial_end"] = int(request.continues_at.timestamp())
        about[CONTINUES] = request.continues_at.isoformat()
    if request.trial_days:
        data["trial_period_days"] = request.trial_days
        end = {"missing_payment_method": request.paying.trial_end}
        data["trial_settings"] = {"end_behavior": end}
        if not request.paying.trial_card:
            params["payment_method_collection"] = "if_required"
    return params


def _page_params(request: CheckoutRequest) -> dict[str, Any]:
    """The site's settings for Stripe's page; all others are left to Stripe."""
    wanted = request.paying
    has_codes = wanted.promotion_codes and (wanted.trial_with_code or not request.trial_days)
    is_known = request.customer_id is not None
    asked = {
        "currency": _currency(request.lines),
        "allow_promotion_codes": has_codes,
        "automatic_tax": {"enabled": True} if wanted.automatic_tax else None,
        "tax_id_collection": {"enabled": True} if wanted.tax_ids else None,
        "billing_address_collection": "required" if wanted.billing_address == "required" else None,
        "consent_collection": {"terms_of_service": "required"} if wanted.terms else None,
        "phone_number_collection": {"enabled": True} if wanted.phone else None,
        "custom_text": {"submit": {"message": wanted.text}} if wanted.text else None,
        "locale": wanted.locale,
        "customer_update": _customer_update(wanted) if is_known else None,
        "saved_payment_method_options": SAVED_CARDS if wanted.saved_cards and is_known else None,
    }
    return {name: value for name, value in asked.items() if value}


def _currency(lines: tuple[CheckoutLine, ...]) -> str | None:
    """The currency that the buyer was shown; otherwise Stripe chooses one by their place."""
    has_choice = any(line.price.currency_options for line in lines)
    return lines[0].price.currency if has_choice else None


# By default, Stripe shows returning buyers only the cards that they agreed to see again.
SAVED_CARDS = {
    "allow_redisplay_filters": ["always", "limited", "unspecified"],
    "payment_method_save": "enabled",
}


def _customer_update(wanted: Paying) -> dict[str, str]:
    """A known customer's address and name are used and kept only where this is said."""
    needs_address = wanted.automatic_tax or wanted.billing_address == "required"
    parts = {"address": needs_address, "name": wanted.tax_ids}
    return {name: "auto" for name, needed in parts.items() if needed}


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
        billing_country=billing_country(raw),
        card_country=card_country(raw),
    )


# Where a session names the buyer's card, which tells its country.
PAID_WITH = ("payment_intent.payment_method", "subscription.default_payment_method")


def billing_country(session: Json) -> str | None:
    """The country of the address that the buyer gave."""
    return within(session, "customer_details", "address", "country") or None


def card_country(session: Json) -> str | None:
    """The card's country, if the payment is expanded."""
    intent = session.get("payment_intent")
    return (
        within(intent, "latest_charge", "payment_method_details", "card", "country")
        or within(intent, "payment_method", "card", "country")
        or within(session, "subscription", "default_payment_method", "card", "country")
        or None
    )


def _carried(raw: Json) -> Carried | None:
    """Metadata first: only the account's keys write it."""
    made_at = moment(raw.get("created") or 0)  # the oldest shapes do not say
    written, typed = metadata(raw).get(REFERENCE), raw.get("client_reference_id")
    if written:
        return Carried(written, made_at)
    link_id = id_of(raw.get("payment_link"))
    return Carried(typed, made_at, is_typed=True, payment_link=link_id) if typed else None
