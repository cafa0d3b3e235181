"""Pay first, join later: from a payment link of the dashboard to the group, in a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import requests
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page, expect

from bridge.core.model.carried import Carried
from bridge.core.signed.reference import read_buyer
from tests.e2e.chromium import AXE, CHROMIUM, DESK, log_in, look_wide_and_narrow
from tests.e2e.place import Place, link, open_patrons
from tests.e2e.test_orders import join_group

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada", "eve") as opened:
        yield opened


@pytest.fixture
def yearly(place: Place) -> str:
    price = place.sell_at_stripe("Patron", "patrons", 2500, "year")
    place.settle()
    return price


def dashboard_link(place: Place, price: str, *, leads_back: bool = True) -> Any:
    """A payment link as somebody makes it in Stripe's dashboard, by the guide."""
    what: Any = {"line_items": [{"price": price, "quantity": 1}]}
    if leads_back:
        url = f"{place.url}/claim/{{CHECKOUT_SESSION_ID}}"
        what["after_completion"] = {"type": "redirect", "redirect": {"url": url}}
    return place.stripe.v1.payment_links.create(what)


def pay_as_stranger(place: Place, price: str) -> str:
    """Pay by the plain link as a stranger; the path to which Stripe leads afterwards."""
    gone = requests.get(dashboard_link(place, price).url, allow_redirects=False, timeout=20)
    form = {"token": "pm_card_visa", "email": "someone@example.com"}
    page = gone.headers["Location"]
    paid = requests.post(page, data=form, allow_redirects=False, timeout=20)
    return paid.headers["Location"].removeprefix(place.url)


def test_A8_a_payment_link_carries_the_signed_word_of_the_reader(place: Place, yearly: str) -> None:
    link = dashboard_link(place, yearly)
    browser = place.browser("ada")
    browser.get("/me")
    gone = browser.get(f"/join/link/{link.id}", allow_redirects=False)
    address = gone.headers["Location"]
    assert address.startswith(f"{link.url}?")
    (word,) = parse_qs(urlsplit(address).query)["client_reference_id"]
    made, ada = place.bridge.clock.now(), place.forum.user_named("ada")
    secrets = [place.bridge.settings.secret_key]
    assert ada
    carried = Carried(word, made, is_typed=True, payment_link=link.id)
    assert read_buyer(carried, secrets) == ada.id
    session = requests.get(address, allow_redirects=False, timeout=20).headers["Location"]
    place.pay_at_stripe(session)
    place.settle()
    assert place.members("patrons") == {"ada"}
    back = browser.get(f"/claim/{session.rpartition('/')[2]}")
    assert "You are in Patrons" in back.text, "there is nothing left to claim"


def test_what_the_dashboard_sells_besides_is_led_to_by_no_link(place: Place, yearly: str) -> None:
    browser = place.browser("ada")
    browser.get("/me")
    mug = place.stripe.v1.products.create({"name": "A mug"})
    what: Any = {"product": mug.id, "currency": "eur", "unit_amount": 900}
    of_a_shop = dashboard_link(place, place.stripe.v1.prices.create(what).id)
    off = dashboard_link(place, yearly)
    place.stripe.v1.payment_links.update(off.id, {"active": False})
    place.settle()
    for unsold in (of_a_shop.id, "plink_neverMade1", "plink_..%2Fcustomers"):
        told = browser.get(f"/join/link/{unsold}", allow_redirects=False)
        assert told.status_code == 404, unsold
        assert ("We don’t know this offer" in told.text) == ("%" not in unsold)
    told = browser.get(f"/join/link/{off.id}", allow_redirects=False)
    assert told.status_code == 410
    assert "This offer has ended" in told.text


def restrict(place: Place, price: str, **metadata: str) -> None:
    product = str(place.stripe.v1.prices.retrieve(price).product)
    place.stripe.v1.products.update(product, {"metadata": metadata})
    place.settle()


def test_A95_a_payment_link_asks_for_the_country_and_refuses_others(
    place: Place, yearly: str
) -> None:
    link = dashboard_link(place, yearly)
    restrict(place, yearly, discourse_countries="DE,AT")
    assert link.url not in place.browser().get(f"/join/link/{link.id}").text, "not known yet"
    browser = place.browser("ada")
    asked = browser.get(f"/join/link/{link.id}")
    assert "Which country do you live in?" in asked.text
    told = browser.get(f"/join/link/{link.id}?country=elsewhere")
    assert told.status_code == 409
    assert "It is sold to people in Austria and Germany." in told.text
    gone = browser.get(f"/join/link/{link.id}?country=AT", allow_redirects=False)
    assert gone.headers["Location"].startswith(link.url)


