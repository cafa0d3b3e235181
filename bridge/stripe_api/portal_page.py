"""Requests for Stripe's page for members, and what its settings allow there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from bridge.core.rights.switching import PortalTerms, Switch
from bridge.stripe_api.reader import Json, rows, within

FlowKind = Literal["payment_method_update", "subscription_cancel", "subscription_pause"]


@dataclass(frozen=True, slots=True)
class Flow:
    """One act on Stripe's page. `subscription_id`: None if it is about the customer."""

    kind: FlowKind
    subscription_id: str | None = None


@dataclass(frozen=True, slots=True)
class CancelTerms:
    """The portal's settings for cancelling."""

    is_offered: bool
    is_immediate: bool


def opened(customer_id: str, return_url: str, flow: Flow | None) -> Json:
    """The parameters that open the page. After a flow, Stripe leads back like its own link."""
    params: dict[str, Any] = {"customer": customer_id, "return_url": return_url}
    if flow is not None:
        about = {"subscription": flow.subscription_id}
        params["flow_data"] = {
            "type": flow.kind,
            **({flow.kind: about} if flow.subscription_id else {}),
            "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
        }
    return params


def opened_to_confirm(switch: Switch, *, back: str, done: str) -> Json:
    """The parameters that open the page at one change, to confirm and pay it."""
    subscription = switch.subscription
    (item,) = switched_items(switch)
    # Without it, the page might assume a quantity of one, and seats would be lost.
    quantity = {"quantity": switch.item.quantity} if switch.item.quantity > 1 else {}
    confirm = {"subscription": subscription.id, "items": [{**item, **quantity}]}
    flow = {
        "type": "subscription_update_confirm",
        "subscription_update_confirm": confirm,
        "after_completion": {"type": "redirect", "redirect": {"return_url": done}},
    }
    return {"customer": subscription.customer_id, "return_url": back, "flow_data": flow}


def switched_items(switch: Switch) -> list[Json]:
    """The one item that changes, with its new price."""
    return [{"id": switch.item.id, "price": switch.target.id}]


def cancel_terms(settings: Json) -> CancelTerms:
    """By the default configuration; without one nothing is offered."""
    feature = next((one["features"]["subscription_cancel"] for one in rows(settings)), None)
    if not feature or not feature["enabled"]:
        return CancelTerms(is_offered=False, is_immediate=False)
    return CancelTerms(is_offered=True, is_immediate=feature["mode"] == "immediately")


def portal_terms(settings: Json) -> PortalTerms | None:
    """The changes that the page allows members; None if that is missing or off."""
    feature = next((one["features"]["subscription_update"] for one in rows(settings)), None)
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


def kept(*, is_by_period: bool) -> Json:
    """The parameters that take a cancellation back; the second time they do nothing.

    The portal sets only `cancel_at`, other clients the period's end.
    """
    return {"cancel_at_period_end": False} if is_by_period else {"cancel_at": ""}


def open_page(invoice: Json) -> str | None:
    """The hosted page of an invoice that is still open."""
    return invoice.get("hosted_invoice_url") if invoice["status"] == "open" else None
