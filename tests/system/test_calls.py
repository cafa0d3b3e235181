"""How many requests each event of a member's life costs: exact, because they are the budget."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from bridge.core.ledger.news import is_asked_today
from bridge.operations import ledger
from bridge.sandbox.kernel import Entry
from bridge.sandbox.stripe import account_of, advance, delivery, load
from bridge.sandbox.stripe.balance import pay_out
from bridge.store import state
from bridge.worker import bookkeeping
from bridge.worker.reconcile import read_catalogue
from tests.bench.test_sandbox import PRODUCT, life
from tests.harness import DAY, POLICY, System, system
from tests.system.acts import checkout


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        yield it


def reads(entries: list[Entry]) -> list[str]:
    return [f"{e.method} {e.path}" for e in entries]


def writes(entries: list[Entry]) -> list[str]:
    """Requests to the forum, without the sweep's reading of groups."""
    return [f"{e.method} {e.path}" for e in entries if e.method != "GET"]


def bridge_reads(world: System, since: int) -> list[str]:
    """The bridge's reads from Stripe about somebody, without the nightly reading of everybody."""
    about_one = [
        e
        for e in world.calls("stripe", since)
        if e.method == "GET" and ("customer=" in e.query or not e.query)
    ]
    return reads(about_one)


def test_a_signup_costs_one_stripe_read_and_two_discourse_calls(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    world.settle()
    mark = world.mark()
    world.subscribe(customer, price)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    group = world.group("supporters")
    assert reads(world.calls("discourse", mark)) == [
        f"PUT /groups/{group}/members.json",
        "POST /posts.json",
    ]
    assert world.groups_of("alice") == {"supporters"}


def test_a_signup_for_what_a_mapped_feature_gives_costs_one_read_more(tmp_path: Path) -> None:
    policy = replace(POLICY, features={"forum": {"groups": "supporters"}})
    with system(tmp_path, policy=policy) as world:
        price = world.price("supporters")
        product = world.sdk.v1.prices.retrieve(price).product
        made: Any = {"name": "The forum", "lookup_key": "forum"}
        feature = world.sdk.v1.entitlements.features.create(made)
        row: Any = {"entitlement_feature": feature.id}
        world.sdk.v1.products.features.create(str(product), row)
        customer = world.customer("alice")
        world.settle()
        mark = world.mark()
        world.subscribe(customer, price)
        world.settle()
        assert bridge_reads(world, mark) == [
            "GET /v1/subscriptions",
            "GET /v1/entitlements/active_entitlements",
        ]


def test_without_a_mapped_feature_stripe_is_never_asked_for_entitlements(world: System) -> None:
    world.subscribe(world.customer("alice"), world.price("supporters"))
    world.settle()
    world.advance(DAY + 10)
    world.settle()
    asked = {entry.path for entry in world.calls("stripe") if entry.method == "GET"}
    assert "/v1/products" in asked
    assert not [path for path in asked if "entitlement" in path or path.endswith("/features")]


def test_a_renewal_costs_one_stripe_read_and_no_discourse_call(world: System) -> None:
    price = world.price("supporters", interval="day")
    world.subscribe(world.customer("alice"), price)
    world.settle()
    mark = world.mark()
    world.advance(DAY + 10)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert writes(world.calls("discourse", mark)) == []


def test_a_duplicate_costs_nothing(world: System) -> None:
    price = world.price("supporters")
    customer = world.customer("alice")
    world.settle()
    delivery.duplicate(world.sandbox.world, copies=3)
    mark = world.mark()
    world.subscribe(customer, price)
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert len(writes(world.calls("discourse", mark))) == 2


def test_an_upgrade_costs_one_stripe_read_and_two_writes_the_addition_first(
    world: System,
) -> None:
    low = world.price("supporters", discourse_ladder="level", discourse_rank="1")
    high = world.price("patrons", amount=5000, discourse_ladder="level", discourse_rank="2")
    subscription = world.subscribe(world.customer("alice"), low)
    world.settle()
    mark = world.mark()
    world.sdk.v1.subscriptions.update(
        subscription.id, {"items": [{"id": subscription["items"].data[0].id, "price": high}]}
    )
    world.settle()
    assert bridge_reads(world, mark) == ["GET /v1/subscriptions"]
    assert writes(world.calls("discourse", mark)) == [
        f"PUT /groups/{world.group('patrons')}/members.json",
        f"DELETE /groups/{world.group('supporters')}/members.json",
    ]
    assert world.groups_of("alice") == {"patrons"}


# --- What the ledger reads, once events say that money moved --------------------------------------

BOOKS = ("/v1/balance_transactions", "/v1/invoice_payments", "/v1/payouts", "/v1/credit_notes")
HOUR = 3_600


@pytest.fixture
def booked(world: System) -> System:
    """A bridge whose daily pass is over, and not due for the half of a day."""
    world.price("supporters")  # the group is known before anything is sold
    world.settle()
    ledger.update(world.bridge, lambda *_: None)
    return world


def for_the_books(world: System, since: int) -> list[str]:
    """The reads for the ledger, after the burst of events."""
    world.settle()
    for _ in range(2):
        world.advance(61)
        world.settle()
    return [
        f"GET {e.path}"
        for e in world.calls("stripe", since)
        if e.method == "GET" and (e.path.startswith(BOOKS) or "payment_intent=" in e.query)
    ]


def assert_it_ties(world: System) -> None:
    found = ledger.check(world.bridge)
    assert found.findings == ()
    assert found.booked == found.at_stripe


def test_A68_renewals_cost_the_ledger_one_read_for_all_of_them(booked: System) -> None:
    price = booked.price("supporters", interval="day")
    for name in ("alice", "bob", "carol"):
        booked.subscribe(booked.customer(name), price)
    booked.settle()
    booked.advance(12 * HOUR)
    ledger.update(booked.bridge, lambda *_: None)
    mark = booked.mark()
    booked.advance(12 * HOUR + 10)
    assert for_the_books(booked, mark) == ["GET /v1/balance_transactions"]
    assert_it_ties(booked)


def test_A68_an_order_costs_the_ledger_a_look_for_its_invoice_and_one_for_itself(
    booked: System,
) -> None:
    once = booked.price("visitors", interval=None)
    mark = booked.mark()
    checkout(booked, "alice", once, mode="payment")
    assert for_the_books(booked, mark) == [
        "GET /v1/balance_transactions",
        "GET /v1/invoice_payments",
        "GET /v1/checkout/sessions",
    ]
    assert_it_ties(booked)


def test_A68_a_refund_costs_the_ledger_a_look_for_its_credit_note(booked: System) -> None:
    booked.subscribe(booked.customer("alice"), booked.price("supporters"))
    for_the_books(booked, booked.mark())
    (charge,) = booked.sdk.v1.charges.list({"limit": 1}).data
    mark = booked.mark()
    booked.sdk.v1.refunds.create({"charge": charge.id, "amount": 300})
    assert for_the_books(booked, mark) == [
        "GET /v1/balance_transactions",
        "GET /v1/credit_notes",
    ]
    assert_it_ties(booked)


def test_A74_a_payout_costs_the_ledger_two_reads_and_none_for_each_payment(
    booked: System,
) -> None:
    booked.subscribe(booked.customer("alice"), booked.price("supporters"))
    booked.advance(7 * DAY)
    for_the_books(booked, booked.mark())
    mark = booked.mark()
    pay_out(account_of(booked.sandbox.world), "eur")
    (payout,) = account_of(booked.sandbox.world).tables["payout"].values()
    assert for_the_books(booked, mark) == [
        f"GET /v1/payouts/{payout['id']}",
        "GET /v1/balance_transactions",
        "GET /v1/balance_transactions",
    ]
    assert_it_ties(booked)


def test_A68_once_a_day_the_credit_is_read_of_those_alone_whose_balance_is_not_known(
    booked: System,
) -> None:
    today = booked.bridge.clock.now().date()
    turns = [today + timedelta(days=n) for n in range(4)]
    made = [booked.customer(f"member{n}") for n in range(20)]
    idle, rich = [one for one in made if not any(is_asked_today(one, day, 7) for day in turns)][:2]
    given: Any = {"amount": -500, "currency": "eur"}
    booked.sdk.v1.customers.balance_transactions.create(rich, given)
    booked.settle()
    with booked.bridge.store.write() as connection:  # the event is lost
        state.put_time(connection, bookkeeping.NEWS_AT, booked.bridge.clock.now())
    assert credit_read(booked, {idle, rich}) == {rich}
    assert credit_read(booked, {idle, rich}) == set()
    weekly = set()
    for _ in range(7):
        weekly |= credit_read(booked, {idle, rich})
    assert weekly == {idle, rich}


def credit_read(world: System, customers: set[str]) -> set[str]:
    """Whose credit is read within the next day."""
    mark = world.mark()
    world.advance(DAY)
    for_the_books(world, mark)
    asked = {e.path for e in world.calls("stripe", mark)}
    return {id_ for id_ in customers if f"/v1/customers/{id_}/balance_transactions" in asked}


def test_A27_A68_a_hundred_paid_invoices_are_one_page_of_each_list(world: System) -> None:
    """Credit is asked for where an invoice says that some was used, though nothing is left."""
    simulated = world.sandbox.world
    delivery.lose(simulated, 10_000)
    now = int(simulated.clock.now())
    load(simulated, [PRODUCT, *(each for n in range(100) for each in life(n, now))])
    given: Any = {"amount": -500, "currency": "eur"}
    world.sdk.v1.customers.balance_transactions.create("cus_7", given)
    advance(simulated, 31 * DAY)
    read_catalogue(world.bridge)
    mark = world.mark()
    made = ledger.update(world.bridge, lambda *_: None)
    assert sorted(reads(world.calls("stripe", mark))) == [
        "GET /v1/balance_transactions",
        "GET /v1/checkout/sessions",
        "GET /v1/credit_notes",
        "GET /v1/customers",
        "GET /v1/customers/cus_7/balance_transactions",
        "GET /v1/invoices",
        "GET /v1/payouts",
    ]
    assert made.read == 100 * 3 + 2  # an invoice, its charge and what that moved; credit twice
    assert_it_ties(world)
