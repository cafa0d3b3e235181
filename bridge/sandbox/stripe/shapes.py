"""Blank objects of one API version: every key an object has, before anything is known.

Keys that begin with an underscore are the sandbox's own and never leave it.
"""

from __future__ import annotations

from bridge.sandbox.stripe.shape_parts import Obj, copied
from bridge.sandbox.stripe.shapes_billing import BILLING
from bridge.sandbox.stripe.shapes_core import CATALOG, MONEY, PEOPLE

__all__ = ["API_VERSION", "SHAPES", "Obj", "blank", "list_of"]

API_VERSION = "2026-10-28.endive"
SHAPES: dict[str, Obj] = {**CATALOG, **PEOPLE, **MONEY, **BILLING}


def blank(kind: str) -> Obj:
    """A new object of a kind, without id."""
    fresh: Obj = copied(SHAPES[kind])
    return fresh


def list_of(data: list[Obj], url: str, *, has_more: bool = False) -> Obj:
    """A page of objects."""
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
