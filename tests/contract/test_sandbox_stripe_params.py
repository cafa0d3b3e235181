"""The simulated Stripe's parameters come from the types of the official SDK.

Run this file as a program to update `bridge/sandbox/stripe/params.json` after a new SDK.
"""

from __future__ import annotations

import ast
import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import stripe

from bridge.sandbox.stripe import older, params
from bridge.sandbox.stripe.routes import ROUTES

SDK = Path(stripe.__file__).parent
TABLE = Path(params.__file__).with_name("params.json")
# Subtrees that a community subscription has no use for are taken as they come.
LOOSE = (
    "allowed_countries",
    "allowed_payment_method_types",
    "branding_settings",
    "eps",
    "excluded_payment_method_types",
    "fpx",
    "ideal",
    "p24",
    "payment_method_data",
    "payment_method_options",
    "shipping_options",
)
SIMPLE = {"int": "i", "bool": "b", "str": "s", "float": "n", "Decimal": "n"}
OPERATION = re.compile(
    r'    def \w+\(\n(.*?)self\._request\(\s*"(\w+)",\s*"(/v\d/[^"]*)"', re.DOTALL
)
IMPORT = re.compile(r"from (stripe\.params[\w.]*) import \(?\s*(\w+)")


def operations() -> dict[str, tuple[str, str] | None]:
    """Operation -> module and class of its parameters, for those that the sandbox serves."""
    found: dict[str, tuple[str, str] | None] = {}
    for path in SDK.rglob("*_service.py"):
        text = path.read_text()
        modules = {name: module for module, name in IMPORT.findall(text)}
        for head, method, url in OPERATION.findall(text):
            operation = f"{method.upper()} " + re.sub(r"\{\w+\}", "{}", url)
            named = re.search(r'"(\w+Params)"', head)
            if operation in ROUTES and url.startswith("/v1/"):
                found[operation] = (modules[named[1]], named[1]) if named else None
    return found


@cache
def classes(module: str) -> dict[str, ast.ClassDef]:
    """The classes of a module by name."""
    path = SDK.parent / (module.replace(".", "/") + ".py")
    body = ast.parse(path.read_text()).body
    return {node.name: node for node in body if isinstance(node, ast.ClassDef)}


def spec_of_class(module: str, name: str) -> Any:
    """A typed dictionary as an object of named types."""
    node = classes(module).get(name)
    if node is None:
        return "*"
    spec: dict[str, Any] = {}
    for field in node.body:
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            optional = (
                isinstance(field.annotation, ast.Subscript)
                and getattr(field.annotation.value, "id", "") == "NotRequired"
            )
            loose = field.target.id in LOOSE
            kind = "*" if loose else spec_of(module, field.annotation)
            spec[field.target.id + ("" if optional else "!")] = kind
    return spec


def spec_of(module: str, node: ast.expr) -> Any:
    """The type of an annotation."""
    if isinstance(node, ast.Constant):
        return spec_of(module, ast.parse(str(node.value), mode="eval").body)
    if isinstance(node, ast.Name):
        return SIMPLE.get(node.id) or spec_of_class(module, node.id)
    if isinstance(node, ast.BinOp):
        return either([spec_of(module, node.left), spec_of(module, node.right)])
    assert isinstance(node, ast.Subscript)
    return spec_of_generic(module, getattr(node.value, "id", ""), node.slice)


def spec_of_generic(module: str, kind: str, inner: ast.expr) -> Any:
    """A type with types in brackets."""
    parts = inner.elts if isinstance(inner, ast.Tuple) else [inner]
    if kind == "Literal":
        return "=" + "|".join(str(getattr(part, "value", "")) for part in parts)
    if kind in ("Dict", "UntypedStripeObject"):
        values = spec_of(module, parts[-1])
        return "m" if isinstance(values, str) else {"*": values}
    spec = either([spec_of(module, part) for part in parts])
    return [spec] if kind in ("List", "Sequence") else spec


def either(parts: list[Any]) -> Any:
    """Alternatives: an empty word is taken everywhere, a text takes everything that is simple."""
    wanted = [part for n, part in enumerate(parts) if part != "=" and part not in parts[:n]]
    complex_ = [part for part in wanted if not isinstance(part, str)]
    if len(wanted) == 1:
        return wanted[0]
    if len(complex_) > 1:
        return "*"
    if complex_:
        return complex_[0] if wanted == [complex_[0], "m"] else {"|": wanted}
    return simple(wanted)


def simple(wanted: list[str]) -> str:
    """Alternatives of simple types in one word, words last."""
    words = [part[1:] for part in wanted if part.startswith("=")]
    letters = "".join(part for part in wanted if not part.startswith("="))
    if words and letters == "s":  # open for the library's future, closed in this API version
        return "=" + "|".join(words)
    if "s" in letters:
        return "is" if "i" in letters else "s"
    return letters + ("=" + "|".join(words) if words else "")


def build() -> str:
    """The table as it is kept, an operation a line."""
    lines = [
        f"{json.dumps(operation)}: "
        + json.dumps(spec_of_class(*named) if named else {}, separators=(",", ":"))
        for operation, named in sorted(operations().items())
    ]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def test_every_operation_takes_exactly_the_parameters_of_the_sdk() -> None:
    assert TABLE.read_text() == build()


def test_every_route_is_known_to_the_sdk_or_listed_as_older_than_it() -> None:
    served = {op for op in ROUTES if op.split(" ")[1].startswith("/v1/")}
    assert served - set(operations()) - set(older.ROUTES) == set()


if __name__ == "__main__":
    TABLE.write_text(build())
