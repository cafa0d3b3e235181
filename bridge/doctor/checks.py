"""Checks everything that the bridge needs, and changes nothing. Findings have a code and a hint.

The settings come first: if they are wrong, nothing else can be checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

import redis

from bridge.core.events.needed import DECIDING_TYPES, ENTITLEMENTS_TYPE
from bridge.core.model.stripe import Price, Product
from bridge.core.rules.compiled import Rules
from bridge.core.rules.mapping import compile_rules
from bridge.discourse_api.client import DiscourseApi
from bridge.discourse_api.refusals import Priority
from bridge.discourse_api.visitor import skew_seconds
from bridge.doctor import proofs
from bridge.doctor.findings import Finding, cause, wrong
from bridge.doctor.words import (
    NOT_NEEDED_HINT,
    clock,
    database,
    endpoints,
    ladder_steps,
    mapping,
    steps_on_page,
    told,
)
from bridge.errors import BridgeError, Config, Transient, WrongConfig
from bridge.processes.startup import mode_problem
from bridge.settings import Settings
from bridge.store import groups as group_store
from bridge.store import migrate
from bridge.wiring import Bridge, build, read_policy

Part = Callable[[Bridge], Iterable[Finding]]
REACH_SECONDS = 5


def examine(env: Mapping[str, str]) -> Iterator[Finding]:
    """Check everything and yield each finding as it is made, to show the progress."""
    try:
        settings = Settings.from_env(env)
        read_policy(settings.bridge_config)
    except WrongConfig as error:
        yield from (wrong("Settings", problem) for problem in error.problems)
        return
    except Config as problem:
        yield wrong("Settings", problem)
        return
    mode = "live mode: real money" if settings.livemode else "test mode: no real money"
    yield Finding("Settings", "ok", f"complete; {mode}")
    try:
        bridge = build(settings, patient=True)
    except Config as problem:
        yield wrong("Database", problem)
        return
    try:
        parts: tuple[Part, ...] = (
            _files,
            _database,
            _redis,
            proofs.port,
            _clock,
            _discourse,
            proofs.connect_secret,
            _stripe,
            _webhooks,
            proofs.webhook_secret,
            _mapping,
        )
        for part in parts:
            yield from _tried(bridge, part)
    finally:
        bridge.store.close()


def _tried(bridge: Bridge, part: Part) -> Iterator[Finding]:
    """Run one check; if it fails to run, that is a finding too, and the others still run."""
    try:
        yield from part(bridge)
    except BridgeError as error:
        subject = part.__name__.strip("_").replace("_", " ").capitalize()
        hint = cause(error, "the settings that it needs")
        yield Finding(subject, "problem", f"could not be checked: {error}", "B125", hint)


# --- This machine -------------------------------------------------------------------------------


def _files(bridge: Bridge) -> Iterator[Finding]:
    """Whether others on this machine can read the secrets, or who pays for what."""
    data = bridge.settings.bridge_data
    database = Path(bridge.store.url.database or "") if bridge.store.is_sqlite else None
    looked_at = [Path(".env"), data, data / "redis.sock", *([database] if database else [])]
    open_ones = [
        path
        for path in looked_at
        if path.exists() and path.stat().st_mode & 0o077 and not _is_private(path.parent)
    ]
    for path in open_ones:
        message = f"{path} can be read by others on this machine"
        yield Finding("Files", "note", message, "B126", f"chmod go= {path}")
    if not open_ones:
        yield Finding("Files", "ok", "private")


def _is_private(folder: Path) -> bool:
    return not folder.stat().st_mode & 0o011


def _database(bridge: Bridge) -> Iterator[Finding]:
    where = bridge.store.url.render_as_string(hide_password=True)
    try:
        state = migrate.state(bridge.store)
        other_mode = mode_problem(bridge) if state == "current" else None
    except BridgeError as error:
        yield Finding("Database", "problem", f"{where}: {error}", "B120", "Check DATABASE_URL.")
        return
    yield database(where, state)
    if other_mode:
        yield wrong("Database", other_mode)


def _redis(bridge: Bridge) -> Iterator[Finding]:
    if bridge.settings.redis_url is None:
        yield Finding("Redis", "ok", "REDIS_URL is not set: `bridge up` runs its own Redis")
        return
    try:
        with redis.Redis.from_url(
            bridge.settings.redis_url, socket_connect_timeout=REACH_SECONDS
        ) as client:
            client.ping()
    except (redis.RedisError, OSError) as error:
        yield Finding(
            "Redis",
            "problem",
            f"does not answer ({type(error).__name__}); everything takes some seconds longer",
            "B122",
            "Check REDIS_URL, or remove it.",
        )
    else:
        yield Finding("Redis", "ok", "answers")


def _clock(bridge: Bridge) -> Iterator[Finding]:
    """Compare the clock with the forum's: signatures are only valid for five minutes."""
    if bridge.settings.clock_file:
        yield Finding("Clock", "note", "moved by BRIDGE_CLOCK_FILE, for a rehearsal")
        return
    skew = skew_seconds(bridge.settings.discourse_url, bridge.clock.now)
    yield clock(skew)


