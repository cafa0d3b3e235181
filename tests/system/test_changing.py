"""Changing to another step of a ladder: by a moderator in place, and by a new purchase."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.core.signed.reference import sign_replacement
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.store.schema.forum import changes
from tests.harness import DAY, SECRET_KEY, System, system
from tests.system.acts import account, checkout, confirm, moves
from tests.system.explaining import explain
from tests.system.test_calls import bridge_reads, writes
from tests.system.typing_commands import asked, typed

LADDER: Any = {"discourse_ladder": "level"}


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


@pytest.fixture
def ladder(world: System) -> tuple[str, str]:
    low = world.price("everybody,supporters", discourse_rank="1", **LADDER)
    high = world.price("everybody,patrons", amount=5000, discourse_rank="2", **LADDER)
    return low, high


def invoices(world: System, customer: str) -> list[Any]:
    """All that was billed, the oldest first."""
    return world.sdk.v1.invoices.list({"customer": customer}).data[::-1]


def pass_days(world: System, days: float) -> None:
    """Let days pass in which nothing happens but what the clock brings."""
    world.advance(days * DAY)
    world.settle()


def balance(world: System, customer: str) -> int:
    """Below zero is credit."""
    return world.sdk.v1.customers.retrieve(customer).balance or 0


def status(world: System, subscription: Any) -> str:
    return world.sdk.v1.subscriptions.retrieve(subscription.id).status


# --- in place, by a moderator ---------------------------------------------------------------------


def test_A36_a_moderator_sees_what_a_change_costs_and_nothing_is_changed(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    customer = world.customer("alice")
    subscription = world.subscribe(customer, low)
    pass_days(world, 10)
    mark = world.mark()
    shown = asked(world, "change", "alice", high)
    assert shown["applied"] is False
    credit, charge = sorted(amount for _, amount in shown["lines"])
    assert -1000 < credit < 0 < charge < 5000
    assert credit + charge == shown["total_minor"] == shown["due_minor"]
    assert "Nothing was changed" in typed(world, "change", "alice", high)
    assert {entry.path for entry in world.calls("stripe", mark) if entry.method != "GET"} == {
        "/v1/invoices/create_preview"
    }
    assert len(invoices(world, customer)) == 1
    found = world.sdk.v1.subscriptions.retrieve(subscription.id)
    assert found["items"].data[0].price.id == low
    applied = asked(world, "change", "alice", high, "--apply", "--by", "mona")
    assert (applied["applied"], applied["pending"]) == (True, False)
    assert invoices(world, customer)[-1].total == pytest.approx(shown["total_minor"], abs=5)


def test_A36_A30_a_moderators_change_takes_the_path_of_the_dashboard(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    by_moderator = world.subscribe(world.customer("alice"), low)
    by_dashboard = world.subscribe(world.customer("bob"), low)
    confirm(world)
    seen = {}
    for name, subscription in (("alice", by_moderator), ("bob", by_dashboard)):
        mark = world.mark()
        if name == "alice":
            asked(world, "change", name, high, "--apply", "--by", "mona")
        else:
            item = subscription["items"].data[0].id
            world.sdk.v1.subscriptions.update(
                subscription.id,
                {
                    "items": [{"id": item, "price": high}],
                    "proration_behavior": "always_invoice",
                },
            )
        world.settle()
        story = explain(world.bridge, world.user(name))["groups"]
        ends = {group["id"]: [stay["went"] for stay in group["stays"]] for group in story}
        (went,) = ends[world.group("supporters")]
        seen[name] = (
            bridge_reads(world, mark),
            writes(world.calls("discourse", mark)),
            world.groups_of(name),
            went["event"]["type"],
        )
    assert seen["alice"] == seen["bob"]
    assert seen["alice"][0] == ["GET /v1/subscriptions"]
    assert seen["alice"][1] == [
        f"PUT /groups/{world.group('patrons')}/members.json",
        f"DELETE /groups/{world.group('supporters')}/members.json",
    ]
    assert moves(world, "alice", "everybody") == ["in"]
    with world.bridge.store.read() as connection:
        (kept,) = connection.execute(
            changes.select().where(
                changes.c.action == "change_asked", changes.c.user_id == world.user("alice")
            )
        ).all()
    by = f"moderator:{world.user('mona')} via command"
    assert (kept.cause, kept.user_id) == (by, world.user("alice"))
    assert kept.outcome == "As a test says"
    assert (kept.detail["about"], kept.detail["move"]["price_id"]) == (by_moderator.id, high)


def test_A36_A46_E17_a_change_that_cannot_be_paid_leaves_the_old_level(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    customer = world.customer("alice")
    world.subscribe(customer, low)
    pass_days(world, 3)
    fail_payments(world.sandbox.world, customer, times=99)
    shown = asked(world, "change", "alice", high, "--apply", "--by", "mona")
    assert shown["pending"] is True
    assert shown["pay_url"]
    confirm(world)
    assert world.groups_of("alice") == {"everybody", "supporters"}
    pass_days(world, 1.1)
    confirm(world)
    assert moves(world, "alice", "supporters") == ["in"]
    assert moves(world, "alice", "patrons") == []


def test_A36_only_what_the_ladder_offers_can_be_asked_for(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    other = world.price("orchestra")
    world.subscribe(world.customer("alice"), low)
    world.user("bob")
    world.settle()
    refused = typed(world, "change", "alice", other, code=1)
    assert f"choose from: {high}" in refused
    assert "choose from: nothing" in typed(world, "change", "bob", high, code=1)
    assert "--by" in typed(world, "change", "alice", high, "--apply", code=2)
    product = world.sdk.v1.prices.retrieve(high).product
    assert asked(world, "change", "alice", str(product))["to"] == high


# --- anew -----------------------------------------------------------------------------------------


def word(world: System, user: str, old: str) -> dict[str, str]:
    return {
        "bridge_replaces": sign_replacement(
            old, world.user(user), world.bridge.clock.now(), SECRET_KEY
        )
    }


def buy_anew(world: System, user: str, price: str, old: Any, **more: Any) -> Any:
    """Do the guided purchase; the new subscription."""
    session = checkout(
        world,
        user,
        price,
        subscription_data={"metadata": word(world, user, old.id)},
        customer=old.customer,
        **more,
    )
    return session.subscription


def test_A88_A38_bought_again_the_old_one_ends_the_rest_is_credited_and_nobody_is_out(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    pass_days(world, 10)
    mark = world.mark()
    buy_anew(world, "alice", high, old)
    confirm(world)
    ends = [e for e in world.calls("stripe", mark) if e.method == "DELETE"]
    assert [e.path for e in ends] == [f"/v1/subscriptions/{old.id}"]
    assert status(world, old) == "canceled"
    assert world.groups_of("alice") == {"everybody", "patrons"}
    assert moves(world, "alice", "everybody") == ["in"]
    assert moves(world, "alice", "supporters") == ["in", "out"]
    credit = balance(world, customer)
    assert -1000 < credit < 0
    before = {one.id for one in invoices(world, customer)}
    for _ in range(5):
        pass_days(world, 13)
    later = [one for one in invoices(world, customer) if one.id not in before]
    assert [one.total for one in later] == [5000, 5000], "one bill a month, of the new one"
    assert [one.amount_paid for one in later] == [5000 + credit, 5000]
    assert moves(world, "alice", "everybody") == ["in"]


def test_A62_A88_what_was_bought_again_replaces_nothing_until_it_is_approved(world: System) -> None:
    low = world.price("supporters", discourse_rank="1", **LADDER)
    asking = {"discourse_rank": "2", "discourse_approval": "2020-01-01", **LADDER}
    high = world.price("patrons", amount=5000, **asking)
    old = world.subscribe(world.customer("alice"), low)
    confirm(world)
    buy_anew(world, "alice", high, old)
    confirm(world)
    assert (status(world, old), world.groups_of("alice")) == ("active", {"supporters"})
    typed(world, "register", "approve", "alice", "--reason", "Known to all", "--by", "mona")
    confirm(world)
    assert (status(world, old), world.groups_of("alice")) == ("canceled", {"patrons"})
    assert moves(world, "alice", "patrons") == ["in"]


def test_A88_a_purchase_that_is_not_paid_changes_nothing(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    pass_days(world, 2)
    fail_payments(world.sandbox.world, customer, times=99)
    world.subscribe(
        customer, high, payment_behavior="default_incomplete", metadata=word(world, "alice", old.id)
    )
    pass_days(world, 2)
    confirm(world)
    assert status(world, old) == "active"
    assert world.groups_of("alice") == {"everybody", "supporters"}
    assert moves(world, "alice", "supporters") == ["in"]


def test_A88_a_forged_or_foreign_word_ends_nothing(world: System, ladder: tuple[str, str]) -> None:
    low, high = ladder
    old = world.subscribe(world.customer("alice"), low)
    bobs = world.customer("bob")
    world.settle()
    mark = world.mark()
    words = (
        old.id,
        sign_replacement(
            old.id, world.user("bob"), world.bridge.clock.now(), SECRET_KEY
        ),  # bob's word on what is alice's
        sign_replacement(
            old.id, world.user("alice"), world.bridge.clock.now(), SECRET_KEY
        ),  # copied from her metadata
        sign_replacement(
            old.id, world.user("bob"), world.bridge.clock.now(), "another site's secret"
        ),
    )
    for said in words:
        world.subscribe(bobs, high, metadata={"bridge_replaces": said})
    confirm(world)
    assert [e for e in world.calls("stripe", mark) if e.method == "DELETE"] == []
    assert status(world, old) == "active"
    assert world.groups_of("alice") == {"everybody", "supporters"}


NEWS = ("customer.subscription.created", "invoice.paid", "checkout.session.completed")


def test_A88_A40_every_order_and_doubling_of_the_news_ends_the_old_one_once(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    orders = list(itertools.permutations(NEWS))[::2]  # each comes first once
    names = [f"member{number}" for number in range(len(orders))]
    old = {name: world.subscribe(world.customer(name), low) for name in names}
    confirm(world)
    delivery.hold(world.sandbox.world)
    told = {}
    for name in names:
        before = set(account(world).tables["event"])
        buy_anew(world, name, high, old[name])
        told[name] = {
            event["type"]: event_id
            for event_id, event in account(world).tables["event"].items()
            if event_id not in before
        }
    mark = world.mark()
    for step in range(len(NEWS)):
        for name, order in zip(names, orders, strict=True):
            delivery.release(world.sandbox.world, events=[told[name][order[step]]])
            delivery.resend(world.sandbox.world, told[name][order[0]])
        world.settle()
    delivery.clear(world.sandbox.world)
    confirm(world)
    ended = sorted(e.path for e in world.calls("stripe", mark) if e.method == "DELETE")
    assert ended == sorted(f"/v1/subscriptions/{one.id}" for one in old.values())
    for name in names:
        assert world.groups_of(name) == {"everybody", "patrons"}
        assert moves(world, name, "everybody") == ["in"]


@pytest.mark.parametrize("fault", ["reset_before", "reset_after", "timeout_after", "status"])
def test_A88_an_ending_that_failed_on_the_way_is_tried_again_and_done_once(
    world: System, ladder: tuple[str, str], fault: str
) -> None:
    low, high = ladder
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    pass_days(world, 10)
    more: dict[str, Any] = {"status": 500} if fault == "status" else {}
    more |= {"seconds": 0.1} if fault == "timeout_after" else {}
    world.sandbox.world.faults.add("stripe", "DELETE /v1/subscriptions/*", fault, times=1, **more)
    delivery.lose(world.sandbox.world, types="customer.subscription.deleted")
    buy_anew(world, "alice", high, old)
    confirm(world)
    assert "patrons" in world.groups_of("alice"), "nobody waits for it"
    world.advance(16 * 60)
    confirm(world)
    world.advance(16 * 60)
    confirm(world)
    assert status(world, old) == "canceled"
    assert world.groups_of("alice") == {"everybody", "patrons"}
    assert moves(world, "alice", "everybody") == ["in"]
    assert len([one for one in invoices(world, customer) if one.total < 0]) == 1


def test_A88_without_the_right_to_end_it_nobody_loses_anything_and_it_is_done_once_there_is(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    old = world.subscribe(world.customer("alice"), low)
    confirm(world)
    world.sandbox.world.faults.add(
        "stripe",
        "DELETE /v1/subscriptions/*",
        "status",
        times=None,
        status=403,
        body={"error": {"type": "invalid_request_error", "message": "It lacks a permission."}},
    )
    buy_anew(world, "alice", high, old)
    pass_days(world, 1)
    assert status(world, old) == "active"
    assert "patrons" in world.groups_of("alice")
    assert moves(world, "alice", "everybody") == ["in"]
    world.sandbox.world.faults.clear()
    world.advance(16 * 60)
    confirm(world)
    assert status(world, old) == "canceled"
    assert world.groups_of("alice") == {"everybody", "patrons"}


def test_A88_in_another_currency_the_old_one_runs_out_and_is_not_billed_again(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    product = world.sdk.v1.prices.retrieve(high).product
    dollars = world.sdk.v1.prices.create(
        {
            "product": str(product),
            "currency": "usd",
            "unit_amount": 5500,
            "recurring": {"interval": "month"},
        }
    ).id
    customer = world.customer("alice")
    old = world.subscribe(customer, low)
    pass_days(world, 10)
    checkout(
        world,
        "alice",
        dollars,
        customer=world.customer("alice"),
        subscription_data={"metadata": word(world, "alice", old.id)},
    )
    confirm(world)
    assert world.sdk.v1.subscriptions.retrieve(old.id).cancel_at_period_end
    assert world.groups_of("alice") == {"everybody", "patrons"}
    pass_days(world, 15)
    pass_days(world, 15)
    confirm(world)
    assert status(world, old) == "canceled"
    assert [one.total for one in invoices(world, customer)] == [1000]
    assert moves(world, "alice", "everybody") == ["in"]
    assert moves(world, "alice", "patrons") == ["in"]


def test_A88_other_things_in_the_old_subscription_go_on(
    world: System, ladder: tuple[str, str]
) -> None:
    low, high = ladder
    choir = world.price("choir", amount=300)
    customer = world.customer("alice")
    old = world.subscribe(customer, low, choir)
    pass_days(world, 10)
    buy_anew(world, "alice", high, old)
    confirm(world)
    left = world.sdk.v1.subscriptions.retrieve(old.id)
    assert (left.status, [one.price.id for one in left["items"].data]) == ("active", [choir])
    assert world.groups_of("alice") == {"everybody", "patrons", "choir"}
    assert moves(world, "alice", "choir") == ["in"]
    assert -1000 < balance(world, customer) < 0
