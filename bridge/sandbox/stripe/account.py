"""The state of the simulated Stripe account: objects in tables, an agenda of due actions.

Plain data throughout, so that a snapshot is one deep copy. Everything here runs below the world's
lock; `now` is the moment being lived, which while catching up is the time something was due.
"""

from __future__ import annotations

import copy
import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from bridge.sandbox.kernel import Ids, World
from bridge.sandbox.stripe.errors import missing_object
from bridge.sandbox.stripe.shapes import Obj, blank

DAY = 86400
HOUR = 3600

PREFIXES = {
    "product": "prod",
    "price": "price",
    "coupon": "",
    "promotion_code": "promo",
    "discount": "di",
    "tax_rate": "txr",
    "entitlements.feature": "feat_test",
    "product_feature": "pfeat_test",
    "entitlements.active_entitlement": "ent_test",
    "payment_link": "plink",
    "customer": "cus",
    "payment_method": "pm",
    "tax_id": "txi",
    "customer_balance_transaction": "cbtxn",
    "customer_cash_balance_transaction": "ccsbtxn",
    "test_helpers.test_clock": "clock",
    "payment_intent": "pi",
    "setup_intent": "seti",
    "charge": "ch",
    "refund": "re",
    "dispute": "du",
    "balance_transaction": "txn",
    "payout": "po",
    "subscription": "sub",
    "subscription_item": "si",
    "subscription_schedule": "sub_sched",
    "invoice": "in",
    "line_item": "il",
    "invoiceitem": "ii",
    "invoice_payment": "inpay",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "checkout.session": "cs_test",
    "item": "li",
    "billing_portal.session": "bps",
    "billing_portal.configuration": "bpc",
    "webhook_endpoint": "we",
}
LENGTHS = {"customer": 14, "product": 14, "subscription_item": 14, "checkout.session": 58}


@dataclass
class Settings:
    """The owner's settings in Stripe's dashboard."""

    dunning_days: tuple[int, ...] = (3, 5, 7)  # days between failed attempts
    dunning_end: str = "cancel"  # or `unpaid`, or `past_due` to leave it as it is
    upcoming_days: int = 7  # `invoice.upcoming` comes this long before a renewal
    async_payment_days: int = 3  # how long a bank debit is processed
    search_lag_seconds: int = 0
    events_kept_days: int = 30
    automatic_tax_percent: dict[str, float] = field(
        default_factory=lambda: {"DE": 19.0, "FR": 20.0, "GB": 20.0, "NL": 21.0, "AT": 20.0}
    )
    terms_url: str | None = "https://example.com/terms"  # in the public business information
    api_version: str | None = None  # of the account; None: the newest


