"""A refused request changes nothing: everything before the refusal is undone."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.errors import StripeError
from bridge.sandbox.stripe.shapes import Obj

PAYMENT_FAILED = 402  # refused by the bank, not by Stripe, so the failed charge stays


@contextmanager
def undone_if_refused(account: Account, given: Any) -> Iterator[None]:
    """Changes within this block stay only if it ends without an error. `given`: the parameters.

    The objects that it names, and their customers' objects, are saved before. Requests do not
    change other objects, so only the tables are saved.
    """
    before = _Before(account, given)
    try:
        yield
    except StripeError as problem:
        if problem.status != PAYMENT_FAILED:
            before.put_back()
        raise
    except Exception:
        before.put_back()
        raise


class _Before:
    def __init__(self, account: Account, given: Any) -> None:
        self._account = account
        named = _named(account, set(_texts(given)))
        self._customers = {c for obj in named.values() if (c := _customer_of(account, obj))}
        # Pickled, because it is several times faster than a deep copy.
        self._objects = pickle.dumps(named | _belongings(account, self._customers))
        self._tables = {
            kind: dict(rows) for kind, rows in account.tables.items() if kind != "event"
        }
        self._events, self._deliveries = len(account.tables["event"]), len(account.deliveries)
        self._waiting, self._rules = list(account.waiting), copy.deepcopy(account.webhook_rules)
        self._agenda = {clock: list(entries) for clock, entries in account.agenda.items()}
        self._failing = {c: list(account.failing.get(c, ())) for c in self._customers}
        self._indexed = {
            (kind, c): list(account.of_customer.get((kind, c), ()))
            for c in self._customers
            for kind in account.tables
        }

    def put_back(self) -> None:
        account, events = self._account, self._account.tables["event"]
        while len(events) > self._events:
            events.popitem()
        account.tables.clear()
        account.tables.update(self._tables, event=events)
        for (kind, id_), obj in pickle.loads(self._objects).items():  # noqa: S301 - made above
            account.tables[kind][id_] = obj
        del account.deliveries[self._deliveries :]
        account.waiting[:], account.webhook_rules[:] = self._waiting, self._rules
        account.agenda.clear()
        account.agenda.update(self._agenda)
        account.failing.update(self._failing)
        for key in [k for k in account.of_customer if k[1] in self._customers]:
            account.of_customer[key] = self._indexed.get(key, [])


def _texts(given: Any) -> Iterator[str]:
    if isinstance(given, str):
        yield given
    elif isinstance(given, dict | list):
        for each in given.values() if isinstance(given, dict) else given:
            yield from _texts(each)


def _named(account: Account, texts: set[str]) -> dict[tuple[str, str], Obj]:
    tables = [(kind, rows) for kind, rows in account.tables.items() if kind != "event"]
    return {(kind, t): rows[t] for kind, rows in tables for t in texts if t in rows}


def _belongings(account: Account, customers: set[str]) -> dict[tuple[str, str], Obj]:
    found = {("customer", c): account.tables["customer"][c] for c in customers}
    for kind in list(account.tables):
        for customer in customers:
            found |= {(kind, obj["id"]): obj for obj in account.rows(kind, customer)}
    for (kind, _), obj in list(found.items()):
        if kind == "subscription":
            items = account.tables["subscription_item"]
            found |= {("subscription_item", i): items[i] for i in obj["_items"]}
    return found


def _customer_of(account: Account, obj: Obj) -> str | None:
    if obj["object"] == "customer":
        return str(obj["id"])
    if obj["object"] == "subscription_item":
        obj = account.tables["subscription"].get(obj["subscription"], {})
    customer = obj.get("customer")
    return customer if customer in account.tables["customer"] else None
