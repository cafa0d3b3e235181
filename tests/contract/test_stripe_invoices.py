"""The sum of an invoice, in today's shape and in the old ones."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.core.ledger.lines import MoneyPart
from bridge.core.model.stripe import PendingPayment
from bridge.stripe_api.charges import Payment, lines_after
from bridge.stripe_api.invoices import discount_of, parts_of, pending_payment
from bridge.stripe_api.orders import order_line, pending_order
from bridge.stripe_api.paid_invoices import invoice_line
from tests.contract.recorded import CONTRACT, needs_contract

pytestmark = pytest.mark.contract
T0 = 1_700_000_000


def line(amount: int, text: str = "1 \u00d7 Patron (at \u20ac20.00 / month)") -> dict[str, Any]:
    return {"amount": amount, "description": text}


def an_invoice(*lines: dict[str, Any], **changed: Any) -> dict[str, Any]:
    """A paid invoice of these lines, without discount and tax."""
    total = sum(each["amount"] for each in lines)
    return {
        "id": "in_1",
        "customer": "cus_1",
        "status": "paid",
        "created": T0,
        "currency": "eur",
        "subtotal": total,
        "total": total,
        "amount_due": total,
        "amount_paid": total,
        "amount_remaining": 0,
        "lines": {"data": list(lines)},
        **changed,
    }


def paid(amount: int) -> dict[str, int]:
    return {"total": amount, "amount_due": amount, "amount_paid": amount}


# --- discounts -----------------------------------------------------------------------------------


def test_A26_every_discount_of_an_invoice_counts() -> None:
    both = [{"amount": 300, "discount": "di_1"}, {"amount": 200, "discount": "di_2"}]
    found = invoice_line(an_invoice(line(2000), total_discount_amounts=both, **paid(1500)))
    assert found is not None
    assert (found.gross_minor, found.discount_minor, found.amount_minor) == (2000, 500, 1500)


@pytest.mark.parametrize("tax", [None, 285])
def test_A26_E20_of_an_old_invoice_the_sums_tell_the_discount(tax: int | None) -> None:
    old = an_invoice(line(2000), discount={"coupon": {"percent_off": 25}}, tax=tax)
    old |= paid(1500 + (tax or 0))
    assert discount_of(old) == 500


def test_A26_E20_tax_on_top_is_no_discount_and_tax_in_the_price_neither() -> None:
    taxes = [{"amount": 285, "inclusive": False}, {"amount": 90, "inclusive": True}]
    old = an_invoice(line(2000), discount={}, total_tax_amounts=taxes, **paid(1785))
    assert discount_of({**old, "discount": {"coupon": {}}}) == 500
    assert discount_of(old) == 0, "nothing was taken off an invoice without a discount"


def test_E49_a_discount_of_a_currency_without_decimals_is_as_it_is() -> None:
    off = [{"amount": 100, "discount": "di_1"}]
    yen = an_invoice(line(500), currency="jpy", total_discount_amounts=off, **paid(400))
    found = invoice_line(yen)
    assert found is not None
    assert (found.gross_minor, found.discount_minor) == (500, 100)


def test_A26_A29_a_discounted_invoice_paid_partly_from_credit_tells_all_three() -> None:
    off = [{"amount": 500, "discount": "di_1"}]
    balance = {"starting_balance": -400, "ending_balance": 0}
    sums = {"total": 1500, "amount_due": 1100, "amount_paid": 1100}
    found = invoice_line(an_invoice(line(2000), total_discount_amounts=off, **balance, **sums))
    assert found is not None
    assert (found.gross_minor, found.from_credit_minor, found.charged_minor) == (2000, 400, 1100)


def test_what_goes_back_of_a_payment_had_no_discount_and_no_parts() -> None:
    off = [{"amount": 500, "discount": "di_1"}]
    bought = invoice_line(
        an_invoice(line(1500), line(500, "Mug"), total_discount_amounts=off, **paid(1500))
    )
    assert bought is not None
    assert bought.parts
    refund = {"id": "re_1", "amount": 1500, "created": T0, "status": "succeeded"}
    lost = {"id": "dp_1", "amount": 1500, "created": T0, "status": "lost"}
    for gone in lines_after(Payment({}, [refund], [lost]), bought):
        assert (gone.discount_minor, gone.parts) == (0, ())
        assert gone.gross_minor == (0 if gone.kind == "dispute_lost" else -1500)


# --- parts ---------------------------------------------------------------------------------------


def test_A31_a_proration_shows_its_debit_and_then_its_credit() -> None:
    credit, debit = line(-500, "Unused time on Silver"), line(2000, "Remaining time on Gold")
    for lines in ([credit, debit], [debit, credit]):
        assert parts_of(an_invoice(*lines), 1500) == (
            MoneyPart("Remaining time on Gold", 2000),
            MoneyPart("Unused time on Silver", -500),
        )


def test_a_single_line_has_no_parts_and_what_costs_nothing_is_none() -> None:
    assert parts_of(an_invoice(line(2000), line(0, "Trial period for Gold")), 2000) == ()


def test_several_of_one_thing_are_counted() -> None:
    many = line(900, "3 \u00d7 Share (at \u20ac3.00 / year)")
    assert [p.what for p in parts_of(an_invoice(line(2000), many), 2900)] == [
        "Patron",
        "3 \u00d7 Share",
    ]


@pytest.mark.parametrize(
    "taxes",
    [
        {"total_taxes": [{"amount": 400, "tax_behavior": "exclusive"}]},
        {"total_tax_amounts": [{"amount": 400, "inclusive": False}]},
        {"tax": 400},
    ],
)
def test_E20_tax_on_top_is_a_part_of_its_own_old_and_new(taxes: dict[str, Any]) -> None:
    found = parts_of(an_invoice(line(1500), line(500, "Mug"), **taxes), 2400)
    assert [(p.what, p.amount_minor) for p in found][2:] == [("Tax", 400)]


@pytest.mark.parametrize(
    "taxes",
    [
        {"total_taxes": [{"amount": 320, "tax_behavior": "inclusive"}]},
        {"total_tax_amounts": [{"amount": 320, "inclusive": True}]},
    ],
)
def test_E20_tax_that_is_in_the_prices_is_none(taxes: dict[str, Any]) -> None:
    found = parts_of(an_invoice(line(1500), line(500, "Mug"), **taxes), 2000)
    assert [p.amount_minor for p in found] == [1500, 500]


amounts = st.integers(-5000, 5000)


@given(st.lists(amounts, max_size=6), amounts, st.integers(0, 900), st.integers(0, 900))
def test_A96_parts_add_up_to_the_price_before_discounts_whatever_the_lines_leave_out(
    lines: list[int], owed: int, tax: int, off: int
) -> None:
    total = max(0, sum(lines) + owed + tax - off)
    raw = an_invoice(
        *map(line, lines),
        total_taxes=[{"amount": tax, "tax_behavior": "exclusive"}],
        total_discount_amounts=[{"amount": off, "discount": "di_1"}],
        **paid(total),
    )
    found = invoice_line(raw)
    if found is not None and found.parts:
        assert sum(part.amount_minor for part in found.parts) == found.gross_minor
        assert all(part.amount_minor for part in found.parts)


# --- pending -------------------------------------------------------------------------------------


def test_A31_an_open_invoice_is_pending_since_it_was_finalized() -> None:
    raw = an_invoice(line(1200), status="open", amount_paid=0, amount_remaining=1200)
    raw["status_transitions"] = {"finalized_at": T0 + 60}
    since = datetime.fromtimestamp(T0 + 60, UTC)
    assert pending_payment(raw) == PendingPayment("in_1", "Patron", 1200, "eur", since)


@pytest.mark.parametrize("status", ["draft", "paid", "void", "uncollectible", None])
def test_A31_E31_E32_what_is_not_open_is_not_pending(status: str | None) -> None:
    raw = an_invoice(line(1200), status=status, amount_remaining=1200)
    assert pending_payment(raw) is None


def an_order(**changed: Any) -> dict[str, Any]:
    return {
        "id": "cs_1",
        "mode": "payment",
        "status": "complete",
        "payment_status": "unpaid",
        "customer": "cus_1",
        "created": T0,
        "amount_total": 900,
        "currency": "eur",
        "payment_intent": {"id": "pi_1", "status": "processing"},
        "total_details": {"amount_discount": 100},
        **changed,
    }


MUG = {"id": "li_1", "description": "Mug", "currency": "eur", "quantity": 1}
MUG |= {"amount_subtotal": 1000, "amount_discount": 100, "amount_total": 900}


def test_E43_an_order_whose_debit_is_under_way_is_pending() -> None:
    since = datetime.fromtimestamp(T0, UTC)
    assert pending_order(an_order(), [MUG]) == PendingPayment("cs_1", "Mug", 900, "eur", since)


@pytest.mark.parametrize(
    "changed",
    [
        {"payment_status": "paid"},
        {"payment_intent": {"id": "pi_1", "status": "requires_payment_method"}},
        {"payment_intent": "pi_1"},
        {"payment_intent": None},
    ],
)
def test_E43_an_order_that_is_paid_or_failed_is_not_pending(changed: dict[str, Any]) -> None:
    assert pending_order(an_order(**changed), [MUG]) is None


CHARGE = {"id": "ch_1", "amount": 900, "currency": "eur", "created": T0, "customer": "cus_1"}


def test_A26_an_order_of_several_things_shows_them_its_discount_and_its_tax() -> None:
    book = {**MUG, "description": "Book", "amount_subtotal": 500, "amount_discount": 50}
    book["amount_total"] = 540
    found = order_line(
        an_order(total_details={"amount_discount": 150}), [MUG, book], {**CHARGE, "amount": 1440}
    )
    assert found is not None
    assert (found.gross_minor, found.discount_minor) == (1590, 150)
    assert found.parts == (MoneyPart("Mug", 1000), MoneyPart("Book", 500), MoneyPart("Tax", 90))


def test_E49_an_order_that_was_charged_in_another_currency_tells_no_sums_of_its_own() -> None:
    found = order_line(an_order(), [MUG], {**CHARGE, "currency": "usd", "amount": 970})
    assert found is not None
    assert (found.amount_minor, found.discount_minor, found.parts) == (970, 0, ())


# --- what others recorded ------------------------------------------------------------------------


@needs_contract
@pytest.mark.parametrize(
    "path",
    sorted((CONTRACT / "stripe" / "recorded").glob("*/invoice*.json")),
    ids=lambda p: f"{p.parent.name}/{p.stem}",
)
def test_E20_the_parts_of_every_recorded_invoice_add_up(path: Any) -> None:
    raw = json.loads(path.read_text())["data"]["object"]
    if raw["object"] != "invoice" or "id" not in raw:
        return
    found = invoice_line(raw)
    assert found is None or sum(p.amount_minor for p in found.parts) in (0, found.gross_minor)
    waits = pending_payment(raw)
    assert waits is None or (raw["status"], waits.amount_minor) == ("open", raw["amount_remaining"])
