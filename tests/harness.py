"""A whole bridge in one process against the real sandbox: real HTTP, real SQL, real signatures.

Work is done by the sweeper's own loop, without Redis, so that a test decides when it happens. The
tests with real processes and Redis are in tests/e2e and tests/faults.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import stripe
from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import select
from werkzeug.serving import WSGIRequestHandler, make_server

from bridge import wiring
from bridge.core.model.actor import operator
from bridge.core.rules.policy import Policy
from bridge.operations import links
from bridge.rulebook import Rulebook
from bridge.sandbox import run as sandbox_run
from bridge.sandbox.discourse.people import add_group, add_user, run_due_merges
from bridge.sandbox.kernel import Entry
from bridge.sandbox.stripe import add_webhook, advance, delivery
from bridge.settings import Settings
from bridge.store import migrate
from bridge.store.schema.work import work
from bridge.web import create_app
from bridge.worker import sweeper
from tests.databases import compile_once, with_tables

SECRET_KEY = "a-secret-key-for-tests-that-is-long-enough"
POLICY = Policy(removal_confirm_seconds=60, statement_quiet_seconds=600)
DAY = 86_400
OPERATOR = operator("test")


class _CompiledTemplates(BytecodeCache):
    """The templates of all applications, compiled once a process and not for each application."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], Any] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.code


Flask.jinja_options["bytecode_cache"] = _CompiledTemplates()


class _Quiet(WSGIRequestHandler):
    protocol_version = "HTTP/1.1"

    def log(self, type: str, message: str, *args: Any) -> None:  # noqa: A002 - werkzeug's name
        """Say nothing."""


@contextmanager
def served(app: Any) -> Iterator[str]:
    """The address of a WSGI application on a free port."""
    server = make_server("127.0.0.1", 0, app, threaded=True, request_handler=_Quiet)
    # Else stopping it waits for half a second, a thousand times in a run.
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True
    )
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def eventually(is_so: Callable[[], Any], seconds: float = 10.0) -> Any:
    """Wait until something holds; its value."""
    until = time.monotonic() + seconds
    while True:
        value = is_so()
        if value:
            return value
        if time.monotonic() > until:
            raise AssertionError(f"did not become true within {seconds} s")
        time.sleep(0.01)


@dataclass
class System:
    """The sandbox, the bridge, and Stripe's own SDK to act as the outside world."""

    sandbox: sandbox_run.Sandbox
    bridge: wiring.Bridge
    url: str
    sdk: stripe.StripeClient
    groups: dict[str, int] = field(default_factory=dict)
    users: dict[str, int] = field(default_factory=dict)

    # --- the outside world ----------------------------------------------------------------------

    def user(self, name: str) -> int:
        """A forum user, made when first named."""
        if name not in self.users:
            made = add_user(
                self.sandbox.forum, name, f"{name}@example.com", self.sandbox.world.clock.now()
            )
            self.users[name] = made.id
        return self.users[name]

    def group(self, name: str, **more: Any) -> int:
        """A forum group, made when first named; the bridge reads the list of groups anew."""
        if name not in self.groups:
            made = add_group(self.sandbox.forum, name, self.sandbox.world.clock.now(), **more)
            self.groups[name] = made.id
        return self.groups[name]

    def price(
        self,
        groups: str,
        *,
        amount: int = 1000,
        interval: str | None = "month",
        **metadata: str,
    ) -> str:
        """A product with one price that leads to groups."""
        for name in filter(None, groups.split(",")):
            self.group(name)
        product = self.sdk.v1.products.create(
            {"name": f"Membership {groups}", "metadata": {"discourse_groups": groups, **metadata}}
        )
        what: Any = {
            "product": product.id,
            "currency": "eur",
            "unit_amount": amount,
        }
        if interval:
            what["recurring"] = {"interval": interval}
        return self.sdk.v1.prices.create(what).id

    def customer(self, user: str | None, **more: Any) -> str:
        """A customer with a card that works; linked to the user if one is named."""
        what: Any = {"payment_method": "pm_card_visa", **more}
        made = self.sdk.v1.customers.create(what)
        methods = self.sdk.v1.customers.payment_methods.list(made.id)
        if methods.data:
            self.sdk.v1.customers.update(
                made.id, {"invoice_settings": {"default_payment_method": methods.data[0].id}}
            )
        if user is not None:
            self.link(made.id, user)
        return made.id

    def link(self, customer: str, user: str) -> None:
        """Link a customer to a user, as an operator does."""
        links.link(self.bridge, OPERATOR, customer, self.user(user))

    def subscribe(self, customer: str, *prices: str, **more: Any) -> Any:
        """A subscription at Stripe."""
        items = [{"price": price} for price in prices]
        what: Any = {"customer": customer, "items": items, **more}
        return self.sdk.v1.subscriptions.create(what)

    def advance(self, seconds: float) -> None:
        """Let time pass, for everybody; merges of accounts that fall due are done then, too."""
        world = self.sandbox.world
        with world.lock:
            advance(world, seconds)
            run_due_merges(self.sandbox.forum, world.clock.now())

    # --- the bridge -----------------------------------------------------------------------------

    def settle(self, *, rounds: int = 50) -> None:
        """Let everything that is due happen, until there is nothing more to do."""
        for _ in range(rounds):
            delivery.wait_until_idle(self.sandbox.world)
            self.sandbox.world.clock.advance(1.1)
            found = sweeper.tick(self.bridge) + sweeper.tick(self.bridge)
            if found == 0 and not self._is_dirty():
                return
        raise AssertionError("the bridge does not come to rest")

    def _is_dirty(self) -> bool:
        with self.bridge.store.read() as connection:
            return bool(
                connection.execute(
                    select(work.c.key).where(
                        work.c.dirty_gen > work.c.done_gen,
                        work.c.attempts == 0,
                        # Later is what failed and is put off for itself.
                        work.c.next_at <= self.bridge.clock.now() + timedelta(seconds=3),
                    )
                ).first()
            )

    # --- looking from outside -------------------------------------------------------------------

    def members(self, group: str) -> set[str]:
        """Who is in a group on the forum, by name."""
        forum = self.sandbox.forum
        found = forum.groups[self.group(group)]
        return {forum.users[user_id].username for user_id in found.members}

    def groups_of(self, user: str) -> set[str]:
        """The mapped groups that a user is in on the forum."""
        return {name for name in self.groups if user in self.members(name)}

    def mark(self) -> int:
        """A place in the journal."""
        entries = self.sandbox.world.journal.since()
        return entries[-1].number if entries else 0

    def calls(self, server: str, since: int = 0) -> list[Entry]:
        """The requests that the bridge sent to a server since a place in the journal."""
        return [
            entry
            for entry in self.sandbox.world.journal.since(since, server)
            if server == "stripe" or entry.caller not in ("nobody", "browser", "")
        ]


