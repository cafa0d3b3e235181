"""The cost of shipping: its own line in the books and on the statement, with tax."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.objects import MoneyObject
from bridge.stripe_api.invoices import parts_of
from bridge.stripe_api.money_objects import (
    read_balance_move,
    read_charge,
    read_credit_note,
    read_invoice,
    read_order,
    read_refund,
)
from bridge.stripe_api.orders import order_line
from bridge.stripe_api.sold_lines import is_shipping_told, shipping
from tests.unit.core.test_ledger import balances, made

AT = 1_750_000_000
Taxed = Literal["not", "inclusive", "exclusive"]
RATE = {"id": "txr_1", "display_name": "VAT", "percentage": 19, "country": "DE"}


def tax_on(amount: int, how: Taxed) -> int:
    return {"not": 0, "inclusive": amount * 19 // 119, "exclusive": amount * 19 // 100}[how]


def priced(amount: int, how: Taxed, *, told: bool = True) -> dict[str, Any]:
    """An amount as in a session's line or its shipping cost at Stripe."""
    tax = tax_on(amount, how)
    taxes = [{"amount": tax, "rate": RATE | {"inclusive": how == "inclusive"}}]
    return {
        "amount_subtotal": amount,
        "amount_tax": tax,
        "amount_total": amount + (tax if how == "exclusive" else 0),
        "taxes": taxes if told and how != "not" else None,
    }


def session(lines: Sequence[dict[str, Any]], cost: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "mode": "payment",
        "customer": "cus_1",
        "currency": "eur",
        "payment_intent": "pi_1",
        "shipping_cost": cost,
        "amount_total": total(lines, cost),
    }


def total(lines: Sequence[dict[str, Any]], cost: dict[str, Any] | None) -> int:
    return sum(int(each["amount_total"]) for each in (*lines, *([cost] if cost else ())))


def bought(prices: Sequence[tuple[int, Taxed]]) -> list[dict[str, Any]]:
    return [
        {"id": f"li_{n}", "description": f"Mug {n}", "quantity": 1, "currency": "eur"}
        | priced(amount, how)
        for n, (amount, how) in enumerate(prices)
    ]


def charged(amount: int, refunded: int = 0) -> list[MoneyObject]:
    """A payment, a refund of it, and what both moved on the Stripe account."""
    raw: dict[str, Any] = {"id": "ch_1", "customer": "cus_1", "currency": "eur", "created": AT}
    raw |= {"amount": amount}
    charge = read_charge(raw | {"payment_intent": "pi_1"})
    assert charge is not None
    found: list[MoneyObject] = [charge, _moved("txn_1", "charge", amount, "ch_1")]
    if refunded:
        back = raw | {"id": "re_1", "charge": "ch_1", "amount": refunded, "created": AT + 10}
        found += [read_refund(back), _moved("txn_2", "refund", -refunded, "re_1")]
    return found


def _moved(id_: str, kind: str, amount: int, source: str) -> MoneyObject:
    said = {"id": id_, "type": kind, "source": source, "fee": 0, "amount": amount}
    return read_balance_move({**said, "currency": "eur", "created": AT, "available_on": AT})


def invoice(lines: Sequence[dict[str, Any]], cost: dict[str, Any]) -> dict[str, Any]:
    sum_ = total(lines, cost)
    return {
        "id": "in_1",
        "customer": "cus_1",
        "currency": "eur",
        "status": "paid",
        "created": AT,
        "total": sum_,
        "amount_due": sum_,
        "amount_paid": sum_,
        "shipping_cost": cost,
        "lines": {"data": [_invoiced(each) for each in lines]},
        "payment_intent": "pi_1",
    }


def _invoiced(line: dict[str, Any]) -> dict[str, Any]:
    taxes = [
        {
            "amount": each["amount"],
            "tax_behavior": "inclusive" if each["rate"]["inclusive"] else "exclusive",
            "tax_rate_details": {"tax_rate": each["rate"]},
        }
        for each in line["taxes"] or ()
    ]
    return {"id": line["id"], "amount": line["amount_subtotal"], "taxes": taxes, "quantity": 1}


HOW = st.sampled_from(["not", "inclusive", "exclusive"])
PRICES = st.lists(st.tuples(st.integers(1, 9999), HOW), min_size=1, max_size=4)


