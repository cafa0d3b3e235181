"""Turns waiting events into what must be read, by asking the handlers and checking references.

Finds the customer of an object that names none, never by an e-mail address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import assert_never

import structlog

import handlers
from bridge.core.events import outcome
from bridge.core.events.outcome import DONE, Outcome
from bridge.core.events.stripe import Event
from bridge.core.events.tasks import (
    EndSessions,
    Ignore,
    Link,
    ReadCustomer,
    ReadGroups,
    ReadPrice,
    ReadProduct,
    SyncCustomer,
    SyncObject,
    SyncUser,
    Task,
)
from bridge.core.model.stripe import Feature, Price, Product
from bridge.core.rights.old_news import LastReading, is_old_news
from bridge.core.rules.paying import is_country
from bridge.core.signed.reference import read_buyer
from bridge.errors import NotFound
from bridge.store import (
    Connection,
    catalogue,
    checkouts,
    countries,
    groups,
    inbox,
    links,
    money,
    purchases,
    state,
    subscriptions,
    work,
)
from bridge.store.leases import Lease
from bridge.texts import gettext
from bridge.wiring import Bridge
from bridge.worker.lanes import LaneRound

log = structlog.get_logger()

# An invoice paid late may not be its subscription's latest, so its money is read separately.
PAID = frozenset({"invoice.paid", "invoice.payment_succeeded"})
EXPIRED = "checkout.session.expired"
# The events of a purchase have arrived by then.
AFTER_A_PURCHASE = timedelta(minutes=10)
OLD_NEWS = outcome.ignored("Stripe had been read after it happened")


@dataclass(slots=True)
class Needs:
    """What the waiting events of one customer or user need.

    `orders`: customer -> the event of the order that they paid.
    """

    read: bool = False
    purchases: bool = False
    money: bool = False
    paid_invoices: set[str] = field(default_factory=set)
    links: dict[str, int] = field(default_factory=dict)
    customers: set[str] = field(default_factory=set)
    orders: dict[str, Event] = field(default_factory=dict)
    outcomes: dict[str, Outcome] = field(default_factory=dict)


def needs_of(bridge: Bridge, dirty: Iterable[work.Dirty], events: Sequence[Event]) -> Needs:
    """Add up what the events and the dirty keys need."""
    needs = Needs(orders=_orders_in(events))
    last = _last_reading(bridge, events)
    for key in dirty:
        needs.read |= "read" in key.needs
        needs.purchases |= "purchases" in key.needs
        needs.money |= "money" in key.needs
    for event in events:
        try:
            tasks = handlers.route(event)
        except Exception as error:  # one event that breaks its handler must not hold up the others
            log.exception("event.dead", event_id=event.id, type=event.type)
            needs.outcomes[event.id] = outcome.dead(f"its handler failed: {error!r}")
            continue
        is_old = is_old_news(event, last)
        for task in tasks:
            if not (is_old and isinstance(task, SyncCustomer)):
                _take(bridge, task, needs)
        if is_old:
            needs.outcomes[event.id] = OLD_NEWS
            continue
        if event.type in PAID and event.object_id:
            needs.paid_invoices.add(event.object_id)
        reasons = [task.reason for task in tasks if isinstance(task, Ignore)]
        is_ignored = reasons and len(reasons) == len(tasks)
        needs.outcomes[event.id] = outcome.ignored(reasons[0]) if is_ignored else DONE
    return needs


def _orders_in(events: Iterable[Event]) -> dict[str, Event]:
    orders = (one for one in events if one.object_kind == "checkout.session")
    return {
        one.customer_id: one
        for one in orders
        if one.customer_id and one.object_id and one.type != EXPIRED
    }


def note_country(connection: Connection, order: Event, payer_id: str, now: datetime) -> None:
    """Record where an order was sold to, as its event says; a thin one leaves it to the night."""
    if order.object_id and is_country(order.country or ""):
        countries.note(
            connection, order.object_id, payer_id, billing=order.country, card=None, now=now
        )


def _last_reading(bridge: Bridge, events: Sequence[Event]) -> LastReading:
    """What is known about buyers who have just come back from Stripe's page.

    For anybody else a late event is a hint like any other: it may stand for another one that was
    lost.
    """
    if not events:
        return LastReading()
    customer_ids = sorted({event.customer_id for event in events if event.customer_id})
    invoice_ids = {e.object_id for e in events if e.object_id and e.object_kind == "invoice"}
    lately = bridge.clock.now() - AFTER_A_PURCHASE
    with bridge.store.read() as connection:
        customer_ids = checkouts.came_back_since(connection, customer_ids, lately)
        if not customer_ids:
            return LastReading()
        of_customers = subscriptions.of_customers(connection, customer_ids)
        return LastReading(
            {one.id: one for one in of_customers},
            money.among(connection, invoice_ids),
            purchases.orders_of(connection, customer_ids),
        )


def _take(bridge: Bridge, task: Task, needs: Needs) -> None:
    match task:
        case SyncCustomer() | SyncObject():
            needs.read = True
            needs.purchases |= task.purchases
            needs.money |= task.money
        case Link():
            user_id = read_buyer(task.reference, [bridge.settings.secret_key])
            if user_id is not None:
                needs.links[task.customer_id] = user_id
        case ReadCustomer():
            needs.customers.add(task.customer_id)
        case Ignore() | ReadProduct() | ReadPrice() | SyncUser() | EndSessions() | ReadGroups():
            pass  # not of a customer: the common lane works on them
        case _:
            assert_never(task)


# --- the common lane: what belongs to no customer -------------------------------------------------


def work_common_lane(bridge: Bridge, lease: Lease, dirty: tuple[work.Dirty, ...]) -> None:
    """Catalogue, groups, and events that do not name their customer."""
    with bridge.store.read() as connection:
        events = inbox.waiting(connection, [work.INBOX_LANE], bridge.clock.now())
    this_round = LaneRound(bridge)
    for event in events:
        if not this_round.attempt([event.id], partial(_common, bridge, event)):
            break
    this_round.close(lease, dirty)


def _common(bridge: Bridge, event: Event) -> Outcome:
    found = DONE
    for task in handlers.route(event):
        match task:
            case ReadProduct() | ReadPrice():
                _read_into_catalogue(bridge, task)
            case SyncObject():
                found = _resolve(bridge, task, event)
            case Ignore():
                found = outcome.ignored(task.reason)
            case _:
                found = outcome.ignored(f"{type(task).__name__} without its customer")
    return found


def _resolve(bridge: Bridge, task: SyncObject, event: Event) -> Outcome:
    with bridge.store.read() as connection:
        customer_id = subscriptions.customer_of(connection, task.id)
    try:
        customer_id = customer_id or bridge.stripe.customer_of(task.kind, task.id)
    except NotFound:
        return outcome.ignored(f"{task.kind} {task.id} is not on this Stripe account")
    if customer_id is None:
        return outcome.ignored(f"{task.kind} {task.id} has no customer")
    now = bridge.clock.now()
    user_id = read_buyer(event.carried, [bridge.settings.secret_key])
    needs = ["read", *(["purchases"] if task.purchases else []), *(["money"] if task.money else [])]
    with bridge.store.write() as connection:
        links.see_customer(connection, customer_id, now)
        if user_id is not None:
            links.link(connection, customer_id, user_id, proof="reference", actor=event.id, now=now)
        note_country(connection, event, customer_id, now)
        work.mark_dirty(connection, customer_id, now=now, due_at=now, cause=event.id, needs=needs)
    bridge.hint("decide", customer_id)
    return DONE


# --- catalogue ------------------------------------------------------------------------------------


def _read_into_catalogue(bridge: Bridge, task: ReadProduct | ReadPrice) -> None:
    """Read a product or price again; the sweeper finds the members whom a change affects."""
    found: Product | Price | None
    try:
        if isinstance(task, ReadPrice):
            found = bridge.stripe.price(task.id)
        else:
            found = bridge.stripe.product(task.id, features=bool(bridge.policy.features))
    except NotFound:
        found = None
    now = bridge.clock.now()
    with bridge.store.write() as connection:
        if found is None:
            catalogue.drop(connection, task.id, now)
        else:
            note_catalogue(connection, [found], now)


def note_catalogue(
    connection: Connection, found: Iterable[Product | Price | Feature], now: datetime
) -> None:
    """Save what was read of the catalogue; a change is a new version of the rules."""
    if catalogue.save(connection, found, now):
        state.bump(connection, groups.RULES_VERSION)


def mapped_thing(bridge: Bridge, thing_id: str) -> Product | Price:
    """A product or price as Stripe has it now."""
    if thing_id.startswith("price_"):
        return bridge.stripe.price(thing_id)
    with bridge.store.read() as connection:
        products, prices = catalogue.load_of(connection, [thing_id])
    if prices:
        return bridge.stripe.price(thing_id)
    if not products and not thing_id.startswith("prod_"):
        raise NotFound(
            gettext("%(thing_id)s is neither a product nor a price") % {"thing_id": thing_id[:60]}
        )
    return bridge.stripe.product(thing_id, features=bool(bridge.policy.features))
