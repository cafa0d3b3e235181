"""The lines of orders and invoices in old and new shapes, and their refunds."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.stripe_api.client import StripeApi
from bridge.stripe_api.order_lines import (
    Order,
    Refund,
    fates,
    items_bought_once,
    line_total,
    noted,
    order_of_invoice,
    order_of_session,
)
from tests.contract.recorded import Recorded, answer, recorded_server
from tests.contract.test_stripe_client import (
    a_charge,
    a_subscription,
    an_invoice,
    refusal,
    rows,
)

pytestmark = pytest.mark.contract
PERIOD = {"start": 1_700_000_000, "end": 1_702_592_000}


def once(line_id: str, price: str, amount: int, **more: Any) -> dict[str, Any]:
    """A line of an invoice that sells a price once, as Stripe has it now."""
    return {
        "id": line_id,
        "amount": amount,
        "currency": "eur",
        "period": PERIOD,
        "pricing": {"price_details": {"price": price, "product": f"prod_{price}"}},
        "parent": {"type": "invoice_item_details", "invoice_item_details": {"proration": False}},
        **more,
    }


def of_item(line_id: str, item: str, amount: int, price: str = "price_m") -> dict[str, Any]:
    """A line of an invoice that bills a subscription's item."""
    details = {"subscription": "sub_1", "subscription_item": item, "proration": False}
    parent = {"type": "subscription_item_details", "subscription_item_details": details}
    return once(line_id, price, amount, parent=parent)


def old(line_id: str, price: str, amount: int, **more: Any) -> dict[str, Any]:
    """The same before 2025-03-31."""
    what = {"id": price, "product": f"prod_{price}"}
    line = {"id": line_id, "amount": amount, "currency": "eur", "price": what, "period": PERIOD}
    return {**line, "type": "invoiceitem", "proration": False, **more}


def given_back(order: Order, *amounts: int, paid: int, currency: str = "eur") -> dict[str, int]:
    refunds = [Refund(f"re_{number}", amount, None) for number, amount in enumerate(amounts)]
    found = fates(order, currency, paid, refunds)
    return {id_: one.refund.refunded_minor for id_, one in found.items()}


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({}, 5000),
        ({"discount_amounts": [{"amount": 1000}, {"amount": 500}]}, 3500),
        ({"taxes": [{"amount": 950, "tax_behavior": "exclusive"}]}, 5950),
        ({"taxes": [{"amount": 798, "tax_behavior": "inclusive"}]}, 5000),
        ({"tax_amounts": [{"amount": 950, "inclusive": False}]}, 5950),
        ({"tax_amounts": [{"amount": 798, "inclusive": True}]}, 5000),
        (
            {
                "discount_amounts": [{"amount": 1000}],
                "taxes": [
                    {"amount": 760, "tax_behavior": "exclusive"},
                    {"amount": 40, "tax_behavior": "exclusive"},
                ],
            },
            4800,
        ),
        ({"discount_amounts": None, "taxes": None, "tax_amounts": None}, 5000),
    ],
)
def test_A108_a_line_costs_its_price_less_discounts_with_the_taxes_on_top(
    more: dict[str, Any], expected: int
) -> None:
    assert line_total(once("il_1", "p", 5000, **more)) == expected


@pytest.mark.parametrize("shape", [once, old])
def test_A107_A108_a_refund_of_a_line_is_known_with_its_discount_and_tax(shape: Any) -> None:
    taxed = shape("il_1", "p", 5000, taxes=[{"amount": 950, "tax_behavior": "exclusive"}])
    cheaper = shape("il_2", "q", 2000, discount_amounts=[{"amount": 500}])
    order = order_of_invoice([taxed, cheaper])
    assert given_back(order, 5950, paid=7450) == {"il_1": 5950, "il_2": 0}
    assert given_back(order, 1500, paid=7450) == {"il_1": 0, "il_2": 1500}


