"""Rights of a Stripe key: how the doctor tries each, and what is lost without it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_NOBODY = "cus_that_does_not_exist"


_NOTHING = "sub_that_does_not_exist"


@dataclass(frozen=True, slots=True)
class Scope:
    """A right of a key, how it is tried, and what does not work without it."""

    name: str
    path: str
    lost: str
    sent: dict[str, Any] | None = None  # None: a read
    needed: bool = True


SCOPES = (
    Scope("Subscriptions: read", "/v1/subscriptions", "nobody's membership can be known"),
    Scope("Customers: read", "/v1/customers", "deleted customers and links are not seen"),
    Scope("Products: read", "/v1/products", "products cannot be mapped to groups"),
    Scope("Prices: read", "/v1/prices", "prices cannot be mapped to groups"),
    Scope("Invoices: read", "/v1/invoices", "statements and grace periods are missing"),
    Scope("Charges and Refunds: read", "/v1/charges", "one-off payments and refunds are missing"),
    Scope("Disputes: read", "/v1/disputes", "disputes are not seen"),
    Scope("PaymentIntents: read", "/v1/payment_intents", "one-off payments are missing"),
    Scope(
        "PaymentMethods: read",
        "/v1/payment_methods",
        "members do not see on their page which card pays",
        needed=False,
    ),
    Scope("Checkout Sessions: read", "/v1/checkout/sessions", "one-off orders are not seen"),
    Scope(
        "Balance: read",
        "/v1/balance_transactions",
        "the ledger cannot be compared with Stripe's balance",
        needed=False,
    ),
    Scope("Payouts: read", "/v1/payouts", "the ledger lacks payouts", needed=False),
    Scope(
        "Credit notes: read",
        "/v1/credit_notes",
        "the ledger lacks credit notes, and they cannot say which line a refund is for",
        needed=False,
    ),
    Scope(
        "Payment Links: read",
        "/v1/payment_links",
        "links of the dashboard cannot be followed by /join/link/…",
        needed=False,
    ),
    Scope("Events: read", "/v1/events", "lost webhooks are made up for only at night"),
    Scope(
        "Webhook endpoints: read",
        "/v1/webhook_endpoints",
        "doctor cannot compare the endpoint's version and events",
        needed=False,
    ),
    Scope(
        "Checkout Sessions: write", "/v1/checkout/sessions", "nobody can buy", {"mode": "payment"}
    ),
    Scope(
        "Customers: write",
        f"/v1/customers/{_NOBODY}",
        "the bridge cannot make customers",
        {"metadata": {"discourse_user_id": ""}},
    ),
    Scope(
        "Customer portal: write",
        "/v1/billing_portal/sessions",
        "members cannot change their card or cancel",
        {"customer": _NOBODY},
    ),
    Scope(
        "Subscriptions: write",
        f"/v1/subscriptions/{_NOTHING}",
        "what a member has replaced by another membership is not ended, and is billed twice",
        {"cancel_at_period_end": False},
    ),
    Scope(
        "Invoices: write",
        "/v1/invoices/create_preview",
        "members see what a change costs only on Stripe's page",
        {"subscription": _NOTHING},
        needed=False,
    ),
    Scope(
        "Products: write",
        "/v1/products/prod_that_does_not_exist",
        "moderators cannot change in the console what a product gives",
        {"metadata": {"discourse_groups": ""}},
        needed=False,
    ),
    Scope(
        "Prices: write",
        "/v1/prices/price_that_does_not_exist",
        "moderators cannot change in the console what a price gives",
        {"metadata": {"discourse_groups": ""}},
        needed=False,
    ),
)


ENTITLEMENTS = Scope(
    "Entitlements: read",
    "/v1/entitlements/features",
    "the features that bridge.toml maps lead nobody anywhere, and nobody is decided about",
)

REFUNDS = Scope(
    "Charges and Refunds: write",
    "/v1/refunds",
    "[console] refunds is on, and nobody can refund",
    {"charge": "ch_that_does_not_exist"},
)
NOTES = Scope(
    "Credit notes: write",
    "/v1/credit_notes",
    "a refund cannot say which line of an invoice it is for",
    {"invoice": "in_that_does_not_exist"},
    needed=False,
)
