"""Events: the changed object, its previous attributes, and the consequences."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

from bridge.sandbox.stripe import delivery
from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.shapes import API_VERSION, Obj
from bridge.sandbox.stripe.views import render

Reaction = Callable[[Account, Obj], None]
REACTIONS: dict[str, list[Reaction]] = {}


def when(kind: str) -> Callable[[Reaction], Reaction]:
    """Have a function called when an event of this kind is emitted, for what Stripe does next."""

    def register(reaction: Reaction) -> Reaction:
        REACTIONS.setdefault(kind, []).append(reaction)
        return reaction

    return register


def emit(account: Account, kind: str, obj: Obj, previous: Obj | None = None) -> Obj:
    """Record an event about an object as it is now, and queue it for the webhook endpoints."""
    data: Obj = {"object": render(account, obj)}
    if previous is not None:
        data["previous_attributes"] = previous
    event: Obj = {
        "id": account.ids.new("evt"),
        "object": "event",
        "api_version": account.settings.api_version or API_VERSION,
        "created": account.now,
        "data": data,
        "livemode": False,
        "pending_webhooks": 0,
        "request": dict(account.request),
        "type": kind,
    }
    account.tables["event"][event["id"]] = event
    delivery.queue(account, event)
    for reaction in REACTIONS.get(kind, ()):
        reaction(account, obj)
    return event


@contextlib.contextmanager
def changing(account: Account, obj: Obj, *kinds: str) -> Iterator[Obj]:
    """Emit the events after the block if the object has changed in it.

    A change within a change of the same object is part of it: one event reports both.
    """
    if "_changing" in obj:
        obj["_changing"] += [k for k in kinds if k not in obj["_changing"]]
        yield obj
        return
    before = render(account, obj)
    obj["_changing"] = list(kinds)
    try:
        yield obj
    finally:
        told = obj.pop("_changing")
    previous = difference(before, render(account, obj))
    if previous:
        for kind in told:
            emit(account, kind, obj, previous)


@contextlib.contextmanager
def creating(obj: Obj) -> Iterator[None]:
    """Changes of an object within this block belong to its creation and make no event."""
    obj["_changing"] = []
    try:
        yield
    finally:
        del obj["_changing"]


def difference(before: Obj, after: Obj) -> Obj:
    """The old values of changed keys: objects key by key, lists as a whole, new keys null."""
    previous: Obj = {}
    for key in before.keys() | after.keys():
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        both: Any = isinstance(old, dict) and isinstance(new, dict)
        previous[key] = difference(old, new) if both else old  # type: ignore[arg-type] # both are dicts
    return {k: previous[k] for k in sorted(previous)}
