"""The sweep of everybody's one-off orders: what no event told of is read, and who bought it linked.

Subscriptions are swept by `reconcile`; the rest that can give a group was sold by Checkout or by an
invoice.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta

import structlog

from bridge.core.model.stripe import Purchase
from bridge.core.signed.reference import read_buyer
from bridge.store import Connection, links, purchases, state, work
from bridge.stripe_api.client import SeenOrder
from bridge.wiring import Bridge

log = structlog.get_logger()
EXTERNAL = "external: an order found at Stripe by the full reading"
READ_AT = "stripe.orders.read"
# An order is open for a day and a bank debit may take two weeks; events are kept for thirty days.
LOOK_BACK = timedelta(days=35)
EVENTS_ARE_KEPT = timedelta(days=29)


def read_all(
    bridge: Bridge, *, whole: bool = False, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Look at everybody's paid orders, and have read anew whoever has one that is not known.

    From five weeks before the last look, which is a few pages; all of them where `whole` asks for
    it, the first time, and after a pause in which an event about an old one may have been lost.
    """
    began_at = bridge.clock.now()
    with bridge.store.read() as connection:
        last = state.get_time(connection, READ_AT)
    everything = whole or last is None or last < began_at - EVENTS_ARE_KEPT
    seen = missed = 0
    for page in bridge.stripe.all_orders(None if everything or last is None else last - LOOK_BACK):
        with bridge.store.write() as connection:
            missed += sum([_take_in(bridge, connection, order, began_at) for order in page])
        seen += len(page)
        progress(seen)
    with bridge.store.write() as connection:
        state.put_time(connection, READ_AT, began_at)
    log.info("reconcile.orders", seen=seen, missed=missed)


def _take_in(bridge: Bridge, connection: Connection, order: SeenOrder, now: datetime) -> bool:
    """Link and have read what is new about an order; whether anything is."""
    is_linked = _link(bridge, connection, order, now)
    known = purchases.known(connection, order.purchase_ids)
    if len(known) == len(order.purchase_ids) and not _differs(order, known.values()):
        return is_linked
    links.see_customer(connection, order.customer_id, now)
    work.mark_dirty(
        connection,
        order.customer_id,
        now=now,
        due_at=now,
        cause=EXTERNAL,
        needs=("read", "purchases", "money"),
    )
    return True


def _differs(order: SeenOrder, known: Collection[Purchase]) -> bool:
    """Whether more was given back or disputed since it was read."""
    is_news = order.is_disputed and any(one.disputed is None for one in known)
    return is_news or order.refunded_minor > sum(one.refunded_minor for one in known)


def _link(bridge: Bridge, connection: Connection, order: SeenOrder, now: datetime) -> bool:
    user_id = read_buyer(order.reference, [bridge.settings.secret_key])
    if user_id is None or links.user_of(connection, order.customer_id) is not None:
        return False
    if links.was_unlinked(connection, order.customer_id):
        return False
    return links.link(
        connection, order.customer_id, user_id, proof="reference", actor="reconcile", now=now
    )
