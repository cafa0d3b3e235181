"""Back from Stripe: asks about this order immediately and marks its customer dirty.

So nobody waits for webhooks. Requests are counted with the order, in SQL, so that reloads, tabs and
other processes do not ask Stripe more often (A131).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

import structlog
from werkzeug.exceptions import TooManyRequests

from bridge.core.rights.old_news import LastReading
from bridge.errors import BridgeError
from bridge.store import checkouts, countries, links, purchases, subscriptions
from bridge.store.checkouts import Checkout, Seen
from bridge.store.work import mark_dirty
from bridge.stripe_api.checkout import CheckoutState
from bridge.web.context import Reader, now, the_bridge
from bridge.web.limiting import asks_stripe

log = structlog.get_logger(__name__)
# How long to wait before each look at an unsettled order. The last one is the end.
LOOKS = tuple(timedelta(seconds=seconds) for seconds in (0, 5, 15, 45, 135, 405))
EVERYTHING = ("read", "purchases", "money")


def look_at(known: Reader, order: Checkout) -> Checkout:
    """Ask Stripe about the order, if it is time to; returns the order as then known."""
    if not _is_time(order, now()):
        return order
    try:
        asks_stripe()
    except TooManyRequests:
        return order  # the page can be shown without it
    with the_bridge().store.write() as connection:
        if not checkouts.count_look(connection, order, now()):
            return order  # another tab is asking right now
    _look(known, order)
    with the_bridge().store.read() as connection:
        return checkouts.get(connection, order.id) or order


def _is_time(order: Checkout, at: datetime) -> bool:
    if order.seen in ("pending", "expired") or order.looks >= len(LOOKS):
        return False
    return order.looked_at is None or at - order.looked_at >= LOOKS[order.looks]


def _look(known: Reader, order: Checkout) -> None:
    if order.session_id is None or order.seen == "paid":
        # A change on the portal's page has no session. Read what is paid and not here yet.
        _note(order, "paid")
        _have_read(_customers_of(known), order)
        return
    try:
        state = the_bridge().stripe.checkout_session(order.session_id)
    except BridgeError as error:
        # The worker keeps trying.
        log.warning("order.not_seen", order=order.id, error=type(error).__name__)
        _have_read(_customers_of(known), order)
        return
    _note(order, _seen(state))
    if state.status == "complete":
        _note_country(state)
    if state.status == "complete" and state.customer_id and not _is_read(state):
        # An order of a subscription may have one-off lines, too.
        is_alone = state.mode == "subscription" and len(order.ordered) == 1
        needs = ("read",) if is_alone else ("read", "purchases")
        _have_read([state.customer_id], order, needs)


def _seen(state: CheckoutState) -> Seen:
    if state.status == "open":
        return "open"
    if state.status != "complete":
        return "expired"
    return "paid" if state.is_paid else "pending"


def _note(order: Checkout, seen: Seen) -> None:
    with the_bridge().store.write() as connection:
        checkouts.note_seen(connection, order.id, seen)
        if seen in ("paid", "pending"):
            checkouts.complete(connection, order.id, now())


def _note_country(state: CheckoutState) -> None:
    """Record the country of the sale from the card, too; the event has the address (A72)."""
    with the_bridge().store.write() as connection:
        countries.note(
            connection,
            state.id,
            state.customer_id or state.id,
            billing=state.billing_country,
            card=state.card_country,
            now=now(),
        )


def _is_read(state: CheckoutState) -> bool:
    """Whether a webhook was faster, so that the purchase has already been read."""
    with the_bridge().store.read() as connection:
        of_customer = [state.customer_id] if state.customer_id else []
        read = LastReading(
            {one.id: one for one in subscriptions.of_customers(connection, of_customer)},
            order_ids=purchases.orders_of(connection, of_customer),
        )
    return read.has_order(state.id, state.subscription_id)


def _customers_of(known: Reader) -> list[str]:
    with the_bridge().store.read() as connection:
        return list(links.live_customers_of(connection, known.user_id))


def _have_read(
    customer_ids: Iterable[str], order: Checkout, needs: tuple[str, ...] = EVERYTHING
) -> None:
    asked = list(customer_ids)
    cause = f"back from Stripe, {order.session_id or order.id}"
    with the_bridge().store.write() as connection:
        for customer_id in asked:
            mark_dirty(connection, customer_id, now=now(), due_at=now(), cause=cause, needs=needs)
    for customer_id in asked:
        the_bridge().hint("decide", customer_id)
