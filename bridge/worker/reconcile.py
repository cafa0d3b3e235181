"""The backstops: missed events, the whole catalogue, and all subscriptions, read from Stripe."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog

from bridge.core.events.needed import DECIDING_TYPES
from bridge.core.events.outcome import on_arrival
from bridge.core.events.stripe import MalformedEvent, read_event
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import Subscription
from bridge.core.signed.reference import read_buyer
from bridge.discourse_api.visitor import skew_seconds
from bridge.errors import Forbidden, NotFound
from bridge.store import Connection, alerts, catalogue, inbox, links, state, subscriptions, work
from bridge.store.findings import CLOCK, ENDPOINT
from bridge.stripe_api.reader import REFERENCE
from bridge.wiring import Bridge
from bridge.worker import orders, sharing
from bridge.worker.intake import note_catalogue

log = structlog.get_logger()
CURSOR = "stripe.events.cursor"
EXTERNAL = "external: found at Stripe by the full reading"
CUT_OFF = "stripe.subscriptions.reading"
GOES_ON_FOR = timedelta(hours=6)
"""A reading that was cut off longer ago than this begins again."""


def backfill(bridge: Bridge) -> None:
    """Store events that never arrived, through the same inbox; those that arrived are duplicates.

    The cursor stays where the last page ended, and each run begins there again: an event that
    Stripe listed late is still found, because the inbox forgets no id.
    """
    with bridge.store.read() as connection:
        cursor = state.get(connection, CURSOR)
    try:
        missed = _take_in_events(bridge, cursor)
    except NotFound:
        # Stripe keeps events for 30 days. What is older is found by reading everybody again.
        log.warning("backfill.too_old", cursor=cursor)
        with bridge.store.write() as connection:
            state.put(connection, CURSOR, None)
        read_everybody(bridge, whole=True)
        missed = _take_in_events(bridge, None)
    if missed:
        log.warning("backfill.missed", events=missed)


def _take_in_events(bridge: Bridge, cursor: str | None) -> int:
    missed = 0
    for page in bridge.stripe.events_since(cursor, DECIDING_TYPES):
        now = bridge.clock.now()
        with bridge.store.write() as connection:
            live = bridge.settings.livemode
            new = [record_payload(connection, one, livemode=live, now=now) for one in page]
            if any(new):
                # Before they can remove anybody: is the endpoint off, do moderators have to know?
                state.run_soon(connection, "endpoint")
                alerts.look_soon(connection)
            missed += sum(new)
            if page:
                state.put(connection, CURSOR, page[-1]["id"])
    return missed


def record_payload(
    connection: Connection, payload: Mapping[str, Any], *, livemode: bool, now: datetime
) -> bool:
    """Store one event of Stripe's list; False if it is known or not used."""
    try:
        event = read_event(payload)
    except MalformedEvent:
        return False
    raw = json.dumps(payload, sort_keys=True).encode()
    return inbox.record(
        connection,
        event,
        source="backfill",
        payload_sha256=hashlib.sha256(raw).hexdigest(),
        now=now,
        due_at=now,
        ended=on_arrival(event, livemode=livemode, now=now),
    )


def look_at_endpoint(bridge: Bridge) -> None:
    """Ask Stripe whether the webhook endpoint is switched off, if the key may read that."""
    address = f"{bridge.settings.bridge_url}/webhooks/stripe"
    try:
        here = [one.status for one in bridge.stripe.webhook_endpoints() if one.url == address]
    except Forbidden:
        here = []
    status = "disabled" if here and "enabled" not in here else "enabled" if here else "unknown"
    with bridge.store.write() as connection:
        state.put(connection, ENDPOINT, {"address": address, "status": status})


def look_at_clock(bridge: Bridge) -> None:
    """Compare this machine's clock with the forum's: a wrong clock ends groups at wrong times."""
    skew = None
    if not bridge.settings.clock_file:
        skew = skew_seconds(bridge.settings.discourse_url, bridge.clock.now)
    with bridge.store.write() as connection:
        state.put(connection, CLOCK, {"skew_seconds": skew})


def read_catalogue(bridge: Bridge) -> None:
    """Read all products and prices, also inactive ones: subscriptions may use them."""
    with_features = bool(bridge.policy.features)
    features = bridge.stripe.features() if with_features else ()
    if features:
        with bridge.store.write() as connection:
            note_catalogue(connection, features, bridge.clock.now())
    for products, prices in bridge.stripe.catalogue(features=with_features):
        with bridge.store.write() as connection:
            note_catalogue(connection, [*products, *prices], bridge.clock.now())


