"""Shared by most kinds of objects: pages, retrieving, copying parameters, metadata."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from operator import itemgetter
from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.errors import invalid, missing_object
from bridge.sandbox.stripe.events import changing
from bridge.sandbox.stripe.shapes import Obj, list_of

Handler = Callable[..., Obj]
Filter = Callable[[Obj, Any], bool]
MAX_LIMIT = 100
CREATED = itemgetter("created")
COMPARE: dict[str, Callable[[int, int], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def in_range(value: int | None, wanted: Any) -> bool:
    """Whether a time equals the given one or is within a range of `gt gte lt lte`."""
    if wanted is None:
        return True
    if value is None:
        return False
    if isinstance(wanted, dict):
        return all(COMPARE[k](value, v) for k, v in wanted.items() if v is not None)
    return bool(value == wanted)


def page(rows: Iterable[Obj], params: Obj, url: str, kind: str = "object") -> Obj:
    """A page of rows that come oldest first; newest stands first, as everywhere at Stripe."""
    limit = 10 if params.get("limit") is None else params["limit"]
    if not 1 <= limit <= MAX_LIMIT:
        raise invalid(f"Invalid integer: limit must be between 1 and {MAX_LIMIT}", param="limit")
    newest = _in_order(list(rows))[::-1]
    after, before = params.get("starting_after"), params.get("ending_before")
    if after and before:
        raise invalid("You may only specify one of these parameters: starting_after, ending_before")
    if after:
        rest = newest[_position(newest, after, kind, "starting_after") + 1 :]
        return list_of(rest[:limit], url, has_more=len(rest) > limit)
    if before:
        rest = newest[: _position(newest, before, kind, "ending_before")]
        return list_of(rest[-limit:], url, has_more=len(rest) > limit)
    return list_of(newest[:limit], url, has_more=len(newest) > limit)


def _in_order(rows: list[Obj]) -> list[Obj]:
    """Oldest first; rows without a time, such as an invoice's lines, keep their order."""
    if rows and rows[0].get("created"):
        rows.sort(key=CREATED)
    return rows


def _position(rows: list[Obj], id_: str, kind: str, param: str) -> int:
    for n, row in enumerate(rows):
        if row["id"] == id_:
            return n
    raise missing_object(kind, id_, param)


def equals(key: str) -> Filter:
    """A filter for rows whose key has the value."""
    return lambda row, wanted: row.get(key) == wanted


def rows_of(account: Account, kind: str, params: Obj) -> list[Obj]:
    """All rows of a kind, or those of the given `customer`.

    An unknown customer is refused with 400; a deleted one's history can still be read.
    """
    customer = params.get("customer") or None
    if customer:
        account.find("customer", customer, "customer")
    return account.rows(kind, customer)


def listing(kind: str, url: str, filters: dict[str, Filter] | None = None) -> Handler:
    """A handler that lists a kind; `customer` and `created` are understood by themselves."""
    tests: dict[str, Filter] = {
        "created": lambda row, wanted: in_range(row.get("created"), wanted),
        **(filters or {}),
    }

    def handler(account: Account, params: Obj, *_ids: str) -> Obj:
        rows = rows_of(account, kind, params)
        for name, test in tests.items():
            if (wanted := params.get(name)) is not None:
                rows = [r for r in rows if test(r, wanted)]
        return page(rows, params, url, kind)

    return handler


def retrieving(kind: str) -> Handler:
    """A handler that answers one object."""

    def handler(account: Account, _params: Obj, id_: str) -> Obj:
        return account.find(kind, id_)

    return handler


def updating(kind: str, event: str | None, *names: str) -> Handler:
    """A handler that copies the named parameters and merges metadata."""

    def handler(account: Account, params: Obj, id_: str) -> Obj:
        obj = account.find(kind, id_)
        with changing(account, obj, *([event] if event else [])):
            copy_named(obj, params, *names)
            merge_metadata(obj, params)
        return obj

    return handler


def copy_named(obj: Obj, params: Obj, *names: str) -> None:
    """Take over parameters that were given; an empty text unsets."""
    for name in names:
        if name in params:
            obj[name] = None if params[name] == "" else params[name]


def merge_metadata(obj: Obj, params: Obj) -> None:
    """Stripe's rule: keys merge, an empty value removes its key, an empty map removes all."""
    if "metadata" not in params:
        return
    if params["metadata"] is None:
        obj["metadata"] = {}
        return
    merged = {**(obj.get("metadata") or {}), **params["metadata"]}
    obj["metadata"] = {k: v for k, v in merged.items() if v != ""}


def deep_update(into: Obj, given: Obj) -> None:
    """Merge nested settings, key by key."""
    for key, value in given.items():
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            deep_update(into[key], value)
        else:
            into[key] = None if value == "" else value
