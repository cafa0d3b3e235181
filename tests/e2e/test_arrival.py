"""Back from Stripe: the bridge asks about the order at once, and the page shows its state."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.stripe import advance, delivery
from bridge.worker import sweeper
from tests.e2e.place import Browser, Place, open_patrons

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada") as opened:
        yield opened


@pytest.fixture
def price(place: Place) -> str:
    made = place.sell_at_stripe("Patron", "patrons", 2500, "year")
    place.settle()
    return made


def ordered(place: Place, browser: Browser, price: str) -> Any:
    """Open the link and press the button; the session at Stripe, not paid yet."""
    gone = browser.submit(browser.get(f"/join/{price}"), f"/join/{price}")
    assert gone.status_code == 303, gone.text
    place.settle()
    session = place.stripe.v1.checkout.sessions.list().data[0]
    assert session.url == gone.headers["Location"]
    return session


def work(place: Place) -> None:
    """Do the worker's work, without any time passing."""
    while sweeper.tick(place.bridge):
        pass


def asked(place: Place, since: int) -> list[str]:
    """The bridge's requests to Stripe about the buyer and the order since a place in the journal.

    Without the sweep's requests for everybody.
    """
    return [
        f"{entry.method} {entry.path}"
        for entry in place.world.journal.since(since, "stripe")
        if ("customer=" in entry.query or entry.path.startswith("/v1/checkout/sessions/cs_"))
    ]


def mark(place: Place) -> int:
    return place.world.journal.since()[-1].number


def refresh(page: Any) -> str | None:
    """The address where the page goes automatically, or None."""
    _, found, rest = page.text.partition('http-equiv="refresh" content="')
    return rest.partition('"')[0] if found else None


@pytest.mark.parametrize("interval", ["year", None], ids=["subscription", "once"])
def test_the_buyer_is_in_without_any_webhook_and_those_that_follow_cost_nothing(
    place: Place, interval: str | None
) -> None:
    price = place.sell_at_stripe("Patron", "patrons", 2500, interval)
    place.settle()
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    delivery.hold(place.world)
    place.pay_at_stripe(session.url)
    before = mark(place)
    waiting = browser.get(session.success_url)
    again = session.success_url.removeprefix(place.url)
    assert refresh(waiting) == f"1; url={again}&amp;n=1"
    work(place)
    assert "You are in Patrons" in browser.get(session.success_url).text
    reading = [f"GET /v1/checkout/sessions/{session.id}", "GET /v1/subscriptions"]
    if interval is None:
        reading += ["GET /v1/checkout/sessions", "GET /v1/invoices"]
    assert asked(place, before) == reading
    delivery.release(place.world)
    place.settle()
    place.pass_time(60)
    place.settle()
    assert asked(place, before) == reading, "the webhooks cost no second reading"
    assert place.members("patrons") == {"ada"}
    forum = place.world.journal.since(before, "discourse")
    sent = [entry.path for entry in forum if entry.method != "GET"]
    group = place.forum.group_id_by_name["patrons"]
    assert sent == [f"/groups/{group}/members.json", "/posts.json"]


def test_a_webhook_that_was_faster_leaves_only_the_session_to_read(
    place: Place, price: str
) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    before = mark(place)
    place.pay_at_stripe(session.url)
    place.settle()
    assert place.members("patrons") == {"ada"}
    assert "You are in Patrons" in browser.get(session.success_url).text
    place.settle()
    read = ["GET /v1/subscriptions", f"GET /v1/checkout/sessions/{session.id}"]
    assert asked(place, before) == read


def test_news_of_the_same_second_as_the_reading_is_not_taken_for_old(
    place: Place, price: str
) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    delivery.hold(place.world)
    place.pay_at_stripe(session.url)
    browser.get(session.success_url)
    work(place)
    assert place.members("patrons") == {"ada"}
    (subscription,) = place.stripe.v1.subscriptions.list().data
    place.stripe.v1.subscriptions.cancel(subscription.id)
    delivery.release(place.world)
    place.settle()
    place.pass_time(90)
    place.settle()
    assert place.members("patrons") == set()


def test_A131_reloading_has_stripe_asked_a_few_times_however_often_and_in_however_many_tabs(
    place: Place, price: str
) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    before = mark(place)
    with ThreadPoolExecutor(4) as tabs:
        pages = list(tabs.map(lambda _: browser.get(session.success_url), range(8)))
    assert {page.status_code for page in pages} == {200}
    assert len(asked(place, before)) == 1
    for number in (4, 15, 50, 4, 0, 1, 2, 3) * 5:
        browser.get(f"{session.success_url}&n={number}")
        place.pass_time(30)
        sweeper.tick(place.bridge)
    assert len(asked(place, before)) == 6


def test_who_has_not_paid_is_told_so_and_led_to_the_payment(place: Place, price: str) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    page = browser.get(session.success_url)
    assert "paid yet</h1>" in page.text
    assert f'href="{session.url}"' in page.text
    assert refresh(page) is None
    place.pay_at_stripe(session.url)
    place.pass_time(6)
    browser.get(session.success_url)
    work(place)
    assert "You are in Patrons" in browser.get(session.success_url).text


def test_an_order_that_expired_says_so_and_leads_to_the_offer(place: Place, price: str) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    place.stripe.v1.checkout.sessions.expire(session.id)
    page = browser.get(session.success_url)
    assert "This order has expired" in page.text
    assert f'href="/join/{price}"' in page.text
    again = browser.submit(browser.get(f"/join/{price}"), f"/join/{price}")
    assert again.status_code == 303
    assert again.headers["Location"] != session.url


def test_a_bank_debit_is_on_its_way_and_the_page_waits_for_nothing(place: Place) -> None:
    price = place.sell_at_stripe("Patron", "patrons", 2500, None)
    place.settle()
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    place.pay_at_stripe(session.url, "pm_sepa_debit")
    page = browser.get(session.success_url)
    assert "Your payment is on its way" in page.text
    assert refresh(page) is None
    place.settle()
    assert place.members("patrons") == set()
    before = mark(place)
    browser.get(session.success_url)
    assert asked(place, before) == []
    advance(place.world, 6 * 86_400)
    place.settle()
    assert "You are in Patrons" in browser.get(session.success_url).text


def test_stripe_down_at_that_moment_loses_nothing_and_the_page_says_so(
    place: Place, price: str
) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    delivery.hold(place.world)
    place.pay_at_stripe(session.url)
    faults = place.world.faults
    outage = faults.add("stripe", "GET *", "status", times=None, status=500)
    page = browser.get(session.success_url)
    assert page.status_code == 200
    assert "your payment is safe" in page.text
    assert refresh(page) is not None
    work(place)
    assert place.members("patrons") == set()
    faults.switches.remove(outage)
    for _ in range(20):
        place.pass_time(1)
        work(place)
    assert place.members("patrons") == {"ada"}, "though no webhook came and nobody looked again"


def test_the_forum_down_at_that_moment_loses_nothing_and_the_page_says_so(
    place: Place, price: str
) -> None:
    browser = place.browser("ada")
    session = ordered(place, browser, price)
    place.pay_at_stripe(session.url)
    faults = place.world.faults
    outage = faults.add("discourse", "PUT /groups/*", "status", times=None, status=503)
    browser.get(session.success_url)
    work(place)
    page = browser.get(session.success_url)
    assert "Payment confirmed. Adding you to Patrons…" in page.text
    assert "responding right now" in page.text
    faults.switches.remove(outage)
    for _ in range(30):
        place.pass_time(1)
        work(place)
    assert "You are in Patrons" in browser.get(session.success_url).text
