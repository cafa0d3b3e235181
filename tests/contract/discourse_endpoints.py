"""The simulated forum's endpoints for programs, by method and path."""

from __future__ import annotations

import re

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import MapAdapter

from bridge.sandbox.discourse import create_discourse
from bridge.sandbox.kernel import World


def forum_app() -> Flask:
    world = World(seed=1)
    try:
        return create_discourse(world)
    finally:
        world.close()


def endpoints(app: Flask) -> list[str]:
    """`METHOD /path` of everything that answers programs."""
    found = set()
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/json"):
            for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}:
                found.add(f"{method} {shown(rule.rule)}")
    return sorted(found, key=lambda e: (e.partition(" ")[2], e))


def shown(rule: str) -> str:
    return re.sub(r"<(?:[^:>]+:)?(\w+)>", r":\1", rule.removeprefix("/json")) or "/"


def endpoint_of(routes: MapAdapter, method: str, path: str) -> str | None:
    """The endpoint that serves a request."""
    bare = path.partition("?")[0].removesuffix(".json")
    try:
        rule, _ = routes.match("/json" + bare, method=method, return_rule=True)
    except HTTPException:
        return None
    return f"{method} {shown(rule.rule)}"
