"""Members keep a group until they were told of a failed payment and had time to pay."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.sandbox.stripe import fail_payments
from tests.harness import System, system
from tests.system.acts import membership, message_to, pass_days

SENT: Any = {"collection_method": "send_invoice", "days_until_due": 1}


@pytest.fixture
def world(tmp_path: Path, database_url: str) -> Iterator[System]:
    with system(tmp_path, database_url=database_url) as it:
        yield it


def test_A110_who_could_not_be_told_keeps_the_group_until_two_days_after_they_were(
    world: System,
) -> None:
    """The forum takes no messages for ten days, in which the grace of a day is long over."""
    price = world.price("supporters", discourse_grace="1d")
    world.subscribe(world.customer("ada"), price, **SENT)
    faults = world.sandbox.world.faults
    for route in ("POST /posts.json", "PUT /posts/*"):
        faults.add("discourse", route, "status", status=503, times=9999)
    pass_days(world, 10)
    assert world.members("supporters") == {"ada"}
    faults.clear()
    pass_days(world, 1)
    assert "supporters" in message_to(world, "ada")
    assert world.members("supporters") == {"ada"}
    pass_days(world, 3)
    assert world.members("supporters") == set()


def test_A110_grace_ends_on_its_day_where_the_notice_came_in_time(world: System) -> None:
    price = world.price("supporters", interval="week", discourse_grace="4d")
    customer = world.customer("ada")
    world.subscribe(customer, price)
    world.settle()
    fail_payments(world.sandbox.world, customer, 99)
    pass_days(world, 7.5)
    until = membership(world, "ada", "supporters").wanted_until
    (owed,) = world.sdk.v1.invoices.list({"customer": customer, "status": "open"}).data
    assert until.timestamp() == owed.created + 4 * 86_400
    pass_days(world, 5)
    assert world.members("supporters") == set()
