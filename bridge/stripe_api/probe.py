"""Doctor's questions to Stripe: what may this (restricted) key do? Nothing is changed by asking.

A read is tried with one row. A write is tried on a customer that cannot exist, or without what it
needs: Stripe looks at the key first, so anything but 401 and 403 means that the key was let in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.core.model.check import Check
from bridge.errors import Forbidden, Permanent
from bridge.stripe_api.http import StripeHttp

_NOBODY = "cus_that_does_not_exist"
_NOTHING = "sub_that_does_not_exist"


@dataclass(frozen=True, slots=True)
class _Scope:
    name: str
    path: str
    lost: str  # what does not work without it
    sent: dict[str, Any] | None = None  # None: a read
    needed: bool = True


_SCOPES = (
    _Scope("Subscriptions: read", "/v1/subscriptions", "nobody's membership can be known"),
    _Scope("Customers: read", "/v1/customers", "deleted customers and links are not seen"),
    _Scope("Products: read", "/v1/products", "products cannot be mapped to groups"),
    _Scope("Prices: read", "/v1/prices", "prices cannot be mapped to groups"),
    _Scope("Invoices: read", "/v1/invoices", "statements and grace periods are missing"),
    _Scope("Charges and Refunds: read", "/v1/charges", "one-off payments and refunds are missing"),
    _Scope("Charges and Refunds: read", "/v1/refunds", "refunds are missing"),
    _Scope("Disputes: read", "/v1/disputes", "disputes are not seen"),
    _Scope("PaymentIntents: read", "/v1/payment_intents", "one-off payments are missing"),
    _Scope("Checkout Sessions: read", "/v1/checkout/sessions", "one-off orders are not seen"),
    _Scope("Events: read", "/v1/events", "lost webhooks are made up for only at night"),
    _Scope(
        "Webhook Endpoints: read",
        "/v1/webhook_endpoints",
        "doctor cannot compare the endpoint's version and events",
        needed=False,
    ),
    _Scope(
        "Checkout Sessions: write", "/v1/checkout/sessions", "nobody can buy", {"mode": "payment"}
    ),
    _Scope(
        "Customers: write",
        f"/v1/customers/{_NOBODY}",
        "the bridge cannot make customers",
        {"metadata": {"discourse_user_id": ""}},
    ),
    _Scope(
        "Customer portal: write",
        "/v1/billing_portal/sessions",
        "members cannot change their card or cancel",
        {"customer": _NOBODY},
    ),
    _Scope(
        "Subscriptions: write",
        f"/v1/subscriptions/{_NOTHING}",
        "what a member has replaced by another membership is not ended, and is billed twice",
        {"cancel_at_period_end": False},
    ),
    _Scope(
        "Invoices: write",
        "/v1/invoices/create_preview",
        "members see what a change costs only on Stripe's page",
        {"subscription": _NOTHING},
        needed=False,
    ),
)


_ENTITLEMENTS = _Scope(
    "Entitlements: read",
    "/v1/entitlements/features",
    "the features that bridge.toml maps lead nobody anywhere, and nobody is decided about",
)


def probe_scopes(http: StripeHttp, *, features: bool = False) -> list[Check]:
    """Try everything that the bridge does, in about fifteen requests."""
    scopes = (*_SCOPES, _ENTITLEMENTS) if features else _SCOPES
    checks = [_try(http, scope) for scope in scopes]
    if not any(check.ok for check in checks):
        return [
            Check(
                "key",
                ok=False,
                message="Stripe refuses everything: STRIPE_API_KEY is wrong, revoked or expired",
            )
        ]
    return [Check("key", ok=True, message="Stripe accepts the key"), *checks]


def _try(http: StripeHttp, scope: _Scope) -> Check:
    try:
        if scope.sent is None:
            http.get(scope.path, limit=1)
        else:
            http.post(scope.path, scope.sent)
    except Forbidden:
        message = f"The key lacks {scope.name}: {scope.lost}"
        return Check(scope.name, ok=False, message=message, needed=scope.needed)
    except Permanent:
        pass  # let in, and refused for what was asked, as it should be
    return Check(scope.name, ok=True, message=f"The key has {scope.name}", needed=scope.needed)
