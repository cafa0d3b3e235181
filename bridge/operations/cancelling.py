"""What members do to end their subscriptions, or to keep them after all."""

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
    """Log why somebody cancels, for moderators; an empty answer is not logged."""
    plain = "".join(" " if unicodedata.category(one) == "Cc" else one for one in said)
    words = " ".join(plain.split())[:LONGEST_REASON]
    if words:
        _log(bridge, actor, user_id, "cancel_reason", subscription, words)


def let_run_out(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Cancel it at the end of the paid period, if Stripe's page does not offer that."""
    bridge.stripe.cancel_at_period_end(subscription.id)
    _log(bridge, actor, user_id, "cancelled", subscription, None)


def keep(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Reverse its cancellation."""
    bridge.stripe.keep(subscription.id, is_by_period=subscription.cancel_at_period_end)
    _log(bridge, actor, user_id, "kept", subscription, None)


def go_on(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Resume payments, or begin a new period if Stripe had paused the subscription."""
    if subscription.status == "paused":
        # A pause is ended once, even if the button is pressed several times.
        ended = max(item.period_end_at for item in subscription.items)
        key = f"resume-{subscription.id}-{ended.timestamp():.0f}-{bridge.clock.now():%Y%m%d%H}"
        bridge.stripe.resume(subscription.id, key)
    else:
        bridge.stripe.go_on_collecting(subscription.id)
    _log(bridge, actor, user_id, "resumed", subscription, None)


def call_off(bridge: Bridge, actor: Actor, user_id: int, subscription: Subscription) -> None:
    """Call off a planned change."""
    bridge.stripe.call_off(subscription.id)
    _log(bridge, actor, user_id, "change_called_off", subscription, None)


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
