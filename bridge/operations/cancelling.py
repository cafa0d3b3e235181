"""What members do about ending what they pay for: say why, let it run out, keep it after all."""

from __future__ import annotations

import unicodedata

from bridge.core.model.actor import Actor
from bridge.core.model.stripe import Subscription
from bridge.store import changes
from bridge.wiring import Bridge

LONGEST_REASON = 300


def note_reason(
    bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription, said: str
) -> None:
    """Keep why somebody cancels, for moderators; nothing is kept of an empty answer."""
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in said)
    words = " ".join(plain.split())[:LONGEST_REASON]
    if words:
        _log(bridge, actor, user_id, "cancel_reason", subscription, words)


def let_run_out(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Cancel it at the end of what is paid, where Stripe's page does not offer that."""
    bridge.stripe.cancel_at_period_end(subscription.id)
    _log(bridge, actor, user_id, "cancelled", subscription, None)


def keep(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Take its cancellation back."""
    bridge.stripe.keep(subscription.id, is_by_period=subscription.cancel_at_period_end)
    _log(bridge, actor, user_id, "kept", subscription, None)


def _log(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    action: str,
    subscription: Subscription,
    outcome: str | None,
) -> None:
    with bridge.store.write() as connection:
        changes.log(
            connection,
            action,
            now=bridge.clock.now(),
            user_id=user_id,
            customer_id=subscription.customer_id,
            cause=str(actor),
            outcome=outcome,
            detail={"subscription": subscription.id},
        )