# --- The other sides ----------------------------------------------------------------------------


def _discourse(bridge: Bridge) -> Iterator[Finding]:
    try:
        forum = _forum(bridge)
        checks = forum.probe() + (forum.probe_invites() if bridge.policy.claim_invite else [])
    except Transient as error:
        yield Finding("Discourse", "problem", str(error), "B131", cause(error, "DISCOURSE_URL"))
        return
    yield from told("Discourse", checks, "B130")


def _stripe(bridge: Bridge) -> Iterator[Finding]:
    try:
        checks = bridge.stripe.probe_scopes(
            features=bool(bridge.policy.features), refunds=bridge.policy.refunds
        )
    except BridgeError as error:
        yield Finding("Stripe", "problem", str(error), "B161", cause(error, "STRIPE_API_KEY"))
        return
    yield from told("Stripe", checks, "B160")


def _webhooks(bridge: Bridge) -> Iterator[Finding]:
    address = f"{bridge.settings.bridge_url}/webhooks/stripe"
    try:
        here = [point for point in bridge.stripe.webhook_endpoints() if point.url == address]
    except BridgeError as error:
        yield Finding("Webhooks", "note", f"not checked: {error}", hint=NOT_NEEDED_HINT)
        return
    needed = {*DECIDING_TYPES, ENTITLEMENTS_TYPE} if bridge.policy.features else set(DECIDING_TYPES)
    yield from endpoints(address, here, needed)


def _mapping(bridge: Bridge) -> Iterator[Finding]:
    products: list[Product] = []
    prices: list[Price] = []
    try:
        with_features = bool(bridge.policy.features)
        features = bridge.stripe.features() if with_features else ()
        for some_products, some_prices in bridge.stripe.catalogue(features=with_features):
            products += some_products
            prices += some_prices
        groups = {group.id: group for group in _forum(bridge).groups()}
        pins: Mapping[str, int] = {}
        if migrate.state(bridge.store) == "current":
            with bridge.store.read() as connection:
                pins = group_store.load_pins(connection)
    except BridgeError as error:
        yield Finding("Mapping", "note", f"not checked: {error}")
        return
    rules = compile_rules(products, prices, bridge.policy, pins, groups, features)
    yield from mapping(rules)
    yield from _groups(bridge, sorted(rules.mapped_group_ids & groups.keys()))
    yield from _portal(bridge, rules, prices)


def _groups(bridge: Bridge, group_ids: Iterable[int]) -> Iterator[Finding]:
    """Check that the key may change every mapped group, not only one of them (A147)."""
    try:
        for group_id in group_ids:
            refused = [one for one in _forum(bridge).probe_group(group_id) if not one.ok]
            yield from told("Groups", refused, "B130")
    except Transient as error:
        yield Finding("Groups", "problem", str(error), "B131", cause(error, "DISCOURSE_URL"))


def _portal(bridge: Bridge, rules: Rules, prices: Iterable[Price]) -> Iterator[Finding]:
    """Check that members can change to each step of a ladder on Stripe's own page."""
    steps = ladder_steps(rules, prices)
    try:
        terms = bridge.stripe.portal_terms() if steps else None
    except BridgeError as error:
        yield Finding("Portal", "note", f"not checked: {error}", hint=NOT_NEEDED_HINT)
        return
    yield from proofs.proration(terms)
    yield from steps_on_page(steps, terms)


def _forum(bridge: Bridge) -> DiscourseApi:
    """The forum through the site's request limiter, which needs tables; without them, directly."""
    settings = bridge.settings

    def open_gate(_priority: Priority) -> AbstractContextManager[object]:
        return nullcontext()

    if migrate.state(bridge.store) == "current":
        return bridge.discourse
    return DiscourseApi(
        settings.discourse_url,
        settings.discourse_api_key,
        settings.discourse_api_username,
        open_gate,
    )
