"""Holds answers of the simulated Stripe to the official examples and to the types of the SDK.

`problems` takes any JSON answer and walks through all that is in it: resources, lists, results of a
search, what is left of a deleted object, events with their object, errors.
"""

from __future__ import annotations

import importlib
import inspect
import json
import re
import typing
from collections.abc import Iterator
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import stripe
from stripe import _object_classes as classes

FIXTURES = Path(__file__).parents[3] / "shared/contract/stripe/fixtures3.json"
# Parts of an example that Stripe shows only when they are expanded, or of this kind of payment.
OPTIONAL = {
    *[("charge", "refunds"), ("plan", "tiers"), ("payment_method", "card"), ("invoice", "id")],
    ("customer_cash_balance_transaction", "funded"),
}
# Parts that depend on the kind of payment, or that are anybody's.
FREE = ("bank_transfer", "metadata", "payment_method_details", "payment_method_options")
PAGES = {
    "list": {"data", "has_more", "object", "url"},
    "search_result": {"data", "has_more", "next_page", "object", "url"},
}
ERROR_TYPES = ("api_error", "card_error", "idempotency_error", "invalid_request_error")
ERROR_KEYS = {
    *("charge", "code", "decline_code", "doc_url", "message", "param", "payment_intent"),
    *("payment_method", "payment_method_type", "request_log_url", "setup_intent", "type"),
}
# Kinds that the SDK knows by another name than the API.
CLASSES = {
    "line_item": ("stripe._invoice_line_item", "InvoiceLineItem"),
    "entitlements.active_entitlement_summary": (
        "stripe.entitlements._active_entitlement_summary",
        "ActiveEntitlementSummary",
    ),
}
SIMPLE: dict[Any, tuple[type, ...]] = {
    int: (int,),
    float: (int, float),
    str: (str,),
    Decimal: (str,),
}


@cache
def examples() -> dict[str, Any]:
    """The official examples by kind; empty if they are not there."""
    if not FIXTURES.exists():
        return {}
    found: dict[str, Any] = json.loads(FIXTURES.read_text())["resources"]
    return found


@cache
def class_of(kind: str) -> Any:
    """The SDK's class of a kind of object, or None."""
    named = CLASSES.get(kind) or classes.OBJECT_CLASSES.get(kind)
    named = named or classes.V2_OBJECT_CLASSES.get(kind)
    return getattr(importlib.import_module(named[0]), named[1]) if named else None


@cache
def fields(cls: type) -> dict[str, Any]:
    """The fields of an SDK class with their types."""
    hints: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        hints.update(inspect.get_annotations(base))
    return {
        name: hint
        for name, hint in hints.items()
        if not name.startswith("_") and "ClassVar" not in str(hint)
    }


def problems(answer: Any, path: str = "") -> Iterator[str]:
    """The problems of an answer, each with its place."""
    if isinstance(answer, list):
        for n, each in enumerate(answer):
            yield from problems(each, f"{path}[{n}]")
    if not isinstance(answer, dict):
        return
    if set(answer) == {"error"}:
        yield from _error(answer["error"], path)
        return
    kind = answer.get("object")
    if isinstance(kind, str):
        yield from _object(kind, answer, f"{path}({kind})")
    for name, value in answer.items():
        if name not in ("metadata", "previous_attributes"):
            yield from problems(value, f"{path}.{name}")


def kinds_in(answer: Any) -> set[str]:
    """The kinds of objects that stand in an answer."""
    if isinstance(answer, list):
        return set().union(*map(kinds_in, answer))
    if not isinstance(answer, dict):
        return set()
    kind = answer.get("object")
    inner = set().union(*map(kinds_in, answer.values()))
    return inner | ({kind} if isinstance(kind, str) else set())


def _object(kind: str, value: dict[str, Any], path: str) -> Iterator[str]:
    if kind in PAGES:
        if set(value) != PAGES[kind]:
            yield f"{path}: keys {sorted(set(value) ^ PAGES[kind])}"
        return
    example = examples().get(f"deleted_{kind}" if value.get("deleted") else kind)
    if example is not None:
        yield from _like(kind, value, example, path)
    cls = class_of(kind)
    if cls is None:
        yield f"{path}: no such kind in the SDK"
    elif not value.get("deleted"):
        yield from _typed(cls, value, path)
    if example is None and value.get("deleted") and set(value) != {"id", "object", "deleted"}:
        yield f"{path}: a deleted object shows {sorted(value)}"


