"""Changes subscriptions at Stripe: previews, the page for a change, the change itself, the end."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from bridge.core.model.stripe import Subscription
from bridge.core.rights.switch_costs import Changed, Preview
from bridge.core.rights.switching import Ending, Move, PortalTerms, Switch
from bridge.errors import NotFound
from bridge.stripe_api.change_shapes import (
    change_asked,
    changed,
    pause_asked,
    preview_asked,
    previewed,
    without_items,
)
from bridge.stripe_api.http import StripeHttp, path, reading
from bridge.stripe_api.portal_page import opened_to_confirm, portal_terms

CONFIGURATIONS = "/v1/billing_portal/configurations"


def read_portal_terms(http: StripeHttp) -> PortalTerms | None:
    """The changes that Stripe's page allows members; None if that is missing or off."""
    products = "features.subscription_update.products"
    page = http.get(CONFIGURATIONS, is_default=True, limit=1, expand=[f"data.{products}"])
    with reading("the portal's settings"):
        return portal_terms(page)


def read_preview(http: StripeHttp, switch: Switch, terms: PortalTerms) -> Preview:
    """The cost of the change on these terms; asking changes nothing."""
    raw = http.post("/v1/invoices/create_preview", preview_asked(switch, terms))
    with reading(f"the preview of {switch.subscription.id}"):
        return previewed(raw)


def read_resumed(http: StripeHttp, subscription: Subscription) -> Preview:
    """The next invoice of one that is paused, once it goes on; asking changes nothing."""
    asked: dict[str, Any] = {"subscription": subscription.id}
    if subscription.status == "paused":
        asked["subscription_details"] = {"resume_at": "now"}
    raw = http.post("/v1/invoices/create_preview", asked)
    with reading(f"the preview of {subscription.id}"):
        return previewed(raw)


def portal_to_change(http: StripeHttp, switch: Switch, *, back: str, done: str) -> str:
    """The page where the customer confirms this change and pays for it; good for minutes."""
    params = opened_to_confirm(switch, back=back, done=done)
    with reading(f"the portal of {switch.subscription.customer_id}"):
        return str(http.post("/v1/billing_portal/sessions", params)["url"])


def change(http: StripeHttp, move: Move, idempotency_key: str) -> Changed:
    """Change it now. If the payment fails, nothing changes until it is paid."""
    address = path("/v1/subscriptions/{}", move.subscription_id)
    return changed(http.post(address, change_asked(move), idempotency_key))


def end(http: StripeHttp, ending: Ending) -> None:
    """End it.

    A subscription that has already ended is not an error: an earlier attempt may have.
    """
    address = f"/v1/subscriptions/{ending.subscription_id}"
    credited = True if ending.is_credited else None
    try:
        if ending.how == "now":
            http.delete(address, prorate=credited, invoice_now=credited)
        elif ending.how == "at_period_end":
            http.post(address, {"cancel_at_period_end": True})
        else:
            http.post(address, without_items(ending))
    except NotFound:
        return


def pause_collection(http: StripeHttp, subscription_id: str, until_at: datetime | None) -> None:
    """Pause its payments."""
    http.post(path("/v1/subscriptions/{}", subscription_id), pause_asked(until_at))


def resume(http: StripeHttp, subscription_id: str, idempotency_key: str) -> None:
    """Begin a new period of one with the status paused; its invoice is charged at once."""
    params = {"billing_cycle_anchor": {"type": "now"}}
    http.post(path("/v1/subscriptions/{}/resume", subscription_id), params, idempotency_key)


def call_off(http: StripeHttp, subscription_id: str) -> None:
    """Release its schedule, so that it continues as it is. Safe to repeat."""
    raw = http.get(path("/v1/subscriptions/{}", subscription_id))
    with reading(subscription_id):
        schedule_id = raw.get("schedule")
    if schedule_id:
        http.post(path("/v1/subscription_schedules/{}/release", str(schedule_id)), {})


def go_on_collecting(http: StripeHttp, subscription_id: str) -> None:
    """Resume its payments. Safe to repeat."""
    http.post(path("/v1/subscriptions/{}", subscription_id), {"pause_collection": ""})
