"""The states of events: done, ignored, dead or waiting, each with its reason."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import select, update

from bridge.core.signed.reference import sign_buyer
from bridge.sandbox.stripe import delivery
from bridge.store import links
from bridge.store import work as work_items
from bridge.store.schema.people import customers
from bridge.store.schema.work import inbox
from bridge.worker import reconcile, sweeper
from tests.harness import System, system
from tests.system.acts import confirm, outcomes
from tests.system.test_alerts import MINUTE, kinds, plain, told, until_told, work


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def send(world: System, payload: Any) -> int:
    """Sign and send this as Stripe does; the status of the answer."""
    body = json.dumps(payload).encode()
    at = int(time.time())
    secret = world.sandbox.info["stripe_webhook_secret"]
    mac = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return requests.post(
        f"{world.url}/webhooks/stripe",
        data=body,
        headers={"Stripe-Signature": f"t={at},v1={mac}"},
        timeout=10,
    ).status_code


def event(kind: str, subject: dict[str, Any], **more: Any) -> dict[str, Any]:
    """A snapshot event about something."""
    digest = hashlib.sha256(json.dumps([kind, subject, more], default=str).encode()).hexdigest()
    return {
        "id": f"evt_{digest[:16]}",
        "object": "event",
        "type": kind,
        "livemode": False,
        "api_version": "2026-10-28.endive",
        "created": 1_795_000_000,
        "data": {"object": subject},
        **more,
    }


def thin(kind: str, related: dict[str, Any]) -> dict[str, Any]:
    """A thin event about something."""
    return {
        "id": f"evt_thin_{hashlib.sha256(kind.encode()).hexdigest()[:12]}",
        "object": "v2.core.event",
        "type": kind,
        "livemode": False,
        "created": "2026-11-22T05:25:52.245Z",
        "related_object": related,
    }


def received(world: System, payload: dict[str, Any]) -> tuple[str, str | None]:
    """Send it and let everything happen; how the event ended."""
    assert send(world, payload) == 200
    world.settle()
    return outcomes(world)[payload["id"]]


def paths(world: System, mark: int) -> list[str]:
    return [entry.path for entry in world.calls("stripe", mark) if entry.caller != "nobody"]


# --- one that fails does not hold up the others ---------------------------------------------------


def test_A119_an_object_that_stripe_cannot_deliver_waits_alone_and_is_named(world: System) -> None:
    world.price("supporters")
    confirm(world)
    outage = world.sandbox.world.faults.add(
        "stripe", "GET /v1/charges/ch_broken", "status", times=None, status=500
    )
    broken = event("refund.created", {"id": "re_1", "object": "refund", "charge": "ch_broken"})
    assert send(world, broken) == 200
    world.settle()
    # The others of the lane go on: a product is renamed, another refund leads nowhere.
    product = world.sdk.v1.products.list().data[0].id
    world.sdk.v1.products.update(product, {"name": "Renamed"})
    other = event("refund.created", {"id": "re_2", "object": "refund", "charge": "ch_gone"})
    assert received(world, other)[0] == "ignored"
    assert outcomes(world)[broken["id"]][0] == "received"
    with world.bridge.store.read() as connection:
        renamed = select(inbox.c.status).where(inbox.c.type == "product.updated")
        assert connection.scalars(renamed).all() == ["done"]
    work(world, 7 * MINUTE)
    assert kinds(world) == ["event_waits"]
    text = plain(told(world)[0])
    assert f"refund.created {broken['id']}" in text
    assert "GET /v1/charges/ch_broken: Stripe answered 500" in text
    world.sandbox.world.faults.switches.remove(outage)
    work(world, 20 * MINUTE, step=60)
    assert outcomes(world)[broken["id"]][0] == "ignored"
    assert kinds(world) == []


def test_A119_ten_broken_objects_hold_up_no_product(world: System) -> None:
    world.price("supporters")
    confirm(world)
    world.sandbox.world.faults.add("stripe", "GET /v1/invoices/*", "status", times=None, status=500)
    for number in range(10):
        subject = {"id": f"cn_{number}", "object": "credit_note", "invoice": f"in_{number}"}
        assert send(world, event("credit_note.created", subject)) == 200
    product = world.sdk.v1.products.list().data[0].id
    world.sdk.v1.products.update(product, {"name": "Renamed"})
    work(world, 30, step=3)
    with world.bridge.store.read() as connection:
        renamed = select(inbox.c.status).where(inbox.c.type == "product.updated")
        assert connection.scalars(renamed).all() == ["done"]


@pytest.mark.parametrize(
    "bad", ["../../v1/customers", "..", "in_1/../../v1/customers", "in_1?expand[]=x", "in 1", "%2e"]
)
def test_A119_an_id_that_is_none_of_stripes_leads_to_no_request(world: System, bad: str) -> None:
    confirm(world)
    mark = world.mark()
    for kind, subject in (
        ("credit_note.created", {"id": "cn_1", "object": "credit_note", "invoice": bad}),
        ("customer.deleted", {"id": bad, "object": "customer"}),
        ("refund.created", {"id": bad, "object": "refund"}),
    ):
        status, reason = received(world, event(kind, subject))
        assert status in {"ignored", "dead"}
        assert reason
    assert paths(world, mark) == []


def test_A119_a_product_whose_id_is_its_owners_own_is_read_and_its_path_quoted(
    world: System,
) -> None:
    group = world.group("patrons")
    assert group
    own = "gold/2026 & more?"
    made = world.sdk.v1.products.create(
        {"id": own, "name": "Gold", "metadata": {"discourse_groups": "patrons"}}
    )
    assert made.id == own
    mark = world.mark()
    world.settle()
    assert "/v1/products/gold/2026 & more?" in paths(world, mark) or any(
        "gold%2F2026" in path for path in paths(world, mark)
    )
    with world.bridge.store.read() as connection:
        rows = select(inbox.c.status).where(inbox.c.object_id == own)
        assert set(connection.scalars(rows)) == {"done"}


# --- deleted customers ----------------------------------------------------------------------------


def a_member(world: System) -> str:
    price = world.price("supporters")
    customer = world.customer("alice")
    world.subscribe(customer, price)
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}
    return customer


def tombstone(world: System, customer: str) -> Any:
    with world.bridge.store.read() as connection:
        asked_for = select(customers.c.deleted_at).where(customers.c.customer_id == customer)
        return connection.scalar(asked_for)


@pytest.mark.parametrize("kind", ["customer.deleted", "v1.customer.deleted"])
def test_A118_word_that_a_customer_is_deleted_is_a_hint_and_the_customer_is_read(
    world: System, kind: str
) -> None:
    customer = a_member(world)
    subject = {"id": customer, "object": "customer"}
    payload = event(kind, subject)
    if kind.startswith("v1."):
        payload = thin(kind, {"id": customer, "type": "customer"})
    mark = world.mark()
    assert received(world, payload)[0] == "done"
    assert paths(world, mark) == [f"/v1/customers/{customer}"]
    assert tombstone(world, customer) is None
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}


def test_A118_a_wrong_tombstone_is_undone_by_the_next_reading(world: System) -> None:
    customer = a_member(world)
    with world.bridge.store.write() as connection:
        links.forget(connection, customer, world.bridge.clock.now())
    world.sdk.v1.subscriptions.update(
        world.sdk.v1.subscriptions.list().data[0].id, {"metadata": {"touched": "1"}}
    )
    world.settle()
    assert tombstone(world, customer) is None
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}


def test_A118_a_wrong_tombstone_is_undone_by_the_reading_of_everybody(world: System) -> None:
    customer = a_member(world)
    with world.bridge.store.write() as connection:
        links.forget(connection, customer, world.bridge.clock.now())
    reconcile.read_all_subscriptions(world.bridge)
    world.settle()
    assert tombstone(world, customer) is None
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}


def test_A118_a_customer_that_is_deleted_ends_its_subscriptions(world: System) -> None:
    customer = a_member(world)
    world.sdk.v1.customers.delete(customer)
    world.settle()
    assert tombstone(world, customer) is not None
    confirm(world)
    assert world.groups_of("alice") == set()


@pytest.mark.parametrize("kind", ["customer.deleted", "customer.subscription.deleted"])
def test_A118_an_event_of_another_account_touches_nothing(world: System, kind: str) -> None:
    customer = a_member(world)
    subject = {"id": customer, "object": "customer", "customer": customer}
    mark = world.mark()
    status, reason = received(world, event(kind, subject, account="acct_other"))
    assert (status, "acct_other" in (reason or "")) == ("ignored", True)
    assert paths(world, mark) == []
    assert world.groups_of("alice") == {"supporters"}


# --- who is not there -----------------------------------------------------------------------------


def test_A139_an_event_about_a_foreign_customer_ends_at_once_with_its_reason(
    world: System,
) -> None:
    confirm(world)
    # As Stripe does: it refuses to list what belongs to a customer that it does not know.
    world.sandbox.world.faults.add("stripe", "GET /v1/subscriptions", "status", status=404)
    subject = {"id": "sub_x", "object": "subscription", "customer": "cus_foreign"}
    status, reason = received(world, event("customer.subscription.updated", subject))
    assert status == "ignored"
    assert reason == "customer cus_foreign is not on this Stripe account"
    work(world, 10 * MINUTE, step=60)
    assert kinds(world) == []


def test_A139_test_data_that_was_deleted_ends_its_events_and_takes_nothing(world: System) -> None:
    customer = a_member(world)
    for what in ("customer", "subscription"):
        world.sandbox.world.faults.add(
            "stripe", f"GET /v1/{what}s*", "status", times=None, status=404
        )
    subject = {"id": customer, "object": "customer"}
    status, _ = received(world, event("customer.deleted", subject))
    assert status in {"ignored", "received"}
    confirm(world)
    assert world.groups_of("alice") == {"supporters"}


@pytest.mark.parametrize("customer", ["cus_never_seen", "cus_x", None])
def test_A139_a_type_that_is_ignored_causes_no_read(world: System, customer: str | None) -> None:
    confirm(world)
    mark = world.mark()
    for kind in ("invoice.created", "charge.succeeded", "payment_intent.created", "no.such.type"):
        subject = {"id": "in_1", "object": "invoice", "customer": customer}
        assert received(world, event(kind, subject))[0] == "ignored"
    assert paths(world, mark) == []


# --- references -----------------------------------------------------------------------------------


def test_A121_a_thin_customer_updated_with_a_valid_reference_links(world: System) -> None:
    price = world.price("supporters")
    delivery.lose(world.sandbox.world)
    reference = sign_buyer(
        world.user("alice"), world.bridge.clock.now(), world.bridge.settings.secret_key
    )
    customer = world.customer(None)
    world.subscribe(customer, price)
    world.sdk.v1.customers.update(customer, {"metadata": {"bridge_reference": reference}})
    world.settle()
    assert world.groups_of("alice") == set()
    related = {"id": customer, "type": "customer", "url": f"/v1/customers/{customer}"}
    assert received(world, thin("v1.customer.updated", related)) == ("done", None)
    with world.bridge.store.read() as connection:
        assert links.user_of(connection, customer) == world.user("alice")
    assert world.groups_of("alice") == {"supporters"}


def test_A121_a_thin_customer_updated_without_a_reference_costs_one_read(world: System) -> None:
    customer = a_member(world)
    mark = world.mark()
    related = {"id": customer, "type": "customer", "url": f"/v1/customers/{customer}"}
    assert received(world, thin("v1.customer.updated", related)) == ("done", None)
    assert paths(world, mark) == [f"/v1/customers/{customer}"]


# --- whatever comes -------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["2017-08-15", "2011-01-01", "2018-02-05"])
def test_A142_an_event_of_an_older_version_is_kept_dead_with_the_reason_and_an_alert(
    world: System, version: str
) -> None:
    confirm(world)
    mark = world.mark()
    subject = {"id": "in_1", "object": "invoice", "customer": "cus_1"}
    status, reason = received(world, event("invoice.paid", subject, api_version=version))
    assert status == "dead"
    assert reason is not None
    assert version in reason
    assert "2018-02-06" in reason
    assert paths(world, mark) == []
    assert reason in plain(until_told(world)).replace("<wbr>", "")
    assert kinds(world) == ["event_dead"]


def test_A142_an_event_in_an_eventbridge_envelope_is_unwrapped(world: System) -> None:
    customer = a_member(world)
    inner = event("customer.subscription.updated", {"id": "sub_1", "customer": customer})
    envelope = {
        "version": "0",
        "id": "9a7b",
        "detail-type": "customer.subscription.updated",
        "source": "aws.partner/stripe.com/ed_1",
        "account": "123456789012",
        "detail": inner,
    }
    assert send(world, envelope) == 200
    world.settle()
    assert outcomes(world)[inner["id"]] == ("done", None)


def test_A142_no_input_leaves_the_four_states(world: System) -> None:
    """Each kind of nonsense beside each kind of object, also while Stripe fails."""
    a_member(world)
    world.sandbox.world.faults.add("stripe", "GET /v1/charges/*", "status", times=None, status=500)
    odd: list[Any] = [None, "", "cus_1", "user:1", "forum", "inbox", "../..", [], {}, 5, "x" * 300]
    for number, value in enumerate(odd):
        for kind in ("invoice.paid", "refund.created", "customer.deleted", "price.updated", "?"):
            subject = {"id": value, "object": "charge", "customer": value, "charge": value}
            send(world, event(kind, subject, id=f"evt_odd_{number}_{len(kind)}"))
    nonsense: list[Any] = [None, [], 5, "text", {}, {"object": "event"}, {"detail": {}}]
    for payload in nonsense:
        assert send(world, payload) == 200
    work(world, 60, step=5)
    states = {status for status, _ in outcomes(world).values()}
    assert states <= {"done", "ignored", "dead", "received"}
    with world.bridge.store.read() as connection:
        rows = connection.execute(select(inbox).where(inbox.c.status != "done")).all()
    now = world.bridge.clock.now()
    for row in rows:
        assert row.outcome, row.event_id
        if row.status == "received":
            assert row.next_at is not None
            assert row.next_at <= now + timedelta(hours=1)


def test_A142_an_event_that_was_forgotten_is_taken_up_again(world: System) -> None:
    customer = a_member(world)
    with world.bridge.store.write() as connection:
        (event_id, *_) = connection.scalars(
            select(inbox.c.event_id).where(inbox.c.customer_id == customer)
        ).all()
        connection.execute(
            update(inbox).where(inbox.c.event_id == event_id).values(status="received")
        )
    work(world, 25 * MINUTE, step=60)
    assert outcomes(world)[event_id][0] in {"done", "ignored"}


def test_A142_an_event_that_nothing_takes_up_is_an_alert_within_a_day(world: System) -> None:
    customer = a_member(world)
    now = world.bridge.clock.now()
    with world.bridge.store.write() as connection:
        connection.execute(
            update(inbox).where(inbox.c.customer_id == customer).values(status="received")
        )
        # Its work is due in a month, whoever wrote that.
        work_items.mark_dirty(connection, customer, now=now, due_at=now, cause="test")
        work_items.rest(connection, customer, now + timedelta(days=30))
    world.advance(3700)
    sweeper.tick(world.bridge)
    assert "event_waits" in kinds(world)
