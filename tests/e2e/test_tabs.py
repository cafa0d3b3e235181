"""Several tabs with one offer: one open order, and one subscription (A134)."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.place import Browser, Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as it:
        it.open_group("patrons", "Patrons")
        it.person("ada")
        yield it


def sessions(place: Place, status: str) -> list[Any]:
    found = place.stripe.v1.checkout.sessions.list().data
    return [one for one in found if one.status == status]


def tabs(browser: Browser, price: str, count: int) -> list[Any]:
    """The same offer opened in several tabs."""
    return [browser.get(f"/join/{price}") for _ in range(count)]


def to_stripe(browser: Browser, page: Any, price: str) -> str:
    answer = browser.submit(page, f"/join/{price}")
    assert answer.status_code == 303
    return str(answer.headers["Location"])


def two_prices(place: Place) -> tuple[str, str]:
    monthly = place.sell_at_stripe("Patron", "patrons", 500, "month")
    product = place.stripe.v1.prices.retrieve(monthly).product
    what: Any = {"product": product, "currency": "eur", "unit_amount": 5000}
    what["recurring"] = {"interval": "year"}
    yearly = place.stripe.v1.prices.create(what).id
    place.settle()
    return monthly, yearly


def test_A134_three_tabs_lead_to_one_page_of_stripe(place: Place) -> None:
    price, _ = two_prices(place)
    browser = place.browser("ada")
    pages = tabs(browser, price, 3)
    assert len({to_stripe(browser, page, price) for page in pages}) == 1
    assert len(sessions(place, "open")) == 1


def test_A134_clicks_in_many_tabs_at_once_make_one_order(place: Place) -> None:
    price, _ = two_prices(place)
    browser = place.browser("ada")
    pages = tabs(browser, price, 4)
    with ThreadPoolExecutor(4) as clicks:
        answers = list(clicks.map(lambda page: browser.submit(page, f"/join/{price}"), pages))
    # Some may be asked to wait: one member occupies few of the bridge's calls to Stripe.
    assert {answer.status_code for answer in answers} <= {303, 429}
    led = {answer.headers["Location"] for answer in answers if answer.status_code == 303}
    assert len(led) == 1
    assert len(sessions(place, "open")) == 1


def test_A134_another_price_of_the_product_closes_the_page_that_was_open(place: Place) -> None:
    monthly, yearly = two_prices(place)
    browser = place.browser("ada")
    first, second = tabs(browser, monthly, 1) + tabs(browser, yearly, 1)
    to_stripe(browser, first, monthly)
    address = to_stripe(browser, second, yearly)
    assert [one.url for one in sessions(place, "open")] == [address]
    assert len(sessions(place, "expired")) == 1


@pytest.mark.parametrize("other", [0, 1])
def test_A134_what_was_paid_in_another_tab_is_not_paid_again(place: Place, other: int) -> None:
    prices = two_prices(place)
    browser = place.browser("ada")
    first, second = tabs(browser, prices[0], 1) + tabs(browser, prices[other], 1)
    place.pay_at_stripe(to_stripe(browser, first, prices[0]))
    # No news of it has been worked on yet.
    assert to_stripe(browser, second, prices[other]).startswith("/join/done?order=")
    assert len(place.stripe.v1.checkout.sessions.list().data) == 1
    place.settle()
    assert len(place.stripe.v1.subscriptions.list().data) == 1


def test_A134_who_never_came_back_from_an_old_order_can_buy_again(place: Place) -> None:
    price, _ = two_prices(place)
    browser = place.browser("ada")
    (first,) = tabs(browser, price, 1)
    place.pay_at_stripe(to_stripe(browser, first, price))
    place.settle()
    (bought,) = place.stripe.v1.subscriptions.list().data
    place.stripe.v1.subscriptions.cancel(bought.id)
    place.settle()
    (again,) = tabs(browser, price, 1)
    assert "/c/pay/" in to_stripe(browser, again, price)


def test_A134_a_page_that_stripe_has_closed_gives_way_to_a_new_one(place: Place) -> None:
    price, _ = two_prices(place)
    browser = place.browser("ada")
    first, second = tabs(browser, price, 2)
    old = to_stripe(browser, first, price)
    (session,) = sessions(place, "open")
    place.stripe.v1.checkout.sessions.expire(session.id)
    new = to_stripe(browser, second, price)
    assert new != old
    assert [one.url for one in sessions(place, "open")] == [new]


def test_A134_a_donation_can_be_paid_once_more_after_it_is_paid(place: Place) -> None:
    price = place.sell_at_stripe("Coffee", "patrons", 500, None)
    place.settle()
    browser = place.browser("ada")
    first, second = tabs(browser, price, 2)
    place.pay_at_stripe(to_stripe(browser, first, price))
    assert "/c/pay/" in to_stripe(browser, second, price)
