"""Changes of plan by a moderator, or by the payer where Stripe's page cannot make them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict

from bridge.core.memberships.effects import Effect
from bridge.core.memberships.member import switches_of
from bridge.core.model.actor import Actor
from bridge.core.model.words import checked_words
from bridge.core.rights.switch_costs import Changed, Preview
from bridge.core.rights.switching import Switch
from bridge.errors import Permanent
from bridge.operations import errands
from bridge.operations.preview import effects_of_reading
from bridge.store import errands as stored
from bridge.store import facts
from bridge.store.errands import Errand
from bridge.texts import gettext
from bridge.wiring import Bridge


def find_switch(
    bridge: Bridge, user_id: int, target: str, subscription_id: str | None = None
) -> Switch:
    """A user's change to a price, named by its id, its lookup key or its product's id.

    `subscription_id`: which one is changed; None if only one can be.

    Raises: Permanent if there is not exactly one, or Stripe cannot make it in place.
    """
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        allowed = _of(subscription_id, switches_of(known, bridge.rulebook.law(connection)))
    found = [
        one
        for one in allowed
        if target in (one.target.id, one.target.lookup_key, one.target.product_id)
    ]
    if len(found) != 1:
        names = ", ".join(one.target.id for one in found or allowed) or "nothing"
        raise Permanent(
            gettext(
                "id:%(user_id)s cannot change to %(target)s, or it is ambiguous; choose from: "
                "%(names)s"
            )
            % {"user_id": user_id, "target": target, "names": names}
        )
    if not found[0].can_amend:
        page = f"{bridge.settings.bridge_url}/join/{found[0].target.id}"
        raise Permanent(
            gettext(
                "%(subscription)s cannot be changed in place: a payment failed, it is already "
                "cancelled, or it is in another currency. The member can change it at %(page)s"
            )
            % {"subscription": found[0].subscription.id, "page": page}
        )
    return found[0]


def turn_of(bridge: Bridge, user_id: int, switch: Switch) -> int:
    """The number of a change, so that a subscription changed meanwhile is not changed again."""
    with bridge.store.read() as connection:
        _, reading_at = facts.facts_of(connection, user_id)
        over = stored.turn(connection, switch.subscription.id)
        done_at = stored.last_done_at(connection, switch.subscription.id)
    is_unread = done_at is not None and (reading_at is None or done_at >= reading_at)
    return over - 1 if is_unread else over


def choices(bridge: Bridge, user_id: int, subscription_id: str | None = None) -> tuple[Switch, ...]:
    """All changes that Stripe can make in place, of every subscription or of one."""
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        allowed = switches_of(known, bridge.rulebook.law(connection))
    return tuple(one for one in _of(subscription_id, allowed) if one.can_amend)


def _of(subscription_id: str | None, switches: Iterable[Switch]) -> list[Switch]:
    return [one for one in switches if subscription_id in (None, one.subscription.id)]


def preview_groups(bridge: Bridge, user_id: int, switch: Switch) -> tuple[Effect, ...]:
    """What the change means for groups, once it is paid."""
    after = switch.after
    return effects_of_reading(bridge, user_id, after.customer_id, [after])


def preview_change(bridge: Bridge, switch: Switch) -> Preview:
    """What `change` would cost now, as Stripe computes it. The groups follow the price's rule."""
    return bridge.stripe.preview_change(switch)


def change(
    bridge: Bridge,
    actor: Actor,
    user_id: int,
    switch: Switch,
    *,
    number: int,
    reason: str | None = None,
) -> Changed | None:
    """Have Stripe make the change; the groups follow Stripe's events.

    `number`: its number when it was reviewed. None if Stripe has not answered yet. Raises:
    Permanent if Stripe refuses it, or somebody else has decided meanwhile.
    """
    move = switch.move
    words = checked_words(gettext("reason"), reason) if reason is not None else None
    outcome, said = errands.asked(
        bridge,
        Errand(
            subject=move.subscription_id,
            number=number,
            kind="change_asked",
            params={
                "move": asdict(move),
                "before": {"price": switch.current.id},
                "after": {"price": switch.target.id},
            },
            user_id=user_id,
            customer_id=switch.subscription.customer_id,
            actor=str(actor),
            reason=words or f"{move.subscription_id}: {switch.current.id} to {switch.target.id}",
            asked_at=bridge.clock.now(),
        ),
    )
    if outcome == "later":
        return None
    return Changed(bool(said.get("pending")), said.get("pay_url"))
