"""A73: a buyer sees prices in their currency and pays in it: by country, choice or habit."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.core.model.stripe import Price
from tests.e2e.place import Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as opened:
        opened.open_group("patrons", "Patrons")
        for name in ("ada", "nina"):
            opened.person(name)
        about: Any = {"name": "Patron", "metadata": {"discourse_groups": "patrons"}}
        product = opened.stripe.v1.products.create(about).id
        price: Any = {"product": product, "currency": "eur", "unit_amount": 500}
        price |= {"lookup_key": "patron", "recurring": {"interval": "month"}}
        options = {"usd": {"unit_amount": 600}, "chf": {"unit_amount": 550}}
        opened.stripe.v1.prices.create(price | {"currency_options": options})
        opened.settle()
        yield opened


def seen(place: Place, path: str, **headers: str) -> str:
    return requests.get(f"{place.url}{path}", headers=headers, timeout=20).text


@pytest.mark.parametrize(
    ("language", "shown"),
    [
        ("en-US,en;q=0.9", "$6.00"),
        ("de-CH", "CHF"),
        ("de-AT", "€5.00"),
        ("ja-JP,en-US;q=0.5", "$6.00"),
        ("en", "€5.00"),
        ("", "€5.00"),
        ("x-%%%, *", "€5.00"),
    ],
)
def test_A73_a_stranger_sees_what_is_paid_with_in_their_country(
    place: Place, language: str, shown: str
) -> None:
    for path in ("/join", "/join/patron"):
        assert shown in seen(place, path, **{"Accept-Language": language}), path


def test_A73_a_page_that_caches_keep_says_that_it_depends_on_the_language(place: Place) -> None:
    answer = requests.get(f"{place.url}/join", timeout=20)
    assert "Accept-Language" in answer.headers["Vary"]
    assert "public" in answer.headers["Cache-Control"]


def test_A73_another_currency_can_be_chosen_and_is_kept_to_the_payment(place: Place) -> None:
    page = place.browser().get("/join?currency=usd")
    assert "$6.00" in page.text
    browser = place.browser("nina")
    assert "$6.00" in browser.get("/join?currency=usd").text
    offer = browser.get("/join/patron")
    assert "$6.00" in offer.text
    assert paid_in(place, browser.submit(offer, action(offer)).headers["Location"]) == ("usd", 600)


@pytest.mark.parametrize("chosen", ["xxx", "", "eur'", "usdusd"])
def test_A73_a_currency_that_nothing_is_sold_in_changes_nothing(place: Place, chosen: str) -> None:
    assert "€5.00" in place.browser("nina").get("/join", params={"currency": chosen}).text


def test_A73_somebody_who_pays_in_dollars_sees_dollars_and_is_in_the_same_group(
    place: Place,
) -> None:
    browser = place.browser("ada")
    browser.headers["Accept-Language"] = "en-US"
    offer = browser.get("/join/patron")
    address = browser.submit(offer, action(offer)).headers["Location"]
    assert paid_in(place, address) == ("usd", 600)
    place.pay_at_stripe(address)
    place.settle()
    assert "ada" in place.members("patrons")
    browser.headers["Accept-Language"] = "de-AT"
    card = browser.get("/join?currency=eur").text
    assert "$6.00" in card
    assert "Your plan" in card
    assert "Prices in" not in card, "Stripe bills a customer in one currency"


def test_A73_what_a_customer_s_reading_tells_of_a_price_loses_no_currency(place: Place) -> None:
    browser = place.browser("ada")
    offer = browser.get("/join/patron")
    place.pay_at_stripe(browser.submit(offer, action(offer)).headers["Location"])
    place.settle()
    with place.bridge.store.read() as connection:
        prices = place.bridge.rulebook.law(connection).catalogue.prices
    (price,) = prices.values()
    assert isinstance(price, Price)
    assert price.currency_options == {"chf": 550, "usd": 600}


def action(offer: requests.Response) -> str:
    return "/join/" + offer.text.split('action="/join/')[1].partition('"')[0]


def paid_in(place: Place, address: str) -> tuple[str, int]:
    """Currency and amount on Stripe's page."""
    session = place.stripe.v1.checkout.sessions.retrieve(address.rpartition("/")[2])
    return str(session.currency), int(session.amount_total or 0)
