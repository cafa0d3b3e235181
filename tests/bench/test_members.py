"""From a payment to the group: single buyers with the real processes, and a rush."""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.core.model.discourse import User
from bridge.sandbox.discourse.people import add_user, load_users
from bridge.sandbox.stripe import add_webhook, delivery
from bridge.sandbox.stripe.account import account_of
from bridge.store import links
from bridge.store import users as store_users
from bridge.worker import sweeper
from tests.bench.report import at_most, percentile, show
from tests.e2e.place import PASSWORD, Browser
from tests.harness import POLICY, System, system
from tests.processes import Live, live

pytestmark = [pytest.mark.bench, pytest.mark.timeout(3600)]
ONE_BY_ONE = 24
APART_SECONDS = 3.0
BUYERS = int(os.environ.get("BENCH_BUYERS", "5000"))
HOUR = 3600.0


def row(name: str, waits: list[float]) -> tuple[object, ...]:
    points = [percentile(waits, 50), percentile(waits, 99), max(waits)]
    return (name, len(waits), *(f"{point:.2f}" for point in points))


def times_in(world: System, group: str) -> dict[int, float]:
    """user id -> when they came into the group."""
    group_id = world.group(group)
    log = world.sandbox.forum.membership_log
    return {change.user_id: change.at for change in log if change.group_id == group_id}


@dataclass
class Site:
    """The data for a browser of the end-to-end tests."""

    url: str
    forum_url: str


def test_from_a_payment_to_the_group_through_the_real_processes(tmp_path: Path) -> None:
    back = through_the_real_processes(tmp_path / "back", come_back)
    away = through_the_real_processes(tmp_path / "away", stay_away)
    at_most("paid to in the group, one at a time, p50", percentile(back, 50), 1, "s")
    at_most("paid to in the group, one at a time, p99", percentile(back, 99), 3, "s")
    show(
        "Seconds from a payment to the group, one every 3 s (real processes, SQLite, Redis)",
        ("what", "members", "p50 s", "p99 s", "max s"),
        [row("who comes back from Stripe", back), row("who does not", away)],
    )


def through_the_real_processes(
    folder: Path, buy: Callable[[Live, str], dict[int, float]]
) -> list[float]:
    """How long each waited who bought in this way."""
    folder.mkdir()
    with live(folder) as it:
        price = it.system.price("supporters")
        it.start("redis")
        for command in ("web", "worker", "sweep"):
            it.start(command, REDIS_URL=f"unix://{it.redis_socket}")
        it.until(lambda: has_offer(it, price))
        paid = buy(it, price)
        it.until(lambda: len(times_in(it.system, "supporters")) == ONE_BY_ONE)
        came = times_in(it.system, "supporters")
        assert most_in_a_minute(it.system) <= 50, "I4"
        return [came[user_id] - at for user_id, at in paid.items()]


def has_offer(it: Live, price: str) -> bool:
    """The bridge has read the catalogue, and knows where the price leads."""
    return requests.get(f"{it.system.url}/join/{price}", timeout=20).ok


def come_back(it: Live, price: str) -> dict[int, float]:
    """Each follows the link, pays on Stripe's page, and is led back by it. When each paid."""
    world, paid = it.system, {}
    place: Any = Site(world.url, world.sandbox.info["discourse_url"])
    buyers = []
    for number in range(ONE_BY_ONE):
        name, now = f"member{number}", world.sandbox.world.clock.now()
        user = add_user(world.sandbox.forum, name, f"{name}@example.com", now, password=PASSWORD)
        browser = Browser(place)
        browser.log_in(name)
        led = browser.submit(browser.get(f"/join/{price}"), f"/join/{price}")
        buyers.append((user.id, browser, led.headers["Location"]))
    time.sleep(65)  # whatever the sign-ins cost of the forum's minute
    for user_id, browser, address in buyers:
        began = time.monotonic()
        paid[user_id] = world.sandbox.world.clock.now()
        form = {"token": "pm_card_visa", "email": "somebody@example.com", "country": "DE"}
        browser.get(browser.post(address, data=form, allow_redirects=False).headers["Location"])
        time.sleep(max(0.0, APART_SECONDS - (time.monotonic() - began)))
    return paid


