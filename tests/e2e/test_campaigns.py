"""A campaign's links, as the members who get them follow them (A97)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from bridge.core.memberships.campaign import Candidate
from bridge.core.model.actor import operator
from bridge.core.model.rights import HandGrant
from bridge.core.telling.campaign_making import Sent
from bridge.core.telling.words import day_words
from bridge.operations import campaigns
from bridge.store import hand_grants
from tests.e2e.chromium import AXE, CHROMIUM, DESK, NARROW, faults, keep, log_in
from tests.e2e.place import Browser, Place, link, open_patrons

pytestmark = pytest.mark.e2e
BY = operator("op")
in_chromium = pytest.mark.skipif(
    CHROMIUM is None or not AXE.exists(), reason="chromium or axe-core is not here"
)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path) as opened:
        yield opened


def legacy(place: Place, name: str, days: int = 40) -> datetime:
    """Somebody whom the register from before has as a member for so long."""
    user_id, now = place.person(name), place.bridge.clock.now()
    group_id = place.forum.group_id_by_name["patrons"]
    until_at = now + timedelta(days)
    old = HandGrant(f"old-{name}", user_id, group_id, now, until_at, "2026", "op", "import")
    with place.bridge.store.write() as connection:
        hand_grants.give(connection, old, now)
    return until_at


def sell(place: Place, interval: str | None = None) -> str:
    about = {"discourse_groups": "patrons", "discourse_term": "1y"}
    product = place.stripe.v1.products.create({"name": "Patron 2027", "metadata": about})
    what: Any = {"product": product.id, "currency": "eur", "unit_amount": 2500}
    what |= {"recurring": {"interval": interval}} if interval else {}
    price = place.stripe.v1.prices.create(what).id
    place.settle()
    return price


def campaign(place: Place, price: str, *names: str) -> dict[str, str]:
    """Make one; the path of each member's link."""
    offer = campaigns.offer_of(place.bridge, price)
    named = campaigns.named_in_file(place.bridge, offer, [Candidate(name) for name in names])
    made = campaigns.new_campaign(place.bridge, BY, "Autumn", offer, named)
    return {one.user.username: path_of(one) for one in made.sent}


def path_of(sent: Sent) -> str:
    return urlsplit(sent.address).path


def count(place: Place) -> dict[str, int]:
    """The counts, without zeros."""
    (shown,) = campaigns.all_campaigns(place.bridge)
    return {name: number for name, number in asdict(shown.progress).items() if number}


def renew(place: Place, browser: Browser, path: str, price: str) -> None:
    gone = browser.submit(browser.get(path), f"/join/{price}")
    place.pay_at_stripe(gone.headers["Location"])
    place.settle()


def test_A97_A67_each_link_leads_its_member_to_the_renewal_and_is_counted(place: Place) -> None:
    until_at = legacy(place, "ada")
    legacy(place, "ben")
    price = sell(place)
    links = campaign(place, price, "ada", "ben")
    assert count(place) == {"sent": 2}

    ada = place.browser("ada")
    shown = ada.get(links["ada"])
    later = day_words(until_at.replace(year=until_at.year + 1))
    assert f"Renewing adds 1 year: until {later}." in shown.text
    assert count(place) == {"sent": 2, "opened": 1}
    renew(place, ada, links["ada"], price)
    assert count(place) == {"sent": 2, "opened": 1, "paid": 1}
    (session,) = place.stripe.v1.checkout.sessions.list().data
    _, (first, _) = campaigns.one_campaign(place.bridge, "Autumn")
    assert session.metadata
    assert session.metadata["bridge_campaign"] == first.link.id

    again = ada.get(links["ada"])
    assert again.status_code == 410
    assert "You have already renewed with this link" in again.text
    assert link(again, "View your membership") == "/me"

    (charge,) = place.stripe.v1.charges.list().data
    place.stripe.v1.refunds.create({"charge": charge.id})
    place.settle()
    assert count(place) == {"sent": 2, "opened": 1, "returned": 1}


