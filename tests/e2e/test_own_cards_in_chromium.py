"""Members manage their membership in a real browser, without scripts, while the worker runs."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from bridge.sandbox.stripe import advance, fail_payments
from bridge.worker import sweeper
from tests.e2e.chromium import CHROMIUM, DESK, keep, log_in
from tests.e2e.place import Place, open_place
from tests.harness import eventually

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here"),
]
DAY = 86_400


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    """Two steps of a ladder on sale, and a worker that does due work."""
    with open_place(tmp_path) as opened:
        opened.person("ada")
        for rank, (name, group, amount) in enumerate(
            (("Supporter", "supporters", 500), ("Patron", "patrons", 2500)), 1
        ):
            opened.open_group(group, f"{name}s")
            said = {
                "discourse_groups": group,
                "discourse_ladder": "level",
                "discourse_rank": str(rank),
            }
            product = opened.stripe.v1.products.create({"name": name, "metadata": said}).id
            what: Any = {"product": product, "lookup_key": group, "currency": "eur"}
            what |= {"unit_amount": amount, "recurring": {"interval": "month"}}
            opened.stripe.v1.prices.create(what)
        (default,) = opened.stripe.v1.billing_portal.configurations.list({"is_default": True}).data
        billing: Any = {"enabled": True, "proration_behavior": "always_invoice"}
        features: Any = {"features": {"subscription_update": billing}}
        opened.stripe.v1.billing_portal.configurations.update(default.id, features)
        opened.settle()
        over = threading.Event()
        worker = threading.Thread(target=_work, args=(opened, over))
        worker.start()
        try:
            yield opened
        finally:
            over.set()
            worker.join()


def _work(place: Place, over: threading.Event) -> None:
    while not over.wait(0.1):
        sweeper.tick(place.bridge)


@pytest.fixture
def page(place: Place, browser: Browser) -> Iterator[Page]:
    """Ada, logged in on the forum, in a browser that runs no scripts."""
    with browser.new_context(java_script_enabled=False, viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, "ada")
        yield page


def buy(place: Place, page: Page, key: str, card: str = "pm_card_visa") -> None:
    page.goto(f"{place.url}/join/{key}")
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.locator("[name=token]").select_option(card)
    page.locator("button[value=pay]").click()


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words, timeout=30_000)


def _reloaded(page: Page) -> str:
    page.reload()
    return page.locator(".paid").first.inner_text()


def card_says(page: Page, words: str) -> None:
    expect(page.locator(".paid").first).to_contain_text(words, timeout=30_000)


def test_A79_A36_from_paying_to_an_upgrade(place: Place, page: Page) -> None:
    buy(place, page, "supporters")
    heading(page, "You are in Supporters")

    page.goto(f"{place.url}/me")
    card_says(page, "Visa ending in 4242")
    page.get_by_text("Change plan").click()
    page.get_by_role("link", name="Patron", exact=True).click()
    heading(page, "Change to Patron")
    page.get_by_role("button", name="Continue to Stripe").click()
    page.get_by_role("button", name="Confirm").click()
    heading(page, "You are in Patrons")
    eventually(lambda: place.members("supporters") == set(), 30)
    assert place.members("patrons") == {"ada"}


def test_A79_another_card_then_cancelled_and_kept_after_all(place: Place, page: Page) -> None:
    buy(place, page, "patrons")
    heading(page, "You are in Patrons")
    page.goto(f"{place.url}/me")
    page.get_by_role("button", name="Change card").click()
    page.locator("[name=token]").select_option("pm_card_chargeCustomerFail")
    page.get_by_role("button", name="Save card").click()
    heading(page, "Your membership")
    card_says(page, "Visa ending in 0341")

    page.get_by_role("link", name="Cancel").click()
    heading(page, "Cancel Patron?")
    page.get_by_label("Why are you leaving? (optional)").fill("I am moving away")
    keep(page, "own-cancel", whole=False)
    page.get_by_role("button", name="Continue to Stripe to cancel").click()
    page.get_by_role("button", name="Cancel").click()
    heading(page, "Your membership")
    card_says(page, "Cancelled")
    card_says(page, "You stay in Patrons until")
    keep(page, "own-cancelled")

    page.get_by_role("button", name="Keep it").click()
    heading(page, "Your membership")
    card_says(page, "Active")
    card_says(page, "Next payment")
    assert place.members("patrons") == {"ada"}
    _resume(place, page)


def _resume(place: Place, page: Page) -> None:
    """A moderator pauses it, and Ada goes on."""
    (own,) = place.stripe.v1.subscriptions.list().data
    place.stripe.v1.subscriptions.update(own.id, {"pause_collection": {"behavior": "void"}})
    eventually(lambda: "Paused" in _reloaded(page), 30)
    page.get_by_role("link", name="Resume").click()
    heading(page, "Resume Patron?")
    page.get_by_role("button", name="Resume").click()
    heading(page, "Your membership")
    card_says(page, "Active")


def test_A79_a_failed_payment_is_told_and_paid(place: Place, page: Page) -> None:
    buy(place, page, "supporters")
    heading(page, "You are in Supporters")
    (subscription,) = place.stripe.v1.subscriptions.list().data
    fail_payments(place.world, str(subscription.customer), decline_code="expired_card")
    advance(place.world, 32 * DAY)
    page.goto(f"{place.url}/me/back")
    heading(page, "Your membership")
    card_says(page, "The card has expired.")
    card_says(page, "You stay in Supporters until")
    keep(page, "own-failed")
    page.get_by_role("button", name="Pay €5.00 now").click()
    page.get_by_role("button", name="Pay").click()
    page.goto(f"{place.url}/me/back")
    heading(page, "Your membership")
    card_says(page, "Active")


def test_A79_a_bank_debit_is_on_its_way_and_then_lets_in(place: Place, page: Page) -> None:
    buy(place, page, "supporters", "pm_sepa_debit")
    heading(page, "Thank you")
    keep(page, "own-debit", whole=False)
    done = page.url
    advance(place.world, 15 * DAY)
    eventually(lambda: place.members("supporters") == {"ada"}, 30)
    page.goto(done)
    heading(page, "You are in Supporters")
    page.goto(f"{place.url}/me")
    card_says(page, "Active")
