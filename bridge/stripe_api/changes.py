"""Changes subscriptions at Stripe: previews, the page for a change, the change itself, the end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bridge.core.rights.switching import Ending, PortalTerms, Switch
from bridge.errors import NotFound
from bridge.stripe_api.http import StripeHttp, reading
from bridge.stripe_api.reader import Json, rows, within

CONFIGURATIONS = "/v1/billing_portal/configurations"
AT_ONCE = PortalTerms(proration="always_invoice", ends_trial=False)
"""How a moderator's change is billed."""


@dataclass(frozen=True, slots=True)
class PreviewLine:
    """A credit or a charge, in Stripe's words."""

    what: str
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Preview:
    """The invoice that a change would lead to. `total_minor` below zero is credited."""

    currency: str
    lines: tuple[PreviewLine, ...]
    total_minor: int
    due_minor: int

    @property
    def beside_minor(self) -> int:
        """What is added to the lines, or taken off: tax and discounts."""
        return self.total_minor - sum(line.amount_minor for line in self.lines)

    @property
    def from_credit_minor(self) -> int:
        """What is paid of it from credit that the customer has."""
        return max(0, self.total_minor - self.due_minor)


@dataclass(frozen=True, slots=True)
class Changed:
    """What came of a change: done, or waiting for its payment, for which this is the address."""

    is_pending: bool
    pay_url: str | None = None


def read_portal_terms(http: StripeHttp) -> PortalTerms | None:
    """What Stripe's page lets members change; None where it has no such setting, or it is off."""
    products = "features.subscription_update.products"
    page = http.get(CONFIGURATIONS, is_default=True, limit=1, expand=[f"data.{products}"])
    with reading("the portal's settings"):
        feature = next((one["features"]["subscription_update"] for one in rows(page)), None)
        if not feature or not feature["enabled"]:
            return None
        if "price" not in feature["default_allowed_updates"]:
            return None
        sold = feature.get("products")
        conditions = within(feature, "schedule_at_period_end", "conditions") or ()
        return PortalTerms(
            prices=None if sold is None else frozenset(p for one in sold for p in one["prices"]),
            proration=feature["proration_behavior"],
            deferred=frozenset(one["type"] for one in conditions),
            ends_trial=feature.get("trial_update_behavior", "end_trial") == "end_trial",
            restarts=feature.get("billing_cycle_anchor") == "now",
        )


def read_preview(http: StripeHttp, switch: Switch, terms: PortalTerms) -> Preview:
    """What the change would cost on these terms; asking changes nothing."""
    details: dict[str, Any] = {"items": _items(switch), "proration_behavior": terms.proration}
    if terms.ends_trial and switch.subscription.status == "trialing":
        details["trial_end"] = "now"
    elif terms.restarts:
        details["billing_cycle_anchor"] = {"type": "now"}
    params = {"subscription": switch.subscription.id, "subscription_details": details}
    raw = http.post("/v1/invoices/create_preview", params)
    with reading(f"the preview of {switch.subscription.id}"):
        return Preview(
            currency=raw["currency"],
            lines=tuple(
                PreviewLine(line.get("description") or "", int(line["amount"]))
                for line in rows(raw["lines"])
            ),
            total_minor=int(raw["total"]),
            due_minor=int(raw["amount_due"]),
        )


def portal_to_change(http: StripeHttp, switch: Switch, *, back: str, done: str) -> str:
    """The page where the customer confirms this change and pays for it; good for minutes."""
    subscription = switch.subscription
    (item,) = _items(switch)
    # Not said, the page might take it for one, and seats would be lost.
    quantity = {"quantity": switch.item.quantity} if switch.item.quantity > 1 else {}
    confirm = {"subscription": subscription.id, "items": [{**item, **quantity}]}
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": confirm,
        "after_completion": {"type": "redirect", "redirect": {"return_url": done}},
    }
    params = {"customer": subscription.customer_id, "return_url": back, "flow_data": flow}
    with reading(f"the portal of {subscription.customer_id}"):
        return str(http.post("/v1/billing_portal/sessions", params)["url"])


def change(http: StripeHttp, switch: Switch, idempotency_key: str) -> Changed:
    """Change it now. One that cannot be paid waits for its payment, and all stays as it was."""
    params = {
        "items": _items(switch),
        "proration_behavior": AT_ONCE.proration,
        "payment_behavior": "pending_if_incomplete",
        "expand": ["latest_invoice"],
    }
    raw = http.post(f"/v1/subscriptions/{switch.subscription.id}", params, idempotency_key)
    is_pending = bool(raw.get("pending_update"))
    address = within(raw, "latest_invoice", "hosted_invoice_url") if is_pending else None
    return Changed(is_pending, address)


def end(http: StripeHttp, ending: Ending) -> None:
    """End it in its way. What has ended already is no error: another attempt may have done it."""
    path = f"/v1/subscriptions/{ending.subscription_id}"
    credited = True if ending.is_credited else None
    try:
        if ending.how == "now":
            http.delete(path, prorate=credited, invoice_now=credited)
        elif ending.how == "at_period_end":
            http.post(path, {"cancel_at_period_end": True})
        else:
            http.post(path, _without(ending))
    except NotFound:
        return


def _items(switch: Switch) -> list[Json]:
    return [{"id": switch.item.id, "price": switch.target.id}]


def _without(ending: Ending) -> Json:
    return {
        "items": [{"id": item_id, "deleted": True} for item_id in ending.item_ids],
        "proration_behavior": "always_invoice" if ending.is_credited else "none",
    }