@given(
    prices=PRICES,
    cost=st.integers(1, 2000),
    how=HOW,
    told=st.booleans(),
    by_invoice=st.booleans(),
)
def test_A74_shipping_is_a_sale_of_its_own_and_every_sum_ties(
    prices: list[tuple[int, Taxed]], cost: int, how: Taxed, *, told: bool, by_invoice: bool
) -> None:
    lines, shipped = bought(prices), priced(cost, how, told=told)
    whole = total(lines, shipped)
    raw = invoice(lines, shipped)
    sold = (
        read_invoice(raw, raw["lines"]["data"], ())
        if by_invoice
        else read_order(session(lines, shipped), lines)
    )
    assert sold is not None
    book = made(sold, *charged(whole))
    assert book.findings == ()
    found = balances(book)
    taxes = [tax_on(amount, each) for amount, each in [*prices, (cost, how)]]
    net = cost - (tax_on(cost, how) if how == "inclusive" else 0)
    assert found["income:shipping"] == -net
    assert sum(v for k, v in found.items() if k.startswith("liabilities:tax")) == -sum(taxes)
    assert found["assets:stripe"] == whole
    assert not {"assets:receivable", "equity:suspense"} & found.keys()
    # What is given back as a whole leaves nothing.
    assert balances(made(sold, *charged(whole, whole))) == {}


@pytest.mark.parametrize("how", ["not", "inclusive", "exclusive"])
def test_A96_shipping_alone_is_given_back_by_its_sum_or_by_a_credit_note(how: Taxed) -> None:
    lines, shipped = bought([(2000, "inclusive")]), priced(490, how)
    raw, back = invoice(lines, shipped), shipped["amount_total"]
    sold = read_invoice(raw, raw["lines"]["data"], ())
    by_sum = made(sold, *charged(total(lines, shipped), back))
    note: dict[str, Any] = {"id": "cn_1", "invoice": "in_1", "customer": "cus_1"}
    note |= {"currency": "eur", "total": back, "created": AT + 5, "shipping_cost": shipped}
    noted = read_credit_note(note | {"refunds": [{"refund": "re_1"}]}, ())
    by_note = made(sold, noted, *charged(total(lines, shipped), back))
    for book in (by_sum, by_note):
        assert book.findings == ()
        found = balances(book)
        assert "income:shipping" not in found
        assert found["income:other"] == -(2000 - tax_on(2000, "inclusive"))
        assert found["assets:stripe"] == 2000


def test_shipping_before_stripe_told_its_cost_is_the_sum_that_it_told() -> None:
    old = {"id": "cs_1", "total_details": {"amount_shipping": 500}}
    (line,) = shipping(old)
    assert (line.amount_minor, line.total_minor, line.taxes) == (500, 500, ())
    assert shipping({"id": "cs_1", "shipping_cost": None, "total_details": None}) == []
    assert shipping({"id": "cs_1", "shipping_cost": priced(0, "not")}) == []


def test_an_invoice_without_the_taxes_on_its_shipping_is_left_to_the_ledger() -> None:
    assert not is_shipping_told({"shipping_cost": priced(490, "exclusive", told=False)})
    assert is_shipping_told({"shipping_cost": priced(490, "exclusive")})
    assert is_shipping_told({"shipping_cost": priced(490, "not", told=False)})
    assert is_shipping_told({})


@pytest.mark.parametrize("how", ["not", "inclusive", "exclusive"])
def test_A96_the_statement_shows_shipping_as_a_part_of_what_was_paid(how: Taxed) -> None:
    lines, shipped = bought([(2000, "not")]), priced(500, how)
    whole = total(lines, shipped)
    charge: dict[str, Any] = {"id": "ch_1", "status": "succeeded", "currency": "eur"}
    charge |= {"amount": whole}
    charge |= {"created": AT, "customer": "cus_1", "payment_intent": "pi_1"}
    line = order_line(session(lines, shipped), lines, charge)
    assert line is not None
    expected = [("Mug 0", 2000), ("Shipping", 500), ("Tax", whole - 2500)]
    assert [(p.what, p.amount_minor) for p in line.parts] == [one for one in expected if one[1]]
    raw = invoice(lines, shipped) | {"total_taxes": []}
    assert ("Shipping", 500) in [(p.what, p.amount_minor) for p in parts_of(raw, whole)]
