"""API keys: make, list, revoke, delete; the list of scopes."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import answer, no_content, not_found, unprocessable
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.scopes import SCOPES, listed
from bridge.sandbox.discourse.shapes_user import basic_user
from bridge.sandbox.discourse.state import ApiKey, Forum, iso
from bridge.sandbox.kernel import World

routes = Blueprint("keys", __name__)

KEY_LENGTH = 64


def make_key(
    world: World,
    forum: Forum,
    description: str,
    user_id: int | None = None,
    scopes: list[dict[str, Any]] | None = None,
    key: str | None = None,
) -> ApiKey:
    """A new key; without a user it is one for all users, without scopes one for everything."""
    now = world.clock.now()
    text = key or world.ids.hexadecimal(KEY_LENGTH)
    made = ApiKey(forum.new_id(), text, description, user_id, scopes or [], now, now)
    forum.keys[made.id] = made
    forum.key_id_by_key[made.key] = made.id
    return made


def _shown(made: Call, key: ApiKey) -> dict[str, Any]:
    user = made.forum.users.get(key.user_id or 0)
    return {
        "id": key.id,
        "truncated_key": key.key[:4],
        "description": key.description,
        "scope_mode": None,
        "last_used_at": iso(key.last_used_at),
        "created_at": iso(key.created_at),
        "updated_at": iso(key.updated_at),
        "revoked_at": iso(key.revoked_at),
        "user": basic_user(user) if user else None,
        "created_by": basic_user(made.actor),
        "api_key_scopes": [_shown_scope(s) for s in key.scopes],
    }


def _shown_scope(scope: dict[str, Any]) -> dict[str, Any]:
    resource, key = scope["scope_id"].split(":")
    params, routes_ = SCOPES[scope["scope_id"]]
    return {
        "resource": resource,
        "action": key.replace("_", " "),
        "parameters": list(params),
        "urls": [f"{path} ({method})" for method, path in routes_],
        "allowed_parameters": scope.get("allowed_parameters") or {},
        "key": key,
    }


@routes.get("/admin/api/keys/scopes")
def _scopes() -> Response:
    return answer({"scopes": listed()})


@routes.get("/admin/api/keys")
def _index() -> Response:
    made = call()
    return answer({"keys": [_shown(made, k) for k in made.forum.keys.values()]})


@routes.post("/admin/api/keys")
def _create() -> Response:
    made = call()
    given = made.nested("key")
    user = made.forum.user_named(str(given["username"])) if given.get("username") else None
    if given.get("username") and user is None:
        raise not_found()
    wanted = []
    for scope in given.get("scopes") or []:
        if scope.get("scope_id") not in SCOPES:
            raise unprocessable("Resource is invalid")
        names = SCOPES[scope["scope_id"]][0]
        narrowed = {k: _words(v) for k, v in scope.items() if k in names and v}
        wanted.append({"scope_id": scope["scope_id"], "allowed_parameters": narrowed})
    key = make_key(
        made.world,
        made.forum,
        str(given.get("description", "")),
        user.id if user else None,
        wanted,
    )
    shape = _shown(made, key)
    return answer({"key": {"id": key.id, "key": key.key, **shape}})


def _words(value: Any) -> list[str]:
    return [str(v) for v in value] if isinstance(value, list) else str(value).split(",")


def _key(made: Call, key_id: int) -> ApiKey:
    if key_id not in made.forum.keys:
        raise not_found()
    return made.forum.keys[key_id]


@routes.post("/admin/api/keys/<int:key_id>/revoke")
def _revoke(key_id: int) -> Response:
    return _set_revoked(key_id, call().now)


@routes.post("/admin/api/keys/<int:key_id>/undo-revoke")
def _undo_revoke(key_id: int) -> Response:
    return _set_revoked(key_id, None)


def _set_revoked(key_id: int, at: float | None) -> Response:
    made = call()
    key = _key(made, key_id)
    key.revoked_at, key.updated_at = at, made.now
    return answer({"api_key": _shown(made, key)})


@routes.delete("/admin/api/keys/<int:key_id>")
def _destroy(key_id: int) -> Response:
    made = call()
    key = _key(made, key_id)
    del made.forum.keys[key.id], made.forum.key_id_by_key[key.key]
    return no_content()
