"""What is paid, has a rule and gives nothing is an alert that says who, what and why (A108)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.stripe import fail_payments
from bridge.worker import sweeper
from tests.harness import DAY, System, system
from tests.system.acts import checkout, confirm, pass_days, pay_open_invoices, staff_remove
from tests.system.typing_commands import asked, typed

MINUTE = 60


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        it.advance(2)
        yield it


def alerts(world: System) -> list[dict[str, Any]]:
    """What is said once everything had six minutes to come to rest."""
    confirm(world)
    for _ in range(6):
        world.advance(MINUTE)
        world.settle()
        sweeper.tick(world.bridge)
    return [one for one in asked(world, "alerts") if one["kind"] == "gives_nothing"]


def test_A108_an_invoice_paid_after_its_subscription_ended_is_an_alert(world: System) -> None:
    price = world.price("supporters", interval="month")
    customer = world.customer("alice")
    subscription = world.subscribe(customer, price)
    confirm(world)
    fail_payments(world.sandbox.world, customer, times=1)
    world.advance(31 * DAY)
    confirm(world)
    world.sdk.v1.subscriptions.cancel(subscription.id)
    confirm(world)
    confirm(world)
    assert world.groups_of("alice") == set()
    assert alerts(world) == []
    pay_open_invoices(world, customer)
    (alert,) = alerts(world)
    assert "alice" in alert["what"]
    assert "paid €10.00 for Membership supporters and got nothing" in alert["what"]
    assert f"{subscription.id} had ended before invoice" in alert["what"]
    charge = world.sdk.v1.charges.list({"customer": customer}).data[0]
    world.sdk.v1.refunds.create({"charge": charge.id})
    assert alerts(world) == []


def test_A108_who_was_taken_out_and_buys_the_group_again_is_an_alert_until_let_in(
    world: System,
) -> None:
    price = world.price("visitors", interval=None)
    customer = world.customer("alice")
    checkout(world, "alice", price, mode="payment", customer=customer)
    confirm(world)
    staff_remove(world, "visitors", "alice")
    pass_days(world, 1)
    assert world.groups_of("alice") == set()
    assert alerts(world) == []
    checkout(world, "alice", price, mode="payment", customer=customer)
    (alert,) = alerts(world)
    assert "paid again for Membership visitors and got nothing" in alert["what"]
    assert "staff had taken them out of visitors" in alert["what"]
    assert f"bridge lift id:{world.user('alice')} visitors" in alert["todo"]
    typed(world, "lift", "alice", "visitors", "--by", "moderator", "--yes")
    assert alerts(world) == []
    assert world.groups_of("alice") == {"visitors"}


def test_A108_what_has_no_rule_or_gives_its_group_is_no_alert(world: System) -> None:
    mapped = world.price("visitors", interval=None)
    plain = world.price("", interval=None)
    confirm(world)
    checkout(world, "alice", mapped, mode="payment")
    checkout(world, "bob", plain, mode="payment")
    ended = world.subscribe(world.customer("carol"), world.price("supporters"))
    confirm(world)
    world.sdk.v1.subscriptions.cancel(ended.id)
    assert alerts(world) == []
