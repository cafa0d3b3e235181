"""Search: a query of clauses over an index that lags behind."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from bridge.sandbox.stripe.account import Account
from bridge.sandbox.stripe.crud import COMPARE, Handler
from bridge.sandbox.stripe.errors import invalid
from bridge.sandbox.stripe.shapes import Obj

CLAUSE = re.compile(
    r"""(?P<not>-)?(?P<field>[\w.]+)(?:\[["'](?P<key>[^"']+)["']\])?\s*"""
    r"""(?P<op>:|~|>=|<=|>|<)\s*(?:["'](?P<text>[^"']*)["']|(?P<word>[\w.-]+))"""
)
KINDS = {
    "customers": "customer",
    "subscriptions": "subscription",
    "products": "product",
    "prices": "price",
    "invoices": "invoice",
    "charges": "charge",
    "payment_intents": "payment_intent",
}
# The fields in Stripe's index, by kind of object.
FIELDS = {
    "customers": "created email metadata name phone",
    "subscriptions": "created metadata status",
    "products": "active description metadata name shippable url",
    "prices": "active currency lookup_key metadata product type",
    "invoices": "created currency customer metadata number receipt_number status "
    "subscription total",
    "charges": "amount created currency customer disputed metadata refunded status",
    "payment_intents": "amount created currency customer metadata status",
}
PARTS = ("billing_details", "payment_method_details")  # charges are found by their contents, too
SIGNS = {">": "gt", ">=": "gte", "<": "lt", "<=": "lte"}
Test = Callable[[Obj], bool]


def _value(row: Obj, field: str, key: str | None) -> Any:
    value: Any = row
    for part in field.split("."):
        value = value.get(f"_{part}", value.get(part)) if isinstance(value, dict) else None
    return value.get(key) if key and isinstance(value, dict) else value


def _test(clause: re.Match[str]) -> Test:
    wanted = clause["text"] if clause["text"] is not None else clause["word"]
    op, field, key, negated = clause["op"], clause["field"], clause["key"], clause["not"]

    def test(row: Obj) -> bool:
        value = _value(row, field, key)
        if op in SIGNS:
            return value is not None and COMPARE[SIGNS[op]](int(value), int(wanted))
        if wanted == "null":
            found = value is None
        elif op == "~":
            found = wanted.lower() in str(value or "").lower()
        else:
            text = str(value).lower() if isinstance(value, bool) else str(value or "")
            found = text.lower() == wanted.lower()
        return found != bool(negated)

    return test


def parse(name: str, query: str) -> Test:
    """A test for rows from a query such as `email:"a@b" AND metadata["user"]:"7"`."""
    joins = set(re.findall(r"\b(AND|OR)\b", re.sub(r"""["'][^"']*["']""", "", query)))
    found = list(CLAUSE.finditer(query))
    for field in (clause["field"] for clause in found):
        inside = name == "charges" and field.partition(".")[0] in PARTS
        if not inside and field not in FIELDS[name].split():
            raise invalid(
                f"Field `{field}` is an unsupported search field for resource `{name}`.", "query"
            )
    clauses = [_test(c) for c in found]
    if not clauses or len(joins) > 1:
        raise invalid(f"We were unable to parse your search query: {query}", "query")
    every = all if joins != {"OR"} else any
    return lambda row: every(test(row) for test in clauses)


def searching(name: str) -> Handler:
    """A handler that searches one kind."""
    kind = KINDS[name]

    def handler(account: Account, params: Obj) -> Obj:
        test = parse(name, params["query"])
        indexed = account.now - account.settings.search_lag_seconds
        found = [
            r
            for r in account.rows(kind)
            if not r.get("deleted") and r["created"] <= indexed and test(r)
        ][::-1]
        limit, start = params.get("limit") or 10, int(params.get("page") or 0)
        rest = found[start : start + limit]
        more = len(found) > start + limit
        return {
            "object": "search_result",
            "data": rest,
            "has_more": more,
            "next_page": str(start + limit) if more else None,
            "url": f"/v1/{name}/search",
        }

    return handler


ROUTES: dict[str, Handler] = {f"GET /v1/{name}/search": searching(name) for name in KINDS}
