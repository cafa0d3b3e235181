"""Webhook deliveries: which endpoint gets which event, and simulated failures.

The functions that take a `World` are the controls: `lose`, `duplicate`, `delay` and `hold` set a
rule for the deliveries to come (for one endpoint or all, for event types by pattern, for the next
`times` or until `clear`), `release` lets held ones go, `pending` and `wait_until_idle` look.
The sending itself is in `courier`.
"""

from __future__ import annotations

import random
from typing import Any

from bridge.sandbox.kernel import World
from bridge.sandbox.sending import take_rule, wait_until
from bridge.sandbox.stripe.account import Account, account_of
from bridge.sandbox.stripe.shapes import Obj

# Seconds of simulated time from one failed attempt to the next, over about three days.
RETRY_SECONDS = (5, 60, 300, 1800, 7200, 18000, 36000, 36000, 43200, 43200, 43200)
THIN_STATUS = "v1.customer.subscription."


def queue(account: Account, event: Obj) -> None:
    """Plan the delivery of an event to every endpoint that wants it."""
    for endpoint in account.tables["webhook_endpoint"].values():
        if endpoint["status"] != "enabled":
            continue
        for kind in wanted_types(endpoint, event):
            _plan(account, endpoint, event, kind)


def wanted_types(endpoint: Obj, event: Obj) -> list[str]:
    """The types under which an endpoint gets an event; a thin one has more specific names too."""
    enabled = endpoint["enabled_events"]
    if not endpoint.get("_thin"):
        return [event["type"]] if "*" in enabled or event["type"] in enabled else []
    return [t for t in _thin_types(event) if "*" in enabled or t in enabled]


def _thin_types(event: Obj) -> list[str]:
    types = [f"v1.{event['type']}"]
    before = event["data"].get("previous_attributes") or {}
    if event["data"]["object"]["object"] != "subscription":
        return types
    if "status" in before:
        types.append(THIN_STATUS + event["data"]["object"]["status"])
    if "cancel_at" in before:
        types.append(THIN_STATUS + "cancel_at_changed")
    old = {i["id"]: i["price"]["id"] for i in before.get("items", {}).get("data", ())}
    new = {i["id"]: i["price"]["id"] for i in event["data"]["object"]["items"]["data"]}
    if old:
        types += [THIN_STATUS + "item_added"] * bool(new.keys() - old.keys())
        types += [THIN_STATUS + "item_removed"] * bool(old.keys() - new.keys())
        changed = any(new[i] != old[i] for i in new.keys() & old.keys())
        types += [THIN_STATUS + "item_price_changed"] * changed
    return types


def _plan(account: Account, endpoint: Obj, event: Obj, kind: str) -> None:
    rule = take_rule(account.webhook_rules, event["type"], endpoint["id"])
    mode = rule["mode"] if rule else None
    copies = rule["copies"] if rule and mode == "duplicate" else 1
    for _ in range(copies):
        _add(
            account,
            endpoint=endpoint["id"],
            event=event["id"],
            type=kind,
            due=account.now + (rule["seconds"] if rule and mode == "delay" else 0),
            state={"lose": "lost", "hold": "held"}.get(mode or "", "pending"),
        )
    event["pending_webhooks"] += copies


def _add(account: Account, **what: Any) -> None:
    delivery = {"number": len(account.deliveries) + 1, "attempts": [], **what}
    account.deliveries.append(delivery)
    if delivery["state"] != "lost":
        account.waiting.append(delivery)


def _add_rule(
    world: World,
    mode: str,
    times: int | None,
    endpoint: str | None,
    types: str,
    *,
    seconds: float = 0,
    copies: int = 2,
) -> None:
    with world.lock:
        account_of(world).webhook_rules.append(
            {
                "mode": mode,
                "times": times,
                "endpoint": endpoint,
                "types": types,
                "seconds": seconds,
                "copies": copies,
            }
        )


def lose(
    world: World, times: int | None = None, endpoint: str | None = None, types: str = "*"
) -> None:
    """Deliveries never arrive and are never tried again; the events list still has them."""
    _add_rule(world, "lose", times, endpoint, types)


