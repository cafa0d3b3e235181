"""What moderators do to a subscription: cancel at the period's end, keep, pause, resume."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from bridge.core.memberships.effects import Effect
from bridge.core.model.actor import Actor
from bridge.core.model.stripe import Subscription
from bridge.core.model.words import checked_words
from bridge.core.rights import stopping
from bridge.errors import NotFound
from bridge.operations import errands
from bridge.operations.errands import Outcome
from bridge.operations.preview import effects_of_reading
from bridge.store import links, subscriptions
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge

Act = Literal["cancelled", "kept", "paused", "resumed"]


@dataclass(frozen=True, slots=True)
class Running:
    """A subscription as Stripe has it now, and its payer.

    `number`: how many acts about it had ended when Stripe was read.
    """

    user_id: int
    subscription: Subscription
    number: int


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do; `until_at`: when a pause ends."""

    act: Act
    until_at: datetime | None = None


def find_running(bridge: Bridge, subscription_id: str, user_id: int | None = None) -> Running:
    """A subscription. `user_id`: only if they pay for it. Raises: NotFound."""
    number = errands.turn(bridge, subscription_id)
    with bridge.store.read() as connection:
        customer_id = subscriptions.customer_of(connection, subscription_id)
        owner = links.user_of(connection, customer_id) if customer_id else None
    if customer_id is None or owner is None or owner != (user_id or owner):
        raise NotFound(
            gettext("%(subscription_id)s is not a subscription that this member pays for")
            % {"subscription_id": subscription_id[:60]}
        )
    found = bridge.stripe.customer_reading(customer_id, payments=True).subscriptions
    one = next((each for each in found if each.id == subscription_id), None)
    if one is None:
        raise NotFound(
            gettext("Stripe has no subscription %(subscription_id)s of this member any more")
            % {"subscription_id": subscription_id[:60]}
        )
    return Running(owner, one, number)


def as_it_will_be(bridge: Bridge, running: Running, choice: Choice) -> Subscription:
    """The subscription after the act. Raises: Permanent if the act is not possible."""
    return _AFTER[choice.act](running.subscription, choice, bridge.clock.now())


def preview(bridge: Bridge, running: Running, choice: Choice) -> tuple[Effect, ...]:
    """What it would change, for the payer and for those who have what is paid for."""
    after = as_it_will_be(bridge, running, choice)
    return effects_of_reading(bridge, running.user_id, after.customer_id, [after])


def do(bridge: Bridge, actor: Actor, running: Running, choice: Choice, *, reason: str) -> Outcome:
    """Have Stripe do it; the groups follow Stripe's events.

    A repeated request is done once. Raises: Permanent if it is impossible, or somebody decided
    otherwise meanwhile.
    """
    words = checked_words(gettext("reason"), reason)
    one, after = running.subscription, as_it_will_be(bridge, running, choice)
    return errands.ask(
        bridge,
        Errand(
            subject=one.id,
            number=running.number,
            kind=choice.act,
            params={
                "subscription": one.id,
                "cancel_at_period_end": one.cancel_at_period_end,
                "until": choice.until_at.isoformat() if choice.until_at else None,
                "before": _told(one),
                "after": _told(after),
            },
            user_id=running.user_id,
            customer_id=one.customer_id,
            actor=str(actor),
            reason=words,
            asked_at=bridge.clock.now(),
        ),
    )


_AFTER: Mapping[Act, Callable[[Subscription, Choice, datetime], Subscription]] = {
    "cancelled": lambda one, _choice, _now: stopping.cancelled(one),
    "kept": lambda one, _choice, _now: stopping.kept(one),
    "paused": lambda one, choice, now: stopping.paused(one, choice.until_at, now),
    "resumed": lambda one, _choice, _now: stopping.resumed(one),
}


def _told(one: Subscription) -> dict[str, str | None]:
    """What such an act changes, for the log."""
    return {
        "cancel_at": one.cancel_at.isoformat() if one.cancel_at else None,
        "pause_collection": one.pause_collection,
        "resumes_at": one.pause_resumes_at.isoformat() if one.pause_resumes_at else None,
    }
