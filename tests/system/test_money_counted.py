"""Payments on statements: credit, disputes and card holds."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import DAY, System, system
from tests.system.acts import checkout, message_to, page_of

MINUS = "\N{MINUS SIGN}"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[System]:
    with system(tmp_path) as it:
        it.advance(2)
        yield it


def told(world: System, user: str) -> tuple[str, str]:
    """The page and the message, brought up to date."""
    world.settle()
    world.advance(DAY + 60)
    world.settle()
    return page_of(world, user), message_to(world, user)


def charged(world: System, customer: str) -> int:
    """A customer's payments at Stripe, less refunds."""
    charges = world.sdk.v1.charges.list({"customer": customer}).data
    return sum(one.amount_captured - one.amount_refunded for one in charges if one.paid)


def test_A105_what_is_paid_from_credit_is_not_new_money(world: System) -> None:
    customer = world.customer("alice")
    bought = world.subscribe(customer, world.price("patrons", amount=12_000, interval="year"))
    world.settle()
    item = {"id": bought["items"].data[0].id, "price": world.price("supporters")}
    what: Any = {"items": [item], "proration_behavior": "always_invoice"}
    world.sdk.v1.subscriptions.update(bought.id, what)
    world.settle()
    for _ in range(3):
        world.advance(31 * DAY)
        world.settle()
    assert charged(world, customer) == 12_000
    balance = -(world.sdk.v1.customers.retrieve(customer).balance or 0)
    assert balance > 0
    for text in told(world, "alice"):
        assert "Paid in total €120.00" in text
        assert "Credit: Unused time on Membership patrons" in text
        assert text.count("Paid from credit") == 3
        assert f"Credit for your next payments €{balance / 100:.2f}" in text


def test_A105_credit_given_by_hand_and_by_a_credit_note_is_a_line_and_no_money(
    world: System,
) -> None:
    customer = world.customer("alice")
    bought = world.subscribe(customer, world.price("supporters"))
    world.settle()
    given: Any = {"amount": -300, "currency": "eur", "description": "For the broken stream"}
    world.sdk.v1.customers.balance_transactions.create(customer, given)
    note: Any = {"invoice": bought.latest_invoice, "amount": 400, "credit_amount": 400}
    world.sdk.v1.credit_notes.create(note)
    for text in told(world, "alice"):
        assert "Credit: For the broken stream €3.00" in text
        assert "Credit: Credit note €4.00" in text
        assert "Paid in total €10.00" in text
        assert "Credit for your next payments €7.00" in text


def test_A111_an_open_dispute_is_under_review_and_not_given_back(world: System) -> None:
    customer = world.customer("alice", payment_method="pm_card_createDispute")
    world.subscribe(customer, world.price("supporters"))
    for shown in told(world, "alice"):
        text = shown.replace(" Receipt", "").replace(" in total, under", " with your bank, under")
        assert f"Disputed with your bank, under review: Membership supporters {MINUS}€10.00" in text
        assert f"Disputed with your bank, under review {MINUS}€10.00" in text
        assert "Refunded" not in text
    (dispute,) = world.sdk.v1.disputes.list().data
    losing: Any = {"evidence": {"uncategorized_text": "losing_evidence"}, "submit": True}
    world.sdk.v1.disputes.update(dispute.id, losing)
    for text in told(world, "alice"):
        assert "under review" not in text
        assert f"Refunded {MINUS}€10.00" in text.replace(" in total", "")


def test_A138_a_card_hold_is_no_payment_until_it_is_captured_and_then_its_part(
    world: System,
) -> None:
    price = world.price("", amount=4200, interval=None, discourse_kind="other")
    hold: Any = {"payment_intent_data": {"capture_method": "manual"}}
    users = "voided", "partly"
    sessions = {user: checkout(world, user, price, mode="payment", **hold) for user in users}
    world.settle()
    for user in users:
        assert "€42.00" not in page_of(world, user)
    world.sdk.v1.payment_intents.cancel(sessions["voided"].payment_intent)
    part: Any = {"amount_to_capture": 2000}
    world.sdk.v1.payment_intents.capture(sessions["partly"].payment_intent, part)
    world.settle()
    world.advance(DAY + 60)
    world.settle()
    assert "€42.00" not in page_of(world, "voided")
    assert "Paid in total" not in page_of(world, "voided")
    assert "Paid in total €20.00" in page_of(world, "partly")
    assert "Refunded" not in page_of(world, "partly")