def test_A107_an_items_lines_are_one_with_its_prorations() -> None:
    lines = [
        of_item("il_1", "si_1", -1000, "price_old"),
        of_item("il_2", "si_1", 3000, "price_new"),
        once("il_3", "p", 6000),
    ]
    order = order_of_invoice(lines)
    (item, _) = order.lines
    assert (item.id, item.total_minor, item.sold.price_id) == ("si_1", 2000, "price_new")
    assert not item.sold.is_once
    assert given_back(order, 2000, paid=8000) == {"si_1": 2000, "il_3": 0}
    assert items_bought_once(lines) == [lines[2]]


def test_A107_in_a_currency_of_the_buyers_own_lines_have_their_part_of_what_was_paid() -> None:
    order = order_of_invoice([once("il_1", "p", 6000), once("il_2", "q", 2000)])
    assert given_back(order, 6600, paid=8800, currency="usd") == {"il_1": 6600, "il_2": 0}
    assert given_back(order, 6000, paid=8800, currency="usd") == {"il_1": 4500, "il_2": 1500}


def test_A107_a_sessions_lines_are_those_of_its_invoice() -> None:
    def line(line_id: str, price: str, amount: int, kind: str) -> dict[str, Any]:
        what = {"id": price, "product": "prod_1", "type": kind}
        return {"id": line_id, "price": what, "amount_total": amount, "currency": "eur"}

    session = [line("li_1", "m", 1000, "recurring"), line("li_2", "p", 6000, "one_time")]
    # In its trial the subscription costs nothing yet; only the invoice says so.
    invoiced = [of_item("il_1", "si_1", 0, "m"), once("il_2", "p", 6000)]
    order = order_of_session(session, invoiced, {"re_1": {"il_2": 500}})
    assert (order.keys["li_1"], order.keys["li_2"]) == ("si_1", "il_2")
    found = fates(order, "eur", 6000, [Refund("re_1", 500, None)])["il_2"]
    assert (found.refund.refunded_minor, found.doubt) == (500, None)
    alone = order_of_session(session, [once("il_9", "another", 7000)])
    assert [one.id for one in alone.lines] == ["li_1", "li_2"]
    assert [one.sold.is_once for one in alone.lines] == [False, True]


def test_A107_a_credit_note_names_lines_for_each_of_its_refunds() -> None:
    lines: list[dict[str, Any]] = [
        {"invoice_line_item": "il_1", "amount": 3000},
        {"invoice_line_item": "il_2", "amount": 1000, "discount_amounts": [{"amount": 200}]},
        {"invoice_line_item": None, "type": "custom_line_item", "amount": 200},
    ]
    now = {"id": "cn_1", "total": 4000, "refunds": [{"refund": "re_1", "amount_refunded": 4000}]}
    assert noted(now, lines) == {"re_1": {"il_1": 3000, "il_2": 800}}
    before = {"id": "cn_1", "total": 4000, "refund": "re_1"}
    assert noted(before, lines) == {"re_1": {"il_1": 3000, "il_2": 800}}
    half = {"id": "cn_1", "total": 4000, "refunds": [{"refund": "re_1", "amount_refunded": 2000}]}
    assert noted(half, lines) == {"re_1": {"il_1": 1500, "il_2": 400}}
    assert noted({"id": "cn_1", "total": 4000}, lines) == {}


# --- through the client ---------------------------------------------------------------------------


def refunded(server: Recorded, **invoice: Any) -> None:
    """A subscription of two items at the same price, with a refund of one."""
    lines = {"data": [of_item("il_1", "si_1", 1000), of_item("il_2", "si_2", 1000, "price_n")]}
    paid = an_invoice(lines=lines, amount_due=2000, amount_paid=2000, **invoice)
    server.play("GET", "/v1/subscriptions", rows(a_subscription(latest_invoice=paid)))
    back = {"id": "re_1", "amount": 1000, "created": 1_700_000_500, "status": "succeeded"}
    refunds = {"data": [back], "has_more": False}
    charge = a_charge(amount=2000, amount_refunded=1000, refunds=refunds)
    server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": charge}))