def stay_away(it: Live, price: str) -> dict[int, float]:
    """Each pays, and nobody looks at the bridge's page again: its webhooks are all it hears."""
    world, paid = it.system, {}
    customers = prepared(world, ONE_BY_ONE)
    time.sleep(5)  # whatever the first start has to read
    for user_id, customer in customers:
        paid[user_id] = world.sandbox.world.clock.now()
        world.subscribe(customer, price)
        time.sleep(APART_SECONDS)
    return paid


def test_a_rush_of_buyers_within_an_hour_at_the_real_request_limit(tmp_path: Path) -> None:
    luck = random.Random(5000)  # noqa: S311 - who buys when, no secret
    policy = replace(POLICY, statement_quiet_seconds=600)
    with system(tmp_path, policy=policy, discourse_limit=60) as world:
        listen_to_what_matters(world)
        price = world.price("supporters")
        buyers = prepared(world, BUYERS)
        world.settle()
        due = sorted(luck.uniform(0, HOUR) for _ in buyers)
        paid = rush(world, buyers, due, price)
        came = times_in(world, "supporters")
        waits = [came[user_id] - at for user_id, at in paid.items() if user_id in came]
        calls = len([e for e in world.calls("discourse") if e.method != "GET"])
        told = len(world.sandbox.forum.topics)
        most = most_in_a_minute(world)
    assert len(waits) == len(buyers)
    at_most(f"paid to in the group, {BUYERS:,} buyers in an hour, worst", max(waits), 30, "s")
    show(
        f"{BUYERS} people buy within an hour; 50 requests a minute; simulated clock, one process",
        ("what", "members", "p50 s", "p99 s", "max s"),
        [row("payment to membership", waits)],
    )
    show(
        "The same hour, counted",
        ("writes to the forum", "most requests in any 60 s", "messages by the end"),
        [(calls, most, told)],
    )
    assert most <= 50, "I4"


def listen_to_what_matters(world: System) -> None:
    """Of the dozen events of a sign-up, the two that a real endpoint would be given at least."""
    account = account_of(world.sandbox.world)
    account.tables["webhook_endpoint"].clear()
    add_webhook(
        world.sandbox.world,
        f"{world.url}/webhooks/stripe",
        ["customer.subscription.created", "invoice.paid"],
        secret=world.sandbox.info["stripe_webhook_secret"],
    )


def prepared(world: System, count: int) -> list[tuple[int, str]]:
    """Users with a customer that is linked to them, as following a join link leaves them."""
    now = world.bridge.clock.now()
    users = load_users(world.sandbox.forum, count, world.sandbox.world.clock.now())
    customers = [world.customer(None) for _ in users]
    with world.bridge.store.write() as connection:
        for user, customer in zip(users, customers, strict=True):
            links.link(connection, customer, user.id, proof="checkout", actor="bench", now=now)
            store_users.see(connection, User(user.id, user.username), now)
    return [(user.id, customer) for user, customer in zip(users, customers, strict=True)]


def rush(
    world: System, buyers: list[tuple[int, str]], due: list[float], price: str
) -> dict[int, float]:
    """Everybody buys when it is their time; each turn of the sweeper is at least a second."""
    clock = world.sandbox.world.clock
    start, paid, waiting = clock.now(), {}, list(zip(due, buyers, strict=True))[::-1]
    while waiting or len(times_in(world, "supporters")) < len(buyers):
        began = clock.now()
        while waiting and waiting[-1][0] <= began - start:
            _, (user_id, customer) = waiting.pop()
            paid[user_id] = clock.now()
            world.subscribe(customer, price)
        delivery.wait_until_idle(world.sandbox.world)
        sweeper.tick(world.bridge)
        left = 1.0 - (clock.now() - began)
        if left > 0:
            world.advance(left)
        assert clock.now() - start < 3 * HOUR, "the rush does not come to its end"
    return paid


def most_in_a_minute(world: System) -> int:
    """The most requests with a key that the forum saw within any 60 s."""
    times = sorted(entry.at for entry in world.calls("discourse"))
    first = most = 0
    for last, at in enumerate(times):
        while at - times[first] >= 60:
            first += 1
        most = max(most, last - first + 1)
    return most