def test_A95_a_payment_link_for_members_of_a_group_refuses_everybody_else(
    place: Place, yearly: str
) -> None:
    link = dashboard_link(place, yearly)
    place.open_group("crew", "Crew")
    restrict(place, yearly, discourse_buyers="crew")
    stranger = place.browser().get(f"/join/link/{link.id}")
    assert "Do you have an account here?" in stranger.text
    assert link.url not in stranger.text
    told = place.browser("eve").get(f"/join/link/{link.id}")
    assert "Patron is only for members of Crew" in told.text
    join_group(place, "ada", "crew")
    browser = place.browser("ada")
    browser.get("/me")
    gone = browser.get(f"/join/link/{link.id}", allow_redirects=False)
    assert gone.headers["Location"].startswith(link.url)


def test_A95_the_word_that_one_payment_link_carries_opens_no_other(
    place: Place, yearly: str
) -> None:
    place.open_group("board", "Board")
    closed = place.sell_at_stripe("Board seat", "board", 900, None)
    product = str(place.stripe.v1.prices.retrieve(closed).product)
    crew = {"metadata": {"discourse_buyers": "patrons"}}
    place.stripe.v1.products.update(product, crew)  # type: ignore[arg-type] # its own type of dict
    place.settle()
    browser = place.browser("ada")
    browser.get("/me")
    open_link = dashboard_link(place, yearly)
    gone = browser.get(f"/join/link/{open_link.id}", allow_redirects=False)
    (word,) = parse_qs(urlsplit(gone.headers["Location"]).query)["client_reference_id"]
    other = f"{dashboard_link(place, closed).url}?client_reference_id={word}"
    session = requests.get(other, allow_redirects=False, timeout=20).headers["Location"]
    place.pay_at_stripe(session)
    place.settle()
    assert place.members("board") == set(), "it is nobody's until it is claimed"
    told = browser.get(f"/claim/{session.rpartition('/')[2]}")
    assert "Board seat is only for members of Patrons" in told.text


def test_A95_who_paid_for_what_is_not_sold_to_them_asks_moderators_or_joins(
    place: Place, yearly: str
) -> None:
    place.open_group("crew", "Crew")
    restrict(place, yearly, discourse_buyers="crew")
    claim = pay_as_stranger(place, yearly)
    assert "It is for members of Crew." in place.browser().get(claim).text
    place.settle()
    eve = place.browser("eve")
    page = eve.get(claim)
    assert "Patron is only for members of Crew" in page.text
    assert "your money is not lost" in page.text
    assert eve.post(claim, headers={"Referer": page.url}).status_code == 400, "no form of ours"
    assert eve.submit(page, claim).headers["Location"] == claim
    told = eve.get(claim)
    assert "The moderators have been asked" in told.text
    assert "€25.00" in told.text
    place.settle()
    assert place.members("patrons") == set()
    join_group(place, "eve", "crew")
    again = eve.get(link(told, "Check again"))
    assert "One click, and it belongs to your forum account." in again.text
    assert eve.submit(again, claim).headers["Location"].startswith("/join/done?order=")
    place.settle()
    assert place.members("patrons") == {"eve"}


def test_A95_a_claim_asks_for_the_country_where_the_payment_does_not_tell_it(
    place: Place,
) -> None:
    free = place.sell_at_stripe("Newsletter", "patrons", 0, None)
    restrict(place, free, discourse_countries="AT")
    claim = pay_as_stranger(place, free)
    place.settle()
    ada = place.browser("ada")
    page = ada.get(claim)
    assert "Which country do you live in?" in page.text
    assert ada.submit(page, claim).headers["Location"] == claim, "nothing is done without it"
    assert ada.submit(page, claim, country="elsewhere").headers["Location"] == claim
    told = ada.get(claim)
    assert "The moderators have been asked" in told.text
    other = pay_as_stranger(place, free)
    page = ada.get(other)
    done = ada.submit(page, other, country="AT").headers["Location"]
    assert done.startswith("/join/done?order=")
    place.settle()
    assert place.members("patrons") == {"ada"}