def test_A97_the_link_of_somebody_else_and_what_is_over_are_pages_and_charge_nothing(
    place: Place,
) -> None:
    for name in ("ada", "ben", "cleo"):
        legacy(place, name)
    price = sell(place)
    links = campaign(place, price, "ada", "ben", "cleo")
    ada = place.browser("ada")

    def refused(path: str, status: int, words: str) -> None:
        answer = ada.get(path)
        assert (answer.status_code, words in answer.text) == (status, True), answer.text
        assert "/join" in answer.text

    refused(links["ben"], 403, "This link is for another member")
    refused("/renew/" + "x" * 32, 404, "We don’t know this link")
    refused(links["ada"] + "x", 404, "We don’t know this link")
    (group,) = (one for one in campaigns.one_campaign(place.bridge, "Autumn")[1][:1])
    assert campaigns.revoke_link(place.bridge, BY, "Autumn", group.link.user_id)
    refused(links["ada"], 410, "This link is no longer valid")
    place.pass_time(61 * 86_400)
    ada = place.browser("cleo")
    refused(links["cleo"], 410, "This link has expired")
    assert count(place) == {"sent": 3, "revoked": 1}
    assert place.stripe.v1.checkout.sessions.list().data == []


def test_A97_a_page_at_stripe_from_before_the_link_is_replaced_so_that_it_counts(
    place: Place,
) -> None:
    legacy(place, "ada")
    price = sell(place)
    ada = place.browser("ada")
    first = ada.submit(ada.get(f"/join/{price}"), f"/join/{price}").headers["Location"]
    links = campaign(place, price, "ada")
    place.pass_time(1)
    page = ada.get(links["ada"])
    second = ada.submit(page, f"/join/{price}").headers["Location"]
    assert second != first
    twice = ada.submit(page, f"/join/{price}").headers["Location"]
    assert twice == second
    place.pay_at_stripe(second)
    place.settle()
    assert count(place) == {"sent": 1, "opened": 1, "paid": 1}
    assert [one.status for one in place.stripe.v1.checkout.sessions.list().data] == [
        "complete",
        "expired",
    ]


def test_A97_A67_a_subscription_by_a_link_waits_and_is_paid_later(place: Place) -> None:
    legacy(place, "ada")
    price = sell(place, "year")
    links = campaign(place, price, "ada")
    renew(place, place.browser("ada"), links["ada"], price)
    assert count(place) == {"sent": 1, "opened": 1, "waiting": 1}


# --- in a real browser ----------------------------------------------------------------------------


@pytest.fixture
def page(place: Place, browser: Chromium) -> Iterator[Page]:
    with browser.new_context(viewport=DESK, color_scheme="dark") as context:
        page = context.new_page()
        page.goto(f"{place.forum_url}/login")
        yield page


def look(page: Page, name: str) -> None:
    """In the dark and wide, then in light at 320 px: axe finds nothing."""
    for scheme, size in (("dark", DESK), ("light", NARROW)):
        page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        page.set_viewport_size(size)
        keep(page, f"{name}-{scheme}")
        assert list(faults(page)) == [], (name, scheme)
    page.set_viewport_size(DESK)


def heading(page: Page, words: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_contain_text(words)


def pay(page: Page) -> None:
    page.get_by_role("button", name="Continue to payment").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.locator("button[value=pay]").click()


@in_chromium
def test_A97_A67_from_the_own_page_and_by_a_link_to_the_renewal_and_the_console(
    place: Place, page: Page
) -> None:
    """Ada renews by her link, and the moderators see it; with Ben's link she gets nowhere."""
    until_at = legacy(place, "ada")
    legacy(place, "ben")
    place.forum.users[place.person("mia")].moderator = True
    links = campaign(place, sell(place), "ada", "ben")
    log_in(page, "ada")
    page.goto(f"{place.url}{links['ben']}")
    heading(page, "This link is for another member")
    look(page, "campaign-foreign")

    page.goto(f"{place.url}/me")
    expect(page.locator(".paid")).to_contain_text(f"runs until {day_words(until_at)}")
    look(page, "renew-me")
    page.get_by_role("link", name="Renew").click()
    heading(page, "Patron 2027")
    look(page, "renew-offer")
    page.goto(f"{place.url}{links['ada']}")
    heading(page, "Patron 2027")
    pay(page)
    heading(page, "You are in Patrons")
    place.settle()
    assert count(place) == {"sent": 2, "opened": 1, "paid": 1}

    page.context.clear_cookies()
    page.goto(f"{place.forum_url}/login")
    log_in(page, "mia")
    page.goto(f"{place.url}/moderate/campaigns")
    heading(page, "Campaigns")
    look(page, "console-campaigns")
    page.get_by_role("link", name="Autumn").click()
    expect(page.get_by_role("row", name="ada")).to_contain_text("Paid")
    look(page, "console-campaign")
