"""Buying several things, giving, and trying, in a real browser without scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.chromium import AXE, CHROMIUM, keep, log_in, look_wide_and_narrow
from tests.e2e.place import Place, open_place
from tests.e2e.test_orders import donation, sell, trial

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here"),
]


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        for group in ("members", "owners"):
            opened.open_group(group, group.capitalize())
        for name in ("ada", "bob", "cyd"):
            opened.person(name)
        sell(opened, "Share", 10_000, groups="owners", kind="share")
        sell(opened, "Fee", 2500, "year", groups="members")
        sell(opened, "Seats", 1000, "year", groups="owners", quantity="2-9", countries="AT, DE")
        sell(opened, "Francs", 900, groups="none", currency="chf")
        donation(opened)
        trial(opened, trial_card="no")
        opened.settle()
        yield opened


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    with browser.new_context(java_script_enabled=False) as context:
        yield context.new_page()


def enter(page: Page, place: Place, name: str) -> None:
    page.goto(f"{place.forum_url}/login")
    log_in(page, name)


def a_post(place: Place, keys: str) -> tuple[str, str]:
    """A post with a link to an order: its address and path."""
    title = f"Please join us: {keys}"
    topic = place.post(f"All about {title}.", title=title, category=4)
    path = f"/t/{topic['topic_slug']}/{topic['topic_id']}"
    place.post(
        f"[Yes, I want that]({place.url}/join/{keys}?from={path})", topic_id=topic["topic_id"]
    )
    return f"{place.forum_url}{path}", path


def pay(page: Page, place: Place) -> None:
    """Fill in Stripe's page and press its button."""
    assert page.url.startswith(place.bridge.settings.stripe_api_base or "")
    page.get_by_label("E-mail").fill("somebody@example.com")
    page.locator("button[value=pay]").click()


def test_A50_A82_several_things_are_bought_at_once_from_a_post_and_back_to_it(
    page: Page, place: Place
) -> None:
    enter(page, place, "ada")
    post, _ = a_post(place, "share+fee+donation")
    page.goto(post)
    page.get_by_role("link", name="Yes, I want that").click()
    expect(page.get_by_role("heading", name="Your order")).to_be_visible()
    page.get_by_label("Your amount for Donation").fill("12,50")
    page.get_by_label("Your amount for Donation").press("Enter")
    expect(page.locator("dd.total")).to_have_text("€137.50")
    keep(page, "order")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("€137.50").first).to_be_visible()
    pay(page, place)
    place.settle()
    assert place.members("owners") == place.members("members") == {"ada"}
    expect(page.get_by_role("heading")).to_contain_text("You are in", timeout=10_000)
    page.wait_for_url(post, timeout=10_000)
    page.goto(f"{place.url}/me")
    expect(page.get_by_text("€137.50").first).to_be_visible()


def test_A50_what_is_ticked_on_the_list_is_one_order(page: Page, place: Place) -> None:
    enter(page, place, "bob")
    page.goto(f"{place.url}/join")
    for what in ("Share", "Fee"):
        page.get_by_label(f"Add to an order · {what}").check()
    page.get_by_role("button", name="Order together").click()
    expect(page.get_by_role("heading", name="Your order")).to_be_visible()
    expect(page.locator("dd.total")).to_have_text("€125.00")


def test_A94_a_donation_is_two_clicks_from_the_post(page: Page, place: Place) -> None:
    enter(page, place, "bob")
    post, _ = a_post(place, "donation")
    page.goto(post)
    page.get_by_role("link", name="Yes, I want that").click()
    keep(page, "donation")
    page.get_by_role("button", name="€10.00").click()
    pay(page, place)
    expect(page.get_by_role("heading")).to_contain_text("Thank you", timeout=10_000)


def test_a_trial_is_begun_without_a_card(page: Page, place: Place) -> None:
    enter(page, place, "cyd")
    page.goto(f"{place.url}/join/club")
    keep(page, "trial")
    expect(page.get_by_text("You don\N{RIGHT SINGLE QUOTATION MARK}t need a card.")).to_be_visible()
    page.get_by_role("button", name="Start the free trial").click()
    expect(page.get_by_label("Pay with")).to_have_count(0)
    pay(page, place)
    place.settle()
    assert "cyd" in place.members("members")


@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not at build/axe.min.js")
def test_A127_axe_finds_nothing_on_the_pages_of_orders(browser: Browser, place: Place) -> None:
    place.person("dee")
    paths = {
        "order": "/join/share+fee+seats+donation?from=/t/join-us/12/3",
        "order-wrong": "/join/share+donation?amount_2=many",
        "order-refused": "/join/share+francs",
        "donation": "/join/donation",
        "trial": "/join/club",
        "country": "/join/seats",
        "country-refused": "/join/seats?country=FR",
    }
    with browser.new_context() as context:
        page = context.new_page()
        enter(page, place, "dee")
        for name, path in paths.items():
            page.goto(f"{place.url}{path}")
            look_wide_and_narrow(page, name)
