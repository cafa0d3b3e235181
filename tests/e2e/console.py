"""A community with something in each of the moderators' worklists."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import links
from tests.e2e.place import Place, open_place

MONTH = 31 * 86_400
MANY = [f"guest{number}" for number in range(7)]


@contextmanager
def open_console(data: Path) -> Iterator[Place]:
    """Lars owes a month, kim's price lost its rule, seven guests would lose a group at once."""
    with open_place(data) as it:
        for name in ("mia", "max", "ada", "lars", "kim", "tina", "rita", *MANY):
            it.person(name)
        for name in ("mia", "max"):
            it.forum.users[user(it, name)].moderator = True
        for name in ("supporters", "guests", "readers"):
            it.open_group(name, name.capitalize())
        price = it.sell_at_stripe("Supporter", "supporters", 500, "month")
        other = it.stripe.v1.products.create({"name": "Something else"})
        unmapped = it.stripe.v1.prices.create(
            {
                "product": other.id,
                "currency": "eur",
                "unit_amount": 500,
                "recurring": {"interval": "month"},
            }
        )
        it.settle()
        for name in ("ada", "lars", "kim", "tina"):
            buy(it, name, price)
        fail_payments(it.world, customer(it, "lars"), 9, "insufficient_funds")
        advance(it.world, MONTH + 2 * 3600)
        it.settle()
        for name in ("kim", "tina"):
            (one,) = it.stripe.v1.subscriptions.list({"customer": customer(it, name)}).data
            moved: Any = {"items": [{"id": one.items.data[0].id, "price": unmapped.id}]}
            it.stripe.v1.subscriptions.update(one.id, moved)
        it.settle()
        # So that seven are many.
        object.__setattr__(it.bridge.policy, "removal_mass_min", 5)
        yield it


def user(place: Place, name: str) -> int:
    return next(one.id for one in place.forum.users.values() if one.username == name)


def customer(place: Place, name: str) -> str:
    with place.bridge.store.read() as connection:
        (found,) = links.customers_of(connection, user(place, name))
    return found


def buy(place: Place, name: str, price: str) -> None:
    browser = place.browser(name)
    offer = browser.get(f"/join/{price}")
    place.pay_at_stripe(browser.submit(offer, f"/join/{price}").headers["Location"])
    place.settle()
