"""The next date of a subscription: it renews, its trial ends, or its groups end."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from bridge.core.model.stripe import Subscription

Coming = Literal["renewals", "trials", "gifts"]


def coming_at(subscription: Subscription, kind: Coming) -> datetime | None:
    """When that happens; None if nothing known now leads to it."""
    charge_at = subscription.next_charge.at if subscription.next_charge else None
    match kind, subscription.status:
        case "renewals", "active":
            return charge_at
        case "trials", "trialing":
            return subscription.trial_end_at
        case "gifts", "active" | "trialing" if subscription.beneficiary_id is not None:
            return subscription.cancel_at or charge_at
    return None
