"""The table of the API: each call, and the token's right that it takes."""

from __future__ import annotations

from collections.abc import Iterator

from werkzeug.routing import Map

from bridge.core.model.doors import Door
from bridge.operations.tokens import SCOPES
from bridge.web.api.calls import RIGHTS
from bridge.web.doors import below, door

TOKENS = ("no token", *SCOPES)
"""Who asks: nobody, or a token with this right alone."""


def doors(addresses: Map) -> Iterator[Door]:
    """Each call; those without a right are open to everybody."""
    for rule in below(addresses, "/api/v1"):
        right = RIGHTS.get(rule.endpoint)
        yield door(rule, right or "nothing", [right] if right else TOKENS)
