"""Reading a user's customers from Stripe: whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from bridge.core.ledger.lines import MoneyLine
from bridge.core.ledger.objects import Invoice
from bridge.core.model.carried import Carried
from bridge.core.model.stripe import (
    Billing,
    Feature,
    PendingPayment,
    Price,
    Product,
    Purchase,
    Subscription,
)
from bridge.core.signed.reference import read_buyer
from bridge.errors import NotFound
from bridge.store import Connection, catalogue, links, shares, subscriptions
from bridge.stripe_api.reader import REFERENCE
from bridge.wiring import Bridge
from bridge.worker import sharing
from bridge.worker.intake import Needs


@dataclass(frozen=True, slots=True)
class Reading:
    """A complete reading of one customer; None for parts that were not requested.

    `with_payments`: the result of each subscription's last payment was requested. `unknown`: Stripe
    has no such customer in this account.
    """

    customer_id: str
    began_at: datetime
    subscriptions: tuple[Subscription, ...] = ()
    purchases: tuple[Purchase, ...] | None = None
    pending_orders: tuple[PendingPayment, ...] = ()
    money: tuple[MoneyLine, ...] = ()
    catalogue: tuple[Product | Price | Feature, ...] = ()
    entitlements: tuple[str, ...] | None = None
    user_id: int | None = None
    deleted: bool = False
    unknown: bool = False
    with_payments: bool = False
    billing: Billing | None = None
    invoices: tuple[Invoice, ...] = ()

    @property
    def ended(self) -> bool:
        """Whether nothing more can be read of the customer."""
        return self.deleted or self.unknown


def read(bridge: Bridge, key: str, user_id: int | None, needs: Needs) -> list[Reading]:
    """Read all customers of the user from Stripe; if one fails, all fail."""
    with bridge.store.read() as connection:
        mine = [key] if user_id is None else customers_for(connection, user_id)
        known = {one.customer_id: one for one in links.customers_among(connection, mine)}
    buried = {id_ for id_, row in known.items() if row.deleted_at is not None}
    # A customer who was never linked needs no reading, because nothing is decided yet.
    unread = user_id is not None and not all(c in known and known[c].read_at for c in mine)
    everything = needs.read or unread
    ends: dict[str, Reading] = {}
    for customer_id in sorted(needs.customers | (buried if everything else set())):
        end = _look_at_customer(bridge, customer_id, needs)
        if end is not None:
            ends[customer_id] = end
        elif customer_id in buried:
            everything = True  # not deleted after all: read like any other
    if not everything:
        return list(ends.values())
    readings = []
    for customer_id in mine:
        row = known.get(customer_id)
        with_purchases = needs.purchases or bool(row is not None and row.has_purchases)
        readings.append(
            ends.get(customer_id)
            or _read_customer(bridge, customer_id, needs, with_purchases=with_purchases)
        )
    return readings


def _look_at_customer(bridge: Bridge, customer_id: str, needs: Needs) -> Reading | None:
    """Read the customer itself: a reading if it is deleted or unknown, otherwise its references."""
    at = bridge.clock.now()
    try:
        found = bridge.stripe.customer(customer_id)
    except NotFound:
        return Reading(customer_id, at, unknown=True)
    if found.deleted:
        return Reading(customer_id, at, deleted=True)
    word = Carried(found.metadata.get(REFERENCE, ""), found.created_at or at)
    claim = read_buyer(word, [bridge.settings.secret_key])
    if claim is not None:
        needs.links.setdefault(customer_id, claim)
    return None


def customers_for(connection: Connection, user_id: int) -> list[str]:
    """A user's customers, and the customers of people who pay for something the user has."""
    givers = shares.givers_of(connection, user_id)
    return [*links.customers_of(connection, user_id), *givers]


def _read_customer(
    bridge: Bridge, customer_id: str, needs: Needs, *, with_purchases: bool
) -> Reading:
    began_at = bridge.clock.now()
    # A refund that is recorded as a money line must be known everywhere.
    payments = needs.purchases or needs.money or _is_in_doubt(bridge, customer_id)
    try:
        found = bridge.stripe.customer_reading(
            customer_id, payments=payments, entitlements=bool(bridge.policy.features)
        )
        bought = bridge.stripe.purchases(customer_id) if with_purchases else None
        unseen = needs.paid_invoices - {line.invoice_id for line in found.money}
        money = bridge.stripe.money(customer_id, None) if needs.money or unseen else ()
    except NotFound:
        # Read a missing customer itself before anything follows from its absence.
        end = _look_at_customer(bridge, customer_id, needs)
        if end is None:
            raise
        return end
    prices = (*found.prices, *(bought.prices if bought else ()))
    references = [*found.references.values(), *(bought.references.values() if bought else ())]
    with bridge.store.read() as connection:
        subscriptions = tuple(
            sharing.with_beneficiary(bridge, connection, one) for one in found.subscriptions
        )
        purchases = tuple(
            sharing.with_beneficiary(bridge, connection, one)
            for one in (bought.purchases if bought else ())
        )
    return Reading(
        customer_id,
        began_at,
        subscriptions,
        purchases if bought else None,
        bought.pending if bought else (),
        (*found.money, *(bought.money if bought else ()), *money),
        (*_unknown_of(bridge, prices, found.entitlements or ()), *prices),
        found.entitlements,
        user_id=_buyer_of(bridge, references),
        with_payments=payments,
        billing=found.billing,
        invoices=found.invoices,
    )


def _buyer_of(bridge: Bridge, references: Iterable[Carried]) -> int | None:
    """The user whom all valid references name; None if they name nobody, or several."""
    ours = [bridge.settings.secret_key]
    users = {user_id for one in references if (user_id := read_buyer(one, ours)) is not None}
    return users.pop() if len(users) == 1 else None


def _is_in_doubt(bridge: Bridge, customer_id: str) -> bool:
    """Whether a refund or dispute of a payment is known: a later payment may have replaced it.

    A subscription that owes something shows only what it owes, not what was paid in between.
    """
    with bridge.store.read() as connection:
        known = subscriptions.of_customers(connection, [customer_id])
    return any(one.last_payment and one.last_payment.is_doubtful for one in known)


def _unknown_of(
    bridge: Bridge, prices: Iterable[Price], entitlements: Iterable[str]
) -> list[Product | Feature]:
    """Products that were never read; they are stored, so this costs a call only once.

    All products and features, if no known product carries a feature to which the customer is
    entitled: Stripe sends no event when a feature is created or attached.
    """
    ids = {price.product_id for price in prices}
    named = bridge.policy.features.keys()
    unexplained = named & set(entitlements)
    with bridge.store.read() as connection:
        missing = ids - catalogue.known(connection, ids)
        if unexplained:
            rules = bridge.rulebook.rules(connection)
            unexplained -= {one for product_id in ids for one in rules.features_of(product_id)}
    found: list[Product | Feature] = []
    if unexplained:
        missing = ids
        found += bridge.stripe.features()
    for product_id in sorted(missing):
        try:
            found.append(bridge.stripe.product(product_id, features=bool(named)))
        except NotFound:
            found.append(Product(product_id, name=product_id, active=False))
    return found
