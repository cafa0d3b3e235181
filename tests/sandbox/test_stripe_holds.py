"""Card holds, disputes won in part, and credit at the simulated Stripe."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.sandbox.stripe.charges import close_dispute, escalate, open_dispute
from tests.sandbox.stripe_shop import Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def hold(shop: Shop, amount: int = 4200) -> Any:
    return shop.v1.payment_intents.create(
        {
            "amount": amount,
            "currency": "eur",
            "customer": shop.customer(),
            "capture_method": "manual",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        }
    )


def charge_of(shop: Shop, intent: Any) -> Any:
    found = shop.v1.payment_intents.retrieve(intent.id).latest_charge
    return shop.v1.charges.retrieve(found, {"expand": ["refunds"]})


def moved(shop: Shop) -> list[int]:
    """The amounts of the account's balance transactions, oldest first."""
    return [t.amount for t in shop.v1.balance_transactions.list({"limit": 100}).data[::-1]]


def told(shop: Shop, before: int) -> list[str]:
    return [event.type for event in shop.events()][before:]


def test_A138_a_hold_is_a_charge_that_moves_no_money(shop: Shop) -> None:
    intent = hold(shop)
    charge = charge_of(shop, intent)
    assert (intent.status, intent.amount_capturable, intent.amount_received) == (
        "requires_capture",
        4200,
        0,
    )
    assert (charge.captured, charge.amount_captured, charge.balance_transaction) == (False, 0, None)
    assert (charge.paid, charge.status) == (True, "succeeded")
    assert moved(shop) == []


def test_A138_what_is_captured_in_part_is_paid_and_the_rest_let_go(shop: Shop) -> None:
    intent = hold(shop)
    before = len(shop.events())
    taken = shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2000})
    assert told(shop, before) == [
        "charge.captured",
        "charge.refunded",
        "refund.created",
        "payment_intent.succeeded",
    ]
    charge = charge_of(shop, intent)
    assert (taken.status, taken.amount_received, taken.amount_capturable) == ("succeeded", 2000, 0)
    assert (charge.amount, charge.amount_captured, charge.amount_refunded) == (4200, 2000, 2200)
    assert (charge.captured, charge.refunded) == (True, False)
    assert [(r.amount, r.balance_transaction) for r in charge.refunds.data] == [(2200, None)]
    assert moved(shop) == [2000]


def test_A138_of_a_part_that_was_captured_that_part_can_be_given_back(shop: Shop) -> None:
    intent = hold(shop)
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2000})
    with pytest.raises(stripe.InvalidRequestError, match="greater than unrefunded"):
        shop.v1.refunds.create({"payment_intent": intent.id, "amount": 2001})
    shop.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    shop.v1.refunds.create({"payment_intent": intent.id})
    assert charge_of(shop, intent).refunded is True
    assert moved(shop) == [2000, -500, -1500]


def test_A138_a_hold_that_is_cancelled_was_never_money(shop: Shop) -> None:
    intent = hold(shop)
    shop.v1.payment_intents.cancel(intent.id)
    charge = charge_of(shop, intent)
    assert (charge.captured, charge.refunded, charge.amount_refunded) == (False, True, 4200)
    assert moved(shop) == []
    with pytest.raises(stripe.InvalidRequestError, match="could not be captured"):
        shop.v1.payment_intents.capture(intent.id)


def test_A138_a_hold_that_nobody_captures_expires_after_seven_days(shop: Shop) -> None:
    intent, taken = hold(shop), hold(shop)
    shop.v1.payment_intents.capture(taken.id)
    shop.advance(6.9)
    assert shop.v1.payment_intents.retrieve(intent.id).status == "requires_capture"
    shop.advance(0.2)
    ended = shop.v1.payment_intents.retrieve(intent.id)
    assert (ended.status, ended.cancellation_reason) == ("canceled", "automatic")
    assert [e.data.object.id for e in shop.events("charge.expired")] == [ended.latest_charge]
    assert shop.v1.payment_intents.retrieve(taken.id).status == "succeeded"