NOTE = {
    "id": "cn_1",
    "total": 1000,
    "status": "issued",
    "refunds": [{"refund": "re_1", "amount_refunded": 1000}],
    "lines": {"data": [{"invoice_line_item": "il_2", "amount": 1000}], "has_more": False},
}


@pytest.mark.parametrize(
    ("noted_minor", "note", "calls", "expected"),
    [
        (0, None, 2, None),
        (1000, NOTE, 3, 1000),
        (None, NOTE, 3, 1000),
        (1000, {**NOTE, "status": "void"}, 3, None),
        (1000, refusal(403, kind="permission_error"), 3, None),
    ],
)
def test_A107_credit_notes_are_asked_for_where_stripe_says_there_are_some(
    noted_minor: int | None, note: Any, calls: int, expected: int | None
) -> None:
    with recorded_server() as server:
        more = {} if noted_minor is None else {"post_payment_credit_notes_amount": noted_minor}
        refunded(server, **more)
        if note is not None:
            played = rows(note) if isinstance(note, dict) else note
            server.play("GET", "/v1/credit_notes", played)
        api = StripeApi("sk_test_123", server.url)
        paid = api.customer_reading("cus_1", payments=True).subscriptions[0].last_payment
        assert len(server.asked) == calls
    assert paid is not None
    first, second = paid.of_item("si_1"), paid.of_item("si_2")
    assert (first.amount_minor, second.amount_minor) == (1000, 1000)
    if expected is None:
        assert first.refund_doubt is not None
        assert second.refund_doubt is not None
    else:
        assert (first.refunded_minor, second.refunded_minor) == (0, expected)
        assert second.refund_doubt is None


def a_session(session_id: str, **changed: Any) -> dict[str, Any]:
    """A finished Checkout Session that sold nothing once."""
    return {
        "id": session_id,
        "mode": "subscription",
        "status": "complete",
        "payment_status": "paid",
        "customer": "cus_1",
        "created": 1_700_000_000,
        "invoice": None,
        "payment_intent": None,
        "line_items": {"data": [], "has_more": False},
        **changed,
    }


@pytest.mark.parametrize(
    ("session", "reason", "expected"),
    [
        pytest.param({"invoice": "in_1"}, "manual", [], id="made by the session"),
        pytest.param({"invoice": {"id": "in_1", "lines": {"data": []}}}, "manual", [], id="shown"),
        pytest.param({"subscription": "sub_1"}, "subscription_create", [], id="before 2022"),
        pytest.param({"subscription": "sub_1"}, "subscription_cycle", ["in_1:il_1"], id="renewal"),
        pytest.param({"subscription": "sub_2"}, "subscription_create", ["in_1:il_1"], id="another"),
        pytest.param({"invoice": "in_2"}, "manual", ["in_1:il_1"], id="of another invoice"),
        pytest.param({}, "manual", ["in_1:il_1"], id="none"),
    ],
)
def test_A108_what_an_invoice_of_a_checkout_sold_is_read_from_the_checkout_alone(
    session: dict[str, Any], reason: str, expected: list[str]
) -> None:
    with recorded_server() as server:
        lines = {"data": [once("il_1", "p", 1000)], "has_more": False}
        invoice = an_invoice(lines=lines, billing_reason=reason)
        what = {"id": "p", "product": "prod_p", "currency": "eur", "unit_amount": 1000}
        server.play("GET", "/v1/checkout/sessions", rows(a_session("cs_1", **session)))
        server.play("GET", "/v1/invoices", rows(invoice))
        server.play("GET", "/v1/payment_intents/pi_1", answer({"latest_charge": a_charge()}))
        server.play("GET", "/v1/prices/p", answer({**what, "type": "one_time", "recurring": None}))
        found = StripeApi("sk_test_123", server.url).purchases("cus_1").purchases
    assert [one.id for one in found] == expected
