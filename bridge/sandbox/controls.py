"""The controls of a running sandbox: each is a function from parameters to JSON.

The API and the page in `control` only hand parameters over.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from bridge.sandbox.controlled import Controls
from bridge.sandbox.controls_of_servers import (
    limits,
    load,
    make_key,
    memberships,
    read_only,
    refusal_of_stripe,
    settings,
    timing,
)
from bridge.sandbox.discourse import delivery as forum_delivery
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.people import run_due_merges
from bridge.sandbox.kernel import World
from bridge.sandbox.parameters import (
    MOST,
    Params,
    Wrong,
    moment,
    number,
    one_of,
    times,
    whole,
)
from bridge.sandbox.scenario import SCENARIOS, play_scenario, read
from bridge.sandbox.sending import is_loopback
from bridge.sandbox.stripe import account_of, add_webhook, fail_payments, tick
from bridge.sandbox.stripe import advance as advance_stripe
from bridge.sandbox.stripe import delivery as stripe_delivery

ORDERS = ("given", "reversed", "shuffled")
FAULTS = (
    "status", "slow", "hang", "reset_before", "reset_after", "timeout_after", "html", "half_body",
    "short_page", "partial",
)  # fmt: skip
OF_THE_FORUM = ("short_page", "partial")
FAULT_MATCH = re.compile(r"(\*|[A-Z]+) [/*].*")
STATUSES = (200, 599)
FAULT_NUMBERS = {"seconds", "status", "entries", "members"}
DELIVERIES: dict[str, Any] = {"stripe": stripe_delivery, "discourse": forum_delivery}


def state(controls: Controls, _params: Params) -> Any:
    """Clock, faults, switches, sizes."""
    world, forum = controls.world, controls.forum
    now = world.clock.now()
    return {
        "now": now,
        "iso": datetime.fromtimestamp(now, UTC).isoformat(),
        "offset_seconds": world.clock.offset_seconds,
        "journal_entries": len(world.journal.since()),
        "faults": [dataclasses.asdict(f) for f in world.faults.switches],
        "timing": dataclasses.asdict(forum.timing),
        "read_only": forum.read_only,
        "requests_per_minute": forum.requests_per_minute,
        "version": forum.version,
        "users": len(forum.users),
        "groups": {g.name: len(g.members) for g in forum.groups.values() if not g.automatic},
        "webhooks": {name: _waiting(world, name) for name in DELIVERIES},
        "snapshots": list(controls.snapshots),
    }


def _waiting(world: World, server: str) -> dict[str, int]:
    found: dict[str, int] = {}
    for one in DELIVERIES[server].deliveries(world):
        found[one["state"]] = found.get(one["state"], 0) + 1
    return found


def advance(controls: Controls, params: Params) -> Any:
    """Move the clock by `seconds`, or forward `to` a time (seconds since 1970, or ISO)."""
    if params.get("to"):
        seconds = moment(str(params["to"])) - controls.world.clock.now()
    elif params.get("seconds") in (None, ""):
        raise Wrong("say by how many `seconds`, or `to` which time")
    else:
        seconds = number(params, "seconds", 0, least=-MOST)
    if seconds < 0:
        raise Wrong(f"the clock only goes forward, not by {seconds:.0f} seconds")
    advance_stripe(controls.world, seconds)
    run_due_merges(controls.forum, controls.world.clock.now())
    return {"now": controls.world.clock.now()}


def add_fault(controls: Controls, params: Params) -> Any:
    """A switch: `server`, `match`, `kind`, `times`, `skip`, and the kind's own arguments."""
    named = ("server", "match", "kind", "times", "skip")
    server, kind = one_of(params, "server", DELIVERIES), one_of(params, "kind", FAULTS)
    match = str(params.get("match") or "")
    if not FAULT_MATCH.fullmatch(match):
        raise Wrong(f"match={match!r}: say a method and a path, such as `PUT /groups/*`")
    if kind in OF_THE_FORUM and server != "discourse":
        raise Wrong(f"kind={kind!r}: only the forum has lists and batches that know it")
    args = {k: v for k, v in params.items() if k not in named and v != ""}
    for name in FAULT_NUMBERS & args.keys():
        args[name] = number(args, name, 0)
    if not STATUSES[0] <= args.get("status", STATUSES[0]) <= STATUSES[1]:
        raise Wrong(f"status={args['status']:g}: say one from {STATUSES[0]} to {STATUSES[1]}")
    if not isinstance(args.get("headers", {}), dict):
        raise Wrong("headers is an object of names and values")
    if server == "stripe":
        args = refusal_of_stripe(args)
    often, skip = times(params), whole(params, "skip", 0)
    fault = controls.world.faults.add(server, match, kind, times=often, skip=skip, **args)
    return dataclasses.asdict(fault)


def faults(controls: Controls, _params: Params) -> Any:
    """The switches in force."""
    return [dataclasses.asdict(f) for f in controls.world.faults.switches]


def clear_faults(controls: Controls, _params: Params) -> Any:
    """End all faults."""
    controls.world.faults.clear()
    return []


