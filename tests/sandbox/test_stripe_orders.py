"""Orders of several lines, their refunds, and one-off prices on any invoice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import stripe

from bridge.sandbox.stripe.checkout_payment import complete
from tests.sandbox.stripe_shop import Shop, open_shop


@pytest.fixture
def shop() -> Iterator[Shop]:
    with open_shop() as shop:
        yield shop


def bought(shop: Shop, *amounts: int) -> Any:
    """A paid Checkout session of several one-off lines, with its invoice."""
    session = shop.v1.checkout.sessions.create(
        {
            "mode": "payment",
            "customer": shop.customer(),
            "line_items": [{"price": shop.price(a, None), "quantity": 1} for a in amounts],
            "invoice_creation": {"enabled": True},
            "success_url": "http://127.0.0.1/done",
        }
    )
    complete(shop.account, shop.account.tables["checkout.session"][session.id], {})
    return shop.v1.checkout.sessions.retrieve(session.id, {"expand": ["line_items", "invoice"]})


def test_A107_an_order_of_several_lines_has_them_on_session_and_invoice(shop: Shop) -> None:
    session = bought(shop, 6000, 1500)
    assert (session.amount_total, session.payment_status) == (7500, "paid")
    prices = [line.price.id for line in session.line_items.data]
    assert [line.amount_total for line in session.line_items.data] == [6000, 1500]
    lines = session.invoice.lines.data
    assert [line.pricing.price_details.price for line in lines] == prices
    assert (session.invoice.status, session.invoice.amount_paid) == ("paid", 7500)


def test_A107_a_credit_note_says_which_line_its_refund_is_of(shop: Shop) -> None:
    invoice = bought(shop, 6000, 1500).invoice
    line = invoice.lines.data[1]
    note = shop.v1.credit_notes.create(
        {
            "invoice": invoice.id,
            "lines": [{"type": "invoice_line_item", "invoice_line_item": line.id, "quantity": 1}],
            "refund_amount": 1500,
        }
    )
    assert (note.amount, note.type) == (1500, "post_payment")
    assert [part.invoice_line_item for part in note.lines.data] == [line.id]
    (tied,) = note.refunds
    refund = shop.v1.refunds.retrieve(tied.refund)
    assert (refund.amount, tied.amount_refunded) == (1500, 1500)
    charge = shop.v1.charges.retrieve(refund.charge)
    assert (charge.amount_refunded, charge.refunded) == (1500, False)


def test_A107_a_refund_that_was_made_before_can_be_tied_to_a_credit_note(shop: Shop) -> None:
    session = bought(shop, 6000, 1500)
    refund = shop.v1.refunds.create({"payment_intent": session.payment_intent, "amount": 1500})
    note = shop.v1.credit_notes.create(
        {
            "invoice": session.invoice.id,
            "lines": [
                {
                    "type": "invoice_line_item",
                    "invoice_line_item": session.invoice.lines.data[1].id,
                    "quantity": 1,
                }
            ],
            "refunds": [{"refund": refund.id, "amount_refunded": 1500}],
        }
    )
    assert [each.refund for each in note.refunds] == [refund.id]
    charge = shop.v1.charges.retrieve(refund.charge)
    assert charge.amount_refunded == 1500


def test_A107_a_credit_note_names_only_refunds_that_there_are(shop: Shop) -> None:
    invoice = bought(shop, 6000).invoice
    with pytest.raises(stripe.InvalidRequestError, match="No such refund"):
        shop.v1.credit_notes.create(
            {
                "invoice": invoice.id,
                "amount": 100,
                "refunds": [{"refund": "re_elsewhere", "amount_refunded": 100}],
            }
        )
    assert shop.v1.credit_notes.list({"invoice": invoice.id}).data == []


def sold(invoice: Any) -> list[tuple[str, int, bool]]:
    """Each line's price, amount, and whether it is a subscription's."""
    return [
        (
            line.pricing.price_details.price,
            line.amount,
            line.parent.type == "subscription_item_details",
        )
        for line in invoice.lines.data
    ]


def test_A108_a_one_off_price_on_an_invoice_made_by_hand_is_a_line_with_its_price(
    shop: Shop,
) -> None:
    customer, once = shop.customer(), shop.price(6000, None)
    invoice = shop.v1.invoices.create({"customer": customer})
    shop.v1.invoice_items.create(
        {"customer": customer, "invoice": invoice.id, "pricing": {"price": once}}
    )
    paid = shop.v1.invoices.pay(invoice.id)
    assert (paid.status, paid.billing_reason, paid.amount_paid) == ("paid", "manual", 6000)
    assert sold(paid) == [(once, 6000, False)]


def test_A108_a_one_off_item_stands_on_the_subscriptions_next_invoice(shop: Shop) -> None:
    monthly, once = shop.price(1000), shop.price(6000, None)
    sub = shop.subscribe(monthly)
    shop.v1.invoice_items.create({"customer": sub.customer, "pricing": {"price": once}})
    shop.advance(32)
    assert sorted(sold(shop.last_invoice(sub)), key=lambda one: one[1]) == [
        (monthly, 1000, True),
        (once, 6000, False),
    ]


def test_A108_a_one_off_item_comes_with_the_first_invoice_when_asked(shop: Shop) -> None:
    monthly, once = shop.price(1000), shop.price(6000, None)
    sub = shop.subscribe(monthly, add_invoice_items=[{"price": once}])
    lines = shop.last_invoice(sub).lines.data
    assert {line.pricing.price_details.price: line.amount for line in lines} == {
        monthly: 1000,
        once: 6000,
    }
    added = next(line for line in lines if line.amount == 6000)
    assert added.parent.type == "invoice_item_details"
    details = added.parent.invoice_item_details
    assert (details.subscription, details.proration) == (sub.id, False)
    item = shop.v1.invoice_items.retrieve(details.invoice_item)
    assert (item.invoice, item.amount) == (sub.latest_invoice, 6000)
    shop.advance(32)
    assert sold(shop.last_invoice(sub)) == [(monthly, 1000, True)], "once only"


TIERS = [
    {"up_to": 2, "unit_amount": 1000},
    {"up_to": 5, "unit_amount": 800, "flat_amount": 50},
    {"up_to": "inf", "unit_amount": 500},
]


@pytest.mark.parametrize(
    ("price", "quantity", "amount"),
    [
        ({"transform_quantity": {"divide_by": 10, "round": "up"}}, 11, 2000),
        ({"transform_quantity": {"divide_by": 10, "round": "down"}}, 19, 1000),
        ({"transform_quantity": {"divide_by": 10, "round": "up"}}, 20, 2000),
        ({"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS}, 2, 2000),
        ({"billing_scheme": "tiered", "tiers_mode": "graduated", "tiers": TIERS}, 6, 4950),
        ({"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS}, 4, 3250),
        ({"billing_scheme": "tiered", "tiers_mode": "volume", "tiers": TIERS}, 6, 3000),
    ],
)
def test_A140_packages_and_tiers_decide_what_a_quantity_costs(
    shop: Shop, price: dict[str, Any], quantity: int, amount: int
) -> None:
    what: dict[str, Any] = {"unit_amount": 1000} if "tiers" not in price else {}
    product = shop.v1.products.create({"name": "Gold"}).id
    made = shop.v1.prices.create(
        {"product": product, "currency": "eur", "recurring": {"interval": "month"}, **what, **price}
    )
    sub = shop.v1.subscriptions.create(
        {"customer": shop.customer(), "items": [{"price": made.id, "quantity": quantity}]}
    )
    assert shop.last_invoice(sub).amount_paid == amount
    shop.advance(32)
    assert shop.last_invoice(sub).amount_paid == amount


def test_A140_a_metered_price_costs_nothing_while_nothing_is_used(shop: Shop) -> None:
    metered = {"interval": "month", "usage_type": "metered"}
    made = shop.price(7, recurring=metered)
    assert shop.last_invoice(shop.subscribe(made)).amount_due == 0
