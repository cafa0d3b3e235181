"""From a link in a post to the group and back to the post, over real sockets, without scripts."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.core.model.carried import Carried
from bridge.core.signed.reference import read_buyer
from bridge.store import links
from tests.e2e.place import Browser, Place, open_patrons

pytestmark = pytest.mark.e2e
POST = "/t/join-us/12/3"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_patrons(tmp_path, "ada", "eve") as opened:
        yield opened


@pytest.fixture
def yearly(place: Place) -> str:
    price = place.sell_at_stripe("Patron", "patrons", 2500, "year")
    place.settle()
    return price


def to_stripe(browser: Browser, price: str, post: str = POST) -> requests.Response:
    """Open the link in a post and press the button; Stripe's page is not opened."""
    page = browser.get(f"/join/{price}", params={"from": post})
    return browser.submit(page, f"/join/{price}")


def sessions(place: Place) -> list[Any]:
    return place.stripe.v1.checkout.sessions.list({"expand": ["data.line_items"]}).data


def customers(place: Place) -> list[Any]:
    return place.stripe.v1.customers.list().data


def test_A82_A49_a_member_buys_and_lands_on_the_post_they_came_from(
    place: Place, yearly: str
) -> None:
    browser = place.browser("ada")
    gone = to_stripe(browser, yearly)
    assert gone.status_code == 303
    (session,) = sessions(place)
    assert gone.headers["Location"] == session.url, "the card is typed on Stripe's own page"
    place.pay_at_stripe(session.url)
    back = browser.get(session.success_url)
    assert "Waiting for your payment to be confirmed…" in back.text
    assert "patrons" not in str(place.members("patrons"))
    place.settle()
    assert place.members("patrons") == {"ada"}
    arrived = browser.get(session.success_url)
    assert "You are in Patrons" in arrived.text
    assert f'url={place.forum_url}{POST}"' in arrived.text
    mine = browser.get("/me").text
    assert "Patrons" in mine
    assert "€25.00" in mine


def test_A53_A77_stripe_is_told_who_buys_what_and_nothing_more(place: Place, yearly: str) -> None:
    to_stripe(place.browser("ada"), yearly)
    (session,) = sessions(place)
    ada = place.forum.user_named("ada")
    assert ada
    secret, made = place.bridge.settings.secret_key, place.bridge.clock.now()
    assert read_buyer(Carried(session.client_reference_id, made, is_typed=True), [secret]) == ada.id
    assert session.metadata["purpose"] == "membership"
    sent = [
        str(entry.request)
        for entry in place.world.journal.since(0, "stripe")
        if entry.method == "POST" and "StripeClient" not in entry.caller
    ]
    assert not [body for body in sent if "ada@example.com" in body]
    place.pay_at_stripe(session.url)
    (subscription,) = place.stripe.v1.subscriptions.list().data
    assert subscription.metadata["purpose"] == "membership"
    assert read_buyer(Carried(subscription.metadata["bridge_reference"], made), [secret]) == ada.id


def test_A7_A16_a_returning_member_pays_as_the_customer_they_were(
    place: Place, yearly: str
) -> None:
    once = place.sell_at_stripe("Coffee", "patrons", 500, None)
    place.settle()
    browser = place.browser("ada")
    first = to_stripe(browser, yearly)
    place.pay_at_stripe(first.headers["Location"])
    place.settle()
    to_stripe(browser, once)
    assert len(customers(place)) == 1
    assert {session.customer for session in sessions(place)} == {customers(place)[0].id}


def test_A8_a_customer_with_the_same_address_is_never_taken(place: Place, yearly: str) -> None:
    other = place.stripe.v1.customers.create({"email": "ada@example.com", "name": "Other shop"})
    to_stripe(place.browser("ada"), yearly)
    (session,) = sessions(place)
    assert session.customer != other.id
    assert place.stripe.v1.customers.retrieve(other.id).to_dict() == other.to_dict()


def test_two_clicks_at_once_are_one_order_of_one_customer(place: Place, yearly: str) -> None:
    browser = place.browser("ada")
    page = browser.get(f"/join/{yearly}")
    with ThreadPoolExecutor(2) as clicks:
        answers = list(clicks.map(lambda _: browser.submit(page, f"/join/{yearly}"), range(2)))
    assert {answer.status_code for answer in answers} == {303}
    assert len({answer.headers["Location"] for answer in answers}) == 1
    assert len(sessions(place)) == 1
    assert len(customers(place)) == 1


def test_the_button_pressed_again_later_leads_to_the_same_page(place: Place, yearly: str) -> None:
    browser = place.browser("ada")
    page = browser.get(f"/join/{yearly}")
    first = browser.submit(page, f"/join/{yearly}")
    assert (
        browser.submit(page, f"/join/{yearly}").headers["Location"] == (first.headers["Location"])
    )


def test_a_paid_order_is_not_paid_again_by_going_back(place: Place, yearly: str) -> None:
    browser = place.browser("ada")
    page = browser.get(f"/join/{yearly}")
    address = browser.submit(page, f"/join/{yearly}").headers["Location"]
    (session,) = sessions(place)
    place.pay_at_stripe(address)
    browser.get(session.success_url)
    again = browser.submit(page, f"/join/{yearly}")
    assert again.headers["Location"].startswith("/join/done?order=")


def test_another_member_s_order_cannot_be_taken_over(place: Place, yearly: str) -> None:
    browser, other = place.browser("ada"), place.browser("eve")
    page = browser.get(f"/join/{yearly}")
    browser.submit(page, f"/join/{yearly}")
    order = page.text.partition('name="order" value="')[2].partition('"')[0]
    eves = other.get(f"/join/{yearly}")
    assert other.submit(eves, f"/join/{yearly}", order=order).status_code == 403


def test_what_is_running_already_is_refused_kindly(place: Place, yearly: str) -> None:
    browser = place.browser("ada")
    place.pay_at_stripe(to_stripe(browser, yearly).headers["Location"])
    page = browser.get(f"/join/{yearly}")
    place.settle()
    told = browser.get(f"/join/{yearly}")
    assert "You already have Patron" in told.text
    assert "Update card or cancel" in told.text
    form = browser.submit(page, f"/join/{yearly}")
    assert form.status_code == 200
    assert "You already have Patron" in form.text, "an old form cannot buy it twice either"
    assert len(sessions(place)) == 1


def test_A79_D4_cards_and_cancelling_are_on_stripe_s_page_for_one_s_own(
    place: Place, yearly: str
) -> None:
    browser, other = place.browser("ada"), place.browser("eve")
    place.pay_at_stripe(to_stripe(browser, yearly).headers["Location"])
    place.settle()
    mine = browser.get("/me")
    led = browser.submit(mine, "/me/billing")
    assert led.status_code == 303
    with place.bridge.store.read() as connection:
        ada = place.forum.user_named("ada")
        assert ada
        (customer,) = links.customers_of(connection, ada.id)
    eves = other.get(f"/join/{yearly}")
    token = eves.text.partition('csrf_token" value="')[2].partition('"')[0]
    stolen = {"customer": customer, "csrf_token": token}
    assert other.post("/me/billing", data=stolen).status_code == 403
    portals = [e for e in place.world.journal.since(0, "stripe") if "portal" in e.path]
    assert len(portals) == 1


def test_A51_A52_the_preview_tells_price_tax_recurrence_and_group(
    place: Place, yearly: str
) -> None:
    page = place.browser("ada").get(f"/join/{yearly}").text
    assert "€25.00 a year" in page
    assert "Renews automatically every year. Cancel any time." in page
    assert "If tax applies" in page
    assert "<strong>Patrons</strong>" in page