def _like(kind: str, value: dict[str, Any], example: dict[str, Any], path: str) -> Iterator[str]:
    """Every key of the example is there with a value that could stand in its place."""
    for name, shown in example.items():
        if name not in value:
            if (kind, name) not in OPTIONAL:
                yield f"{path}.{name}: missing, the example has it"
            continue
        given = value[name]
        if not fits(given, shown):
            yield f"{path}.{name}: {given!r} where the example has {shown!r}"
        elif name not in FREE:
            for part, model in _parts(given, shown):
                yield from _like("", part, model, f"{path}.{name}")


def _parts(value: Any, example: Any) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """The parts of a value that are no objects, each with the example's part."""
    pairs = [(value, example)]
    if isinstance(value, list) and isinstance(example, list):
        pairs = [(each, model) for each in value for model in example[:1]]
    for part, model in pairs:
        if all(isinstance(each, dict) and "object" not in each for each in (part, model)):
            yield part, model


def fits(value: Any, example: Any) -> bool:
    """Whether a value could stand where the example stands; null may stand anywhere."""
    if value is None or example is None:
        return True
    if isinstance(example, bool) or isinstance(value, bool):
        return isinstance(example, bool) and isinstance(value, bool)
    if isinstance(example, int | float):
        return isinstance(value, int | float)
    if isinstance(example, dict) or isinstance(value, dict):
        return isinstance(value, dict | str) and isinstance(example, dict | str)  # id or expanded
    return isinstance(value, type(example))


def _typed(cls: Any, value: dict[str, Any], path: str) -> Iterator[str]:
    """No required field of the SDK's class is missing, and each is of its type."""
    for name, hint in fields(cls).items():
        if name in value:
            yield from _of_type(hint, value[name], f"{path}.{name}")
        elif is_required(hint) and (cls, name) != (stripe.Invoice, "id"):  # `invoice.upcoming`
            yield f"{path}.{name}: missing, {cls.__name__} requires it"


def is_required(hint: Any) -> bool:
    """Whether a field of this type is always there."""
    return type(None) not in typing.get_args(hint) and hint is not Any


def _of_type(hint: Any, value: Any, path: str) -> Iterator[str]:
    choices = typing.get_args(hint) if typing.get_origin(hint) is typing.Union else (hint,)
    words = [
        w for c in choices if typing.get_origin(c) is typing.Literal for w in typing.get_args(c)
    ]
    if isinstance(value, str) and words:
        if value not in words:
            yield f"{path}: {value!r} is none of {words}"
        return
    if not any(_is(choice, value) for choice in choices):
        yield f"{path}: {value!r} is no {hint}"
        return
    for choice in choices:
        if typing.get_origin(choice) in (list, list) and isinstance(value, list):
            for n, each in enumerate(value):
                yield from _of_type(typing.get_args(choice)[0], each, f"{path}[{n}]")
        if isinstance(choice, type) and isinstance(value, dict) and "object" not in value:
            yield from _typed(choice, value, path)


def _is(hint: Any, value: Any) -> bool:
    """Whether the value is of a type, as far as one sees from outside."""
    if hint is Any:
        return True
    if hint is type(None) or value is None:
        return hint is type(None) and value is None
    if hint is bool or isinstance(value, bool):
        return hint is bool and isinstance(value, bool)
    if hint in SIMPLE:
        return isinstance(value, SIMPLE[hint])
    if typing.get_origin(hint) is list:
        return isinstance(value, list)
    return isinstance(value, dict)


def _error(error: dict[str, Any], path: str) -> Iterator[str]:
    if not isinstance(error.get("message"), str):
        yield f"{path}.error.message: missing"
    if error.get("type") not in ERROR_TYPES:
        yield f"{path}.error.type: {error.get('type')!r}"
    if extra := set(error) - ERROR_KEYS:
        yield f"{path}.error: unknown {sorted(extra)}"
    if error.get("type") == "card_error" and not {"code", "decline_code"} <= set(error):
        yield f"{path}.error: a declined card has a code and a decline code"
    for name in ("payment_intent", "payment_method", "setup_intent"):
        yield from problems(error.get(name), f"{path}.error.{name}")


def operation_of(method: str, path: str, routes: typing.Iterable[str]) -> str | None:
    """The operation of the API that answers a request."""
    for operation in sorted(routes, key=lambda o: o.count("{}")):
        verb, pattern = operation.split(" ")
        if verb == method and re.fullmatch(pattern.replace("{}", "[^/]+"), path):
            return operation
    return None