@pytest.mark.parametrize("amount", [0, 4201])
def test_A138_more_than_was_held_or_nothing_cannot_be_captured(shop: Shop, amount: int) -> None:
    intent = hold(shop)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": amount})
    assert charge_of(shop, intent).captured is False
    assert moved(shop) == []


def test_A138_the_older_way_to_hold_is_captured_and_let_go_alike(shop: Shop) -> None:
    def held() -> Any:
        return shop.v1.charges.create(
            {"amount": 900, "currency": "eur", "source": "tok_visa", "capture": False}
        )

    charge = shop.v1.charges.capture(held().id, {"amount": 600})
    assert (charge.amount_captured, charge.amount_refunded) == (600, 300)
    let_go = held()
    with pytest.raises(stripe.InvalidRequestError, match="partially"):
        shop.v1.refunds.create({"charge": let_go.id, "amount": 100})
    refund = shop.v1.refunds.create({"charge": let_go.id})
    assert (refund.amount, refund.balance_transaction) == (900, None)
    with pytest.raises(stripe.InvalidRequestError):
        shop.v1.charges.capture(let_go.id)
    assert moved(shop) == [600]


def test_A138_a_dispute_is_about_what_was_captured(shop: Shop) -> None:
    intent = hold(shop)
    charge = shop.account.tables["charge"][intent.latest_charge]
    with pytest.raises(Exception, match="has not been captured"):
        open_dispute(shop.account, charge)
    shop.v1.payment_intents.capture(intent.id, {"amount_to_capture": 2000})
    assert open_dispute(shop.account, charge)["amount"] == 2000


def paid(shop: Shop, amount: int = 1000) -> dict[str, Any]:
    sub = shop.subscribe(shop.price(amount))
    found = shop.v1.charges.list({"customer": sub.customer}).data[0].id
    charge: dict[str, Any] = shop.account.tables["charge"][found]
    return charge


def dispute_of(shop: Shop, id_: str) -> Any:
    return shop.v1.disputes.retrieve(id_)


def test_A141_a_dispute_that_is_won_in_part_returns_that_part(shop: Shop) -> None:
    dispute = open_dispute(shop.account, paid(shop))
    close_dispute(shop.account, dispute, won=True, returned=900)
    shown = dispute_of(shop, dispute["id"])
    assert (shown.status, shown.amount) == ("won", 1000)
    assert [t.amount for t in shown.balance_transactions] == [-1000, 900]
    assert moved(shop) == [1000, -1000, 900]
    assert shop.events("charge.dispute.funds_reinstated")


@pytest.mark.parametrize("returned", [0, 1001, -5])
def test_A141_no_more_returns_than_was_withdrawn(shop: Shop, returned: int) -> None:
    dispute = open_dispute(shop.account, paid(shop))
    with pytest.raises(Exception, match="between 1 and 1000"):
        close_dispute(shop.account, dispute, won=True, returned=returned)
    assert dispute_of(shop, dispute["id"]).status == "needs_response"


def test_A141_a_part_of_a_payment_can_be_disputed(shop: Shop) -> None:
    dispute = open_dispute(shop.account, paid(shop), amount=400)
    assert dispute_of(shop, dispute["id"]).amount == 400
    close_dispute(shop.account, dispute, won=True)
    assert moved(shop) == [1000, -400, 400]


def test_A141_an_inquiry_moves_nothing_until_it_becomes_a_chargeback(shop: Shop) -> None:
    dispute = open_dispute(shop.account, paid(shop), inquiry=True)
    assert dispute_of(shop, dispute["id"]).status == "warning_needs_response"
    assert moved(shop) == [1000]
    escalate(shop.account, dispute)
    shown = dispute_of(shop, dispute["id"])
    assert (shown.status, shown.payment_method_details.card.case_type) == (
        "needs_response",
        "chargeback",
    )
    assert moved(shop) == [1000, -1000]
    close_dispute(shop.account, dispute, won=False)
    assert moved(shop) == [1000, -1000]


def test_A141_an_inquiry_that_ends_well_is_closed_and_moved_nothing(shop: Shop) -> None:
    dispute = open_dispute(shop.account, paid(shop), inquiry=True)
    close_dispute(shop.account, dispute, won=True)
    assert dispute_of(shop, dispute["id"]).status == "warning_closed"
    assert moved(shop) == [1000]


