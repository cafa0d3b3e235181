"""Changes of what members pay for: which there are, and how a moderator makes one."""

from __future__ import annotations

from sqlalchemy import Connection

from bridge.core.model.actor import Actor
from bridge.core.model.rights import Facts
from bridge.core.rights.switching import Switch, switches
from bridge.errors import Permanent
from bridge.store import catalogue, facts
from bridge.store.changes import log
from bridge.stripe_api.client import Changed
from bridge.wiring import Bridge


def switches_of(bridge: Bridge, connection: Connection, known: Facts) -> tuple[Switch, ...]:
    """Every change that a member may make, by what was last read."""
    products, prices = catalogue.load(connection)
    rules = bridge.rulebook.rules(connection)
    return switches(known, rules, products, prices, bridge.policy.unfollowed_ladders)


def find_switch(bridge: Bridge, user_id: int, target: str) -> Switch:
    """The change of a user to a price, named by its id, its lookup key or its product's id.

    Raises: Permanent where there is not exactly one, or Stripe cannot change it in place.
    """
    with bridge.store.read() as connection:
        known, _ = facts.facts_of(connection, user_id)
        allowed = switches_of(bridge, connection, known)
    found = [
        one
        for one in allowed
        if target in (one.target.id, one.target.lookup_key, one.target.product_id)
    ]
    if len(found) != 1:
        names = ", ".join(one.target.id for one in found or allowed) or "nothing"
        raise Permanent(f"{target} is not one thing user {user_id} can change to; allowed: {names}")
    if not found[0].can_amend:
        page = f"{bridge.settings.bridge_url}/join/{found[0].target.id}"
        raise Permanent(
            f"{found[0].subscription.id} cannot be changed in place: a payment is open, it is "
            f"cancelled already, or it is paid in another currency. The member can do it at {page}"
        )
    return found[0]


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
