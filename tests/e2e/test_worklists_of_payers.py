"""Payers linked to nobody, and disputes: listed, assigned, set aside and brought back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from bridge.core.model.actor import moderator
from bridge.errors import NotFound
from bridge.operations import links as linking
from bridge.store import changes, links
from tests.e2e.console import buy, user
from tests.e2e.place import Place, open_place
from tests.e2e.test_worklists import done, follow, press


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with open_place(tmp_path_factory.mktemp("payers")) as it:
        for name in ("mia", "ada", "ben"):
            it.person(name)
        it.forum.users[user(it, "mia")].moderator = True
        it.open_group("supporters", "Supporters")
        price = it.sell_at_stripe("Supporter", "supporters", 500, "month")
        it.settle()
        buy(it, "ada", price)
        yield it


def stranger(place: Place) -> str:
    """Somebody who subscribes at Stripe without the bridge."""
    at: Any = place.stripe.v1
    customer = at.customers.create({"payment_method": "pm_card_visa"})
    at.customers.update(
        customer.id,
        {
            "invoice_settings": {
                "default_payment_method": at.payment_methods.list({"customer": customer.id})
                .data[0]
                .id
            }
        },
    )
    (price,) = at.prices.list().data
    at.subscriptions.create({"customer": customer.id, "items": [{"price": price.id}]})
    place.settle()
    return str(customer.id)


def test_A9_a_payer_linked_to_nobody_is_assigned_after_its_consequences_were_shown(
    place: Place,
) -> None:
    customer = stranger(place)
    mia = place.browser("mia")
    page = mia.get("/moderate/lists/unlinked")
    assert customer in page.text
    assert "Supporter €5.00 a month (active)" in page.text
    form = follow(mia, page, "Assign a payer")
    unknown = press(mia, form, user="nobody-of-that-name", reason="They wrote to us")
    assert unknown.status_code == 400
    preview = press(mia, form, user="ben", reason="They wrote to us")
    assert "Gains" in preview.text
    assert "ben" not in place.members("supporters")
    assert "now belongs to ben" in done(mia, press(mia, preview))
    place.settle()
    assert "ben" in place.members("supporters")
    assert f"{customer} now belongs to ben." in mia.get("/moderate/lists/unlinked").text
    assert customer not in mia.get("/moderate/lists/unlinked?kind=waiting").text
    with place.bridge.store.read() as connection:
        assert links.user_of(connection, customer) == user(place, "ben")
        (line,) = changes.page(connection, action="linked", user_id=user(place, "ben"))
    assert line.cause == f"moderator:{user(place, 'mia')} via console"
    press(mia, preview)  # a second time
    with place.bridge.store.read() as connection:
        assert len(changes.page(connection, action="linked", user_id=user(place, "ben"))) == 1


def test_a_payer_is_set_aside_for_a_reason_and_waits_again(place: Place) -> None:
    customer = stranger(place)
    mia = place.browser("mia")
    form = follow(mia, mia.get("/moderate/lists/unlinked"), "Set a payer aside")
    empty = press(mia, form, reason=" ")
    assert empty.status_code == 400
    long = press(mia, press(mia, form, reason="x" * 1000))
    assert long.status_code == 400
    preview = press(mia, form, reason="Pays for the newsletter only")
    assert "is set aside" in done(mia, press(mia, preview))
    assert customer not in mia.get("/moderate/lists/unlinked?kind=waiting").text
    aside = mia.get("/moderate/lists/unlinked?kind=aside")
    assert "Pays for the newsletter only" in aside.text
    actor = moderator(user(place, "mia"), "console")
    with pytest.raises(NotFound, match="in the meantime"):
        linking.set_aside(place.bridge, actor, customer, reason="Twice")
    back = follow(mia, aside, "Put a payer back on the list")
    assert "is back on the list" in done(mia, press(mia, press(mia, back, reason="They joined")))
    assert customer in mia.get("/moderate/lists/unlinked").text
    with place.bridge.store.read() as connection:
        said = [changes.page(connection, action=one)[0] for one in ("set_aside", "waits_again")]
    assert [line.customer_id for line in said] == [customer, customer]
    assert said[0].outcome == "Pays for the newsletter only"


def test_a_dispute_is_listed_with_its_deadline_until_it_is_decided(place: Place) -> None:
    at: Any = place.stripe.v1
    with place.bridge.store.read() as connection:
        (customer,) = links.customers_of(connection, user(place, "ada"))
    intent = at.payment_intents.create(
        {
            "customer": customer,
            "amount": 900,
            "currency": "eur",
            "payment_method": "pm_card_createDispute",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )
    place.settle()
    mia = place.browser("mia")
    page = mia.get("/moderate/lists/disputes").text
    (dispute,) = at.disputes.list({"payment_intent": intent.id}).data
    assert dispute.id in page
    assert "ada" in page
    assert "€9.00" in page
    assert "Respond by" in page
    assert "Overdue" not in page
    place.pass_time(30 * 86_400)
    late = place.browser("mia").get("/moderate/lists/disputes").text
    assert ("Overdue" in late, "Nobody responded before the deadline." in late) == (True, True)
    at.disputes.close(dispute.id)
    assert dispute.id not in mia.get("/moderate/lists/disputes").text