def balance_lines(shop: Shop, customer: str) -> list[tuple[str, int, int]]:
    found = shop.v1.customers.balance_transactions.list(customer, {"limit": 100}).data[::-1]
    return [(t.type, t.amount, t.ending_balance) for t in found]


def test_A105_a_year_switched_at_once_to_a_month_leaves_credit_that_later_invoices_use(
    shop: Shop,
) -> None:
    sub = shop.subscribe(shop.price(12000, "year"))
    items = [{"id": sub["items"].data[0].id, "price": shop.price(1000)}]
    shop.v1.subscriptions.update(sub.id, {"items": items, "proration_behavior": "always_invoice"})
    credited = shop.last_invoice(sub)
    assert (credited.total, credited.amount_due, credited.status) == (-11000, 0, "paid")
    assert (credited.starting_balance, credited.ending_balance) == (0, -11000)
    shop.advance(95)
    invoices = shop.v1.invoices.list({"subscription": sub.id}).data
    used = [(i.total, i.amount_due, i.amount_paid, i.ending_balance) for i in invoices[:3]]
    assert used == [(1000, 0, 0, -8000), (1000, 0, 0, -9000), (1000, 0, 0, -10000)]
    assert invoices[0].starting_balance == -9000
    assert balance_lines(shop, sub.customer) == [
        ("applied_to_invoice", -11000, -11000),
        ("applied_to_invoice", 1000, -10000),
        ("applied_to_invoice", 1000, -9000),
        ("applied_to_invoice", 1000, -8000),
    ]
    assert moved(shop) == [12000]


def test_A105_a_preview_says_what_credit_leaves_to_be_paid(shop: Shop) -> None:
    sub = shop.subscribe(shop.price(1000))
    shop.v1.customers.balance_transactions.create(sub.customer, {"amount": -300, "currency": "eur"})
    preview = shop.v1.invoices.create_preview({"subscription": sub.id})
    assert (preview.total, preview.amount_due) == (1000, 700)
    assert balance_lines(shop, sub.customer) == [("adjustment", -300, -300)]


def test_A105_a_credit_note_to_the_balance_pays_the_next_invoice(shop: Shop) -> None:
    sub = shop.subscribe(shop.price(1000))
    invoice = shop.last_invoice(sub)
    note = shop.v1.credit_notes.create({"invoice": invoice.id, "amount": 400, "credit_amount": 400})
    shop.advance(32)
    renewed = shop.last_invoice(sub)
    assert (renewed.total, renewed.amount_due, renewed.amount_paid) == (1000, 600, 600)
    lines = balance_lines(shop, sub.customer)
    assert lines == [("credit_note", -400, -400), ("applied_to_invoice", 400, 0)]
    made = shop.v1.customers.balance_transactions.retrieve(
        sub.customer, note.customer_balance_transaction
    )
    assert (made.credit_note, made.invoice) == (note.id, None)


@pytest.mark.parametrize("balance", [-300, 300])
def test_A105_a_voided_invoice_gives_the_balance_back(shop: Shop, balance: int) -> None:
    customer = shop.customer(card=None, balance=balance)
    shop.v1.invoice_items.create({"customer": customer, "amount": 1000, "currency": "eur"})
    invoice = shop.v1.invoices.create(
        {
            "customer": customer,
            "collection_method": "send_invoice",
            "days_until_due": 30,
            "pending_invoice_items_behavior": "include",
        }
    )
    opened = shop.v1.invoices.finalize_invoice(invoice.id)
    assert opened.amount_due == 1000 + balance
    assert shop.v1.customers.retrieve(customer).balance == 0
    shop.v1.invoices.void_invoice(invoice.id)
    assert shop.v1.customers.retrieve(customer).balance == balance
    assert balance_lines(shop, customer) == [
        ("adjustment", balance, balance),
        ("applied_to_invoice", -balance, 0),
        ("unapplied_from_invoice", balance, balance),
    ]
