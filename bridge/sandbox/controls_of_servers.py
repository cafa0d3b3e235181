"""Controls of one server: the forum's switches and people, the Stripe account's settings."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable
from typing import Any

from bridge.sandbox.controlled import Controls
from bridge.sandbox.discourse.membership import members_at
from bridge.sandbox.discourse.people import load_members, load_users
from bridge.sandbox.discourse.settings import DEFAULT_SETTINGS
from bridge.sandbox.discourse.state import SITE_ADMIN_ID
from bridge.sandbox.parameters import Params, Wrong, is_on, moment, number, whole
from bridge.sandbox.stripe import accept, account_of, restrict
from bridge.sandbox.stripe.errors import IN_USE, LOCK_TIMEOUT, RATE_LIMIT
from bridge.sandbox.stripe.routes import ROUTES

VERSIONS = ("3.2", "3.5")
DUNNING_ENDS = ("cancel", "unpaid", "past_due")
PREFIX = re.compile(r"[A-Za-z][A-Za-z_]{0,13}")
MANY_USERS = 200_000


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


def memberships(controls: Controls, params: Params) -> Any:
    """Who joined or left which group; with `group` and `at`, who was in it then."""
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


def make_key(controls: Controls, params: Params) -> Any:
    """A key that Stripe takes, `key` or a new one; `rights`: `all`, or such as `customers:read`."""
    key = params.get("key") or None
    if key is not None and not re.fullmatch(r"[sr]k_test_\w{1,200}", str(key)):
        raise Wrong(f"key={key!r}: say a test key, such as sk_test_abc or rk_test_abc")
    given = params.get("rights") or ""
    if given == "all":
        return {"key": accept(controls.world, key), "rights": ["all"]}
    rights = {r.strip() for r in (given if isinstance(given, list) else str(given).split(","))}
    families = {operation.split("/")[2] for operation in ROUTES}
    known = {f"{family}:{verb}" for family in families for verb in ("read", "write")}
    if unknown := rights - known:
        raise Wrong(
            f"rights={sorted(unknown)}: say all, or a family and read or write: {sorted(families)}"
        )
    return {"key": restrict(controls.world, rights, key), "rights": sorted(rights)}


def refusal_of_stripe(args: Params) -> Params:
    """Stripe's bodies for 429 (`lock_timeout` or too many) and 409, unless a body is given."""
    locked = str(args.pop("lock_timeout", "")).lower() == "true"
    bodies = {429: LOCK_TIMEOUT if locked else RATE_LIMIT, 409: IN_USE}
    body = bodies.get(int(args.get("status") or 0))
    return {"body": body, **args} if body else args


def _account_settings(controls: Controls, given: Params) -> Any:
    """Settings of a Stripe account: when failed payments are retried, and how that ends."""
    chosen = account_of(controls.world).settings
    if unknown := given.keys() - ACCOUNT_SETTINGS.keys():
        raise Wrong(f"no setting {sorted(unknown)} of the account; there are {[*ACCOUNT_SETTINGS]}")
    try:
        taken = {name: ACCOUNT_SETTINGS[name](value) for name, value in given.items()}
    except (TypeError, ValueError) as problem:
        raise Wrong(f"{given}: {problem}") from problem
    for name, value in taken.items():
        setattr(chosen, name, value)
    return {name: getattr(chosen, name) for name in ACCOUNT_SETTINGS}


def _days(value: Any) -> tuple[int, ...]:
    """`3,5,7` or a list."""
    days = tuple(int(d) for d in (value if isinstance(value, list) else str(value).split(",")))
    if min(days, default=0) < 0:
        raise ValueError("days are numbers of at least 0")
    return days


def _not_negative(value: Any) -> int:
    found = int(value)
    if found < 0:
        raise ValueError("say a number of at least 0")
    return found


def _dunning_end(value: Any) -> str:
    if value not in DUNNING_ENDS:
        raise ValueError(f"dunning_end is one of {', '.join(DUNNING_ENDS)}")
    return str(value)


# The settings of a Stripe account, and how each is read.
ACCOUNT_SETTINGS: dict[str, Callable[[Any], Any]] = {
    "dunning_days": _days,
    "dunning_end": _dunning_end,
    "async_payment_days": _not_negative,
    "search_lag_seconds": _not_negative,
}
