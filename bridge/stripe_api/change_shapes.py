"""A change of a subscription at Stripe: its preview, its request, and its result."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from bridge.core.rights.switch_costs import AT_ONCE, Changed, Preview, PreviewLine
from bridge.core.rights.switching import Ending, Move, PortalTerms, Switch
from bridge.stripe_api.portal_page import switched_items
from bridge.stripe_api.reader import Json, rows, within


def preview_asked(switch: Switch, terms: PortalTerms) -> Json:
    """The request for the preview of a change on these terms."""
    details: dict[str, Any] = {
        "items": switched_items(switch),
        "proration_behavior": terms.proration,
    }
    if terms.ends_trial and switch.subscription.status == "trialing":
        details["trial_end"] = "now"
    elif terms.restarts:
        details["billing_cycle_anchor"] = {"type": "now"}
    return {"subscription": switch.subscription.id, "subscription_details": details}


def previewed(raw: Json) -> Preview:
    """Reads the invoice that Stripe would create."""
    return Preview(
        currency=raw["currency"],
        lines=tuple(
            PreviewLine(line.get("description") or "", int(line["amount"]))
            for line in rows(raw["lines"])
        ),
        total_minor=int(raw["total"]),
        due_minor=int(raw["amount_due"]),
    )


def change_asked(move: Move) -> Json:
    """The request that changes a subscription now, or leaves it unchanged until it is paid."""
    return {
        "items": [{"id": move.item_id, "price": move.price_id}],
        "proration_behavior": AT_ONCE.proration,
        "payment_behavior": "pending_if_incomplete",
        "expand": ["latest_invoice"],
    }


def changed(raw: Json) -> Changed:
    """The result."""
    is_pending = bool(raw.get("pending_update"))
    address = within(raw, "latest_invoice", "hosted_invoice_url") if is_pending else None
    return Changed(is_pending, address)


def without_items(ending: Ending) -> Mapping[str, Any]:
    """The request that ends some items of a subscription and leaves the others."""
    return {
        "items": [{"id": item_id, "deleted": True} for item_id in ending.item_ids],
        "proration_behavior": "always_invoice" if ending.is_credited else "none",
    }


def pause_asked(until_at: datetime | None) -> Mapping[str, Any]:
    """The parameters that pause it: invoices of that time are void, so nothing is owed later."""
    paused: dict[str, Any] = {"behavior": "void"}
    if until_at is not None:
        paused["resumes_at"] = int(until_at.timestamp())
    return {"pause_collection": paused}
