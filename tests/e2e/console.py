"""A community with something in each of the moderators' worklists."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bridge.answers.worklists.lists import counts
from bridge.core.events.outcome import Outcome
from bridge.core.events.stripe import Event
from bridge.core.ledger.register_acts import Issue, Numbers
from bridge.core.model.actor import moderator
from bridge.core.rights.switching import Ending
from bridge.operations import grants, registers
from bridge.operations import links as links_of
from bridge.sandbox.discourse.membership import remove_member
from bridge.sandbox.stripe import advance, fail_payments
from bridge.store import inbox, links, paid_twice
from tests.e2e.place import Place, open_place

MONTH = 31 * 86_400
MANY = [f"guest{number}" for number in range(7)]


@contextmanager
def open_console(data: Path) -> Iterator[Place]:
    """Lars owes a month, kim's price lost its rule, seven guests would lose a group at once."""
    with open_place(data) as it:
        for name in ("mia", "max", "ada", "lars", "kim", "tina", "rita", "nina", *MANY):
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


def sell_a_share(it: Place) -> str:
    """A share that leads to the readers once a moderator has approved its buyer."""
    made: Any = {
        "name": "Share",
        "metadata": {
            "discourse_groups": "readers",
            "discourse_kind": "share",
            "discourse_approval": "2024-01-01",
        },
    }
    product = it.stripe.v1.products.create(made)
    price = it.stripe.v1.prices.create(
        {"product": product.id, "currency": "eur", "unit_amount": 15_000}
    )
    it.settle()
    return price.id


def dead_event(it: Place) -> None:
    """An event of live mode, which a bridge of test mode can never process."""
    now = it.bridge.clock.now()
    event = Event("evt_dead_1", "invoice.paid", "in_1", "invoice", None, now, livemode=True)
    with it.bridge.store.write() as connection:
        inbox.record(
            connection,
            event,
            source="stripe",
            payload_sha256="0" * 64,
            now=now,
            due_at=now,
            ended=Outcome("dead", "it is of live mode, and this bridge is of test mode"),
        )


def plant(it: Place) -> None:
    """Staff remove somebody who pays, an event cannot be read, many would lose a group at once.

    Nina has bought a share, and waits for approval.
    """
    actor = moderator(user(it, "mia"), "console")
    given = [
        grants.grant(it.bridge, actor, user(it, name), "guests", until_at=None, reason="A visit")
        for name in MANY
    ]
    forum, now = it.forum, it.bridge.clock.now()
    shares = Issue("share", user(it, "rita"), 3, 15_000, "eur")
    registers.issue(it.bridge, actor, shares, at=now, reason="The old book")
    moved = Numbers("share", 2, 3)
    registers.transfer(it.bridge, actor, moved, user(it, "tina"), at=now, reason="Sold")
    for step in ("application", "approval"):
        registers.record_step(it.bridge, actor, user(it, "rita"), step, at=now, reason="Form")
    supporters = forum.groups[forum.group_id_by_name["supporters"]]
    ada, mia = (forum.users[user(it, name)] for name in ("ada", "mia"))
    remove_member(forum, supporters, ada, mia, it.world.clock.now())
    dead_event(it)
    pay_once_more(it, "tina")
    with it.bridge.store.write() as connection:
        paid_twice.note(
            connection,
            user(it, "ada"),
            Ending("sub_1", "sub_2", "now", (), is_credited=True),
            now,
        )
    settle_until(it, lambda: it.members("guests") == set(MANY))
    for one in given:
        grants.revoke(it.bridge, actor, one.grant.id)
    settle_until(it, lambda: counts(it.bridge)["stopped"])
    buy(it, "nina", sell_a_share(it))


def pay_once_more(it: Place, name: str) -> None:
    """Pay for the same through a second customer, who is linked by hand."""
    (had,) = it.stripe.v1.subscriptions.list({"customer": customer(it, name)}).data
    made = it.stripe.v1.customers.create({"payment_method": "pm_card_visa"})
    (card,) = it.stripe.v1.customers.payment_methods.list(made.id).data
    card_of: Any = {"invoice_settings": {"default_payment_method": card.id}}
    it.stripe.v1.customers.update(made.id, card_of)
    same: Any = {"customer": made.id, "items": [{"price": had.items.data[0].price.id}]}
    it.stripe.v1.subscriptions.create(same)
    links_of.link(it.bridge, moderator(user(it, "mia"), "console"), made.id, user(it, name))


def settle_until(place: Place, is_so: Callable[[], object]) -> None:
    """Let minutes pass until something holds: statements may have used a minute's requests."""
    for _ in range(10):
        place.settle()
        if is_so():
            return
        place.pass_time(61)
    raise AssertionError("the bridge came to rest before that")
