"""A gap longer than Stripe keeps events."""

from __future__ import annotations

from pathlib import Path

from bridge.sandbox.stripe import delivery
from tests.harness import DAY, system


def test_A14_words_lost_for_longer_than_stripe_keeps_them_are_made_good(tmp_path: Path) -> None:
    with system(tmp_path) as world:
        price = world.price("supporters", interval="year")
        world.subscribe(world.customer("alice"), price)
        customer = world.customer("bob")
        world.settle()
        delivery.lose(world.sandbox.world)
        world.subscribe(customer, price)
        world.advance(40 * DAY)
        world.settle()
        assert world.groups_of("bob") == {"supporters"}
