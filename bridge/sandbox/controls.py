"""What can be done to a running sandbox: every control is a function of its parameters to JSON.

The API and the page in `control` only hand parameters over.
"""

from __future__ import annotations

import copy
import dataclasses
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from bridge.sandbox.discourse import delivery as forum_delivery
from bridge.sandbox.discourse.delivery import is_loopback
from bridge.sandbox.discourse.hooks import listen
from bridge.sandbox.discourse.membership import members_at
from bridge.sandbox.discourse.people import load_members, load_users, run_due_merges
from bridge.sandbox.discourse.settings import DEFAULT_SETTINGS
from bridge.sandbox.discourse.state import SITE_ADMIN_ID, Forum
from bridge.sandbox.kernel import Ids, World
from bridge.sandbox.parameters import (
    MOST,
    Params,
    Wrong,
    is_on,
    moment,
    number,
    one_of,
    times,
    whole,
)
from bridge.sandbox.scenario import SCENARIOS, play_scenario, read
from bridge.sandbox.stripe import account_of, add_webhook, fail_payments, tick
from bridge.sandbox.stripe import advance as advance_stripe
from bridge.sandbox.stripe import delivery as stripe_delivery

VERSIONS = ("3.2", "3.5")
DUNNING_ENDS = ("cancel", "unpaid", "past_due")
ORDERS = ("given", "reversed", "shuffled")
FAULTS = (
    "status", "slow", "hang", "reset_before", "reset_after", "timeout_after", "html", "half_body",
    "short_page", "partial",
)  # fmt: skip
OF_THE_FORUM = ("short_page", "partial")
FAULT_MATCH = re.compile(r"(\*|[A-Z]+) [/*].*")
FAULT_NUMBERS = {"seconds", "status", "entries", "members"}
PREFIX = re.compile(r"[A-Za-z][A-Za-z_]{0,13}")
MANY_USERS = 200_000
DELIVERIES: dict[str, Any] = {"stripe": stripe_delivery, "discourse": forum_delivery}


@dataclass(slots=True)
class Controls:
    """The world, what the command line printed, and snapshots taken."""

    world: World
    info: dict[str, str]
    snapshots: dict[str, tuple[dict[str, Any], Ids, float]] = field(default_factory=dict)

    @property
    def forum(self) -> Forum:
        """The forum's state."""
        found: Forum = self.world.parts["discourse"]
        return found


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
    if not isinstance(args.get("headers", {}), dict):
        raise Wrong("headers is an object of names and values")
    often, skip = times(params), whole(params, "skip", 0)
    fault = controls.world.faults.add(server, match, kind, times=often, skip=skip, **args)
    return dataclasses.asdict(fault)


def faults(controls: Controls, _params: Params) -> Any:
    """The switches in force."""
    return [dataclasses.asdict(f) for f in controls.world.faults.switches]


def clear_faults(controls: Controls, _params: Params) -> Any:
    """All is well again."""
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
    """What was sent, is waiting, got lost."""
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


def timing(controls: Controls, params: Params) -> Any:
    """Slow membership writes, cut off at a limit; see Timing."""
    kept = controls.forum.timing
    names = ("add_seconds", "remove_seconds", "limit_seconds", "scale")
    told = {name: number(params, name, getattr(kept, name)) for name in names}
    kept.on = is_on(params)
    for name, value in told.items():
        setattr(kept, name, value)
    return dataclasses.asdict(kept)


def read_only(controls: Controls, params: Params) -> Any:
    """Maintenance of the forum."""
    controls.forum.read_only = is_on(params)
    return {"read_only": controls.forum.read_only}


def limits(controls: Controls, params: Params) -> Any:
    """Requests a minute for keys, and within 10 seconds by address (0: no limit)."""
    forum = controls.forum
    names = ("requests_per_minute", "ip_requests_per_10_seconds")
    told = {name: whole(params, name, getattr(forum, name)) for name in names}
    for name, value in told.items():
        setattr(forum, name, value)
    return told


def settings(controls: Controls, params: Params) -> Any:
    """The forum's site settings and its `version`; with `server` stripe, the account's choices."""
    given = {k: v for k, v in params.items() if k != "server"}
    if params.get("server") == "stripe":
        return _account_settings(controls, given)
    forum = controls.forum
    for name, value in given.items():
        if name == "version" and value not in VERSIONS:
            raise Wrong(f"version={value!r}: say {' or '.join(VERSIONS)}")
        if name != "version" and name not in DEFAULT_SETTINGS:
            raise Wrong(f"there is no site setting {name!r} here")
    forum.version = str(given.pop("version", forum.version))
    forum.settings |= given
    return forum.settings