def world_begins() -> float | None:
    """When the simulated clock starts: WORLD_BEGINS with its offset from UTC, else now.

    tests/other_days.py sets it. Only simulated time moves: libfaketime makes time.sleep fail.
    """
    told = os.environ.get("WORLD_BEGINS")
    return datetime.fromisoformat(told).timestamp() if told else None


def open_sandbox(clock_file: Path, **options: Any) -> sandbox_run.Sandbox:
    """Both simulated servers; their clock runs from the moment at which the world begins."""
    if "frozen_at" in options or (begins := world_begins()) is None:
        return sandbox_run.start(clock_file=clock_file, **options)
    sandbox = sandbox_run.start(clock_file=clock_file, frozen_at=begins, **options)
    sandbox.world.clock.go_on()
    return sandbox


@contextmanager
def system(
    tmp_path: Path,
    *,
    database_url: str | None = None,
    policy: Policy = POLICY,
    per_minute: int = 50,
    **options: Any,
) -> Iterator[System]:
    """Start everything; stop everything."""
    clock_file = tmp_path / "clock"
    sandbox = open_sandbox(clock_file, **options)
    info = sandbox.info
    settings = Settings(
        stripe_api_key=info["stripe_key"],
        stripe_webhook_secrets=(info["stripe_webhook_secret"],),
        stripe_api_base=info["stripe_url"],
        discourse_url=info["discourse_url"],
        discourse_api_key=info["discourse_key"],
        discourse_api_username=info["discourse_username"],
        discourse_connect_secret=info["connect_secret"],
        discourse_webhook_secret=info["discourse_webhook_secret"],
        discourse_requests_per_minute=per_minute,
        bridge_url="http://127.0.0.1:1",
        secret_key=SECRET_KEY,
        database_url=database_url or with_tables(tmp_path / "bridge.db"),
        bridge_data=tmp_path,
        clock_file=clock_file,
    )
    bridge = wiring.build(settings)
    compile_once(bridge.store)
    bridge = replace(bridge, policy=policy, rulebook=Rulebook(policy))
    migrate.upgrade(bridge.store, bridge.clock.now())
    bridge.limiter.prepare()
    try:
        with served(create_app(bridge)) as url:
            bridge = replace(bridge, settings=replace(settings, bridge_url=url))
            add_webhook(
                sandbox.world, f"{url}/webhooks/stripe", secret=info["stripe_webhook_secret"]
            )
            sdk = stripe.StripeClient(
                info["stripe_key"], base_addresses={"api": info["stripe_url"]}
            )
            yield System(sandbox, bridge, url, sdk)
    finally:
        bridge.store.close()
        sandbox.close()