def read_everybody(
    bridge: Bridge,
    *,
    whole: bool = False,
    progress: Callable[[str, int], None] = lambda _what, _count: None,
) -> None:
    """Read everything at Stripe that can give a group: subscriptions, and orders of any kind.

    `whole`: all orders ever made, and not only those of the last weeks.
    """
    read_all_subscriptions(bridge, lambda count: progress("subscriptions", count))
    orders.read_all(bridge, whole=whole, progress=lambda count: progress("orders", count))


def read_all_subscriptions(
    bridge: Bridge, progress: Callable[[int], None] = lambda _: None
) -> None:
    """Read every subscription of the account, and decide again those that changed.

    A page at a time, so memory stays flat. A reading that was cut off continues where it was (A13).
    Once finished, it is a complete reading of everybody as of its beginning.
    """
    try:
        began_at, seen = _read_pages(bridge, progress)
    except NotFound:  # the subscription after which it was to go on was deleted with its test data
        with bridge.store.write() as connection:
            state.put(connection, CUT_OFF, None)
        began_at, seen = _read_pages(bridge, progress)
    with bridge.store.write() as connection:
        state.put(connection, CUT_OFF, None)
        links.everybody_was_read(connection, began_at)
        for customer_id in subscriptions.customers_with_vanished(connection):
            work.mark_dirty(
                connection,
                customer_id,
                now=began_at,
                due_at=began_at,
                cause="reconcile: vanished",
                needs=("read",),
            )
        for customer_id in subscriptions.customers_alive_after_all(connection, began_at):
            work.mark_dirty(
                connection,
                customer_id,
                now=began_at,
                due_at=began_at,
                cause="reconcile: not deleted",
                needs=("read",),
            )
        _read_the_entitled(bridge, connection, began_at)
    log.info("reconcile.read", subscriptions=seen)


def _read_pages(bridge: Bridge, progress: Callable[[int], None]) -> tuple[datetime, int]:
    """Read the remaining pages; returns when the reading began and what it has seen."""
    began_at, after, seen = bridge.clock.now(), None, 0
    with bridge.store.read() as connection:
        cut_off = state.get(connection, CUT_OFF)
    if cut_off and datetime.fromisoformat(cut_off["began_at"]) > began_at - GOES_ON_FOR:
        began_at = datetime.fromisoformat(cut_off["began_at"])
        after, seen = cut_off["after"], cut_off["seen"]
        log.info("reconcile.goes_on", began_at=began_at.isoformat(), seen=seen)
    for page in bridge.stripe.all_subscriptions(after):
        now = bridge.clock.now()
        seen += len(page)
        with bridge.store.write() as connection:
            for subscription in page:
                _take_in(bridge, connection, subscription, began_at, now)
            if page:
                here = {"began_at": began_at.isoformat(), "after": page[-1].id, "seen": seen}
                state.put(connection, CUT_OFF, here)
        progress(seen)
    return began_at, seen


def _read_the_entitled(bridge: Bridge, connection: Connection, began_at: datetime) -> None:
    """Read the entitlements of each customer who may have a mapped one; Stripe has no full list."""
    carrying = bridge.rulebook.rules(connection).carried
    concerned = catalogue.customers_on(connection, carrying) if carrying else ()
    for customer_id in concerned:
        work.mark_dirty(
            connection,
            customer_id,
            now=began_at,
            due_at=began_at,
            cause="reconcile: entitlements",
            needs=("read",),
        )


def _take_in(
    bridge: Bridge,
    connection: Connection,
    subscription: Subscription,
    began_at: datetime,
    now: datetime,
) -> None:
    customer_id = subscription.customer_id
    subscription = sharing.with_beneficiary(bridge, connection, subscription)
    known = subscriptions.stored(connection, subscription.id)
    before = None
    if known is not None:
        before = known.subscription
        subscription = subscriptions.with_known_fate(subscription, {before.id: before})
    if known is not None and known.read_at > began_at:
        return  # read on its own meanwhile: newer than this page may be
    if before == subscription:
        subscriptions.read_the_same(connection, subscription.id, began_at)
        return
    links.see_customer(connection, customer_id, now)
    subscriptions.save(connection, subscription, began_at, known_at=now)
    # Something changed it at Stripe, and no event told the bridge (A86).
    work.mark_dirty(connection, customer_id, now=now, due_at=now, cause=EXTERNAL)
    claim = Carried(subscription.metadata.get(REFERENCE, ""), subscription.created_at)
    user_id = read_buyer(claim, [bridge.settings.secret_key])
    if user_id is not None and links.user_of(connection, customer_id) is None:
        links.link(connection, customer_id, user_id, proof="reference", actor="reconcile", now=now)
