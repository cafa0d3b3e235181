"""The Stripe account itself: its balance, and where its events go."""

from __future__ import annotations

from bridge.core.model.check import WebhookEndpoint
from bridge.stripe_api.http import StripeHttp, reading


def read_balance(http: StripeHttp) -> dict[str, int]:
    """The account's balance by currency: available and pending."""
    with reading("the balance"):
        found = http.get("/v1/balance")
        sums: dict[str, int] = {}
        for one in (*found["available"], *found["pending"]):
            currency = str(one["currency"]).lower()
            sums[currency] = sums.get(currency, 0) + int(one["amount"])
        return {currency: amount for currency, amount in sums.items() if amount}


def read_webhook_endpoints(http: StripeHttp) -> list[WebhookEndpoint]:
    """Every endpoint of this account, other sites' too."""
    with reading("the webhook endpoints"):
        return [
            WebhookEndpoint(
                id=raw["id"],
                url=raw["url"],
                status=raw["status"],
                api_version=raw.get("api_version"),
                enabled_events=tuple(raw["enabled_events"]),
                livemode=bool(raw["livemode"]),
            )
            for raw in http.all("/v1/webhook_endpoints")
        ]
