"""Sweeps all one-off orders: reads those that no event announced, and links their buyers.

`reconcile` sweeps subscriptions. Everything else that can give a group was sold by Checkout or by
an invoice. This also looks for refunds and disputes of both: no order or subscription shows them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import structlog

from bridge.core.model.stripe import is_guest
from bridge.core.signed.reference import read_buyer
from bridge.store import Connection, claims, countries, links, money, purchases, state, work
from bridge.stripe_api.seen import SeenOrder, SeenReturn
from bridge.wiring import Bridge

log = structlog.get_logger()
EXTERNAL = "external: an order found at Stripe by the full reading"
RETURNED = "external: a refund or dispute found at Stripe by the full reading"
READ_AT = "stripe.orders.read"
# An order is open for a day and a bank debit may take two weeks; events are kept for thirty days.
LOOK_BACK = timedelta(days=35)
EVENTS_ARE_KEPT = timedelta(days=29)
# Banks decide disputes within about three months, and a dispute is listed by when it began.
DISPUTES_LAST = timedelta(days=120)


def read_all(
    bridge: Bridge, *, whole: bool = False, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Look through all paid orders, and mark customers with an unknown order dirty.

    It begins five weeks before the last look, which is a few pages; with `whole`, the first time,
    and after a pause in which an event about an old order may have been lost, it looks at all
    orders.
    """
    began_at = bridge.clock.now()
    with bridge.store.read() as connection:
        last = state.get_time(connection, READ_AT)
    since = None if whole or last is None or last < began_at - EVENTS_ARE_KEPT else last
    seen = missed = 0
    for page in bridge.stripe.all_orders(since and since - LOOK_BACK):
        with bridge.store.write() as connection:
            missed += sum([_take_in(bridge, connection, order, began_at) for order in page])
        seen += len(page)
        progress(seen)
    disputed_since = since and since - DISPUTES_LAST
    for returns in bridge.stripe.all_returns(since and since - LOOK_BACK, disputed_since):
        with bridge.store.write() as connection:
            missed += _take_in_returns(connection, returns, began_at)
    with bridge.store.write() as connection:
        state.put_time(connection, READ_AT, began_at)
    log.info("reconcile.orders", seen=seen, missed=missed)


def _take_in(bridge: Bridge, connection: Connection, order: SeenOrder, now: datetime) -> bool:
    """Link an order's buyer and mark them dirty if anything is new; returns whether it is.

    Guests who bought something else from the account are skipped.
    """
    if is_guest(order.customer_id) and not _is_ours(bridge, connection, order):
        return False
    is_linked = _link(bridge, connection, order, now)
    if order.billing_country or order.card_country:
        countries.note(
            connection,
            order.id,
            order.customer_id,
            billing=order.billing_country,
            card=order.card_country,
            now=now,
        )
    is_order = order.id.startswith("cs_") and not is_guest(order.customer_id)
    if is_order and links.user_of(connection, order.customer_id) is None:
        claims.see(connection, order.id, order.customer_id, now)
    known = purchases.known(connection, order.purchase_ids)
    if len(known) == len(order.purchase_ids):
        return is_linked
    links.see_customer(connection, order.customer_id, now)
    _read_soon(connection, order.customer_id, EXTERNAL, now)
    return True


def _is_ours(bridge: Bridge, connection: Connection, order: SeenOrder) -> bool:
    rules = bridge.rulebook.rules(connection)
    return any(rules.names(*one) for one in order.sold)


def _take_in_returns(connection: Connection, returns: Sequence[SeenReturn], now: datetime) -> int:
    """Mark customers dirty whose refund or dispute had no event; returns how many.

    Customers whom the bridge has never seen have nothing that a refund could end.
    """
    known = money.known(connection, {id_ for one in returns for id_ in one.line_ids})
    unheard = [one for one in returns if not one.line_ids <= known]
    guests = {one.payment_id for one in unheard if one.customer_id is None}
    customers = {one.customer_id for one in unheard if one.customer_id is not None}
    payers = customers | purchases.orders_of_guests(connection, guests)
    rows = links.customers_among(connection, sorted(payers))
    theirs = [row.customer_id for row in rows if row.deleted_at is None]
    for customer_id in theirs:
        _read_soon(connection, customer_id, RETURNED, now)
    return len(theirs)


def _read_soon(connection: Connection, customer_id: str, cause: str, now: datetime) -> None:
    needs = ("read", "purchases", "money")
    work.mark_dirty(connection, customer_id, now=now, due_at=now, cause=cause, needs=needs)


def _link(bridge: Bridge, connection: Connection, order: SeenOrder, now: datetime) -> bool:
    user_id = read_buyer(order.reference, [bridge.settings.secret_key])
    if user_id is None or links.user_of(connection, order.customer_id) is not None:
        return False
    if links.was_unlinked(connection, order.customer_id):
        return False
    return links.link(
        connection, order.customer_id, user_id, proof="reference", actor="reconcile", now=now
    )
