"""The forum's webhooks: the configured ones, and the events they get."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response

from bridge.sandbox.discourse.answers import answer, not_found, ok, unprocessable
from bridge.sandbox.discourse.call import Call, call
from bridge.sandbox.discourse.delivery import INACTIVE, plan, shown_event
from bridge.sandbox.discourse.shapes_user import hook_user
from bridge.sandbox.discourse.state import Forum, Group, Membership, User, iso

routes = Blueprint("hooks", __name__)

# Kinds by their number. The group of a kind is also in the header X-Discourse-Event-Type.
KINDS: dict[str, dict[str, int]] = {
    "topic": {"topic_created": 101, "topic_revised": 102, "topic_edited": 103},
    "post": {"post_created": 201, "post_edited": 202, "post_destroyed": 203},
    "user": {
        "user_logged_in": 301,
        "user_logged_out": 302,
        "user_confirmed_email": 303,
        "user_created": 304,
        "user_approved": 305,
        "user_updated": 306,
        "user_destroyed": 307,
        "user_suspended": 308,
        "user_unsuspended": 309,
        "user_anonymized": 310,
    },
    "group": {"group_created": 401, "group_updated": 402, "group_destroyed": 403},
    "category": {"category_created": 501, "category_updated": 502, "category_destroyed": 503},
    "tag": {"tag_created": 601, "tag_updated": 602, "tag_destroyed": 603},
    "reviewable": {"reviewable_created": 901, "reviewable_updated": 902},
    "notification": {"notification_created": 1001},
    "user_badge": {"user_badge_granted": 1301, "user_badge_revoked": 1302},
    "group_user": {"user_added_to_group": 1401, "user_removed_from_group": 1402},
    "like": {"post_liked": 1501},
    "user_promoted": {"user_promoted": 1601},
}
GROUP_OF = {event: group for group, events in KINDS.items() for event in events}
NUMBER_OF = {event: number for events in KINDS.values() for event, number in events.items()}
SETTABLE = (
    "payload_url", "content_type", "secret", "wildcard_web_hook", "verify_certificate", "active",
)  # fmt: skip


def emit(made: Call, event: str, body: dict[str, Any]) -> None:
    """Tell every webhook that names this kind; a wildcard without kinds gets nothing [seen]."""
    for hook in made.forum.hooks.values():
        if hook["active"] and NUMBER_OF[event] in hook["kinds"]:
            plan(made.forum, hook, event, GROUP_OF[event], body, made.now)


def is_heard(made: Call) -> bool:
    """Whether there is any webhook at all; saves building what nobody gets."""
    return bool(made.forum.hooks)


def emit_user(made: Call, event: str, user: User) -> None:
    """Something happened to a user."""
    if is_heard(made):
        emit(made, event, {"user": hook_user(made.forum, user)})


def emit_membership(
    made: Call, event: str, group: Group, user: User, membership: Membership
) -> None:
    """Somebody joined or left a group: ids only, no names."""
    body = {
        "group_id": group.id,
        "user_id": user.id,
        "notification_level": 3,
        "id": membership.id,
        "created_at": iso(membership.added_at),
    }
    emit(made, event, {"group_user": body})


def _kind(event: str) -> dict[str, Any]:
    return {"id": NUMBER_OF[event], "name": event, "group": GROUP_OF[event]}


def _shown(hook: dict[str, Any]) -> dict[str, Any]:
    kinds = [_kind(event) for event, number in NUMBER_OF.items() if number in hook["kinds"]]
    keys = ("id", "last_delivery_status", *SETTABLE)
    return {
        **{k: hook[k] for k in keys},
        "category_ids": [],
        "tag_names": [],
        "group_ids": [],
        "web_hook_event_types": kinds,
    }


@routes.get("/admin/api/web_hooks")
def _index() -> Response:
    made = call()
    hooks = [_shown(h) for h in made.forum.hooks.values()]
    statuses = {1: "inactive", 2: "failed", 3: "successful"}
    types = {1: "application/json", 2: "application/x-www-form-urlencoded"}
    extras = {
        "grouped_event_types": {g: [_kind(e) for e in events] for g, events in KINDS.items()},
        "default_event_types": [_kind(event) for event in KINDS["post"]],
        "content_types": [{"id": k, "name": v} for k, v in types.items()],
        "delivery_statuses": [{"id": k, "name": v} for k, v in statuses.items()],
    }
    return answer(
        {
            "web_hooks": hooks,
            "extras": extras,
            "total_rows_web_hooks": len(hooks),
            "load_more_web_hooks": "/admin/api/web_hooks.json?limit=50&offset=50",
        }
    )


def _take(hook: dict[str, Any], given: dict[str, Any]) -> None:
    for key in SETTABLE:
        if key in given:
            hook[key] = given[key]
    hook["content_type"] = int(hook["content_type"])
    for key in ("wildcard_web_hook", "verify_certificate", "active"):
        hook[key] = str(hook[key]).lower() in ("true", "1")
    if "web_hook_event_type_ids" in given:
        hook["kinds"] = [int(n) for n in given["web_hook_event_type_ids"] or [] if str(n)]
    if not str(hook["payload_url"]).startswith(("http://", "https://")):
        raise unprocessable("Payload url is invalid")


def new_hook(forum: Forum, given: dict[str, Any]) -> dict[str, Any]:
    """A new webhook."""
    hook: dict[str, Any] = {
        "id": forum.new_id(),
        "payload_url": "",
        "content_type": 1,
        "last_delivery_status": INACTIVE,
        "secret": "",
        "wildcard_web_hook": False,
        "verify_certificate": True,
        "active": False,
        "kinds": [],
    }
    _take(hook, given)
    forum.hooks[hook["id"]] = hook
    return hook


def listen(forum: Forum, url: str, secret: str) -> dict[str, Any]:
    """A webhook that tells about people and their groups."""
    kinds = [n for event, n in NUMBER_OF.items() if event.startswith(("user_", "group_"))]
    given = {"payload_url": url, "secret": secret, "active": True}
    return new_hook(forum, {**given, "web_hook_event_type_ids": kinds})


@routes.post("/admin/api/web_hooks")
def _create() -> Response:
    made = call()
    hook = new_hook(made.forum, made.nested("web_hook"))
    return answer({"categories": [], "web_hook": _shown(hook)})


def _hook(made: Call, hook_id: int) -> dict[str, Any]:
    if hook_id not in made.forum.hooks:
        raise not_found()
    return made.forum.hooks[hook_id]


@routes.get("/admin/api/web_hooks/<int:hook_id>")
def _show(hook_id: int) -> Response:
    return answer({"categories": [], "web_hook": _shown(_hook(call(), hook_id))})


@routes.put("/admin/api/web_hooks/<int:hook_id>")
def _update(hook_id: int) -> Response:
    made = call()
    hook = _hook(made, hook_id)
    _take(hook, made.nested("web_hook"))
    return answer({"categories": [], "web_hook": _shown(hook)})


@routes.delete("/admin/api/web_hooks/<int:hook_id>")
def _destroy(hook_id: int) -> Response:
    made = call()
    del made.forum.hooks[_hook(made, hook_id)["id"]]
    return ok()


@routes.post("/admin/api/web_hooks/<int:hook_id>/ping")
def _ping(hook_id: int) -> Response:
    made = call()
    plan(made.forum, _hook(made, hook_id), "ping", "ping", {"ping": "OK"}, made.now)
    return ok()


@routes.get("/admin/api/web_hook_events/<int:hook_id>")
def _events(hook_id: int) -> Response:
    made = call()
    _hook(made, hook_id)
    kept = [e for e in made.forum.hook_events if e["web_hook_id"] == hook_id]
    shown = [shown_event(made.forum, e) for e in reversed(kept)][:50]
    more = f"/admin/api/web_hook_events/{hook_id}.json?limit=50&offset=50"
    return answer(
        {
            "web_hook_events": shown,
            "total_rows_web_hook_events": len(kept),
            "load_more_web_hook_events": more,
            "extras": {"web_hook_id": hook_id},
        }
    )


@routes.post("/admin/api/web_hooks/<int:hook_id>/events/<int:event_id>/redeliver")
def _redeliver(hook_id: int, event_id: int) -> Response:
    """The same headers again, so the same event id."""
    made = call()
    _hook(made, hook_id)
    if not 0 < event_id <= len(made.forum.hook_events):
        raise not_found()
    event = made.forum.hook_events[event_id - 1]
    if event["state"] not in ("pending", "sending"):
        event.update(state="pending", due=made.now)
        made.forum.hooks_waiting.append(event_id)
    return answer({"web_hook_event": shown_event(made.forum, event)})
