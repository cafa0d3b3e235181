"""Impossible purchases are refused before payment, with the reason and a way on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.stripe import fail_payments
from tests.e2e.place import Browser, Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("place")) as opened:
        for group in ("supporters", "patrons", "friends"):
            opened.open_group(group, group.capitalize())
        for name in ("ada", "nina"):
            opened.person(name)
        ladder = {"discourse_ladder": "level"}
        _sell(opened, "supporter", discourse_groups="supporters", discourse_rank="1", **ladder)
        _sell(opened, "patron", discourse_groups="patrons", discourse_rank="2", **ladder)
        _sell(opened, "ended", discourse_groups="friends", discourse_offer="no")
        _sell(opened, "halted", discourse_groups="nobody-knows")
        _sell(opened, "private")
        old = _sell(opened, "old", discourse_groups="friends")
        opened.stripe.v1.prices.update(old, {"active": False})
        opened.settle()
        yield opened


def _sell(place: Place, key: str, **metadata: str) -> str:
    product = place.stripe.v1.products.create({"name": key.capitalize(), "metadata": metadata}).id
    price: Any = {"product": product, "currency": "eur", "unit_amount": 500, "lookup_key": key}
    price["recurring"] = {"interval": "month"}
    return place.stripe.v1.prices.create(price).id


@pytest.mark.parametrize(
    ("key", "status", "title"),
    [
        ("nothing", 404, "We don’t know this offer"),
        ("private", 404, "We don’t know this offer"),
        ("%F0%9F%92%A5", 404, "We don’t know this offer"),
        ("old", 410, "This offer has ended"),
        ("ended", 410, "This offer has ended"),
        ("halted", 503, "You can’t buy this right now"),
    ],
)
def test_a_link_that_sells_nothing_says_why_and_leads_to_all_offers(
    place: Place, key: str, status: int, title: str
) -> None:
    page = place.browser("nina").get(f"/join/{key}")
    assert page.status_code == status
    assert f"<h1>{title}</h1>" in page.text
    assert 'href="/join">See all offers</a>' in page.text


def test_the_second_of_two_subscriptions_of_a_ladder_is_refused_before_payment(
    place: Place,
) -> None:
    browser = place.browser("ada")
    _pay(place, browser, "supporter")
    offer = browser.get("/join/patron")
    assert "Change to Patron" in offer.text, "what can be changed is changed, not bought besides"
    _pause(place)
    page = browser.get("/join/patron")
    assert page.status_code == 409
    assert "<h1>You already pay for Supporter</h1>" in page.text
    assert 'href="/me">View your membership</a>' in page.text
    mark = place.world.journal.since()[-1].number
    answer = browser.submit(offer, _action(offer), order="x" * 24)
    assert answer.status_code == 409
    asked = [e for e in place.world.journal.since(mark) if e.path.startswith("/v1")]
    assert asked == [], "Stripe is not asked for a page"
    card = browser.get("/join").text.split('<li class="card offer')[2]
    assert "You pay for Supporter, which can" in card


def _pause(place: Place) -> None:
    """Ada's subscription is paused in Stripe's dashboard; nothing can be changed then."""
    (subscription,) = place.stripe.v1.subscriptions.list({}).data
    paused: Any = {"pause_collection": {"behavior": "void"}}
    place.stripe.v1.subscriptions.update(subscription.id, paused)
    place.settle()


def test_what_one_has_is_not_sold_again_and_what_is_owed_is_paid_instead(tmp_path: Path) -> None:
    with open_place(tmp_path) as place:
        place.open_group("patrons", "Patrons")
        place.person("ada")
        _sell(place, "patron", discourse_groups="patrons")
        place.settle()
        browser = place.browser("ada")
        _pay(place, browser, "patron")
        assert "You already have Patron" in browser.get("/join/patron").text
        (subscription,) = place.stripe.v1.subscriptions.list({}).data
        fail_payments(place.world, str(subscription.customer), times=9)
        place.pass_time(32 * 86_400)
        place.settle()
        assert "go through</h1>" in browser.get("/join/patron").text


def _action(page: Any) -> str:
    text: str = page.text
    return "/join/" + text.split('action="/join/')[1].partition('"')[0]


def _pay(place: Place, browser: Browser, key: str) -> None:
    offer = browser.get(f"/join/{key}")
    place.pay_at_stripe(browser.submit(offer, _action(offer)).headers["Location"])
    place.settle()


def test_an_offer_says_what_happens_next_and_when(place: Place) -> None:
    page = place.browser("nina").get("/join/supporter").text
    steps = page.split('<ol class="steps">')[1].split("</ol>")[0]
    assert "Nothing is charged before you confirm there." in steps
    assert "It renews on" in steps
    assert f'href="{place.forum_url}/g/supporters">Supporters</a>' in page