def test_what_is_no_longer_offered_or_set_up_wrongly_is_not_sold_by_a_payment_link(
    place: Place, yearly: str
) -> None:
    link, browser = dashboard_link(place, yearly), place.browser("ada")
    restrict(place, yearly, discourse_offer="no")
    told = browser.get(f"/join/link/{link.id}")
    assert (told.status_code, "This offer has ended" in told.text) == (410, True)
    restrict(place, yearly, discourse_offer="", discourse_groups="nobodys-group")
    assert browser.get(f"/join/link/{link.id}").status_code == 503


def test_paying_first_is_offered_only_where_stripe_leads_back_to_the_claim(
    place: Place, yearly: str
) -> None:
    stranger = place.browser()
    for leads_back in (True, False):
        link = dashboard_link(place, yearly, leads_back=leads_back)
        told = stranger.get(f"/join/link/{link.id}")
        assert "Do you have an account here?" in told.text
        assert (link.url in told.text) == leads_back


def test_E42_a_claim_takes_a_click_and_no_link_in_a_post_can_make_it(
    place: Place, yearly: str
) -> None:
    claim = pay_as_stranger(place, yearly)
    place.settle()
    ada, stranger = place.browser("ada"), place.browser()
    page = ada.get(claim)
    assert "One click, and it belongs to your forum account." in page.text
    for seen in (page, stranger.get(claim)):
        assert seen.status_code == 200, "until somebody has it, the link is all that is needed"
        assert "€25.00" in seen.text
        assert "someone@example.com" not in seen.text
    place.settle()
    assert place.members("patrons") == set(), "to look is not to claim"
    assert ada.post(claim, headers={"Referer": page.url}).status_code == 400, "no form of ours"
    eve = place.browser("eve")
    page_of_eve = eve.get(claim)
    done = ada.submit(page, claim)
    assert done.headers["Location"].startswith("/join/done?order=")
    place.settle()
    assert "You are in Patrons" in ada.get(done.headers["Location"]).text
    assert place.members("patrons") == {"ada"}
    late = eve.submit(page_of_eve, claim)
    assert late.status_code == 403
    assert "This link has already been used" in late.text
    assert "This link has already been used" in eve.get(claim).text
    assert eve.get(done.headers["Location"]).status_code == 403
    again = ada.get(claim)
    assert "You are in Patrons" in again.text


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium is installed here")
@pytest.mark.skipif(not AXE.exists(), reason="axe-core is not at build/axe.min.js")
def test_E42_a_stranger_pays_makes_an_account_on_the_way_and_is_in(
    browser: Chromium, place: Place, yearly: str
) -> None:
    link = dashboard_link(place, yearly)
    with browser.new_context(viewport=DESK) as context:
        page = context.new_page()
        page.goto(f"{place.url}/join/link/{link.id}")
        look_wide_and_narrow(page, "payment-link")
        page.get_by_role("link", name="Pay first").click()
        page.get_by_label("E-mail").fill("newcomer@example.com")
        page.locator("button[value=pay]").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Thank you for your payment")
        assert urlsplit(page.url).path.startswith("/claim/cs_test_")
        look_wide_and_narrow(page, "claim-stranger")
        claim = page.url
        page.get_by_role("link", name="Log in to A Community").click()
        log_in(page, "newcomer")
        if not page.url.startswith(place.url):
            page.goto(claim)
        expect(page.get_by_text("You are logged in as newcomer")).to_be_visible()
        look_wide_and_narrow(page, "claim")
        page.get_by_role("button", name="Add it to my account").click()
        place.settle()
        expect(page.get_by_role("heading")).to_contain_text("You are in Patrons", timeout=10_000)
        assert place.members("patrons") == {"newcomer"}
        _ask_for_what_is_for_others(place, page)


def _ask_for_what_is_for_others(place: Place, page: Page) -> None:
    place.open_group("crew", "Crew")
    price = place.sell_at_stripe("Crew pass", "patrons", 900, None)
    restrict(place, price, discourse_buyers="crew")
    page.goto(place.url + pay_as_stranger(place, price))
    expect(page.get_by_role("heading")).to_have_text("Crew pass is only for members of Crew")
    look_wide_and_narrow(page, "claim-barred")
    page.get_by_role("button", name="Ask the moderators").click()
    expect(page.get_by_role("heading")).to_have_text("The moderators have been asked")
    look_wide_and_narrow(page, "claim-asked")