def webhooks(controls: Controls, params: Params) -> Any:
    """Lose, duplicate, delay, hold, release, clear or flush the deliveries of one server."""
    server, action = one_of(params, "server", DELIVERIES, "stripe"), str(params.get("action", ""))
    way, world = DELIVERIES[server], controls.world
    types, often = str(params.get("types") or "*"), times(params)
    if action in ("lose", "hold"):
        getattr(way, action)(world, times=often, types=types)
    elif action == "duplicate":
        way.duplicate(world, times=often, types=types, copies=whole(params, "copies", 2, least=2))
    elif action == "delay":
        way.delay(world, number(params, "seconds", 60), times=often, types=types)
    elif action in ("release", "shuffle"):
        order = "shuffled" if action == "shuffle" else one_of(params, "order", ORDERS, "given")
        return {"released": way.release(world, order=order, seed=whole(params, "seed", 0))}
    elif action == "clear":
        way.clear(world)
    else:
        raise Wrong(f"action={action!r}: say lose, duplicate, delay, hold, release, shuffle, clear")
    return {"server": server, "action": action, "times": often, "types": types}


def endpoints(controls: Controls, params: Params) -> Any:
    """Send the events of a `server` to a loopback `url`, signed with the secret of the start."""
    server, url = one_of(params, "server", DELIVERIES, "stripe"), str(params.get("url", ""))
    if not is_loopback(url):
        raise Wrong(f"url={url!r}: only addresses of this machine are called")
    if server == "stripe":
        secret = controls.info["stripe_webhook_secret"]
        return {"id": add_webhook(controls.world, url, secret=secret)[0], "secret": secret}
    secret = controls.info["discourse_webhook_secret"]
    return {"id": listen(controls.forum, url, secret)["id"], "secret": secret}


def deliveries(controls: Controls, params: Params) -> Any:
    """Deliveries that were sent, are waiting, or got lost."""
    way = DELIVERIES[one_of(params, "server", DELIVERIES, "stripe")]
    return way.deliveries(controls.world, params.get("state") or None)


def flush(controls: Controls, params: Params) -> Any:
    """Wait until everything that is due has been delivered."""
    timeout = number(params, "seconds", 10)
    tick(controls.world)
    done = {name: way.wait_until_idle(controls.world, timeout) for name, way in DELIVERIES.items()}
    return {"idle": all(done.values()), **done}


def payments(controls: Controls, params: Params) -> Any:
    """The next `times` payments of a customer `fail` (with a decline `code`) or `succeed`."""
    customer, outcome = str(params.get("customer", "")), str(params.get("outcome", "fail"))
    if outcome not in ("fail", "succeed") or not customer:
        raise Wrong("payments need a customer (cus_…) and an outcome, fail or succeed")
    with controls.world.lock:
        if account_of(controls.world).get("customer", customer) is None:
            raise Wrong(f"there is no customer {customer!r}")
        often = whole(params, "times", 1, least=1) if outcome == "fail" else 0
        code = str(params.get("code") or "generic_decline")
        fail_payments(controls.world, customer, often, code)
        return {"customer": customer, "failing": [code] * often}


def snapshot(controls: Controls, params: Params) -> Any:
    """Save the state of both servers under a name; the journal continues."""
    name = str(params.get("name") or f"snapshot-{len(controls.snapshots) + 1}")
    world = controls.world
    controls.snapshots[name] = (
        copy.deepcopy(world.parts),
        copy.deepcopy(world.ids),
        world.clock.offset_seconds,
    )
    return {"snapshot": name}


def restore(controls: Controls, params: Params) -> Any:
    """Restore a saved state, including its time."""
    name = str(params.get("name", ""))
    if name not in controls.snapshots:
        raise Wrong(f"there is no snapshot {name!r}; there are {list(controls.snapshots)}")
    parts, ids, offset = controls.snapshots[name]
    world = controls.world
    world.parts.clear()
    world.parts.update(copy.deepcopy(parts))
    world.ids = copy.deepcopy(ids)
    world.clock.put_back(offset)
    return {"restored": name, "now": world.clock.now()}


def scenario(controls: Controls, params: Params) -> Any:
    """Play a scenario: an included one by `name`, or from `toml`."""
    name, text = str(params.get("name") or ""), str(params.get("toml") or "")
    if name:
        files = {f.stem: f for f in SCENARIOS.glob("*.toml")}
        if name not in files:
            raise Wrong(f"there is no scenario {name!r}; there are {sorted(files)}")
        text = files[name].read_text()
    kept = play_scenario(controls.world, controls.info, read(text))
    return {name: answer.get("id") for name, answer in kept.items()}


# (method, address): control. GET takes its parameters from the query.
CONTROLS: dict[tuple[str, str], Callable[[Controls, Params], Any]] = {
    ("GET", "/state"): state,
    ("POST", "/clock/advance"): advance,
    ("GET", "/faults"): faults,
    ("POST", "/faults"): add_fault,
    ("DELETE", "/faults"): clear_faults,
    ("POST", "/faults/clear"): clear_faults,
    ("GET", "/webhooks"): deliveries,
    ("POST", "/webhooks"): webhooks,
    ("POST", "/endpoints"): endpoints,
    ("POST", "/flush"): flush,
    ("POST", "/payments"): payments,
    ("POST", "/timing"): timing,
    ("POST", "/read-only"): read_only,
    ("POST", "/limits"): limits,
    ("POST", "/settings"): settings,
    ("POST", "/keys"): make_key,
    ("POST", "/snapshot"): snapshot,
    ("POST", "/restore"): restore,
    ("GET", "/memberships"): memberships,
    ("POST", "/load"): load,
    ("POST", "/scenario"): scenario,
}
# These wait for others, so they must not lock the world.
WITHOUT_LOCK = (flush, scenario)
