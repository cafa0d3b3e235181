"""A signed word says what it is for, and opens nobody else's page at Stripe (A133)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from bridge.core.model.actor import operator
from bridge.core.signed.reference import BUYING, sign_buyer, sign_gift
from bridge.operations import links as operations
from bridge.store import links
from tests.e2e.place import Place, open_place

pytestmark = pytest.mark.e2e


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with open_place(tmp_path) as it:
        it.open_group("patrons")
        it.person("ada")
        it.person("eve")
        yield it


@pytest.fixture
def price(place: Place) -> str:
    found = place.sell_at_stripe("Patron", "patrons", 1000, "month")
    place.settle()
    return found


def id_of(place: Place, name: str) -> int:
    found = place.forum.user_named(name)
    assert found
    return found.id


def word(place: Place, name: str, sign: Any = sign_buyer) -> str:
    signed = sign(id_of(place, name), place.bridge.clock.now(), place.bridge.settings.secret_key)
    assert isinstance(signed, str)
    return signed


def paid_by_a_stranger(place: Place, price: str, typed: str, **metadata: str) -> str:
    """Somebody pays through a payment link, having typed the reference; returns the customer."""
    made = place.stripe.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": price, "quantity": 1}],
            "client_reference_id": typed,
            "success_url": "http://localhost/thanks",
            "metadata": metadata,
        }
    )
    place.pay_at_stripe(str(made.url))
    place.settle()
    customer = place.stripe.v1.checkout.sessions.retrieve(made.id).customer
    assert isinstance(customer, str)
    return customer


def owner(place: Place, customer: str) -> int | None:
    with place.bridge.store.read() as connection:
        return links.user_of(connection, customer)


def portals(place: Place) -> list[str]:
    return [
        e.request["customer"]
        for e in place.world.journal.since(0, "stripe")
        if "portal/sessions" in e.path
    ]


def opens(place: Place, name: str) -> requests.Response:
    browser = place.browser(name)
    return browser.submit(browser.get("/me"), "/me/billing")


def test_A133_a_payer_does_not_become_the_receivers_customer_by_the_receivers_word(
    place: Place, price: str
) -> None:
    customer = paid_by_a_stranger(place, price, word(place, "ada", sign_gift))
    assert owner(place, customer) is None
    assert place.members("patrons") == set()


def test_A133_a_word_that_has_ended_links_nobody(place: Place, price: str) -> None:
    old = word(place, "ada")
    place.pass_time(BUYING.total_seconds() + 86_400)
    assert owner(place, paid_by_a_stranger(place, price, old)) is None
    assert owner(place, paid_by_a_stranger(place, price, word(place, "ada"))) == id_of(place, "ada")


def test_A133_a_customer_linked_by_a_reference_alone_opens_no_portal_and_no_saved_card(
    place: Place, price: str
) -> None:
    theirs = paid_by_a_stranger(place, price, word(place, "ada"))
    assert place.members("patrons") == {"ada"}
    refused = opens(place, "ada")
    assert refused.status_code == 403
    assert "ask the moderators to confirm" in refused.text
    assert portals(place) == []
    once = place.sell_at_stripe("Coffee", "patrons", 500, None)
    place.settle()
    browser = place.browser("ada")
    browser.submit(browser.get(f"/join/{once}"), f"/join/{once}")
    newest = place.stripe.v1.checkout.sessions.list().data[0]
    assert newest.customer not in (None, theirs)


def test_A133_a_moderators_word_opens_the_portal(place: Place, price: str) -> None:
    theirs = paid_by_a_stranger(place, price, word(place, "ada"))
    operations.link(place.bridge, operator("test"), theirs, id_of(place, "ada"))
    assert opens(place, "ada").status_code == 303
    assert portals(place) == [theirs]


def test_A133_the_customers_own_metadata_open_the_portal_and_are_asked_once(
    place: Place, price: str
) -> None:
    theirs = paid_by_a_stranger(place, price, word(place, "ada"))
    named: Any = {"metadata": {"bridge_reference": word(place, "ada")}}
    place.stripe.v1.customers.update(theirs, named)
    place.settle()
    assert opens(place, "ada").status_code == 303
    begun = len(place.world.journal.since(0))
    assert opens(place, "ada").status_code == 303
    asked = [e.path for e in place.world.journal.since(0)[begun:] if e.method == "GET"]
    assert f"/v1/customers/{theirs}" not in asked
    assert portals(place) == [theirs, theirs]


def test_A133_metadata_that_name_somebody_else_open_nothing(place: Place, price: str) -> None:
    theirs = paid_by_a_stranger(place, price, word(place, "ada"))
    named: Any = {"metadata": {"bridge_reference": word(place, "eve")}}
    place.stripe.v1.customers.update(theirs, named)
    place.settle()
    assert opens(place, "ada").status_code == 403
    assert portals(place) == []


def test_A133_a_change_of_plan_opens_no_strangers_portal_either(place: Place) -> None:
    ladder = {"discourse_ladder": "level", "discourse_groups": "patrons"}
    ids = []
    for rank, amount in (("1", 500), ("2", 1000)):
        metadata = {**ladder, "discourse_rank": rank}
        product = place.stripe.v1.products.create({"name": f"Step {rank}", "metadata": metadata})
        what: Any = {"product": product.id, "currency": "eur", "unit_amount": amount}
        what["recurring"] = {"interval": "month"}
        ids.append(place.stripe.v1.prices.create(what).id)
    (default,) = place.stripe.v1.billing_portal.configurations.list({"is_default": True}).data
    products: Any = [
        {"product": place.stripe.v1.prices.retrieve(one).product, "prices": [one]} for one in ids
    ]
    update: Any = {"enabled": True, "default_allowed_updates": ["price"], "products": products}
    place.stripe.v1.billing_portal.configurations.update(
        default.id, {"features": {"subscription_update": update}}
    )
    place.settle()
    paid_by_a_stranger(place, ids[0], word(place, "ada"))
    browser = place.browser("ada")
    page = browser.get(f"/join/{ids[1]}")
    refused = browser.submit(page, f"/join/{ids[1]}")
    assert refused.status_code == 403
    assert "ask the moderators to confirm" in refused.text
    assert portals(place) == []
