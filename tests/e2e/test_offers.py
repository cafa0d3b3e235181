"""The list of offers over real sockets: its content for each reader, without requests."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from bridge.sandbox.stripe import advance, fail_payments
from tests.e2e.place import Place, link, open_place

pytestmark = pytest.mark.e2e
FETCHER = {"User-Agent": "Discourse Forum Onebox v3.5.0", "Accept": "*/*"}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        for group in ("supporters", "patrons"):
            opened.open_group(group, group.capitalize())
        for name in ("ada", "nina"):
            opened.person(name)
        _sell(opened)
        browser = opened.browser("ada")
        offer = browser.get("/join/supporter")
        price = offer.text.split('action="/join/')[1].partition('"')[0]
        answer = browser.submit(offer, f"/join/{price}")
        opened.pay_at_stripe(answer.headers["Location"])
        opened.settle()
        yield opened


def _sell(place: Place) -> None:
    for rank, name in enumerate(("Supporter", "Patron"), 1):
        said = {"discourse_groups": f"{name.lower()}s", "discourse_ladder": "level"}
        about: Any = {
            "name": name,
            "metadata": {**said, "discourse_rank": str(rank)},
            "marketing_features": [{"name": f"What a {name} gets"}],
        }
        product = place.stripe.v1.products.create(about).id
        for interval, amount in (("month", 500 * rank), ("year", 5000 * rank)):
            price: Any = {"product": product, "currency": "eur", "unit_amount": amount}
            price["lookup_key"] = name.lower() + ("-year" if interval == "year" else "")
            price["recurring"] = {"interval": interval}
            place.stripe.v1.prices.create(price)
    secret: Any = {"name": "Sale of the old press", "metadata": {"purpose": "private"}}
    product = place.stripe.v1.products.create(secret).id
    place.stripe.v1.prices.create({"product": product, "currency": "eur", "unit_amount": 900_000})
    place.settle()


def test_a_stranger_sees_prices_and_one_button_on_each_card(place: Place) -> None:
    page = requests.get(f"{place.url}/join", headers=FETCHER, timeout=20)
    assert page.status_code == 200
    cards = page.text.split('<li class="card offer')[1:]
    assert len(cards) == 2
    for card, words in zip(cards, (("€5.00", "€50.00"), ("€10.00", "€100.00")), strict=True):
        assert all(word in card for word in words)
        assert card.count('class="button') == 1
    assert "Save €10.00" in cards[0]
    assert "What a Patron gets" in cards[1]
    assert "old press" not in page.text, "it is not meant to be sold"
    assert "Prices in" not in page.text, "there is one currency"


def test_A98_the_list_is_a_card_in_a_post_too_and_may_be_kept_by_caches(place: Place) -> None:
    page = requests.get(f"{place.url}/join", headers=FETCHER, timeout=20)
    assert '<meta property="og:title" content="Join A Community">' in page.text
    assert f'<link rel="canonical" href="{place.url}/join">' in page.text
    assert "public" in page.headers["Cache-Control"]
    assert "Set-Cookie" not in page.headers


def test_a_browser_is_asked_silently_once_and_a_stranger_then_sees_the_list(place: Place) -> None:
    browser = place.browser()
    page = browser.get("/join")
    assert [answer.status_code for answer in page.history] == [303, 303, 302, 303]
    assert page.url == f"{place.url}/join?signed_in=no"
    assert page.status_code == 200


def test_each_card_tells_a_member_what_they_have_and_asks_stripe_for_what_changes_cost_only(
    place: Place,
) -> None:
    browser = place.browser("ada")
    journal = place.world.journal
    mark = journal.since()[-1].number
    browser.get("/join")
    asked = [one.path.removeprefix("/v1/") for one in journal.since(mark, "stripe")]
    yearly = ["invoices/create_preview"] * 2
    assert asked == ["billing_portal/configurations", *yearly], "the month is paid later"
    mark = journal.since()[-1].number
    page = browser.get("/join")
    assert journal.since(mark) == []
    own, other = page.text.split('<li class="card offer')[1:]
    assert "Renews on" in own
    assert "Your plan" in own
    assert "Yours" not in other
    assert other.count(">Change<") == 2
    assert other.count("Nothing to pay today") == 1, "a month of it is paid with the next one"
    assert re.search(r"€[0-9]+\.[0-9]{2}</strong> today", other)
    assert re.search(r"€[0-9]+\.[0-9]{2}</strong> today", own)
    assert page.headers["Cache-Control"] == "no-store"


def test_nobody_sees_what_another_member_has(place: Place) -> None:
    page = place.browser("nina").get("/join")
    assert "Yours" not in page.text
    assert page.text.count(">Join<") == 4


def test_A50_what_is_ticked_on_the_list_becomes_one_order_without_scripts(place: Place) -> None:
    share: Any = {"name": "Share", "metadata": {"discourse_kind": "share"}}
    product = place.stripe.v1.products.create(share).id
    once: Any = {"product": product, "currency": "eur", "unit_amount": 10_000}
    price = place.stripe.v1.prices.create(once).id
    place.settle()
    browser = place.browser("nina")
    page = browser.get("/join?from=/t/join-us/12/3")
    yearly = page.text.partition('name="with" value="')[2].partition('"')[0]
    assert page.text.count('type="checkbox"') == 5, "all of it goes with the share"
    ticked = {"with": [yearly, price], "order": "yes", "from": "/t/join-us/12/3"}
    order = browser.get("/join", params=ticked)
    assert urlsplit(order.url).path == f"/join/{yearly}+{price}"
    assert "Everything here is one payment." in order.text
    assert f'href="{place.forum_url}/t/join-us/12/3"' in order.text
    assert "Tick at least one thing" in browser.get("/join", params={"order": "yes"}).text
    with_own = place.browser("ada").get("/join").text
    assert with_own.count('type="checkbox"') == 0, "what she could buy goes with nothing else"
    place.stripe.v1.products.update(product, {"active": False})
    place.settle()
    assert 'type="checkbox"' not in browser.get("/join").text, "nothing can be combined"
    for hostile in ("//evil.example", "../../me", "a/b", ""):
        answer = browser.get("/join", params={"with": hostile}, allow_redirects=False)
        assert answer.headers.get("Location", "/join/").startswith("/join"), hostile


def test_a_shop_with_nothing_to_sell_says_so(tmp_path: Path) -> None:
    with open_place(tmp_path) as empty:
        page = requests.get(f"{empty.url}/join", headers=FETCHER, timeout=20)
    assert "Nothing is on offer right now." in page.text


def test_the_post_that_the_list_was_opened_from_goes_along_to_each_offer(place: Place) -> None:
    page = place.browser("nina").get("/join?from=/t/join-us/12/3")
    offer = place.browser("nina").get(link(page, "Patron"))
    assert f'href="{place.forum_url}/t/join-us/12/3"' in offer.text


def test_what_one_has_cancelled_or_owes_is_put_right_on_the_page_of_its_product(
    place: Place,
) -> None:
    (subscription,) = place.stripe.v1.subscriptions.list({}).data
    product = str(subscription["items"].data[0].price.product)
    place.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": True})
    place.settle()
    browser = place.browser("ada")
    for path in ("/join", f"/join/{product}"):
        page = browser.get(path).text
        assert "It doesn" in page
        assert "Keep it" in page, path
        assert subscription.id in page, path
    place.stripe.v1.subscriptions.update(subscription.id, {"cancel_at_period_end": False})
    fail_payments(place.world, str(subscription.customer), times=9)
    advance(place.world, 32 * 86_400)
    place.settle()
    for path in ("/join", f"/join/{product}"):
        page = browser.get(path).text
        assert "You keep access until" in page
        assert "Fix your payment" in page, path
