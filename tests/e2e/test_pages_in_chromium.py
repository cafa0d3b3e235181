"""The pages in a real browser: without scripts, in light and dark, on a phone, by keyboard.

Pictures of every page are left in screenshots/, where that folder is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect

from bridge.core.ledger.lines import MoneyLine, MoneyPart
from bridge.core.model.stripe import PendingPayment, Price, Product
from bridge.store import links, money, subscriptions
from tests.e2e.chromium import CHROMIUM, DESK, NARROW, PHONE, keep, log_in
from tests.e2e.place import Place, open_place

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here"),
]
POST = "/t/join-us/12/3"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        opened.open_group("patrons", "Patrons")
        opened.person("ada")
        yield opened


@pytest.fixture(scope="module")
def yearly(place: Place) -> str:
    """Ada's price, and two prices above it on a ladder."""
    price = place.sell_at_stripe("Patron", "patrons", 2500, "year")
    product = place.stripe.v1.prices.retrieve(price).product
    steps = {"discourse_ladder": "level", "discourse_rank": "1"}
    place.stripe.v1.products.update(str(product), {"metadata": steps})
    above = {"discourse_groups": "patrons", "discourse_ladder": "level", "discourse_rank": "2"}
    product = place.stripe.v1.products.create({"name": "Great patron", "metadata": above}).id
    for currency, key in (("eur", "patroness"), ("usd", "dollars")):
        what: Any = {"product": product, "currency": currency, "lookup_key": key}
        what |= {"unit_amount": 12_000, "recurring": {"interval": "year"}}
        place.stripe.v1.prices.create(what)
    (default,) = place.stripe.v1.billing_portal.configurations.list({"is_default": True}).data
    update: Any = {"enabled": True, "proration_behavior": "always_invoice"}
    features: Any = {"features": {"subscription_update": update}}
    place.stripe.v1.billing_portal.configurations.update(default.id, features)
    place.settle()
    return price


def without_scripts(browser: Browser, **more: Any) -> BrowserContext:
    return browser.new_context(java_script_enabled=False, **more)


VERSIONS = [("3.5", ""), ("3.2", ""), ("3.5", "/forum"), ("3.2", "/forum")]


@pytest.mark.parametrize(("version", "path"), VERSIONS)
def test_A100_a_stranger_logs_in_on_the_way_and_arrives(
    browser: Browser, tmp_path: Path, version: str, path: str
) -> None:
    with (
        open_place(tmp_path, discourse_version=version, discourse_path=path) as place,
        without_scripts(browser) as context,
    ):
        place.open_group("patrons", "Patrons")
        place.person("ada")
        price = place.sell_at_stripe("Patron", "patrons", 2500, "year")
        place.settle()
        page = context.new_page()
        page.goto(f"{place.url}/join/{price}")
        page.get_by_role("link", name="Log in to A Community").click()
        log_in(page, "ada")
        if not page.url.startswith(place.url):
            page.goto(f"{place.url}/join/{price}?signed_in=no")
            page.get_by_role("link", name="I am logged in, continue").click()
        expect(page.get_by_role("button", name="Continue to payment")).to_be_visible()
        assert page.url.startswith(f"{place.url}/join/{price}")


