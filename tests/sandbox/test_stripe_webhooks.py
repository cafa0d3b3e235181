"""Webhooks of the simulated Stripe: signed, tried again, lost, doubled, held and mixed up."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.sandbox.sending import is_loopback
from bridge.sandbox.stripe import add_webhook, delivery
from tests.sandbox.stripe_shop import Listener, Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    try:
        yield listener
    finally:
        listener.close()


def arrived(shop: Shop, listener: Listener) -> list[dict[str, Any]]:
    """The bodies that have arrived once nothing more is due."""
    assert delivery.wait_until_idle(shop.world)
    return [json.loads(body) for body, _ in listener.got]


def test_the_official_library_accepts_the_signature(shop: Shop, listener: Listener) -> None:
    made = shop.v1.webhook_endpoints.create({"url": listener.url, "enabled_events": ["*"]})
    shop.customer(card=None)
    arrived(shop, listener)
    body, signature = listener.got[0]
    event = stripe.Webhook.construct_event(body, signature, made.secret)
    assert event.type == "customer.created"
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.Webhook.construct_event(body, signature, "whsec_other")


def test_an_endpoint_gets_only_the_types_it_asked_for(shop: Shop, listener: Listener) -> None:
    add_webhook(shop.world, listener.url, ["customer.subscription.created"])
    shop.subscribe()
    assert [e["type"] for e in arrived(shop, listener)] == ["customer.subscription.created"]


def test_a_refused_delivery_is_tried_again_later_and_shows_in_the_events_list(
    shop: Shop, listener: Listener
) -> None:
    listener.answers = lambda n: 500 if n == 1 else 200
    add_webhook(shop.world, listener.url)
    shop.customer(card=None)
    assert len(arrived(shop, listener)) == 1
    assert len(shop.v1.events.list({"delivery_success": False}).data) == 1
    shop.advance(10 / 86400)
    both = arrived(shop, listener)
    assert both[0]["id"] == both[1]["id"]
    assert shop.v1.events.list({"delivery_success": False}).data == []


def test_lost_events_never_arrive_but_are_listed_as_undelivered(
    shop: Shop, listener: Listener
) -> None:
    add_webhook(shop.world, listener.url)
    delivery.lose(shop.world, times=1)
    shop.customer(card=None)
    shop.v1.products.create({"name": "Gold"})
    assert [e["type"] for e in arrived(shop, listener)] == ["product.created"]
    missed = shop.v1.events.list({"delivery_success": False}).data
    assert [e.type for e in missed] == ["customer.created"]


def test_duplicates_have_the_same_id(shop: Shop, listener: Listener) -> None:
    add_webhook(shop.world, listener.url)
    delivery.duplicate(shop.world, times=1, copies=3)
    shop.customer(card=None)
    assert len({e["id"] for e in arrived(shop, listener)}) == 1
    assert len(listener.got) == 3


def test_delayed_events_arrive_after_simulated_time(shop: Shop, listener: Listener) -> None:
    add_webhook(shop.world, listener.url)
    delivery.delay(shop.world, 3600, times=1)
    shop.customer(card=None)
    assert arrived(shop, listener) == []
    shop.advance(1 / 24)
    assert len(arrived(shop, listener)) == 1


@pytest.mark.parametrize("order", ["given", "reversed", "shuffled"])
def test_held_events_arrive_when_released_in_the_order_asked_for(
    shop: Shop, listener: Listener, order: str
) -> None:
    add_webhook(shop.world, listener.url)
    delivery.hold(shop.world)
    names = [str(shop.v1.products.create({"name": str(n)}).id) for n in range(6)]
    assert arrived(shop, listener) == []
    delivery.clear(shop.world)
    assert delivery.release(shop.world, order, seed=3) == 6
    got = [e["data"]["object"]["id"] for e in arrived(shop, listener)]
    assert sorted(got) == sorted(names)
    assert (got == names, got == names[::-1]) == (order == "given", order == "reversed")


def test_chosen_events_are_released_in_the_order_given(shop: Shop, listener: Listener) -> None:
    add_webhook(shop.world, listener.url)
    delivery.hold(shop.world)
    for n in range(3):
        shop.v1.products.create({"name": str(n)})
    first, second, third = [d["event"] for d in delivery.deliveries(shop.world, "held")]
    delivery.release(shop.world, events=[third, first])
    assert [e["id"] for e in arrived(shop, listener)] == [third, first]
    assert [d["event"] for d in delivery.deliveries(shop.world, "held")] == [second]


def test_an_endpoint_at_an_older_version_gets_the_older_shapes(
    shop: Shop, listener: Listener
) -> None:
    add_webhook(shop.world, listener.url, api_version="2024-06-20")
    sub = shop.subscribe()
    end = sub["items"].data[0].current_period_end
    bodies = {e["type"]: e for e in arrived(shop, listener)}
    old = bodies["customer.subscription.created"]
    assert old["api_version"] == "2024-06-20"
    assert old["data"]["object"]["current_period_end"] == end
    assert "current_period_end" not in old["data"]["object"]["items"]["data"][0]
    invoice = bodies["invoice.paid"]["data"]["object"]
    assert (invoice["subscription"], invoice["paid"]) == (sub.id, True)
    line = invoice["lines"]["data"][0]
    assert (line["type"], line["price"]["id"]) == ("subscription", sub["items"].data[0].price.id)
    charge = bodies["charge.succeeded"]["data"]["object"]
    assert (charge["invoice"], charge["id"]) == (invoice["id"], invoice["charge"])


def test_a_request_at_an_older_version_is_answered_in_the_older_shape(shop: Shop) -> None:
    sub = shop.subscribe()
    old = shop.v1.subscriptions.retrieve(sub.id, {}, {"stripe_version": "2024-06-20"})
    assert old.current_period_end == sub["items"].data[0].current_period_end


def test_thin_events_carry_only_what_they_are_about(shop: Shop, listener: Listener) -> None:
    made = shop.client.v2.core.event_destinations.create(
        {
            "name": "bridge",
            "type": "webhook_endpoint",
            "event_payload": "thin",
            "enabled_events": ["v1.customer.subscription.past_due"],
            "webhook_endpoint": {"url": listener.url},
            "include": ["webhook_endpoint.signing_secret"],
        }
    )
    assert made.webhook_endpoint is not None
    customer = shop.customer()
    sub = shop.subscribe(customer=customer)
    shop.account.failing[customer] = ["generic_decline"]
    shop.advance(31)
    arrived(shop, listener)
    (body, signature), *more = listener.got
    assert more == []
    note: Any = shop.client.parse_event_notification(
        body.decode(), signature, str(made.webhook_endpoint.signing_secret)
    )
    assert note.type == "v1.customer.subscription.past_due"
    assert note.related_object.id == sub.id
    assert note.fetch_related_object().status == "past_due"
    assert shop.client.v2.core.events.retrieve(note.id).type == note.type


def test_only_loopback_is_ever_called(shop: Shop) -> None:
    assert is_loopback("http://127.0.0.1:8000/x")
    assert is_loopback("http://localhost/x")
    assert not is_loopback("http://example.com/x")
    add_webhook(shop.world, "http://192.0.2.1/hook")
    shop.customer(card=None)
    assert delivery.wait_until_idle(shop.world)
    (only,) = delivery.deliveries(shop.world)
    assert (only["state"], only["attempts"][0]["status"]) == ("pending", 0)


def test_previous_attributes_of_metadata_are_told_key_by_key(shop: Shop) -> None:
    product = shop.v1.products.create({"name": "Gold", "metadata": {"a": "1", "b": "2"}})
    shop.v1.products.update(product.id, {"metadata": {"a": "", "c": "3"}})
    before = shop.events("product.updated")[-1].data.previous_attributes.to_dict()
    assert before["metadata"] == {"a": "1", "c": None}