def duplicate(
    world: World,
    times: int | None = None,
    endpoint: str | None = None,
    types: str = "*",
    copies: int = 2,
) -> None:
    """Each event arrives several times."""
    _add_rule(world, "duplicate", times, endpoint, types, copies=copies)


def delay(
    world: World,
    seconds: float,
    times: int | None = None,
    endpoint: str | None = None,
    types: str = "*",
) -> None:
    """Deliveries wait this many seconds of simulated time."""
    _add_rule(world, "delay", times, endpoint, types, seconds=seconds)


def hold(
    world: World, times: int | None = None, endpoint: str | None = None, types: str = "*"
) -> None:
    """Deliveries wait for `release`."""
    _add_rule(world, "hold", times, endpoint, types)


def clear(world: World) -> None:
    """Remove all rules; held deliveries stay held until `release`."""
    with world.lock:
        account_of(world).webhook_rules.clear()


def release(
    world: World, order: str = "given", seed: int = 0, events: list[str] | None = None
) -> int:
    """Let held deliveries go, in the order `given`, `reversed` or `shuffled`; answers how many.

    `events` picks some by event id, and their order in that list is the order of sending.
    """
    with world.lock:
        account = account_of(world)
        held = [d for d in account.waiting if d["state"] == "held"]
        if events is not None:
            held = sorted(
                (d for d in held if d["event"] in events), key=lambda d: events.index(d["event"])
            )
        if order == "reversed":
            held.reverse()
        elif order == "shuffled":
            random.Random(seed).shuffle(held)  # noqa: S311 - an order, no secret
        for delivery in held:
            account.waiting.remove(delivery)
            delivery.update(state="pending", due=world.clock.now())
        account.waiting.extend(held)
        return len(held)


def resend(world: World, event: str) -> None:
    """Send an event again to every endpoint it was meant for, as one does in the dashboard."""
    with world.lock:
        account = account_of(world)
        again = [d for d in account.deliveries if d["event"] == event]
        for delivery in {(d["endpoint"], d["type"]): d for d in again}.values():
            kept = {k: delivery[k] for k in ("endpoint", "event", "type")}
            _add(account, **kept, due=world.clock.now(), state="pending")


def deliveries(world: World, state: str | None = None) -> list[Obj]:
    """Every delivery with its attempts, or those `pending`, `held`, `lost`, `done`, `failed`."""
    with world.lock:
        return [
            {**d, "attempts": list(d["attempts"])}
            for d in account_of(world).deliveries
            if state in (None, d["state"])
        ]


def due(account: Account, now: float) -> Obj | None:
    """The next delivery to send."""
    for delivery in account.waiting:
        if delivery["state"] == "pending" and delivery["due"] <= now:
            return delivery
    return None


def is_idle(world: World) -> bool:
    """Whether nothing is being sent and nothing is due now."""
    with world.lock:
        account = account_of(world)
        sending = any(d["state"] == "sending" for d in account.waiting)
        return not sending and due(account, world.clock.now()) is None


def wait_until_idle(world: World, timeout: float = 10) -> bool:
    """Wait until all that is due has been sent (answered or not); False when it takes too long."""
    return wait_until(lambda: is_idle(world), timeout)


def finish(account: Account, delivery: Obj, status: int, now: float, note: str = "") -> None:
    """Write down an attempt; plan the next one unless it was accepted or the last."""
    delivery["attempts"].append({"at": now, "status": status, "note": note})
    event = account.tables["event"].get(delivery["event"])
    tried = len(delivery["attempts"])
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP's own
        delivery["state"] = "done"
        account.waiting.remove(delivery)
        if event:
            event["pending_webhooks"] -= 1
    elif tried > len(RETRY_SECONDS):
        delivery["state"] = "failed"
        account.waiting.remove(delivery)
    else:
        delivery.update(state="pending", due=now + RETRY_SECONDS[tried - 1])


def is_delivered(event: Obj) -> bool:
    """Whether every endpoint that should have it has accepted the event."""
    return bool(event["pending_webhooks"] == 0)