def test_A82_from_the_link_to_the_group_and_back_to_the_post(
    browser: Browser, place: Place, yearly: str
) -> None:
    newcomer = "grace"
    place.person(newcomer)
    topic = place.post("We keep this place open together.", title="Support us and join", category=4)
    path = f"/t/{topic['topic_slug']}/{topic['topic_id']}"
    link = f"[become a patron]({place.url}/join/{yearly})"
    answer = place.post(f"You can {link} today.", topic_id=topic["topic_id"])
    post = f"{place.forum_url}{path}"
    # The browser names only the forum; its search says in which post the link stands.
    back = f"{place.forum_url}/t/{topic['topic_id']}/{answer['post_number']}"
    with without_scripts(browser, viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        log_in(page, newcomer)
        page.goto(post)
        page.get_by_role("link", name="become a patron").click()
        page.get_by_role("button", name="Continue to payment").click()
        assert page.url.startswith(place.bridge.settings.stripe_api_base or "")
        page.get_by_label("E-mail").fill("grace@example.com")
        page.locator("button[value=pay]").click()
        expect(page.get_by_role("heading")).to_contain_text("Waiting for your payment")
        keep(page, "done-waiting", whole=False)
        place.settle()
        assert newcomer in place.members("patrons")
        expect(page.get_by_role("heading")).to_contain_text("You are in Patrons", timeout=10_000)
        keep(page, "done-in", whole=False)
        page.wait_for_url(back, timeout=10_000)


def pages(price: str) -> dict[str, str]:
    return {
        "owned": f"/join/{price}?from={POST}",
        "choice": f"/join/prod_choice?from={POST}",
        "offer": f"/join/coffee?from={POST}",
        "change": f"/join/patroness?from={POST}",
        "change-anew": f"/join/dollars?from={POST}",
        "statement": "/me",
        "not-on-offer": "/join/nothing",
    }


@pytest.fixture(scope="module")
def long_statement(place: Place, yearly: str) -> None:
    """Ada has paid for years, in two currencies, and got something back."""
    ada = place.forum.user_named("ada")
    assert ada
    ada_s = place.browser("ada")
    offer = ada_s.get(f"/join/{yearly}")
    place.pay_at_stripe(ada_s.submit(offer, f"/join/{yearly}").headers["Location"])
    place.settle()
    about = "For everybody who wants this place to stay open, independent and free of advertising."
    place.sell(
        Product(
            "prod_choice",
            "Supporter",
            description=about,
            metadata={"discourse_offer": "yes"},
        ),
        Price("price_m", "prod_choice", "eur", 300, "month", nickname="Monthly"),
        Price("price_q", "prod_choice", "eur", 800, "month", 3),
        Price("price_y", "prod_choice", "eur", 2500, "year", nickname="Yearly"),
        Product("prod_coffee", "Coffee for the team", metadata={"discourse_offer": "yes"}),
        Price("price_c", "prod_coffee", "eur", 500, lookup_key="coffee"),
    )
    now = place.bridge.clock.now()
    with place.bridge.store.write() as connection:
        (customer,) = links.customers_of(connection, ada.id)
        lines = [
            MoneyLine(
                f"in_{n}", customer, "paid", now - timedelta(days=40 * n), 2500, "eur", "Patron"
            )
            for n in range(1, 25)
        ]
        coffee = "A coffee for everybody who was there on that rainy day in November"
        back = now - timedelta(days=3)
        lines.append(MoneyLine("re_1", customer, "refunded", back, -500, "eur", "Patron"))
        lines.append(MoneyLine("ch_1", customer, "paid", back, 1_234_567, "usd", coffee))
        parts = MoneyPart("Remaining time on Patron after 1 Dec 2026", 3867), MoneyPart("Tax", 500)
        whole = MoneyLine("in_30", customer, "paid", back, 3500, "eur", "Patron", parts=parts)
        lines.append(replace(whole, discount_minor=867, from_credit_minor=700))
        money.save(connection, lines, now)
        (running,) = subscriptions.of_customers(connection, [customer])
        waits = PendingPayment("in_31", "Remaining time on Patron", 1200, "eur", now)
        subscriptions.save(connection, replace(running, pending=(waits,)), now)


LOOKS = [("light", DESK), ("dark", DESK), ("light", PHONE), ("dark", PHONE), ("light", NARROW)]


@pytest.mark.parametrize(("scheme", "size"), LOOKS, ids=lambda v: str(v)[:12])
@pytest.mark.usefixtures("long_statement")
def test_A102_every_page_fits_wears_the_palette_and_breaks_no_rule(
    browser: Browser, place: Place, yearly: str, scheme: Any, size: Any
) -> None:
    site = place.bridge.discourse.site()
    wanted = (site.dark if scheme == "dark" else site.light)["secondary"]
    with browser.new_context(color_scheme=scheme, viewport=size) as context:
        page = context.new_page()
        broken: list[str] = []
        page.on("console", lambda said: broken.append(said.text) if said.type == "error" else None)
        names = {
            "stranger": "/me",
            "signed-out": "/logout",
            "offer-to-stranger": f"/join/{yearly}?signed_in=no",
            **pages(yearly),
        }
        for name, path in names.items():
            if name == "owned":
                page.goto(f"{place.forum_url}/login")
                log_in(page, "ada")
            page.goto(f"{place.url}{path}")
            too_wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            assert too_wide <= 0, f"{name} is {too_wide} pixels too wide"
            colour = page.evaluate(
                """hex => { const one = document.createElement('i'); one.style.color = hex;
                   document.body.append(one); const said = getComputedStyle(one).color;
                   one.remove(); return said }""",
                wanted,
            )
            assert page.evaluate("getComputedStyle(document.body).backgroundColor") == colour
            keep(page, f"{name}-{scheme}-{size['width']}")
        # An answer that is no success is told on the console by itself.
        assert [text for text in broken if "status of 40" not in text] == []


def test_everything_can_be_reached_and_seen_by_keyboard(
    browser: Browser, place: Place, yearly: str
) -> None:
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{place.url}/join/{yearly}?signed_in=no")
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        seen: list[str] = []
        while "I am logged in, continue" not in seen:
            assert len(seen) < page.locator("a, button, summary").count(), seen
            page.keyboard.press("Tab")
            seen.append(page.evaluate("document.activeElement.textContent.trim()"))
            style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert style == "solid", "one sees where one is"
        assert "Log in to A Community" in seen


def test_at_twice_the_size_nothing_has_to_be_scrolled_sideways(
    browser: Browser, place: Place, yearly: str
) -> None:
    half = ViewportSize(width=640, height=400)  # what is left of 1280 pixels at 200 %
    with browser.new_context(viewport=half, device_scale_factor=2) as context:
        page = context.new_page()
        page.goto(f"{place.url}/join/{yearly}?signed_in=no")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