def _account_settings(controls: Controls, given: Params) -> Any:
    """What the owner of a Stripe account chooses: how failed payments are retried, and end."""
    chosen = account_of(controls.world).settings
    if unknown := given.keys() - ACCOUNT_SETTINGS.keys():
        raise Wrong(f"no setting {sorted(unknown)} of the account; there are {[*ACCOUNT_SETTINGS]}")
    try:
        taken = {name: ACCOUNT_SETTINGS[name](value) for name, value in given.items()}
    except ValueError as problem:
        raise Wrong(f"{given}: {problem}") from problem
    for name, value in taken.items():
        setattr(chosen, name, value)
    return {name: getattr(chosen, name) for name in ACCOUNT_SETTINGS}


def _days(value: Any) -> tuple[int, ...]:
    """`3,5,7` or a list."""
    return tuple(int(d) for d in (value if isinstance(value, list) else str(value).split(",")))


def _dunning_end(value: Any) -> str:
    if value not in DUNNING_ENDS:
        raise ValueError(f"dunning_end is one of {', '.join(DUNNING_ENDS)}")
    return str(value)


def snapshot(controls: Controls, params: Params) -> Any:
    """Keep the state of both servers under a name; the journal goes on."""
    name = str(params.get("name") or f"snapshot-{len(controls.snapshots) + 1}")
    world = controls.world
    controls.snapshots[name] = (
        copy.deepcopy(world.parts),
        copy.deepcopy(world.ids),
        world.clock.offset_seconds,
    )
    return {"snapshot": name}


def restore(controls: Controls, params: Params) -> Any:
    """Put a kept state back, its time included."""
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


def memberships(controls: Controls, params: Params) -> Any:
    """Who came into or left which group; with `group` and `at`, who was in it at that moment."""
    forum = controls.forum
    if params.get("at"):
        group = forum.group_named(str(params.get("group", "")))
        if group is None:
            raise Wrong(f"there is no group {params.get('group')!r}")
        return sorted(members_at(forum, group.id, moment(str(params["at"]))))
    return [dataclasses.asdict(change) for change in forum.membership_log]


def load(controls: Controls, params: Params) -> Any:
    """Many users at once (`users`, named `prefix1`…), put into a `group` if one is named."""
    forum, now = controls.forum, controls.world.clock.now()
    prefix, count = str(params.get("prefix") or "member"), whole(params, "users", 0, least=1)
    group = forum.group_named(str(params.get("group") or ""))
    if params.get("group") and group is None:
        raise Wrong(f"there is no group {params['group']!r}; make it first")
    if not PREFIX.fullmatch(prefix) or count > MANY_USERS:
        raise Wrong(f"say a prefix of letters, and at most {MANY_USERS} users")
    users = load_users(forum, count, now, prefix, whole(params, "start", 1))
    if group is not None:
        load_members(forum, group, users, now, SITE_ADMIN_ID)
    return {"users": [u.id for u in users[:1]] + [u.id for u in users[-1:]], "count": len(users)}


def scenario(controls: Controls, params: Params) -> Any:
    """Play a life: one of the files that come with it by `name`, or `toml`."""
    name, text = str(params.get("name") or ""), str(params.get("toml") or "")
    if name:
        files = {f.stem: f for f in SCENARIOS.glob("*.toml")}
        if name not in files:
            raise Wrong(f"there is no scenario {name!r}; there are {sorted(files)}")
        text = files[name].read_text()
    kept = play_scenario(controls.world, controls.info, read(text))
    return {name: answer.get("id") for name, answer in kept.items()}


# What may be chosen of a Stripe account, and how it is read.
ACCOUNT_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "dunning_days": _days,
    "dunning_end": _dunning_end,
    "async_payment_days": int,
    "search_lag_seconds": int,
}
# (method, address): control. Reading takes its parameters from the query.
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
    ("POST", "/snapshot"): snapshot,
    ("POST", "/restore"): restore,
    ("GET", "/memberships"): memberships,
    ("POST", "/load"): load,
    ("POST", "/scenario"): scenario,
}
# These wait for others, so they must not hold the world still.
WITHOUT_LOCK = (flush, scenario)
