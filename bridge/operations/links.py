"""Links customers to users by somebody's decision."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bridge.core.memberships.effects import Effect, What
from bridge.core.model.actor import Actor
from bridge.core.model.discourse import User
from bridge.core.model.rights import Facts
from bridge.core.model.words import checked_words, said
from bridge.errors import NotFound, Permanent
from bridge.operations.finding import find_user
from bridge.operations.preview import effects, with_customers
from bridge.store import alerts, changes, facts, links, orphans, state, users, work
from bridge.texts import gettext
from bridge.wiring import Bridge


@dataclass(frozen=True, slots=True)
class Linked:
    """A customer and its user; `is_new`: it was not linked to them before."""

    customer_id: str
    user: User
    is_new: bool


@dataclass(frozen=True, slots=True)
class Unlinked:
    """An unlinked customer, and its former user."""

    customer_id: str
    user_id: int


def preview_link(bridge: Bridge, customer_id: str, user_id: int) -> tuple[Effect, ...]:
    """What `link` would change in the user's groups, from the customer's present data at Stripe.

    Raises the same errors.
    """
    find_user(bridge, user_id)
    with bridge.store.read() as connection:
        _refuse_anothers(links.user_of(connection, customer_id), customer_id, user_id)
        known, _ = facts.facts_of(connection, user_id)
    after = with_customers(bridge, known, user_id, [customer_id])
    return effects(bridge, user_id, What(lambda _: after))


def link(
    bridge: Bridge, actor: Actor, customer_id: str, user_id: int, *, reason: str | None = None
) -> Linked:
    """Link a customer to a user. A second time changes nothing; `unlink` is the reverse.

    If they were linked only by a reference, this opens Stripe's portal to the user (A133). Raises:
    NotFound if either does not exist, Permanent if the customer is another user's.
    """
    bridge.stripe.customer(customer_id)
    user = find_user(bridge, user_id)
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        before = links.user_of(connection, customer_id)
        _refuse_anothers(before, customer_id, users.present_account(connection, user_id))
        links.link(
            connection,
            customer_id,
            user_id,
            proof="operator",
            actor=str(actor),
            now=now,
            reason=words,
        )
        links.confirm(connection, customer_id, proof="operator")
    bridge.hint("decide", customer_id)
    return Linked(customer_id, user, before is None)


def preview_unlink(bridge: Bridge, customer_id: str) -> tuple[Effect, ...]:
    """What `unlink` would change in the user's groups. Raises the same errors."""
    with bridge.store.read() as connection:
        user_id = links.user_of(connection, customer_id)
    if user_id is None:
        raise _linked_to_nobody(customer_id)

    def without(known: Facts) -> Facts:
        return replace(
            known,
            subscriptions=tuple(o for o in known.subscriptions if o.customer_id != customer_id),
            purchases=tuple(o for o in known.purchases if o.customer_id != customer_id),
        )

    return effects(bridge, user_id, What(without))


def unlink(
    bridge: Bridge, actor: Actor, customer_id: str, *, reason: str | None = None
) -> Unlinked:
    """Undo a link. Raises: NotFound when there is none."""
    now, words = bridge.clock.now(), said(reason)
    with bridge.store.write() as connection:
        state.take_turn(connection)
        user_id = links.unlink(connection, customer_id, actor=str(actor), now=now, reason=words)
    if user_id is None:
        raise _linked_to_nobody(customer_id)
    bridge.hint("decide", work.user_key(user_id))
    return Unlinked(customer_id, user_id)


def set_aside(bridge: Bridge, actor: Actor, customer_id: str, *, reason: str) -> None:
    """Set a payer aside for a reason.

    `wait_again` is the reverse. Raises: NotFound if the customer does not wait to be linked.
    """
    words = checked_words(gettext("reason"), reason)
    _aside(bridge, actor, customer_id, words, reason=words)


def wait_again(
    bridge: Bridge, actor: Actor, customer_id: str, *, reason: str | None = None
) -> None:
    """Put a customer that was set aside back on the list. Raises NotFound."""
    _aside(bridge, actor, customer_id, None, reason=said(reason))


def refuse_linked(bridge: Bridge, customer_id: str) -> None:
    """Raises: Permanent for a customer who is linked already."""
    with bridge.store.read() as connection:
        owner = links.user_of(connection, customer_id)
    if owner is not None:
        _refuse_anothers(owner, customer_id, 0)


def refuse_aside(bridge: Bridge, customer_id: str, *, is_aside: bool) -> None:
    """Raises: NotFound if a customer does not wait, or was not set aside, as `is_aside` says."""
    with bridge.store.read() as connection:
        if not orphans.waits(connection, customer_id, is_aside=is_aside):
            raise _decided_meanwhile(customer_id)


def _decided_meanwhile(customer_id: str) -> NotFound:
    words = gettext("somebody has linked %(customer)s or decided about it in the meantime")
    return NotFound(words % {"customer": customer_id})


def _aside(
    bridge: Bridge, actor: Actor, customer_id: str, why: str | None, *, reason: str | None
) -> None:
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if not orphans.set_aside(connection, customer_id, why):
            raise _decided_meanwhile(customer_id)
        changes.log(
            connection,
            "set_aside" if why else "waits_again",
            now=now,
            customer_id=customer_id,
            cause=str(actor),
            outcome=reason,
        )
        alerts.look_soon(connection)


def refuse_unless(bridge: Bridge, customer_id: str, owner: int | None) -> None:
    """Raises: Permanent if the customer's user is no longer the expected one."""
    with bridge.store.read() as connection:
        found = links.user_of(connection, customer_id)
        wanted = None if owner is None else users.present_account(connection, owner)
    if found != wanted:
        words = gettext("%(customer)s is linked to id:%(user)s by now: there is nothing to undo")
        if found is None:
            words = gettext("%(customer)s is linked to nobody by now: there is nothing to undo")
        raise Permanent(words % {"customer": customer_id, "user": found})


def _refuse_anothers(owner: int | None, customer_id: str, user_id: int) -> None:
    if owner not in (None, user_id):
        raise Permanent(
            gettext("%(customer_id)s is linked to id:%(owner)s; unlink it first if that is wrong")
            % {"customer_id": customer_id, "owner": owner}
        )


def _linked_to_nobody(customer_id: str) -> NotFound:
    return NotFound(gettext("%(customer_id)s is linked to nobody") % {"customer_id": customer_id})
