"""Scopes of API keys: which routes each opens, and with which parameters it can be narrowed."""

from __future__ import annotations

import re
from typing import Any

Route = tuple[str, str]

# scope: (parameters that narrow it, routes). A parameter is compared with the route's `:name`.
SCOPES: dict[str, tuple[tuple[str, ...], tuple[Route, ...]]] = {
    "global:read": ((), (("GET", "*"),)),
    "topics:write": (("topic_id",), (("POST", "/posts"),)),
    "topics:update": (("topic_id", "category_id"), (("PUT", "/t/:slug/:topic_id"),)),
    "topics:delete": (("topic_id",), (("DELETE", "/t/:topic_id"),)),
    "topics:recover": (("topic_id",), (("PUT", "/t/:topic_id/recover"),)),
    "topics:read": (
        ("topic_id", "external_id"),
        (
            ("GET", "/t/:topic_id"),
            ("GET", "/t/:slug/:topic_id"),
            ("GET", "/t/external_id/:external_id"),
        ),
    ),
    "topics:read_lists": (("category_id",), (("GET", "/latest"), ("GET", "/categories"))),
    "topics:status": (("topic_id",), (("PUT", "/t/:topic_id/status"),)),
    "posts:edit": (("id",), (("PUT", "/posts/:id"),)),
    "posts:delete": (("id",), (("DELETE", "/posts/:id"),)),
    "posts:list": ((), (("GET", "/posts"),)),
    "categories:list": ((), (("GET", "/categories"),)),
    "users:show": (
        ("username", "external_id"),
        (
            ("GET", "/u/:username"),
            ("GET", "/u/by-external/:external_id"),
            ("GET", "/u/by-external/:provider/:external_id"),
        ),
    ),
    "users:list": ((), (("GET", "/admin/users"), ("GET", "/admin/users/list/:flag"))),
    "users:check_emails": (("username",), (("GET", "/u/:username/emails"),)),
    "users:create": ((), (("POST", "/users"),)),
    "users:update": (("username",), (("PUT", "/u/:username"),)),
    "users:log_out": ((), (("POST", "/admin/users/:id/log_out"),)),
    "users:anonymize": ((), (("PUT", "/admin/users/:id/anonymize"),)),
    "users:suspend": ((), (("PUT", "/admin/users/:id/suspend"),)),
    "users:delete": ((), (("DELETE", "/admin/users/:id"),)),
    "invites:create": ((), (("POST", "/invites"),)),
    "groups:manage_groups": (
        ("id",),
        (
            ("GET", "/groups/:name/members"),
            ("PUT", "/groups/:id/members"),
            ("DELETE", "/groups/:id/members"),
        ),
    ),
    "groups:administer_groups": (
        ("id",),
        (
            ("POST", "/admin/groups"),
            ("DELETE", "/admin/groups/:id"),
            ("GET", "/groups/:name"),
            ("GET", "/groups/by-id/:id"),
            ("PUT", "/groups/:id"),
            ("GET", "/groups"),
        ),
    ),
    "search:show": ((), (("GET", "/search"),)),
}

# Older versions named an action that does not exist, so the scope could add but not remove.
OLD_GAPS: set[tuple[str, Route]] = {("groups:manage_groups", ("DELETE", "/groups/:id/members"))}


def allows(  # all these parts describe one request
    scopes: list[dict[str, Any]], method: str, path: str, params: dict[str, Any], *, old: bool
) -> bool:
    """Whether one of a key's scopes opens a route; scopes add up."""
    for scope in scopes:
        name, narrowed = scope["scope_id"], scope.get("allowed_parameters") or {}
        for route in SCOPES[name][1]:
            if old and (name, route) in OLD_GAPS:
                continue
            found = _match(route, method, path)
            if found is not None and _within(narrowed, {**params, **found}):
                return True
    return False


def _match(route: Route, method: str, path: str) -> dict[str, str] | None:
    wanted, pattern = route
    if method not in (wanted, "HEAD" if wanted == "GET" else wanted):
        return None
    if pattern == "*":
        return {}
    found = re.fullmatch(re.sub(r":(\w+)", r"(?P<\1>[^/]+)", pattern), path)
    return found.groupdict() if found else None


def _within(narrowed: dict[str, list[str]], given: dict[str, Any]) -> bool:
    """Every narrowing parameter must be there: a list by name fails a key narrowed by id."""
    return all(
        str(given.get(name)) in [str(v) for v in values]
        for name, values in narrowed.items()
        if values
    )


def listed() -> dict[str, list[dict[str, Any]]]:
    """The list of all scopes by resource."""
    found: dict[str, list[dict[str, Any]]] = {}
    for scope_id, (params, routes) in SCOPES.items():
        resource, key = scope_id.split(":")
        shape = {
            "scope_id": scope_id,
            "key": key,
            "name": key.replace("_", " "),
            "params": list(params) or None,
            "urls": [f"{path} ({method})" for method, path in routes]
            if scope_id != "global:read"
            else ["* (get)"],
        }
        found.setdefault(resource, []).append(shape)
    return found
