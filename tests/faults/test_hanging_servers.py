"""A Stripe or a forum that hangs: pages wait for it or give up, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests

from bridge.bulkhead import Bulkhead
from bridge.errors import Transient
from tests.e2e.place import PASSWORD, Browser
from tests.faults.webhooks import WEBHOOK_SECONDS, webhooks_take
from tests.processes import Live

pytestmark = pytest.mark.faults

PORTAL = "POST /v1/billing_portal/sessions"


@dataclass
class Site:
    """The addresses of the bridge's real web process and its forum, for a browser."""

    url: str
    forum_url: str


def member(live: Live, name: str) -> Browser:
    """Somebody with a customer at Stripe, signed in at the bridge."""
    system = live.system
    system.customer(name)
    system.sandbox.forum.users[system.user(name)].password = PASSWORD
    browser = Browser(Site(system.url, system.bridge.settings.discourse_url))  # type: ignore[arg-type]
    browser.log_in(name)
    assert browser.get("/me").url == f"{system.url}/me"
    return browser


@contextmanager
def asking_at_once(count: int, ask: Callable[[], requests.Response]) -> Iterator[list[int]]:
    """So many requests at once; the statuses of their answers, as they come."""
    statuses: list[int] = []

    def one() -> None:
        statuses.append(ask().status_code)

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield statuses
    finally:
        for thread in threads:
            thread.join()


def test_A131_twenty_hanging_requests_of_a_member_delay_no_webhook_and_nobody_else(
    processes: Live,
) -> None:
    live = processes
    live.start("web")
    ada, eve = member(live, "ada"), member(live, "eve")
    page = ada.get("/me")
    faults = live.system.sandbox.world.faults
    faults.add("stripe", PORTAL, "slow", seconds=30, times=100)
    with asking_at_once(20, lambda: ada.submit(page, "/me/billing")) as statuses:
        live.until(lambda: len(statuses) == 18, seconds=5)
        assert set(statuses) == {429}
        assert webhooks_take(live) < WEBHOOK_SECONDS
        began = time.monotonic()
        assert eve.get("/me").status_code == 200
        assert time.monotonic() - began < 2
    assert sorted(statuses)[-2:] == [503, 503], "they gave up long before the half minute"
    faults.clear()
    assert eve.submit(eve.get("/me"), "/me/billing").status_code == 303


def test_A131_many_members_whose_requests_hang_leave_room_for_webhooks(processes: Live) -> None:
    live = processes
    live.start("web")
    browsers = [member(live, f"user{number}") for number in range(8)]
    pages = [browser.get("/me") for browser in browsers]
    live.system.sandbox.world.faults.add("stripe", PORTAL, "slow", seconds=30, times=100)
    with ThreadPoolExecutor(8) as pool:
        answers = [
            pool.submit(browser.submit, page, "/me/billing")
            for browser, page in zip(browsers, pages, strict=True)
        ]
        live.until(lambda: sum(answer.done() for answer in answers) >= 5, seconds=5)
        assert webhooks_take(live) < WEBHOOK_SECONDS
        assert {answer.result().status_code for answer in answers} == {503}
        assert all(answer.result().headers["Retry-After"] for answer in answers)


def test_A131_a_bulkhead_has_room_again_when_a_request_ended_however_it_did() -> None:
    bulkhead = Bulkhead("Stripe", 2)
    for _ in range(5):
        with pytest.raises(ZeroDivisionError), bulkhead.place():
            _ = 1 // 0
    with (
        bulkhead.place(),
        bulkhead.place(),
        pytest.raises(Transient, match="Stripe"),
        bulkhead.place(),
    ):
        pass
    with bulkhead.place():
        pass
