"""Changes of what members pay for, made by a moderator."""

from __future__ import annotations

from bridge.core.memberships.member import switches_of
from bridge.core.model.actor import Actor
from bridge.core.rights.switching import Switch
from bridge.errors import Permanent
from bridge.store import facts
from bridge.store.changes import log
from bridge.stripe_api.change_shapes import Changed, Preview
from bridge.wiring import Bridge


def find_switch(bridge: Bridge, user_id: int, target: str) -> Switch:
    """The change of a user to a price, named by its id, its lookup key or its product's id.

    Raises: Permanent where there is not exactly one, or Stripe cannot change it in place.
    """
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        allowed = switches_of(known, bridge.rulebook.law(connection))
    found = [
        one
        for one in allowed
        if target in (one.target.id, one.target.lookup_key, one.target.product_id)
    ]
    if len(found) != 1:
        names = ", ".join(one.target.id for one in found or allowed) or "nothing"
        raise Permanent(
            f"user {user_id} cannot change to {target}, or it is ambiguous; choose from: {names}"
        )
    if not found[0].can_amend:
        page = f"{bridge.settings.bridge_url}/join/{found[0].target.id}"
        raise Permanent(
            f"{found[0].subscription.id} cannot be changed in place: a payment failed, it is "
            f"already cancelled, or it is in another currency. The member can change it at {page}"
        )
    return found[0]


def preview_change(bridge: Bridge, switch: Switch) -> Preview:
    """What `change` would cost now, as Stripe computes it. The groups follow the price's rule."""
    return bridge.stripe.preview_change(switch)


def change(bridge: Bridge, actor: Actor, user_id: int, switch: Switch) -> Changed:
    """Have Stripe change it; the groups follow Stripe's news of it, as from its dashboard."""
    with bridge.store.read() as connection:
        _, reading_at = facts.facts_of(connection, user_id)
    # What was read is changed once: a second try before the next reading is the same request.
    key = f"change-{switch.item.id}-{switch.target.id}-{reading_at and reading_at.timestamp()}"
    changed = bridge.stripe.change(switch, key)
    with bridge.store.write() as connection:
        log(
            connection,
            "change_asked",
            now=bridge.clock.now(),
            user_id=user_id,
            customer_id=switch.subscription.customer_id,
            cause=str(actor),
            outcome=f"{switch.subscription.id}: {switch.current.id} to {switch.target.id}",
        )
    return changed
