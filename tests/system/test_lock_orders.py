"""A decision and a moderator's act about the same people at the same moment, on PostgreSQL.

Both write the same rows. In two orders, each would wait for the other until PostgreSQL gave up one.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event

from bridge.core.model.actor import moderator
from bridge.core.rights.paid_by_hand import Bought, Payment
from bridge.operations import grants, payments, registers
from bridge.sandbox.stripe import delivery, fail_payments
from bridge.store import registers as recorded
from bridge.wiring import Bridge
from bridge.worker import decider, publisher
from tests.harness import DAY, System, system
from tests.system.test_gifts import give
from tests.system.test_two_moderators import LONG_ENOUGH, Meanwhile

MIA = moderator(1, "console")
Act = Callable[[Bridge], object]


@dataclass
class Place:
    """A forum with two things to buy; for one of them, a moderator's approval is needed."""

    world: System
    supporters: str
    members: str


@pytest.fixture
def place(tmp_path: Path, postgresql_url: str) -> Iterator[Place]:
    with system(tmp_path, database_url=postgresql_url) as world:
        world.group("guests")
        members = world.price("members", discourse_approval="2026-01-01")
        made = Place(world, world.price("supporters"), members)
        world.settle()
        yield made


def past_due(world: System, name: str, price: str) -> str:
    """A customer whose renewal failed before the bridge decided anything about them."""
    customer = world.customer(name)
    grants.grant(world.bridge, MIA, world.user(name), "guests", until_at=None, reason="A guest")
    world.subscribe(customer, price)
    fail_payments(world.sandbox.world, customer, times=99)
    world.advance(32 * DAY)
    arrives(world)
    return customer


@contextmanager
def paused(world: System, after: str, meanwhile: Meanwhile) -> Iterator[None]:
    """Once this thread has sent such a statement, let the other one go on until it waits."""
    here = threading.current_thread()

    def look(*said: Any) -> None:
        if threading.current_thread() is here and after in said[2] and meanwhile.thread is None:
            meanwhile.begin()

    engine = world.bridge.store.engine
    event.listen(engine, "after_cursor_execute", look)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", look)
        if meanwhile.thread is not None:
            meanwhile.thread.join(LONG_ENOUGH)


def arrives(world: System) -> None:
    """Whatever Stripe tells is here, and due."""
    delivery.wait_until_idle(world.sandbox.world)
    world.sandbox.world.clock.advance(5)


def both(world: System, act: Act, after: str, other: Act) -> None:
    """Act, and let the other one begin in the middle of it: neither of them is given up."""
    url = world.bridge.store.url.render_as_string(hide_password=False)
    meanwhile = Meanwhile(partial(other, world.bridge), url)
    with paused(world, after, meanwhile):
        act(world.bridge)
    assert meanwhile.answer == [True]


def pay_by_hand(bridge: Bridge, user_id: int) -> object:
    paid = Payment(
        amount_minor=900, currency="eur", what="Cash", method="cash", at=bridge.clock.now()
    )
    return payments.record_payment(bridge, MIA, user_id, paid, Bought("guests", None))


def test_A34_a_member_whose_renewal_failed_pays_by_hand_while_that_is_decided(
    place: Place,
) -> None:
    world, customer = place.world, past_due(place.world, "ann", place.supporters)
    act = partial(pay_by_hand, user_id=world.user("ann"))
    both(world, act, "INSERT INTO work", partial(decider.work_on, key=customer))
    world.settle()
    assert world.groups_of("ann") == {"supporters", "guests"}


def test_A34_a_member_whose_renewal_failed_pays_by_hand_while_they_are_told_so(
    place: Place,
) -> None:
    world, customer = place.world, past_due(place.world, "ann", place.supporters)
    ann = world.user("ann")
    assert decider.work_on(world.bridge, customer)
    act = partial(pay_by_hand, user_id=ann)
    both(world, act, "INSERT INTO work", partial(publisher.work_on, user_id=ann))
    world.settle()
    assert world.groups_of("ann") == {"supporters", "guests"}


def test_A62_somebody_applies_while_a_moderator_records_a_step_of_somebody_who_has_their_gift(
    place: Place,
) -> None:
    world = place.world
    customer, bob = world.customer("ann"), world.user("bob")
    give(world, customer, place.supporters, "bob")
    world.settle()
    world.subscribe(customer, place.members)
    arrives(world)

    def step(bridge: Bridge) -> object:
        now = bridge.clock.now()
        return registers.record_step(bridge, MIA, bob, "application", at=now, reason="by letter")

    both(world, step, "INSERT INTO member_steps", partial(decider.work_on, key=customer))
    world.settle()
    with world.bridge.store.read() as connection:
        steps = recorded.steps_of(connection, [world.user("ann"), bob])
    assert [[one.kind for one in those] for those in steps.values()] == [
        ["application", "payment"],
        ["application"],
    ]


def test_A62_what_a_moderator_records_while_somebody_applies_is_not_recorded_twice(
    place: Place,
) -> None:
    world, customer, ann = place.world, place.world.customer("ann"), place.world.user("ann")
    world.subscribe(customer, place.members)
    arrives(world)

    def step(bridge: Bridge) -> object:
        now = bridge.clock.now()
        return registers.record_step(bridge, MIA, ann, "application", at=now, reason="by letter")

    both(world, step, "INSERT INTO member_steps", partial(decider.work_on, key=customer))
    world.settle()
    with world.bridge.store.read() as connection:
        steps = recorded.steps_of(connection, [ann])[ann]
    assert [(one.kind, one.reason[:9]) for one in steps] == [
        ("application", "by letter"),
        ("payment", "paid for "),
    ]