class Account:
    """Tables of objects by kind and id, in the order of their creation."""

    def __init__(self, seed: int, now: int) -> None:
        self.ids = Ids(seed)
        self.now = now
        self.settings = Settings()
        self.tables: dict[str, dict[str, Obj]] = defaultdict(dict)
        self.of_customer: dict[tuple[str, str], list[str]] = defaultdict(list)
        self.agenda: dict[str | None, list[tuple[int, int, str, str]]] = defaultdict(list)
        self.deliveries: list[Obj] = []
        self.webhook_rules: list[Obj] = []
        self.waiting: list[Obj] = []  # the unfinished deliveries, in order of sending
        self.failing: dict[str, list[str]] = defaultdict(list)  # customer -> declines to come
        self.idempotent: dict[tuple[str, str], Obj] = {}
        self.keys: set[str] = set()  # with full rights; if empty, any test key is accepted
        self.restricted: dict[str, set[str]] = {}
        self.rights: set[str] | None = None  # of the key of the request; None: all
        self.base_url = "http://127.0.0.1"
        self.request: Obj = {"id": None, "idempotency_key": None}
        self._order = itertools.count(1)

    def new(self, kind: str, id_: str | None = None, **values: Any) -> Obj:
        """Create and keep an object; a given `customer` indexes it."""
        obj = blank(kind)
        prefix = PREFIXES[kind]
        if id_ is None:
            id_ = self.ids.new(prefix, LENGTHS.get(kind, 24))
            id_ = id_.removeprefix("_")[: None if prefix else 8]
        obj["id"] = id_
        if "created" in obj:
            obj["created"] = self.now
        obj.update(values)
        return self.keep(obj)

    def keep(self, obj: Obj) -> Obj:
        """Put a finished object into its table."""
        self.tables[obj["object"]][obj["id"]] = obj
        if customer := obj.get("customer"):
            self.of_customer[obj["object"], customer].append(obj["id"])
        return obj

    def find(self, kind: str, id_: str, param: str = "id") -> Obj:
        """An object, or Stripe's answer that there is none."""
        found = self.tables[kind].get(id_)
        if found is None:
            raise missing_object(kind, id_, param)
        return found

    def get(self, kind: str, id_: str | None) -> Obj | None:
        """An object or None."""
        return self.tables[kind].get(id_) if id_ else None

    def drop(self, obj: Obj) -> None:
        """Remove an object from its table."""
        del self.tables[obj["object"]][obj["id"]]
        if obj.get("customer"):
            self.of_customer[obj["object"], obj["customer"]].remove(obj["id"])

    def rows(self, kind: str, customer: str | None = None) -> list[Obj]:
        """All objects of a kind, oldest first, or those of one customer."""
        table = self.tables[kind]
        if customer is None:
            return list(table.values())
        return [table[i] for i in self.of_customer.get((kind, customer), ()) if i in table]

    def plan(self, at: int | None, what: str, obj: Obj) -> None:
        """Put an action into the agenda; it is checked again when it is due."""
        if at is not None:
            entry = (at, next(self._order), what, str(obj["id"]))
            heapq.heappush(self.agenda[obj.get("test_clock")], entry)

    def what_if(self, customer: str | None) -> Account:
        """An account for trials: the customer's objects are copied, the rest is shared.

        Tax rates are shared, so that one made on first use is there afterwards.
        """
        mine = {kind: ids for (kind, whose), ids in self.of_customer.items() if whose == customer}
        subscriptions = [self.tables["subscription"][i] for i in mine.get("subscription", ())]
        owned: dict[str, Iterable[str]] = {
            **mine,
            "customer": [customer] if customer else [],
            "subscription_item": [i for s in subscriptions for i in s["_items"]],
            **{kind: self.tables[kind] for kind in ("coupon", "promotion_code")},
        }
        tried = copy.copy(self)
        kept = {kind: dict(rows) for kind, rows in self.tables.items() if kind != "event"}
        tried.tables = defaultdict(dict, kept)
        for kind, ids in owned.items():
            rows = tried.tables[kind]
            rows.update({i: copy.deepcopy(rows[i]) for i in ids if i in rows})
        tried.tables.update(tax_rate=self.tables["tax_rate"], webhook_endpoint={})
        tried.of_customer = defaultdict(list, self.of_customer)
        tried.of_customer.update({(kind, str(customer)): list(ids) for kind, ids in mine.items()})
        tried.agenda, tried.failing = defaultdict(list), copy.deepcopy(self.failing)
        return tried

    def due(self, clock: str | None, until: int) -> tuple[int, str, str] | None:
        """Take the next thing that is due on a clock."""
        waiting = self.agenda[clock]
        if not waiting or waiting[0][0] > until:
            return None
        at, _, what, id_ = heapq.heappop(waiting)
        return at, what, id_

    def live_at_clock_of(self, customer: Obj | None) -> None:
        """Take the time of the customer's test clock for the rest of this request."""
        if customer and customer.get("test_clock"):
            clock = self.tables["test_helpers.test_clock"][customer["test_clock"]]
            self.now = clock["frozen_time"]


def account_of(world: World) -> Account:
    """The world's Stripe account; made on first use."""
    with world.lock:
        if "stripe" not in world.parts:
            seed = world.ids.number() + 7919 * int(world.ids.hexadecimal(4), 16)
            world.parts["stripe"] = Account(seed, int(world.clock.now()))
        account: Account = world.parts["stripe"]
        return account
