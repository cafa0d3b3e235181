"""The forum's webhook deliveries: planned as plain data, sent in the background to loopback.

At most once, unless the site setting `retry_web_hook_events` is on; a retry gets a new event id.
The functions that take a `World` are the controls, as those of the simulated Stripe.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import random
from typing import Any
from urllib.parse import urlencode

from bridge.sandbox.discourse.call import PART
from bridge.sandbox.discourse.state import Forum, iso
from bridge.sandbox.kernel import World
from bridge.sandbox.sending import Post, take_rule, wait_until

RETRY_MINUTES = (1, 5, 25, 125)
NOT_RETRIED = (404, 410)
INACTIVE, FAILED, SUCCESSFUL = 1, 2, 3
USER_AGENT = "Discourse/3.5.0.beta9-dev; +https://www.discourse.org/"

Event = dict[str, Any]


def plan(
    forum: Forum, hook: dict[str, Any], event: str, kind: str, body: Event, now: float
) -> None:
    """Plan one delivery, changed by the rule in force."""
    rule = take_rule(forum.hook_rules, event)
    mode = rule["mode"] if rule else ""
    for _ in range(rule["copies"] if rule and mode == "duplicate" else 1):
        forum.hook_events.append(
            {
                "id": len(forum.hook_events) + 1,
                "web_hook_id": hook["id"],
                "event": event,
                "kind": kind,
                "payload": json.dumps(body),
                "due": now + (rule["seconds"] if rule and mode == "delay" else 0),
                "state": {"lose": "lost", "hold": "held"}.get(mode, "pending"),
                "tries": 0,
                "created_at": now,
                "status": None,
                "headers": {},
                "response_body": "",
            }
        )
        if mode != "lose":
            forum.hooks_waiting.append(forum.hook_events[-1]["id"])


def _rule(
    world: World, mode: str, times: int | None, types: str, seconds: float = 0, copies: int = 2
) -> None:
    rule = {"mode": mode, "times": times, "types": types, "seconds": seconds, "copies": copies}
    with world.lock:
        forum_of(world).hook_rules.append(rule)


def forum_of(world: World) -> Forum:
    """The forum of a world."""
    forum: Forum = world.parts[PART]
    return forum


def lose(world: World, times: int | None = None, types: str = "*") -> None:
    """Deliveries never arrive."""
    _rule(world, "lose", times, types)


def duplicate(world: World, times: int | None = None, types: str = "*", copies: int = 2) -> None:
    """Deliveries arrive several times, each with an id of its own."""
    _rule(world, "duplicate", times, types, copies=copies)


def delay(world: World, seconds: float, times: int | None = None, types: str = "*") -> None:
    """Deliveries wait this many simulated seconds."""
    _rule(world, "delay", times, types, seconds=seconds)


def hold(world: World, times: int | None = None, types: str = "*") -> None:
    """Deliveries wait for `release`."""
    _rule(world, "hold", times, types)


def clear(world: World) -> None:
    """Remove all rules; held deliveries stay held."""
    with world.lock:
        forum_of(world).hook_rules.clear()


def release(world: World, order: str = "given", seed: int = 0) -> int:
    """Let held deliveries go, `given`, `reversed` or `shuffled`; answers how many."""
    with world.lock:
        forum = forum_of(world)
        held = [i for i in forum.hooks_waiting if forum.hook_events[i - 1]["state"] == "held"]
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(held)  # noqa: S311 - an order, no secret
        forum.hooks_waiting = [i for i in forum.hooks_waiting if i not in held] + held
        for i in held:
            forum.hook_events[i - 1].update(state="pending", due=world.clock.now())
        return len(held)


def deliveries(world: World, state: str | None = None) -> list[Event]:
    """Every delivery, or those in one state: pending, held, lost, done, failed."""
    with world.lock:
        return [dict(e) for e in forum_of(world).hook_events if state in (None, e["state"])]


def is_idle(world: World) -> bool:
    """Whether nothing is being sent and nothing is due now."""
    with world.lock:
        forum, now = forum_of(world), world.clock.now()
        waiting = [forum.hook_events[i - 1] for i in forum.hooks_waiting]
    return not any(
        e["state"] == "sending" or (e["state"] == "pending" and e["due"] <= now) for e in waiting
    )


def wait_until_idle(world: World, timeout: float = 10) -> bool:
    """Wait until all that is due has been sent; False when it takes too long."""
    return wait_until(lambda: is_idle(world), timeout)


def send_next(world: World, post: Post) -> bool:
    """Send one due event; False if there is none."""
    with world.lock:
        forum, now = forum_of(world), world.clock.now()
        event = _due(forum, now)
        if event is None:
            return False
        event["state"] = "sending"
        hook = forum.hooks.get(event["web_hook_id"])
        if hook is None:
            _finish(forum, event, None, now)
            return True
        event["headers"] = event["headers"] or _headers(forum, hook, event)
        body = _body(hook, event)
    status, text = post(hook["payload_url"], body, event["headers"])
    with world.lock:
        event["response_body"] = text
        _finish(forum_of(world), event, status, world.clock.now())
    return True


def _due(forum: Forum, now: float) -> Event | None:
    for i in forum.hooks_waiting:
        event: Event = forum.hook_events[i - 1]
        if event["state"] == "pending" and event["due"] <= now:
            return event
    return None


def _body(hook: dict[str, Any], event: Event) -> bytes:
    if hook["content_type"] == 1:
        return bytes(event["payload"].encode())
    return urlencode({"payload": event["payload"]}).encode()


def _headers(forum: Forum, hook: dict[str, Any], event: Event) -> dict[str, str]:
    kinds = {1: "application/json", 2: "application/x-www-form-urlencoded"}
    headers = {
        "User-Agent": USER_AGENT,
        "Content-Type": kinds[hook["content_type"]],
        "X-Discourse-Instance": forum.address,
        "X-Discourse-Event-Id": str(event["id"]),
        "X-Discourse-Event-Type": event["kind"],
        "X-Discourse-Event": event["event"],
    }
    if hook["secret"]:
        made = hmac.new(hook["secret"].encode(), _body(hook, event), hashlib.sha256).hexdigest()
        headers["X-Discourse-Event-Signature"] = f"sha256={made}"
    return headers


def _finish(forum: Forum, event: Event, status: int | None, now: float) -> None:
    """Record the outcome; a retry is a new event, and none follows a broken connection."""
    good = status is not None and 200 <= status < 300  # noqa: PLR2004 - HTTP's own
    event.update(state="done" if good else "failed", status=status)
    forum.hooks_waiting.remove(event["id"])
    hook = forum.hooks.get(event["web_hook_id"])
    if hook is not None:
        hook["last_delivery_status"] = SUCCESSFUL if good else FAILED
    again = forum.settings["retry_web_hook_events"] and status and status not in NOT_RETRIED
    if not good and again and event["tries"] < len(RETRY_MINUTES):
        due = now + RETRY_MINUTES[event["tries"]] * 60
        number = len(forum.hook_events) + 1
        fresh = {"id": number, "state": "pending", "due": due, "headers": {}}
        forum.hook_events.append({**event, **fresh, "tries": event["tries"] + 1})
        forum.hooks_waiting.append(number)


def shown_event(forum: Forum, event: Event) -> dict[str, Any]:
    """A delivery as the administrators' page shows it."""
    hook = forum.hooks.get(event["web_hook_id"], {})
    return {
        "id": event["id"],
        "web_hook_id": event["web_hook_id"],
        "request_url": hook.get("payload_url"),
        "headers": json.dumps(event["headers"]),
        "payload": event["payload"],
        "status": event["status"],
        "response_headers": "{}",
        "response_body": event["response_body"],
        "duration": 1,
        "created_at": iso(event["created_at"]),
        "redelivering": False,
    }
